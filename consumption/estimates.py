"""What resources were expected to cost, day by day: by stored readings, by the last one, or by given lines.

An estimate is made of pages (``costs.snapshotpages``): for each kind of resource and each day those that held
then. A kind that a reading did not know on a day has no pages there, which is not the same as no resources.
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
from costs import snapshots
from costs.lines import Cost, Line
from costs.models import CostSnapshot, SnapshotPage
from costs.pricelist import PriceKey
from costs.pricing import Part, Price
from costs.pricing import Period as Time
from costs.snapshotpages import DayCosts, Lines, PageContent, known_kinds, pages_of, read_day_costs

CARRIED_DAYS = 7
"""For so many days a reading stands in for the readings that are not there."""

PageId = int | str
Pages = tuple[PageId, ...]
Held = Mapping[str, Mapping[dt.date, Pages]]


@dataclass(frozen=True)
class Estimate:
    """What the resources of one account and region were expected to cost.

    ``held`` tells for each kind on each day which pages did. ``carried`` are the days that rest on a reading
    of a day before. ``read_days`` are the days on which it was made. ``taken_at`` is when, if
    there is only one reading behind it.
    """

    region: str
    held: Held
    carried: frozenset[dt.date] = frozenset()
    read_days: frozenset[dt.date] = frozenset()
    taken_at: dt.datetime | None = None
    _stored: Callable[[Iterable[PageId], str], dict[PageId, bytes]] = field(
        repr=False, default=lambda _ids, _half: {}
    )

    def day_costs(self, pages: Iterable[PageId]) -> dict[PageId, DayCosts]:
        """Return what the resources of some pages cost on a day."""
        found = self._stored(pages, "day_costs")
        return {page: read_day_costs(content) for page, content in found.items()}

    def lines(self, pages: Iterable[PageId]) -> dict[PageId, Lines]:
        """Return the resources of some pages with what explains their costs."""
        return {page: Lines(content) for page, content in self._stored(pages, "lines").items()}


def of_readings(account_id: str, region: str, reader: str, period: Period, currency: str) -> Estimate:
    """Return what the readings of a key expected: on each day its last reading of the kind in question.

    A day without one takes that of the days before, of at most ``CARRIED_DAYS``. Readings in another currency
    than ``currency`` are left out.
    """
    first = period.first - CARRIED_DAYS * ONE_DAY
    stored = CostSnapshot.objects.of(account_id, region).filter(
        reader=reader, currency=currency, day__gte=first, day__lt=period.end
    )
    facts = list(stored.order_by("taken_at", "pk").values_list("pk", "day", "known_kinds"))
    old = {pk: _unpaged(pk) for pk, _day, kinds in facts if kinds is None}
    taken: dict[str, dict[dt.date, int]] = defaultdict(dict)
    for pk, day, kinds in facts:
        for kind in old[pk].kinds if kinds is None else kinds:
            taken[kind][day] = pk
    chosen = {kind: _carried(of_day, period) for kind, of_day in taken.items()}
    used = {pk for days in chosen.values() for pk, _is_carried in days.values()}
    pages = _pages_by_kind(used - old.keys()) | {pk: one.by_kind for pk, one in old.items()}
    made = {pk: day for pk, day, _kinds in facts}
    by_own_reading = {
        day for days in chosen.values() for day, (_pk, is_carried) in days.items() if not is_carried
    }
    compared = {day for days in chosen.values() for day in days}
    return Estimate(
        region,
        {
            kind: {day: pages[pk].get(kind, ()) for day, (pk, _is_carried) in days.items()}
            for kind, days in chosen.items()
        },
        carried=frozenset(compared - by_own_reading),
        read_days=frozenset(made[pk] for pk in used),
        _stored=_reader_of(old.values()),
    )


def of_last_reading(account_id: str, region: str, reader: str, period: Period, currency: str) -> Estimate:
    """Return what the last reading of a key expects, as if all had been so in the whole of ``period``."""
    stored = CostSnapshot.objects.of(account_id, region).filter(reader=reader, currency=currency)
    last = stored.newest_first().without_lines().first()
    if last is None:
        return Estimate(region, {})
    old = [_unpaged(last.pk)] if last.known_kinds is None else []
    pages = old[0].by_kind if old else _pages_by_kind([last.pk])[last.pk]
    kinds = old[0].kinds if old else last.known_kinds
    held = {kind: dict.fromkeys(period.days, pages.get(kind, ())) for kind in kinds}
    read_days = frozenset([last.day])
    return Estimate(region, held, read_days=read_days, taken_at=last.taken_at, _stored=_reader_of(old))


def of_lines(region: str, given: Given, period: Period) -> Estimate:
    """Return what the lines of a file expect in the whole of ``period``."""
    kept = _Unstored(pages_of(given.lines, given.costs), given.kinds)
    held = {kind: dict.fromkeys(period.days, kept.by_kind.get(kind, ())) for kind in kept.kinds}
    read_days = frozenset([given.made_at.astimezone(dt.UTC).date()] if given.made_at else [])
    return Estimate(region, held, read_days=read_days, taken_at=given.made_at, _stored=_reader_of([kept]))


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
    kept = _Unstored(pages_of(lines, costs), KINDS)
    held = {kind: dict.fromkeys(period.days, kept.by_kind.get(kind, ())) for kind in KINDS}
    return Estimate(region, held, _stored=_reader_of([kept]))


class _Unstored:
    """Pages that are in no row of their own: of given lines, or of a reading from before there were pages."""

    def __init__(self, pages: Mapping[str, tuple[str, PageContent]], kinds: Iterable[str]) -> None:
        self.kinds = list(kinds)
        self.contents = {digest: content for digest, (_kind, content) in pages.items()}
        self.by_kind: dict[str, Pages] = defaultdict(tuple)
        for digest, (kind, _content) in pages.items():
            self.by_kind[kind] += (digest,)


def _unpaged(pk: int) -> _Unstored:
    found = snapshots.read(CostSnapshot.objects.get(pk=pk))
    return _Unstored(pages_of(found.lines, found.costs), known_kinds(found.read, found.missing))


def _carried(of_day: Mapping[dt.date, int], period: Period) -> dict[dt.date, tuple[int, bool]]:
    """Return the reading of each day of a period that has one, and whether it is one of a day before."""
    found, last = {}, None
    for day in Period(period.first - CARRIED_DAYS * ONE_DAY, period.end).days:
        if day in of_day:
            last = day
        if last is not None and day >= period.first and (day - last).days <= CARRIED_DAYS:
            found[day] = (of_day[last], last != day)
    return found


def _pages_by_kind(readings: Iterable[int]) -> dict[int, dict[str, Pages]]:
    """Return the pages of stored readings by their kind."""
    readings = list(readings)
    found: dict[int, dict[str, Pages]] = {pk: defaultdict(tuple) for pk in readings}
    rows = CostSnapshot.pages.through.objects.filter(costsnapshot__in=readings).order_by("pk")
    for pk, page, kind in rows.values_list(
        "costsnapshot_id", "snapshotpage_id", "snapshotpage__resource_type"
    ):
        found[pk][kind] += (page,)
    return found


def _reader_of(unstored: Iterable[_Unstored]) -> Callable[[Iterable[PageId], str], dict[PageId, bytes]]:
    """Return what reads one half of pages, wherever they are."""
    given = {digest: content for one in unstored for digest, content in one.contents.items()}

    def read(pages: Iterable[PageId], half: str) -> dict[PageId, bytes]:
        pages = set(pages)
        stored = SnapshotPage.objects.filter(pk__in=pages - given.keys())
        return {page: getattr(given[page], half) for page in pages & given.keys()} | dict(
            stored.values_list("pk", half)
        )

    return read
