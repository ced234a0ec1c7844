"""How the tags of resources are read from the cloud: beside the days of consumption, and never in their way.

They come from ReadTags, page by page. A slice that ends before the last page leaves what it has read for the
next one; only what was read to its end is noted. The last stored reading of the current cost tells the tags
of kinds that ReadTags does not list, such as load balancers, or of all where ReadTags gives no answer.
"""

import datetime as dt
import logging
import math
import re
import time
import zlib
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from threading import Event

import msgspec
from django.conf import settings
from django.core.cache import cache

from accounts import changes, standing
from accounts.errors import (
    AuthenticationRefused,
    CloudAnswerInvalid,
    CloudError,
    CloudTimeout,
    KeyLocked,
    PermissionRefused,
)
from accounts.gateway import Gateway
from accounts.transport import exact_list
from consumption.entries import LONGEST_RESOURCE_ID
from consumption.models import Ledger, LedgerReader
from consumption.tagmodels import LONGEST_TAG
from consumption.tags import Seen, last_read, note_tags
from costs import snapshots
from costs.inventory import ResourceType, is_nameless
from costs.models import CostSnapshot
from costs.reading import MOST_PAGES
from costs.snapshots import reader_of

logger = logging.getLogger(__name__)

CALL = "ReadTags"

KINDS = {
    "instance": ResourceType.VM,
    "volume": ResourceType.VOLUME,
    "snapshot": ResourceType.SNAPSHOT,
    "public-ip": ResourceType.PUBLIC_IP,
    "natgateway": ResourceType.NAT_SERVICE,
    "vpn-connection": ResourceType.VPN_CONNECTION,
    "flexible-gpu": ResourceType.FLEXIBLE_GPU,
}
"""The kinds of resource that ReadTags is asked for, by OUTSCALE's own names: those that cost something."""

LEAST_PATIENCE_SECONDS = 0.9
"""A cloud that has not given a page for so long has failed; in less time nothing is found out."""

_KEPT_SECONDS = 3600
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")  # PostgreSQL keeps neither
_OF_ONE_KEY = {error.code for error in (AuthenticationRefused, KeyLocked, PermissionRefused)}


class Tag(msgspec.Struct, rename="pascal", gc=False):
    """One tag of the answer; OUTSCALE allows an empty value."""

    key: str
    resource_id: str
    resource_type: str
    value: str | None = None


def is_due(ledger: Ledger, access_key: str, at: dt.datetime, *, is_patient: bool = False) -> bool:
    """Tell whether the tags are to be read: not again within the setting, unless another key was refused.

    Who is patient also tries what was too slow for others.
    """
    tried_at = ledger.tags_tried_at
    if tried_at is None or at - tried_at >= dt.timedelta(minutes=settings.CONSUMPTION_TTL_MINUTES):
        return True
    if is_patient and ledger.tags_refusal == CloudTimeout.code:
        return True
    return ledger.tags_refusal in _OF_ONE_KEY and ledger.tags_tried_by != reader_of(access_key)


@dataclass
class _Pages:
    """The pages read so far, compressed, and the token that each ended with: that of the next page."""

    pages: list[bytes] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)

    def add(self, page: bytes, token: str) -> None:
        """Add a page; raise ``CloudAnswerInvalid`` when there is no end of them."""
        if token in self.tokens or len(self.tokens) > MOST_PAGES:
            raise CloudAnswerInvalid(CALL)
        self.pages.append(zlib.compress(page, 1))
        self.tokens.append(token)

    @property
    def are_whole(self) -> bool:
        """Tell whether the last page is among them."""
        return self.tokens[-1:] == [""]

    def read(self) -> "_Pages":
        """Return what has been added so far, while another thread adds more."""
        tokens = self.tokens[:]
        return _Pages(self.pages[: len(tokens)], tokens)


class TagReader:
    """Reads the tags of a ledger in a thread of its own, as far as they are due at the moment ``at``.

    It is a context manager, at the end of which nothing more is asked. The thread asks the cloud; the one
    that owns the reader notes what it brings.
    """

    def __init__(
        self, gateway: Gateway, ledger: Ledger, at: dt.datetime, *, is_patient: bool = False
    ) -> None:
        self._gateway = gateway
        self._ledger = ledger
        self._at = at
        self._is_due = is_due(ledger, gateway.access_key, at, is_patient=is_patient)
        self._stop = Event()
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="tags")
        self._begun_at = 0.0
        self._answer: Future[None] | None = None

    def __enter__(self) -> "TagReader":
        """Begin at once with a key that the cloud has accepted lately."""
        if self._is_due and standing.is_accepted(self._gateway.access_key):
            self.begin()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._worker.shutdown(wait=False, cancel_futures=True)

    def begin(self) -> None:
        """Begin, unless that is done already; only with a key that the cloud has answered."""
        if not self._is_due or self._answer is not None:
            return
        self._pages = cache.get(self._name) or _Pages()
        self._had = len(self._pages.tokens)
        self._begun_at = time.monotonic()
        self._answer = self._worker.submit(copy_context().run, self._read)

    def take(self, until: float) -> None:
        """Wait for the tags until a moment (``time.monotonic``), and note them once they are read to the end.

        Raises nothing of the cloud's: what kept the tags from being read is noted in the ledger.
        """
        if self._answer is None:
            return
        left = until - time.monotonic()
        try:
            self._answer.result(None if left == math.inf else max(0.0, left))
            self._note(_seen(self._pages))
        except TimeoutError:
            self._leave()
        except CloudError as error:
            self._note_failure(error)

    def _read(self) -> None:
        """Read page after page, until the last one or until nobody waits any more."""
        pages = self._pages
        while not (pages.are_whole or self._stop.is_set()):
            token = pages.tokens[-1] if pages.tokens else ""
            page, following = self._gateway.read_page(
                CALL, "Tags", token=token, Filters={"ResourceTypes": list(KINDS)}
            )
            pages.add(bytes(page), following)

    @property
    def _name(self) -> str:
        """The name of pages that wait for the next slice; those of yesterday are no reading of today."""
        return f"tags-under-way:{self._ledger.pk}:{self._at.astimezone(dt.UTC).date()}"

    def _leave(self) -> None:
        """Leave the pages that were read to the next slice; when there are none, the cloud is too slow."""
        read = self._pages.read()
        if len(read.tokens) > self._had:
            cache.set(self._name, read, _KEPT_SECONDS)
        elif time.monotonic() - self._begun_at >= LEAST_PATIENCE_SECONDS:
            self._note_failure(CloudTimeout(CALL))

    def _note(self, seen: Seen) -> None:
        note_tags(ledger=self._ledger, seen=seen, at=self._at)
        self._note_try(refusal="", tags_read_at=self._at)

    def _note_failure(self, error: CloudError) -> None:
        logger.info("tags not read: %s", error)
        if isinstance(error, AuthenticationRefused | KeyLocked):
            standing.note_refused(self._gateway.access_key, error)
        self._note_try(refusal=error.code)

    def _note_try(self, *, refusal: str, **facts: dt.datetime) -> None:
        cache.delete(self._name)
        note_inventory(self._ledger)
        Ledger.objects.filter(pk=self._ledger.pk).update(
            tags_tried_at=self._at,
            tags_tried_by=reader_of(self._gateway.access_key),
            tags_refusal=refusal,
            **facts,
        )
        changes.note(changes.of_place(self._ledger.place))


def read_through(gateway: Gateway, ledger: Ledger, *, at: dt.datetime, seconds: float) -> None:
    """Read the tags to their end, for ``seconds`` at most, where they are due and the slices were too short.

    Only for a key that the cloud has answered. Raises nothing of the cloud's, as ``TagReader.take``.
    """
    with TagReader(gateway, ledger, at, is_patient=True) as tags:
        tags.begin()
        tags.take(time.monotonic() + seconds)


def note_inventory(ledger: Ledger) -> None:
    """Note the tags that the last stored reading of the current cost tells, of kinds not read since.

    Only readings of keys count that the cloud has let read this ledger.
    """
    readers = LedgerReader.objects.filter(ledger=ledger, refusal="").values("reader")
    readings = CostSnapshot.objects.of(ledger.account_id, ledger.region).filter(reader__in=readers)
    stored = readings.newest_first().first()
    told = last_read(ledger)
    kinds = {
        kind
        for kind in (stored.known_kinds or [] if stored else [])
        if kind not in told or told[kind] < stored.taken_at
    }
    if not kinds:
        return
    found = [
        Tag(key, line.resource_id, line.resource_type, value)
        for line in snapshots.read(stored).lines
        if line.resource_type in kinds and not is_nameless(line.resource_id)
        for key, value in line.tags.items()
    ]
    kinds -= {tag.resource_type for tag in found if not _is_sound(tag)}
    tags = {(tag.resource_id, tag.key): (str(tag.resource_type), tag.value) for tag in found}
    note_tags(ledger=ledger, seen=Seen(frozenset(kinds), tags), at=stored.taken_at)


def _seen(pages: _Pages) -> Seen:
    """Return what the pages of a whole answer say; raise ``CloudAnswerInvalid`` when it is not understood."""
    tags = {}
    for page in pages.pages:
        for tag in _tags_in(zlib.decompress(page)):
            if not _is_sound(tag):
                raise CloudAnswerInvalid(CALL)
            if kind := KINDS.get(tag.resource_type):
                tags[tag.resource_id, tag.key] = (kind.value, tag.value or "")
    return Seen(frozenset(kind.value for kind in KINDS.values()), tags)


def _tags_in(page: bytes) -> Iterable[Tag]:
    try:
        return _decoder.decode(page)
    except (ValueError, RecursionError):  # halves of surrogate pairs, which msgspec refuses, become marks
        try:
            return msgspec.convert(exact_list(page), list[Tag])
        except ValueError as error:
            raise CloudAnswerInvalid(CALL) from error


_decoder = msgspec.json.Decoder(list[Tag])


def _is_sound(tag: Tag) -> bool:
    """Tell whether a tag can be kept."""
    texts = (tag.key, tag.resource_id, tag.value or "")
    return (
        0 < len(tag.key) <= LONGEST_TAG
        and 0 < len(tag.resource_id) <= LONGEST_RESOURCE_ID
        and len(texts[2]) <= LONGEST_TAG
        and not any(map(_UNSTORABLE.search, texts))
    )
