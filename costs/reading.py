"""How an inventory is read from the cloud: all its lists at once, to their last pages, in slices of time.

A reading can be left after any page and taken up again, by any process: all of it is plain values. A list
that fails is noted with the reason, and the others go on.
"""

import datetime as dt
import logging
import math
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from queue import Empty, SimpleQueue
from threading import Event

import msgspec
from django.conf import settings

from accounts.errors import (
    AuthenticationRefused,
    CallRefused,
    CloudAnswerInvalid,
    CloudError,
    KeyLocked,
    PermissionRefused,
)
from accounts.gateway import Gateway
from costs.inventory import LISTS, OBJECTS, SOURCES, VM_TYPES, Bucket, Inventory, Missing, Source
from costs.vmtypes import is_unlisted

logger = logging.getLogger(__name__)

GRACE_SECONDS = 1.0
"""How long a slice that is over waits for the pages under way."""

MOST_PAGES = 10_000
"""More pages of a thousand than any list has: a cloud that comes to no end is not understood."""


class Listing(msgspec.Struct, omit_defaults=True):
    """How far the object storage has been listed.

    ``buckets`` are those not yet listed whole, the first one as far as ``token``; None before the names are
    known.
    """

    buckets: list[str] | None = None
    token: str = ""


class Reading(msgspec.Struct, omit_defaults=True):
    """A reading under way: what has been read, and the lists that are still ``open``.

    ``open`` holds the page tokens of each call, oldest first; the last one is that of the page to read next.
    """

    account_id: str
    region: str
    started_at: dt.datetime
    inventory: Inventory = msgspec.field(default_factory=Inventory)
    open: dict[str, list[str]] = msgspec.field(default_factory=dict)
    listing: Listing | None = None

    @classmethod
    def begin(
        cls, *, account_id: str, region: str, at: dt.datetime, calls: Iterable[str] = tuple(SOURCES)
    ) -> "Reading":
        """Return a reading of the lists that ``calls`` names; ``OBJECTS`` may be among them."""
        begun = cls(account_id, region, at)
        for call in calls:
            begun.include(call)
        return begun

    def include(self, call: str) -> None:
        """Read the list of ``call`` too, unless it is part of the reading already."""
        if call not in self.calls:
            self.open[call] = []
            if call == OBJECTS:
                self.listing = Listing()

    @property
    def is_finished(self) -> bool:
        """Tell whether every list was read, or failed for good."""
        return not self.open

    @property
    def calls(self) -> list[str]:
        """Every call of the reading, in the order of the page."""
        closed = {*self.inventory.read, *(missing.call for missing in self.inventory.missing)}
        return [call for call in LISTS if call in self.open or call in closed]


Note = Callable[[Reading], None]
"""What a worker found, to be noted in the reading by the one thread that owns it."""


def advance(reading: Reading, gateway: Gateway, *, seconds: float = math.inf, probes: bool = False) -> None:
    """Read on for ``seconds``, or to the end; whatever was read by then is noted in ``reading``.

    With ``probes`` the first list is asked alone, and the others once it has answered: a key that nobody has
    proven lately would else be refused so often at once that OUTSCALE locks it.

    What is under way then is given ``GRACE_SECONDS`` more. At least one page, or the failure of one list, is
    waited for, however long that takes: every call ends within the gateway's own deadline. A refused or
    locked key ends the whole reading at once, for each failure brings its lock nearer. Raises nothing of the
    cloud's.
    """
    # A worker more than the rate allows would only wait for its turn, and be cut off in its queue.
    count = len(SOURCES) + 2 if seconds == math.inf else math.ceil(settings.OUTSCALE_REQUESTS_PER_SECOND)
    crew = _Crew(reading, gateway, min(count, len(SOURCES) + 2), probes=probes)
    until = time.monotonic() + seconds
    try:
        while crew.begin_open_lists(until):
            left = until - time.monotonic() if crew.has_gained else math.inf
            if crew.take_note(left):
                continue
            if crew.is_stopping:
                return
            crew.stop.set()
            until = time.monotonic() + GRACE_SECONDS
    finally:
        crew.dismiss()


class _Crew:
    """The workers of one slice, each on one list, and the notes that they hand over."""

    def __init__(self, reading: Reading, gateway: Gateway, count: int, *, probes: bool) -> None:
        self._reading = reading
        self._gateway = gateway
        self._workers = ThreadPoolExecutor(max_workers=count, thread_name_prefix="reading")
        self._probes = probes
        self._begun: set[str] = set()
        self._active = 0
        self._notes: SimpleQueue[Note | Exception | None] = SimpleQueue()
        self.stop = Event()
        self.has_gained = False

    @property
    def is_stopping(self) -> bool:
        """Tell whether no new step is begun."""
        return self.stop.is_set()

    def begin_open_lists(self, until: float) -> bool:
        """Put a worker on each list whose turn it is; answer False when nobody works any more.

        After ``until`` no list is begun, once there is something to show for the slice.
        """
        if not self.is_stopping and not (self.has_gained and time.monotonic() >= until):
            for call in self._lists_to_begin():
                self._begun.add(call)
                self._active += 1
                steps = _steps(self._reading, call, self._gateway)
                self._workers.submit(copy_context().run, self._work, call, steps)
        return self._active > 0 and bool(self._reading.open)

    def _lists_to_begin(self) -> list[str]:
        """Return the open lists that have no worker yet, the usually longest first.

        The object storage comes last: while its many quick pages arrive, a slice would never wait for a slow
        list.
        """
        if self._probes and self._begun and not self.has_gained:
            return []
        lists = [call for call in self._reading.open if call != OBJECTS] or list(self._reading.open)
        waiting = [call for call in lists if call not in self._begun]
        return waiting[-1:] if self._probes and not self._begun else waiting

    def take_note(self, seconds: float) -> bool:
        """Take the next note into the reading; answer False when there is none within ``seconds``."""
        try:
            note = self._notes.get(timeout=None if seconds == math.inf else max(0.0, seconds))
        except Empty:
            return False
        if isinstance(note, Exception):
            raise note
        if note is None:
            self._active -= 1
        else:
            note(self._reading)
            self.has_gained = True
        return True

    def dismiss(self) -> None:
        """Let the workers go; one that still waits for the cloud ends by itself, and is not listened to."""
        self.stop.set()
        self._workers.shutdown(wait=False, cancel_futures=True)

    def _work(self, call: str, steps: Iterator[Note]) -> None:
        """Take step after step, hand over what each found, and None at the end."""
        try:
            while not self.is_stopping and (note := next(steps, None)):
                self._notes.put(note)
        except CloudError as error:
            logger.info("%s not read: %s", call, error)
            # The object storage judges keys by itself: what it refuses may still be good for the API.
            if isinstance(error, AuthenticationRefused | KeyLocked) and call != OBJECTS:
                self.stop.set()
                self._notes.put(partial(_give_up, error=error))
            else:
                self._notes.put(partial(_fail, call=call, error=error))
        except Exception as error:
            self._notes.put(error)
        self._notes.put(None)


def _steps(reading: Reading, call: str, gateway: Gateway) -> Iterator[Note]:
    """Return the steps of one list, from where it was left."""
    if call == OBJECTS:
        return _object_steps(reading.listing, gateway)
    source = VM_TYPES if call == VM_TYPES.call else SOURCES[call]
    if not source.is_paginated:
        return _single_step(source, gateway)
    return _page_steps(source, list(reading.open[call]), source.params(reading.account_id), gateway)


def _single_step(source: Source, gateway: Gateway) -> Iterator[Note]:
    page = gateway.read_list(source.call, source.key)
    yield partial(_note_page, source=source, page=bytes(page), token="")


def _page_steps(source: Source, tokens: list[str], params: dict, gateway: Gateway) -> Iterator[Note]:
    while True:
        token = tokens[-1] if tokens else ""
        page, following = gateway.read_page(source.call, source.key, token=token, **params)
        if following in tokens or len(tokens) > MOST_PAGES:
            raise CloudAnswerInvalid(source.call)  # it would go round for ever
        yield partial(_note_page, source=source, page=bytes(page), token=following)
        if not following:
            return
        tokens.append(following)


def _note_page(reading: Reading, *, source: Source, page: bytes, token: str) -> None:
    if source.call not in reading.open:  # an earlier page was no list, while this one was on its way
        return
    try:
        source.note(page, reading.inventory)
        if source.shared:
            _drop_snapshots_of_others(reading)
    except ValueError:
        _fail(reading, call=source.call, error=CloudAnswerInvalid(source.call))
        return
    if token:
        reading.open[source.call].append(token)
        return
    _close(reading, source.call)
    if source.call == "ReadVms" and any(is_unlisted(vm.vm_type) for vm in reading.inventory.vms):
        reading.open[VM_TYPES.call] = []


def _drop_snapshots_of_others(reading: Reading) -> None:
    """Drop what an answer lists beyond what was asked: a public snapshot is its owner's cost alone."""
    snapshots, own = reading.inventory.snapshots, {"", reading.account_id}
    snapshots[:] = [snapshot for snapshot in snapshots if snapshot.account_id in own]


def _close(reading: Reading, call: str) -> None:
    del reading.open[call]
    if call != VM_TYPES.call:
        reading.inventory.read.append(call)


def _fail(reading: Reading, *, call: str, error: CloudError) -> None:
    if call not in reading.open:  # it has failed already
        return
    del reading.open[call]
    reading.inventory.missing.append(Missing.of(error, call=call))
    if call == OBJECTS:
        reading.inventory.buckets.clear()
    if call in SOURCES:
        SOURCES[call].drop(reading.inventory)


def _give_up(reading: Reading, *, error: CloudError) -> None:
    for call in list(reading.open):
        _fail(reading, call=call, error=error)


# --- The object storage: bucket after bucket


def _object_steps(listing: Listing, gateway: Gateway) -> Iterator[Note]:
    store = gateway.object_store
    token = listing.token
    names = None if listing.buckets is None else list(listing.buckets)
    if names is None:
        names = store.buckets()
        yield partial(_note_buckets, names=names)
    for name in names:
        yield from _bucket_steps(name, token, gateway)
        token = ""


def _bucket_steps(name: str, token: str, gateway: Gateway) -> Iterator[Note]:
    seen = set()
    while True:
        try:
            page = gateway.object_store.objects(name, token)
        except (PermissionRefused, CallRefused, CloudAnswerInvalid) as error:  # of this bucket only
            yield partial(_note_bucket_failure, name=name, error=error)
            return
        yield partial(_note_objects, name=name, count=page.count, size=page.size, token=page.next_token)
        token = page.next_token
        if not token:
            return
        if token in seen:
            raise CloudAnswerInvalid(OBJECTS)  # it would go round for ever
        seen.add(token)


def _note_buckets(reading: Reading, *, names: list[str]) -> None:
    reading.listing.buckets = list(names)
    if not names:
        _close(reading, OBJECTS)


def _note_objects(reading: Reading, *, name: str, count: int, size: int, token: str) -> None:
    bucket = _bucket(reading, name)
    bucket.objects += count
    bucket.size += size
    reading.listing.token = token
    if not token:
        _next_bucket(reading)


def _note_bucket_failure(reading: Reading, *, name: str, error: CloudError) -> None:
    """Note a bucket that could not be listed: what was counted of it is no size, but the others are good."""
    bucket = _bucket(reading, name)
    bucket.objects, bucket.size, bucket.problem = 0, 0, error.code
    reading.inventory.missing.append(Missing.of(error, call=OBJECTS, detail=name))
    _next_bucket(reading)


def _bucket(reading: Reading, name: str) -> Bucket:
    """Return the bucket being listed, which is the last one, or begin it."""
    buckets = reading.inventory.buckets
    if not (buckets and buckets[-1].name == name):
        buckets.append(Bucket(name=name))
    return buckets[-1]


def _next_bucket(reading: Reading) -> None:
    reading.listing.token = ""
    reading.listing.buckets.pop(0)
    if not reading.listing.buckets:
        _close(reading, OBJECTS)
