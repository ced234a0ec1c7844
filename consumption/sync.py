"""How the history is read from the cloud: one call a day, in slices of time, each day kept at once.

The past does not change, so each day is read once; the last days, which can still grow, are read again. A
reading can be left after any slice and taken up by any process: what is still to read stands in the ledger.
The key comes with each request and is never kept.
"""

import datetime as dt
import logging
import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.utils import timezone

from accounts import standing
from accounts.errors import (
    AuthenticationRefused,
    CallRefused,
    CloudAnswerInvalid,
    CloudError,
    CloudUnavailable,
    KeyLocked,
    PermissionRefused,
    Throttled,
)
from accounts.gateway import Gateway
from accounts.retrying import DEADLINE_FACTOR
from consumption import keeping
from consumption.entries import CALL, Answer, answer_of
from consumption.keeping import ReadDay
from consumption.models import DayState, Ledger, LedgerReader, UsageDay
from costs.snapshots import reader_of

logger = logging.getLogger(__name__)

SLICE_SECONDS = 1.0
"""How long a slice of a page begins new calls; with the grace for those under way it takes two seconds."""

GRACE_SECONDS = 1.0

LEAST_PATIENCE_SECONDS = 0.3

LONGEST_SLICE = 20.0

RETRY_FAILED_AFTER = dt.timedelta(minutes=10)
"""A day that failed is not asked for again by itself for so long; a person may."""

PROVEN_FOR = dt.timedelta(hours=24)
"""For how long a key that the cloud has answered may see what is kept, without another answer."""

MOST_FAILURES_IN_A_ROW = 3
"""After so many days that could not be read, one after another, the cloud is left alone for now."""

MOST_AT_ONCE = 5
"""How many calls are under way at most: as many as the usual rate starts in a second."""

KEPT_AT_ONCE = 10
"""So many days are kept in one transaction: it costs hardly more than one day."""

_GOES_ON_AFTER_SECONDS = 5


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
    readers = LedgerReader.objects.filter(ledger=ledger, reader=reader_of(access_key))
    return ledger is not None and readers.filter(refusal="", answered_at__gt=at - PROVEN_FOR).exists()


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
    facts = rows.values_list("day", "state", "reason", "tried_at", "with_linked", named=True)
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
    return not row.reason or again or at - row.tried_at >= RETRY_FAILED_AFTER


def _is_due(row: Any, at: dt.datetime, *, again: bool) -> bool:
    if row.state == DayState.COMPLETE:
        return False
    if again and (row.reason or row.state == DayState.FAILED):
        return True
    if row.state == DayState.FAILED and row.reason != keeping.NOT_CONSOLIDATED:
        return at - row.tried_at >= RETRY_FAILED_AFTER
    return at - row.tried_at >= dt.timedelta(minutes=settings.CONSUMPTION_TTL_MINUTES)


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

    ``end`` is today at the latest. A key that was not answered lately is proven with the newest day, even if
    that is kept. While somebody else reads this ledger, nothing is read twice. Raises the cloud's error when
    it refused the key itself (``AuthenticationRefused``, ``KeyLocked``) or may not read the consumption
    (``PermissionRefused``).
    """
    standing.check(gateway.access_key, call=CALL)
    ledger, _is_new = Ledger.objects.get_or_create(
        account_id=gateway.account_id, region=gateway.region, defaults={"claimed_until": at}
    )
    wants = {"with_linked": with_linked, "again": again}
    due = days_to_read(ledger, first, end, at=at, **wants)
    if not due and not may_see(ledger, gateway.access_key, at):
        due = [end - dt.timedelta(days=1)]
    if not due:
        return Progress(first, end, [])
    if not _claim(ledger, at):
        return Progress(first, end, due, is_ours=False)
    with_linked = with_linked or UsageDay.objects.filter(ledger=ledger, with_linked=True).exists()
    reading = _Slice(gateway, ledger, at, with_linked=with_linked)
    begun = time.monotonic()
    try:
        reading.read(due, seconds=min(seconds, LONGEST_SLICE))
    finally:
        Ledger.objects.filter(pk=ledger.pk).update(
            claimed_until=timezone.now(),
            is_paying=ledger.is_paying,
            paying_account_id=ledger.paying_account_id,
        )
    if isinstance(reading.problem, AuthenticationRefused | KeyLocked | PermissionRefused):
        raise reading.problem
    return Progress(
        first,
        end,
        [day for day in due if day not in reading.through],
        read=sorted(reading.kept, reverse=True),
        seconds=time.monotonic() - begun,
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


def _claim(ledger: Ledger, at: dt.datetime) -> bool:
    """Claim the ledger for as long as a slice can take; answer False when somebody else has it."""
    longest = LONGEST_SLICE + DEADLINE_FACTOR * settings.OUTSCALE_TIMEOUT_SECONDS + 5
    free = Ledger.objects.filter(pk=ledger.pk, claimed_until__lte=at)
    return bool(free.update(claimed_until=at + dt.timedelta(seconds=longest)))


class _Slice:
    """One slice of reading: its workers ask the cloud, the thread that owns it keeps what they bring."""

    def __init__(self, gateway: Gateway, ledger: Ledger, at: dt.datetime, *, with_linked: bool) -> None:
        self._gateway = gateway
        self._ledger = ledger
        self._at = at
        self._with_linked = with_linked
        self._failures_in_a_row = 0
        self._answered: list[ReadDay] = []
        self.kept: set[dt.date] = set()
        self.failed: set[dt.date] = set()
        self.problem: CloudError | None = None
        self.failure: CloudError | None = None

    @property
    def through(self) -> set[dt.date]:
        """The days that were read, or noted as failed."""
        return self.kept | self.failed

    @property
    def _has_gained(self) -> bool:
        return bool(self.through) or self.problem is not None

    def read(self, due: Sequence[dt.date], *, seconds: float) -> None:
        """Ask for days one after another, several at once, until the time is over or the cloud has enough.

        The first day is asked for alone while the key is not proven. At least one answer is waited for; what
        is under way when the time is over is given ``GRACE_SECONDS`` more.
        """
        at_once = max(1, min(MOST_AT_ONCE, math.ceil(settings.OUTSCALE_REQUESTS_PER_SECOND)))
        workers = ThreadPoolExecutor(at_once, thread_name_prefix="consumption")
        until = time.monotonic() + seconds
        waiting, asked = deque(due), dict[Future[ReadDay], dt.date]()
        try:
            while True:
                is_proven = self._has_gained or standing.is_accepted(self._gateway.access_key)
                # Some wait for a worker, so that none is idle while this thread keeps days.
                room = 2 * at_once if is_proven else 1
                while waiting and len(asked) < room and self._may_begin(until):
                    day = waiting.popleft()
                    asked[workers.submit(self._ask, day)] = day
                if not self._may_begin(until):
                    asked = {future: day for future, day in asked.items() if not future.cancel()}
                if not asked:
                    break
                patience = None
                if self._has_gained:  # an answer that came late has others close behind
                    patience = max(LEAST_PATIENCE_SECONDS, until + GRACE_SECONDS - time.monotonic())
                done, _rest = wait(asked, patience, FIRST_COMPLETED)
                if not done:
                    break
                self._take({asked.pop(future): future for future in done})
            self._keep()
        finally:
            workers.shutdown(wait=False, cancel_futures=True)

    def _may_begin(self, until: float) -> bool:
        return self.problem is None and (not self._has_gained or time.monotonic() < until)

    def _ask(self, day: dt.date) -> ReadDay:
        """Ask the cloud for a day, with the accounts billed to this one where they are wanted.

        An account that is billed to another one is answered an empty list when it asks for them (OUTSCALE
        ReadConsumptionAccount), so it then asks for itself alone.
        """
        if self._with_linked:
            answer = self._answer(day, overall=True)
            if answer.entries or answer.unreadable_count or self._ledger.is_paying:
                return ReadDay(day, answer, with_linked=True)
        return ReadDay(day, self._answer(day, overall=False), with_linked=self._with_linked)

    def _answer(self, day: dt.date, *, overall: bool) -> Answer:
        fields = self._gateway.read_raw(
            CALL,
            FromDate=day.isoformat(),
            ToDate=(day + dt.timedelta(days=1)).isoformat(),
            Overall=overall,
            ShowPrice=True,
            ShowResourceDetails=True,
        )
        return answer_of(fields)

    def _take(self, done: dict[dt.date, Future[ReadDay]]) -> None:
        """Take the days that were answered, and judge the errors of the others."""
        for day, future in done.items():
            try:
                self._answered.append(future.result())
            except CloudError as error:
                logger.info("consumption of %s not read: %s", day, error)
                self._note_error(day, error)
            else:
                self._failures_in_a_row = 0
        if len(self._answered) >= KEPT_AT_ONCE or not self.kept:
            self._keep()

    def _keep(self) -> None:
        """Keep what was answered; the first answer of a slice proves the key."""
        answered, self._answered = self._answered, []
        if not answered:
            return
        self._learn_who_pays(answered)
        keeping.keep(self._ledger, answered, at=self._at)
        if not self.kept:
            self._note_reader(refusal="")
            standing.note_accepted(self._gateway.access_key)
        self.kept |= {one.day for one in answered}

    def _note_error(self, day: dt.date, error: CloudError) -> None:
        if isinstance(error, AuthenticationRefused | KeyLocked):
            standing.note_refused(self._gateway.access_key, error)
        if isinstance(error, AuthenticationRefused | PermissionRefused):
            self._note_reader(refusal=error.code)
        if isinstance(error, CallRefused | CloudAnswerInvalid | CloudUnavailable):
            keeping.note_failure(self._ledger, day, error, at=self._at)
            self.failed.add(day)
            if isinstance(error, CallRefused) and keeping.is_provisional(day, self._at):
                return  # only too early: the days before may be there
            self.failure = error
            self._failures_in_a_row += 1
            if self._failures_in_a_row < MOST_FAILURES_IN_A_ROW:
                return
        self.problem = error

    def _note_reader(self, *, refusal: str) -> None:
        LedgerReader.objects.update_or_create(
            ledger=self._ledger,
            reader=reader_of(self._gateway.access_key),
            defaults={"answered_at": self._at, "refusal": refusal},
        )

    def _learn_who_pays(self, answered: Sequence[ReadDay]) -> None:
        """Note whether this account pays for itself, or who does, which its own entries say."""
        own = self._ledger.account_id
        payers = {
            entry.paying_account_id
            for one in answered
            for entry in one.answer.entries
            if entry.account_id == own and entry.paying_account_id
        }
        if payers:
            self._ledger.is_paying = own in payers
            self._ledger.paying_account_id = own if own in payers else min(payers)
