"""The overview of several accounts in one session: each for itself, together, and converted by a set rate."""

from decimal import Decimal

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.formats import date_format

from accounts import standing
from accounts.errors import AuthenticationRefused, PermissionRefused
from consumption.models import LedgerReader
from consumption.periods import ONE_DAY, Preset, preset_period
from costs.exchangemodel import ExchangeRate
from costs.models import CostSnapshot
from costs.money import show_money
from finops_site.overviewconverted import converted_of
from finops_site.overviewfigures import Tile
from sandbox.cloud import DEMO_ACCOUNT, DEMO_KEY, LINKED_ACCOUNT, LINKED_KEY, PAYING_ACCOUNT, PAYING_KEY
from tests.consumption.days import entry, keep, make_ledger, note_tags_of_vms
from tests.costs.portal_readings import client_of, get, read_now
from tests.finops_site.test_overview import figures, link, text, tile, worked_out

pytestmark = pytest.mark.django_db

EUROS, DOLLARS = "eu-west-2", "us-east-2"


@pytest.fixture(autouse=True)
def _nothing_remembered():
    cache.clear()


@pytest.fixture
def now():
    return timezone.now()


def add(client, key, region=EUROS):
    sent = {"access_key": key.access_key, "secret_key": key.secret_key, "region": region}
    assert client.post("/accounts/add/", sent).status_code == 302
    client.post("/accounts/use/", {"together": "1"})


def keep_of(key, entries, *, now, region=EUROS, days=70, without=(), **facts):
    """Keep the last days of the account of a key, which may see them."""
    ledger = make_ledger(key.account_id, region, key, now)
    kept = {now.date() - age * ONE_DAY: entries for age in range(1, days + 1) if age not in without}
    keep(ledger, kept, at=now, **facts)
    return ledger


@pytest.fixture
def together(logged_in, now):
    """A session with an account that is billed 1 EUR a day and another one billed 2 USD a day."""
    keep_of(DEMO_KEY, [entry(price="1")], now=now)
    keep_of(LINKED_KEY, [entry(price="2")], now=now, region=DOLLARS, currency="USD")
    add(logged_in, LINKED_KEY, DOLLARS)
    return logged_in


def set_rate(currency="USD", into="EUR", rate="0.92", at=None):
    return ExchangeRate.objects.create(
        currency=currency, into=into, rate=Decimal(rate), set_at=at or timezone.now()
    )


def sums(page):
    return {one["data-sum"]: text(one) for one in page.soup.select("[data-converted] [data-sum]")}


def rates_text(page):
    return text(page.soup.select_one("#converted-rates"))


# --- In several currencies


def test_without_a_rate_two_currencies_stand_apart_and_the_page_says_so(together):
    set_rate("EUR", "USD", "1.087")  # no rate is turned round
    page = worked_out(together)
    assert [one["data-bill"] for one in page.soup.select("[data-bill]")] == ["EUR", "USD"]
    assert not page.soup.select("[data-converted], #converted-rates")
    assert "Amounts in different currencies are not added." in text(page.soup)
    notes = [text(one) for one in page.soup.select(".strip-note")]
    assert notes == [
        f"{DEMO_ACCOUNT.company} ({EUROS}): billed in EUR",
        f"{LINKED_ACCOUNT.company} ({DOLLARS}): billed in USD",
    ]


def test_a_set_rate_allows_a_total_that_is_said_to_be_converted(together, now):
    rate = set_rate(at=now)
    read_now(together)
    CostSnapshot.objects.update(per_month=Decimal(730))
    stored = CostSnapshot.objects.get()
    stored.pk, stored.account_id, stored.region, stored.currency = (
        None,
        LINKED_ACCOUNT.account_id,
        DOLLARS,
        "USD",
    )
    stored.reader = LedgerReader.objects.get(ledger__region=DOLLARS).reader
    stored.per_month = Decimal("100.55")
    stored.save()
    page = worked_out(together)
    found = sums(page)
    days = preset_period(Preset.LAST_MONTH, now.date()).length
    assert found["last-month"] == show_money(days + 2 * days * Decimal("0.92"), "EUR")
    past = now.day - 1
    assert found["month"] == (show_money(past + 2 * past * Decimal("0.92"), "EUR") if past else "–")
    running = "≥ €822.51 per month" if stored.lacks else "€822.51 per month"  # 730 + 100.55 × 0.92 = 822.506
    assert found["running"] == running
    day = date_format(rate.set_at, "j F Y")
    assert rates_text(page).endswith(f"at 1 USD = 0.92 EUR, set on {day} by the operator")
    assert not page.soup.select("#overview-places tr.total")
    assert not get(client_of(LINKED_KEY, EUROS), "/?all=1").soup.select("[data-converted], [data-figure]")


def test_a_converted_forecast_is_that_of_both_bills_at_the_rate(together):
    set_rate(rate="0.5")
    page = worked_out(together)
    bills = {bill["currency"]: bill for bill in page.context["bills"]}
    expected = bills["EUR"]["expected"].amount + bills["USD"]["expected"].amount / 2
    assert sums(page)["expected"] == show_money(expected, "EUR")


def test_a_part_that_is_not_wholly_known_leaves_a_lower_bound(logged_in, now):
    keep_of(DEMO_KEY, [entry(price="1")], now=now)
    last = preset_period(Preset.LAST_MONTH, now.date())
    age = (now.date() - last.first).days
    keep_of(LINKED_KEY, [entry(price="2")], now=now, region=DOLLARS, currency="USD", without=(age,))
    add(logged_in, LINKED_KEY, DOLLARS)
    set_rate(rate="1")
    page = worked_out(logged_in)
    assert tile(page, "last-month", "USD") == show_money(Decimal(2 * (last.length - 1)), "USD")
    assert sums(page)["last-month"] == f"≥ {show_money(Decimal(3 * last.length - 2), 'EUR')}"
    assert sums(page)["running"] == "–"


def converted(*bills):
    shown = [{"currency": currency, "tiles": [Tile("month", "", "", **facts)]} for currency, facts in bills]
    return converted_of(shown)


def test_a_sum_is_converted_only_where_every_rate_is_set_and_says_what_it_lacks():
    one, known = Decimal(1), {"amount": Decimal("0.1")}
    bills = [("EUR", {"amount": one}), ("USD", known), ("CHF", known)]
    set_rate("USD", "EUR", "0.0000000001")
    assert converted(*bills) is None
    assert converted(bills[0]) is None
    set_rate("CHF", "EUR", "12345.0000000001")
    found = converted(*bills)
    assert found.sums[0].amount == Decimal("1235.50000000002")
    assert not found.sums[0].lacks
    assert [rate.partition(", set")[0] for rate in found.rates] == [
        "1 USD = 0.0000000001 EUR",
        "1 CHF = 12,345.0000000001 EUR",
    ]
    for lacking in ({"amount": None}, known | {"lacks": True}, known | {"is_whole": False}):
        assert converted(*bills[:2], ("CHF", lacking)).sums[0].lacks
    unknown = {"amount": None}
    assert converted(("EUR", unknown), ("USD", unknown)).sums[0].amount is None


# --- In one currency


def test_each_account_of_a_region_has_its_row_that_leads_to_its_own_days(logged_in, now):
    keep_of(DEMO_KEY, [entry(price="1")], now=now)
    keep_of(PAYING_KEY, [entry(price="4")], now=now)
    add(logged_in, PAYING_KEY)
    read_now(logged_in)
    page = worked_out(logged_in)
    rows = page.soup.select("#overview-places tr[data-place]")
    accounts = [DEMO_ACCOUNT, PAYING_ACCOUNT]
    assert [row["data-place"] for row in rows] == [f"{one.account_id}.{EUROS}" for one in accounts]
    assert [text(row.th) for row in rows] == [f"{one.company} {one.account_id}" for one in accounts]
    for row, price in zip(rows, (1, 4), strict=True):
        there = get(logged_in, row.select_one(".money a")["href"]).soup
        total = text(there.select_one("#groups [data-figure=total]"))
        if now.day > 1:
            assert (
                text(row.select_one(".money a")) == total == show_money(Decimal(price * (now.day - 1)), "EUR")
            )
    length = preset_period(Preset.LAST_MONTH, now.date()).length
    assert tile(page, "last-month") == show_money(Decimal(5 * length), "EUR")
    running = page.soup.select_one("[data-figure=running]")
    assert f"without {PAYING_ACCOUNT.company} ({EUROS})" in text(running.find_next_sibling("dd"))
    assert text(running).startswith("≥ ")


def test_a_refused_and_an_unread_key_are_marked_at_their_rows_and_leave_the_sum_partial(logged_in, now):
    keep_of(DEMO_KEY, [entry(price="1")], now=now)
    keep_of(PAYING_KEY, [entry(price="4")], now=now)
    LedgerReader.objects.filter(ledger__account_id=PAYING_KEY.account_id).update(
        refusal=PermissionRefused.code
    )
    add(logged_in, PAYING_KEY)
    add(logged_in, LINKED_KEY)
    page = worked_out(logged_in)
    mine, refused, unread = (text(row) for row in page.soup.select("#overview-places tr[data-place]"))
    assert "key refused" not in mine
    assert "key refused" in refused
    assert "Nothing was read with this key in the last 24 hours." in unread
    assert "€4" not in text(page.soup.select_one("#overview"))
    length = preset_period(Preset.LAST_MONTH, now.date()).length
    assert tile(page, "last-month") == f"≥ {show_money(Decimal(length), 'EUR')}"
    standing.note_refused(DEMO_KEY.access_key, AuthenticationRefused("ReadVms"))
    row = figures(logged_in).soup.select_one("#overview-places tr[data-place]")
    assert "key refused" in text(row)
    if now.day > 1:
        assert show_money(Decimal(now.day - 1), "EUR") in text(row)  # what was read before is known


def test_the_queries_grow_by_the_same_with_each_account(logged_in, now):
    counts = []
    keep_of(DEMO_KEY, [entry(price="1")], now=now)
    for key in (PAYING_KEY, LINKED_KEY):
        keep_of(key, [entry(price="1", resource=f"i-{number}") for number in range(5)], now=now)
        add(logged_in, key)
        worked_out(logged_in)
        with CaptureQueriesContext(connection) as queries:
            figures(logged_in)
        counts.append(len(queries))
    assert counts[1] - counts[0] <= 20


# --- What carries no tag


def untagged(page):
    """Return the share, and what is said of it."""
    value = page.soup.select_one("[data-figure=untagged]")
    return text(value), text(value.find_next_sibling("dd"))


def vms(**prices):
    return [entry(price=price, resource=f"i-{name}", category="compute") for name, price in prices.items()]


def test_the_untagged_share_is_that_of_the_allocation_it_leads_to(logged_in, now):
    mine = keep_of(DEMO_KEY, vms(a="1", b="2"), now=now)
    other = keep_of(PAYING_KEY, [*vms(c="4", d="0.5"), entry("Support", "2.5", resource=None)], now=now)
    note_tags_of_vms(mine, now.date(), {"i-a": {"pro & ject": "x"}})
    add(logged_in, PAYING_KEY)
    share, note = untagged(figures(logged_in))
    assert share == "at most ≤ 65.0%"  # 6.5 of 10: nothing tells what the other account's tags are
    assert note.endswith(f"by pro & ject; no tag was read in {PAYING_ACCOUNT.company} ({EUROS})")
    note_tags_of_vms(other, now.date(), {"i-c": {"pro & ject": "y"}, "i-d": {"env": "z"}})
    page = figures(logged_in)
    share, note = untagged(page)
    assert share == "25.0%"
    there = get(logged_in, link(page, "untagged"))
    length = preset_period(Preset.LAST_MONTH, now.date()).length
    shown = there.soup.select_one("[data-figure=untagged]")
    assert text(shown) == show_money(Decimal("2.5") * length, "EUR")
    assert f"{share} of the total" in text(shown.find_next_sibling("dd"))
    assert note.endswith(f"{text(shown)} of {show_money(Decimal(10 * length), 'EUR')} by pro & ject")
    assert there.context["allocation"].keys == ("pro & ject",)


def test_the_untagged_share_is_remembered_until_a_day_or_a_tag_is_read_again(logged_in, now, monkeypatch):
    ledger = keep_of(DEMO_KEY, vms(a="1", b="3"), now=now)
    note_tags_of_vms(ledger, now.date(), {"i-a": {"project": "x"}})
    assert untagged(figures(logged_in))[0] == "75.0%"
    with monkeypatch.context() as context:
        context.setattr("consumption.untagged.answer_of", None)
        assert untagged(figures(logged_in))[0] == "75.0%"
    note_tags_of_vms(ledger, now.date(), {"i-b": {"project": "x"}}, hour=9)
    assert untagged(figures(logged_in))[0] == "25.0%"
    keep_of(DEMO_KEY, vms(a="1", b="1"), now=timezone.now())
    assert untagged(figures(logged_in))[0] == "50.0%"


def test_an_unknown_untagged_share_is_a_dash_with_its_reason_and_never_nothing(logged_in, now):
    ledger = keep_of(DEMO_KEY, vms(a="1"), now=now)
    page = figures(logged_in)
    assert untagged(page) == ("–", "No tags were read yet.")
    assert link(page, "untagged") == "/consumption/allocation/?period=last-month"
    note_tags_of_vms(ledger, now.date(), {})
    assert untagged(figures(logged_in)) == ("–", "No resource was ever seen with a tag.")
    note_tags_of_vms(ledger, now.date(), {"i-a": {"project": "x"}}, hour=9)
    assert untagged(figures(logged_in))[0] == "0.0%"


def test_a_partial_month_says_so_beside_its_untagged_share(logged_in, now):
    last = preset_period(Preset.LAST_MONTH, now.date())
    age = (now.date() - last.first).days
    ledger = keep_of(DEMO_KEY, vms(a="1", b="1"), now=now, without=(age,))
    note_tags_of_vms(ledger, now.date(), {"i-a": {"project": "x"}})
    share, note = untagged(figures(logged_in))
    assert share == "50.0%"
    assert note.startswith(f"{last.length - 1} of {last.length} days")
