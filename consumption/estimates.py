"""What resources were expected to cost, day by day: by stored readings, by the last one, or by given lines.

An estimate tells for each kind of resource on which days it knows it, and by the reading of which day. The
days of readings are ordinals, as in the spans (``costs.timeline``).
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from consumption.driftkinds import KINDS
from consumption.estimatefiles import Given
from consumption.periods import ONE_DAY, Period
from consumption.plans import PlanLine
from costs import timeline
from costs.lines import Cost, Line
from costs.models import CostSnapshot, CostSnapshotQuerySet, ResourceSpan
from costs.pricelist import PriceKey
from costs.pricing import Part, Price
from costs.pricing import Period as Time
from costs.timeline import OPEN, DayCost, day_cost_of

CARRIED_DAYS = 7
"""For so many days a reading stands in for the readings that are not there."""


Span = tuple[int, str, str, int, int, int]
"""A resource that was the same at the readings of some days: the id of the span, its kind and its own id, its
cost, the first such day, and the day before which they end.

It is the row of the database as it comes: there are ten thousand of them.
"""


Details = dict[int, tuple[Line, Cost]]


@dataclass(frozen=True)
class Estimate:
    """What the resources of one account and region were expected to cost.

    ``read_on`` tells for each kind on each day that it knows the day of the reading behind it. ``read_days``
    are the days on which readings were made, ``taken_at`` is when the only one was, if it is only one.
    """

    region: str
    read_on: Mapping[str, Mapping[dt.date, int]]
    spans: list[Span] = field(repr=False, default_factory=list)
    read_days: frozenset[dt.date] = frozenset()
    taken_at: dt.datetime | None = None
    is_by_day: bool = False
    _costs: Callable[[Iterable[int]], dict[int, DayCost]] = field(repr=False, default=timeline.day_costs)
    _details: Callable[[Iterable[int]], Details] = field(repr=False, default=timeline.details)

    def day_costs(self, costs: Iterable[int]) -> dict[int, DayCost]:
        """Return what is expected of a day for some costs."""
        return self._costs(costs)

    def details(self, spans: Iterable[int]) -> Details:
        """Return the resources of some spans with what explains their costs."""
        return self._details(spans)

    def is_carried(self, day: dt.date) -> bool:
        """Tell whether all that is known of a day rests on readings of days before."""
        found = [days[day] for days in self.read_on.values() if day in days]
        return self.is_by_day and day.toordinal() not in found


def of_readings(account_id: str, region: str, reader: str, period: Period, currency: str) -> Estimate:
    """Return what the readings of a key expected: on each day its last reading of the kind in question.

    A day without one takes that of the days before, of at most ``CARRIED_DAYS``. Readings in another currency
    than ``currency`` are left out.
    """
    stored = _readings(account_id, region, reader, currency).filter(
        day__gte=period.first - CARRIED_DAYS * ONE_DAY, day__lt=period.end
    )
    made: dict[str, set[dt.date]] = defaultdict(set)
    for day, kinds in stored.values_list("day", "known_kinds"):
        for kind in kinds:
            made[kind].add(day)
    read_on = {kind: found for kind, days in made.items() if (found := _carried(days, period))}
    used = {day for days in read_on.values() for day in days.values()}
    return Estimate(
        region,
        read_on,
        _spans(account_id, region, reader, used),
        read_days=frozenset(map(dt.date.fromordinal, used)),
        is_by_day=True,
    )


def of_last_reading(account_id: str, region: str, reader: str, period: Period, currency: str) -> Estimate:
    """Return what the last reading of a key expects, as if all had been so in the whole of ``period``."""
    last = _readings(account_id, region, reader, currency).newest_first().without_lines().first()
    if last is None:
        return Estimate(region, {})
    day = last.day.toordinal()
    return Estimate(
        region,
        {kind: dict.fromkeys(period.days, day) for kind in last.known_kinds},
        _spans(account_id, region, reader, {day}),
        read_days=frozenset([last.day]),
        taken_at=last.taken_at,
    )


def of_lines(region: str, given: Given, period: Period) -> Estimate:
    """Return what the lines of a file expect in the whole of ``period``."""
    read_days = frozenset([given.made_at.astimezone(dt.UTC).date()] if given.made_at else [])
    found = _of_given(region, given.lines, given.costs, given.kinds, period)
    return Estimate(**vars(found) | {"read_days": read_days, "taken_at": given.made_at})


def of_plan(region: str, planned: Iterable[PlanLine], period: Period) -> Estimate:
    """Return what a plan expects of a region in the whole of ``period``, kind by kind.

    It names no resources: its lines have no id, and their kinds are those of ``consumption.driftkinds``.
    """
    lines, costs = [], []
    for one in planned:
        for amount, per in ((one.hourly, Time.HOUR), (one.monthly, Time.MONTH)):
            if amount:
                part = Part(PriceKey("", "", ""), one.category, Decimal(1), amount)
                lines.append(Line("", one.kind, "", region, "", "", {}, len(costs)))
                costs.append(Cost(Price(per, one.currency, (part,))))
    return _of_given(region, lines, costs, KINDS, period)


def _of_given(
    region: str, lines: list[Line], costs: list[Cost], kinds: Iterable[str], period: Period
) -> Estimate:
    """Return what given lines expect on all days; of other ``kinds`` than these they know nothing."""
    return Estimate(
        region,
        {kind: dict.fromkeys(period.days, 0) for kind in kinds},
        [
            (place, str(line.resource_type), line.resource_id, line.cost, 0, OPEN)
            for place, line in enumerate(lines)
        ],
        _costs=lambda ids: {place: day_cost_of(costs[place]) for place in ids},
        _details=lambda ids: {place: (lines[place], costs[lines[place].cost]) for place in ids},
    )


def _readings(account_id: str, region: str, reader: str, currency: str) -> CostSnapshotQuerySet:
    stored = CostSnapshot.objects.of(account_id, region)
    return stored.filter(reader=reader, currency=currency, known_kinds__isnull=False)


def _spans(account_id: str, region: str, reader: str, days: set[int]) -> list[Span]:
    """Return the spans that hold at readings of some days."""
    if not days:
        return []
    rows = ResourceSpan.objects.of(account_id, region, reader)
    rows = rows.filter(end_day__gt=min(days), first_day__lte=max(days))
    fields = ("pk", "resource_type", "resource_id", "cost_id", "first_day", "end_day")
    return list(rows.values_list(*fields))


def _carried(days: set[dt.date], period: Period) -> dict[dt.date, int]:
    """Return for each day of a period the last day of ``days``, unless that is too long ago."""
    found, last = {}, None
    for day in Period(period.first - CARRIED_DAYS * ONE_DAY, period.end).days:
        if day in days:
            last = day
        if last is not None and day >= period.first and (day - last).days <= CARRIED_DAYS:
            found[day] = last.toordinal()
    return found
