"""The kept days as rows of numbers, of which many questions at once can be answered.

``consumption.history`` answers one question with all that a page needs. Here everything that is kept of some
ledgers is read once (a number of queries that does not depend on how much is asked), and each question is a
choice of its rows, added day by day. Amounts are whole numbers of 10⁻¹⁰, before tax: they add exactly.
"""

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from hashlib import sha256
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from consumption.daysheets import KeptDay, Numbers, Row, sheet_of
from consumption.linked import accounts_by_region, counts_here
from consumption.meters import is_by_month
from consumption.models import DayState, Ledger, Meter, UsageDay
from consumption.periods import Period
from consumption.remembering import Memory
from consumption.tagged import Condition, TaggedRun, tagged_runs
from consumption.tagreading import KINDS
from consumption.tags import last_readings

UNREAD, FAILED, PARTIAL, PROVISIONAL, COMPLETE = range(5)
"""What is known of a day, worst first; those from ``PARTIAL`` on have figures."""

_CODES = {
    DayState.FAILED: FAILED,
    DayState.PARTIAL: PARTIAL,
    DayState.PROVISIONAL: PROVISIONAL,
    DayState.COMPLETE: COMPLETE,
}
_TAGGED = Memory("tagged-days", version=2)


class _Sums(NamedTuple):
    """A number for each day, as in ``Series``."""

    costs: Numbers
    by_month: Numbers
    unpriced: Numbers


@dataclass(frozen=True)
class Choice:
    """Which rows are added: those of some ledgers; an empty set of anything else leaves nothing out.

    ``tags`` are what the resources carry (``consumption.tagged.Condition``): where no tags were read, nothing
    is known, and where some were not, or not since, a day is partial. Of a linked account they are known
    where its own ledger is among the ``ledgers``, and nowhere else. ``with_linked`` are the ledgers in which
    other accounts count, too, that are billed to theirs and have no ledger of their own among the
    ``ledgers``. ``unseen`` counts ledgers that belong to the question and are not in the book: every day
    lacks what is in them.
    """

    ledgers: frozenset[int]
    currency: str
    accounts: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    services: frozenset[str] = frozenset()
    tags: Condition = frozenset()
    with_linked: frozenset[int] = frozenset()
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
        """Read everything (four queries at most; three more for choices with tags)."""
        self.ledgers = {ledger.pk: ledger for ledger in ledgers}
        self.period = period
        self._days = {pk: _LedgerDays(period) for pk in self.ledgers}
        self._kept = list(self._read_days())
        self._sheet = sheet_of(self._kept, period)
        self._meters = Meter.objects.in_bulk({row.meter for row in self._sheet.rows})
        self._by_month = {pk for pk, meter in self._meters.items() if is_by_month(meter.key)}

    def currencies(self, ledger: int) -> set[str]:
        """Return the currencies in which the days of a ledger are billed; none while none has figures."""
        return set(self._days[ledger].currencies) - {""}

    def accounts_in(self, ledger: int) -> set[str]:
        """Return the accounts of which a ledger holds consumption: its own, and those billed to it."""
        return self._accounts.get(ledger, set())

    @cached_property
    def _accounts(self) -> dict[int, set[str]]:
        found: dict[int, set[str]] = {}
        for row in self._sheet.rows:
            found.setdefault(row.ledger, set()).add(row.account_id)
        return found

    def counts_linked(self, choice: Choice) -> bool:
        """Tell whether a choice holds consumption of accounts without a ledger of their own in it."""
        return any(self._counts_linked(ledger, choice) for ledger in choice.with_linked)

    def series_of(self, choices: Iterable[Choice]) -> list[Series]:
        """Return what the days have cost of each choice.

        A day that is billed in another currency than that of the choice has no figures in it.
        """
        choices = list(choices)
        tagged = self._tagged({choice for choice in choices if choice.tags})
        sums = (tagged[choice] if choice.tags else self._sums(choice) for choice in choices)
        return [
            Series(self.period, *sums_of_one, self._states(choice))
            for choice, sums_of_one in zip(choices, sums, strict=True)
        ]

    def series(self, choice: Choice) -> Series:
        """Return what the days have cost of one choice."""
        [found] = self.series_of([choice])
        return found

    def has_all_tags(self, ledger: int) -> bool:
        """Tell whether the tags of all kinds of resource were read since the last day that is kept began."""
        until = self._tagged_until(ledger)
        return until is not None and self._last_days.get(ledger, until) <= until

    def _sums(self, choice: Choice) -> _Sums:
        sheet = self._sheet
        costs, by_month, unpriced = (np.zeros(self.period.length, sheet.costs.dtype) for _ in range(3))
        accounts = self._accounts_of(choice)
        for pk in choice.ledgers:
            billed = self._days[pk].is_billed_in(choice.currency)
            places = sheet.places.get(pk, ())
            rows = [place for place in places if self._belongs(sheet.rows[place], choice, accounts)]
            monthly = [place for place in rows if sheet.rows[place].meter in self._by_month]
            costs += sheet.costs[rows].sum(axis=0) * billed
            by_month += sheet.costs[monthly].sum(axis=0) * billed
            unpriced += sheet.unpriced[rows].sum(axis=0) * billed
        return _Sums(costs, by_month, unpriced)

    def _tagged(self, choices: set[Choice]) -> dict[Choice, _Sums]:
        """Return the sums of choices with tags, remembered until a day, or the tags, are read again."""
        if not choices:
            return {}
        keys = {choice: self._tagged_key(choice) for choice in choices}
        known = _TAGGED.recall(keys.values())
        missing = [choice for choice in choices if keys[choice] not in known]
        runs = tagged_runs(self.ledgers.values(), self.period, {choice.tags for choice in missing})
        new = {keys[choice]: self._sums_of_runs(runs[choice.tags], choice) for choice in missing}
        _TAGGED.keep(new)
        return {choice: known.get(key) or new[key] for choice, key in keys.items()}

    def _tagged_key(self, choice: Choice) -> str:
        asked = [
            sorted(values) if isinstance(values, frozenset) else values
            for values in (getattr(choice, one.name) for one in fields(choice))
        ]
        read = [
            (ledger, self._days_digests.get(ledger), self._tag_readings.get(ledger))
            for ledger in sorted(choice.ledgers)
        ]
        return _TAGGED.name(self.period, asked, read)

    @cached_property
    def _days_digests(self) -> dict[int, str]:
        """What stands for the days of each ledger that has figures, as they were read."""
        kept: dict[int, list[KeptDay]] = {}
        for one in sorted(self._kept):
            kept.setdefault(one.ledger, []).append(one)
        return {ledger: sha256(repr(days).encode()).hexdigest() for ledger, days in kept.items()}

    @cached_property
    def _last_days(self) -> dict[int, dt.date]:
        """The last day of each ledger that has figures."""
        return {one.ledger: one.day for one in sorted(self._kept, key=lambda one: one.day)}

    @cached_property
    def _tag_readings(self) -> dict[int, dict[str, dt.datetime]]:
        """When the tags of each kind of resource were last read, by ledger."""
        return last_readings(self.ledgers)

    def _tagged_until(self, ledger: int) -> dt.date | None:
        """Return the last day of which the tags of all kinds that ReadTags tells are known, None without."""
        readings = self._tag_readings.get(ledger, {})
        days = [readings[kind].astimezone(dt.UTC).date() for kind in KINDS.values() if kind in readings]
        return min(days) if len(days) == len(KINDS) else None

    def _sums_of_runs(self, runs: Iterable[TaggedRun], choice: Choice) -> _Sums:
        """Add runs of equal days up: each begins on its first day and ends after its last one."""
        first = self.period.first.toordinal()
        length = self.period.length
        changes = {pk: [[0] * (length + 1) for _sum in _Sums._fields] for pk in choice.ledgers}
        accounts = self._accounts_of(choice)
        for run in runs:
            if run.ledger not in changes or not self._belongs(run, choice, accounts):
                continue
            by_month = run.price if run.meter in self._by_month else 0
            for change, number in zip(changes[run.ledger], (run.price, by_month, run.unpriced), strict=True):
                change[run.first - first] += number
                change[run.last - first + 1] -= number
        sums = [np.zeros(length, self._sheet.costs.dtype) for _sum in _Sums._fields]
        for pk, columns in changes.items():
            billed = self._days[pk].is_billed_in(choice.currency)
            for place, change in enumerate(columns):
                sums[place] += np.array(list(accumulate(change[:-1])), sums[place].dtype) * billed
        return _Sums(*sums)

    def _accounts_of(self, choice: Choice) -> Mapping[str, Collection[str]]:
        """Return the accounts that have a ledger of their own in a choice, by region."""
        return accounts_by_region(self.ledgers[pk] for pk in choice.ledgers)

    def _belongs(self, row: Row | TaggedRun, choice: Choice, accounts: Mapping[str, Collection[str]]) -> bool:
        meter, ledger = self._meters[row.meter], self.ledgers[row.ledger]
        return (
            (row.account_id == ledger.account_id or row.ledger in choice.with_linked)
            and (not choice.accounts or row.account_id in choice.accounts)
            and counts_here(row.account_id, ledger, accounts[ledger.region])
            and (not choice.categories or meter.category in choice.categories)
            and (not choice.services or meter.service in choice.services)
        )

    def _states(self, choice: Choice) -> Numbers:
        """Return what is known of each day in all ledgers: the worst, but figures of some are figures."""
        known = [
            self._states_under_tags(pk, choice) if choice.tags else self._states_in(pk, choice)
            for pk in sorted(choice.ledgers)
        ]
        known += [np.full(self.period.length, UNREAD)] * choice.unseen
        if not known:
            return np.full(self.period.length, UNREAD)
        worst, best = np.min(known, axis=0), np.max(known, axis=0)
        return np.where((worst < PARTIAL) & (best >= PARTIAL), PARTIAL, worst)

    def _states_in(self, ledger: int, choice: Choice) -> Numbers:
        """Return what is known of each day of a ledger, of what a choice asks of it."""
        return self._days[ledger].states(choice.currency, with_linked=ledger in choice.with_linked)

    def _states_under_tags(self, ledger: int, choice: Choice) -> Numbers:
        """Return what is known of each day of a ledger and of the tags that its resources carried.

        What it holds of accounts without a ledger of their own in the choice may have carried them, too.
        """
        own, states = self.ledgers[ledger].account_id, self._states_in(ledger, choice)
        if ledger not in self._tag_readings or (choice.accounts and own not in choice.accounts):
            return np.full(self.period.length, UNREAD)
        until = self._tagged_until(ledger)
        if until is None or self._counts_linked(ledger, choice):
            return np.minimum(states, PARTIAL)
        later = np.arange(self.period.length) > (until - self.period.first).days
        return np.where(later, np.minimum(states, PARTIAL), states)

    def _counts_linked(self, ledger: int, choice: Choice) -> bool:
        if ledger not in choice.with_linked:
            return False
        own, accounts = self.ledgers[ledger].account_id, self._accounts_of(choice)
        rows = (self._sheet.rows[place] for place in self._sheet.places.get(ledger, ()))
        return any(row.account_id != own and self._belongs(row, choice, accounts) for row in rows)

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

    def states(self, currency: str, *, with_linked: bool) -> Numbers:
        """Return what is known of each day in a currency, of the linked accounts, too, or without them."""
        found = np.where(self.is_billed_in(currency), self._states, np.minimum(self._states, FAILED))
        if with_linked:
            found = np.where(self._has_linked, found, np.minimum(found, PARTIAL))
        return found


def _running(numbers: Numbers) -> Numbers:
    """Return the sums of all numbers before each place, and of all at the end."""
    return np.concatenate([np.zeros(1, numbers.dtype), np.cumsum(numbers)])
