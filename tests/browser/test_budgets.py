"""Budgets in the browser: one is made, is seen at risk, and its alert is found."""

import json

import pytest
from django.core import mail
from django.core.management import call_command
from django.utils import timezone
from playwright.sync_api import expect

from consumption.models import Ledger
from consumption.periods import ONE_DAY
from consumption.tags import Seen, note_tags
from tests.consumption.days import entry, keep, make_ledger


@pytest.fixture
def kept(customer):
    """Ninety days of ten euros each, of somebody who is logged in."""
    now = timezone.now()
    contents = {now.date() - age * ONE_DAY: [entry(price="10")] for age in range(1, 91)}
    keep(make_ledger(at=now), contents, at=now)
    return customer


def make_budget(page, **values):
    page.goto("/budgets/")
    page.get_by_role("link", name="New budget").click()
    for name, value in values.items():
        field = page.locator(f"[name={name}]")
        if name == "period_type":
            field.select_option(value)
        else:
            field.fill(value)
    page.get_by_role("button", name="Make the budget").click()


def test_a_budget_is_made_is_at_risk_and_its_alert_is_found(kept):
    # A quarter cannot end meanwhile, and costs more than it has cost before its last day.
    start = timezone.now().date() - 45 * ONE_DAY
    kept.goto("/budgets/new/")
    kept.locator("[name=period_type]").select_option("quarterly")
    kept.locator("[name=name]").fill("Research")
    kept.locator("[name=amount]").fill("600")
    kept.locator("[name=start_date]").fill(start.isoformat())
    kept.locator("[name=emails]").fill("finance@example.com")
    kept.get_by_role("button", name="Make the budget").click()

    expect(kept.get_by_role("heading", level=1)).to_contain_text("Research")
    expect(kept.locator("#budget-tag")).to_have_text("At risk")
    expect(kept.locator('[data-figure="spent"]')).to_have_text("€450.00")
    expect(kept.locator("#alerts")).to_contain_text("No alert yet")
    chart = json.loads(kept.locator("#budget-chart script").inner_text())
    assert chart["labels"][0] == start.isoformat()

    call_command("check_budgets")
    assert sorted(message.to for message in mail.outbox) == [["finance@example.com"]] * 6
    kept.reload()
    alerts = kept.locator("#alerts tbody tr")
    expect(alerts).to_have_count(6)
    expect(alerts.filter(has_text="75% spent")).to_contain_text("€450.00 of €600.00")
    expect(alerts.filter(has_text="100% forecast")).to_contain_text("Email")
    call_command("check_budgets")
    assert len(mail.outbox) == 6


def test_the_list_works_its_forecasts_out_and_leads_to_the_worst(kept):
    for name, amount in (("Tight", "1"), ("Wide", "5000")):
        make_budget(kept, name=name, amount=amount, start_date=str(timezone.now().date() - 5 * ONE_DAY))
        expect(kept.get_by_role("heading", level=1)).to_contain_text(name)
    kept.goto("/budgets/")
    expect(kept.locator("#outlooks")).to_have_count(0)
    rows = kept.locator(".budgets-table tbody tr")
    expect(rows.filter(has_text="Tight")).to_contain_text("Over budget")
    expect(rows.filter(has_text="Wide")).to_contain_text("On track")
    kept.get_by_role("navigation", name="Budgets by status").get_by_role("link", name="Over budget").click()
    expect(rows).to_have_count(1)
    rows.get_by_role("link").click()
    expect(kept.locator("#budget-tag")).to_have_text("Over budget")


def test_a_name_of_one_long_word_makes_no_page_wider_than_the_screen(kept):
    seen = Seen(frozenset(["Vm"]), {("i-1", "team"): ("Vm", "v")})
    note_tags(ledger=Ledger.objects.get(), seen=seen, at=timezone.now())
    make_budget(kept, name="Weekly", amount="12345678", start_date="2015-01-05", period_type="weekly")
    make_budget(kept, name="W" * 120, amount="5000", tags=f"team={'v' * 255}")
    expect(kept.get_by_role("heading", level=1)).to_contain_text("W" * 120)
    own = kept.url
    for width in (1280, 768):
        kept.set_viewport_size({"width": width, "height": 900})
        for address in (
            own,
            f"{own}edit/",
            f"{own}amounts/",
            f"{own}delete/",
            "/budgets/",
            "/budgets/report/",
        ):
            kept.goto(address)
            excess = kept.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert excess <= 0, (address, width)
    kept.goto("/budgets/")
    assert kept.get_by_role("link", name="Weekly").bounding_box()["height"] < 30


def test_the_steps_of_a_period_open_without_leaving_the_page(kept):
    month = timezone.now().date().replace(day=1)
    before = (month - ONE_DAY).replace(day=1)
    make_budget(kept, name="Plan", amount="400", start_date=before.isoformat())
    period = kept.locator("#periods").get_by_role("link")
    period.click()
    expect(kept.locator("#periods tr.step")).to_have_count(4)
    expect(kept.locator("#periods tr.step").first).to_contain_text("€70.00")
    expect(kept).to_have_url(f"{kept.url.split('?')[0]}?open={before}")


def test_a_budget_without_script_is_made_and_read(open_page, outscale, kept):
    page = open_page(java_script_enabled=False, storage_state=kept.context.storage_state())
    make_budget(page, name="Plain", amount="5000", start_date=str(timezone.now().date() - 5 * ONE_DAY))
    expect(page.locator("#budget-tag")).to_have_text("On track")
    page.get_by_text("Figures by day").click()
    expect(page.locator("#days tbody tr").first).to_contain_text("€10.00")
