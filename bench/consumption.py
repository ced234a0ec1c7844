"""Measures the history (``python -m bench consumption``): reading its days, its size, and each view of it."""

import statistics
import sys

from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import standing
from accounts.gateway import Gateway
from bench.figures import milliseconds, p95, show, timed
from bench.portal import LATENCY_MS
from consumption import sync
from consumption.entries import CALL
from consumption.models import Ledger, ResourceUsage, Usage, UsageDay
from consumption.periods import ONE_DAY, Period, months_later
from consumption.slices import MOST_AT_ONCE
from consumption.sync import Progress
from costs import freshness
from sandbox.cloud import DEMO_KEY

REGION = "eu-west-2"
KEYS = {"access_key": DEMO_KEY.access_key, "secret_key": DEMO_KEY.secret_key, "region": REGION}
MONTHS = 24
VIEWS = {
    "by category and month": "group_by=category&granularity=month",
    "by type and month": "group_by=resource_type&granularity=month",
    "by type and day": "group_by=resource_type&granularity=day",
    "by subregion and week": "group_by=subregion&granularity=week",
    "by resource and month": "group_by=resource&granularity=month",
    "by resource, of storage": "group_by=resource&granularity=month&category=storage",
    "resources by name": "group_by=resource&granularity=month&sort=name",
}
"""The views of the page that are measured, over all that is kept."""


def new_gateway() -> Gateway:
    """Return the way to the cloud of the demo's key."""
    return Gateway(**KEYS, account_id=DEMO_KEY.account_id)


def months(count: int) -> Period:
    """Return the last whole months."""
    this_month = months_later(timezone.now().date(), 0)
    return Period(months_later(this_month, -count), this_month)


def read(period: Period) -> Progress:
    """Read all days that are still to be read."""
    progress = sync.read_all(new_gateway(), first=period.first, end=period.end)
    if progress.left:
        sys.exit(f"not everything was read: {progress.problem}")
    return progress


def warm_up() -> None:
    """Let the cloud draw its resources, prove the key and fetch the prices."""
    today = timezone.now().date()
    freshness.up_to_date(REGION, timezone.now())
    new_gateway().read_raw(CALL, FromDate=(today - ONE_DAY).isoformat(), ToDate=today.isoformat())
    standing.note_accepted(DEMO_KEY.access_key)


def measure_reading(name: str, period: Period) -> None:
    """Time a first reading of a period, and the same again."""
    at_once = min(MOST_AT_ONCE, settings.OUTSCALE_REQUESTS_PER_SECOND)
    limit = 1.3 * period.length * LATENCY_MS / at_once
    goal = f"at most {limit:,.0f} ms (1.3 × {period.length} calls × {LATENCY_MS} ms / {at_once:.0f})"
    cold = timed(lambda: read(period))
    show(f"{name}, {period.length} days, cold", f"{cold.wall:,.0f} ms", goal)
    show(f"{name}, CPU for each day", f"{cold.cpu / period.length:.1f} ms", "none")
    show(f"{name}, again", f"{timed(lambda: read(period)).wall:,.1f} ms", "no call")


def measure_size() -> None:
    """Print how many rows are kept, and how large the database is."""
    for model in (UsageDay, Usage, ResourceUsage):
        show(f"rows of {model.__name__}", f"{model.objects.count():,}", "none")
    resources = ResourceUsage.objects.values("resource_id").distinct().count()
    show("resources that consumed", f"{resources:,}", "none")
    size = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
    if connection.vendor == "postgresql":
        size = "SELECT pg_database_size(current_database())"
    with connection.cursor() as cursor:
        cursor.execute(size)
        show("database", f"{cursor.fetchone()[0] / 1e6:,.0f} MB", "none")


def measure_views(client: Client, period: Period, times: int) -> None:
    """Time each view over a period, count its queries, and watch that no call is made."""
    days = f"first={period.first}&last={period.last}"
    for name, question in VIEWS.items():
        address = f"/consumption/?{days}&{question}"
        _page(client, address)
        with CaptureQueriesContext(connection) as queries:
            _page(client, address)
        count = len(queries)  # the next request clears the log
        durations = milliseconds(lambda where=address: _page(client, where), times)
        show(f"{name}, median of {times}", f"{statistics.median(durations):.0f} ms", "under 150 ms")
        show(f"{name}, p95 of {times}", f"{p95(durations):.0f} ms", "under 150 ms")
        show(f"{name}, queries", str(count), "the same for every size")


def _page(client: Client, address: str) -> None:
    response = client.get(address, headers={"HX-Request": "true"})
    if response.status_code != 200 or b'data-figure="total"' not in response.content:
        sys.exit(f"{address} answered {response.status_code}, without figures")


def main() -> None:
    """Measure and print."""
    warm_up()
    measure_reading("one month", months(1))
    Ledger.objects.all().delete()
    measure_reading(f"{MONTHS} months", months(MONTHS))
    measure_size()
    client = Client(HTTP_HOST="localhost")
    client.post("/login/", KEYS)
    measure_views(client, months(MONTHS), times=20)
