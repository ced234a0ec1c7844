"""The drift in the browser: two known days, a file of osc-cost, and the report."""

import csv
import io
import re

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from tests.consumption.days import keep, make_ledger
from tests.consumption.drifts import osc_cost_file, ran, read, vm, volume
from tests.consumption.test_drift_page import held, month_of, past


def keep_two_days():
    """Keep two days of two VMs, one of which ran half of the time, and a reading of each."""
    ledger = make_ledger(at=timezone.now())
    for days in (2, 1):
        read(past(days), vm("i-1"), vm("i-2"), volume(300))
        used = [ran("i-1"), ran("i-2", hours="12"), held(300, month_of(past(days)))]
        keep(ledger, {past(days): used}, at=timezone.now())


@pytest.fixture
def drift(customer):
    """The page of two days."""
    keep_two_days()
    customer.goto(f"/consumption/drift/?first={past(2)}&last={past(1)}")
    expect(customer.locator("#days-compared")).to_have_text("2 of 2 days compared")
    return customer


def test_downloads_the_drift_report(drift):
    with drift.expect_download() as download:
        drift.get_by_role("link", name="CSV", exact=True).first.click()
    assert download.value.suggested_filename.startswith("drift-100000000001-eu-west-2")
    rows = list(csv.DictReader(io.StringIO(download.value.path().read_text())))
    shown = drift.locator("#lines tbody tr").first
    expect(shown).to_contain_text(rows[0]["resource_id"])
    expect(shown).to_contain_text(rows[0]["reason"])
    assert rows[0]["reason_codes"] == "part_of_the_time"


def test_a_file_of_osc_cost_is_chosen_and_compared(drift):
    content = osc_cost_file(("Vm", "i-1", "0.2"))
    drift.locator("input[type=file]").set_input_files(
        {"name": "cost.json", "mimeType": "application/json", "buffer": content}
    )
    drift.get_by_role("button", name="Compare with the consumption").click()
    expect(drift.locator("#lines tbody tr").filter(has_text="i-1")).to_contain_text("−€0.96")
    expect(drift.get_by_label("Estimate").locator("option:checked")).to_have_text("File cost.json")
    drift.get_by_label("Estimate").select_option("readings")
    expect(drift.locator("#lines tbody tr").filter(has_text="i-1")).to_contain_text("€0.00")
    expect(drift).to_have_url(re.compile(r"drift/\?((?!file).)*$"))
