"""axe finds nothing on any page, in either theme, at a desk's width and at a tablet's."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from accounts.models import User
from budgets.models import AlertDelivery, Budget, BudgetAlert
from consumption import savedviews
from consumption.periods import Preset, preset_period
from consumption.tags import Seen, note_tags
from costs.models import CostSnapshot
from sandbox.cloud import DEMO_ACCOUNT, EMPTY_KEY
from tests.browser.conftest import NARROW, WIDE, log_in, settled
from tests.budgets.budgets import make_budget
from tests.consumption.days import entry, keep, make_ledger
from tests.consumption.drifts import ran, read, vm, volume
from tests.consumption.test_drift_page import past
from tests.costs.catalogs import raw_entry, store

CATALOG_CALL = "ReadPublicCatalog"


def days_ago(days):
    return timezone.now() - dt.timedelta(days=days)


def landing(page, _outscale):
    page.goto("/")


def not_found(page, _outscale):
    page.goto("/no-such-page/")


def login(page, _outscale):
    page.goto("/login/")


def refused_login(page, _outscale):
    page.goto("/login/")
    page.get_by_label("Access key").fill("é")
    page.get_by_label("Secret key").fill("wrong")
    page.get_by_role("button", name="Log in", exact=True).click()
    page.locator("#id_access_key_error").wait_for()


def catalog(page, _outscale):
    page.goto("/catalog/?category=network")
    expect(page.locator("#prices-title")).to_have_text("17 prices")


def catalog_with_nothing_found(page, outscale):
    catalog(page, outscale)
    page.get_by_role("searchbox").fill("nothing like it")
    page.get_by_role("heading", name="No product matches").wait_for()


def catalog_without_prices(page, outscale):
    outscale.faults.add(CATALOG_CALL, "broken-json")
    page.goto("/catalog/")
    page.get_by_role("heading", name="No prices of eu-west-2 yet").wait_for()


def catalog_with_old_prices(page, outscale):
    outscale.faults.add(CATALOG_CALL, "broken-json")
    store(at=days_ago(3))
    page.goto("/catalog/")
    page.get_by_text("What you see is the last catalog kept").wait_for()


def catalog_with_a_wrong_question(page, _outscale):
    page.goto("/catalog/?region=mars")
    page.get_by_text("is no region of this portal").wait_for()


def catalog_history(page, _outscale):
    store(at=days_ago(3))
    store(raw_entry(price="0.006"), raw_entry("BSU:VolumeUsage:gp2", Category="storage"), at=days_ago(1))
    page.goto("/catalog/history/")
    page.get_by_role("heading", name="Version 2").wait_for()


def documentation_of_the_api(page, _outscale):
    page.goto("/api/docs")
    page.locator(".opblock").first.wait_for()


def theme_menu(page, _outscale):
    page.goto("/")
    page.get_by_role("button", name="Theme").click()
    page.get_by_role("button", name="Dark").wait_for()


def account_menu(page, _outscale):
    log_in(page)
    page.goto("/catalog/")
    page.get_by_role("button", name="Account").click()
    page.get_by_role("button", name="Log out").wait_for()


def overview(page, outscale):
    budgets(page, outscale)
    page.goto("/")
    page.locator("#days-eur canvas, [data-chart=days-eur]").first.wait_for()
    expect(page.locator("#outlooks")).to_have_count(0)


def overview_of_a_first_visit(page, outscale):
    outscale.faults.add("ReadConsumptionAccount", "refuse")
    log_in(page)
    page.goto("/")
    page.get_by_role("heading", name="Not for this key").wait_for()


def accounts(page, _outscale):
    log_in(page)
    page.goto("/accounts/")


def current_cost(page, _outscale):
    log_in(page)
    page.goto("/costs/?per_page=8")  # axe takes its time for each element
    page.locator("#resources tbody tr").first.wait_for()
    page.locator("#cost-groups canvas").wait_for()


def current_cost_of_nothing(page, _outscale):
    log_in(page, EMPTY_KEY)
    page.goto("/costs/")
    page.get_by_role("heading", name="Nothing runs in eu-west-2").wait_for()


def current_cost_with_a_refused_list(page, outscale):
    outscale.faults.add("ReadVolumes", "refuse")
    current_cost(page, outscale)
    page.get_by_text("The total is incomplete.").wait_for()


def current_cost_narrowed_and_explained(page, outscale):
    current_cost(page, outscale)
    page.goto("/costs/?tag=project%3Darchives&group=category&per_page=4")
    page.locator("a.disclosure").first.click()
    page.locator("tr.detail").wait_for()


def current_cost_with_nothing_found(page, outscale):
    current_cost(page, outscale)
    page.goto("/costs/?search=nothing+like+it")
    page.get_by_role("heading", name="No resource matches").wait_for()


def current_cost_with_a_wrong_question(page, outscale):
    current_cost(page, outscale)
    page.goto("/costs/?type=Spaceship")
    page.get_by_text("No kind of resource is called").wait_for()


def current_cost_under_way(page, outscale):
    outscale.faults.add("ReadVolumes", "latency", 20_000)
    log_in(page)
    page.goto("/costs/")
    page.locator("#reading progress").wait_for()


def current_cost_of_a_cloud_that_is_down(page, outscale):
    log_in(page)
    outscale.faults.add("*", "unavailable")
    page.goto("/costs/")
    page.get_by_text("The cloud could not be read.").wait_for()
    page.get_by_role("heading", name="Nothing has been read yet").wait_for()


def what_changed(page, outscale):
    current_cost(page, outscale)
    settled(page)
    CostSnapshot.objects.update(taken_at=days_ago(1), day=days_ago(1).date())
    own = outscale.cloud.inventory("eu-west-2", DEMO_ACCOUNT.account_id)
    outscale.cloud.set_inventory(replace(own, volumes=own.volumes[1:]))
    page.get_by_role("button", name="Read again").click()
    settled(page)
    page.goto("/costs/changes/")
    page.get_by_role("heading", name="1 change").wait_for()


def what_changed_with_nothing_to_compare(page, outscale):
    current_cost(page, outscale)
    page.goto("/costs/changes/")
    page.get_by_role("heading", name="There is nothing to compare with yet").wait_for()


def consumption(page, _outscale):
    log_in(page)
    page.goto("/consumption/?period=last-7-days")
    expect(page.locator("#reading")).to_be_empty()
    page.locator("#drivers").scroll_into_view_if_needed()
    page.locator("#drivers li").first.wait_for()
    page.get_by_text("Figures by day").click()
    page.locator("#coverage summary").click()


def consumption_of_a_resource_with_its_filters(page, outscale):
    consumption(page, outscale)
    page.locator("#drivers li a").first.click()
    page.get_by_text("Add a filter").click()
    page.locator("#add-resource").wait_for()


def consumption_of_nothing(page, _outscale):
    log_in(page, EMPTY_KEY)
    page.goto("/consumption/?period=last-month")
    page.get_by_role("heading", name="Nothing was consumed").wait_for()


def consumption_read_in_part(page, outscale):
    outscale.faults.add("ReadConsumptionAccount", "broken-json", 2)
    log_in(page)
    page.goto("/consumption/?period=last-30-days&granularity=week")
    expect(page.locator("#coverage summary")).to_contain_text("28 of 30 days")
    page.get_by_text("Not every day could be read.").wait_for()


def consumption_under_way(page, outscale):
    outscale.faults.add("ReadConsumptionAccount", "latency", 900)
    log_in(page)
    page.goto("/consumption/?period=last-12-months")
    page.locator("#reading progress").wait_for()


def consumption_refused(page, outscale):
    outscale.faults.add("ReadConsumptionAccount", "refuse")
    log_in(page)
    page.goto("/consumption/")
    page.get_by_role("heading", name="Not for this key").wait_for()


def consumption_with_a_wrong_question(page, _outscale):
    log_in(page)
    page.goto("/consumption/?first=2020-01-01")
    page.get_by_text("At most 1100 days").first.wait_for()


def trends_with_what_is_behind_a_mover(page, _outscale):
    today = timezone.now().date()
    days = [today - dt.timedelta(days=passed) for passed in range(1, 125)]
    keep(make_ledger(at=timezone.now()), {day: [entry(price=str(2 + day.month % 5))] for day in days})
    log_in(page)
    page.route("**/consumption/read/**", lambda _held: None)  # what is read would take the list away again
    page.goto("/consumption/trends/?period=last-3-months")
    page.locator("#consumption-chart canvas").wait_for()
    page.get_by_role("button", name="Resources").first.press("Enter")
    page.locator("#movers .driver-list li").first.wait_for()


def anomalies(page, _outscale):
    now = timezone.now()
    quiet = [
        entry(price="24"),
        entry("DataTransfer-Internet:out", "5", resource="", operation="RunInstances"),
    ]
    ledger, spike = make_ledger(at=now), [*quiet, entry("BoxUsage:tinav6.c24r128p1", "99", resource="i-1")]
    past = {days_ago(days).date(): spike if days in (9, 10) else quiet for days in range(1, 61)}
    keep(ledger, past, at=now)
    log_in(page)
    page.goto(f"/consumption/anomalies/?first={days_ago(12).date()}&last={days_ago(1).date()}")
    page.locator("a.disclosure").first.click()
    page.locator("tr.detail").wait_for()
    page.get_by_text("Figures by day").click()


def forecast(page, _outscale):
    today = timezone.now().date()
    past = (today - dt.timedelta(days=age) for age in range(1, 92))
    contents = {day: [entry(price=str(100 + day.toordinal() * 7919 % 23))] for day in past}
    keep(make_ledger(at=timezone.now()), contents)
    log_in(page)
    page.goto("/consumption/forecast/?horizon=next-month")
    page.locator("#consumption-chart canvas[role=slider]").wait_for(timeout=20_000)
    page.get_by_text("Figures by day").click()


def forecast_with_a_wrong_question(page, _outscale):
    log_in(page)
    page.goto("/consumption/forecast/?until=2020-01-01")
    page.locator("#id_until_error").wait_for()


def drift(page, _outscale):
    ledger = make_ledger(at=timezone.now())
    read(past(1), vm("i-1"), volume(300), missing=["ReadSnapshots"])
    used = [ran("i-1", hours="12"), entry("dedicated:cp", service="OKS"), entry("Snapshot:Usage")]
    keep(ledger, {past(1): used}, at=timezone.now())
    log_in(page)
    page.goto(f"/consumption/drift/?first={past(2)}&last={past(1)}&resource_type=Vm&resource_type=Snapshot")
    page.get_by_text("Not everything is compared.").wait_for()


def drift_with_a_refused_file(page, outscale):
    drift(page, outscale)
    page.locator("input[type=file]").set_input_files(
        {"name": "cost.json", "mimeType": "application/json", "buffer": b"Summary"}
    )
    page.get_by_role("button", name="Compare with the consumption").click()
    page.get_by_text("Line 1 is no JSON.").wait_for()


def saved_views_with_a_name_that_is_taken(page, _outscale):
    log_in(page)
    owner = User.objects.get(account_id=DEMO_ACCOUNT.account_id)
    for name, query in (("Last month", "period=last-month"), ("Elsewhere", "region=mars")):
        view = savedviews.save(owner=owner, name=name, page="trends", query=query, at=timezone.now())
    savedviews.set_start(view=view, is_start=True)
    page.goto("/consumption/views/")
    page.locator("summary", has_text="Rename").first.click()
    page.get_by_role("textbox").first.fill("Last month")
    page.get_by_role("button", name="Rename").click()
    page.get_by_text("Another of your views is called like this.").wait_for()


def consumption_saved_under_a_name_that_is_taken(page, _outscale):
    saved_views_with_a_name_that_is_taken(page, _outscale)
    page.goto("/consumption/?period=last-7-days")
    expect(page.locator("#reading")).to_be_empty()
    page.locator("#saved-views summary").click()
    page.get_by_label("Name").fill("Last month")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Replace “Last month”").wait_for()


def allocation(page, _outscale):
    ledger = make_ledger(at=timezone.now())
    used = [ran("i-1"), ran("i-2"), ran("i-3"), entry("Support", "3", resource=None)]
    used.append(entry("pof-9", None, resource="i-1", category="licence"))
    keep(ledger, {past(days): used for days in (1, 2)}, at=timezone.now())
    tags = {
        ("i-1", "project"): ("Vm", "imagerie"),
        ("i-1", "env"): ("Vm", "test"),
        ("i-2", "env"): ("Vm", ""),
    }
    note_tags(ledger=ledger, seen=Seen(frozenset(["Vm"]), tags), at=timezone.now())
    log_in(page)
    page.goto(f"/consumption/allocation/?first={past(3)}&last={past(1)}&tag=project&tag=env&sharing=even")
    page.locator("#consumption-chart canvas").wait_for()
    page.get_by_role("heading", name="Resources to tag").wait_for()


def allocation_without_tags(page, outscale):
    outscale.faults.add("ReadTags", "broken-json")
    keep(make_ledger(at=timezone.now()), {past(1): [ran("i-1")]}, at=timezone.now())
    log_in(page)
    page.goto(f"/consumption/allocation/?first={past(1)}&last={past(1)}")
    page.get_by_role("heading", name="No tags were read yet").wait_for()


def rules_of_cost_centres_before_any(page, _outscale):
    log_in(page)
    page.goto("/consumption/allocation/rules/")
    page.get_by_text("No day of this period is known yet.").wait_for()
    page.get_by_role("heading", name="No rule yet").wait_for()


def new_rule_with_all_that_can_be_wrong(page, _outscale):
    log_in(page)
    page.goto("/consumption/allocation/rules/new/")
    page.get_by_label("Place").fill("0")
    page.get_by_label("Value of the tag").fill("imag*")
    page.get_by_label("OUTSCALE account").fill("12")
    page.locator("main form").evaluate("form => form.noValidate = true")
    page.get_by_role("button", name="Save the rule").click()
    page.get_by_text("An OUTSCALE account is a number of 12 digits.").wait_for()


def allocation_by_cost_centre_without_rules(page, _outscale):
    keep(make_ledger(at=timezone.now()), {past(1): [ran("i-1")]}, at=timezone.now())
    log_in(page)
    page.goto(f"/consumption/allocation/?first={past(1)}&last={past(1)}&by=centre")
    page.get_by_text("No resource has a cost centre yet.").wait_for()


def draft_invoice(page, _outscale):
    month = preset_period(Preset.LAST_MONTH, timezone.now().date())
    contents = [entry(unit_price=Decimal("0.05")), entry("pof-9", None, resource="x", category="licence")]
    keep(make_ledger(at=timezone.now()), dict.fromkeys(list(month.days)[2:], contents))
    log_in(page)
    page.goto("/consumption/invoice/")
    page.get_by_text("The draft is incomplete.").wait_for()


def draft_invoice_of_nothing(page, _outscale):
    log_in(page)
    page.goto("/consumption/invoice/?first=2026-03-01&last=2026-03-31")
    page.get_by_role("heading", name="No day of this period has been read").wait_for()


def new_budget_with_all_that_can_be_wrong(page, _outscale):
    log_in(page)
    page.goto("/budgets/new/")
    page.get_by_label("Amount per period").fill("-3")
    page.get_by_label("Tags").fill("production")
    page.get_by_label("us-east-2").check()
    page.get_by_label("Name", exact=True).fill("Production")
    page.get_by_role("button", name="Make the budget").click()
    page.get_by_text("Nothing is saved yet.").wait_for()


def budgets(page, _outscale):
    today = timezone.now().date()
    keep(
        make_ledger(at=timezone.now()),
        {today - dt.timedelta(days=age): [entry(price="10")] for age in range(1, 80)},
    )
    for amount in ("10", "250", "9000"):
        make_budget(
            amount,
            name=f"Up to {amount}",
            start=today - dt.timedelta(days=45),
            scope={"categories": ["network"]},
        )
    log_in(page)
    page.goto("/budgets/")
    expect(page.locator("#outlooks")).to_have_count(0)


def a_budget_with_an_alert_that_could_not_be_sent(page, outscale):
    budgets(page, outscale)
    budget = Budget.objects.get(name="Up to 250")
    now = timezone.now()
    alert = BudgetAlert.objects.create(
        budget=budget,
        currency="EUR",
        period_first=now.date(),
        period_end=now.date() + dt.timedelta(days=30),
        measure="forecast",
        percent=100,
        amount=250,
        figure=300,
        is_lower_bound=True,
        raised_at=now,
    )
    AlertDelivery.objects.create(
        alert=alert,
        channel="webhook",
        attempts=2,
        problem="The webhook answered 503.",
        next_attempt_at=now,
        claimed_until=now,
    )
    page.goto(f"/budgets/{budget.pk}/")
    page.locator("#budget-chart canvas[role=slider]").wait_for(timeout=20_000)
    page.get_by_text("Figures by day").click()


def report_of_budgets(page, outscale):
    budgets(page, outscale)
    page.goto("/budgets/report/")


def amounts_of_a_budget(page, _outscale):
    log_in(page)
    made = make_budget("9000", growth_percent=Decimal("1.5"), start=days_ago(60).date())
    page.goto(f"/budgets/{made.pk}/amounts/")


PAGES = [
    landing,
    not_found,
    login,
    refused_login,
    catalog,
    catalog_with_nothing_found,
    catalog_without_prices,
    catalog_with_old_prices,
    catalog_with_a_wrong_question,
    catalog_history,
    theme_menu,
    account_menu,
    overview,
    overview_of_a_first_visit,
    accounts,
    current_cost,
    current_cost_of_nothing,
    current_cost_with_a_refused_list,
    current_cost_narrowed_and_explained,
    current_cost_with_nothing_found,
    current_cost_with_a_wrong_question,
    current_cost_under_way,
    current_cost_of_a_cloud_that_is_down,
    what_changed,
    what_changed_with_nothing_to_compare,
    consumption,
    consumption_of_a_resource_with_its_filters,
    consumption_of_nothing,
    consumption_read_in_part,
    consumption_under_way,
    consumption_refused,
    drift,
    drift_with_a_refused_file,
    allocation,
    allocation_without_tags,
    allocation_by_cost_centre_without_rules,
    rules_of_cost_centres_before_any,
    new_rule_with_all_that_can_be_wrong,
    consumption_with_a_wrong_question,
    trends_with_what_is_behind_a_mover,
    anomalies,
    forecast,
    forecast_with_a_wrong_question,
    saved_views_with_a_name_that_is_taken,
    consumption_saved_under_a_name_that_is_taken,
    draft_invoice,
    draft_invoice_of_nothing,
    new_budget_with_all_that_can_be_wrong,
    amounts_of_a_budget,
    budgets,
    a_budget_with_an_alert_that_could_not_be_sent,
    report_of_budgets,
    documentation_of_the_api,
]  # the pages of quotes are checked in test_quotes.py, on the way; the admin's are Django's own

OF_OTHERS = {documentation_of_the_api: "#swagger-ui"}
"""Swagger UI puts controls into controls and has pale texts; of that page only what is around it is ours."""


@pytest.mark.parametrize("visit", PAGES, ids=lambda visit: visit.__name__)
def test_axe_finds_nothing_in_either_theme_wide_and_narrow(open_page, outscale, axe, visit):
    page = open_page(viewport=WIDE)
    visit(page, outscale)
    axe(page, without=OF_OTHERS.get(visit))
    page.set_viewport_size(NARROW)
    axe(page, without=OF_OTHERS.get(visit), colours=False)


def test_axe_finds_nothing_in_the_unfolded_navigation(open_page, axe):
    page = open_page(viewport=NARROW)
    page.goto("/")
    page.get_by_role("button", name="Menu").click()
    axe(page)
