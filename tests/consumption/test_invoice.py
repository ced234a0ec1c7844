"""The draft invoice adds up what is kept, and says what it does not hold."""

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.errors import CloudUnavailable
from consumption import keeping
from consumption.entries import CALL
from consumption.history import Dimension, Question, history_of
from consumption.invoice import invoice_of
from consumption.models import Ledger
from consumption.periods import Period
from consumption.reasons import reason_text
from consumption.sources import Source
from costs.pricelist import PriceKey, Unit
from tests.consumption.days import LATER, REGION, day, entry, keep, make_ledger

pytestmark = pytest.mark.django_db
MARCH = Period(day(1), day(4))
OTHER, THIRD = "100000000009", "100000000008"


def source_of(ledger, problem=""):
    return Source(ledger.account_id, ledger.region, ledger, problem)


def draft(*ledgers, period=MARCH, with_linked=False):
    return invoice_of(
        [source_of(one) for one in ledgers], period, issued_on=LATER.date(), with_linked=with_linked
    )


def volume(price="1.1", **facts):
    facts = {"operation": "CreateVolume", "category": "storage", "value": "10", "resource": "vol-1"} | facts
    return entry("BSU:VolumeUsage:gp2", price, **facts)


def vm(**facts):
    given = {"operation": "RunInstances-OD", "category": "compute", "resource": "i-1"} | facts
    return entry("BoxUsage:tinav6.c4r8p2", given.pop("price", "4.8"), **given)


def test_a_meter_is_one_line_with_the_quantity_and_cost_of_its_days():
    ledger = make_ledger()
    price = {"unit_price": Decimal("0.05")}
    keep(ledger, {day(n): [entry(**price), entry(resource="nat-2", **price)] for n in (1, 2, 3)})

    [line] = draft(ledger).lines

    assert (line.account_id, line.region, line.currency) == (ledger.account_id, REGION, "EUR")
    assert line.key == PriceKey("TinaOS-FCU", "NatGatewayUsage", "CreateNatGateway")
    assert (line.product, line.unit, line.unit_words) == ("NAT service", Unit.HOUR, "hours")
    assert (line.quantity, line.unit_price, line.cost, line.days) == (144, Decimal("0.05"), Decimal("7.2"), 3)


def test_only_days_of_the_period_and_the_accounts_own_are_counted():
    ledger = make_ledger()
    keep(ledger, {day(n): [entry(), entry(account_id=OTHER)] for n in (1, 3, 4)}, with_linked=True)

    assert [line.cost for line in draft(ledger).lines] == [Decimal("2.4")]


def test_a_unit_price_that_changes_is_none_and_the_cost_stays_exact():
    ledger = make_ledger()
    keep(
        ledger,
        {
            day(1): [volume("1.1", unit_price=Decimal("0.11"))],
            day(2): [volume("1.2345678901", unit_price=Decimal("0.12345678901"))],
        },
    )

    [line] = draft(ledger).lines

    assert line.unit_price is None
    assert line.has_several_unit_prices
    assert (line.lowest, line.highest) == (Decimal("0.11"), Decimal("0.1234567890"))
    assert line.cost == Decimal("2.3345678901")


def test_a_unit_price_that_some_days_lack_is_unknown_and_not_that_of_the_others():
    ledger = make_ledger()
    keep(ledger, {day(1): [volume(unit_price=Decimal("0.11"))], day(2): [volume()]})

    [line] = draft(ledger).lines

    assert (line.lowest, line.unit_price, line.has_several_unit_prices) == (None, None, False)
    assert line.cost == Decimal("2.2")


def test_what_has_no_price_is_a_line_without_cost_named_and_counted():
    ledger = make_ledger()
    unknown = {"service": "Marketplace", "operation": "Subscription", "value": "1"}
    keep(ledger, {day(1): [entry("pof-7", None, **unknown)], day(2): [entry("pof-7", "5", **unknown)]})

    invoice = draft(ledger)

    assert [(line.cost, line.days) for line in invoice.lines] == [(Decimal(5), 1), (None, 1)]
    assert [line.product for line in invoice.unpriced] == ["Marketplace subscription pof-7"]
    [total] = invoice.totals
    assert (total.cost, total.lacks) == (Decimal(5), True)
    assert invoice.lacks


@pytest.mark.parametrize(
    ("type_", "operation", "unit", "name"),
    [
        ("BoxUsage:tinav6.c4r8p2", "RunInstances-OD", Unit.VM_HOUR, "VM tinav6.c4r8p2"),
        (
            "ProductUsage:tinav6.c4r8p2",
            "RunInstances-0002-OD",
            Unit.VM_HOUR,
            "Windows Server licence, VM tinav6.c4r8p2",
        ),
        ("BSU:VolumeUsage:gp2", "CreateVolume", Unit.GIB_MONTH, "Volume gp2 (Performance)"),
        ("Novelty:x", "RunNovelty", Unit.UNKNOWN, "Novelty:x / RunNovelty"),
    ],
)
def test_products_have_our_names_and_the_unit_of_their_price(type_, operation, unit, name):
    ledger = make_ledger()
    keep(ledger, {day(1): [entry(type_, operation=operation)]})

    [line] = draft(ledger).lines

    assert (line.product, line.unit) == (name, unit)
    assert bool(line.unit_words) is (unit is not Unit.UNKNOWN)


def test_lines_go_by_account_then_category_then_cost():
    first, second = make_ledger(OTHER), make_ledger()
    keep(first, {day(1): [entry()]})
    keep(second, {day(1): [volume(), entry("LBU:Usage", "0.5"), entry("pof-1", None), vm(), entry()]})

    found = [(line.account_id, line.key.type) for line in draft(first, second).lines]

    mine = second.account_id
    assert found == [
        (OTHER, "NatGatewayUsage"),
        (mine, "BoxUsage:tinav6.c4r8p2"),
        (mine, "BSU:VolumeUsage:gp2"),
        (mine, "NatGatewayUsage"),
        (mine, "LBU:Usage"),
        (mine, "pof-1"),
    ]


def test_subtotals_are_by_account_region_and_category():
    first, second = make_ledger(), make_ledger(region="cloudgouv-eu-west-1")
    other = make_ledger(OTHER)
    for one, price in ((first, "1"), (second, "2"), (other, "4")):
        keep(one, {day(1): [entry(price=price), volume("10")]})

    invoice = draft(first, second, other)

    mine = first.account_id
    assert {one.account_id: one.cost for one in invoice.by_account} == {mine: 23, OTHER: 14}
    assert {one.region: one.cost for one in invoice.by_region} == {REGION: 25, "cloudgouv-eu-west-1": 12}
    assert [(one.category, one.cost) for one in invoice.by_category] == [("storage", 30), ("network", 7)]
    sections = [(one.total.account_id, one.total.region, one.total.cost) for one in invoice.sections]
    assert sections == [(mine, REGION, 11), (mine, "cloudgouv-eu-west-1", 12), (OTHER, REGION, 14)]


def test_currencies_are_never_added():
    euros, dollars = make_ledger(), make_ledger(OTHER, region="us-east-2")
    keep(euros, {day(1): [entry(price="1")]})
    keep(dollars, {day(1): [entry(price="2")]}, currency="USD")

    invoice = draft(euros, dollars)

    assert [(total.currency, total.cost) for total in invoice.totals] == [("EUR", 1), ("USD", 2)]
    categories = [(one.currency, one.category, one.cost) for one in invoice.by_category]
    assert categories == [("EUR", "network", 1), ("USD", "network", 2)]


def test_days_missing_in_one_currency_do_not_cast_doubt_on_the_other():
    euros, dollars = make_ledger(), make_ledger(OTHER, region="us-east-2")
    keep(euros, {one: [entry(price="1")] for one in MARCH.days})
    keep(dollars, {day(1): [entry(price="2")]}, currency="USD")

    invoice = draft(euros, dollars)

    assert [(total.currency, total.lacks) for total in invoice.totals] == [("EUR", False), ("USD", True)]
    assert [(one.region, one.lacks) for one in invoice.by_region] == [(REGION, False), ("us-east-2", True)]


def test_nothing_consumed_is_zero_and_nothing_read_is_no_total():
    read, unread = make_ledger(), make_ledger(OTHER)
    keep(read, {one: [] for one in MARCH.days})

    invoice = draft(read)
    assert [(total.cost, total.lacks) for total in invoice.totals] == [(0, False)]
    assert (invoice.is_known, invoice.missing) == (True, [])

    invoice = draft(unread)
    assert (invoice.totals, invoice.is_known, invoice.lacks) == ([], False, True)
    [section] = invoice.sections
    assert (section.total.account_id, section.total.currency, section.total.lines) == (OTHER, "", [])


def test_what_is_missing_is_said_by_source_state_and_days():
    ledger = make_ledger()
    keep(ledger, {day(1): [entry()], day(5): [entry()]})
    keep(ledger, {day(6): [entry()]}, unreadable=1)
    keeping.note_failure(ledger, day(2), CloudUnavailable(CALL), at=LATER)
    refused = Source(OTHER, "us-east-2", None, "The policy refuses it.")

    invoice = invoice_of(
        [source_of(ledger), refused], Period(day(1), day(10)), issued_on=LATER.date(), with_linked=False
    )

    name = f"{ledger.account_id}, {REGION}: "
    assert invoice.missing == [
        f"{name}1 day could not be read: 2 Mar 2026. {CloudUnavailable.message}",
        f"{name}5 days were never read: 3 to 4 Mar 2026, 7 to 9 Mar 2026.",
        f"{name}1 day is known in part: 6 Mar 2026. {reason_text(keeping.ENTRIES_NOT_UNDERSTOOD)}",
        f"{OTHER}, us-east-2: The policy refuses it.",
    ]
    assert all(total.lacks for total in invoice.totals)


def test_days_that_can_still_grow_are_said_and_not_missing():
    ledger = make_ledger()
    keep(ledger, {one: [entry()] for one in MARCH.days}, at=dt.datetime(2026, 3, 4, 8, tzinfo=dt.UTC))

    invoice = draft(ledger)

    assert (invoice.missing, invoice.lacks) == ([], False)
    [said] = invoice.provisional
    assert said.endswith("The bill of 3 days can still grow: 1 to 3 Mar 2026.")


def test_linked_accounts_are_counted_when_they_are_wanted():
    payer = make_ledger()
    contents = {one: [entry(price="1"), entry(price="2", account_id=OTHER)] for one in MARCH.days}
    keep(payer, contents, with_linked=True)

    assert [one.cost for one in draft(payer).totals] == [3]
    invoice = draft(payer, with_linked=True)
    assert {one.account_id: one.cost for one in invoice.by_account} == {payer.account_id: 3, OTHER: 6}
    assert [one.total.account_id for one in invoice.sections] == [payer.account_id, OTHER]
    assert invoice.missing == []


def test_linked_accounts_that_were_not_asked_for_are_missing():
    payer = make_ledger()
    keep(payer, {one: [entry()] for one in MARCH.days})

    [said] = draft(payer, with_linked=True).missing

    assert said.endswith("It was read without the linked accounts.")


def test_a_linked_account_with_keys_of_its_own_is_counted_once():
    payer, linked = make_ledger(), make_ledger(OTHER)
    elsewhere = make_ledger(region="us-east-2")
    both = [entry(price="1"), entry(price="2", account_id=OTHER), entry(price="4", account_id=THIRD)]
    keep(payer, dict.fromkeys(MARCH.days, both), with_linked=True)
    keep(elsewhere, dict.fromkeys(MARCH.days, both), with_linked=True, currency="USD")
    keep(linked, {one: [entry(price="2")] for one in MARCH.days}, with_linked=True)

    invoice = draft(payer, linked, elsewhere, with_linked=True)

    euros, dollars = invoice.totals
    assert (euros.cost, dollars.cost) == (21, 21)
    of_linked = [line for line in invoice.lines if line.account_id == OTHER]
    assert [(line.region, line.told_by) for line in of_linked] == [
        (REGION, OTHER),
        ("us-east-2", payer.account_id),
    ]


def test_a_draft_of_many_ledgers_takes_as_many_queries_as_one(django_assert_num_queries):
    ledgers = [make_ledger(f"20000000000{number}") for number in range(5)]
    for ledger in ledgers:
        keep(ledger, {one: [entry(), volume(), vm()] for one in MARCH.days}, with_linked=True)
    for some in (ledgers[:1], ledgers):
        with django_assert_num_queries(2):
            invoice = draft(*some, with_linked=True)
            assert len(invoice.sections) == len(some)
            assert len(invoice.totals[0].lines) == 3 * len(some)
            assert invoice.missing == []


amounts = st.integers(0, 10**14).map(lambda whole: Decimal(whole).scaleb(-10))
entries = st.builds(
    entry,
    st.sampled_from(["NatGatewayUsage", "LBU:Usage", "Novelty:x"]),
    st.none() | amounts,
    category=st.sampled_from(["compute", "network", "odd"]),
    subregion=st.sampled_from(["eu-west-2a", "eu-west-2b"]),
    resource=st.sampled_from(["one", "two"]),
    unit_price=st.none() | st.just(Decimal("0.1")),
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.integers(1, 3).map(day), st.lists(entries, max_size=4), min_size=1))
def test_lines_and_every_subtotal_add_up_to_the_total_of_the_history(db, contents):
    Ledger.objects.all().delete()
    ledger = make_ledger()
    keep(ledger, contents)

    invoice = draft(ledger)
    history = history_of([ledger], Question(MARCH, group_by=Dimension.CATEGORY))

    [total] = invoice.totals
    assert total.cost == history.total
    assert sum(line.cost for line in invoice.lines if line.cost is not None) == history.total
    for subtotals in (invoice.by_account, invoice.by_region, invoice.by_category):
        assert sum(one.cost for one in subtotals) == history.total
    [section] = invoice.sections
    assert sum(one.cost for one in section.categories) == section.total.cost == history.total
    assert {one.category: one.cost for one in invoice.by_category} == {
        group.key: group.cost for group in history.groups
    }
    unpriced = {(one.service, one.type, one.operation): one.value for one in history.unpriced}
    mine = {}
    for line in invoice.unpriced:
        mine[tuple(line.key)] = mine.get(tuple(line.key), 0) + line.quantity
    assert mine == unpriced
