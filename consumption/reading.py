"""How a page reads what it lacks: one slice for all its keys, and what that came to."""

import datetime as dt
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from accounts.errors import AuthenticationRefused, CloudError, KeyLocked, PermissionRefused
from accounts.keyring import Key
from consumption import sync
from consumption.forms import LONGEST_BY_DAY
from consumption.periods import Period, before
from consumption.sync import Progress

MOST_VAIN_SLICES = 3
"""After so many slices in which days failed and none was read, a page leaves the cloud alone."""


@dataclass(frozen=True)
class Wish:
    """What is to be read: the days of a period; ``again``: also those that failed a moment ago."""

    period: Period
    with_linked: bool = False
    again: bool = False


@dataclass(frozen=True)
class Reading:
    """How far the days of several keys are read. ``refused`` are the keys that the cloud refused, and why.

    ``vain`` counts the slices, this one among them, that have read nothing one after another because days
    failed: a slow cloud fails one day in each. ``failure`` is why days failed, in this slice or before.
    """

    progress: list[Progress]
    refused: list[tuple[Key, CloudError]]
    vain: int = 0
    failure: CloudError | None = None

    @property
    def total(self) -> int:
        """How many days there are, of all keys together."""
        return sum(one.total for one in self.progress)

    @property
    def done(self) -> int:
        """How many of them need no call any more."""
        return sum(one.done for one in self.progress)

    @property
    def left(self) -> set[dt.date]:
        """The days that some key has still to read."""
        return {day for one in self.progress for day in one.left}

    @property
    def has_read(self) -> bool:
        """Tell whether any day was read."""
        return any(one.read for one in self.progress)

    @property
    def seconds_left(self) -> int | None:
        """How long the rest takes; None when that is not known yet."""
        under_way = [one.seconds_left for one in self.progress if one.left]
        return None if None in under_way or not under_way else sum(under_way)

    @property
    def problem(self) -> CloudError | None:
        """Why the reading has stopped before its end, or why some days were not read, if so."""
        return next((one.problem for one in self.progress if one.problem), self.failure)

    @property
    def error(self) -> CloudError | None:
        """Why some days could not be read: a refusal, or the problem of the slice."""
        return next((error for _key, error in self.refused), self.problem)

    @property
    def is_ours(self) -> bool:
        """Tell whether nobody else is reading these days."""
        return all(one.is_ours for one in self.progress)

    @property
    def goes_on(self) -> bool:
        """Tell whether asking again may read more."""
        return self.vain < MOST_VAIN_SLICES and any(one.goes_on for one in self.progress)

    @property
    def waits(self) -> bool:
        """Tell whether the cloud has asked for a pause."""
        return any(one.problem for one in self.progress if one.goes_on)

    @property
    def goes_on_after(self) -> int:
        """After how many seconds to ask again."""
        return min((one.goes_on_after for one in self.progress if one.goes_on), default=0)


def wanted(period: Period, *, compare: bool = False) -> Period:
    """Return the days to read for a period: those of a short one with those before, to compare it.

    Reading twice as many days of a long one takes minutes, so that is only done when asked for (``compare``).
    """
    if compare or period.length <= LONGEST_BY_DAY:
        return Period(before(period).first, period.end)
    return period


def days_left(keys: Iterable[Key], wish: Wish, *, at: dt.datetime) -> set[dt.date]:
    """Return the days that some of the keys have to read; a key that is not proven has at least one."""
    left: set[dt.date] = set()
    for key in keys:
        ledger = sync.ledger_of(key.account_id, key.region)
        left |= set(sync.days_to_read(ledger, *wish.period, at=at, with_linked=wish.with_linked))
        if not sync.may_see(ledger, key.access_key, at):
            left.add(wish.period.last)
    return left


def read_slice(
    keys: list[Key], wish: Wish, *, at: dt.datetime, vain: int = 0, failure: CloudError | None = None
) -> Reading:
    """Read with each key for its part of a slice; a key that is refused does not keep the others from it.

    ``vain`` and ``failure`` are those of the slices before this one.
    """
    seconds = sync.SLICE_SECONDS / len(keys)
    found = _read(keys, lambda key: _slice(key, wish, at, seconds))
    in_vain = not found.has_read and found.failure is not None
    return replace(found, vain=vain + 1 if in_vain else 0, failure=found.failure or failure)


def read_through(keys: list[Key], wish: Wish, *, seconds: float) -> Reading:
    """Read with one key after the other, for ``seconds`` at most."""
    until = time.monotonic() + seconds
    return _read(
        keys,
        lambda key: sync.read_all(
            key.gateway,
            first=wish.period.first,
            end=wish.period.end,
            seconds=max(0.0, until - time.monotonic()),
            with_linked=wish.with_linked,
            again=wish.again,
        ),
    )


def _slice(key: Key, wish: Wish, at: dt.datetime, seconds: float) -> Progress:
    return sync.read_on(
        key.gateway,
        first=wish.period.first,
        end=wish.period.end,
        at=at,
        seconds=seconds,
        with_linked=wish.with_linked,
        again=wish.again,
    )


def _read(keys: Iterable[Key], ask: Callable[[Key], Progress]) -> Reading:
    progress: list[Progress] = []
    refused: list[tuple[Key, CloudError]] = []
    for key in keys:
        try:
            progress.append(ask(key))
        except (AuthenticationRefused, KeyLocked, PermissionRefused) as error:
            refused.append((key, error))
    failures = (one.failure for one in progress if one.failure)
    return Reading(progress, refused, failure=next(failures, None))
