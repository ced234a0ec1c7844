import datetime as dt
from decimal import Decimal
from importlib import import_module

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts.models import User
from costs.models import Catalog, CatalogEntry, CommitmentRate
from tests.costs.catalogs import raw_entry, store

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(client):
    client.force_login(User.objects.create_superuser("operator"), "django.contrib.auth.backends.ModelBackend")
    client.get("/admin/")  # the first visit writes down that the session is in use
    return client


def rate(**fields):
    return CommitmentRate(
        **{
            "category": "storage",
            "period": "1year",
            "percent": Decimal(10),
            "valid_from": dt.date(2026, 1, 1),
        }
        | fields
    )


def percents(period, day=dt.date(2026, 11, 1)):
    return {category: rate.percent for category, rate in CommitmentRate.objects.valid_on(day, period).items()}


def test_a_rate_counts_from_its_day_on_and_until_the_next_one():
    rate(percent=Decimal(10)).save()
    rate(percent=Decimal(20), valid_from=dt.date(2026, 7, 1)).save()
    assert "storage" not in percents("1year", dt.date(2025, 12, 31))
    assert percents("1year", dt.date(2026, 6, 30))["storage"] == 10
    assert percents("1year", dt.date(2026, 7, 1))["storage"] == 20


def test_compute_begins_with_30_40_and_50_percent_that_are_to_be_confirmed():
    rows = CommitmentRate.objects.filter(category="compute").order_by("percent")
    assert [(row.period, row.percent, row.confirmed) for row in rows] == [
        ("1month", 30, False),
        ("1year", 40, False),
        ("3years", 50, False),
    ]
    assert "60 %" in rows[2].note


def test_the_rates_of_a_commitment_come_in_one_query(django_assert_num_queries):
    rate().save()
    with django_assert_num_queries(1):
        assert percents("1year") == {"compute": 40, "storage": 10}
    assert percents("") == {}


def test_the_seeding_can_be_taken_back_and_leaves_what_operators_added():
    migration = import_module("costs.migrations.0002_commitment_rates")
    rate().save()
    migration.unseed(apps, None)
    assert list(CommitmentRate.objects.values_list("category", flat=True)) == ["storage"]
    migration.seed(apps, None)
    assert CommitmentRate.objects.count() == 4


@pytest.mark.parametrize(
    "fields",
    [
        {"category": ""},
        {"period": "2years"},
        {"period": ""},
        {"percent": Decimal(-1)},
        {"percent": Decimal("100.01")},
        {"category": "compute", "valid_from": dt.date(2025, 12, 1)},
    ],
)
def test_a_rate_that_cannot_be_is_refused_by_the_form_and_by_the_database(fields):
    with pytest.raises(ValidationError):
        rate(**fields).full_clean()
    with pytest.raises(IntegrityError), transaction.atomic():
        rate(**fields).save()


def test_an_operator_changes_a_rate(operator):
    row = CommitmentRate.objects.get(category="compute", period="3years")
    sent = {
        "category": "compute",
        "period": "3years",
        "percent": "60",
        "valid_from": "2026-02-01",
        "confirmed": "on",
    }
    response = operator.post(f"/admin/costs/commitmentrate/{row.pk}/change/", sent)
    assert response.status_code == 302
    row.refresh_from_db()
    assert (row.percent, row.confirmed) == (60, True)


def test_a_discount_above_100_percent_is_refused_beside_its_field(operator):
    row = CommitmentRate.objects.get(category="compute", period="3years")
    sent = {"category": "compute", "period": "3years", "percent": "101", "valid_from": "2026-02-01"}
    response = operator.post(f"/admin/costs/commitmentrate/{row.pk}/change/", sent)
    assert response.context["adminform"].form.errors["percent"] == [
        "Ensure this value is less than or equal to 100."
    ]


def test_operators_see_catalogs_with_their_counts_and_currency_and_change_none(operator):
    stored = store(raw_entry(), raw_entry("CustomCore:v7-p1"))
    listed = operator.get("/admin/costs/catalog/").context["cl"].result_list
    assert [(row.entry_count, row.currency) for row in listed] == [(2, "EUR")]
    assert operator.get(f"/admin/costs/catalog/{stored.pk}/change/").status_code == 200
    assert operator.post(f"/admin/costs/catalog/{stored.pk}/change/", {"region": "x"}).status_code == 403
    assert operator.post(f"/admin/costs/catalog/{stored.pk}/delete/", {"post": "yes"}).status_code == 403
    assert operator.get("/admin/costs/catalog/add/").status_code == 403


def test_operators_search_entries_and_change_none(operator):
    entry = store(raw_entry(), raw_entry("CustomCore:v7-p1")).entries.get(type="CustomRam")
    listed = operator.get("/admin/costs/catalogentry/", {"q": "CustomRam"}).context["cl"].result_list
    assert [str(row) for row in listed] == ["TinaOS-FCU / CustomRam / RunInstances-OD"]
    assert (
        operator.post(f"/admin/costs/catalogentry/{entry.pk}/change/", {"unit_price": "0"}).status_code == 403
    )


@pytest.mark.parametrize("model", ["catalog", "catalogentry", "commitmentrate"])
def test_the_admin_is_for_operators(client, model):
    assert client.get(f"/admin/costs/{model}/").status_code == 302


def test_the_lists_of_the_admin_take_as_many_queries_for_three_rows_as_for_one(
    operator, django_assert_num_queries
):
    counts = []
    for day in (1, 2, 3):
        at = dt.datetime(2026, 3, day, tzinfo=dt.UTC)
        store(raw_entry(price=day), at=at)
        with django_assert_num_queries(100, exact=False) as queries:
            operator.get("/admin/costs/catalog/")
            operator.get("/admin/costs/catalogentry/")
        counts.append(len(queries))
    assert counts[0] == counts[2]


def test_rows_have_names_that_operators_recognise():
    entry = store().entries.get()
    row = CommitmentRate.objects.get(category="compute", period="1year")
    assert [str(Catalog.objects.get()), str(CatalogEntry.objects.get()), str(row)] == [
        "eu-west-2 v1",
        str(entry.key),
        "compute, 1 year: 40.00 %",
    ]
