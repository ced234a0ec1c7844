"""The admin as a whole: what operators find there, and what they never see."""

import datetime as dt
import re
from decimal import Decimal

import pytest
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from accounts.readonlyadmin import ReadOnly
from budgets.models import PeriodAmount
from consumption import ruleorder
from consumption.models import DayState, ExpectedAnomaly, Ledger, SavedView, UsageDay
from consumption.periods import ONE_DAY
from consumption.rules import AllocationRule
from costs.exchangemodel import ExchangeRate
from costs.models import CommitmentRate, CostReading, CostSnapshot
from costs.snapshots import reader_of
from sandbox.cloud import DEMO_KEY
from tests.budgets.budgets import make_budget
from tests.budgets.test_budget_models import make_alert, make_delivery
from tests.consumption.days import day, entry, keep, make_ledger, note_tags_of_vms
from tests.costs.catalogs import raw_entry, store
from tests.quotes.factories import make_quote

NOW = dt.datetime(2026, 3, 20, 8, tzinfo=dt.UTC)
WEBHOOK = "https://hooks.example/secret-of-the-owner"
LINES = "the-lines-of-a-customer"
READER = reader_of(DEMO_KEY.access_key)
OURS = [
    model
    for model in admin.site._registry
    if model._meta.app_label in {"accounts", "budgets", "consumption", "costs", "quotes"}
]
CHANGEABLE = {User, CommitmentRate, AllocationRule, ExchangeRate}

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(client):
    user = User.objects.create_superuser("operator", "a good password")
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    client.get("/admin/")  # the first visit writes down that the session is in use
    return client


def fill(number):
    """Make one more row of everything that operators see, with two of what stands on the page of another."""
    account_id = f"90000000000{number}"
    owner = User.objects.for_account(account_id, name=f"Meridian {number}")
    make_quote(owner=owner, items=1 + number)
    budget = make_budget(of=owner, webhook_url=WEBHOOK, readers=[READER], emails=["a@example.com"])
    for month in range(1, 2 + number):
        PeriodAmount.objects.create(budget=budget, first_day=dt.date(2026, month, 1), amount=Decimal(7))
    alert = make_alert(budget, figure=Decimal("61234.56"))
    make_delivery(alert, state="failed", problem="refused")
    store(raw_entry(price=number + 1), at=dt.datetime(2026, 3, 1 + number, tzinfo=dt.UTC))
    CommitmentRate.objects.create(
        category=f"category {number}", period="1year", percent=10, valid_from=dt.date(2026, 1, 1)
    )
    facts = {"account_id": account_id, "region": "eu-west-2", "reader": READER, "content": LINES.encode()}
    CostReading.objects.create(**facts, touched_at=NOW, claimed_until=NOW)
    CostSnapshot.objects.create(
        **facts,
        taken_at=NOW,
        day=NOW.date(),
        is_complete=True,
        has_objects=False,
        resource_count=3,
        unpriced_count=0,
        currency="EUR",
        per_month=Decimal(12),
    )
    ledger = make_ledger(account_id)
    Ledger.objects.filter(pk=ledger.pk).update(tags_tried_by=READER)
    keep(ledger, {day(2 + number): [entry(f"type-{number}", price="98765.4321")]})
    note_tags_of_vms(ledger, day(2), {"i-1": {"project": "imagerie"}})
    SavedView.objects.create(owner=owner, name="Mine", page="history", saved_at=NOW)
    ExchangeRate.objects.create(currency=f"US{'ABCDEF'[number]}", into="EUR", rate=Decimal("0.9"), set_at=NOW)
    rule = AllocationRule(owner=owner, cost_centre="R&D", tag_key="project", tag_value="*")
    ruleorder.keep(rule=rule, at=NOW)
    ExpectedAnomaly.objects.create(
        account_id=account_id, scope="{}", scope_digest="d", first_day=day(1), last_day=day(2), is_rise=True
    )


def list_of(model):
    return f"/admin/{model._meta.app_label}/{model._meta.model_name}/"


def pages_of(model):
    """Return the addresses of the list, of a search in it, and of the page of the row made last."""
    newest = model.objects.latest("joined_at") if model is User else model.objects.latest("pk")
    return [list_of(model), f"{list_of(model)}?q=9000", f"{list_of(model)}{newest.pk}/change/"]


def test_everything_that_operators_need_is_there():
    names = {model._meta.label for model in OURS}
    assert names >= {
        *("accounts.User", "quotes.Quote", "budgets.Budget", "budgets.BudgetAlert", "budgets.AlertDelivery"),
        *("costs.Catalog", "costs.CatalogEntry", "costs.CommitmentRate", "costs.CostSnapshot"),
        *("costs.CostReading", "consumption.Ledger", "consumption.UsageDay", "consumption.TagReading"),
        *("consumption.ResourceTag", "consumption.SavedView"),
    }


def test_no_page_shows_a_secret_or_what_customers_consumed_for(operator):
    fill(1)
    password = User.objects.get(username="operator").password
    for page in (page for model in OURS for page in pages_of(model)):
        shown = operator.get(page).content.decode()
        for hidden in (WEBHOOK, "secret-of-the-owner", LINES, READER, READER[:8], password):
            assert hidden not in shown, page
        assert not re.search(r"(98\D?765|61\D?234)\D", shown), page


def test_the_pages_take_as_many_queries_for_many_rows_as_for_few(operator):
    def queries_of(model):
        with CaptureQueriesContext(connection) as queries:
            for page in pages_of(model):
                assert operator.get(page).status_code == 200, page
        return len(queries)

    fill(0)
    fill(1)
    for model in OURS:
        queries_of(model)  # which remembers what Django asks once for all
    few = {model: queries_of(model) for model in OURS}
    for number in range(2, 5):
        fill(number)
    for model in OURS:
        assert model.objects.count() >= 5, f"make rows of {model} in fill()"
        assert queries_of(model) == few[model], model


def test_what_customers_and_the_cloud_have_made_is_searched_and_filtered_but_not_changed(operator):
    fill(1)
    for model in OURS:
        site = admin.site.get_model_admin(model)
        assert site.list_filter, model
        assert site.search_fields, model
        if model not in CHANGEABLE:
            *_lists, page = pages_of(model)
            assert isinstance(site, ReadOnly)
            assert operator.get(f"{list_of(model)}add/").status_code == 403, model
            assert operator.post(page, {"name": "x"}).status_code == 403, model


def test_the_admin_is_for_operators_only(logged_in):
    for model in OURS:
        assert logged_in.get(list_of(model)).url.startswith("/admin/login/")


def test_the_state_of_a_history_says_what_is_missing_and_why(operator):
    ledger = make_ledger()
    yesterday = timezone.now().date() - ONE_DAY
    keep(ledger, {yesterday - 4 * ONE_DAY: [entry()], yesterday - 3 * ONE_DAY: [entry()]})
    keep(ledger, {yesterday - 2 * ONE_DAY: [entry()]}, unreadable=1)
    UsageDay.objects.create(
        ledger=ledger, day=yesterday, state=DayState.FAILED, reason="CLOUD_THROTTLED", tried_at=timezone.now()
    )
    ledger.readers.create(reader="r", answered_at=NOW, refusal="PERMISSION_REFUSED")
    empty = make_ledger(region="us-east-2")

    page = operator.get(list_of(Ledger))

    [first, second] = page.context["cl"].result_list
    site = admin.site.get_model_admin(Ledger)
    assert (first.pk, second.pk) == (ledger.pk, empty.pk)
    assert (first.days_known, first.days_in_doubt, site.days_missing(first)) == (3, 1, 2)
    assert (first.refused_keys, site.days_missing(second), second.days_known) == (1, None, 0)
    assert "OUTSCALE is receiving too many requests" in page.content.decode()
    days = operator.get(f"/admin/consumption/usageday/?ledger__id__exact={ledger.pk}&state__exact=failed")
    assert [one.reason for one in days.context["cl"].result_list] == ["CLOUD_THROTTLED"]
    assert f"usageday/?ledger__id__exact={ledger.pk}" in page.content.decode()


def test_tags_are_found_by_kind_and_their_readings_by_day(operator):
    ledger = make_ledger()
    note_tags_of_vms(ledger, day(2), {"i-1": {"project": "imagerie"}}, kinds=("Vm", "Volume"))
    for address, found in (
        ("resourcetag/?kind=Vm", 1),
        ("resourcetag/?kind=Volume", 0),
        ("resourcetag/?q=imagerie", 1),
        ("tagreading/?kind=Volume", 1),
        ("tagreading/?read_at__day=2&read_at__month=3&read_at__year=2026", 2),
    ):
        page = operator.get(f"/admin/consumption/{address}")
        assert (page.status_code, page.context["cl"].result_count) == (200, found), address
