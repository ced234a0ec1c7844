"""The days of a budget as chart and table show them: what its periods had come to, and will have."""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from budgets.standing import PeriodStanding, Standing
from consumption.daybook import COMPLETE, PARTIAL, PROVISIONAL
from consumption.forecast import Point
from consumption.wholenumbers import amount_of

PERIODS_SHOWN = {"weekly": 9, "monthly": 6, "quarterly": 4, "yearly": 2}
"""How many periods the chart shows, the running one among them."""


@dataclass(frozen=True)
class Day:
    """A day of a period: what it has cost, and what the period has come to with it.

    ``state`` is one of ``consumption.daybook``, None for a day to come. Both amounts are None where the day
    has no figures. ``lacks_some``: the day has cost more than is told; ``is_lower_bound``: more was spent by
    then than is told. ``ahead`` is what the period is expected to have come to, only of a day that is not
    over: the past is never shown as a forecast.
    """

    day: dt.date
    number: int
    state: int | None
    spent: Decimal | None
    cumulative: Decimal | None
    lacks_some: bool
    is_lower_bound: bool
    amount: Decimal
    ahead: Point | None


def shown_periods(standing: Standing) -> list[tuple[int, PeriodStanding]]:
    """Return the last periods that have begun, from the first known one on, each with its place."""
    end = len(standing.over) if standing.current is None else standing.current + 1
    first = max(end - PERIODS_SHOWN[standing.budget.period_type], 0)
    found = list(enumerate(standing.periods[first:end], first))
    known = (place for place, (_number, period) in enumerate(found) if period.spent is not None)
    return found[next(known, len(found) - 1) :]


def days_of(standing: Standing) -> list[Day]:
    """Return the days of the shown periods, one after the other."""
    totals = {point.date: point for point in _totals(standing)}
    return [
        day
        for number, period in shown_periods(standing)
        for day in _days_of_period(standing, number, period, totals)
    ]


def _days_of_period(
    standing: Standing, number: int, period: PeriodStanding, totals: Mapping[dt.date, Point]
) -> Iterator[Day]:
    series, so_far, lacks = standing.series, 0, False
    for day in period.period.days:
        if day >= standing.today:
            yield Day(day, number, None, None, None, False, lacks, period.amount, totals.get(day))
            continue
        place = series.place_of(day)
        state, cost = int(series.states[place]), int(series.costs[place])
        so_far += cost
        lacks_some = state <= PARTIAL or bool(series.unpriced[place])
        lacks = lacks or lacks_some
        spent, cumulative = (amount_of(cost), amount_of(so_far)) if state >= PARTIAL else (None, None)
        yield Day(day, number, state, spent, cumulative, lacks_some, lacks, period.amount, None)


def overrun_day(standing: Standing) -> dt.date | None:
    """Return the day on which the running period is expected to exceed its amount; None if it is not."""
    exceeding = (one.date for one in _totals(standing) if one.expected > standing.running.amount)
    return next(exceeding, None)


def _totals(standing: Standing) -> list[Point]:
    """Return what the running period is expected to have come to on each day that is not over."""
    if standing.ahead is None:
        return []
    return [point for point in standing.ahead.forecast.totals if point.date >= standing.today]


def chart_state(state: int | None) -> str:
    """Return what a chart calls the state of a day."""
    known = {None: "future", PARTIAL: "partial", PROVISIONAL: "provisional", COMPLETE: "complete"}
    return known.get(state, "missing")
