"""Stored readings: what is in one, which one answers, and which are kept.

A reading is stored whole, as compressed JSON: it is always read whole, and never changes.
"""

import datetime as dt
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cached_property, reduce
from operator import or_

import msgspec
from django.conf import settings
from django.db import connection, transaction
from django.db.models import OuterRef, Q, Subquery
from django.utils.crypto import salted_hmac

from accounts import changes
from accounts.errors import PermissionRefused
from accounts.keyring import place_of
from costs import hitmeter, timeline
from costs.amounts import Amount, total
from costs.evaluation import evaluate
from costs.inventory import OBJECTS, Inventory, Missing, ResourceType
from costs.lines import Cost, Line
from costs.models import CostSnapshot
from costs.money import storable
from costs.pricelist import PriceList

_COMPRESSION = 1
_TRIED_AGAIN_AFTER = dt.timedelta(minutes=1)


class Snapshot(msgspec.Struct, frozen=True, dict=True):
    """A reading as it was taken: lines, the costs they point into, what is missing, and on which prices.

    ``read`` are the calls that were read to the end.
    """

    account_id: str
    region: str
    taken_at: dt.datetime
    currency: str
    currency_confirmed: bool
    catalog_version: int
    catalog_valid_from: dt.datetime
    read: list[str]
    missing: list[Missing]
    lines: list[Line]
    costs: list[Cost]

    @property
    def is_complete(self) -> bool:
        """Tell whether no list failed; a resource without a price does not count here."""
        return not self.missing

    @property
    def has_objects(self) -> bool:
        """Tell whether the object storage was asked for, be it that it failed."""
        return OBJECTS in self.read or any(missing.call == OBJECTS for missing in self.missing)

    def cost_of(self, line: Line) -> Cost:
        """Return what a resource costs."""
        return self.costs[line.cost]

    def without_objects(self) -> "Snapshot":
        """Return the reading as if the object storage had not been asked for."""
        return msgspec.structs.replace(
            self,
            read=[call for call in self.read if call != OBJECTS],
            missing=[one for one in self.missing if one.call != OBJECTS],
            lines=[line for line in self.lines if line.resource_type != ResourceType.OBJECT_STORAGE],
        )

    @cached_property
    def amount(self) -> Amount:
        """The known cost of all resources together."""
        return self.amount_of(self.lines)

    def amount_of(self, lines: Iterable[Line]) -> Amount:
        """Return the known cost of some of the resources together."""
        return self.amount_of_costs(Counter(line.cost for line in lines))

    def amount_of_costs(self, counts: Mapping[int, int]) -> Amount:
        """Return the known cost of resources by their places among ``costs``, and how many each has."""
        return total((self.costs[place].amount, count) for place, count in counts.items())

    @cached_property
    def unpriced(self) -> frozenset[int]:
        """The places of the costs of which not the whole price is known."""
        return frozenset(place for place, cost in enumerate(self.costs) if not cost.is_priced)

    @cached_property
    def unpriced_count(self) -> int:
        """How many resources are not priced whole."""
        return sum(line.cost in self.unpriced for line in self.lines)


def snapshot_of(
    inventory: Inventory, prices: PriceList, *, account_id: str, taken_at: dt.datetime
) -> Snapshot:
    """Price an inventory of ``taken_at``."""
    lines, costs = evaluate(inventory, prices)
    return Snapshot(
        account_id=account_id,
        region=prices.region,
        taken_at=taken_at,
        currency=prices.currency,
        currency_confirmed=prices.currency_confirmed,
        catalog_version=prices.version,
        catalog_valid_from=prices.valid_from,
        read=inventory.read,
        missing=inventory.missing,
        lines=lines,
        costs=costs,
    )


def packed(value: msgspec.Struct) -> bytes:
    """Return a value as it is stored."""
    return zlib.compress(msgspec.json.encode(value), _COMPRESSION)


def unpacked(content: bytes, kind: type) -> msgspec.Struct:
    """Return the value of the given ``kind`` that was stored as ``content``."""
    return msgspec.json.decode(zlib.decompress(content), type=kind)


def read(stored: CostSnapshot) -> Snapshot:
    """Return what a stored reading holds."""
    return unpacked(stored.content, Snapshot)


def reader_of(access_key: str) -> str:
    """Return what stands for a key in the database, and tells nothing of it."""
    return salted_hmac("costs.reader", access_key, algorithm="sha256").hexdigest()[:32]


def latest(account_id: str, region: str, reader: str) -> CostSnapshot | None:
    """Return the last reading that ``reader`` made, or None.

    It comes with its lines: a newer reading may delete it before they are asked for.
    """
    return CostSnapshot.objects.of(account_id, region).filter(reader=reader).newest_first().first()


def latest_of(places: Iterable[tuple[str, str, str]]) -> dict[tuple[str, str, str], CostSnapshot]:
    """Return the last reading of each account, region and reader that has one, as ``latest``; one query."""
    wanted = [Q(account_id=account, region=region, reader=reader) for account, region, reader in places]
    if not wanted:
        return {}
    of_same = CostSnapshot.objects.filter(
        account_id=OuterRef("account_id"), region=OuterRef("region"), reader=OuterRef("reader")
    )
    last = Subquery(of_same.newest_first().values("pk")[:1])
    found = CostSnapshot.objects.filter(reduce(or_, wanted), pk=last)
    return {(stored.account_id, stored.region, stored.reader): stored for stored in found}


def last_day_before(stored: CostSnapshot) -> CostSnapshot | None:
    """Return the best reading of the last day before that of ``stored`` that has one, without lines."""
    earlier = CostSnapshot.objects.of(stored.account_id, stored.region).filter(day__lt=stored.day)
    return earlier.order_by("-day", "-is_complete", "-taken_at", "-pk").without_lines().first()


def is_fresh(stored: CostSnapshot, now: dt.datetime) -> bool:
    """Tell whether a reading is young enough to answer in the place of a new one.

    One that lacks a list which the cloud failed to give is soon tried again: the trouble may be over. What a
    policy refuses stays refused.
    """
    fresh = _is_fresh(stored, now)
    hitmeter.count("current-cost", hits=fresh, misses=not fresh)
    return fresh


def _is_fresh(stored: CostSnapshot, now: dt.datetime) -> bool:
    age = now - stored.taken_at
    if age >= _TRIED_AGAIN_AFTER and not stored.is_complete:
        failures = (missing.error for missing in read(stored).missing)
        if not all(isinstance(error, PermissionRefused) for error in failures):
            return False
    return age < dt.timedelta(minutes=settings.COST_TTL_MINUTES)


@transaction.atomic
def store(snapshot: Snapshot, reader: str) -> CostSnapshot:
    """Keep a reading, and drop those of the same day and reader that it makes superfluous.

    A partial reading leaves the last complete one of its day, and one without the object storage leaves the
    last one with it.
    """
    _wait_for_others(snapshot, reader)
    stored = CostSnapshot.objects.create(
        account_id=snapshot.account_id,
        region=snapshot.region,
        reader=reader,
        taken_at=snapshot.taken_at,
        day=snapshot.taken_at.astimezone(dt.UTC).date(),
        is_complete=snapshot.is_complete,
        has_objects=snapshot.has_objects,
        resource_count=len(snapshot.lines),
        unpriced_count=snapshot.unpriced_count,
        currency=snapshot.currency,
        per_month=storable(snapshot.amount.month),
        content=packed(snapshot),
        known_kinds=sorted(timeline.known_kinds(snapshot.read, snapshot.missing)),
    )
    timeline.note(stored, snapshot.lines, snapshot.costs)
    same_day = CostSnapshot.objects.of(stored.account_id, stored.region).filter(reader=reader, day=stored.day)
    known = same_day.exclude(pk=stored.pk).filter(taken_at__lte=stored.taken_at)
    if not stored.is_complete:
        known = known.filter(is_complete=False)
    if not stored.has_objects:
        known = known.filter(has_objects=False)
    known.delete()
    changes.note(changes.of_place(place_of(snapshot.account_id, snapshot.region)))
    return stored


def _wait_for_others(snapshot: Snapshot, reader: str) -> None:
    """Let one store at a time go on: two that change the same spans would leave each twice.

    Before the first reading there is no row to lock, and one of today may be deleted by who holds it. SQLite
    has one writer at a time anyway.
    """
    if connection.vendor == "postgresql":
        whose = f"{snapshot.account_id} {snapshot.region} {reader}"
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [whose])


def by_day(account_id: str, region: str) -> dict[dt.date, CostSnapshot]:
    """Return the best reading of each day, newest day first, without lines: a complete one, the last of them.

    Readings of all keys of the account are taken: compare only what a key may read itself.
    """
    days: dict[dt.date, CostSnapshot] = {}
    for stored in CostSnapshot.objects.of(account_id, region).newest_first().without_lines():
        best = days.get(stored.day)
        if best is None or (stored.is_complete and not best.is_complete):
            days[stored.day] = stored
    return days
