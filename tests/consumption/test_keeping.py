"""How answers become kept days: whole, once, exact, and never a zero for what is not known."""

import datetime as dt
import threading
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import Sum
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.errors import CallRefused, CloudTimeout
from consumption import keeping
from consumption.models import DayState, Ledger, LedgerReader, Meter, ResourceUsage, Usage, UsageDay
from tests.consumption.days import LATER, REGION, day, entry, keep, make_ledger
from tests.costs.catalogs import raw_entry, store


@pytest.fixture
def ledger(db):
    return make_ledger()


def amounts(model=Usage):
    return sorted(model.objects.values_list("value", "unit_price", "price"))


def state_of(ledger, one=None):
    row = UsageDay.objects.get(ledger=ledger, **({"day": one} if one else {}))
    return row.state, row.reason


def test_a_day_is_kept_by_meter_and_by_resource(ledger):
    keep(
        ledger, {day(1): [entry(resource="a"), entry(resource="b", value="12", price="0.6"), entry("Other")]}
    )

    assert amounts() == [(24, None, Decimal("1.2")), (36, None, Decimal("1.8"))]
    assert ResourceUsage.objects.count() == 3
    assert set(Meter.objects.values_list("type", "subregion", "category")) == {
        ("NatGatewayUsage", REGION, "network"),
        ("Other", REGION, "network"),
    }
    assert state_of(ledger) == (DayState.COMPLETE, "")


def test_lines_of_one_meter_and_resource_are_added(ledger):
    keep(ledger, {day(1): [entry(price="0.1"), entry(price="0.2"), entry(price="0.3")]})

    assert amounts() == amounts(ResourceUsage) == [(72, None, Decimal("0.6"))]


def test_a_day_read_again_takes_the_place_of_the_old_one(ledger):
    keep(ledger, {day(1): [entry("Old"), entry(price="1")], day(2): [entry(price="1")]})
    keep(ledger, {day(1): [entry(price="2")]})

    assert Usage.objects.aggregate(sum=Sum("price"))["sum"] == 3
    assert sorted(ResourceUsage.objects.values_list("first_day", "last_day", "price")) == [
        (day(1).toordinal(), day(1).toordinal(), 2),
        (day(2).toordinal(), day(2).toordinal(), 1),
    ]
    assert UsageDay.objects.count() == 2


def test_equal_days_of_a_resource_are_one_row(ledger):
    for number in (3, 1, 2, 5, 4):
        keep(ledger, {day(number): [entry()]})
    keep(ledger, {day(number): [entry()] for number in range(6, 12)})

    assert list(ResourceUsage.objects.values_list("first_day", "last_day")) == [
        (day(1).toordinal(), day(11).toordinal())
    ]


def test_the_accounts_billed_together_are_told_apart_where_they_were_asked_for(ledger):
    lines = [entry(account_id="1"), entry(account_id="2", price="5")]
    keep(ledger, {day(1): lines}, with_linked=True)
    keep(ledger, {day(2): lines})

    found = Usage.objects.order_by("day__day", "account_id").values_list("account_id", "price")
    assert list(found) == [("1", Decimal("1.2")), ("2", 5), (ledger.account_id, Decimal("6.2"))]


def test_an_answer_that_was_understood_in_part_is_kept_as_partial(ledger):
    keep(ledger, {day(1): [entry()]}, unreadable=2)

    assert state_of(ledger) == (DayState.PARTIAL, keeping.ENTRIES_NOT_UNDERSTOOD)
    assert UsageDay.objects.get().unreadable_count == 2


# --- Prices


def test_without_prices_of_the_cloud_those_of_the_catalog_of_that_day_count(ledger):
    price = {"type_": "NatGatewayUsage", "Operation": "CreateNatGateway"}
    store(raw_entry(price="0.05", **price), at=dt.datetime(2026, 3, 1, tzinfo=dt.UTC))
    store(raw_entry(price="0.06", **price), at=dt.datetime(2026, 3, 3, 9, tzinfo=dt.UTC))
    earlier = dt.date(2025, 12, 31)
    days = [earlier, day(1), day(2), day(3), day(4)]
    keep(ledger, {one: [entry(price=None)] for one in days}, currency="")

    found = dict(Usage.objects.values_list("day__day", "unit_price"))
    before, after = Decimal("0.05"), Decimal("0.06")
    assert found == {earlier: before, day(1): before, day(2): before, day(3): after, day(4): after}
    assert set(UsageDay.objects.values_list("currency", flat=True)) == {"EUR"}


def test_a_catalog_in_another_currency_prices_nothing(ledger):
    catalog = store(raw_entry("NatGatewayUsage", "0.05", Operation="CreateNatGateway"))
    catalog.currency_confirmed_at = LATER
    catalog.save()
    keep(ledger, {day(1): [entry(price=None)]}, currency="USD")

    assert amounts() == [(24, None, None)]
    assert UsageDay.objects.get().currency == "USD"


def test_a_line_without_a_price_takes_the_unit_price_of_its_likes(ledger):
    priced = entry(resource="a", unit_price=Decimal("0.05"))
    keep(ledger, {day(1): [priced, entry(resource="b", price=None, value="10")]})

    assert amounts() == [(34, Decimal("0.05"), Decimal("1.7"))]


def test_what_has_no_price_is_kept_without_one(ledger):
    keep(ledger, {day(1): [entry("Quantum", None)]})

    assert amounts() == amounts(ResourceUsage) == [(24, None, None)]


# --- Days that are not final, and days that fail

NOW = dt.datetime(2026, 3, 10, 4, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("number", "state"),
    [(9, DayState.PROVISIONAL), (7, DayState.PROVISIONAL), (6, DayState.COMPLETE)],
)
def test_the_last_three_days_are_provisional(ledger, number, state):
    keep(ledger, {day(number): [entry()]}, at=NOW)
    assert state_of(ledger) == (state, "")


def test_an_empty_answer_is_zero_for_an_old_day_and_no_answer_for_a_young_one(ledger):
    keep(ledger, {day(1): [], day(9): []}, at=NOW)

    assert state_of(ledger, day(1)) == (DayState.COMPLETE, "")
    assert state_of(ledger, day(9)) == (DayState.FAILED, keeping.NOT_CONSOLIDATED)
    assert UsageDay.objects.get(day=day(9)).read_at is None


def test_an_account_that_has_consumed_nothing_so_far_costs_nothing_on_young_days_too(ledger):
    keep(ledger, {day(1): [], day(8): []}, at=NOW)
    assert state_of(ledger, day(8)) == (DayState.FAILED, keeping.NOT_CONSOLIDATED)
    keep(ledger, {day(8): [], day(9): []}, at=NOW + dt.timedelta(hours=1))

    assert state_of(ledger, day(8)) == state_of(ledger, day(9)) == (DayState.PROVISIONAL, "")


def test_an_empty_answer_does_not_empty_a_young_day_that_had_figures(ledger):
    keep(ledger, {day(9): [entry()]}, at=NOW)
    keep(ledger, {day(9): []}, at=NOW + dt.timedelta(hours=2))

    row = UsageDay.objects.get()
    assert (row.state, row.reason, row.read_at) == (DayState.PROVISIONAL, keeping.NOT_CONSOLIDATED, NOW)
    assert amounts() == [(24, None, Decimal("1.2"))]


def test_a_failure_is_noted_with_its_reason_and_changes_no_figures(ledger):
    keep(ledger, {day(1): [entry()]})
    keeping.note_failure(ledger, day(1), CloudTimeout("ReadConsumptionAccount"), at=LATER)
    keeping.note_failure(ledger, day(2), CloudTimeout("ReadConsumptionAccount"), at=LATER)

    assert state_of(ledger, day(1)) == (DayState.COMPLETE, "CLOUD_TIMEOUT")
    assert state_of(ledger, day(2)) == (DayState.FAILED, "CLOUD_TIMEOUT")
    assert len(amounts()) == 1


@pytest.mark.parametrize(("number", "reason"), [(9, keeping.NOT_CONSOLIDATED), (1, "CALL_REFUSED")])
def test_a_young_day_of_which_the_cloud_will_not_speak_is_not_consolidated(ledger, number, reason):
    keeping.note_failure(ledger, day(number), CallRefused("ReadConsumptionAccount"), at=NOW)
    assert state_of(ledger) == (DayState.FAILED, reason)


def test_a_day_that_failed_is_whole_once_it_is_read(ledger):
    keeping.note_failure(ledger, day(1), CloudTimeout("ReadConsumptionAccount"), at=LATER)
    keep(ledger, {day(1): [entry()]})
    assert state_of(ledger) == (DayState.COMPLETE, "")


# --- Whole days, once


def test_a_reading_that_breaks_half_way_leaves_no_half_day(ledger, monkeypatch):
    def broken(*_args):
        raise RuntimeError("the machine stops here")

    monkeypatch.setattr(keeping, "_keep_resources", broken)
    with pytest.raises(RuntimeError):
        keep(ledger, {day(1): [entry()], day(2): [entry()]})

    assert not UsageDay.objects.exists()
    assert not Usage.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_readers_at_once_leave_each_day_exactly_once():
    ledger = make_ledger()
    barrier, broken = threading.Barrier(4), []

    def read(turn):
        try:
            barrier.wait(10)
            for number in range(1, 9):
                keep(ledger, {day((number + 2 * turn) % 8 + 1): [entry(), entry("Other", resource="x")]})
        except Exception as error:
            broken.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=read, args=[turn]) for turn in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert not broken
    assert UsageDay.objects.count() == 8
    assert Usage.objects.count() == 16
    assert (
        sorted(ResourceUsage.objects.values_list("first_day", "last_day"))
        == [(day(1).toordinal(), day(8).toordinal())] * 2
    )


@pytest.mark.parametrize(
    "broken",
    [
        lambda ledger: Ledger.objects.create(account_id="", region="r", claimed_until=LATER),
        lambda ledger: Ledger.objects.create(
            account_id=ledger.account_id, region=ledger.region, claimed_until=LATER
        ),
        lambda ledger: LedgerReader.objects.create(ledger=ledger, reader="", answered_at=LATER),
        lambda ledger: make_day(ledger, state="guessed"),
        lambda ledger: make_day(ledger, read_at=None),
        lambda ledger: make_day(ledger, currency="eur"),
        lambda ledger: make_day(ledger, state="failed", reason="X"),
        lambda ledger: make_day(ledger, state="failed", currency="", read_at=None),
        lambda ledger: make_day(ledger, state="partial"),
        lambda ledger: make_day(ledger, unreadable_count=1),
        lambda ledger: [make_day(ledger), make_day(ledger)],
        lambda ledger: Meter.objects.create(service="s", type="", operation="o", category="c"),
        lambda ledger: [make_meter(), make_meter()],
        lambda ledger: [make_usage(make_day(ledger)) for _ in range(2)],
        lambda ledger: make_usage(make_day(ledger), account_id=""),
        lambda ledger: make_run(ledger, first_day=5, last_day=4),
        lambda ledger: make_run(ledger, account_id=""),
        lambda ledger: [make_run(ledger), make_run(ledger)],
        lambda ledger: [make_usage(make_day(ledger)), Meter.objects.get().delete()],
    ],
)
def test_the_database_itself_refuses_what_cannot_be(ledger, broken):
    with pytest.raises(IntegrityError), transaction.atomic():
        broken(ledger)


def make_day(ledger, **facts):
    known = {"state": "complete", "read_at": LATER, "tried_at": LATER, "currency": "EUR", "day": day(1)}
    return UsageDay.objects.create(ledger=ledger, **known | facts)


def make_meter():
    return Meter.objects.create(service="s", type="t", operation="o", category="c", subregion="r")


def any_meter():
    return Meter.objects.first() or make_meter()


def make_usage(on, account_id="1"):
    return Usage.objects.create(day=on, account_id=account_id, meter=any_meter(), value=1)


def make_run(ledger, **facts):
    known = {"account_id": "1", "resource_id": "i", "first_day": 1, "last_day": 2, "value": 1}
    return ResourceUsage.objects.create(ledger=ledger, meter=any_meter(), **known | facts)


# --- What an earlier version got wrong


def test_days_that_grow_day_after_day_are_kept_whatever_run_they_leave(ledger):
    keep(ledger, {day(1): [entry(price="1")]})
    keep(ledger, {day(2): [entry(price="1")], day(1): [entry(price="5")]})

    assert sorted(ResourceUsage.objects.values_list("first_day", "last_day", "price")) == [
        (day(1).toordinal(), day(1).toordinal(), 5),
        (day(2).toordinal(), day(2).toordinal(), 1),
    ]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.dictionaries(st.integers(1, 9), st.lists(st.sampled_from(["1", "2"]), max_size=1), min_size=1),
        min_size=1,
        max_size=6,
    )
)
def test_any_batches_of_days_read_again_leave_what_was_read_last(db, batches):
    Ledger.objects.all().delete()
    ledger, last = make_ledger(), {}
    for batch in batches:
        days = {number: prices for number, prices in batch.items() if prices or not last.get(number)}
        keep(ledger, {day(number): [entry(price=one) for one in prices] for number, prices in days.items()})
        last |= days

    kept = {
        number: [run.price]
        for run in ResourceUsage.objects.all()
        for number in range(run.first_day - day(1).toordinal() + 1, run.last_day - day(1).toordinal() + 2)
    }
    assert kept == {number: [Decimal(one) for one in prices] for number, prices in last.items() if prices}


def test_a_meter_of_which_one_line_has_no_price_is_unpriced_and_not_half_of_it(ledger):
    keep(ledger, {day(1): [entry("Odd", "1", value="0", resource="a"), entry("Odd", None, resource="b")]})
    assert {price for _value, _unit, price in [*amounts(), *amounts(ResourceUsage)]} == {None}


def test_a_day_that_had_figures_is_not_emptied_by_an_empty_answer(ledger):
    keep(ledger, {day(1): [entry()]}, at=LATER)
    keep(ledger, {day(1): []}, at=LATER)
    assert state_of(ledger) == (DayState.COMPLETE, keeping.NOT_CONSOLIDATED)
    assert len(amounts()) == 1


def test_an_empty_day_takes_the_currency_of_the_others(ledger):
    keep(ledger, {day(1): [entry()]}, currency="USD")
    keep(ledger, {day(2): []}, currency="")
    assert set(UsageDay.objects.values_list("currency", flat=True)) == {"USD"}
