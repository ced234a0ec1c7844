"""What was expected in one account and region against what was consumed there, on the days that know both.

Amounts are whole numbers of 10⁻¹⁰: there may be ten thousand resources.
"""

import calendar
import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from consumption.coverage import Coverage
from consumption.driftkinds import is_listed, kind_of, resource_of
from consumption.driftsums import ConsumedSum, consumed_sums, own_usage
from consumption.estimates import Estimate, PageId
from consumption.models import DayState, Ledger, Meter
from costs.dailycost import MONTH_LENGTHS
from costs.pricelist import PriceKey
from costs.snapshotpages import DayCosts

ResourceKey = tuple[str, str]
"""The kind and the id of a resource; what has no id of its own has the empty one."""

_COMPARED = (DayState.COMPLETE, DayState.PROVISIONAL)


@dataclass(frozen=True)
class Narrowing:
    """What is compared at all: everything where nothing is named.

    ``resources`` are ids. ``by_kind``: resources are not told apart, only their kinds are.
    """

    categories: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    resources: frozenset[str] | None = None
    by_kind: bool = False

    def asks_kind(self, kind: str) -> bool:
        """Tell whether a kind of resource is compared."""
        return not self.kinds or kind in self.kinds

    def asks_category(self, category: str) -> bool:
        """Tell whether a category is compared."""
        return not self.categories or category in self.categories


@dataclass
class Expected:
    """What a resource was expected to cost, and where it stands: on which pages, at which place."""

    whole: int = 0
    places: list[tuple[PageId, int]] = field(default_factory=list)
    is_priced: bool = True


@dataclass(frozen=True)
class ConsumedProduct:
    """What was consumed of a product on the days compared, and no resource was expected to."""

    kind: str
    key: PriceKey
    category: str
    days: int
    whole: int
    unpriced: int


class RegionDrift:
    """An estimate against the ledger of the same account and region."""

    def __init__(self, ledger: Ledger, estimate: Estimate, coverage: Coverage, narrowing: Narrowing) -> None:
        self.ledger = ledger
        self.estimate = estimate
        self.coverage = coverage
        self._narrowing = narrowing

    @property
    def is_by_kind(self) -> bool:
        """Tell whether the estimate names no resources, as a plan does."""
        return self._narrowing.by_kind

    # --- Days

    @cached_property
    def known_days(self) -> set[dt.date]:
        """The days of which all consumption is known, be it provisional."""
        return {day for day in self.coverage.period.days if self.coverage.on(day).state in _COMPARED}

    @cached_property
    def days_of(self) -> dict[str, list[dt.date]]:
        """The days on which each kind is compared."""
        found = {
            kind: sorted(self.known_days & days.keys())
            for kind, days in self.estimate.held.items()
            if self._narrowing.asks_kind(kind)
        }
        return {kind: days for kind, days in found.items() if days}

    @cached_property
    def days(self) -> list[dt.date]:
        """The days on which anything is compared."""
        return sorted(set().union(*self.days_of.values()))

    # --- What was expected

    @cached_property
    def days_of_page(self) -> dict[PageId, list[dt.date]]:
        """The compared days on which each page held."""
        found: dict[PageId, list[dt.date]] = defaultdict(list)
        for kind, days in self.days_of.items():
            held = self.estimate.held[kind]
            for day in days:
                for page in held[day]:
                    found[page].append(day)
        return found

    @cached_property
    def expected(self) -> dict[ResourceKey, Expected]:
        """What each resource was expected to cost on the days compared."""
        found: dict[ResourceKey, Expected] = {}
        for key, one in self._named.items():
            kind = key[0]
            joined = found.setdefault((kind, ""), Expected()) if kind in self.kinds_without_ids else None
            if joined is None:
                found[key] = one
            else:
                joined.whole += one.whole
                joined.places += one.places
                joined.is_priced = joined.is_priced and one.is_priced
        return found

    @cached_property
    def _named(self) -> dict[ResourceKey, Expected]:
        """What each resource was expected to cost, by the id that the estimate has for it."""
        found: dict[ResourceKey, Expected] = {}
        asked = self._narrowing.resources
        for kind, page in self._pages:
            costs = self._day_costs[page]
            wholes = self._wholes(page)
            for place, resource in enumerate(costs.resource_ids):
                if asked is not None and resource not in asked and not self._narrowing.by_kind:
                    continue
                one = found.get((kind, resource))
                if one is None:
                    found[kind, resource] = Expected(wholes[place], [(page, place)])
                else:
                    one.whole += wholes[place]
                    one.places.append((page, place))
            for place in costs.unpriced:
                if one := found.get((kind, costs.resource_ids[place])):
                    one.is_priced = False
        return found

    @cached_property
    def _pages(self) -> list[tuple[str, PageId]]:
        """The pages that held on a compared day, each once, with their kinds, in the order of their days."""
        found: dict[PageId, str] = {}
        for kind, days in self.days_of.items():
            held = self.estimate.held[kind]
            for pages in dict.fromkeys(held[day] for day in days):
                found |= dict.fromkeys(pages, kind)
        return [(kind, page) for page, kind in found.items()]

    @cached_property
    def _day_costs(self) -> dict[PageId, DayCosts]:
        return self.estimate.day_costs(self.days_of_page)

    @cached_property
    def _weights(self) -> dict[PageId, list[tuple[int, int]]]:
        """How many days each page held in months of each length, told by its place in the list of a part."""
        lengths = {day: _length_place(day) for day in self.days}
        return {
            page: list(Counter(lengths[day] for day in days).items())
            for page, days in self.days_of_page.items()
        }

    def _wholes(self, page: PageId) -> list[int]:
        """Return what each resource of a page costs on all the days on which the page held."""
        costs, weights = self._day_costs[page], self._weights[page]
        asked = [self._narrowing.asks_category(category) for category in costs.categories]
        found = []
        for parts in costs.amounts:
            whole = 0
            for part in parts:
                if asked[part[0]]:
                    for length, days in weights:
                        whole += days * part[length]
            found.append(whole)
        return found

    def expected_by_category(self, without: set[ResourceKey]) -> Counter[str]:
        """Return what all resources but some were expected to cost, by category."""
        found: Counter[str] = Counter()
        for key, one in self.expected.items():
            if key in without:
                continue
            for page, place in one.places:
                names = self._day_costs[page].categories
                for part in self._day_costs[page].amounts[place]:
                    if self._narrowing.asks_category(names[part[0]]):
                        for length, days in self._weights[page]:
                            found[names[part[0]]] += days * part[length]
        return found

    # --- What was consumed

    @cached_property
    def meters(self) -> dict[int, Meter]:
        """What was consumed on the days compared, as far as it is asked for."""
        if not self.days:
            return {}
        used = own_usage(self.ledger, self.days).order_by().values("meter_id").distinct()
        return {
            meter.pk: meter
            for meter in Meter.objects.filter(pk__in=used)
            if self._narrowing.asks_category(meter.category) and self._narrowing.asks_kind(kind_of(meter.key))
        }

    @cached_property
    def kind_of_meter(self) -> dict[int, str]:
        """The kind of resource that each meter is of."""
        return {pk: kind_of(meter.key) for pk, meter in self.meters.items()}

    @cached_property
    def _sums(self) -> list[tuple[str, ConsumedSum]]:
        """What was consumed of the kinds that are compared, on the days on which each of them is."""
        found = []
        for days, kinds in _together(self.days_of).items():
            meters = [pk for pk, kind in self.kind_of_meter.items() if kind in kinds]
            found += [(self.kind_of_meter[one.meter_id], one) for one in self._consumed(meters, days)]
        return found

    def _consumed(self, meters: Iterable[int], days: Iterable[dt.date]) -> list[ConsumedSum]:
        meters = list(meters)
        if not (meters and days):
            return []
        return consumed_sums(self.ledger, meters, days, self._narrowing.resources)

    @cached_property
    def consumed(self) -> dict[ResourceKey, int]:
        """What each resource of a compared kind consumed on the days compared."""
        found: Counter[ResourceKey] = Counter()
        for kind, one in self._sums:
            found[self._key(kind, one)] += one.whole
        return found

    @cached_property
    def consumed_unpriced(self) -> set[ResourceKey]:
        """The resources that consumed something which has no price."""
        return {self._key(kind, one) for kind, one in self._sums if one.unpriced}

    def consumed_by_category(self, without: set[ResourceKey]) -> Counter[str]:
        """Return what all resources but some consumed on the days compared, by category."""
        found: Counter[str] = Counter()
        for kind, one in self._sums:
            if not without or self._key(kind, one) not in without:
                found[self.meters[one.meter_id].category] += one.whole
        return found

    def _key(self, kind: str, one: ConsumedSum) -> ResourceKey:
        if kind in self.kinds_without_ids:
            return (kind, "")
        return (kind, resource_of(kind, self.meters[one.meter_id].key, one.resource_id))

    @cached_property
    def kinds_without_ids(self) -> set[str]:
        """The kinds that one side does not part into resources, so that only their sums can be compared."""
        if self._narrowing.by_kind:
            return {*self.days_of}
        named: dict[str, set[bool]] = defaultdict(set)
        for kind, one in self._sums:
            named[kind].add(bool(one.resource_id))
        unnamed = {kind for kind, found in named.items() if found == {False}}
        return unnamed | {kind for kind, resource in self._named if not resource}

    @cached_property
    def products_apart(self) -> list[ConsumedProduct]:
        """What was consumed on the days compared while nobody could expect it.

        No call lists it, or its kind was not read on these days.
        """
        found = []
        by_days: dict[tuple[dt.date, ...], list[int]] = defaultdict(list)
        for pk in self.meters:
            known = self.days_of.get(self.kind_of_meter[pk], ())
            if days := tuple(sorted(set(self.days).difference(known))):
                by_days[days].append(pk)
        for days, meters in by_days.items():
            sums: dict[int, list[int]] = defaultdict(lambda: [0, 0])
            for one in self._consumed(meters, days):
                sums[one.meter_id][0] += one.whole
                sums[one.meter_id][1] += one.unpriced
            for pk, (whole, unpriced) in sums.items():
                meter = self.meters[pk]
                kind = self.kind_of_meter[pk]
                found.append(ConsumedProduct(kind, meter.key, meter.category, len(days), whole, unpriced))
        return found

    @property
    def unknown_kinds(self) -> dict[str, int]:
        """The listed kinds that the estimate does not know on compared days, and on how many."""
        kinds = {*self.kind_of_meter.values()} | self.days_of.keys()
        lacking = {
            kind: len(self.days) - len(self.days_of.get(kind, ())) for kind in kinds if is_listed(kind)
        }
        return {kind: days for kind, days in lacking.items() if days}


def _together(days_of: Mapping[str, list[dt.date]]) -> dict[tuple[dt.date, ...], set[str]]:
    """Return the kinds that are compared on the same days."""
    found: dict[tuple[dt.date, ...], set[str]] = defaultdict(set)
    for kind, days in days_of.items():
        found[tuple(days)].add(kind)
    return found


def _length_place(day: dt.date) -> int:
    """Return where in a list of a part its cost on such a day stands: behind the place of its category."""
    return MONTH_LENGTHS.index(calendar.monthrange(day.year, day.month)[1]) + 1
