"""The arithmetic behind ``consumption.tagged``: days on which tags hold, met with runs of consumption.

``consumption.tagged`` imports this module when tags are asked for: numpy takes a part of a second to load,
and who asks for none does not wait for it. Everything is whole numbers; days are counted from the first of
the period.
"""

from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property
from itertools import islice, repeat
from typing import NamedTuple

import numpy as np

from consumption.periods import Period
from consumption.wholenumbers import SAFE_SUM

Columns = tuple[list[int], list[int], list[int], list[int], list[int], list[int]]
"""Ledger, meter, first and last day, price and lines without a price, of one run after another."""

_ROWS_AT_ONCE = 10_000

_TagRow = tuple[int, str, str, str, int, int]
_UsageRow = tuple[int, str, int, int, int, int | None]


class Stretches(NamedTuple):
    """Stretches of days of resources, sorted by both; those of one resource neither overlap nor touch.

    Each is an array: the resource's place, the first day and the last, both included.
    """

    resource: np.ndarray
    first: np.ndarray
    last: np.ndarray


class _Usages(NamedTuple):
    """Runs of consumption, sorted by resource; ``group`` is the place of (ledger, meter)."""

    resource: np.ndarray
    group: np.ndarray
    first: np.ndarray
    last: np.ndarray
    price: np.ndarray
    unpriced: np.ndarray


_NO_USAGES = _Usages(*(np.empty(0, dtype=np.int64) for _field in _Usages._fields))


class TaggedSums:
    """What the resources that carry tags consumed in a period, added for one condition after another.

    ``tags`` are (ledger, resource, key, value, held from, held until), ``usages`` are (ledger, resource,
    meter, first day, last day, price of a day), both with ordinals for days.
    """

    def __init__(self, period: Period, tags: Iterable[_TagRow], usages: Iterable[_UsageRow]) -> None:
        self._begin, self._length = period.first.toordinal(), period.length
        self._places: dict[tuple[int, str], int] = {}
        self._held = self._stretches_by_tag(tags)
        self._groups: dict[tuple[int, int], int] = {}
        self._usages = self._sorted_usages(usages)

    def runs(self, condition: Iterable[tuple[str, str]]) -> Columns:
        """Return what the resources that fulfil a condition consumed while they do, run by run."""
        held = self._fulfilling(condition)
        stretch, usage = pairs_of(held.resource, self._usages.resource)
        first = np.maximum(held.first[stretch], self._usages.first[usage])
        last = np.minimum(held.last[stretch], self._usages.last[usage])
        common = first <= last
        return self._added(usage[common], first[common], last[common])

    # --- Tags

    def _stretches_by_tag(self, tags: Iterable[_TagRow]) -> dict[tuple[str, str], list[tuple[int, int, int]]]:
        """Return for each tag the days on which it holds, by the place of the resource."""
        found: dict[tuple[str, str], list[tuple[int, int, int]]] = defaultdict(list)
        places = self._places
        for ledger, resource_id, key, value, held_from, held_until in tags:
            place = places.setdefault((ledger, resource_id), len(places))
            found[key, value].append((place, held_from, held_until))
        return found

    def _fulfilling(self, condition: Iterable[tuple[str, str]]) -> Stretches:
        """Return the days on which resources fulfil a condition."""
        by_key: dict[str, list[tuple[int, int, int]]] = {}
        for key, value in condition:
            by_key.setdefault(key, []).extend(self._held.get((key, value), []))
        first, *others = (self._merged(rows) for rows in by_key.values())
        for other in others:
            first = _in_both(first, other)
        return first

    def _merged(self, rows: list[tuple[int, int, int]]) -> Stretches:
        """Return held days as stretches: those of one resource that touch are one."""
        resource, held_from, held_until = np.array(rows, dtype=np.int64).reshape(-1, 3).T
        first = np.maximum(held_from - self._begin, 0)
        last = np.minimum(held_until - 1 - self._begin, self._length - 1)
        order = np.lexsort((first, resource))
        resource, first, last = resource[order], first[order], last[order]
        room = self._length + 2  # so that the days of one resource never reach those of the next
        reached = np.maximum.accumulate(resource * room + last)
        begins = np.ones(len(resource), dtype=bool)
        begins[1:] = (resource * room + first)[1:] > reached[:-1] + 1
        begin = np.flatnonzero(begins)
        end = np.append(begin, len(resource))[1:] - 1
        return Stretches(resource[begin], first[begin], reached[end] - resource[end] * room)

    # --- Consumption

    def _sorted_usages(self, usages: Iterable[_UsageRow]) -> _Usages:
        """Return the consumption of the resources that have tags, as far as it is in the period."""
        rows = iter(usages)
        parts = [_NO_USAGES]
        while some := list(islice(rows, _ROWS_AT_ONCE)):  # all rows at once would keep the collector busy
            parts.append(self._arrays(some))
        resource, group, first, last, price, unpriced = map(np.concatenate, zip(*parts, strict=True))
        order = np.argsort(resource, kind="stable")
        order = order[resource[order] >= 0]
        return _Usages(
            resource[order],
            group[order],
            np.maximum(first - self._begin, 0)[order],
            np.minimum(last - self._begin, self._length - 1)[order],
            price[order],
            unpriced[order],
        )

    def _arrays(self, rows: list[_UsageRow]) -> _Usages:
        """Return rows as arrays; a resource without tags has the place -1."""
        ledgers, resource_ids, meters, first, last, prices = zip(*rows, strict=True)
        groups = list(zip(ledgers, meters, strict=True))
        for group in dict.fromkeys(groups):
            self._groups.setdefault(group, len(self._groups))
        resources = zip(ledgers, resource_ids, strict=True)
        return _Usages(
            _whole_numbers(map(self._places.get, resources, repeat(-1))),
            _whole_numbers(map(self._groups.get, groups)),
            _whole_numbers(first),
            _whole_numbers(last),
            _whole_numbers([price or 0 for price in prices]),
            _whole_numbers([price is None for price in prices]),
        )

    @cached_property
    def _prices(self) -> np.ndarray:
        """The price of each run, in numbers in which the sum of any of them is exact."""
        price = self._usages.price
        is_small = np.abs(price.astype(float)).sum() < SAFE_SUM
        return price if is_small else price.astype(object)

    def _added(self, usage: np.ndarray, first: np.ndarray, last: np.ndarray) -> Columns:
        """Add runs of the same group and days."""
        if not len(usage):
            return [], [], [], [], [], []
        identity = (self._usages.group[usage] * self._length + first) * self._length + last
        order = np.argsort(identity, kind="stable")
        identity, usage = identity[order], usage[order]
        begin = np.flatnonzero(np.append(True, identity[1:] != identity[:-1]))
        one = order[begin]
        named = list(self._groups)
        groups = [named[place] for place in self._usages.group[usage[begin]].tolist()]
        return (
            [ledger for ledger, _meter in groups],
            [meter for _ledger, meter in groups],
            (first[one] + self._begin).tolist(),
            (last[one] + self._begin).tolist(),
            np.add.reduceat(self._prices[usage], begin).tolist(),
            np.add.reduceat(self._usages.unpriced[usage], begin).tolist(),
        )


def _in_both(some: Stretches, others: Stretches) -> Stretches:
    """Return the days that are in stretches of both."""
    one, other = pairs_of(some.resource, others.resource)
    first = np.maximum(some.first[one], others.first[other])
    last = np.minimum(some.last[one], others.last[other])
    common = first <= last
    return Stretches(some.resource[one][common], first[common], last[common])


def pairs_of(some: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the places of all pairs of equal numbers: in ``some``, and in ``others``, which are sorted."""
    begin, end = np.searchsorted(others, some, "left"), np.searchsorted(others, some, "right")
    counts = end - begin
    place = np.repeat(np.arange(len(counts)), counts)
    passed = np.arange(len(place)) - np.repeat(np.cumsum(counts) - counts, counts)
    return place, begin[place] + passed


def _whole_numbers(values: Iterable[int]) -> np.ndarray:
    return np.fromiter(values, dtype=np.int64)
