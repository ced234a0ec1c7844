"""How the history is read from the cloud: one call a day, in slices of time, each day kept at once.

The past does not change, so each day is read once; the last days, which can still grow, are read again. A
reading can be left after any slice and taken up by any process: what is still to read stands in the ledger.
The key comes with each request and is never kept.
"""

import datetime as dt
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db.models import Case, DateTimeField, F, Value, When
from django.db.models.functions import Now
from django.utils import timezone
from prometheus_client import Counter

from accounts import changes, standing
from accounts.errors import AuthenticationRefused, CloudError, KeyLocked, PermissionRefused, Throttled
from accounts.gateway import Gateway
from accounts.retrying import DEADLINE_FACTOR
from consumption import keeping, tagreading
from consumption.entries import CALL
from consumption.models import DayState, Ledger, LedgerReader, UsageDay
from consumption.slices import GRACE_SECONDS, Slice
from consumption.tagreading import TagReader
from costs.snapshots import reader_of

SLICE_SECONDS = 1.0
"""How long a slice of a page begins new calls; with the grace for those under way it takes two seconds."""

LONGEST_SLICE = 20.0

RETRY_FAILED_AFTER = dt.timedelta(minutes=10)
"""A day that failed is not asked for again by itself for so long; a person may."""

PROVEN_FOR = dt.timedelta(hours=24)
"""For how long a key that the cloud has answered may see what is kept, without another answer."""

_GOES_ON_AFTER_SECONDS = 5

_DAYS = Counter(
    "osc_finops_ledger_days",
    "Days that a reading of the history wanted: kept already, or read from the cloud.",
    ["source"],
)
_REFUSALS = AuthenticationRefused | KeyLocked | PermissionRefused


@dataclass(frozen=True)
class Progress:
    """How far the days of ``[first, end)`` are read.

    ``left`` are the days still to be asked for, newest first, ``read`` those of this slice. ``is_ours`` is
    false while somebody else reads. ``problem`` is why the slice ended before its time, if it did, and
    ``failure`` why a day of it could not be read.
    """

    first: dt.date
    end: dt.date
    left: list[dt.date]
    read: list[dt.date] = field(default_factory=list)
    is_ours: bool = True
    seconds: float = 0.0
    problem: CloudError | None = None
    failure: CloudError | None = None

    @property
    def total(self) -> int:
        """How many days there are."""
        return (self.end - self.first).days

    @property
    def done(self) -> int:
        """How many of them need no call any more."""
        return self.total - len(self.left)

    @property
    def seconds_left(self) -> int | None:
        """How long the rest takes at the pace of this slice; None when nothing was read in it."""
        if not self.read:
            return None
        return math.ceil(len(self.left) * self.seconds / len(self.read))

    @property
    def goes_on(self) -> bool:
        """Tell whether asking again may read more: days are left, and nothing final is in the way."""
        return bool(self.left) and (self.problem is None or isinstance(self.problem, Throttled))

    @property
    def goes_on_after(self) -> int:
        """After how many seconds to ask again."""
        if self.problem is not None:
            return self.problem.retry_after or _GOES_ON_AFTER_SECONDS
        return 0 if self.is_ours else 1


def ledger_of(account_id: str, region: str) -> Ledger | None:
    """Return the ledger of an account in a region, None before anything was read."""
    return Ledger.objects.of(account_id, region).first()


def may_see(ledger: Ledger | None, access_key: str, at: dt.datetime) -> bool:
    """Tell whether the cloud has lately answered this key: only then it is shown what is kept."""
    if ledger is None:
        return False
    reader = LedgerReader.objects.filter(ledger=ledger, reader=reader_of(access_key)).first()
    return reader is not None and is_proven(reader, at)


def is_proven(reader: LedgerReader, at: dt.datetime) -> bool:
    """Tell whether the cloud has lately answered the key for which ``reader`` stands, and not refused it."""
    return not reader.refusal and reader.answered_at > at - PROVEN_FOR


def days_to_read(
    ledger: Ledger | None,
    first: dt.date,
    end: dt.date,
    *,
    at: dt.datetime,
    with_linked: bool = False,
    again: bool = False,
) -> list[dt.date]:
    """Return the days of ``[first, end)`` that must be asked for, newest first.

    A day is asked for when it was never read, when it is not final and its reading is older than the setting,
    when it failed a while ago (with ``again`` at once), or when linked accounts are wanted and missing in it.
    """
    rows = UsageDay.objects.filter(ledger=ledger, day__gte=first, day__lt=end)
    final = When(state=DayState.COMPLETE, reason="", then=Value(None))  # when it was tried does not matter
    tried_at = Case(final, default=F("tried_at"), output_field=DateTimeField())
    rows = rows.annotate(last_tried=tried_at)
    facts = rows.values_list("day", "state", "reason", "last_tried", "with_linked", named=True)
    kept = {row.day: row for row in facts}
    days = (end - dt.timedelta(days=back) for back in range(1, (end - first).days + 1))
    return [
        day
        for day in days
        if day not in kept
        or _is_due(kept[day], at, again=again)
        or (with_linked and _lacks_linked(kept[day], at, again=again))
    ]


def _lacks_linked(row: Any, at: dt.datetime, *, again: bool) -> bool:
    """Tell whether the linked accounts of a day are to be asked for; not again at once when that failed."""
    if row.with_linked or row.state == DayState.FAILED:
        return False
    return not row.reason or again or at - row.last_tried >= RETRY_FAILED_AFTER


def _is_due(row: Any, at: dt.datetime, *, again: bool) -> bool:
    if row.state == DayState.COMPLETE:
        return False
    if again and (row.reason or row.state == DayState.FAILED):
        return True
    if row.state == DayState.FAILED and row.reason != keeping.NOT_CONSOLIDATED:
        return at - row.last_tried >= RETRY_FAILED_AFTER
    return at - row.last_tried >= dt.timedelta(minutes=settings.CONSUMPTION_TTL_MINUTES)


def read_on(
    gateway: Gateway,
    *,
    first: dt.date,
    end: dt.date,
    at: dt.datetime,
    seconds: float = SLICE_SECONDS,
    with_linked: bool = False,
    again: bool = False,
) -> Progress:
    """Read days of ``[first, end)`` for ``seconds``, keep each as it comes, and return how far it is.

    The tags of the resources are read beside them (``consumption.tagreading``), when they are due.
    ``end`` is today at the latest. A key that was not answered lately is proven with the newest day, even if
    that is kept. While somebody else reads this ledger, nothing is read twice. Raises the cloud's error when
    it refused the key itself (``AuthenticationRefused``, ``KeyLocked``) or may not read the consumption
    (``PermissionRefused``).
    """
    standing.check(gateway.access_key, call=CALL)
    ledger, _is_new = Ledger.objects.get_or_create(
        account_id=gateway.account_id, region=gateway.region, defaults={"claimed_until": Now()}
    )
    wants = {"with_linked": with_linked, "again": again}
    due = days_to_read(ledger, first, end, at=at, **wants)
    _DAYS.labels("kept").inc(max(0, (end - first).days - len(due)))
    if not due and not may_see(ledger, gateway.access_key, at):
        due = [end - dt.timedelta(days=1)]
    if not due and not tagreading.is_due(ledger, gateway.access_key, at):
        return Progress(first, end, [])
    with_linked = with_linked or UsageDay.objects.filter(ledger=ledger, with_linked=True).exists()
    claim = _claim(ledger, min(seconds, LONGEST_SLICE), calls_of_a_day=2 if with_linked else 1)
    if claim is None:
        return Progress(first, end, due, is_ours=not due)
    reading = Slice(gateway, ledger, at, with_linked=with_linked)
    begun = time.monotonic()
    try:
        with TagReader(gateway, ledger, at) as tags:
            reading.read(due, seconds=min(seconds, LONGEST_SLICE))
            spent = time.monotonic() - begun
            if reading.kept or not due:
                tags.begin()
            if not isinstance(reading.problem, _REFUSALS):
                tags.take(begun + min(seconds, LONGEST_SLICE) + GRACE_SECONDS)
    finally:
        _release(ledger, claim)
    _DAYS.labels("cloud").inc(len(reading.kept))
    if isinstance(reading.problem, _REFUSALS):
        raise reading.problem
    return Progress(
        first,
        end,
        [day for day in due if day not in reading.through],
        read=sorted(reading.kept, reverse=True),
        seconds=spent,
        problem=reading.problem,
        failure=reading.failure,
    )


def read_all(
    gateway: Gateway,
    *,
    first: dt.date,
    end: dt.date,
    seconds: float = math.inf,
    with_linked: bool = False,
    again: bool = False,
    tell: Callable[[Progress], None] = lambda _progress: None,
) -> Progress:
    """Read the days of ``[first, end)`` slice after slice, for ``seconds`` at most; ``tell`` hears of each.

    Returns how far it came. Raises as ``read_on`` does.
    """
    until = time.monotonic() + seconds
    while True:
        left = max(0.0, until - time.monotonic())
        progress = read_on(
            gateway,
            first=first,
            end=end,
            at=timezone.now(),
            seconds=min(left, 2 * SLICE_SECONDS),
            with_linked=with_linked,
            again=again,
        )
        tell(progress)
        again = False  # once is enough: what fails again waits
        if not progress.goes_on or time.monotonic() + progress.goes_on_after >= until:
            return progress
        time.sleep(progress.goes_on_after)


def _claim(ledger: Ledger, seconds: float, *, calls_of_a_day: int) -> dt.datetime | None:
    """Claim the ledger for as long as a slice of ``seconds`` can take, and return until when.

    None when it is claimed already. What was begun in time is waited for; the calls of a day follow each
    other. Whoever else has claimed it may be on another host, whose clock differs: that of the database is
    one for all.
    """
    last_day = calls_of_a_day * DEADLINE_FACTOR * settings.OUTSCALE_TIMEOUT_SECONDS
    longest = dt.timedelta(seconds=seconds + last_day + 5)
    mine = Ledger.objects.filter(pk=ledger.pk)
    if not mine.filter(claimed_until__lte=Now()).update(claimed_until=Now() + longest):
        return None
    return mine.values_list("claimed_until", flat=True).get()


def _release(ledger: Ledger, claim: dt.datetime) -> None:
    """End a claim, unless it is somebody else's by now, and keep what was learnt of who pays."""
    mine = Ledger.objects.filter(pk=ledger.pk)
    mine.filter(claimed_until=claim).update(claimed_until=Now())
    mine.update(is_paying=ledger.is_paying, paying_account_id=ledger.paying_account_id)
    changes.note(changes.of_place(ledger.place))
