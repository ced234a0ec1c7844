"""Readings of the current cost for benchmarks: one of each day, each a little different."""

import datetime as dt
import random

import msgspec

from bench.consumption import KEYS, new_gateway
from bench.figures import show
from consumption.periods import Period
from costs import refreshing, snapshots
from costs.models import ResourceSpan

CHANGES_A_DAY = 20
"""So many resources come, and as many go, from one reading to the next."""


def store_readings(period: Period) -> None:
    """Store a reading of each day of a period, each with some resources that the others lack."""
    refreshing.whole(new_gateway(), with_objects=False)
    reader = snapshots.reader_of(KEYS["access_key"])
    last = snapshots.read(snapshots.latest(new_gateway().account_id, KEYS["region"], reader))
    chance = random.Random(1)
    for day in period.days:
        absent = set(chance.sample(range(len(last.lines)), min(CHANGES_A_DAY, len(last.lines) // 2)))
        lines = [line for place, line in enumerate(last.lines) if place not in absent]
        taken_at = dt.datetime.combine(day, dt.time(8), dt.UTC)
        reading = msgspec.structs.replace(last, taken_at=taken_at, lines=lines)
        snapshots.store(reading, reader)
    show("resources of a reading", f"{len(last.lines):,}", "none")
    show("spans of all readings", f"{ResourceSpan.objects.count():,}", "none")
