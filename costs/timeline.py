"""What resources were at the readings of a key, from which day to which: the readings seen along the time.

From one reading to the next hardly anything changes, so a resource is kept once for as long as it stays the
same. A span says: at each reading of this kind of resource from ``first_day`` on, and before ``end_day``, it
was so. Days are ordinals (``date.toordinal``).
"""

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping

import msgspec

from costs.dailycost import day_amounts
from costs.inventory import LISTS, RESOURCE_TYPE_OF, Missing, ResourceType, affected_by
from costs.lines import Cost, Line
from costs.models import CostSnapshot, ResourceSpan, SpanCost

OPEN = dt.date.max.toordinal()
"""The end of a span that no later reading has ended."""

_ROWS_AT_ONCE = 1_000


class DayCost(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a resource costs on a day: by category on a day of each of ``costs.dailycost.MONTH_LENGTHS``.

    The amounts are whole numbers of 10⁻¹⁰; those of a resource that is not priced whole are what is known.
    """

    amounts: dict[str, tuple[int, int, int, int]]
    is_priced: bool


_encode = msgspec.json.Encoder().encode
_decode_day_cost = msgspec.json.Decoder(DayCost).decode
_decode_cost = msgspec.json.Decoder(Cost).decode
_decode_line = msgspec.json.Decoder(Line).decode


def day_cost_of(cost: Cost) -> DayCost:
    """Return what a resource of a cost costs on a day."""
    amounts = day_amounts(cost.price.parts, cost.price.period) if cost.price else {}
    return DayCost({name: found for name, found in amounts.items() if any(found)}, cost.is_priced)


def known_kinds(read: Iterable[str], missing: Iterable[Missing]) -> set[ResourceType]:
    """Return the kinds of resource of which a reading knows all, with what their prices depend on.

    ``missing`` are the lists that failed; of a bucket that could not be listed, its own line tells.
    """
    read = set(read) - {one.call for one in missing if not one.detail}
    known = {RESOURCE_TYPE_OF[call] for call in read}
    return known - {kind for call in LISTS if call not in read for kind in affected_by(call)}


# --- Reading


def day_costs(ids: Iterable[int]) -> dict[int, DayCost]:
    """Return what is kept of some costs."""
    found = SpanCost.objects.filter(pk__in=list(ids)).values_list("pk", "day_cost")
    return {pk: _decode_day_cost(content) for pk, content in found}


def details(ids: Iterable[int]) -> dict[int, tuple[Line, Cost]]:
    """Return the resources of some spans, with what explains their costs."""
    rows = ResourceSpan.objects.filter(pk__in=list(ids)).values_list("pk", "line", "cost__content")
    return {pk: (_decode_line(line), _decode_cost(cost)) for pk, line, cost in rows}


# --- Writing


def note(stored: CostSnapshot, lines: Iterable[Line], costs: list[Cost]) -> None:
    """Let the time line hold a reading, at its day and until the next one of each kind that it knows.

    It takes the place of an earlier reading of the same day, and leaves what a later one told.
    """
    day, kinds = stored.day.toordinal(), _told_last(stored)
    ends = _ends(stored, kinds)
    found = _lines_by_resource(lines, kinds)
    cost_ids = _kept_costs({line.cost: costs[line.cost] for line, _digest in found.values()})
    ended, gone, going_on = [], [], []
    for row in _present(stored, day, kinds):
        key = (row.resource_type, row.resource_id)
        line, digest = found.get(key, (None, 0))
        if line is not None and (digest, cost_ids[line.cost]) == (row.line_digest, row.cost_id):
            del found[key]
            continue
        if row.end_day > ends[row.resource_type]:
            going_on.append(row.pk)
        (ended if row.first_day < day else gone).append(row.pk)
    added = _after_next_reading(going_on, ends)
    added += [
        ResourceSpan(
            account_id=stored.account_id,
            region=stored.region,
            reader=stored.reader,
            resource_type=kind,
            resource_id=resource_id,
            first_day=day,
            end_day=ends[kind],
            cost_id=cost_ids[line.cost],
            line=_encode(msgspec.structs.replace(line, cost=0)).decode(),
            line_digest=digest,
        )
        for (kind, resource_id), (line, digest) in found.items()
    ]
    for begin in range(0, len(ended), _ROWS_AT_ONCE):
        ResourceSpan.objects.filter(pk__in=ended[begin : begin + _ROWS_AT_ONCE]).update(end_day=day)
    for begin in range(0, len(gone), _ROWS_AT_ONCE):
        ResourceSpan.objects.filter(pk__in=gone[begin : begin + _ROWS_AT_ONCE]).delete()
    ResourceSpan.objects.bulk_create(added, batch_size=_ROWS_AT_ONCE)


def _told_last(stored: CostSnapshot) -> set[str]:
    """Return the kinds of which no later reading of the same day tells: one may be stored after it."""
    later = CostSnapshot.objects.of(stored.account_id, stored.region).filter(
        reader=stored.reader, day=stored.day, taken_at__gt=stored.taken_at, known_kinds__isnull=False
    )
    return set(stored.known_kinds).difference(*later.values_list("known_kinds", flat=True))


def _after_next_reading(spans: Iterable[int], ends: Mapping[str, int]) -> list[ResourceSpan]:
    """Return what some spans say of the next reading of their kind, and of the days after it."""
    found = list(ResourceSpan.objects.filter(pk__in=list(spans)))
    for span in found:
        span.pk, span.first_day = None, ends[span.resource_type]
    return found


def _ends(stored: CostSnapshot, kinds: set[str]) -> dict[str, int]:
    """Return the day of the next reading of each kind."""
    ends = dict.fromkeys(kinds, OPEN)
    later = CostSnapshot.objects.of(stored.account_id, stored.region).filter(
        reader=stored.reader, day__gt=stored.day, known_kinds__isnull=False
    )
    for day, known in later.order_by("-day").values_list("day", "known_kinds"):
        ends |= dict.fromkeys(kinds.intersection(known), day.toordinal())
    return ends


def _present(stored: CostSnapshot, day: int, kinds: set[str]) -> Iterable[ResourceSpan]:
    """Return the spans that hold at a day, without their lines."""
    spans = ResourceSpan.objects.of(stored.account_id, stored.region, stored.reader)
    spans = spans.filter(first_day__lte=day, end_day__gt=day, resource_type__in=kinds)
    fields = ("pk", "resource_type", "resource_id", "first_day", "end_day", "cost_id", "line_digest")
    return list(spans.values_list(*fields, named=True))


def _lines_by_resource(lines: Iterable[Line], kinds: set[str]) -> dict[tuple[str, str], tuple[Line, int]]:
    """Return the lines of some kinds, each with what tells it from one that says something else."""
    return {
        (line.resource_type.value, line.resource_id): (line, _digest(_encode((line.name, *_said(line)))))
        for line in lines
        if line.resource_type in kinds
    }


def _said(line: Line) -> tuple:
    return line.subregion, line.state, line.specification, line.tags


def _digest(content: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(content, digest_size=7).digest())


def _kept_costs(costs: Mapping[int, Cost]) -> dict[int, int]:
    """Keep costs that no reading had yet; return the rows of all of them by their places in the reading."""
    contents = {place: _encode(cost) for place, cost in costs.items()}
    digests = {place: hashlib.sha256(content).hexdigest() for place, content in contents.items()}
    kept = _costs_by_digest(digests.values())
    new = {digest: place for place, digest in digests.items() if digest not in kept}
    SpanCost.objects.bulk_create(
        (
            SpanCost(
                digest=digest,
                content=contents[place].decode(),
                day_cost=_encode(day_cost_of(costs[place])).decode(),
            )
            for digest, place in sorted(new.items())  # in one order, or two keys wait for each other for ever
        ),
        ignore_conflicts=True,  # another key may have read the same just now
        batch_size=_ROWS_AT_ONCE,
    )
    kept |= _costs_by_digest(new)
    return {place: kept[digest] for place, digest in digests.items()}


def _costs_by_digest(digests: Iterable[str]) -> dict[str, int]:
    digests, found = list(digests), {}
    for begin in range(0, len(digests), _ROWS_AT_ONCE):
        rows = SpanCost.objects.filter(digest__in=digests[begin : begin + _ROWS_AT_ONCE])
        found |= dict(rows.values_list("digest", "pk"))
    return found
