"""Drift: what was expected against what was consumed in the same hours, by category, kind and resource.

A difference is what was consumed more than expected, its percentage that of what was expected. Amounts
exclude tax, are exact, and in the one currency of the days. Only days that both sides know whole are
compared; what one side cannot know stands apart, in neither sum.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Any, NamedTuple

from consumption.driftkinds import is_listed
from consumption.driftregion import RegionDrift, ResourceKey
from consumption.periods import Period
from consumption.sums import amount_of
from costs.pricelist import PriceKey


class Sums(NamedTuple):
    """Two amounts that are compared."""

    estimated: Decimal
    consumed: Decimal

    @property
    def difference(self) -> Decimal:
        """How much more was consumed than was expected; below zero for less."""
        return self.consumed - self.estimated

    @property
    def percent(self) -> Decimal | None:
        """The difference in percent of what was expected; None where nothing was."""
        return self.difference * 100 / self.estimated if self.estimated else None


class Group(NamedTuple):
    """A category or a kind of resource, with its sums, and how many lines it has (of a kind only)."""

    key: str
    sums: Sums
    count: int = 0


class Line(NamedTuple):
    """A resource on both sides; without ``resource_id`` all resources of its kind."""

    region: str
    kind: str
    resource_id: str
    sums: Sums


class Cause(StrEnum):
    """Why something is not compared."""

    NOT_LISTED = "not_listed"
    KIND_NOT_KNOWN = "kind_not_known"
    NOT_PRICED = "not_priced"
    CONSUMED_WITHOUT_PRICE = "consumed_without_price"


class Apart(NamedTuple):
    """What is not compared: a resource, or a product with its ``key`` on some ``days``.

    ``estimated`` and ``consumed`` are what is known of them, None where nothing is.
    """

    region: str
    kind: str
    resource_id: str
    key: PriceKey | None
    cause: Cause
    days: int
    estimated: Decimal | None
    consumed: Decimal | None


@dataclass(frozen=True)
class Lines(Sequence[Line]):
    """All lines, largest difference first, each made when it is asked for: there may be ten thousand."""

    keys: list[tuple[int, ResourceKey]]
    _make: Callable[[tuple[int, ResourceKey]], Line] = field(repr=False)

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, place: int | slice) -> Any:
        if isinstance(place, slice):
            return [self._make(key) for key in self.keys[place]]
        return self._make(self.keys[place])

    def __iter__(self) -> Iterator[Line]:
        return map(self._make, self.keys)


@dataclass(frozen=True)
class Drift:
    """What some accounts and regions were expected to cost in a period, against what they consumed.

    ``currency`` is empty when nothing was consumed.
    """

    period: Period
    currency: str
    regions: Sequence[RegionDrift]

    @cached_property
    def compared_days(self) -> int:
        """On how many days anything is compared."""
        return len(set().union(*(region.days for region in self.regions)))

    @property
    def carried_days(self) -> int:
        """On how many of them an estimate rests on a reading of a day before."""
        return len(set().union(*(region.carried_days for region in self.regions)))

    @property
    def is_whole(self) -> bool:
        """Tell whether every day of the period is compared in every region, and every kind on each."""
        return bool(self.regions) and all(
            len(region.days) == self.period.length and not region.unknown_kinds for region in self.regions
        )

    # --- By resource

    @cached_property
    def lines(self) -> Lines:
        """Each resource that either side knows, largest difference first."""
        differences = {
            (place, key): abs(wholes[1] - wholes[0])
            for place, of_region in enumerate(self._wholes)
            for key, wholes in of_region.items()
        }
        return Lines(sorted(differences, key=lambda key: (-differences[key], key)), self._line)

    def _line(self, found: tuple[int, ResourceKey]) -> Line:
        place, key = found
        return Line(self.regions[place].ledger.region, *key, _sums(*self._wholes[place][key]))

    @cached_property
    def _wholes(self) -> list[dict[ResourceKey, tuple[int, int]]]:
        """What each compared resource was expected to cost, and consumed, region by region."""
        found = []
        for region, excluded in zip(self.regions, self._excluded, strict=True):
            consumed = region.consumed
            both = {key: (one.whole, consumed.get(key, 0)) for key, one in region.expected.items()}
            both |= {key: (0, whole) for key, whole in consumed.items() if key not in both}
            for key in excluded:
                both.pop(key, None)
            found.append({key: wholes for key, wholes in both.items() if any(wholes)})
        return found

    @cached_property
    def _excluded(self) -> list[set[ResourceKey]]:
        """The resources of which one side is not known whole."""
        return [
            {key for key, one in region.expected.items() if not one.is_priced} | region.consumed_unpriced
            for region in self.regions
        ]

    # --- Sums

    @cached_property
    def total(self) -> Sums:
        """All that is compared."""
        return _sums(
            *(sum(wholes[side] for found in self._wholes for wholes in found.values()) for side in (0, 1))
        )

    @cached_property
    def by_kind(self) -> list[Group]:
        """The sums of each kind of resource, largest difference first."""
        expected, consumed, counts = Counter(), Counter(), Counter()
        for found in self._wholes:
            for (kind, _resource), (estimate, whole) in found.items():
                expected[kind] += estimate
                consumed[kind] += whole
                counts[kind] += 1
        return _ordered(Group(kind, _sums(expected[kind], consumed[kind]), counts[kind]) for kind in counts)

    @cached_property
    def by_category(self) -> list[Group]:
        """The sums of each category of the catalog, largest difference first."""
        expected, consumed = Counter(), Counter()
        for region, excluded in zip(self.regions, self._excluded, strict=True):
            expected.update(region.expected_by_category(excluded))
            consumed.update(region.consumed_by_category(excluded))
        categories = {name for name in expected.keys() | consumed.keys() if expected[name] or consumed[name]}
        return _ordered(Group(name, _sums(expected[name], consumed[name])) for name in categories)

    # --- What is not compared

    @cached_property
    def apart(self) -> list[Apart]:
        """What is in neither sum, dearest first."""
        found = [
            one
            for region, excluded in zip(self.regions, self._excluded, strict=True)
            for one in [*_products(region), *_resources(region, excluded)]
        ]
        return sorted(found, key=lambda one: (-(one.consumed or 0), -(one.estimated or 0), one[:3]))

    @property
    def consumed_apart(self) -> Decimal:
        """What is known to have been consumed on the days compared without being compared."""
        return sum((one.consumed for one in self.apart if one.consumed), Decimal(0))

    @property
    def consumed_whole(self) -> Decimal:
        """All that is known to have been consumed on the days compared."""
        return self.total.consumed + self.consumed_apart


def _products(region: RegionDrift) -> Iterator[Apart]:
    for one in region.products_apart:
        cause = Cause.KIND_NOT_KNOWN if is_listed(one.kind) else Cause.NOT_LISTED
        consumed = None if one.unpriced and not one.whole else amount_of(one.whole)
        yield Apart(region.ledger.region, one.kind, "", one.key, cause, one.days, None, consumed)


def _resources(region: RegionDrift, excluded: Iterable[ResourceKey]) -> Iterator[Apart]:
    for key in excluded:
        expected, consumed = region.expected.get(key), region.consumed.get(key, 0)
        is_priced = expected is None or expected.is_priced
        cause = Cause.CONSUMED_WITHOUT_PRICE if is_priced else Cause.NOT_PRICED
        yield Apart(
            region.ledger.region,
            *key,
            None,
            cause,
            len(region.days_of(key[0])),
            amount_of(expected.whole) if expected else None,
            amount_of(consumed),
        )


def _sums(expected: int, consumed: int) -> Sums:
    return Sums(amount_of(expected), amount_of(consumed))


def _ordered(groups: Iterable[Group]) -> list[Group]:
    return sorted(groups, key=lambda group: (-abs(group.sums.difference), group.key))
