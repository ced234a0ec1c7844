"""The drift of several accounts in one region: nothing of one is taken for the other's."""

import csv
import io

import pytest
from django.utils import timezone

from costs.snapshots import reader_of
from sandbox.cloud import DEMO_KEY, LINKED_KEY, PAYING_KEY
from tests.consumption.days import keep, make_ledger
from tests.consumption.drifts import osc_cost_file, ran, read, vm
from tests.consumption.test_drift_page import PAGE, past, plan_of, question, send, show, table
from tests.costs.portal_readings import figures, get, keys_of, text

pytestmark = pytest.mark.django_db

DEMO = f"{DEMO_KEY.account_id}.eu-west-2"
PAYING = f"{PAYING_KEY.account_id}.eu-west-2"
DEMO_TEXT, PAYING_TEXT = "Meridian Santé (eu-west-2)", "Groupe Meridian (eu-west-2)"


@pytest.fixture
def session(logged_in):
    """Two accounts in one region, together: a VM of the same id in both, of which one is larger there."""
    for key, vm_type, hours in ((DEMO_KEY, "tinav6.c4r8p2", "12"), (PAYING_KEY, "tinav6.c2r4p2", "24")):
        ledger = make_ledger(key.account_id, reader=key, at=timezone.now())
        for days in (2, 1):
            whose = {"reader": reader_of(key.access_key), "account": key.account_id}
            read(past(days), vm("i-1", vm_type, tags=[f"Name=of-{key.account_id}"]), **whose)
        used = {past(days): [ran("i-1", vm_type, hours=hours)] for days in (2, 1)}
        keep(ledger, used, at=timezone.now())
    logged_in.post("/accounts/add/", keys_of(PAYING_KEY))
    logged_in.post("/accounts/use/", {"together": "1"})
    return logged_in


def rows(page):
    """Return the figures and the reasons of the lines of each account."""
    found = {}
    for row in table(page, "lines"):
        where = DEMO_TEXT if DEMO_TEXT in row[0] else PAYING_TEXT
        assert where in row[0]
        found[where] = row[2:]
    return found


def test_a_resource_has_the_name_figures_reasons_and_history_of_its_own_account(session):
    page = show(session)
    found = rows(page)
    assert found[DEMO_TEXT][:2] == ["€8.64", "€4.32"]
    assert found[DEMO_TEXT][-1] == "It ran for a part of the time: 24 of 48 hours."
    assert found[PAYING_TEXT][1] == "€8.64"
    assert "part of the time" not in found[PAYING_TEXT][-1]
    for link in page.soup.select("#lines tbody th a"):
        account = text(link).removeprefix("of-")
        assert f"place={account}.eu-west-2" in link["href"]
        assert "region=" not in link["href"]
        assert get(session, link["href"]).status_code == 200


def test_the_drift_narrows_to_one_account_and_keeps_to_it(session):
    page = show(session, place=PAYING)
    assert figures(page)["consumed"] == "€8.64"
    inside = [link["href"] for link in page.soup.select("#kinds a, #categories a")]
    assert inside
    assert all(f"place={PAYING}" in href for href in inside)
    assert figures(get(session, f"{PAGE}{inside[0]}"))["consumed"] == "€8.64"
    assert show(session, place=f"{LINKED_KEY.account_id}.eu-west-2").status_code == 422


def test_files_and_api_name_the_account_of_each_line(session):
    content = session.get(f"{PAGE}export/csv/", question()).content.decode()
    lines = [row for row in csv.DictReader(io.StringIO(content)) if row["row"] == "line"]
    assert {row["account_id"]: row["consumed"] for row in lines} == {
        DEMO_KEY.account_id: "4.32",
        PAYING_KEY.account_id: "8.64",
    }
    asked = {"from_date": past(2), "to_date": past(0), "read": "false"}
    by_api = session.get("/api/drift", asked).json()["data"]["lines"]
    assert {line["account_id"] for line in by_api} == {DEMO_KEY.account_id, PAYING_KEY.account_id}


def test_a_quote_is_expected_of_its_own_account_once(session):
    page = show(session, estimate=plan_of(session))
    [vms] = [row for row in table(page, "lines") if row[0].startswith("Virtual machines")]
    assert vms[2:4] == ["€25.92", "€4.32"]
    assert f"The quote is compared with account {DEMO_KEY.account_id} alone" in text(page.soup)


def test_a_file_stays_with_the_account_for_which_it_was_sent(session):
    session.post("/accounts/use/", {"place": PAYING})
    sent = send(session, osc_cost_file(("Vm", "i-1", "0.2")))
    session.post("/accounts/use/", {"place": DEMO})
    session.post("/accounts/use/", {"together": "1"})
    estimate = next(part for part in sent.url.replace("%3A", ":").split("&") if "estimate=" in part)
    page = show(session, estimate=estimate.split("=")[1])
    [row] = table(page, "lines")
    assert row[2:4] == ["€9.60", "€8.64"]
    assert f"The file is about account {PAYING_KEY.account_id} in eu-west-2: only that" in text(page.soup)


def test_a_file_that_names_an_account_leads_to_that_account(session):
    content = osc_cost_file(("Vm", "i-1", "0.2"), account_id=PAYING_KEY.account_id, region="eu-west-2")
    sent = send(session, content)
    assert f"place={PAYING}" in sent.url
    assert [row[2:4] for row in table(get(session, sent.url), "lines")] == [["€9.60", "€8.64"]]
