"""How the current cost is read anew: slice by slice, by whoever asks, and by one at a time.

The first slice of most accounts reads everything. What takes longer is kept between the slices, and any
process goes on with it; the key comes with each request and is never kept.
"""

import datetime as dt
import math
import time
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import standing
from accounts.errors import AuthenticationRefused, CloudError, KeyLocked, PortalError
from accounts.gateway import Gateway
from accounts.retrying import DEADLINE_FACTOR
from costs import freshness, reading, snapshots
from costs.inventory import OBJECTS
from costs.models import CostReading, CostSnapshot
from costs.reading import Reading
from costs.snapshots import Snapshot

SLICE_SECONDS = 1.0
"""How long a slice of a page begins new calls; with the grace for those under way it takes two seconds."""

LONGEST_SLICE = 20.0
"""Even what waits for the whole reading keeps what it has now and then."""

_ABANDONED_AFTER = dt.timedelta(minutes=1)
"""A reading that nobody has gone on with for so long is begun anew: half of it would be of another time."""

_FORGOTTEN_AFTER = dt.timedelta(days=1)
_POLL_SECONDS = 0.1


class ReadingGoesOn(PortalError):
    """The cloud has so much to tell that the answer is not there yet; what has been read is kept."""

    code = "READING_GOES_ON"
    message = _("The cloud is still being read, and what was read is kept. Ask again in a moment.")
    http_status = 503

    def __init__(self) -> None:
        super().__init__(retry_after=2)


@dataclass(frozen=True)
class Progress:
    """How far a reading is. ``calls`` are all its lists, ``open`` those not yet read to the end.

    ``is_ours`` is false while somebody else reads: then it is enough to look now and then.
    """

    calls: list[str]
    open: list[str]
    resource_count: int
    with_objects: bool
    started_at: dt.datetime
    is_ours: bool

    @property
    def done(self) -> int:
        """How many lists are through."""
        return sum(call not in self.open for call in self.calls)


def read_on(
    gateway: Gateway,
    *,
    at: dt.datetime,
    with_objects: bool,
    seconds: float = SLICE_SECONDS,
    newer_than: int | None = None,
) -> CostSnapshot | Progress:
    """Read for ``seconds`` and return the stored snapshot when that was all, else how far it is.

    While somebody else reads the same, nothing is read twice: their progress is returned. Who waits for them
    says which snapshot was the last before, 0 for none: one that is ``newer_than`` it answers. Raises the
    cloud's error when nothing at all could be read, or when it refused the key a moment ago, and
    ``RefreshFailed`` when there are no prices.
    """
    if newer_than is not None and (stored := _newer(gateway, newer_than, with_objects)):
        return stored
    standing.check(gateway.access_key, call="ReadVms")
    row, is_ours = _claimed(gateway, at)
    under_way = snapshots.unpacked(row.content, Reading)
    if not is_ours:
        return _progress(under_way, is_ours=False)
    # When nothing was under way any more, what ended between the look above and the claim is stored by now.
    waits_for_nothing = newer_than is not None and under_way.started_at == at
    if waits_for_nothing and (stored := _newer(gateway, newer_than, with_objects)):
        row.delete()
        return stored
    if with_objects:
        under_way.include(OBJECTS)
    probes = not standing.is_accepted(gateway.access_key)
    reading.advance(under_way, gateway, seconds=min(seconds, LONGEST_SLICE), probes=probes)
    _note_standing(gateway, under_way)
    if not under_way.is_finished:
        _leave(row, under_way)
        return _progress(under_way, is_ours=True)
    try:
        stored = finish(under_way, reader=row.reader)
    except freshness.RefreshFailed:
        _leave(row, under_way)  # the next try needs the prices only
        raise
    except CloudError:
        row.delete()
        raise
    row.delete()
    return stored


def _newer(gateway: Gateway, newer_than: int, with_objects: bool) -> CostSnapshot | None:
    """Return the last snapshot read with this key, if it is newer than the one with that id."""
    stored = snapshots.latest(gateway.account_id, gateway.region, snapshots.reader_of(gateway.access_key))
    is_newer = stored and stored.pk > newer_than and stored.has_objects >= with_objects
    return stored if is_newer else None


def _note_standing(gateway: Gateway, under_way: Reading) -> None:
    """Remember whether the cloud has refused the key; the object storage, which judges by itself, apart."""
    errors = (missing.error for missing in under_way.inventory.missing if missing.call != OBJECTS)
    refusal = next((error for error in errors if isinstance(error, AuthenticationRefused | KeyLocked)), None)
    if refusal:
        standing.note_refused(gateway.access_key, refusal)
    elif under_way.inventory.read:
        standing.note_accepted(gateway.access_key)


def whole(gateway: Gateway, *, with_objects: bool, seconds: float = math.inf) -> CostSnapshot:
    """Read everything, and return it as stored.

    Raises ``ReadingGoesOn`` when it takes more than ``seconds``, and what ``read_on`` raises.
    """
    before, newer_than = latest_id(gateway, with_objects=with_objects), None
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        asked = {"with_objects": with_objects, "seconds": left, "newer_than": newer_than}
        found = read_on(gateway, at=timezone.now(), **asked)
        if isinstance(found, CostSnapshot):
            return found
        newer_than = before
        time.sleep(_POLL_SECONDS)
    raise ReadingGoesOn


def latest_id(gateway: Gateway, *, with_objects: bool = False) -> int:
    """Return the id of the last snapshot read with this key, 0 when there is none."""
    reader = snapshots.reader_of(gateway.access_key)
    stored = CostSnapshot.objects.of(gateway.account_id, gateway.region).filter(reader=reader)
    if with_objects:
        stored = stored.filter(has_objects=True)
    return stored.aggregate(last=Max("pk"))["last"] or 0


def finish(done: Reading, *, reader: str) -> CostSnapshot:
    """Price a finished reading, and store it. Raises as ``read_on`` does."""
    return snapshots.store(priced(done), reader)


def priced(done: Reading) -> Snapshot:
    """Price a finished reading. Raises as ``read_on`` does."""
    if not done.inventory.read:
        errors = (missing.error for missing in done.inventory.missing)
        raise min(errors, key=lambda error: error.http_status)  # the most telling one
    status = freshness.up_to_date(done.region, timezone.now())
    if status.prices is None:
        raise freshness.RefreshFailed(done.region, status.failure)
    return snapshots.snapshot_of(
        done.inventory, status.prices, account_id=done.account_id, taken_at=done.started_at
    )


def under_way(gateway: Gateway, at: dt.datetime) -> Progress | None:
    """Return how far the reading is that this key has begun and not ended, unless it was abandoned."""
    reader = snapshots.reader_of(gateway.access_key)
    who = {"account_id": gateway.account_id, "region": gateway.region, "reader": reader}
    row = CostReading.objects.filter(**who, touched_at__gt=at - _ABANDONED_AFTER).first()
    return _progress(snapshots.unpacked(row.content, Reading), is_ours=False) if row else None


@transaction.atomic
def _claimed(gateway: Gateway, at: dt.datetime) -> tuple[CostReading, bool]:
    """Return the reading under way, or a new one, and whether it is ours to go on with.

    Whoever else has it may be on another host, whose clock differs: that of the database is one for all.
    """
    CostReading.objects.filter(touched_at__lt=at - _FORGOTTEN_AFTER).delete()
    begun = Reading.begin(account_id=gateway.account_id, region=gateway.region, at=at)
    row, is_new = CostReading.objects.select_for_update().get_or_create(
        account_id=gateway.account_id,
        region=gateway.region,
        reader=snapshots.reader_of(gateway.access_key),
        defaults={
            "touched_at": at,
            "claimed_until": Now() + _claim_time(),
            "content": snapshots.packed(begun),
        },
    )
    if is_new:
        return row, True
    if not CostReading.objects.filter(pk=row.pk, claimed_until__lte=Now()).exists():
        return row, False
    if at - row.touched_at > _ABANDONED_AFTER:
        row.content = snapshots.packed(begun)
    row.touched_at, row.claimed_until = at, Now() + _claim_time()
    row.save()
    return row, True


def _claim_time() -> dt.timedelta:
    """Return how long a slice can take at most."""
    return dt.timedelta(seconds=LONGEST_SLICE + DEADLINE_FACTOR * settings.OUTSCALE_TIMEOUT_SECONDS + 5)


def _leave(row: CostReading, under_way: Reading) -> None:
    """Keep what was read, for the next slice."""
    row.content, row.touched_at, row.claimed_until = snapshots.packed(under_way), timezone.now(), Now()
    row.save()


def _progress(under_way: Reading, *, is_ours: bool) -> Progress:
    return Progress(
        calls=under_way.calls,
        open=list(under_way.open),
        resource_count=len(under_way.inventory),
        with_objects=under_way.listing is not None,
        started_at=under_way.started_at,
        is_ours=is_ours,
    )
