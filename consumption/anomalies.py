"""Which days cost more or less than days like them: detection on a series of daily costs.

A day is compared with the median of the same weekday in the weeks before, so that the season of the week is
removed; anomalous days are never compared with, so that an anomaly hides no later one. The expected band
around that cost is as wide as such comparisons have lately missed by, and never narrower than a share of the
cost and a sum of money. What is sold by the month costs 1/28 to 1/31 of its month a day: it is compared as
shares of the month.

The expected cost of a day is what one other day, its ``reference``, really cost: so it can be explained down
to meters and resources, and the parts of a difference add up to it. Amounts are exact, in one currency; the
statistics behind the width of the band are not.
"""

import datetime as dt
from calendar import monthrange
from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from functools import cached_property, lru_cache
from statistics import median

from consumption.periods import ONE_DAY, Period
from costs.money import round_for_storage

WEEKS = 5
"""How many days of the same weekday a day is compared with, at most."""

LEAST_WEEKS = 2
"""How many of them there must be."""

OLDEST_DAYS = 70
"""Days longer ago say nothing about today."""

NOISE_DAYS = 42
"""The width of the band comes from how well so many days were expected."""

LEAST_NOISE_DAYS = 14
"""While fewer days were compared, nothing is judged: with ``LEAST_WEEKS``, for the first four weeks."""

BAND = 5.5
"""How many times the usual miss (as a standard deviation) a day may be off."""

FLOOR_SHARE = 0.04
"""The band is never narrower than this share of the expected cost, up and down."""

FLOOR_MONEY = Decimal(1)
"""Nor than this amount a day, in whatever currency."""

LASTING_DAYS = 14
"""After so many days a change is no spike any more: its level is what is expected from then on."""

LEAST_LASTING_DAYS = 8
"""How many of them must be anomalous: a change of working days only leaves the weekends as they were."""

_BRIDGED_DAYS = 2
"""So many usual days, a weekend, do not end an anomaly that has lasted for some days."""

_LASTS_SOME_DAYS = 3
_LONGEST_GAP = 7
"""An anomaly does not go on over more days than this of which nothing is known."""

_TO_DEVIATION = 1.4826  # the median miss, as the standard deviation of normal misses
_WIDE = 1.96  # and one that 95 of 100 normal misses do not exceed


class Verdict(StrEnum):
    """What is said of a day."""

    USUAL = "usual"
    ANOMALOUS = "anomalous"
    UNKNOWN = "unknown"
    """Its cost is not known, or not wholly."""
    TOO_EARLY = "too_early"
    """Too few days before it are known."""
    STILL_GROWS = "still_grows"
    """It costs less than expected so far, and its bill can still grow."""


_COMPARED = (Verdict.USUAL, Verdict.ANOMALOUS)


class Kind(StrEnum):
    """How an anomaly has gone on."""

    SPIKE = "spike"
    """The cost has come back."""
    LASTING = "lasting"
    """The new level has stayed for ``LASTING_DAYS``, and is what is expected since."""
    ONGOING = "ongoing"
    """It reaches the last day that can be judged: nobody knows yet whether it stays."""


@dataclass(frozen=True, slots=True)
class DailyCost:
    """What a day cost; None when that is not wholly known.

    ``monthly`` is the part of it that is sold by the month. ``can_grow``: the bill of the day is not final.
    """

    day: dt.date
    cost: Decimal | None
    monthly: Decimal = Decimal()
    can_grow: bool = False


@dataclass(frozen=True, slots=True)
class JudgedDay:
    """A day, and what was expected of it; nothing where it could not be compared.

    ``reference`` is the day whose cost was expected. ``low`` and ``high`` end the band, both included.
    """

    day: dt.date
    cost: Decimal | None
    verdict: Verdict
    reference: dt.date | None = None
    expected: Decimal | None = None
    low: Decimal | None = None
    high: Decimal | None = None

    @property
    def excess(self) -> Decimal | None:
        """How much more than expected it cost, less when negative."""
        return None if self.cost is None or self.expected is None else self.cost - self.expected


@dataclass(frozen=True)
class Anomaly:
    """Days that cost more than expected, or less: those from the first to the last anomalous one.

    ``days`` are those of them that could be compared; usual ones, of a weekend, may be among them.
    """

    days: tuple[JudgedDay, ...]
    kind: Kind

    @property
    def key(self) -> str:
        """What identifies it in the answer to one question: its first day, ISO 8601."""
        return self.period.first.isoformat()

    @cached_property
    def period(self) -> Period:
        """From its first to its last day; some between may be unknown."""
        return Period(self.days[0].day, self.days[-1].day + ONE_DAY)

    @cached_property
    def actual(self) -> Decimal:
        """What its days cost."""
        return sum((day.cost for day in self.days), Decimal())

    @cached_property
    def expected(self) -> Decimal:
        """What was expected of them."""
        return sum((day.expected for day in self.days), Decimal())

    @property
    def excess(self) -> Decimal:
        """Its size: how much more they cost than expected, less when negative."""
        return self.actual - self.expected

    @property
    def percent(self) -> Decimal | None:
        """Its size in percent of what was expected; None where that was nothing."""
        return self.excess * 100 / abs(self.expected) if self.expected else None

    @property
    def is_rise(self) -> bool:
        """Tell whether the first day cost more than expected."""
        return self.days[0].excess > 0


@dataclass(frozen=True)
class Detection:
    """Every day of a series, judged, and the anomalies in their order."""

    days: list[JudgedDay]
    anomalies: list[Anomaly]


def detect(series: Iterable[DailyCost]) -> Detection:
    """Judge each day of a series, which is in order and without gaps (unknown days are in it)."""
    watch = _Watch()
    days = [watch.judged(one) for one in series]
    watch.end()
    return Detection(days, watch.found)


def share_of_month(amount: Decimal, paid_on: dt.date, day: dt.date) -> Decimal:
    """Return what something sold by the month costs on ``day`` when it cost ``amount`` on ``paid_on``."""
    days_then, days_now = days_of_month(paid_on.year, paid_on.month), days_of_month(day.year, day.month)
    return amount if days_then == days_now else round_for_storage(amount * days_then / days_now)


@lru_cache
def days_of_month(year: int, month: int) -> int:
    """Return how many days a month has."""
    return monthrange(year, month)[1]


@dataclass
class _Watch:
    """What is known at one moment of a series: usual days, how well days were expected, an open anomaly."""

    usual: dict[int, deque[DailyCost]] = field(
        default_factory=lambda: defaultdict(lambda: deque(maxlen=WEEKS))
    )
    misses: deque[float] = field(default_factory=lambda: deque(maxlen=NOISE_DAYS))
    found: list[Anomaly] = field(default_factory=list)
    open: list[tuple[DailyCost, JudgedDay]] = field(default_factory=list)
    """The days since the first of an anomaly that has not ended yet."""

    def judged(self, one: DailyCost) -> JudgedDay:
        """Judge the next day, and learn from it."""
        day = self._compared(one)
        if self.open and self._goes_on(day):
            self.open.append((one, day))
            self._accept_what_lasts()
            return day
        if self.open:
            self._close(Kind.SPIKE)
        if day.verdict == Verdict.ANOMALOUS:
            self.open = [(one, day)]
        return day

    def end(self) -> None:
        """Say of an anomaly that is open at the end that it goes on, unless a usual day came after it."""
        if self.open:
            *_before, last = (day for _one, day in self.open if day.verdict in _COMPARED)
            self._close(Kind.SPIKE if last.verdict == Verdict.USUAL else Kind.ONGOING)

    def _compared(self, one: DailyCost) -> JudgedDay:
        if one.cost is None:
            return JudgedDay(one.day, None, Verdict.UNKNOWN)
        reference = self._reference(one.day)
        if reference is None:
            self.usual[one.day.weekday()].append(one)
            return JudgedDay(one.day, one.cost, Verdict.TOO_EARLY)
        expected = _expected(reference, one.day)
        base = max(abs(expected), FLOOR_MONEY)
        miss = float((one.cost - expected) / base)
        if len(self.misses) < LEAST_NOISE_DAYS:
            self._learn(one, miss)
            return JudgedDay(one.day, one.cost, Verdict.TOO_EARLY)
        half = self._half_band(base)
        low, high = expected - half, expected + half
        verdict = Verdict.USUAL if low <= one.cost <= high else Verdict.ANOMALOUS
        if one.can_grow and one.cost < low:
            verdict = Verdict.STILL_GROWS
        elif verdict == Verdict.USUAL:
            self._learn(one, miss)
        return JudgedDay(one.day, one.cost, verdict, reference.day, expected, low, high)

    def _learn(self, one: DailyCost, miss: float) -> None:
        self.usual[one.day.weekday()].append(one)
        self.misses.append(miss)

    def _reference(self, day: dt.date) -> DailyCost | None:
        """Return the usual day of the same weekday with the median cost, the latest of several."""
        recent = [
            (_expected(one, day), one)
            for one in self.usual[day.weekday()]
            if (day - one.day).days <= OLDEST_DAYS
        ]
        if len(recent) < LEAST_WEEKS:
            return None
        ordered = sorted(cost for cost, _one in recent)
        middle = ordered[(len(ordered) - 1) // 2 : len(ordered) // 2 + 1]
        return next(one for cost, one in reversed(recent) if cost in middle)

    def _half_band(self, base: Decimal) -> Decimal:
        """Return how far a day may be off, from the usual miss, or where some are wide from the larger ones.

        Misses are taken from nothing, not from their own middle: steady growth makes all of them alike, and
        is no anomaly.
        """
        sizes = sorted(abs(miss) for miss in self.misses)
        wide = sizes[len(sizes) * 19 // 20]
        deviation = max(_TO_DEVIATION * median(sizes), wide / _WIDE)
        share = Decimal(max(BAND * deviation, FLOOR_SHARE))
        return max(round_for_storage(base * share), FLOOR_MONEY)

    # --- The open anomaly

    def _goes_on(self, day: JudgedDay) -> bool:
        """Tell whether the open anomaly may go on past a day."""
        anomalous = [one for _cost, one in self.open if one.verdict == Verdict.ANOMALOUS]
        if day.verdict not in _COMPARED:  # which does not tell whether the cost has come back
            return True
        if (day.day - anomalous[-1].day).days > _LONGEST_GAP:
            return False
        if day.verdict == Verdict.ANOMALOUS:
            return (day.excess > 0) == (anomalous[-1].excess > 0)
        usual = sum(one.verdict == Verdict.USUAL and one.day > anomalous[-1].day for _cost, one in self.open)
        return len(anomalous) >= _LASTS_SOME_DAYS and usual < _BRIDGED_DAYS

    def _accept_what_lasts(self) -> None:
        """Expect the new level from now on, once it has lasted."""
        first, last = self.open[0][0].day, self.open[-1][0].day
        anomalous = sum(day.verdict == Verdict.ANOMALOUS for _one, day in self.open)
        if (last - first).days + 1 < LASTING_DAYS or anomalous < LEAST_LASTING_DAYS:
            return
        if self.open[-1][1].verdict != Verdict.ANOMALOUS:
            return
        self.usual.clear()
        for one, _day in self.open:
            if one.cost is not None:
                self.usual[one.day.weekday()].append(one)
        self._close(Kind.LASTING)

    def _close(self, kind: Kind) -> None:
        days = [day for _one, day in self.open]
        last = max(place for place, day in enumerate(days) if day.verdict == Verdict.ANOMALOUS)
        compared = tuple(day for day in days[: last + 1] if day.verdict in _COMPARED)
        self.found.append(Anomaly(compared, kind))
        self.open = []


def _expected(reference: DailyCost, day: dt.date) -> Decimal:
    """Return what a day is expected to cost that is like its reference."""
    if not reference.monthly:
        return reference.cost
    monthly = share_of_month(reference.monthly, reference.day, day)
    return reference.cost - reference.monthly + monthly
