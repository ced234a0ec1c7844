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
from consumption.wholenumbers import amount_of
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
    account_id: str


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
    account_id: str


_Place = tuple[int, int, str, str]
"""How large a difference is, below zero; which region it is in; and the kind and the id of the resource."""


@dataclass(frozen=True)
class Lines(Sequence[Line]):
    """All lines, largest difference first, each made when it is asked for: there may be ten thousand."""

    places: list[_Place]
    _make: Callable[[_Place], Line] = field(repr=False)

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, place: int | slice) -> Any:
        if isinstance(place, slice):
            return [self._make(found) for found in self.places[place]]
        return self._make(self.places[place])

    def __iter__(self) -> Iterator[Line]:
        return map(self._make, self.places)


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
        found = []
        for place, (region, excluded) in enumerate(zip(self.regions, self._excluded, strict=True)):
            for kind in region.kinds:
                expected, consumed = region.expected[kind], region.consumed[kind]
                for resource, estimate in expected.items():
                    whole = consumed.get(resource, 0)
                    if (estimate or whole) and (kind, resource) not in excluded:
                        found.append((-abs(whole - estimate), place, kind, resource))
                for resource, whole in consumed.items():
                    if whole and resource not in expected and (kind, resource) not in excluded:
                        found.append((-abs(whole), place, kind, resource))
        found.sort()
        return Lines(found, self._line)

    def _line(self, found: _Place) -> Line:
        _difference, place, kind, resource = found
        region = self.regions[place]
        sides = (region.expected[kind].get(resource, 0), region.consumed[kind].get(resource, 0))
        return Line(region.ledger.region, kind, resource, _sums(*sides), region.ledger.account_id)

    @cached_property
    def _excluded(self) -> list[set[ResourceKey]]:
        """The resources of which one side is not known whole."""
        return [region.not_priced | region.consumed_unpriced for region in self.regions]

    # --- Sums

    @cached_property
    def total(self) -> Sums:
        """All that is compared."""
        groups = self.by_kind
        return Sums(
            sum((group.sums.estimated for group in groups), Decimal(0)),
            sum((group.sums.consumed for group in groups), Decimal(0)),
        )

    @cached_property
    def by_kind(self) -> list[Group]:
        """The sums of each kind of resource, largest difference first."""
        expected, consumed = Counter(), Counter()
        for region, excluded in zip(self.regions, self._excluded, strict=True):
            for kind in region.kinds:
                expected[kind] += sum(region.expected[kind].values())
                consumed[kind] += sum(region.consumed[kind].values())
            for kind, resource in excluded:
                expected[kind] -= region.expected[kind].get(resource, 0)
                consumed[kind] -= region.consumed[kind].get(resource, 0)
        counts = Counter(place[2] for place in self.lines.places)
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
        known = (cause, one.days, None, consumed)
        yield Apart(region.ledger.region, one.kind, "", one.key, *known, region.ledger.account_id)


def _resources(region: RegionDrift, excluded: Iterable[ResourceKey]) -> Iterator[Apart]:
    for kind, resource in excluded:
        expected = region.expected[kind].get(resource)
        is_priced = (kind, resource) not in region.not_priced
        yield Apart(
            region.ledger.region,
            kind,
            resource,
            None,
            Cause.CONSUMED_WITHOUT_PRICE if is_priced else Cause.NOT_PRICED,
            len(region.days_of(kind)),
            None if expected is None else amount_of(expected),
            amount_of(region.consumed[kind].get(resource, 0)),
            region.ledger.account_id,
        )
    for kind in region.partly_priced_kinds:
        days = len(region.days_of(kind))
        known = (Cause.CONSUMED_WITHOUT_PRICE, days, None, None)
        yield Apart(region.ledger.region, kind, "", None, *known, region.ledger.account_id)


def _sums(expected: int, consumed: int) -> Sums:
    return Sums(amount_of(expected), amount_of(consumed))


def _ordered(groups: Iterable[Group]) -> list[Group]:
    return sorted(groups, key=lambda group: (-abs(group.sums.difference), group.key))
