"""What explains an anomaly: its types, their resources, and what happened to them.

Each part is what something cost on the days of the anomaly less what it cost on the days that they are
compared with, so that parts, and what is left of them, add up to the anomaly exactly. Within a type the
difference is split into what is new, what is gone, and of what was there before into quantity and unit price.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from itertools import accumulate
from math import lcm

from consumption.anomalies import Anomaly, days_of_month
from consumption.anomalyfindings import Findings, TypeCost
from consumption.sums import Run, Span
from consumption.wholenumbers import amount_of
from costs.money import round_for_display

TYPES_SHOWN = 5
RESOURCES_SHOWN = 5

MOST_EXPLAINED = 50
"""So many anomalies are explained at once, the newest."""

_WHOLE = lcm(28, 29, 30, 31)
"""Weights of days are whole numbers of this part, so that shares of months of any length are exact."""

_SAME_PRICE = 10**6
"""Unit prices that differ by less than this part are the same: amounts are rounded when they are stored."""


class Happened(StrEnum):
    """What happened to a type or a resource."""

    NEW = "new"
    """It cost nothing on the days compared with."""
    GONE = "gone"
    """It cost something then, and nothing any more."""
    MORE = "more"
    LESS = "less"
    DEARER = "dearer"
    """Most of the difference comes from its unit price."""
    CHEAPER = "cheaper"


@dataclass(frozen=True)
class ResourceCause:
    """What a resource has to do with it, with one type of meter."""

    resource_id: str
    happened: Happened
    actual: Decimal
    expected: Decimal

    @property
    def excess(self) -> Decimal:
        """How much more than expected it cost."""
        return self.actual - self.expected


@dataclass(frozen=True)
class Split:
    """The difference of a type, by what happened; the parts add up to it."""

    new: Decimal = Decimal()
    gone: Decimal = Decimal()
    quantity: Decimal = Decimal()
    unit_price: Decimal = Decimal()


@dataclass(frozen=True)
class Cause:
    """What a type has to do with it.

    ``resources`` are the largest, ``others`` counts the rest of those that changed, which come to
    ``others_excess``; ``without_resource`` is of what the cloud names no resource for.
    """

    of: TypeCost
    happened: Happened
    split: Split
    resources: list[ResourceCause]
    others: int
    others_excess: Decimal
    without_resource: Decimal

    @property
    def key(self) -> str:
        """The type."""
        return self.of.key

    @property
    def excess(self) -> Decimal:
        """How much more than expected it cost."""
        return self.of.excess


@dataclass(frozen=True)
class Explanation:
    """The largest causes of an anomaly, and what is left of it; ``others`` counts those worth a cent."""

    causes: list[Cause]
    others: int
    others_excess: Decimal


def happened_to(actual: Decimal, expected: Decimal, *, unit_price: Decimal = Decimal()) -> Happened:
    """Say what happened; ``unit_price`` is how much of the difference comes from that."""
    if not expected:
        return Happened.NEW
    if not actual:
        return Happened.GONE
    excess = actual - expected
    if abs(unit_price) * 2 > abs(excess):
        return Happened.DEARER if unit_price > 0 else Happened.CHEAPER
    return Happened.MORE if excess > 0 else Happened.LESS


def explained(findings: Findings, anomalies: Iterable[Anomaly]) -> dict[str, Explanation]:
    """Explain anomalies, by their keys, the first ``MOST_EXPLAINED`` of them (one query)."""
    questions = [_Question(findings, one) for one in list(anomalies)[:MOST_EXPLAINED]]
    spans = [question.span for question in questions if question.span.meters]
    for run in findings.history.runs(spans):
        for question in questions:
            question.add(run)
    return {question.anomaly.key: question.answer() for question in questions}


@dataclass
class _Sums:
    """What a meter of a resource came to: at the anomaly, and times ``_WHOLE`` on the days compared with."""

    price: int = 0
    value: int = 0
    price_then: int = 0
    value_then: int = 0

    @property
    def from_unit_price(self) -> int:
        """How much of the difference comes from another unit price, as a whole number of 10⁻¹⁰."""
        if not (self.value and self.value_then and self.price_then):
            return 0
        at_old_price = self.value * self.price_then // self.value_then
        difference = self.price - at_old_price
        return difference if abs(difference) * _SAME_PRICE > abs(self.price) else 0


class _Days:
    """Days with weights; the weight of a stretch of them is told at once."""

    def __init__(self, weights: Iterable[tuple[int, int]]) -> None:
        ordered = sorted(weights)
        self._days = [day for day, _weight in ordered]
        self._sums = [0, *accumulate(weight for _day, weight in ordered)]

    def within(self, first: int, last: int) -> int:
        return self._sums[bisect_right(self._days, last)] - self._sums[bisect_left(self._days, first)]


class _Question:
    """One anomaly, and what has been found of its largest types so far."""

    def __init__(self, findings: Findings, anomaly: Anomaly) -> None:
        self.anomaly = anomaly
        types = [one for one in findings.types_of(anomaly) if round_for_display(one.excess)]
        self._types, self._others = types[:TYPES_SHOWN], len(types[TYPES_SHOWN:])
        self._type_of = {
            meter.pk: one.key for one in self._types for meter in findings.meters.get(one.key, ())
        }
        self._by_month = {one.key for one in self._types if findings.is_by_month(one.key)}
        days = [(day.reference, day.day) for day in anomaly.days]
        all_days = [day for pair in days for day in pair]
        self.span = Span(min(all_days), max(all_days), frozenset(self._type_of))
        self._now = _Days((day.toordinal(), 1) for _then, day in days)
        self._then = _Days((then.toordinal(), _WHOLE) for then, _day in days)
        self._then_by_month = _Days((then.toordinal(), _weight(then, day)) for then, day in days)
        self._sums: dict[str, dict[str, dict[int, _Sums]]] = defaultdict(
            lambda: defaultdict(lambda: defaultdict(_Sums))
        )

    def add(self, run: Run) -> None:
        """Take a run of days of a resource into account, if it belongs here."""
        key = self._type_of.get(run.meter)
        if key is None or run.first > self.span.last.toordinal() or run.last < self.span.first.toordinal():
            return
        now = self._now.within(run.first, run.last)
        then = (self._then_by_month if key in self._by_month else self._then).within(run.first, run.last)
        if now or then:
            sums = self._sums[key][run.resource_id][run.meter]
            sums.price += now * (run.price or 0)
            sums.value += now * run.value
            sums.price_then += then * (run.price or 0)
            sums.value_then += then * run.value

    def answer(self) -> Explanation:
        """Return what explains the anomaly."""
        shown = sum((one.excess for one in self._types), Decimal())
        causes = [self._cause(one) for one in self._types]
        return Explanation(causes, self._others, self.anomaly.excess - shown)

    def _cause(self, of: TypeCost) -> Cause:
        tally = _Tally()
        for resource_id, meters in self._sums[of.key].items():
            tally.add(resource_id, meters.values())
        changed = sorted(tally.changed, key=lambda one: (-abs(one.excess), one.resource_id))
        shown = changed[:RESOURCES_SHOWN]
        named = sum((one.excess for one in shown), Decimal())
        known = tally.new + tally.gone + tally.unit_price
        return Cause(
            of,
            happened_to(of.actual, of.expected, unit_price=tally.unit_price),
            Split(tally.new, tally.gone, of.excess - known, tally.unit_price),
            shown,
            len(changed) - len(shown),
            of.excess - named - tally.without_resource,
            tally.without_resource,
        )


@dataclass
class _Tally:
    """What the resources of a type come to."""

    new: Decimal = Decimal()
    gone: Decimal = Decimal()
    unit_price: Decimal = Decimal()
    without_resource: Decimal = Decimal()
    changed: list[ResourceCause] = field(default_factory=list)

    def add(self, resource_id: str, meters: Iterable[_Sums]) -> None:
        meters = list(meters)
        actual = amount_of(sum(one.price for one in meters))
        expected = amount_of(_rounded(sum(one.price_then for one in meters)))
        unit_price = amount_of(sum(one.from_unit_price for one in meters))
        one = ResourceCause(
            resource_id, happened_to(actual, expected, unit_price=unit_price), actual, expected
        )
        if not resource_id:
            self.unit_price += unit_price
            self.without_resource = one.excess
            return
        if one.happened == Happened.NEW:
            self.new += one.excess
        elif one.happened == Happened.GONE:
            self.gone += one.excess
        else:
            self.unit_price += unit_price
        if round_for_display(one.excess):
            self.changed.append(one)


def _weight(then: date, day: date) -> int:
    """Return how much a day of another month counts for what is sold by the month."""
    return days_of_month(then.year, then.month) * (_WHOLE // days_of_month(day.year, day.month))


def _rounded(weighted: int) -> int:
    """Return a sum of weighted days in the unit of what is stored, rounded."""
    return (2 * weighted + _WHOLE) // (2 * _WHOLE)
