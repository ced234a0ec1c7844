import calendar
import datetime as dt
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budgets.periods import MONTH_PARTS, PeriodType, first_day, number_on, period_at, steps
from consumption.periods import ONE_DAY, Period

DAYS = st.dates(dt.date(2010, 1, 1), dt.date(2060, 12, 31))
KINDS = st.sampled_from(PeriodType.values)


@given(DAYS, KINDS, st.integers(0, 200))
def test_periods_tile_the_time_without_gap_or_overlap(start, kind, number):
    period, following = period_at(start, kind, number), period_at(start, kind, number + 1)
    assert period.length > 0
    assert period.end == following.first


@given(DAYS, KINDS, st.integers(0, 4000))
def test_each_day_from_the_start_on_lies_in_exactly_the_period_of_its_number(start, kind, passed):
    day = start + dt.timedelta(days=passed)
    number = number_on(start, kind, day)
    period = period_at(start, kind, number)
    assert number >= 0
    assert period.first <= day < period.end


@given(DAYS, KINDS, st.integers(1, 1000))
def test_a_day_before_the_start_has_a_negative_number(start, kind, before):
    assert number_on(start, kind, start - dt.timedelta(days=before)) < 0


@given(DAYS, KINDS, st.integers(0, 60))
def test_a_period_never_shifts_from_the_day_of_the_month_on_which_the_budget_began(start, kind, number):
    first = first_day(start, kind, number)
    if kind == PeriodType.WEEKLY:
        assert first.weekday() == start.weekday()
    else:
        assert first.day == min(start.day, calendar.monthrange(first.year, first.month)[1])


@given(DAYS, KINDS, st.integers(0, 60), st.integers(0, 400))
def test_the_steps_tile_their_period_also_when_the_budget_ends_in_it(start, kind, number, left):
    whole = period_at(start, kind, number)
    period = period_at(start, kind, number, whole.first + dt.timedelta(days=left))
    found = steps(period, kind)
    assert [found[0].first, found[-1].end] == [period.first, period.end]
    assert all(one.end == following.first for one, following in pairwise(found))
    assert all(one.length > 0 for one in found)


@given(DAYS, KINDS, st.integers(0, 60))
def test_a_step_begins_where_its_kind_begins_in_the_calendar(start, kind, number):
    later = steps(period_at(start, kind, number), kind)[1:]
    begins = {PeriodType.WEEKLY: range(1, 32), PeriodType.MONTHLY: MONTH_PARTS}.get(kind, (1,))
    assert {one.first.day for one in later} <= set(begins)


@pytest.mark.parametrize(
    ("start", "firsts"),
    [
        (dt.date(2027, 12, 31), ["2027-12-31", "2028-01-31", "2028-02-29", "2028-03-31", "2028-04-30"]),
        (dt.date(2026, 12, 30), ["2026-12-30", "2027-01-30", "2027-02-28", "2027-03-30", "2027-04-30"]),
        (dt.date(2027, 1, 29), ["2027-01-29", "2027-02-28", "2027-03-29", "2027-04-29", "2027-05-29"]),
    ],
)
def test_a_month_that_lacks_the_day_begins_on_its_last_one(start, firsts):
    assert [str(first_day(start, PeriodType.MONTHLY, number)) for number in range(5)] == firsts


def test_a_year_that_began_on_a_29_february_comes_back_to_it():
    years = [str(first_day(dt.date(2024, 2, 29), PeriodType.YEARLY, number)) for number in range(5)]
    assert years == ["2024-02-29", "2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"]


@pytest.mark.parametrize("month", [3, 10])
def test_the_days_on_which_clocks_change_are_days_like_others(month):
    week = period_at(dt.date(2026, month, 23), PeriodType.WEEKLY, 0)
    assert [one.length for one in steps(week, PeriodType.WEEKLY)] == [1] * 7


def test_a_month_is_parted_as_the_calendar_is():
    february = Period(dt.date(2026, 2, 1), dt.date(2026, 3, 1))
    shown = [(one.first.day, one.last.day) for one in steps(february, PeriodType.MONTHLY)]
    assert shown == [(1, 7), (8, 14), (15, 21), (22, 28)]
    shifted = period_at(dt.date(2026, 1, 10), PeriodType.MONTHLY, 0)
    shown = [(one.first.day, one.last.day) for one in steps(shifted, PeriodType.MONTHLY)]
    assert shown == [(10, 14), (15, 21), (22, 31), (1, 7), (8, 9)]


def test_a_budget_that_ends_within_a_period_is_cut_off_after_its_last_day():
    last = dt.date(2026, 3, 10)
    assert period_at(dt.date(2026, 1, 1), PeriodType.MONTHLY, 2, last) == Period(
        dt.date(2026, 3, 1), last + ONE_DAY
    )
