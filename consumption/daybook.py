"""The kept days as rows of numbers, of which many questions at once can be answered.

``consumption.history`` answers one question with all that a page needs. Here everything that is kept of some
ledgers is read once (a number of queries that does not depend on how much is asked), and each question is a
choice of its rows, added day by day. Amounts are whole numbers of 10⁻¹⁰, before tax: they add exactly.
"""

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from consumption.daysheets import KeptDay, Numbers, Row, sheet_of
from consumption.meters import is_by_month
from consumption.models import DayState, Ledger, Meter, UsageDay
from consumption.periods import Period

UNREAD, FAILED, PARTIAL, PROVISIONAL, COMPLETE = range(5)
"""What is known of a day, worst first; those from ``PARTIAL`` on have figures."""

_CODES = {
    DayState.FAILED: FAILED,
    DayState.PARTIAL: PARTIAL,
    DayState.PROVISIONAL: PROVISIONAL,
    DayState.COMPLETE: COMPLETE,
}


@dataclass(frozen=True)
class Choice:
    """Which rows are added: those of some ledgers; an empty set of anything else leaves nothing out.

    ``unseen`` counts ledgers that belong to the question and are not in the book: every day lacks what is in
    them. ``with_linked``: what the accounts cost that are billed to those of the ledgers belongs to it, too.
    """

    ledgers: frozenset[int]
    currency: str
    accounts: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    services: frozenset[str] = frozenset()
    with_linked: bool = False
    unseen: int = 0


@dataclass(frozen=True)
class Series:
    """What the days of a period have cost of a choice: one number for each day.

    ``costs`` and ``by_month``, the part of it that is billed by the month, are whole numbers of 10⁻¹⁰;
    ``unpriced`` counts the lines without a price, ``states`` says what is known of each day.
    """

    period: Period
    costs: Numbers
    by_month: Numbers
    unpriced: Numbers
    states: Numbers

    def spent(self, period: Period) -> int:
        """Return what is known of the cost of a part of the period."""
        return self._sum(self._costs_before, period)

    def unpriced_lines(self, period: Period) -> int:
        """Return how many lines of a part of the period have no price; each day of each counts."""
        return self._sum(self._unpriced_before, period)

    def days_in(self, period: Period, state: int) -> int:
        """Return how many days of a part of the period are in a state."""
        return self._sum(self._days_before[state], period)

    def place_of(self, day: dt.date) -> int:
        """Return the place of a day; beyond the period that of its first day, or the one after its last."""
        return min(max((day - self.period.first).days, 0), self.period.length)

    def _sum(self, before: Numbers, period: Period) -> int:
        return int(before[self.place_of(period.end)] - before[self.place_of(period.first)])

    @cached_property
    def _costs_before(self) -> Numbers:
        return _running(self.costs)

    @cached_property
    def _unpriced_before(self) -> Numbers:
        return _running(self.unpriced)

    @cached_property
    def _days_before(self) -> list[Numbers]:
        return [_running((self.states == state).astype(np.int64)) for state in range(COMPLETE + 1)]


class Daybook:
    """What is kept of some ledgers in a period."""

    def __init__(self, ledgers: Iterable[Ledger], period: Period) -> None:
        """Read everything (four queries at most)."""
        self.ledgers = {ledger.pk: ledger for ledger in ledgers}
        self.period = period
        self._days = {pk: _LedgerDays(period) for pk in self.ledgers}
        self._sheet = sheet_of(self._read_days(), period)
        self._meters = Meter.objects.in_bulk({row.meter for row in self._sheet.rows})
        self._by_month = {pk for pk, meter in self._meters.items() if is_by_month(meter.key)}

    def currencies(self, ledger: int) -> set[str]:
        """Return the currencies in which the days of a ledger are billed; none while none has figures."""
        return set(self._days[ledger].currencies) - {""}

    def series(self, choice: Choice) -> Series:
        """Return what the days have cost of a choice.

        A day that is billed in another currency than that of the choice has no figures in it.
        """
        sheet = self._sheet
        costs, by_month, unpriced = (np.zeros(self.period.length, sheet.costs.dtype) for _ in range(3))
        for pk in choice.ledgers:
            billed = self._days[pk].is_billed_in(choice.currency)
            rows = [place for place in sheet.places.get(pk, ()) if self._belongs(sheet.rows[place], choice)]
            monthly = [place for place in rows if sheet.rows[place].meter in self._by_month]
            costs += sheet.costs[rows].sum(axis=0) * billed
            by_month += sheet.costs[monthly].sum(axis=0) * billed
            unpriced += sheet.unpriced[rows].sum(axis=0) * billed
        return Series(self.period, costs, by_month, unpriced, self._states(choice))

    def _belongs(self, row: Row, choice: Choice) -> bool:
        meter = self._meters[row.meter]
        own = self.ledgers[row.ledger].account_id
        return (
            (
                row.account_id in choice.accounts
                if choice.accounts
                else choice.with_linked or row.account_id == own
            )
            and (not choice.categories or meter.category in choice.categories)
            and (not choice.services or meter.service in choice.services)
        )

    def _states(self, choice: Choice) -> Numbers:
        """Return what is known of each day in all ledgers: the worst, but figures of some are figures."""
        known = [self._days[pk].states(choice) for pk in sorted(choice.ledgers)]
        known += [np.full(self.period.length, UNREAD)] * choice.unseen
        if not known:
            return np.full(self.period.length, UNREAD)
        worst, best = np.min(known, axis=0), np.max(known, axis=0)
        return np.where((worst < PARTIAL) & (best >= PARTIAL), PARTIAL, worst)

    def _read_days(self) -> Iterator[KeptDay]:
        """Read what is known of each day, and yield those that have figures."""
        rows = UsageDay.objects.filter(
            ledger__in=self.ledgers, day__gte=self.period.first, day__lt=self.period.end
        )
        columns = ("pk", "ledger_id", "day", "read_at", "state", "currency", "with_linked")
        for pk, ledger, day, read_at, *facts in rows.values_list(*columns):
            self._days[ledger].note((day - self.period.first).days, *facts)
            if read_at is not None:
                yield KeptDay(pk, ledger, day, read_at)


class _LedgerDays:
    """What is known of each day of a ledger, and in which currency it is billed."""

    def __init__(self, period: Period) -> None:
        self._states = np.full(period.length, UNREAD)
        self._has_linked = np.zeros(period.length, bool)
        self._currency = np.zeros(period.length, np.int64)
        self.currencies = [""]

    def note(self, place: int, state: str, currency: str, with_linked: bool) -> None:
        """Note what a row of the ledger says of a day."""
        if currency not in self.currencies:
            self.currencies.append(currency)
        self._states[place] = _CODES[DayState(state)]
        self._has_linked[place] = with_linked
        self._currency[place] = self.currencies.index(currency)

    def is_billed_in(self, currency: str) -> Numbers:
        """Tell of each day whether it is billed in a currency."""
        if currency not in self.currencies:
            return np.zeros(len(self._states), bool)
        return self._currency == self.currencies.index(currency)

    def states(self, choice: Choice) -> Numbers:
        """Return what is known of each day, of what a choice asks."""
        found = np.where(self.is_billed_in(choice.currency), self._states, np.minimum(self._states, FAILED))
        if choice.with_linked:
            found = np.where(self._has_linked, found, np.minimum(found, PARTIAL))
        return found


def _running(numbers: Numbers) -> Numbers:
    """Return the sums of all numbers before each place, and of all at the end."""
    return np.concatenate([np.zeros(1, numbers.dtype), np.cumsum(numbers)])
