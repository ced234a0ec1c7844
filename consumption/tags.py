"""The tags of resources along the time: what each reading of them changes of what is kept.

From one reading to the next hardly anything changes, so a tag is kept once for as long as it is seen. What
happened between two readings is not known, so this is taken for true:

- A tag holds from the reading at which it was first seen, and a new value of a key takes the place of the old
  one there. The earliest value that a resource has of a key reaches back to the day after the reading before,
  or without limit when there was none: what was created or first tagged in between belongs to one owner.
- A tag ends the day before the reading at which it is not seen any more. A resource that carries no tag at
  all any more may be gone, since the day of that reading at the latest: it keeps its tags for that day too,
  so that what it still consumed on it has an owner.

Each kind of resource has readings of its own, for not every source of tags tells of all kinds.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from django.db import transaction
from django.db.models import Max

from accounts.changes import note, of_place
from consumption import keeping
from consumption.models import Ledger, ResourceTag, TagReading
from costs.timeline import OPEN

_ROWS_AT_ONCE = 1_000


@dataclass(frozen=True)
class Seen:
    """The tags that were seen on all resources of some ``kinds`` (``costs.inventory.ResourceType``).

    ``tags`` are (kind, value) by (resource, key).
    """

    kinds: frozenset[str]
    tags: dict[tuple[str, str], tuple[str, str]]


@dataclass
class _Changes:
    """What a reading changes: rows by primary key, and the tags that no row tells yet."""

    new: dict[tuple[str, str], tuple[str, str]]
    reopened: list[int] = field(default_factory=list)
    removed: list[int] = field(default_factory=list)
    ended: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    """By the day until which they held."""


def last_read(ledger: Ledger) -> dict[str, dt.datetime]:
    """Return when the tags of each kind of resource were last read."""
    return last_readings([ledger.pk]).get(ledger.pk, {})


def last_readings(ledgers: Iterable[int]) -> dict[int, dict[str, dt.datetime]]:
    """Return when the tags of each kind of resource were last read, by ledger (one query).

    A ledger of which no tag was ever read is not in it. Both are in a fixed order.
    """
    readings = TagReading.objects.filter(ledger__in=list(ledgers)).values_list("ledger_id", "resource_type")
    found: dict[int, dict[str, dt.datetime]] = {}
    for ledger, kind, last in readings.annotate(last=Max("read_at")).order_by("ledger_id", "resource_type"):
        found.setdefault(ledger, {})[kind] = last
    return found


@transaction.atomic
def note_tags(*, ledger: Ledger, seen: Seen, at: dt.datetime) -> None:
    """Let the time line hold what was seen at a moment, in the place of an earlier reading of its day.

    Only rows that it changes are written. A kind that was read later already is left alone: of it nothing new
    is told.
    """
    Ledger.objects.select_for_update().get(pk=ledger.pk)  # a second writer of the same waits here
    later = {kind for kind, moment in last_read(ledger).items() if moment > at}
    kinds = seen.kinds - later
    tags = {key: (kind, value) for key, (kind, value) in seen.tags.items() if kind in kinds}
    day = at.astimezone(dt.UTC).toordinal()
    changes = _changes(ledger, Seen(kinds, tags), day)
    for some in _in_parts(changes.removed):
        ResourceTag.objects.filter(pk__in=some).delete()
    for some in _in_parts(changes.reopened):
        ResourceTag.objects.filter(pk__in=some).update(end_day=OPEN, held_until=OPEN)
    for until, rows in changes.ended.items():
        for some in _in_parts(rows):
            ResourceTag.objects.filter(pk__in=some).update(end_day=day, held_until=until)
    _add(ledger, changes.new, day)
    TagReading.objects.bulk_create(
        [TagReading(ledger=ledger, resource_type=kind, day=day, read_at=at) for kind in sorted(kinds)],
        update_conflicts=True,
        unique_fields=["ledger", "resource_type", "day"],
        update_fields=["read_at"],
    )
    note(of_place(ledger.place))


def _changes(ledger: Ledger, seen: Seen, day: int) -> _Changes:
    """Compare what was seen on a day with the rows that held before it, or that it has touched already."""
    tagged = {resource_id for resource_id, _key in seen.tags}
    changes = _Changes(dict(seen.tags))
    rows = ResourceTag.objects.filter(ledger=ledger, resource_type__in=seen.kinds, end_day__gte=day)
    columns = ("pk", "resource_id", "key", "value", "first_day", "end_day", "held_until")
    for pk, resource_id, key, value, first_day, end_day, held_until in rows.values_list(*columns):
        found = seen.tags.get((resource_id, key))
        if found is not None and found[1] == value:
            del changes.new[resource_id, key]
            if end_day != OPEN:
                changes.reopened.append(pk)
        elif first_day == day:
            changes.removed.append(pk)
        else:
            until = day if resource_id in tagged else day + 1
            if (end_day, held_until) != (day, until):
                changes.ended[until].append(pk)
    return changes


def _add(ledger: Ledger, new: dict[tuple[str, str], tuple[str, str]], day: int) -> None:
    """Keep tags that are seen for the first time on a day, or again."""
    if not new:
        return
    before = dict(
        TagReading.objects.filter(ledger=ledger, day__lt=day)
        .order_by()
        .values_list("resource_type")
        .annotate(last=Max("day"))
    )
    known = _known(ledger, sorted({resource_id for resource_id, _key in new}), day)
    keeping.insert(
        ResourceTag,
        (
            "ledger",
            "resource_id",
            "key",
            "resource_type",
            "value",
            "first_day",
            "held_from",
            "end_day",
            "held_until",
        ),
        [
            (
                ledger.pk,
                resource_id,
                key,
                kind,
                value,
                day,
                day if (resource_id, key) in known else before.get(kind, -1) + 1,
                OPEN,
                OPEN,
            )
            for (resource_id, key), (kind, value) in new.items()
        ],
    )


def _known(ledger: Ledger, resources: Sequence[str], day: int) -> set[tuple[str, str]]:
    """Return the keys that some resources had a value of before a day."""
    earlier = ResourceTag.objects.filter(ledger=ledger, first_day__lt=day)
    if not earlier.exists():
        return set()
    found: set[tuple[str, str]] = set()
    for some in _in_parts(resources):
        found |= set(earlier.filter(resource_id__in=some).values_list("resource_id", "key"))
    return found


def _in_parts(rows: Sequence) -> Iterator[Sequence]:
    return (rows[place : place + _ROWS_AT_ONCE] for place in range(0, len(rows), _ROWS_AT_ONCE))
