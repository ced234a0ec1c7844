"""Cost centres in the browser: a rule is tried and kept, and the report of what each centre is charged."""

import csv
from decimal import Decimal

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from accounts.models import User
from consumption import ruleorder
from consumption.history import Question, history_of
from consumption.models import Ledger
from consumption.periods import ONE_DAY, Period
from consumption.rules import AllocationRule
from sandbox.cloud import DEMO_ACCOUNT
from tests.browser.conftest import NARROW, log_in
from tests.consumption.days import entry, keep, make_ledger, note_tags_of_vms

RULES = "/consumption/allocation/rules/"


def keep_rule(centre, *, owner=None, **conditions):
    rule = AllocationRule(cost_centre=centre, owner=owner, **conditions)
    return ruleorder.keep(rule=rule, at=timezone.now())


@pytest.fixture
def days(outscale):
    """Ten days of two VMs with a project, one without, and support, in amounts that no screen shows whole."""
    today = timezone.now().date()
    period = Period(today - 10 * ONE_DAY, today)
    prices = {"i-1": "1.0000000001", "i-2": "2.3333333333", "i-3": "4.005"}
    contents = [entry("BoxUsage:tinav5", price, resource=name) for name, price in prices.items()]
    contents.append(entry("Support", "3.1", resource=None))
    ledger = make_ledger(at=timezone.now())
    keep(ledger, dict.fromkeys(period.days, contents), at=timezone.now())
    tags = {"i-1": {"project": "imagerie"}, "i-2": {"project": "image-lab"}}
    note_tags_of_vms(ledger, period.first, tags)
    return period


def question(period):
    return f"?first={period.first}&last={period.last}"


def total_of(period):
    """Return the total of the history."""
    ledgers = list(Ledger.objects.all())
    return history_of(ledgers, Question(period), expected=len(ledgers)).total


def test_a_rule_is_tried_and_kept_and_the_report_of_the_centres_comes_to_the_bill(page, days, axe):
    log_in(page)
    page.goto(f"{RULES}{question(days)}")
    expect(page.get_by_role("heading", name="No rule yet")).to_be_visible()
    page.get_by_role("link", name="Make a rule").click()
    page.get_by_label("Cost centre").fill("Imagerie médicale")
    page.get_by_label("Tag", exact=True).fill("project")
    page.get_by_label("Value of the tag").fill("imag*")
    page.get_by_role("button", name="Show what it catches").click()
    expect(page.locator("#preview [data-figure=caught]")).to_have_text("€33.33")
    expect(page.locator("#preview tbody th")).to_have_text(["i-2", "i-1"])
    axe(page)
    assert not AllocationRule.objects.exists()
    page.get_by_role("button", name="Save the rule").click()

    rows = page.locator("#rules tbody tr")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("€33.33")
    page.locator(".page-head").get_by_role("link", name="Allocation").click()
    page.locator("#consumption-chart canvas").wait_for()
    centres = page.locator("#groups tbody tr")
    expect(centres).to_have_count(2)
    expect(centres.first).to_contain_text("Imagerie médicale")
    expect(centres.last).to_contain_text("Not allocated")
    with page.expect_download() as download:
        page.locator("#consumption-csv").click()
    with open(download.value.path(), encoding="utf-8-sig", newline="") as file:
        lines = list(csv.DictReader(file))
    charged = [Decimal(one["total"]) for one in lines if one["row"] in ("group", "shared")]
    assert sum(charged) == total_of(days) == Decimal("104.383333334")
    detail = {one["code"]: Decimal(one["cost"]) for one in lines if one["row"] == "resource"}
    assert detail == {"i-1": Decimal("10.000000001"), "i-2": Decimal("23.333333333")}

    page.emulate_media(media="print")
    expect(page.get_by_text("By cost centre.")).to_be_visible()
    expect(page.locator("#groups")).to_be_visible()
    expect(page.locator("#consumption-filter")).to_be_hidden()
    expect(page.get_by_role("button", name="Print")).to_be_hidden()


def test_the_order_is_changed_without_script_and_long_names_keep_the_page_in_its_width(open_page, days, axe):
    alice = User.objects.for_account(DEMO_ACCOUNT.account_id)
    keep_rule("Everybody's", name_pattern="*")
    keep_rule("First", owner=alice, name_pattern="i-1")
    keep_rule("x" * 120, owner=alice, tag_key="k" * 255, tag_value="v" * 255, name_pattern="😀" * 255)
    page = open_page(java_script_enabled=False, viewport=NARROW)
    log_in(page)
    page.goto(f"{RULES}{question(days)}")
    rows = page.locator("#rules tbody tr:has(td.num)")
    expect(rows).to_have_count(3)
    page.get_by_role("button", name="Move rule 1, First, down").click()
    expect(rows.nth(1)).to_contain_text("First")
    expect(page.get_by_role("button", name="Move rule 2, First, down")).to_be_hidden()

    for size in (NARROW, {"width": 1440, "height": 900}):
        page = open_page(viewport=size)
        log_in(page)
        page.goto(f"{RULES}{question(days)}")
        widths = "[document.documentElement.scrollWidth, document.querySelector('#rules table').offsetWidth]"
        assert max(page.evaluate(widths)) <= size["width"]
        axe(page, colours=size != NARROW)
    page.get_by_role("link", name="Delete rule 2, First").click()
    axe(page)
    page.get_by_role("button", name="Delete the rule").click()
    expect(page.locator("#rules tbody tr:has(td.num)")).to_have_count(2)
