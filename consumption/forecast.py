"""What a period will have cost at its end: what was spent so far, and what is expected of the days left.

An amount that was spent is an exact ``Decimal``; an expected one is computed with binary fractions and
rounded once. Amounts exclude tax and are in the one currency of the costs. A day that is not known is never
zero: it counts with what is expected of it.
"""

import calendar
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property
from itertools import pairwise
from math import ceil
from typing import TYPE_CHECKING, Any, NamedTuple

from consumption.periods import ONE_DAY, Period
from consumption.remembering import Memory

if TYPE_CHECKING:
    from consumption.forecasting import Outlook

WEEK = 7
LEAST_DAYS = 14
"""With fewer known days than two weeks nothing is said."""

FARTHEST = 3
"""A forecast looks ahead at most so many times as far as it looks back."""

LONGEST_GAP = 14
"""What lies before a longer stretch of unknown days is not learnt from."""

MOST_UNKNOWN = 14
"""With more past days of the period unknown than these, nothing is said of its sum."""

TOO_FEW_DAYS = "TOO_FEW_DAYS"
"""Why nothing is said: there are fewer known days than ``Forecast.needed_days``."""

UNKNOWN_DAYS = "UNKNOWN_DAYS"
"""Why nothing is said: more than ``MOST_UNKNOWN`` past days of the period are not known."""

_MEAN_MONTH = 365.25 / 12
_LEVEL_DAYS = 28
_MEMORY = Memory("forecast", version=6)


class DayCost(NamedTuple):
    """What a day has cost. ``per_month`` is the part of it that is billed by the month: see ``_scale_of``.

    A day that ``is_final`` is known whole; another one costs so much already, and may cost more.
    """

    cost: Decimal
    per_month: Decimal = Decimal(0)
    is_final: bool = True


class Candidate(NamedTuple):
    """A family of models and its back-tested error, in percent of the cost; None: it says nothing here."""

    model: str
    error_percent: Decimal | None


class Interval(NamedTuple):
    """Where an amount lies in a part of the cases."""

    low: Decimal
    high: Decimal


class Point(NamedTuple):
    """What is expected of a day, or of all days of a period up to it, with intervals of 80 and 95 percent."""

    date: dt.date
    expected: Decimal
    low_80: Decimal
    high_80: Decimal
    low_95: Decimal
    high_95: Decimal


@dataclass(frozen=True)
class Forecast:
    """What ``period`` will cost. Its ``points`` are the days that are not finally known, and those before it.

    ``actual_to_date`` is what is known of its cost, final or not, None when nothing is; ``expected_total`` is
    that of its final days and the points in it together, and ``totals`` are what it will have come to on each
    day after the last final one; ``points`` may begin before. ``reason`` says why nothing is expected (then
    ``needed_days`` says how many known days there must be, and ``unknown_days`` how many of the period's past
    ones are not known), else empty.

    ``trained_on`` are the days that the models have learnt from, ``known_days`` how many of them are known,
    ``spikes`` those that were set aside. The models were compared at ``origins`` points of the past, over
    ``tested_days`` each.
    """

    period: Period
    reason: str = ""
    needed_days: int = LEAST_DAYS
    known_days: int = 0
    unknown_days: int = 0
    trained_on: Period | None = None
    spikes: tuple[dt.date, ...] = ()
    model: str = ""
    candidates: tuple[Candidate, ...] = ()
    origins: int = 0
    tested_days: int = 0
    actual_to_date: Decimal | None = None
    expected_total: Decimal | None = None
    total_80: Interval | None = None
    total_95: Interval | None = None
    points: tuple[Point, ...] = field(default=(), repr=False)
    totals: tuple[Point, ...] = field(default=(), repr=False)

    @property
    def until(self) -> dt.date:
        """The last day."""
        return self.period.last

    @property
    def still_to_come(self) -> Decimal | None:
        """What is expected besides what is known."""
        return None if self.expected_total is None else self.expected_total - (self.actual_to_date or 0)

    def error_of(self, model: str) -> Decimal | None:
        """Return the back-tested error of a family of models, in percent."""
        return next((one.error_percent for one in self.candidates if one.model == model), None)

    @property
    def error_percent(self) -> Decimal | None:
        """The back-tested error of the chosen model."""
        return self.error_of(self.model)

    @property
    def naive_error_percent(self) -> Decimal | None:
        """The error of repeating the last week, which is what other tools do."""
        return self.error_of("naive")


def forecast_of(
    costs: Mapping[dt.date, DayCost],
    period: Period,
    *,
    today: dt.date | None = None,
    learn_from: Period | None = None,
) -> Forecast:
    """Return what a period will cost, worked out once for the same costs.

    ``costs`` are all days of which anything is known, also before the period; what is missing is unknown.
    The days before ``today`` are over, without it those up to the last final one. The models learn from the
    final ones, in ``learn_from`` only if that is given.
    """
    found = remembered(costs, period, today=today, learn_from=learn_from)
    if found is None:
        found = worked_out(costs, period, today=today, learn_from=learn_from)
        _MEMORY.keep({_name(costs, period, today, learn_from): found})
    return found


def remembered(
    costs: Mapping[dt.date, DayCost],
    period: Period,
    *,
    today: dt.date | None = None,
    learn_from: Period | None = None,
) -> Forecast | None:
    """Return what ``forecast_of`` has worked out before for the same costs; None when it has not."""
    name = _name(costs, period, today, learn_from)
    return _MEMORY.recall([name]).get(name)


def _name(costs: Mapping[dt.date, DayCost], *question: Any) -> str:
    days = [
        f"{day.toordinal()} {cost} {month} {final}" for day, (cost, month, final) in sorted(costs.items())
    ]
    return _MEMORY.name(*question, days)


def worked_out(
    costs: Mapping[dt.date, DayCost],
    period: Period,
    *,
    today: dt.date | None = None,
    learn_from: Period | None = None,
) -> Forecast:
    """Return what ``forecast_of`` does, without remembering it."""
    spent = [costs[day].cost for day in period.days if day in costs]
    known = Forecast(period, actual_to_date=sum(spent, Decimal(0)) if spent else None)
    training = _training(costs, learn_from)
    if training is None:
        return replace(known, reason=TOO_FEW_DAYS)
    known_days = sum(_is_final(costs, day) for day in training.days)
    steps = (period.end - training.end).days
    needed = max(LEAST_DAYS, ceil(steps / FARTHEST))
    over = max(training.end, today or training.end)
    unknown = sum(day not in costs for day in period.days if day < over)
    known = replace(
        known, known_days=known_days, unknown_days=unknown, trained_on=training, needed_days=needed
    )
    if known_days < needed:
        return replace(known, reason=TOO_FEW_DAYS)
    if unknown > MOST_UNKNOWN:
        return replace(known, reason=UNKNOWN_DAYS)
    return _expected(known, costs, training, max(steps, 1))


def _is_final(costs: Mapping[dt.date, DayCost], day: dt.date) -> bool:
    return day in costs and costs[day].is_final


def _training(costs: Mapping[dt.date, DayCost], learn_from: Period | None) -> Period | None:
    """Return the days to learn from: from the first cost, or the last long gap, to the last final day."""
    first, end = learn_from or (dt.date.min, dt.date.max)
    days = sorted(day for day, cost in costs.items() if cost.is_final and first <= day < end)
    for place, (day, following) in reversed(list(enumerate(pairwise(days)))):
        if (following - day).days > LONGEST_GAP + 1:
            days = days[place + 1 :]
            break
    begin = next((day for day in days if costs[day].cost), days[0] if days else None)
    return None if begin is None else Period(begin, days[-1] + ONE_DAY)


def _expected(known: Forecast, costs: Mapping[dt.date, DayCost], training: Period, steps: int) -> Forecast:
    # numpy, scipy and statsmodels take a second to load: who asks for no forecast does not wait for them.
    import numpy as np  # noqa: PLC0415

    from consumption.forecasting import outlook_of  # noqa: PLC0415

    values = np.array([float(costs[day].cost) if _is_final(costs, day) else np.nan for day in training.days])
    scale = np.array(_scale_of(costs, training, steps))
    outlook = outlook_of(values, WEEK, steps, scale=scale)
    days = _Days(costs, training, outlook)
    unknown = {day for day in known.period.days if day < training.end and not _is_final(costs, day)}
    ahead = Period(training.end, known.period.end)
    points = tuple(days.point(day) for day in sorted(unknown | {*ahead.days}) if not _is_final(costs, day))
    inside = [point for point in points if point.date >= known.period.first]
    final = sum((costs[day].cost for day in known.period.days if _is_final(costs, day)), Decimal(0))
    total, total_80, total_95 = days.total(final, inside)
    passed = sum(point.date < training.end for point in inside)
    totals = (days.total(final, inside[:count]) for count in range(passed + 1, len(inside) + 1))
    return replace(
        known,
        spikes=tuple(training.first + ONE_DAY * place for place in outlook.spikes),
        model=outlook.family,
        candidates=tuple(Candidate(one.family, _percent(one.error_percent)) for one in outlook.candidates),
        origins=outlook.errors.shape[0],
        tested_days=outlook.errors.shape[1],
        expected_total=total,
        total_80=total_80,
        total_95=total_95,
        points=points,
        totals=tuple(
            Point(point.date, amount, *of_80, *of_95)
            for point, (amount, of_80, of_95) in zip(inside[passed:], totals, strict=True)
        ),
    )


@dataclass(frozen=True)
class _Days:
    """The days of an outlook: each by its date, as amounts."""

    costs: Mapping[dt.date, DayCost]
    training: Period
    outlook: "Outlook"

    @property
    def is_positive(self) -> bool:
        """Tell whether no day has cost less than nothing, so that none is expected to."""
        return all(cost.cost >= 0 for cost in self.costs.values())

    @cached_property
    def _half_widths(self) -> dict[int, Any]:
        return {percent: self.outlook.half_widths(percent) for percent in (80, 95)}

    def least(self, day: dt.date) -> Decimal:
        """Return what a day has cost already, or cannot cost less than."""
        return self.costs[day].cost if day in self.costs else Decimal(0)

    def point(self, day: dt.date) -> Point:
        """Return what is expected of a day: at least what it has cost already."""
        step = (day - self.training.end).days
        expected = self.outlook.expected[step] if step >= 0 else self._within(day)
        values = [expected]
        for percent in (80, 95):
            half = self._half_widths[percent][max(step, 0)]
            values += [expected - half, expected + half]
        amounts = [_amount(value) for value in values]
        if self.is_positive or day in self.costs:
            # Of the exact cost: a rounded one may be a little below it.
            amounts = [max(amount, self.least(day)) for amount in amounts]
        return Point(day, *amounts)

    def _within(self, day: dt.date) -> float:
        """Return what an unknown day among the known ones, or before them, is taken to have cost."""
        place = (day - self.training.first).days
        return self.outlook.whole[place if place >= 0 else place % WEEK]

    def total(self, final: Decimal, points: list[Point]) -> tuple[Decimal, Interval, Interval]:
        """Return what final days and ``points`` come to, with its intervals of 80 and of 95 percent."""
        total = final + sum(point.expected for point in points)
        least = final + sum(self.least(point.date) for point in points) if self.is_positive else None
        return total, *(self._interval(total, percent, points, least) for percent in (80, 95))

    def _interval(self, total: Decimal, percent: int, points: list[Point], least: Decimal | None) -> Interval:
        """Return the interval of a sum: errors of days after the last known one lean alike, others do not."""
        steps = [(point.date - self.training.end).days for point in points]
        within = sum(step < 0 for step in steps)
        ahead = self.outlook.half_width_of_sum(percent, [step for step in steps if step >= 0])
        half = _amount((ahead**2 + within * self._half_widths[percent][0] ** 2) ** 0.5)
        return Interval(total - half if least is None else max(total - half, least), total + half)


def _scale_of(costs: Mapping[dt.date, DayCost], training: Period, steps: int) -> list[float]:
    """Return by how much each day, known and to come, stands above an equal one of a mean month.

    What is billed by the month costs its price whatever the month's length, so a day of it costs a 28th to a
    31st (OUTSCALE ReadConsumptionAccount). How large that part is of days to come, the last weeks tell.
    """
    found = []
    parts: list[tuple[float, float]] = []
    for day in training.days:
        if not _is_final(costs, day):
            found.append(None)
            continue
        cost, per_month = float(costs[day].cost), float(costs[day].per_month)
        equal = cost - per_month + per_month * _longer(day)
        found.append(cost / equal if cost > 0 and equal > 0 else 1.0)
        parts.append((per_month * _longer(day), equal))
    part, whole = (sum(column) for column in zip(*parts[-_LEVEL_DAYS:], strict=True))
    share = min(max(part / whole, 0.0), 1.0) if whole > 0 else 0.0
    to_come = Period(training.first, training.end + steps * ONE_DAY)
    found += [None] * steps
    return [
        1 - share + share / _longer(day) if known is None else known
        for day, known in zip(to_come.days, found, strict=True)
    ]


def _longer(day: dt.date) -> float:
    """Return how many times as long as a mean month that of a day is."""
    return calendar.monthrange(day.year, day.month)[1] / _MEAN_MONTH


def _amount(value: float) -> Decimal:
    return Decimal(f"{value:.6f}") + 0  # a zero has no sign


def _percent(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(f"{value:.2f}")
