import datetime as dt
from decimal import Decimal
from fractions import Fraction

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from budgets import lifecycle
from budgets.amountforms import MOST_AHEAD, PERIODS_AHEAD, PERIODS_BACK, shown_numbers
from budgets.amounts import amount_of, grown, is_first_day, table_of
from budgets.models import LARGEST_AMOUNT, Budget
from budgets.periods import PeriodType, first_day
from consumption.periods import Period
from tests.budgets.budgets import make_budget

CENT = Decimal("0.01")
AMOUNTS = st.decimals(0, LARGEST_AMOUNT, places=2)
GROWTHS = st.decimals(-100, 1000, places=2)


def budget(amount="100", growth="0", start=dt.date(2026, 1, 1), kind=PeriodType.MONTHLY, end=None):
    return Budget(
        amount=Decimal(amount),
        growth_percent=Decimal(growth),
        start_date=start,
        period_type=kind,
        end_date=end,
    )


@given(AMOUNTS, GROWTHS, st.integers(0, 40))
def test_an_amount_grows_exactly_and_is_rounded_half_up_once(amount, growth, number):
    exact = Fraction(amount) * (1 + Fraction(growth) / 100) ** number
    cents = exact * 100 + Fraction(1, 2)
    assert grown(amount, growth, number) == min(Decimal(cents.__floor__()) * CENT, LARGEST_AMOUNT)


@given(AMOUNTS, GROWTHS, st.integers(0, 10**9))
def test_no_number_of_periods_is_too_large(amount, growth, number):
    assert 0 <= grown(amount, growth, number) <= LARGEST_AMOUNT


@pytest.mark.parametrize(
    ("amount", "growth", "number", "expected"),
    [
        ("100", "5", 2, "110.25"),
        ("0.50", "1", 1, "0.51"),
        ("0.10", "5", 1, "0.11"),
        ("100", "-100", 0, "100.00"),
        ("100", "-100", 1, "0.00"),
        ("0", "1000", 10**30, "0.00"),
        ("0.01", "1000", 10**30, "900000000.00"),
        ("900000000", "0.01", 1, "900000000.00"),
        ("100", "-50", 10**30, "0.00"),
    ],
)
def test_growth_at_its_limits(amount, growth, number, expected):
    assert str(grown(Decimal(amount), Decimal(growth), number)) == expected


def test_an_amount_that_was_said_stands_and_the_next_is_by_growth_again():
    one = budget("100", "10")
    table = {dt.date(2026, 2, 1): Decimal(7), dt.date(2026, 3, 2): Decimal(9)}
    found = [amount_of(one, number, table) for number in range(4)]
    assert found == [Decimal(100), Decimal(7), Decimal(121), Decimal("133.10")]


def test_beyond_the_calendar_there_is_still_an_amount():
    assert amount_of(budget("100", "0"), 10**9, {dt.date(2026, 2, 1): Decimal(7)}) == 100


@given(
    st.dates(dt.date(2010, 1, 1), dt.date(2040, 1, 1)), st.sampled_from(PeriodType.values), st.integers(0, 99)
)
def test_a_period_begins_on_the_first_day_of_its_number_and_on_no_other(start, kind, number):
    day = first_day(start, kind, number)
    one = budget(start=start, kind=kind)
    assert is_first_day(one, day)
    assert not is_first_day(one, day + dt.timedelta(days=1))
    assert not is_first_day(one, first_day(start, kind, -1))
    assert not is_first_day(budget(start=start, kind=kind, end=day - dt.timedelta(days=1)), day)


@pytest.mark.django_db
def test_the_amounts_of_all_budgets_are_one_query(django_assert_num_queries):
    budgets = [make_budget(name=str(number)) for number in range(3)]
    said = {dt.date(2026, 2, 1): Decimal("7.5")}
    lifecycle.set_amounts(budget=budgets[1], amounts=said, at=timezone.now())
    with django_assert_num_queries(1):
        tables = table_of(budgets)
    assert [tables[one.pk] for one in budgets] == [{}, said, {}]


@pytest.mark.django_db
def test_setting_amounts_leaves_those_outside_of_the_shown_periods():
    one, now = make_budget(), timezone.now()
    days = [dt.date(2026, month, 1) for month in (1, 2, 3, 4)]
    lifecycle.set_amounts(budget=one, amounts={day: Decimal(day.month) for day in days}, at=now)
    shown = Period(dt.date(2026, 2, 1), dt.date(2026, 4, 1))
    lifecycle.set_amounts(budget=one, amounts={days[2]: Decimal(33)}, between=shown, at=now)
    assert table_of([one])[one.pk] == {days[0]: Decimal(1), days[2]: Decimal(33), days[3]: Decimal(4)}
    lifecycle.set_amounts(budget=one, amounts={}, at=now)
    assert table_of([one])[one.pk] == {}


@pytest.mark.django_db
@pytest.mark.parametrize("day", [dt.date(2026, 1, 2), dt.date(2025, 12, 1), dt.date(2026, 7, 1)])
def test_an_amount_of_no_period_is_refused_and_nothing_is_changed(day):
    one, now = make_budget(end_date=dt.date(2026, 6, 30)), timezone.now()
    said = {dt.date(2026, 2, 1): Decimal(7)}
    lifecycle.set_amounts(budget=one, amounts=said, at=now)
    with pytest.raises(lifecycle.NoSuchPeriod):
        lifecycle.set_amounts(budget=one, amounts={day: Decimal(1)}, at=now)
    assert table_of([one])[one.pk] == said


@pytest.mark.parametrize(
    ("start", "end", "first", "last"),
    [
        ("2026-01-01", None, 0, 10 + PERIODS_AHEAD),
        ("2016-01-01", None, 130 - PERIODS_BACK, 130 + PERIODS_AHEAD),
        ("2027-03-01", None, 0, PERIODS_AHEAD),
        ("2026-01-01", "2026-12-31", 0, 11),
        ("2026-01-01", "2026-02-28", 0, 1),
        ("2026-11-01", "2076-01-01", 0, MOST_AHEAD),
    ],
)
def test_the_periods_whose_amounts_are_asked_for(start, end, first, last):
    days = [one and dt.date.fromisoformat(one) for one in (start, end)]
    numbers = shown_numbers(budget(start=days[0], end=days[1]), dt.date(2026, 11, 27))
    assert (numbers[0], numbers[-1]) == (first, last)
