"""What changed between two readings: resources added, removed, resized, and what each makes of the cost.

Only kinds of resource that both readings read, with all that their prices depend on, are compared: a list
that failed is no removal.
"""

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from costs import snapshots
from costs.amounts import Amount, total
from costs.inventory import LISTS, RESOURCE_TYPE_OF, ResourceType, affected_by, is_nameless
from costs.lines import Cost, Line
from costs.models import CostSnapshot
from costs.snapshots import Snapshot


class ChangeKind(TextChoices):
    """What happened to a resource."""

    ADDED = "added", _("Added")
    REMOVED = "removed", _("Removed")
    RESIZED = "resized", _("Resized")
    STATE = "state", _("Other state")
    REPRICED = "repriced", _("Other price or use")


@dataclass(frozen=True)
class Change:
    """One resource that is not as it was; ``amount`` is what it costs more (less: negative) than before.

    ``is_whole`` is false when a part of either price is not known.
    """

    kind: ChangeKind
    before: Line | None
    after: Line | None
    amount: Amount
    is_whole: bool

    @property
    def line(self) -> Line:
        """The resource as it is now, or as it was last."""
        return self.after or self.before


@dataclass(frozen=True)
class Changes:
    """The changes between two readings, dearest first, and the kinds that could not be compared.

    ``amount`` is the sum of the changes: the difference between both totals of the kinds compared. It is not
    known (None) between readings in different currencies.
    """

    before: Snapshot
    after: Snapshot
    changes: list[Change] = field(repr=False)
    not_compared: list[ResourceType]

    @property
    def is_comparable(self) -> bool:
        """Tell whether the two readings are in one currency."""
        return self.before.currency == self.after.currency

    @property
    def amount(self) -> Amount | None:
        """What everything costs more than before."""
        return total((change.amount, 1) for change in self.changes) if self.is_comparable else None

    @property
    def is_whole(self) -> bool:
        """Tell whether every change is known whole, and so their sum."""
        return all(change.is_whole for change in self.changes)


@dataclass(frozen=True)
class Difference:
    """What a month costs more than on ``day``, the last one before with a reading; None when not known."""

    day: dt.date
    difference: Decimal | None


def since_last_day(stored: CostSnapshot) -> Difference | None:
    """Return the difference to the last day before with a reading, without loading the lines of either.

    It is known only when both readings know all of the same kinds, in one currency. None: there is no such
    day.
    """
    before = snapshots.last_day_before(stored)
    if before is None:
        return None
    comparable = (
        not (stored.lacks or before.lacks)
        and stored.has_objects == before.has_objects
        and stored.currency == before.currency
        and None not in (stored.per_month, before.per_month)
    )
    return Difference(before.day, stored.per_month - before.per_month if comparable else None)


def compare(before: Snapshot, after: Snapshot) -> Changes:
    """Return what changed from ``before`` to ``after``, two readings of one account and region."""
    both = {*before.read} & {*after.read}
    missing = [*before.missing, *after.missing]
    asked = {RESOURCE_TYPE_OF[call] for call in (*before.read, *after.read, *(one.call for one in missing))}
    compared = {RESOURCE_TYPE_OF[call] for call in both}
    compared -= {type_ for call in LISTS if call not in both for type_ in affected_by(call)}
    # One without an id cannot be found again: it may be the same, another one, or one that has an id now.
    lines = (*before.lines, *after.lines)
    compared -= {line.resource_type for line in lines if is_nameless(line.resource_id)}
    unlisted = {(RESOURCE_TYPE_OF[one.call], one.detail) for one in missing}
    old, new = _by_id(before, compared), _by_id(after, compared)
    found = [
        change
        for key in {**old, **new}
        if key not in unlisted and (change := _change(before, after, old.get(key), new.get(key))) is not None
    ]
    found.sort(key=lambda change: (-abs(change.amount.month), change.line.resource_id))
    left_out = (asked - compared) | {type_ for type_, bucket in unlisted if bucket}
    not_compared = [type_ for type_ in ResourceType if type_ in left_out]
    return Changes(before, after, found, not_compared)


def _by_id(snapshot: Snapshot, types: set[ResourceType]) -> dict[tuple[str, str], Line]:
    return {
        (line.resource_type, line.resource_id): line for line in snapshot.lines if line.resource_type in types
    }


def _change(before: Snapshot, after: Snapshot, old: Line | None, new: Line | None) -> Change | None:
    """Return how a resource changed, or None when it costs and is the same."""
    was, now = old and before.cost_of(old), new and after.cost_of(new)
    kind = _kind(old, new, was, now)
    if kind is None:
        return None
    amount = (now.amount if now else Amount()) - (was.amount if was else Amount())
    return Change(kind, old, new, amount, all(cost.is_priced for cost in (was, now) if cost))


def _kind(old: Line | None, new: Line | None, was: Cost | None, now: Cost | None) -> ChangeKind | None:
    if old is None:
        return ChangeKind.ADDED
    if new is None:
        return ChangeKind.REMOVED
    if old.specification != new.specification:
        return ChangeKind.RESIZED
    if was.amount == now.amount and was.problems == now.problems:
        return None
    return ChangeKind.STATE if old.state != new.state else ChangeKind.REPRICED
