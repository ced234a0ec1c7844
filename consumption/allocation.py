"""Whose money it is: what was consumed, by the values of one tag key, or of two.

Each day of each resource belongs to the values that the resource carried on that day, as far as the tags are
known (``consumption.tags``). What carries no value is a group of its own, and what belongs to no resource is
shared. Nothing is left out: groups and shared costs come to the total of the history, to the last decimal.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from heapq import nsmallest
from typing import Any

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from consumption.allocationparts import Part, Parts, Place, Values, parts_of
from consumption.history import History
from consumption.models import Ledger
from consumption.tags import last_readings
from consumption.wholenumbers import amount_of

MOST_KEYS = 2


class Sharing(TextChoices):
    """What becomes of shared costs."""

    APART = "apart", _("Left apart")
    PROPORTIONAL = "proportional", _("Spread in proportion")
    EVEN = "even", _("Spread evenly")


def is_owned(values: Values) -> bool:
    """Tell whether a resource with these values carries one of every key; without a key, nobody owns it."""
    return bool(values) and None not in values


@dataclass(frozen=True)
class AllocatedGroup:
    """What belongs to the same values, one for each key, None where a resource does not carry it.

    ``cost`` is what its resources cost, ``shared`` its part of the shared costs. ``unpriced`` counts lines
    without a price, each day of each, which no amount holds.
    """

    values: Values
    cost: Decimal
    shared: Decimal
    unpriced: int
    resources: int

    @property
    def total(self) -> Decimal:
        """What it comes to."""
        return self.cost + self.shared

    @property
    def is_whole(self) -> bool:
        """Tell whether it carries a value of every key."""
        return is_owned(self.values)


@dataclass(frozen=True)
class Lacking:
    """A resource that lacks a key on some days, and what it cost on those."""

    resource_id: str
    account_id: str
    region: str
    cost: Decimal
    unpriced: int


class LackingResources(Sequence[Lacking]):
    """The resources that lack a key, dearest first; each is made when it is asked for."""

    def __init__(self, costs: Mapping[Place, int], unpriced: Mapping[Place, int]) -> None:
        """Take what each cost, as whole numbers of 10⁻¹⁰, and how many of its lines have no price."""
        self._costs = costs
        self._unpriced = unpriced

    def __len__(self) -> int:
        return len(self._costs)

    def __getitem__(self, at: int | slice) -> Any:
        if isinstance(at, slice):
            return [self._made(place) for place in self._places[at]]
        return self._made(self._places[at])

    def dearest(self, count: int) -> list[Lacking]:
        """Return the first ones, without putting all of them in order."""
        return [self._made(place) for place in nsmallest(count, self._costs, key=self._order)]

    @property
    def has_unpriced(self) -> bool:
        """Tell whether something of them has no price."""
        return any(self._unpriced.values())

    @cached_property
    def _places(self) -> list[Place]:
        return sorted(self._costs, key=self._order)

    def _order(self, place: Place) -> tuple[int, Place]:
        return -self._costs[place], place

    def _made(self, place: Place) -> Lacking:
        account_id, region, resource_id = place
        unpriced = self._unpriced.get(place, 0)
        return Lacking(resource_id, account_id, region, amount_of(self._costs[place]), unpriced)


@dataclass(frozen=True)
class Shared:
    """What cost something and belongs to no resource, or was chosen as shared: a meter."""

    meter: int
    cost: Decimal
    unpriced: int


@dataclass(frozen=True)
class Allocation:
    """The answer to a question of the history by ``keys``; ``sharing`` says where shared costs are.

    ``untagged_ledgers`` are those of which no tag was ever read: all of theirs carries none. ``by_centre``:
    the values are no tags but cost centres (``consumption.costcentres``), and ``parts`` are what each
    resource cost in each of them.
    """

    history: History
    keys: tuple[str, ...]
    sharing: str
    groups: Sequence[AllocatedGroup]
    shared: Sequence[Shared]
    lacking: LackingResources
    untagged_ledgers: Sequence[Ledger] = field(default=())
    by_centre: bool = False
    parts: Sequence[Part] = field(default=(), repr=False)

    @cached_property
    def shared_total(self) -> Decimal:
        """All shared costs, spread or not."""
        return sum((one.cost for one in self.shared), Decimal(0))

    @cached_property
    def shared_apart(self) -> Decimal:
        """The shared costs that are in no group."""
        return self.shared_total - sum((one.shared for one in self.groups), Decimal(0))

    @cached_property
    def total(self) -> Decimal:
        """What groups and shared costs come to: the total of the history."""
        return sum((one.total for one in self.groups), self.shared_apart)

    @cached_property
    def owned(self) -> Decimal:
        """What the resources cost that carry a value of every key."""
        return sum((one.cost for one in self.groups if one.is_whole), Decimal(0))

    @cached_property
    def lacking_total(self) -> Decimal:
        """What the resources cost on days on which they lack a key."""
        return self.total - self.shared_total - self.owned

    @cached_property
    def covered_percent(self) -> Decimal | None:
        """How much of what resources cost carries a value of every key, in percent; None without a cost."""
        by_resource = self.total - self.shared_total
        return self.owned * 100 / by_resource if by_resource else None


def allocation_of(
    history: History,
    keys: Sequence[str],
    *,
    sharing: str = Sharing.APART,
    shared_services: Iterable[str] = (),
) -> Allocation:
    """Return what the question of a history comes to by one tag key or two.

    Without a key, nobody owns anything. Shared is what the cloud names no resource for, and everything of
    ``shared_services``.
    """
    return grouped(history, keys, parts_of(history, keys, frozenset(shared_services)), sharing=sharing)


def grouped(
    history: History, keys: Sequence[str], parts: Parts, *, sharing: str, by_centre: bool = False
) -> Allocation:
    """Add up the parts of a history by their values, one for each of ``keys``, and spread what is shared.

    Each resource and combination of values is in one part. ``by_centre``: the values are cost centres.
    """
    return Allocation(
        history,
        tuple(keys),
        sharing,
        _groups(parts, sharing),
        [Shared(one.meter, amount_of(one.cost), one.unpriced) for one in parts.common],
        _lacking(parts.by_resource),
        _without_tags(history.ledgers),
        by_centre,
        parts.by_resource if by_centre else (),
    )


def _groups(parts: Parts, sharing: str) -> list[AllocatedGroup]:
    """Add the parts of resources up by their values, and their parts of the shared costs."""
    costs: dict[Values, int] = defaultdict(int)
    unpriced: dict[Values, int] = defaultdict(int)
    resources: dict[Values, int] = defaultdict(int)
    for _place, values, cost, lines in parts.by_resource:
        costs[values] += cost
        unpriced[values] += lines
        resources[values] += 1
    spread = _spread(costs, sum(one.cost for one in parts.common), sharing)
    found = [
        AllocatedGroup(
            values,
            amount_of(cost),
            amount_of(spread.get(values, 0)),
            unpriced[values],
            resources[values],
        )
        for values, cost in costs.items()
    ]
    return sorted(found, key=_order)


def _lacking(parts: Iterable[Part]) -> LackingResources:
    """Return the resources that lack a key on some days."""
    costs: dict[Place, int] = defaultdict(int)
    unpriced: dict[Place, int] = defaultdict(int)
    for place, values, cost, lines in parts:
        if not values or None in values:  # as is_owned tells, which would be asked thirty thousand times
            costs[place] += cost
            unpriced[place] += lines
    return LackingResources(costs, unpriced)


def _spread(costs: Mapping[Values, int], common: int, sharing: str) -> dict[Values, int]:
    """Return the part of the shared costs of each group that has an owner; together they are all of it.

    Without an owner, or in proportion to owners that cost nothing, they stay apart.
    """
    owners = [values for values in costs if any(value is not None for value in values)]
    if sharing == Sharing.APART or not common:
        return {}
    weights = {values: 1 if sharing == Sharing.EVEN else max(costs[values], 0) for values in owners}
    whole = sum(weights.values())
    if not whole:
        return {}
    sign, left = (1 if common > 0 else -1), abs(common)
    found = {values: left * weight // whole for values, weight in weights.items()}
    # What rounding leaves goes, one by one, to those whose exact part was cut off most.
    rest = left - sum(found.values())
    for values in sorted(owners, key=lambda one: (-(left * weights[one] % whole), str(one)))[:rest]:
        found[values] += 1
    return {values: sign * part for values, part in found.items()}


def _order(group: AllocatedGroup) -> tuple:
    """Put what has an owner first, dearest first."""
    return not group.is_whole, -group.total, tuple(value or "" for value in group.values)


def _without_tags(ledgers: Iterable[Ledger]) -> list[Ledger]:
    ledgers = list(ledgers)
    known = last_readings(ledger.pk for ledger in ledgers)
    return [ledger for ledger in ledgers if ledger.pk not in known]
