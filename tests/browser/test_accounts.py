"""Several accounts in the browser: one is added, both are seen together, and the report comes to the bill."""

import csv
from decimal import Decimal

from django.utils import timezone
from playwright.sync_api import expect

from consumption.history import Question, history_of
from consumption.models import Ledger
from consumption.periods import Preset, preset_period
from sandbox.cloud import DEMO_ACCOUNT, PAYING_ACCOUNT, PAYING_KEY
from tests.browser.conftest import NARROW, log_in
from tests.consumption.days import entry, keep, make_ledger, note_tags_of_vms


def keep_days(account, price, project, *, reader=None):
    """Keep last month and this one, of one VM of a project and of one thing without a resource."""
    now = timezone.now()
    first = preset_period(Preset.LAST_MONTH, now.date()).first
    readers = {"reader": reader} if reader else {}
    ledger = make_ledger(account.account_id, at=now, **readers)
    days = [
        day
        for period in (Preset.LAST_MONTH, Preset.MONTH_TO_DATE)
        for day in preset_period(period, now.date()).days
    ]
    name = f"i-{project}"
    contents = [
        entry("BoxUsage:tinav5", price, resource=name),
        entry("Support", "0.0000000007", resource=None),
    ]
    keep(ledger, dict.fromkeys(days, contents), at=now)
    note_tags_of_vms(ledger, first, {name: {"project": project}})


def test_a_second_account_is_added_seen_in_the_overview_ruled_and_charged(page, outscale, axe):
    keep_days(DEMO_ACCOUNT, "1.1111111111", "imagerie")
    keep_days(PAYING_ACCOUNT, "2.2222222222", "siege", reader=PAYING_KEY)
    log_in(page)
    page.goto("/accounts/#add")
    page.get_by_label("Access key").fill(PAYING_KEY.access_key)
    page.get_by_label("Secret key").fill(PAYING_KEY.secret_key)
    page.locator("#add").get_by_label("Name").fill("Siège")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("Siège in eu-west-2 was added to this session.")).to_be_visible()
    axe(page)

    page.locator("button.scope").click()
    expect(page.locator("#scope-menu")).to_contain_text("Siège")
    axe(page)
    page.get_by_role("button", name="All accounts together").click()
    expect(page.locator("button.scope")).to_contain_text("All accounts together")

    page.goto("/")
    places = page.locator("#overview-places tbody tr:not(.total)")
    expect(places).to_have_count(2)
    expect(places.nth(0)).to_contain_text("Meridian Santé")
    expect(places.nth(1)).to_contain_text("Siège")

    page.goto("/consumption/allocation/rules/new/")
    page.get_by_label("Cost centre").fill("Direction")
    page.get_by_label("Tag", exact=True).fill("project")
    page.get_by_label("Value of the tag").fill("*")
    page.get_by_role("button", name="Save the rule").click()
    expect(page.locator("#rules tbody tr")).to_have_count(1)

    page.goto("/consumption/allocation/?period=last-month&by=centre")
    page.locator("#consumption-chart canvas").wait_for()
    with page.expect_download() as download:
        page.locator("#consumption-csv").click()
    with open(download.value.path(), encoding="utf-8-sig", newline="") as file:
        lines = list(csv.DictReader(file))
    charged = sum(Decimal(one["total"]) for one in lines if one["row"] in ("group", "shared"))
    period = preset_period(Preset.LAST_MONTH, timezone.now().date())
    history = history_of(list(Ledger.objects.all()), Question(period), expected=2)
    assert charged == history.total == period.length * Decimal("3.3333333347")

    page.goto("/accounts/")
    page.get_by_role("button", name=f"Remove {PAYING_ACCOUNT.account_id}.eu-west-2").click()
    expect(page.get_by_text("The key is destroyed.")).to_be_visible()
    expect(page.locator("button.scope")).to_contain_text(DEMO_ACCOUNT.account_id)


def test_accounts_are_added_and_switched_without_script_on_a_narrow_screen(open_page, outscale):
    page = open_page(java_script_enabled=False, viewport=NARROW)
    log_in(page)
    page.goto("/accounts/")
    page.get_by_label("Access key").fill(PAYING_KEY.access_key)
    page.get_by_label("Secret key").fill("wrong")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("OUTSCALE refused these keys.")).to_be_visible()
    page.get_by_label("Secret key").fill(PAYING_KEY.secret_key)
    page.get_by_role("button", name="Add", exact=True).click()
    page.locator("button.scope").click()
    page.locator("#scope-menu").get_by_role("button", name="Groupe Meridian").click()
    expect(page.locator("button.scope")).to_contain_text(PAYING_ACCOUNT.account_id)
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
