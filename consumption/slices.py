"""One slice of reading the history: days asked of the cloud, several at once, and kept as they come."""

import datetime as dt
import logging
import math
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextvars import copy_context

from django.conf import settings

from accounts import changes, standing
from accounts.errors import (
    AuthenticationRefused,
    CallRefused,
    CloudAnswerInvalid,
    CloudError,
    CloudUnavailable,
    KeyLocked,
    PermissionRefused,
)
from accounts.gateway import Gateway
from consumption import keeping
from consumption.entries import CALL, Answer, answer_of
from consumption.keeping import ReadDay
from consumption.models import Ledger, LedgerReader
from costs.snapshots import reader_of

logger = logging.getLogger(__name__)

GRACE_SECONDS = 1.0
"""How long what is under way at the end of a slice is waited for."""

LEAST_PATIENCE_SECONDS = 0.3

MOST_FAILURES_IN_A_ROW = 3
"""After so many days that could not be read, one after another, the cloud is left alone for now."""

MOST_AT_ONCE = 5
"""How many calls are under way at most: as many as the usual rate starts in a second."""

KEPT_AT_ONCE = 10
"""So many days are kept in one transaction: it costs hardly more than one day."""


class Slice:
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
                    asked[workers.submit(copy_context().run, self._ask, day)] = day
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
        changes.note(changes.of_place(self._ledger.place))

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
