"""The arithmetic of the allocation: runs of consumption met with the days on which resources carry values.

Everything is whole numbers: prices of 10⁻¹⁰, days as ordinals (``date.toordinal``), both ends of a run
included. ``consumption.allocationparts`` imports this module when it is asked: numpy takes a part of a second
to load.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

import numpy as np

from consumption.allocationparts import Part, Place, Values
from consumption.taggedsums import pairs_of
from consumption.wholenumbers import SAFE_SUM


@dataclass
class Runs:
    """Runs of days on each of which a resource cost the same of a meter, column by column."""

    place: list[Place] = field(default_factory=list)
    meter: list[int] = field(default_factory=list)
    first: list[int] = field(default_factory=list)
    last: list[int] = field(default_factory=list)
    price: list[int | None] = field(default_factory=list)


@dataclass(frozen=True)
class Held:
    """A value that a resource carries from a first to a last day, both included; ``key`` is its number."""

    key: int
    value: str
    first: int
    last: int


class AllocatedSums:
    """What the runs of some resources cost, parted by the values that the resources carry each day."""

    def __init__(self, runs: Runs, held: Mapping[Place, Iterable[Held]], keys: int) -> None:
        """Take runs, and for each resource what it carries of ``keys`` keys; days of a key never overlap."""
        self._places = {place: number for number, place in enumerate(dict.fromkeys(runs.place))}
        self._codes: dict[Values, int] = {(None,) * keys: 0}
        resource = np.array([self._places[place] for place in runs.place], dtype=np.int64)
        order = np.argsort(resource, kind="stable")
        self._resource = resource[order]
        self._first = np.array(runs.first, dtype=np.int64)[order]
        self._last = np.array(runs.last, dtype=np.int64)[order]
        prices = [price or 0 for price in runs.price]
        days = (last - first + 1 for first, last in zip(runs.first, runs.last, strict=True))
        largest = sum(abs(price) * count for price, count in zip(prices, days, strict=True))
        self._price = np.array(prices, dtype=np.int64 if largest < SAFE_SUM else object)[order]
        self._unpriced = np.array([price is None for price in runs.price], dtype=np.int64)[order]
        self._parted = self._part(held)

    @cached_property
    def parts(self) -> list[Part]:
        """What each resource cost under each combination of values; together they are all runs."""
        run, code, days = self._parted
        identity, there = np.unique(self._resource[run] * len(self._codes) + code, return_inverse=True)
        costs = np.zeros(len(identity), self._price.dtype)
        unpriced = np.zeros(len(identity), np.int64)
        np.add.at(costs, there, self._price[run] * days)
        np.add.at(unpriced, there, self._unpriced[run] * days)
        places, values = list(self._places), list(self._codes)
        return [
            Part(places[one // len(values)], values[one % len(values)], cost, lines)
            for one, cost, lines in zip(identity.tolist(), costs.tolist(), unpriced.tolist(), strict=True)
        ]

    def _part(self, held: Mapping[Place, Iterable[Held]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return parts of runs: which run, which values, how many days; all days of all runs are in one."""
        resource, first, last, code = self._stretches(held)
        run, stretch = pairs_of(self._resource, resource)
        days = np.minimum(self._last[run], last[stretch]) - np.maximum(self._first[run], first[stretch]) + 1
        common = days > 0
        run, days, codes = run[common], days[common], code[stretch][common]
        left = self._last - self._first + 1
        np.subtract.at(left, run, days)
        rest = np.flatnonzero(left)
        return (
            np.concatenate([run, rest]),
            np.concatenate([codes, np.zeros(len(rest), np.int64)]),
            np.concatenate([days, left[rest]]),
        )

    def _stretches(self, held: Mapping[Place, Iterable[Held]]) -> np.ndarray:
        """Return resource, first and last day and code of each stretch on which one carries anything."""
        rows = [
            (number, first, last, self._codes.setdefault(values, len(self._codes)))
            for place, number in self._places.items()
            if place in held
            for first, last, values in _joined(held[place], len(next(iter(self._codes))))
        ]
        return np.array(rows, dtype=np.int64).reshape(-1, 4).T


def _joined(held: Iterable[Held], keys: int) -> Iterable[tuple[int, int, Values]]:
    """Yield the days of a resource, parted where any of its values changes, on which it carries one."""
    held = list(held)
    bounds = sorted({one.first for one in held} | {one.last + 1 for one in held})
    for first, end in pairwise(bounds):
        values: list[str | None] = [None] * keys
        for one in held:
            if one.first <= first and end <= one.last + 1:
                values[one.key] = one.value
        if any(value is not None for value in values):
            yield first, end - 1, tuple(values)
