"""Measures the drift: its page over the default period, and over the longest one."""

import datetime as dt
import random
import statistics
import sys

import msgspec
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bench.consumption import KEYS, MONTHS, months, new_gateway, read, warm_up
from bench.figures import milliseconds, p95, show, timed
from consumption.driftforms import MOST_COMPARED_DAYS
from consumption.periods import ONE_DAY, Period
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


def measure_page(client: Client, name: str, question: str, times: int) -> None:
    """Time the page of a question, and count its queries."""
    address = f"/consumption/drift/?{question}"
    _page(client, address)
    with CaptureQueriesContext(connection) as queries:
        _page(client, address)
    count = len(queries)
    durations = milliseconds(lambda: _page(client, address), times)
    show(f"{name}, median of {times}", f"{statistics.median(durations):.0f} ms", "under 200 ms")
    show(f"{name}, p95 of {times}", f"{p95(durations):.0f} ms", "under 200 ms")
    show(f"{name}, queries", str(count), "the same for every size")


def _page(client: Client, address: str) -> None:
    response = client.get(address, headers={"HX-Request": "true"})
    if response.status_code != 200 or b'data-figure="difference"' not in response.content:
        sys.exit(f"{address} answered {response.status_code}, without figures")


def main() -> None:
    """Measure and print."""
    warm_up()
    read(months(MONTHS))
    today = timezone.now().date()
    longest = Period(today - MOST_COMPARED_DAYS * ONE_DAY, today)
    read(longest)
    stored = timed(lambda: store_readings(longest))
    show("storing a reading", f"{stored.wall / longest.length:.0f} ms", "none")
    client = Client(HTTP_HOST="localhost")
    client.post("/login/", KEYS)
    measure_page(client, "30 days", "", times=20)
    measure_page(client, "30 days by the last reading", "estimate=latest", times=20)
    measure_page(client, f"{longest.length} days", f"first={longest.first}&last={longest.last}", times=10)
