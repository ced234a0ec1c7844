"""What was expected in one account and region against what was consumed there, on the days that know both.

Amounts are whole numbers of 10⁻¹⁰: there may be ten thousand resources.
"""

import calendar
import datetime as dt
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from consumption.coverage import Coverage
from consumption.driftkinds import is_listed, kind_of, resource_of
from consumption.driftsums import ConsumedSum, consumed_sums, own_usage
from consumption.estimates import Estimate, Span
from consumption.models import DayState, Ledger, Meter
from costs.dailycost import MONTH_LENGTHS
from costs.inventory import ResourceType
from costs.pricelist import PriceKey
from costs.timeline import DayCost

ResourceKey = tuple[str, str]
"""The kind and the id of a resource; what has no id of its own has the empty one."""

ByKind = dict[str, dict[str, int]]
"""Amounts of resources by their kinds and ids."""

_Counted = Counter[tuple[str, int, tuple[int, int]]]
"""How many resources of a kind have the same cost on the same days, which are told by their places."""

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

    def asks_span(self, span: Span) -> bool:
        """Tell whether what an estimate holds is compared; a plan names no resources."""
        return self.resources is None or self.by_kind or span[2] in self.resources


class ConsumedProduct(NamedTuple):
    """What was consumed of a product on days compared, and nothing was expected to."""

    kind: str
    key: PriceKey
    category: str
    days: int
    whole: int
    unpriced: int


class KindDays:
    """The days on which a kind is compared, in order, each with the day of the reading behind it."""

    def __init__(self, read_on: Mapping[dt.date, int], days: set[dt.date]) -> None:
        self.days = sorted(days.intersection(read_on))
        self._readings = [read_on[day] for day in self.days]
        self._lengths = [calendar.monthrange(day.year, day.month)[1] for day in self.days]
        self._weights: dict[tuple[int, int], tuple[int, ...]] = {}

    def of_span(self, span: Span) -> tuple[int, int]:
        """Return the places of the first day on which a span holds, and of the one after its last."""
        readings, first, end = self._readings, span[4], span[5]
        if first <= readings[0] and readings[-1] < end:  # as most do
            return 0, len(readings)
        return bisect_left(readings, first), bisect_left(readings, end)

    def weights(self, places: tuple[int, int]) -> tuple[int, ...]:
        """Return how many days between two places are in months of each length."""
        found = self._weights.get(places)
        if found is None:
            counts = Counter(self._lengths[slice(*places)])
            found = self._weights[places] = tuple(counts[length] for length in MONTH_LENGTHS)
        return found


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
    def kinds(self) -> dict[str, KindDays]:
        """The kinds that are compared, each with its days."""
        found = {
            kind: KindDays(read_on, self.known_days)
            for kind, read_on in self.estimate.read_on.items()
            if self._narrowing.asks_kind(kind) and kind not in self._kinds_to_be_unknown
        }
        return {kind: one for kind, one in found.items() if one.days}

    @cached_property
    def _kinds_to_be_unknown(self) -> set[str]:
        """The kinds whose resources the estimate does not name, where some resources are asked for."""
        if self.is_by_kind or self._narrowing.resources is None:
            return set()
        return {span[1] for span in self.estimate.spans if not span[2]}

    def days_of(self, kind: str) -> list[dt.date]:
        """Return the days on which a kind is compared."""
        return self.kinds[kind].days if kind in self.kinds else []

    @cached_property
    def days(self) -> list[dt.date]:
        """The days on which anything is compared."""
        return sorted(set().union(*(one.days for one in self.kinds.values())))

    @property
    def carried_days(self) -> set[dt.date]:
        """The days that rest on a reading of a day before."""
        return {day for day in self.days if self.estimate.is_carried(day)}

    def days_of_span(self, span: Span) -> list[dt.date]:
        """Return the compared days on which a span holds."""
        kind = self.kinds[span[1]]
        return kind.days[slice(*kind.of_span(span))]

    # --- What was expected

    @cached_property
    def expected(self) -> ByKind:
        """What each resource was expected to cost on the days compared."""
        return self._held[0]

    def spans_of(self, key: ResourceKey) -> list[Span]:
        """Return what the estimate holds of a resource on the days compared."""
        found = self._held[1].get(key[0], {}).get(key[1], [])
        return found if isinstance(found, list) else [found]

    @cached_property
    def not_priced(self) -> set[ResourceKey]:
        """The resources of which the estimate knows only a part of the price."""
        return self._held[2]

    @cached_property
    def _held(self) -> tuple[ByKind, dict[str, dict[str, Span | list[Span]]], set[ResourceKey], _Counted]:
        """What is expected of each resource, its spans, those that are not priced whole, and equal costs."""
        wholes: ByKind = {kind: {} for kind in self.kinds}
        spans: dict[str, dict[str, Span | list[Span]]] = {kind: {} for kind in self.kinds}
        known: dict[tuple[str, int, tuple[int, int]], int] = {}
        counted: _Counted = Counter()
        not_priced, unnamed = set(), self.kinds_without_ids
        narrows = self._narrowing.resources is not None
        for span in self.estimate.spans:
            kind = span[1]
            days = self.kinds.get(kind)
            if days is None or (narrows and not self._narrowing.asks_span(span)):
                continue
            places = days.of_span(span)
            if places[0] == places[1]:
                continue
            equal = (kind, span[3], places)
            whole = known.get(equal)
            if whole is None:
                amounts = self._by_category(span[3], days.weights(places))
                whole = known[equal] = sum(amounts.values())
            counted[equal] += 1
            resource = "" if kind in unnamed else span[2]
            of_kind = wholes[kind]
            if resource in of_kind:
                of_kind[resource] += whole
                before = spans[kind][resource]
                spans[kind][resource] = [*before, span] if isinstance(before, list) else [before, span]
            else:
                of_kind[resource] = whole
                spans[kind][resource] = span
            if not self._day_costs[span[3]].is_priced:
                not_priced.add((kind, resource))
        return wholes, spans, not_priced, counted

    @cached_property
    def _day_costs(self) -> dict[int, DayCost]:
        return self.estimate.day_costs({span[3] for span in self.estimate.spans})

    def _by_category(self, cost: int, weights: tuple[int, ...]) -> dict[str, int]:
        """Return what a cost comes to on days in months of each length, as far as it is asked for."""
        return {
            category: sum(days * amount for days, amount in zip(weights, amounts, strict=True))
            for category, amounts in self._day_costs[cost].amounts.items()
            if self._narrowing.asks_category(category)
        }

    def expected_by_category(self, without: set[ResourceKey]) -> Counter[str]:
        """Return what all resources but some were expected to cost, by category."""
        counted = self._held[3].copy()
        for kind, resource in without:
            for span in self.spans_of((kind, resource)):
                counted[kind, span[3], self.kinds[kind].of_span(span)] -= 1
        found: Counter[str] = Counter()
        for (kind, cost, places), count in counted.items():
            for category, amount in self._by_category(cost, self.kinds[kind].weights(places)).items():
                found[category] += amount * count
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
    def _sums(self) -> list[ConsumedSum]:
        """What was consumed of the kinds that are compared, on the days on which each of them is."""
        return [
            one
            for days, found in self._consumed_on.items()
            for one in found
            if self._days_of_meter[one[1]] == days
        ]

    @cached_property
    def _days_of_meter(self) -> dict[int, tuple[dt.date, ...]]:
        """The days on which each meter is compared."""
        days = {kind: tuple(one.days) for kind, one in self.kinds.items()}
        return {pk: days.get(kind, ()) for pk, kind in self.kind_of_meter.items()}

    @cached_property
    def _consumed_on(self) -> dict[tuple[dt.date, ...], list[ConsumedSum]]:
        """What was consumed on the same days, of all meters that are compared then, or stand apart then."""
        others = {days: self._other_days(days) for days in set(self._days_of_meter.values())}
        meters: dict[tuple[dt.date, ...], list[int]] = defaultdict(list)
        for pk, days in self._days_of_meter.items():
            for some in filter(None, (days, others[days])):
                meters[some].append(pk)
        asked = self._narrowing.resources
        return {days: consumed_sums(self.ledger, found, days, asked) for days, found in meters.items()}

    def _other_days(self, days: tuple[dt.date, ...]) -> tuple[dt.date, ...]:
        return tuple(sorted(set(self.days).difference(days)))

    @cached_property
    def consumed(self) -> ByKind:
        """What each resource of a compared kind consumed on the days compared."""
        found: ByKind = {kind: {} for kind in self.kinds}
        kinds, renamed = self.kind_of_meter, self._renamed_kinds
        for resource, meter, whole, _unpriced in self._sums:
            kind = kinds[meter]
            key = self._key(kind, meter, resource)[1] if kind in renamed else resource
            of_kind = found[kind]
            of_kind[key] = of_kind.get(key, 0) + int(whole or 0)
        return found

    @cached_property
    def consumed_unpriced(self) -> set[ResourceKey]:
        """The resources that consumed something which has no price; of kinds as a whole see below."""
        return {
            self._key(kind, meter, resource)
            for resource, meter, _whole, unpriced in self._sums
            if unpriced and (kind := self.kind_of_meter[meter]) not in self.kinds_without_ids
        }

    @cached_property
    def partly_priced_kinds(self) -> set[str]:
        """The kinds compared as a whole of which something that was consumed has no price."""
        kinds = {self.kind_of_meter[meter] for _resource, meter, _whole, unpriced in self._sums if unpriced}
        return kinds & self.kinds_without_ids

    def consumed_by_category(self, without: set[ResourceKey]) -> Counter[str]:
        """Return what all resources but some consumed on the days compared, by category."""
        by_meter = dict.fromkeys(self.meters, 0)
        kinds, affected = self.kind_of_meter, {kind for kind, _resource in without}
        for resource, meter, whole, _unpriced in self._sums:
            kind = kinds[meter]
            if kind not in affected or self._key(kind, meter, resource) not in without:
                by_meter[meter] += int(whole or 0)
        found: Counter[str] = Counter()
        for meter, whole in by_meter.items():
            found[self.meters[meter].category] += whole
        return found

    @cached_property
    def _renamed_kinds(self) -> set[str]:
        """The kinds whose resources have another key than their id in the consumption."""
        return {*self.kinds_without_ids, ResourceType.DEDICATED_INSTANCE.value}

    def _key(self, kind: str, meter: int, resource: str) -> ResourceKey:
        if kind in self.kinds_without_ids:
            return (kind, "")
        return (kind, resource_of(kind, self.meters[meter].key, resource))

    @cached_property
    def kinds_without_ids(self) -> set[str]:
        """The kinds that one side does not part into resources, so that only their sums can be compared."""
        if self.is_by_kind:
            return set(self.kinds)
        named, unnamed = set(), set()
        for resource, meter, _whole, _unpriced in self._sums:
            (named if resource else unnamed).add(meter)
        kinds = self.kind_of_meter
        without = {kinds[meter] for meter in unnamed} - {kinds[meter] for meter in named}
        return without | {span[1] for span in self.estimate.spans if not span[2]}

    @cached_property
    def products_apart(self) -> list[ConsumedProduct]:
        """What was consumed on the days compared while nobody could expect it.

        No call lists it, or its kind was not read on these days.
        """
        found = []
        for days, sums in self._consumed_on.items():
            wholes: dict[int, list[int]] = defaultdict(lambda: [0, 0])
            for _resource, meter, whole, unpriced in sums:
                if self._days_of_meter[meter] != days:
                    wholes[meter][0] += int(whole or 0)
                    wholes[meter][1] += unpriced
            for pk, (whole, unpriced) in wholes.items():
                meter, kind = self.meters[pk], self.kind_of_meter[pk]
                found.append(ConsumedProduct(kind, meter.key, meter.category, len(days), whole, unpriced))
        return found

    @property
    def unknown_kinds(self) -> dict[str, int]:
        """The listed kinds that the estimate does not know on compared days, and on how many."""
        kinds = {*self.kind_of_meter.values(), *self.kinds}
        lacking = {kind: len(self.days) - len(self.days_of(kind)) for kind in kinds if is_listed(kind)}
        return {kind: days for kind, days in lacking.items() if days}
