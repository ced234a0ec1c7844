"""Pages of the history on several accounts together: exact sums, no currency added to another, each once."""

import csv
import datetime as dt
import io
import json
from decimal import Decimal

import pytest
from bs4 import BeautifulSoup
from django.test import Client
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from accounts.errors import PermissionRefused
from consumption.daybook import Choice, Daybook
from consumption.history import Question, history_of
from consumption.models import LedgerReader
from consumption.periods import Granularity, Period, Preset, preset_period
from consumption.wholenumbers import amount_of
from sandbox.cloud import (
    DEMO_ACCOUNT,
    EMPTY_KEY,
    LINKED_ACCOUNT,
    LINKED_KEY,
    PAYING_ACCOUNT,
    PAYING_KEY,
)
from tests.conftest import DEMO_KEYS
from tests.consumption.days import day, entry, keep, make_ledger

HERE, ABROAD = "eu-west-2", "us-east-2"
MARCH = Period(day(1), day(5))


def keys_of(key, region=HERE):
    return {"access_key": key.access_key, "secret_key": key.secret_key, "region": region}


@pytest.fixture
def month():
    return preset_period(Preset.LAST_MONTH, timezone.now().date())


@pytest.fixture
def together(logged_in):
    """A session with the paying and the demo account, which works on both together."""
    assert logged_in.post("/accounts/add/", keys_of(PAYING_KEY)).status_code == 302
    logged_in.post("/accounts/use/", {"together": "1"})
    return logged_in


def kept(period, *entries, account=DEMO_ACCOUNT, key=None, region=HERE, **facts):
    now = timezone.now()
    readers = {"reader": key} if key else {}
    ledger = make_ledger(account.account_id, region, at=now, **readers)
    facts = {"at": now + dt.timedelta(days=30)} | facts
    keep(ledger, {one: entries or [entry()] for one in period.days}, **facts)
    return ledger


def get(client, address):
    response = client.get(address)
    response.soup = BeautifulSoup(response.content, "html.parser")
    return response


def asked(client, **question):
    answer = client.get("/api/consumption", {"period": "last-month", "read": "false", **question})
    return answer.json()


# --- Sums


def test_together_is_the_sum_and_each_account_is_a_group_of_it(together, month):
    kept(month, entry(price="1.0000000001"))
    kept(month, entry(price="2.5"), account=PAYING_ACCOUNT, key=PAYING_KEY)
    found = asked(together, group_by="account")["data"]
    by_account = {group["key"]: Decimal(group["cost"]) for group in found["groups"]}
    assert by_account == {
        DEMO_ACCOUNT.account_id: month.length * Decimal("1.0000000001"),
        PAYING_ACCOUNT.account_id: month.length * Decimal("2.5"),
    }
    assert Decimal(found["total"]) == sum(by_account.values())
    page = get(together, "/consumption/?period=last-month&group_by=account")
    assert "Groupe Meridian" in page.soup.select_one("#figures").get_text()


def test_the_account_in_use_alone_is_what_a_switch_shows(together, month):
    kept(month, entry(price="1"))
    kept(month, entry(price="2"), account=PAYING_ACCOUNT, key=PAYING_KEY)
    for account, cost in ((DEMO_ACCOUNT, 1), (PAYING_ACCOUNT, 2)):
        together.post("/accounts/use/", {"place": f"{account.account_id}.{HERE}"})
        assert Decimal(asked(together)["data"]["total"]) == cost * month.length
    refused = get(together, f"/consumption/?place={DEMO_ACCOUNT.account_id}.{HERE}")
    assert refused.status_code == 422


def test_a_place_narrows_what_is_together(together, month):
    kept(month, entry(price="1"))
    kept(month, entry(price="2"), account=PAYING_ACCOUNT, key=PAYING_KEY)
    found = asked(together, place=f"{PAYING_ACCOUNT.account_id}.{HERE}")
    assert Decimal(found["data"]["total"]) == 2 * month.length
    assert asked(together, place="1.moon")["error"]["details"]["place"]
    place = f"{PAYING_ACCOUNT.account_id}.{HERE}"
    invoice = get(together, f"/consumption/invoice/export/json/?period=last-month&place={place}")
    assert Decimal(json.loads(invoice.content)["totals"][0]["cost"]) == 2 * month.length


def test_a_place_and_a_region_both_hold(together, month):
    together.post("/accounts/add/", keys_of(PAYING_KEY, ABROAD))
    kept(month, entry(price="2"), account=PAYING_ACCOUNT, key=PAYING_KEY)
    here, abroad = (f"{PAYING_ACCOUNT.account_id}.{region}" for region in (HERE, ABROAD))
    both = asked(together, place=[here, abroad], region=HERE)
    assert Decimal(both["data"]["total"]) == 2 * month.length
    assert asked(together, place=here, region=ABROAD)["error"]["details"]["place"]
    read = {"place": [here], "region": [ABROAD]}
    answer = together.post("/api/consumption/sync", read, content_type="application/json")
    assert answer.status_code == 400
    for page in ("", "invoice/", "drift/"):
        query = f"place={here}&region={ABROAD}"
        assert get(together, f"/consumption/{page}?{query}").status_code == 422


def test_an_account_without_a_day_makes_the_whole_partial(together, month):
    kept(month, entry(price="1"))
    found = asked(together)
    assert found["metadata"]["coverage"]["partial"] == month.length
    page = get(together, "/consumption/?period=last-month")
    assert "≥" in page.soup.select_one("#figures").get_text()


def test_files_hold_all_accounts_and_are_named_after_them(together, month):
    kept(month, entry(price="1"))
    kept(month, entry(price="2"), account=PAYING_ACCOUNT, key=PAYING_KEY)
    response = together.get("/consumption/export/json/?period=last-month&group_by=account")
    assert Decimal(json.loads(response.content)["total"]) == 3 * month.length
    assert PAYING_ACCOUNT.account_id in response["Content-Disposition"]
    assert DEMO_ACCOUNT.account_id in response["Content-Disposition"]


# --- Currencies


@pytest.fixture
def two_currencies(logged_in, month):
    logged_in.post("/accounts/add/", keys_of(LINKED_KEY, ABROAD))
    logged_in.post("/accounts/use/", {"together": "1"})
    kept(month, entry(price="1"))
    kept(month, entry(price="7"), account=LINKED_ACCOUNT, key=LINKED_KEY, region=ABROAD, currency="USD")
    return logged_in


def test_a_page_shows_one_currency_and_leads_to_the_other(two_currencies, month):
    page = get(two_currencies, "/consumption/?period=last-month")
    links = page.soup.select("[aria-label=Currency] a")
    assert [(link.get_text(), link.get("aria-current")) for link in links] == [("EUR", "true"), ("USD", None)]
    assert page.context["history"].total == month.length
    dollars = get(two_currencies, f"/consumption/{links[1]['href']}")
    assert dollars.context["history"].total == 7 * month.length
    assert dollars.context["history"].currency == "USD"
    assert dollars.soup.select("input[type=hidden][name=currency][value=USD]")


@pytest.mark.parametrize("name", ["trends", "forecast", "anomalies", "drift", "allocation"])
def test_every_page_keeps_the_currencies_apart(two_currencies, month, name):
    page = get(two_currencies, f"/consumption/{name}/?period=last-month&currency=USD")
    assert page.status_code == 200
    assert page.context["history"].currency == "USD"
    assert page.context["history"].total == 7 * month.length


def test_a_script_is_told_that_currencies_are_not_added(two_currencies, month):
    assert asked(two_currencies)["error"]["code"] == "SEVERAL_CURRENCIES"
    assert Decimal(asked(two_currencies, currency="USD")["data"]["total"]) == 7 * month.length
    unknown = asked(two_currencies, currency="CHF")["error"]
    assert (unknown["code"], unknown["message"]) == (
        "CURRENCY_UNKNOWN",
        "Nothing here is billed in CHF, but in EUR, USD.",
    )
    assert asked(two_currencies, currency="euro")["error"]["details"]["currency"]


def test_a_page_in_a_currency_that_nothing_is_billed_in_says_so(two_currencies):
    page = get(two_currencies, "/consumption/?currency=CHF")
    assert page.status_code == 422
    assert "Nothing here is billed in CHF" in page.soup.select_one("#figures").get_text()
    assert get(two_currencies, "/consumption/?currency=€€€").status_code == 422


def test_the_draft_invoice_has_a_total_for_each_currency(two_currencies):
    page = get(two_currencies, "/consumption/invoice/?period=last-month")
    assert {one["data-total"] for one in page.soup.select("[data-total]")} == {"EUR", "USD"}


@pytest.mark.parametrize(
    "page", ["", "trends/", "forecast/", "anomalies/", "drift/", "allocation/", "invoice/"]
)
def test_a_file_holds_nothing_of_a_currency_that_was_not_asked_for(two_currencies, page):
    refused = two_currencies.get(f"/consumption/{page}export/json/?period=last-month&currency=CHF")
    assert refused.status_code in (400, 422)
    assert b"Nothing here is billed in CHF, but in EUR, USD." in refused.content


def test_invoice_and_focus_are_in_the_currency_that_is_asked_for(two_currencies, month):
    invoice = get(two_currencies, "/consumption/invoice/export/json/?period=last-month&currency=USD")
    assert [one["currency"] for one in json.loads(invoice.content)["totals"]] == ["USD"]
    page = get(two_currencies, "/consumption/invoice/?period=last-month&currency=USD")
    assert page.soup.select("form input[type=hidden][name=currency][value=USD]")
    here = f"month={month.first:%Y-%m}&currency=USD"
    focus = two_currencies.get(f"/consumption/export/focus/?{here}")
    script = two_currencies.get(f"/api/consumption/export?format=focus&read=false&period=last-month&{here}")
    for file in (focus, script):
        rows = csv.DictReader(io.StringIO(b"".join(file.streaming_content).decode()))
        assert {row["BillingCurrency"] for row in rows} == {"USD"}


def test_a_script_reads_the_places_of_a_currency_and_is_told_of_which_account_each_is(two_currencies):
    asked_days = {"from_date": day(1).isoformat(), "to_date": day(2).isoformat(), "currency": "USD"}
    answer = two_currencies.post("/api/consumption/sync", asked_days, content_type="application/json")
    [told] = answer.json()["data"]
    assert (told["account_id"], told["region"]) == (LINKED_ACCOUNT.account_id, ABROAD)


def test_no_anomaly_is_marked_in_a_currency_that_nothing_is_billed_in(two_currencies):
    response = two_currencies.post("/consumption/anomalies/2026-01-01/expected/?currency=CHF", {"note": ""})
    assert response.status_code == 302


# --- An account that is billed to another one


def test_a_linked_account_with_a_key_of_its_own_counts_once(together, month):
    own = entry(price="1")
    kept(month, own, with_linked=True)
    billed = [entry(price="2"), entry(price="1", account_id=DEMO_ACCOUNT.account_id)]
    billed.append(entry(price="4", account_id=LINKED_ACCOUNT.account_id))
    kept(month, *billed, account=PAYING_ACCOUNT, key=PAYING_KEY, with_linked=True)
    assert Decimal(asked(together, linked="true")["data"]["total"]) == 7 * month.length
    allocation = together.get("/api/allocation?period=last-month&linked=true&key=project&read=false").json()
    assert Decimal(allocation["data"]["total"]) == 7 * month.length
    invoice = get(together, "/consumption/invoice/export/json/?period=last-month&linked=1")
    assert Decimal(json.loads(invoice.content)["totals"][0]["cost"]) == 7 * month.length
    focus = together.get(f"/consumption/export/focus/?month={month.first:%Y-%m}&linked=1")
    rows = csv.DictReader(io.StringIO(b"".join(focus.streaming_content).decode()))
    assert sum(Decimal(row["BilledCost"]) for row in rows) == 7 * month.length


@pytest.mark.parametrize("linked", ["", "&linked=1"])
def test_every_grouping_of_accounts_of_which_one_pays_adds_up(together, month, linked):
    kept(month, entry(price="1", resource="i-1"), with_linked=True)
    billed = [entry(price="2"), entry(price="1", account_id=DEMO_ACCOUNT.account_id, resource="i-1")]
    billed.append(entry(price="4", account_id=LINKED_ACCOUNT.account_id))
    kept(month, *billed, account=PAYING_ACCOUNT, key=PAYING_KEY, with_linked=True)
    total = (7 if linked else 3) * month.length
    for asks in ("category", "resource&granularity=day", "account&granularity=week", "region"):
        address = f"/consumption/export/json/?period=last-month&group_by={asks}{linked}"
        found = json.loads(together.get(address).content)
        for part in ("groups", "periods"):
            assert sum(Decimal(one["cost"]) for one in found[part]) == total == Decimal(found["total"])
    for asks in (f"account={DEMO_ACCOUNT.account_id}", "resource=i-1"):
        address = f"/consumption/export/json/?period=last-month&group_by=resource&{asks}{linked}"
        assert Decimal(json.loads(together.get(address).content)["total"]) == month.length


class AnyAccounts(TestCase):
    @settings(max_examples=25)
    @given(
        prices=st.lists(st.integers(0, 10**12), min_size=4, max_size=4),
        split=st.sampled_from(Granularity.values),
    )
    def test_history_and_daybook_count_each_account_once(self, prices, split):
        own, of_linked, of_third, of_payer = (amount_of(price) for price in prices)
        linked, payer = make_ledger("600000000006"), make_ledger("500000000005")
        keep(linked, {one: [entry(price=own)] for one in MARCH.days}, with_linked=True)
        billed = [entry(price=of_payer), entry(price=of_linked, account_id="600000000006")]
        billed.append(entry(price=of_third, account_id="700000000007"))
        keep(payer, dict.fromkeys(MARCH.days, billed), with_linked=True)
        expected = (own + of_third + of_payer) * MARCH.length
        question = Question(MARCH, granularity=split, with_linked=True)
        found = history_of([payer, linked], question, expected=2)
        assert found.total == sum(group.cost for group in found.groups) == expected
        ledgers = frozenset([payer.pk, linked.pk])
        both = Choice(ledgers, "EUR", with_linked=ledgers)
        assert amount_of(Daybook([payer, linked], MARCH).series(both).spent(MARCH)) == expected


# --- Who sees what, and trouble


def test_a_key_that_may_not_read_does_not_hide_the_others(together, month):
    kept(month, entry(price="1"))
    ledger = kept(month, entry(price="2"), account=PAYING_ACCOUNT, key=PAYING_KEY)
    LedgerReader.objects.filter(ledger=ledger).update(refusal=PermissionRefused.code)
    page = get(together, "/consumption/?period=last-month")
    assert page.status_code == 200
    assert page.context["history"].total == month.length
    assert page.context["lacks"]


def test_another_session_sees_none_of_it(together, month):
    kept(month, entry(price="1"))
    kept(month, entry(price="2"), account=PAYING_ACCOUNT, key=PAYING_KEY)
    stranger = Client()
    stranger.post("/login/", keys_of(EMPTY_KEY))
    place = f"{PAYING_ACCOUNT.account_id}.{HERE}"
    assert get(stranger, f"/consumption/?place={place}").status_code == 422
    assert get(stranger, f"/consumption/read/?at={place}").status_code == 302
    found = asked(stranger, group_by="account")["data"]
    assert (found["groups"], found["total"]) == ([], None)
    again = Client()
    again.post("/login/", DEMO_KEYS)
    assert Decimal(asked(again)["data"]["total"]) == month.length


def test_a_page_reads_the_days_of_all_accounts(together, outscale, month):
    page = get(together, "/consumption/?period=last-month")
    outscale.requests.clear()
    for _slice in range(40):
        form = page.soup.select_one("#reading form, form[hx-post*='/read/']")
        if form is None:
            break
        sent = {one["name"]: one["value"] for one in form.select("input[type=hidden]")}
        page = together.post(form["hx-post"], sent, headers={"HX-Request": "true"})
        page.soup = BeautifulSoup(page.content, "html.parser")
    assert asked(together)["metadata"]["coverage"]["unread"] == 0
    by_account = asked(together, group_by="account")["data"]["groups"]
    assert {group["key"] for group in by_account} == {DEMO_ACCOUNT.account_id, PAYING_ACCOUNT.account_id}
