"""What a period is expected to cost, on days whose answer is known."""

import calendar
import datetime as dt
from decimal import Decimal

import hypothesis
import hypothesis.strategies as st
import pytest
from django.core.cache import cache

from consumption import forecast
from consumption.forecast import TOO_FEW_DAYS, UNKNOWN_DAYS, DayCost, forecast_of, worked_out
from consumption.periods import ONE_DAY, Period

TODAY = dt.date(2026, 3, 21)
MARCH = Period(dt.date(2026, 3, 1), dt.date(2026, 4, 1))
WEEK = ("130", "120", "120", "120", "100", "40", "30")


def costs(amounts, *, young=0, end=TODAY):
    """Return the costs of the days before ``end``: None is unknown, the last ``young`` are not final."""
    first = end - ONE_DAY * len(amounts)
    return {
        first + ONE_DAY * place: DayCost(Decimal(amount), is_final=place < len(amounts) - young)
        for place, amount in enumerate(amounts)
        if amount is not None
    }


def weekly(days, end=TODAY):
    """Return so many days before ``end`` that follow the week."""
    return [WEEK[(end - ONE_DAY * (days - place)).weekday()] for place in range(days)]


def sum_of_week(first, end):
    return sum(Decimal(WEEK[day.weekday()]) for day in Period(first, end).days)


def near(amount, expected, percent=1):
    return abs(amount - expected) <= abs(Decimal(expected)) * percent / 100


def test_what_is_spent_and_what_is_to_come_make_the_expected_bill():
    found = worked_out(costs(["100.0000000001"] * 60), MARCH)
    assert found.actual_to_date == Decimal("2000.0000000020")
    assert found.expected_total == found.actual_to_date + 11 * Decimal(100)
    assert found.still_to_come == 1100
    assert near(found.total_95.high - found.expected_total, Decimal("1.96") * Decimal("0.005") * 1100)
    assert found.total_95.low == 2 * found.expected_total - found.total_95.high
    assert [point.date for point in found.points] == list(Period(TODAY, MARCH.end).days)
    assert (found.model, found.error_percent, found.naive_error_percent) == ("naive", 0, 0)
    assert (found.known_days, found.until, found.reason) == (60, dt.date(2026, 3, 31), "")


@pytest.mark.parametrize(
    ("amounts", "model", "expected"),
    [
        ([200 + 3 * day for day in range(100)], "linear", sum(200 + 3 * day for day in range(100, 111))),
        (
            [f"{100 * 1.01**day:.10f}" for day in range(100)],
            "exponential",
            Decimal(sum(100 * 1.01**day for day in range(100, 111))),
        ),
        (weekly(100), "naive", sum_of_week(TODAY, MARCH.end)),
    ],
)
def test_a_trend_and_a_week_go_on(amounts, model, expected):
    found = worked_out(costs(amounts), MARCH)
    assert found.model == model
    assert near(found.still_to_come, expected, percent=Decimal("0.01"))


def test_a_month_costs_its_price_whatever_its_length_where_that_is_billed_by_the_month():
    """31 days of January cost as much as 28 of February: a day of it then costs more."""
    kept, day = {}, dt.date(2025, 11, 1)
    while day < dt.date(2026, 1, 29):
        share = Decimal(3100) / calendar.monthrange(day.year, day.month)[1]
        kept[day] = DayCost(share + 50, share)
        day += ONE_DAY
    february = worked_out(kept, Period(dt.date(2026, 2, 1), dt.date(2026, 3, 1)))
    assert near(february.expected_total, 3100 + 28 * 50, percent=Decimal("0.01"))
    assert february.error_percent == 0 < february.naive_error_percent


def test_a_level_step_is_followed_within_days():
    found = worked_out(costs([*weekly(90), *[str(int(cost) + 300) for cost in weekly(10)]]), MARCH)
    assert near(found.still_to_come, sum_of_week(TODAY, MARCH.end) + 11 * 300, percent=4)


def test_a_spike_is_in_the_sums_and_does_not_bend_the_forecast():
    amounts = weekly(100)
    amounts[-12:-9] = ["900"] * 3
    found = worked_out(costs(amounts), MARCH)
    assert list(found.spikes) == [TODAY - ONE_DAY * days for days in (12, 11, 10)]
    assert near(found.still_to_come, sum_of_week(TODAY, MARCH.end))
    assert found.actual_to_date > sum_of_week(MARCH.first, TODAY) + 2000


def test_unknown_days_are_expected_and_never_zero():
    amounts = weekly(100)
    for days in (3, 4, 15, 60):
        amounts[-days] = None
    found = worked_out(costs(amounts), MARCH)
    gaps = [TODAY - ONE_DAY * days for days in (15, 4, 3)]
    assert [point.date for point in found.points][:3] == gaps
    assert near(found.expected_total, sum_of_week(*MARCH), percent=Decimal("0.01"))
    assert found.actual_to_date == sum_of_week(MARCH.first, TODAY) - sum(
        Decimal(WEEK[day.weekday()]) for day in gaps
    )
    assert found.known_days == 96


def test_a_day_that_is_not_final_counts_with_what_is_expected_of_it_at_least_with_its_cost():
    amounts = [*weekly(97, TODAY - 3 * ONE_DAY), "1", "2", "500"]
    found = worked_out(costs(amounts, young=3), MARCH)
    first, second, third, *_rest = found.points
    usual = [Decimal(WEEK[(TODAY - ONE_DAY * days).weekday()]) for days in (3, 2)]
    assert [first.expected, second.expected] == usual
    assert (third.expected, third.low_95) == (500, 500)
    assert found.actual_to_date == sum_of_week(MARCH.first, TODAY - 3 * ONE_DAY) + 503
    assert found.spikes == ()  # the young days are not learnt from


@pytest.mark.parametrize(
    ("amounts", "ahead", "known", "needed"),
    [
        ([], MARCH, 0, 14),
        (["5"], MARCH, 1, 14),
        (["5"] * 13, MARCH, 13, 14),
        ([*["5"] * 60, *[None] * 20, *["5"] * 6], MARCH, 6, 14),
        (["5"] * 20, Period(MARCH.first, dt.date(2026, 7, 1)), 20, 34),
    ],
    ids=["none", "one day", "13 days", "before a long gap", "too far ahead"],
)
def test_of_too_little_history_nothing_is_said(amounts, ahead, known, needed):
    found = worked_out(costs(amounts), ahead)
    assert (found.reason, found.known_days, found.needed_days) == (TOO_FEW_DAYS, known, needed)
    assert (found.expected_total, found.still_to_come, found.points) == (None, None, ())
    assert found.actual_to_date == (5 * min(20, known) if known else None)


def test_a_sum_is_not_made_of_days_of_which_most_are_unknown():
    year = Period(dt.date(2026, 1, 1), dt.date(2026, 5, 1))
    found = worked_out(costs(["5"] * 60), year)  # the first 19 days of the year are not read
    assert (found.reason, found.unknown_days) == (UNKNOWN_DAYS, 19)
    assert (found.expected_total, found.actual_to_date) == (None, 300)
    assert worked_out(costs(["5"] * 65), year).expected_total == 5 * 120
    stale = costs(["5"] * 60, end=MARCH.first)  # and of March nothing is, up to the 21st
    found = worked_out(stale, MARCH, today=TODAY)
    assert (found.reason, found.unknown_days, found.expected_total) == (UNKNOWN_DAYS, 20, None)
    assert worked_out(stale, MARCH, today=dt.date(2026, 3, 15)).expected_total == 5 * 31


def test_zeros_are_known_and_what_was_before_the_first_cost_is_not_learnt_from():
    nothing = worked_out(costs(["0"] * 60), MARCH)
    assert (nothing.expected_total, nothing.error_percent) == (0, 0)
    begun = worked_out(costs([*["0"] * 300, *weekly(30)]), MARCH)
    assert begun.known_days == 30
    assert near(begun.still_to_come, sum_of_week(TODAY, MARCH.end))
    stopped = worked_out(costs([*weekly(60), *["0"] * 30]), MARCH)
    assert abs(stopped.still_to_come) < 50
    assert min(point.low_95 for point in stopped.points) >= 0


def test_credits_may_make_a_day_cost_less_than_nothing():
    found = worked_out(costs(["-5"] * 60), MARCH)
    assert (found.actual_to_date, found.expected_total) == (-100, -155)
    once = weekly(100)
    once[-10] = "-2000"
    credited = worked_out(costs(once), MARCH)
    assert credited.spikes == (TODAY - 10 * ONE_DAY,)
    assert near(credited.still_to_come, sum_of_week(TODAY, MARCH.end), percent=3)
    assert credited.actual_to_date < 0


def test_the_bill_of_a_month_that_has_not_begun_is_forecast_too():
    april = Period(MARCH.end, dt.date(2026, 5, 1))
    found = worked_out(costs(weekly(100)), april)
    assert found.actual_to_date is None
    assert near(found.expected_total, sum_of_week(*april), percent=Decimal("0.01"))
    assert found.points[0].date == TODAY  # shown, and not in the sum


def test_only_chosen_days_are_learnt_from_and_all_are_in_the_sums():
    amounts = [*["1000"] * 40, *["10"] * 60]
    end = TODAY - 60 * ONE_DAY
    found = worked_out(costs(amounts), MARCH, learn_from=Period(end - 30 * ONE_DAY, end))
    assert (found.known_days, found.trained_on.last) == (30, end - ONE_DAY)
    assert (found.actual_to_date, found.still_to_come) == (200, 11_000)


def test_the_same_costs_are_worked_out_once_and_other_ones_anew(monkeypatch, db):
    cache.clear()
    asked = []

    def counted(*question, **options):
        asked.append(question)
        return worked_out(*question, **options)

    monkeypatch.setattr(forecast, "worked_out", counted)
    kept = costs(weekly(30))
    first = forecast_of(kept, MARCH)
    assert forecast_of(dict(reversed(kept.items())), MARCH) == first
    assert len(asked) == 1
    forecast_of(kept, Period(MARCH.first, MARCH.end + ONE_DAY))
    forecast_of(kept | {TODAY: DayCost(Decimal(1))}, MARCH)
    forecast_of(kept | {TODAY - ONE_DAY: DayCost(Decimal("30.0000000001"))}, MARCH)
    forecast_of(kept | {TODAY - ONE_DAY: kept[TODAY - ONE_DAY]._replace(is_final=False)}, MARCH)
    assert len(asked) == 5


AMOUNTS = st.one_of(st.none(), st.decimals(-1000, 100_000, places=4))


def test_a_day_never_counts_with_less_than_it_has_cost_already_not_even_by_rounding():
    """A stored amount has ten decimals, an expected one six."""
    period = Period(MARCH.first, TODAY)
    found = worked_out(costs([*["1"] * 60, "500.0000004444"], young=1), period)
    [point] = found.points
    assert point == (point.date, *[Decimal("500.0000004444")] * 5)
    assert (found.still_to_come, found.total_95.low) == (0, found.expected_total)


@hypothesis.settings(max_examples=12, deadline=None)
@hypothesis.given(st.lists(AMOUNTS, min_size=20, max_size=50), st.integers(0, 3))
def test_whatever_was_spent_the_parts_make_the_sum_and_the_intervals_hold_it(amounts, young):
    kept = costs(amounts, young=young)
    found = worked_out(kept, MARCH)
    assert found.actual_to_date == (
        sum((kept[day].cost for day in MARCH.days if day in kept), Decimal(0))
        if any(day in kept for day in MARCH.days)
        else None
    )
    if found.reason:
        assert found.expected_total is None
        return
    final = sum(kept[day].cost for day in MARCH.days if day in kept and kept[day].is_final)
    inside = [point for point in found.points if point.date >= MARCH.first]
    assert found.expected_total == final + sum(point.expected for point in inside)
    assert found.still_to_come == found.expected_total - (found.actual_to_date or 0)
    for low, amount, high in (
        (found.total_95.low, found.total_80.low, found.expected_total),
        (found.expected_total, found.total_80.high, found.total_95.high),
        *[(one.low_95, one.low_80, one.expected) for one in found.points],
        *[(one.expected, one.high_80, one.high_95) for one in found.points],
    ):
        assert low <= amount <= high
