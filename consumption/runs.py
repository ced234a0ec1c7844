"""Runs of equal days: how the consumption of resources is kept small without losing a day.

Most resources consume the same every day. A run says «each day from ``first`` to ``last``, these figures».
Days are ordinals (``date.toordinal``). Runs of one key never share a day, and two that touch differ.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple


class DayFigures(NamedTuple):
    """What was consumed on one day, and what it cost; see ``consumption.models.Figures``."""

    value: Decimal
    unit_price: Decimal | None
    price: Decimal | None


@dataclass(slots=True, eq=False)
class Run:
    """Equal days of one key, both ends included; ``row`` is its id in the database, if it has one."""

    key: Hashable
    figures: DayFigures
    first: int
    last: int
    row: int | None = None


class Runs:
    """The runs around some days, into which days are put one by one.

    All runs that hold such a day, the one before or the one after it must be given.
    """

    def __init__(self, kept: Iterable[Run]) -> None:
        self._by_key: dict[Hashable, list[Run]] = {}
        self.changed: set[Run] = set()
        self.removed: set[Run] = set()
        for run in kept:
            self._by_key.setdefault(run.key, []).append(run)

    def __iter__(self) -> Iterator[Run]:
        return (run for runs in self._by_key.values() for run in runs)

    def put(self, day: int, figures: Mapping[Hashable, DayFigures]) -> None:
        """Let ``day`` hold these figures and no others, whatever it held before."""
        gone = [key for key in self._by_key if key not in figures]
        for key in gone:
            self._cut(key, day)
        for key, found in figures.items():
            run = self._run_on(key, day)
            if run is None:
                self._join(key, day, found)
            elif run.figures != found:
                self._cut(key, day)
                self._join(key, day, found)

    def _run_on(self, key: Hashable, day: int) -> Run | None:
        for run in self._by_key.get(key, ()):
            if run.first <= day <= run.last:
                return run
        return None

    def _cut(self, key: Hashable, day: int) -> None:
        """Take a day out of the run that holds it, if any does."""
        run = self._run_on(key, day)
        if run is None:
            return
        if run.first == run.last:
            self._remove(run)
            return
        self.changed.add(run)
        if day == run.first:
            run.first += 1
        elif day == run.last:
            run.last -= 1
        else:
            self._add(Run(key, run.figures, day + 1, run.last))
            run.last = day - 1

    def _join(self, key: Hashable, day: int, figures: DayFigures) -> None:
        """Put a day that no run of the key holds to an equal neighbour, or begin a run with it."""
        before = after = None
        for run in self._by_key.get(key, ()):
            if run.figures == figures:
                before = run if run.last == day - 1 else before
                after = run if run.first == day + 1 else after
        if before and after:
            before.last = after.last
            self._remove(after)
        elif before:
            before.last = day
        elif after:
            after.first = day
        else:
            self._add(Run(key, figures, day, day))
            return
        self.changed.add(before or after)

    def _add(self, run: Run) -> None:
        self._by_key.setdefault(run.key, []).append(run)
        self.changed.add(run)

    def _remove(self, run: Run) -> None:
        self._by_key[run.key].remove(run)
        self.changed.discard(run)
        self.removed.add(run)
