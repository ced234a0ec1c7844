"""Days as people say them."""

import datetime as dt

import pytest

from consumption.daytext import days_text, period_text, step_text
from consumption.periods import Period
from tests.consumption.days import day


def period(first, last):
    return Period(first, last + dt.timedelta(days=1))


@pytest.mark.parametrize(
    ("first", "last", "text"),
    [
        (day(17), day(17), "17 Mar 2026"),
        (day(1), day(17), "1 to 17 Mar 2026"),
        (day(18, 2), day(17), "18 Feb to 17 Mar 2026"),
        (day(18, 11, 2025), day(17), "18 Nov 2025 to 17 Mar 2026"),
    ],
)
def test_a_period_names_both_of_its_days(first, last, text):
    assert period_text(period(first, last)) == text


@pytest.mark.parametrize(
    ("first", "last", "granularity", "text"),
    [
        (day(17), day(17), "day", "17 Mar"),
        (day(16), day(22), "week", "16–22 Mar"),
        (day(30), day(5, 4), "week", "30 Mar–5 Apr"),
        (day(1), day(31), "month", "Mar 2026"),
        (day(1), day(17), "month", "1–17 Mar"),
    ],
)
def test_a_step_is_short_enough_for_an_axis(first, last, granularity, text):
    assert step_text(period(first, last), granularity, with_year=False) == text


def test_days_that_follow_each_other_are_joined_and_many_are_counted():
    assert days_text([day(4), day(2), day(3), day(9)]) == "2 to 4 Mar 2026, 9 Mar 2026"
    odd = [day(number) for number in range(1, 30, 2)]
    assert days_text(odd).endswith("11 Mar 2026 and 9 more")
