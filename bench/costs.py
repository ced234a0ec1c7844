"""Measures the current cost (``python -m bench costs``): reading, pricing, storing, memory, and its page."""

import math
import statistics
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import Any

import django
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.gateway import Gateway
from bench.figures import milliseconds, p95, peak_memory, show, timed
from bench.portal import LATENCY_MS
from costs import freshness, reading, refreshing
from costs.inventory import VM_TYPES
from costs.reading import Reading
from sandbox.cloud import DEMO_KEY

REGION = "eu-west-2"
KEYS = {"access_key": DEMO_KEY.access_key, "secret_key": DEMO_KEY.secret_key, "region": REGION}
FILTERED = "/costs/?type=Volume&tag=project=imagerie&sort=-specification"
USUAL_RATE = 5


@dataclass(frozen=True)
class CountingGateway(Gateway):
    """A gateway that counts the pages of each list."""

    pages: Counter = field(default_factory=Counter)

    def read_page(self, call: str, key: str, **options: Any) -> tuple[Any, str]:
        """Count the page, and read it."""
        self.pages[call] += 1
        return super().read_page(call, key, **options)

    def read_list(self, call: str, key: str) -> Any:
        """Count the only page, and read it."""
        self.pages[call] += 1
        return super().read_list(call, key)

    @property
    def chain(self) -> int:
        """The most pages of which each had to wait for the one before."""
        after_vms = {"ReadVms": self.pages["ReadVms"] + self.pages[VM_TYPES.call]}
        return max((self.pages | after_vms).values())


def new_gateway() -> CountingGateway:
    """Return the way to the cloud of the demo's key."""
    return CountingGateway(**KEYS, account_id=DEMO_KEY.account_id)


def read(gateway: Gateway) -> Reading:
    """Read the whole inventory anew."""
    begun = Reading.begin(account_id=gateway.account_id, region=gateway.region, at=timezone.now())
    reading.advance(begun, gateway)
    if begun.inventory.missing:
        sys.exit(f"not everything was read: {begun.inventory.missing}")
    return begun


def elsewhere(work: Callable[[], None]) -> None:
    """Do ``work``, a function of this module, in a fresh process."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=django.setup) as fresh:
        fresh.submit(work).result()


def warm_up() -> None:
    """Let the cloud draw its resources: what it is asked for the first time, it composes and remembers."""
    freshness.up_to_date(REGION, timezone.now())
    read(new_gateway())


def measure_memory() -> None:
    """Measure what the first reading of this process holds at most, until it is stored."""
    peak = peak_memory(lambda: refreshing.finish(read(new_gateway()), reader="bench"))
    show("peak memory of the first reading until stored", f"+{peak:.0f} MB", "under 150 MB")


def measure_reading(times: int) -> None:
    """Time readings, and what follows each: its prices, and where it is kept."""
    gateways = [new_gateway() for _ in range(times)]
    reads = [timed(lambda gateway=gateway: read(gateway)) for gateway in gateways]
    finished = [timed(lambda run=run: refreshing.finish(run.result, reader="bench")) for run in reads]
    chain, calls = gateways[0].chain, gateways[0].pages.total()
    name = f"reading of {len(reads[0].result.inventory):,} resources"
    goal = f"at most {1.3 * chain * LATENCY_MS:.0f} ms (1.3 × {chain} pages × {LATENCY_MS} ms)"
    walls = [run.wall for run in reads]
    show(f"{name}, calls", str(calls), "none")
    show(f"{name}, wall, first", f"{walls[0]:.0f} ms", goal)
    show(f"{name}, wall, median of {times}", f"{statistics.median(walls):.0f} ms", goal)
    for what, runs in (("reading", reads), ("pricing and storing", finished)):
        show(f"CPU of {what}, median", f"{statistics.median(run.cpu for run in runs):.0f} ms", "none")
    whole = statistics.median(run.cpu + after.cpu for run, after in zip(reads, finished, strict=True))
    show("CPU of both together, median", f"{whole:.0f} ms", "under 1000 ms for 10,000")


def measure_paced_reading(longest_seconds: float = 10) -> None:
    """Time one reading at the usual rate of requests, if it does not take too long."""
    gateway = new_gateway()
    read(gateway)
    calls = gateway.pages.total()
    floor = (math.ceil(calls / USUAL_RATE) - 1) * 1000  # as many as the rate start together, at once
    if floor > longest_seconds * 1000:
        return
    with override_settings(OUTSCALE_REQUESTS_PER_SECOND=USUAL_RATE):
        paced = timed(lambda: read(new_gateway()))
    goal = f"none; {calls} calls / {USUAL_RATE} is {calls / USUAL_RATE:.1f} s, the last start {floor} ms"
    show(f"reading at {USUAL_RATE} requests a second", f"{paced.wall:.0f} ms", goal)


def measure_page(client: Client, times: int) -> None:
    """Time the page of the stored reading, whole and filtered, and count its queries."""
    _page(client, "/costs/", {})
    asked = [("the page", "/costs/", {}), ("the filtered fragment", FILTERED, {"HX-Request": "true"})]
    for name, address, headers in asked:
        with CaptureQueriesContext(connection) as queries:
            _page(client, address, headers)
        count = len(queries)  # the next request clears the log
        durations = milliseconds(lambda where=address, how=headers: _page(client, where, how), times)
        show(f"{name}, median of {times}", f"{statistics.median(durations):.1f} ms", "none")
        show(f"{name}, p95 of {times}", f"{p95(durations):.1f} ms", "under 80 ms")
        show(f"{name}, queries", str(count), "the same for every size")


def _page(client: Client, address: str, headers: dict[str, str]) -> None:
    response = client.get(address, headers=headers)
    if response.status_code != 200 or b'data-figure="month"' not in response.content:
        sys.exit(f"{address} answered {response.status_code}, without figures")


def main() -> None:
    """Measure and print."""
    elsewhere(warm_up)
    elsewhere(measure_memory)
    measure_reading(times=9)
    measure_paced_reading()
    client = Client(HTTP_HOST="localhost")
    client.post("/login/", KEYS)
    refreshing.whole(new_gateway(), with_objects=False)
    measure_page(client, times=50)
