"""Where the cost is going: from step to step, over the whole period, and against earlier times.

Only whole steps are compared: weeks and months that the period does not cut off, with all figures of every
day. Months differ in length, so what is compared is the average day of a step; of days and weeks that is the
same as comparing their costs. What has no price is in no figure here, and a step of which nothing has one is
not known. Percentages are of a cost above zero: there is none of nothing, nor of a credit.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from itertools import combinations
from statistics import median

from consumption.comparison import Change, change_of
from consumption.daytext import is_whole_step
from consumption.history import History, SeveralCurrencies, Step
from consumption.models import DayState
from consumption.periods import ONE_DAY, Granularity, Period, months_later
from consumption.trendsmovers import Movers, movers_of

WINDOWS: Mapping[str, int] = {Granularity.DAY: 7, Granularity.WEEK: 4, Granularity.MONTH: 3}
"""Over how many steps the moving average goes: that step and those before it."""

FEWEST_PAIRS = 3
"""From how many pairs of steps on a line is laid through them."""

AVERAGE, WEEK_BEFORE, MONTH_BEFORE, YEAR_BEFORE = "average", "week", "month", "year"

_SEASONS: Mapping[str, int] = {Granularity.DAY: 7, Granularity.WEEK: 1, Granularity.MONTH: 1}
"""How many steps lie between two that can be alike: a Sunday is compared with Sundays."""

_STATISTIC_STEP = Decimal("1e-10")


@dataclass(frozen=True)
class Point:
    """A step of the trend.

    ``change`` is that of its average day against the step before, ``cost_change`` that of its cost: a
    VM costs more in a longer month, a volume does not. ``moving_average`` is the mean cost of the last
    ``WINDOWS`` steps, None unless all of them are whole. ``unpriced`` counts its lines without a price.
    """

    step: Step
    is_cut: bool
    unpriced: int
    moving_average: Decimal | None
    change: Change
    cost_change: Change

    @property
    def period(self) -> Period:
        """The days of the step."""
        return self.step.period

    @property
    def cost(self) -> Decimal | None:
        """What is known of its cost, None when nothing is."""
        return self.step.cost

    @property
    def is_whole(self) -> bool:
        """Tell whether it can be compared: neither cut off by the period, nor without figures of a day."""
        return not self.is_cut and self.average_day is not None

    @property
    def average_day(self) -> Decimal | None:
        """What a day of it costs; None while some day has not all its figures, or nothing has a price."""
        return _average_day(self.step)


@dataclass(frozen=True)
class Compound:
    """The growth per step that leads from the average day of the first whole step to that of the last one.

    ``percent`` is the same in each of the ``steps`` steps between them, as with interest on interest. Of days
    the first one is that of the same weekday as the last one, or the week would look like growth.
    """

    percent: Decimal
    first: Period
    last: Period
    steps: int


@dataclass(frozen=True)
class Slope:
    """How much more a day costs per step along the line through all whole steps.

    It is the median slope of all pairs of steps (Theil and Sen), so that a few odd ones do not move it. Days
    are paired with the same weekday, or the week would look like a slope. ``percent`` is its part of the
    average day, None where that is not above zero.
    """

    per_day: Decimal
    percent: Decimal | None


@dataclass(frozen=True)
class Earlier:
    """An earlier time that the last whole step is compared with.

    ``cost`` is what is known of it, of the ``AVERAGE`` the mean of the ``steps`` whole steps before;
    None when nothing is known. ``average_day`` is None while it is not wholly read, or billed in another
    ``currency``: then there is no difference ``per_day`` either. ``lacks``: some of its lines have no price.
    """

    kind: str
    period: Period
    steps: int
    cost: Decimal | None
    average_day: Decimal | None
    whole_days: int
    currency: str
    lacks: bool
    per_day: Decimal | None
    change: Change


@dataclass(frozen=True)
class Trends:
    """The trend of a history; its steps are those of the history."""

    history: History

    @cached_property
    def granularity(self) -> Granularity:
        """How long a step is."""
        return Granularity(self.history.question.granularity)

    @property
    def window(self) -> int:
        """Over how many steps the moving average goes."""
        return WINDOWS[self.granularity]

    @cached_property
    def points(self) -> list[Point]:
        """Each step of the period."""
        unpriced = self.history.unpriced_by_step
        steps = [
            _without_price(step) if lines else step
            for step, lines in zip(self.history.steps, unpriced, strict=True)
        ]
        cut = [not is_whole_step(step.period, self.granularity) for step in steps]
        whole = [
            None if is_cut or _average_day(step) is None else step
            for step, is_cut in zip(steps, cut, strict=True)
        ]
        befores = [None, *whole[:-1]]
        return [
            Point(step, cut[place], unpriced[place], average, *_changes(whole[place], befores[place]))
            for place, (step, average) in enumerate(zip(steps, _averages(whole, self.window), strict=True))
        ]

    @cached_property
    def whole(self) -> list[Point]:
        """The steps that can be compared."""
        return [point for point in self.points if point.is_whole]

    @property
    def last(self) -> Point | None:
        """The last step that can be compared, which is not the last one where days are missing."""
        return self.whole[-1] if self.whole else None

    @property
    def average(self) -> Decimal | None:
        """What a whole step costs on average; None without one."""
        return _mean_cost(self.whole) if self.whole else None

    @cached_property
    def compound(self) -> Compound | None:
        """The compound growth; None without two whole steps that cost something."""
        season = _SEASONS[self.granularity]
        places = [place for place, point in enumerate(self.points) if point.is_whole]
        alike = [place for place in places if (places[-1] - place) % season == 0]
        if len(alike) < 2:
            return None
        first, last, steps = self.points[alike[0]], self.points[alike[-1]], alike[-1] - alike[0]
        if first.average_day <= 0 or last.average_day <= 0:
            return None
        rate = (last.average_day / first.average_day) ** (1 / Decimal(steps)) - 1
        return Compound((rate * 100).quantize(_STATISTIC_STEP), first.period, last.period, steps)

    @cached_property
    def slope(self) -> Slope | None:
        """The slope of the line through all whole steps; None with too few of them to say."""
        slopes = list(_slopes(self.points, _SEASONS[self.granularity]))
        if len(slopes) < FEWEST_PAIRS:
            return None
        per_day = Decimal(median(slopes)).quantize(_STATISTIC_STEP)
        average_day = _mean_day(self.whole)
        return Slope(per_day, per_day / average_day * 100 if average_day > 0 else None)

    @cached_property
    def earlier(self) -> list[Earlier]:
        """What the last whole step is compared with; of days before the period, what is kept of them."""
        if self.last is None:
            return []
        times = _times_before(self.last.period, self.granularity)
        averages = [_usual(self.whole, self.history.currency)] if len(self.whole) > 2 else []
        return averages + [self._at(kind, period) for kind, period in times.items()]

    def _at(self, kind: str, period: Period) -> Earlier:
        try:
            found = self.history.about(period, totals_only=True)
        except SeveralCurrencies:  # also of the days before it, which nobody asks for
            return Earlier(kind, period, 1, None, None, 0, "", False, None, Change())
        [step], currency = found.steps, found.currency
        step = _without_price(step) if found.unpriced else step
        is_other = step.cost is not None and currency != self.history.currency
        average_day = None if is_other else _average_day(step)
        return Earlier(
            kind,
            period,
            1,
            step.cost,
            average_day,
            _whole_days(step),
            currency,
            bool(found.unpriced),
            *_difference(self.last, average_day),
        )

    @cached_property
    def movers(self) -> Movers | None:
        """The groups whose cost changed most from the step before the last whole one; None without such."""
        try:
            return movers_of(self.history.about(self.last.period, totals_only=False)) if self.last else None
        except SeveralCurrencies:  # the step before is older than the period, and billed in another one
            return None


def _without_price(step: Step) -> Step:
    """Return a step that has lines without a price: when nothing else cost anything, no cost is known."""
    return step if step.cost else replace(step, cost=None)


def _average_day(step: Step) -> Decimal | None:
    is_known = step.cost is not None and step.coverage.is_whole
    return step.cost / step.period.length if is_known else None


def _whole_days(step: Step) -> int:
    counts = step.coverage.counts
    return counts[DayState.COMPLETE] + counts[DayState.PROVISIONAL]


def _changes(step: Step | None, before: Step | None) -> tuple[Change, Change]:
    """Return how the average day and the cost of a whole step have changed since the one before."""
    if step is None or before is None:
        return Change(), Change()
    return change_of(_average_day(step), _average_day(before)), change_of(step.cost, before.cost)


def _averages(whole: list[Step | None], window: int) -> Iterator[Decimal | None]:
    """Yield the mean cost of each step and those before it, None while one of them is not known."""
    for end in range(1, len(whole) + 1):
        costs = [step.cost for step in whole[max(0, end - window) : end] if step]
        yield sum(costs) / window if len(costs) == window else None


def _mean_cost(points: list[Point]) -> Decimal:
    return sum(point.cost for point in points) / len(points)


def _mean_day(points: list[Point]) -> Decimal:
    return sum(point.cost for point in points) / sum(point.period.length for point in points)


def _slopes(points: list[Point], season: int) -> Iterator[float]:
    """Yield by how much the average day changes per step, between any two whole steps of a season."""
    known = [(place, point) for place, point in enumerate(points) if point.is_whole]
    for begin in range(season):
        alike = [(place, float(point.average_day)) for place, point in known if place % season == begin]
        for (place, day), (later_place, later_day) in combinations(alike, 2):
            yield (later_day - day) / (later_place - place)


def _times_before(period: Period, granularity: Granularity) -> dict[str, Period]:
    """Return the equal steps one week, one month and one year before: of weeks 1, 4 and 52 weeks before."""
    first = period.first
    match granularity:
        case Granularity.MONTH:
            begins = {MONTH_BEFORE: months_later(first, -1), YEAR_BEFORE: months_later(first, -12)}
            return {kind: Period(begin, months_later(begin, 1)) for kind, begin in begins.items()}
        case Granularity.WEEK:
            weeks = {WEEK_BEFORE: 1, MONTH_BEFORE: 4, YEAR_BEFORE: 52}
            begins = {kind: first - dt.timedelta(weeks=count) for kind, count in weeks.items()}
        case _:
            begins = {
                WEEK_BEFORE: first - dt.timedelta(weeks=1),
                MONTH_BEFORE: _same_date(first, 1),
                YEAR_BEFORE: _same_date(first, 12),
            }
    length = period.end - first
    return {kind: Period(begin, begin + length) for kind, begin in begins.items()}


def _same_date(day: dt.date, months: int) -> dt.date:
    """Return the same date so many months before; the last day of a month that is too short for it."""
    month = months_later(day, -months)
    last = months_later(month, 1) - ONE_DAY
    return month.replace(day=min(day.day, last.day))


def _usual(whole: list[Point], currency: str) -> Earlier:
    """Return the average of the whole steps before the last one."""
    *before, last = whole
    period = Period(before[0].period.first, before[-1].period.end)
    whole_days = sum(point.period.length for point in before)
    average_day = _mean_day(before)
    return Earlier(
        AVERAGE,
        period,
        len(before),
        _mean_cost(before),
        average_day,
        whole_days,
        currency,
        any(point.unpriced for point in before),
        *_difference(last, average_day),
    )


def _difference(last: Point, average_day: Decimal | None) -> tuple[Decimal | None, Change]:
    if average_day is None:
        return None, Change()
    return last.average_day - average_day, change_of(last.average_day, average_day)
