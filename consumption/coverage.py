"""How much of a period is known: the truth beside every total."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from consumption.models import WITH_FIGURES, DayState, Ledger, UsageDay
from consumption.periods import Period

UNREAD = "unread"
"""The state of a day that was never read."""

LINKED_NOT_READ = "LINKED_NOT_READ"
"""Why a day is partial: the accounts billed to this one are wanted, and were not asked for."""

NOT_READ_EVERYWHERE = "NOT_READ_EVERYWHERE"
"""Why a day is partial: it has no figures in one of the regions."""

DAY_FACTS = ("day", "state", "reason", "read_at", "with_linked")
"""What a coverage needs of a row of the ledger."""

_WORST_FIRST = (UNREAD, DayState.FAILED, DayState.PARTIAL, DayState.PROVISIONAL, DayState.COMPLETE)


class KnownDay(NamedTuple):
    """What is known of a day: its state, why it is no better, and when it was read."""

    state: str
    reason: str = ""
    read_at: dt.datetime | None = None

    @property
    def has_figures(self) -> bool:
        """Tell whether its consumption is kept, whole or in part."""
        return self.state not in (UNREAD, DayState.FAILED)


_UNREAD_DAY = KnownDay(UNREAD)


@dataclass(frozen=True)
class Coverage:
    """The days of a period, and what is known of each."""

    period: Period
    known: Mapping[dt.date, KnownDay]

    def on(self, day: dt.date) -> KnownDay:
        """Return what is known of a day."""
        return self.known.get(day, _UNREAD_DAY)

    def of(self, period: Period) -> "Coverage":
        """Return the coverage of a part of the period."""
        return Coverage(period, self.known)

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many days there are, and how many in each state, as the API says it."""
        found = Counter(self.on(day).state for day in self.period.days)
        states = {str(state): found[state] for state in reversed(_WORST_FIRST)}
        return {"days": self.period.length, **states}

    @cached_property
    def with_figures(self) -> int:
        """How many days have figures."""
        return sum(self.on(day).has_figures for day in self.period.days)

    @cached_property
    def is_whole(self) -> bool:
        """Tell whether every day has all its figures, be they provisional."""
        counts = self.counts
        return counts["days"] == counts[DayState.COMPLETE] + counts[DayState.PROVISIONAL]

    @cached_property
    def state(self) -> str:
        """The worst state of a day, ``missing`` for a period without figures; what a chart shows of it."""
        if not self.with_figures:
            return "missing"
        return min((self.on(day).state for day in self.period.days), key=_WORST_FIRST.index)

    @cached_property
    def gaps(self) -> list[tuple[dt.date, KnownDay]]:
        """The days that are not complete, in order."""
        return [(day, self.on(day)) for day in self.period.days if self.on(day).state != DayState.COMPLETE]


def coverage_of(ledgers: Iterable[Ledger], period: Period, *, with_linked: bool = False) -> Coverage:
    """Return what is known of a period in all these ledgers together: of each day the worst (one query)."""
    ledgers = list(ledgers)
    rows = UsageDay.objects.filter(ledger__in=ledgers, day__gte=period.first, day__lt=period.end)
    return coverage_of_rows(rows, len(ledgers), period, with_linked=with_linked)


def coverage_of_rows(
    rows: Iterable[Any], ledger_count: int, period: Period, *, with_linked: bool
) -> Coverage:
    """Return what rows of ``ledger_count`` ledgers, which have ``DAY_FACTS`` at least, say of a period."""
    of_day: dict[dt.date, list[KnownDay]] = {}
    for row in rows:
        of_day.setdefault(row.day, []).append(_known(row, with_linked=with_linked))
    return Coverage(period, {day: _together(found, ledger_count) for day, found in of_day.items()})


def _known(row: Any, *, with_linked: bool) -> KnownDay:
    if with_linked and not row.with_linked and row.state in WITH_FIGURES:
        return KnownDay(DayState.PARTIAL, LINKED_NOT_READ, row.read_at)
    return KnownDay(row.state, row.reason, row.read_at)


def _together(found: list[KnownDay], ledger_count: int) -> KnownDay:
    """Return what is known of a day in all ledgers: the worst, but figures of some are figures."""
    worst = min(found, key=lambda one: _WORST_FIRST.index(one.state))
    lacks_some = len(found) < ledger_count or not worst.has_figures
    if lacks_some and any(one.has_figures for one in found):
        return KnownDay(DayState.PARTIAL, worst.reason or NOT_READ_EVERYWHERE)
    return worst
