"""Which cost centre it is for: what was consumed, by the first rule that fits each day of each resource.

The tags that a resource carries on a day decide for that day, and its tag ``Name`` says what it is called
then. What no rule fits is allocated to nobody, what belongs to no resource is shared: cost centres, these and
those come to the total of the history, to the last decimal.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property

from consumption.allocation import Allocation, Sharing, grouped
from consumption.allocationparts import Part, Parts, Place, parts_of
from consumption.history import History
from consumption.rulematching import Matching, keys_of
from consumption.rules import AllocationRule
from consumption.wholenumbers import amount_of

COST_CENTRE = "cost_centre"
"""What stands for the key of a tag in an allocation by cost centre."""

_MOST_NAMED = 10


@dataclass(frozen=True)
class Caught:
    """Some days of resources: what they cost, how many lines have no price, and of how many resources.

    ``dearest`` are some of these, as (account, region, id) with what each cost.
    """

    cost: Decimal
    unpriced: int
    resources: int
    dearest: Sequence[tuple[Place, Decimal]]


@dataclass(frozen=True)
class CostCentres:
    """An allocation whose groups are cost centres, None for what no rule fits; and what each rule does."""

    allocation: Allocation
    rules: Sequence[AllocationRule]
    _by_bits: "dict[int, _Days]" = field(repr=False)

    @cached_property
    def caught(self) -> list[Caught]:
        """What each rule decides about."""
        return self._each(lambda bits, bit: _first(bits) == bit)

    @cached_property
    def taken(self) -> list[Caught]:
        """What else fits each rule, and an earlier one has taken."""
        return self._each(lambda bits, bit: bool(bits & bit) and _first(bits) != bit)

    def _each(self, counts: Callable[[int, int], bool]) -> list[Caught]:
        return [
            _caught(days for bits, days in self._by_bits.items() if counts(bits, 1 << place))
            for place in range(len(self.rules))
        ]


def centres_of(
    history: History,
    rules: Iterable[AllocationRule],
    *,
    sharing: str = Sharing.APART,
    shared_services: Iterable[str] = (),
) -> CostCentres:
    """Return what the question of a history comes to by cost centre, by rules in their order.

    Shared is what the cloud names no resource for, and everything of ``shared_services``, whatever the rules
    say: it is spread over the cost centres or left apart.
    """
    rules = list(rules)
    parts = parts_of(history, keys_of(rules), frozenset(shared_services))
    by_bits = _by_bits(rules, parts.by_resource)
    owned = Parts(_owned(rules, by_bits), parts.common)
    return CostCentres(
        grouped(history, (COST_CENTRE,), owned, sharing=sharing, by_centre=True), rules, by_bits
    )


class _Days:
    """What the days come to that the same rules fit, resource by resource, as whole numbers."""

    def __init__(self) -> None:
        self.costs: Counter[Place] = Counter()
        self.unpriced: Counter[Place] = Counter()


def _by_bits(rules: Sequence[AllocationRule], parts: Sequence[Part]) -> dict[int, _Days]:
    """Add parts up by the rules that fit them, as ``Matching`` writes these."""
    matching, found = Matching(rules, parts), defaultdict(_Days)
    for part in parts:
        days = found[matching.bits_of(part)]
        days.costs[part.place] += part.cost
        days.unpriced[part.place] += part.unpriced
    return dict(found)


def _owned(rules: Sequence[AllocationRule], by_bits: dict[int, _Days]) -> list[Part]:
    """Return what each resource cost on the days on which it belongs to each cost centre."""
    costs: Counter[tuple[Place, str | None]] = Counter()
    unpriced: Counter[tuple[Place, str | None]] = Counter()
    for bits, days in by_bits.items():
        centre = rules[_first(bits).bit_length() - 1].cost_centre if bits else None
        for place, cost in days.costs.items():
            costs[place, centre] += cost
            unpriced[place, centre] += days.unpriced[place]
    return [Part(place, (centre,), cost, unpriced[place, centre]) for (place, centre), cost in costs.items()]


def _first(bits: int) -> int:
    """Return the lowest bit, that of the rule that decides; 0 without any."""
    return bits & -bits


def _caught(found: Iterable[_Days]) -> Caught:
    costs: Counter[Place] = Counter()
    unpriced = 0
    for days in found:
        costs.update(days.costs)
        unpriced += days.unpriced.total()
    dearest = sorted(costs, key=lambda place: (-costs[place], place))[:_MOST_NAMED]
    return Caught(
        amount_of(costs.total()),
        unpriced,
        len(costs),
        [(place, amount_of(costs[place])) for place in dearest],
    )
