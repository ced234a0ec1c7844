"""The kept costs of days as tables of numbers, remembered month by month.

What is kept of a day changes only when the day is read again, and then ``UsageDay.read_at`` changes with it.
So the table of a month is remembered under the days that it holds and when they were read: after a reading
of the last days only their month is looked up again.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from consumption.models import Usage
from consumption.periods import Period, months_later
from consumption.remembering import Memory
from consumption.wholenumbers import SAFE_SUM, whole_number

Numbers = np.ndarray

_ROWS_AT_ONCE = 10_000
_MEMORY = Memory("day-sheet", version=2, days=7)


class KeptDay(NamedTuple):
    """A day of a ledger that has figures: its key, whose it is, and when it was read."""

    pk: int
    ledger: int
    day: dt.date
    read_at: dt.datetime


class Row(NamedTuple):
    """What a row of a sheet holds the cost of: a meter for an account, in a ledger, by their keys."""

    ledger: int
    account_id: str
    meter: int


@dataclass(frozen=True)
class Sheet:
    """Rows of costs, as whole numbers of 10⁻¹⁰, and of lines without a price: a column for each day."""

    rows: list[Row]
    costs: Numbers
    unpriced: Numbers

    @cached_property
    def places(self) -> dict[int, list[int]]:
        """Where the rows of each ledger are."""
        found: dict[int, list[int]] = {}
        for place, row in enumerate(self.rows):
            found.setdefault(row.ledger, []).append(place)
        return found


class _Month(NamedTuple):
    """A month of a ledger: its days that have figures, in order."""

    ledger: int
    period: Period
    days: list[KeptDay]

    @property
    def key(self) -> str:
        """What stands for the days as they were read."""
        facts = [(one.pk, one.day.toordinal(), one.read_at.timestamp()) for one in self.days]
        return _MEMORY.name(self.ledger, facts)


def sheet_of(days: Iterable[KeptDay], period: Period) -> Sheet:
    """Return what days of a period have cost (two queries at most)."""
    months = _months(days)
    keys = [month.key for month in months]
    known = _MEMORY.recall(keys)
    new = _looked_up({key: month for key, month in zip(keys, months, strict=True) if key not in known})
    _MEMORY.keep(new)
    return _joined(
        [(month, known.get(key) or new[key]) for month, key in zip(months, keys, strict=True)], period
    )


def _months(days: Iterable[KeptDay]) -> list[_Month]:
    found: dict[tuple[int, dt.date], list[KeptDay]] = {}
    for one in sorted(days, key=lambda one: (one.ledger, one.day)):
        found.setdefault((one.ledger, one.day.replace(day=1)), []).append(one)
    return [
        _Month(ledger, Period(first, months_later(first, 1)), kept) for (ledger, first), kept in found.items()
    ]


def _looked_up(missing: dict[str, _Month]) -> dict[str, Sheet]:
    """Read months from the database, by key (one query)."""
    if not missing:
        return {}
    months = list(missing.values())
    place_of = {
        one.pk: (number, one.day.day - 1) for number, month in enumerate(months) for one in month.days
    }
    rows: list[dict[tuple[str, int], int]] = [{} for _month in months]
    priced: list[list[tuple[int, int, int]]] = [[] for _month in months]
    unpriced: list[list[tuple[int, int, int]]] = [[] for _month in months]
    for pk, account_id, meter, whole in _usages(months):
        if pk in place_of:  # else it is of another month, or was kept since the days were looked up
            number, day = place_of[pk]
            place = rows[number].setdefault((account_id, meter), len(rows[number]))
            if whole is None:
                unpriced[number].append((place, day, 1))
            else:
                priced[number].append((place, day, whole))
    found = {}
    for number, (key, month) in enumerate(missing.items()):
        shape = len(rows[number]), month.period.length
        named = [Row(month.ledger, *row) for row in rows[number]]
        found[key] = Sheet(named, _filled(shape, priced[number]), _filled(shape, unpriced[number]) != 0)
    return found


def _usages(months: list[_Month]) -> Iterable[tuple[int, str, int, int | None]]:
    rows = Usage.objects.filter(
        day__ledger__in={month.ledger for month in months},
        day__day__gte=min(month.period.first for month in months),
        day__day__lt=max(month.period.end for month in months),
    )
    found = rows.values_list("day_id", "account_id", "meter_id", whole_number("price")).order_by()
    return found.iterator(chunk_size=_ROWS_AT_ONCE)


def _filled(shape: tuple[int, int], entries: list[tuple[int, int, int]]) -> Numbers:
    """Return a table with numbers at their places, as Python's integers where others could overflow."""
    largest = sum(abs(number) for _place, _day, number in entries)
    table = np.zeros(shape, np.int64 if largest < SAFE_SUM else object)
    if entries:
        places, days, numbers = zip(*entries, strict=True)
        table[list(places), list(days)] = np.array(numbers, table.dtype)
    return table


def _joined(months: list[tuple[_Month, Sheet]], period: Period) -> Sheet:
    """Put months side by side; the days of a month that are outside of the period are left out."""
    places: dict[Row, int] = {}
    for _month, sheet in months:
        for row in sheet.rows:
            places.setdefault(row, len(places))
    shape = len(places), period.length
    costs = np.zeros(shape, _dtype([sheet for _month, sheet in months]))
    unpriced = np.zeros(shape, np.int64)
    for month, sheet in months:
        first, end = max(month.period.first, period.first), min(month.period.end, period.end)
        there = slice((first - period.first).days, (end - period.first).days)
        here = slice((first - month.period.first).days, (end - month.period.first).days)
        rows = [places[row] for row in sheet.rows]
        costs[rows, there] = sheet.costs[:, here]
        unpriced[rows, there] = sheet.unpriced[:, here]
    return Sheet(list(places), costs, unpriced)


def _dtype(sheets: list[Sheet]) -> type:
    """Return how numbers are added: a machine word, unless all of them together could exceed it."""
    largest = sum(int(abs(sheet.costs).sum()) for sheet in sheets if sheet.costs.dtype != object)
    fits = largest < SAFE_SUM and all(sheet.costs.dtype != object for sheet in sheets)
    return np.int64 if fits else object
