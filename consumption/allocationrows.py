"""The rows of an allocation as page and files show them, and in which order."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby

from django.utils.translation import gettext as _

from consumption.allocation import AllocatedGroup, Allocation
from consumption.allocationparts import Values


@dataclass(frozen=True)
class Row:
    """A group as the page shows it, by the ``name`` of its last value."""

    group: AllocatedGroup
    name: str
    is_tagged: bool
    share: Decimal | None

    @property
    def is_owner(self) -> bool:
        """Tell whether it carries any value, so that shared costs are spread over it."""
        return any(value is not None for value in self.group.values)

    @property
    def is_unknown(self) -> bool:
        """Tell whether nothing of its cost is known, which is not zero."""
        return bool(self.group.unpriced) and not self.group.cost


@dataclass(frozen=True)
class Section:
    """What belongs to the same value of the first of two keys; nameless, and the only one, of one key.

    The sums are those of all its groups; ``rows`` are those of the page.
    """

    name: str
    is_tagged: bool
    cost: Decimal
    shared: Decimal
    unpriced: int
    share: Decimal | None
    rows: Sequence[Row]

    @property
    def total(self) -> Decimal:
        """What it comes to."""
        return self.cost + self.shared


def value_name(allocation: Allocation, value: str | None) -> str:
    """Name the value of a key, a cost centre, or its absence."""
    if value is None:
        return _("Not allocated") if allocation.by_centre else _("Not tagged")
    return value or _("(empty)")


def keys_name(allocation: Allocation) -> str:
    """Name what the values are of."""
    return _("Cost centre") if allocation.by_centre else " · ".join(allocation.keys)


def values_name(allocation: Allocation, values: Values) -> str:
    """Name the values of all keys."""
    return " · ".join(value_name(allocation, value) for value in values) if values else _("Not tagged")


def share_of(allocation: Allocation, amount: Decimal) -> Decimal | None:
    """Return the part of the total in percent; None without a total."""
    return amount * 100 / allocation.total if allocation.total else None


def ordered(groups: Iterable[AllocatedGroup]) -> list[AllocatedGroup]:
    """Return the groups, dearest first, those of the same first value together; without a value, last."""
    by_first = _by_first(groups)
    firsts = sorted(by_first, key=lambda first: (first is None, -_total(by_first[first]), first or ""))
    return [
        group
        for first in firsts
        for group in sorted(
            by_first[first], key=lambda one: (not one.is_whole, -one.total, str(one.values[1:]))
        )
    ]


def sections_of(allocation: Allocation, shown: Iterable[AllocatedGroup]) -> list[Section]:
    """Return the groups that a page shows, in their order, under the sums of their first value."""
    if len(allocation.keys) < 2:
        return [_section(allocation, "", True, allocation.groups, list(shown))]
    whole = _by_first(allocation.groups)
    return [
        _section(allocation, value_name(allocation, first), first is not None, whole[first], list(rows))
        for first, rows in groupby(shown, key=_first)
    ]


def _section(
    allocation: Allocation,
    name: str,
    is_tagged: bool,
    groups: Sequence[AllocatedGroup],
    shown: Iterable[AllocatedGroup],
) -> Section:
    total = _total(groups)
    return Section(
        name,
        is_tagged,
        sum((group.cost for group in groups), Decimal(0)),
        sum((group.shared for group in groups), Decimal(0)),
        sum(group.unpriced for group in groups),
        share_of(allocation, total),
        [_row(allocation, group) for group in shown],
    )


def _row(allocation: Allocation, group: AllocatedGroup) -> Row:
    name = value_name(allocation, group.values[-1]) if group.values else _("Not tagged")
    return Row(group, name, group.is_whole, share_of(allocation, group.total))


def _by_first(groups: Iterable[AllocatedGroup]) -> dict[str | None, list[AllocatedGroup]]:
    found: dict[str | None, list[AllocatedGroup]] = {}
    for group in groups:
        found.setdefault(_first(group), []).append(group)
    return found


def _first(group: AllocatedGroup) -> str | None:
    """Return the value of the first of two keys; of one key all groups are one section."""
    return group.values[0] if len(group.values) > 1 else None


def _total(groups: Iterable[AllocatedGroup]) -> Decimal:
    return sum((group.total for group in groups), Decimal(0))
