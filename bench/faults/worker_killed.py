"""A worker of gunicorn is killed in the middle of a slice of a reading."""

import os
import signal
import time

from bench.faults.readings import BrowserReading, days, expect_right
from bench.faults.report import Report
from bench.faults.stage import final_days, stage
from bench.servers import wait_for

DAYS = 90
CLAIM_SECONDS = 1 + 2 * 10 + 5
"""How long the claim of a slice lasts that nobody ends: the slice, its slowest call, and some more."""


def main() -> bool:
    """Make it, and tell whether all was as promised."""
    report = Report("A worker killed in the middle of a slice")
    with stage(on_postgresql=True, with_redis=True, latency_ms=150) as here:
        here.with_prices()
        first, last = final_days(DAYS)
        reading = BrowserReading(here.visitor(), first, last)
        wait_for(lambda: len(days(here.database, first, last)) >= 10, "the reading of ten days")
        before = days(here.database, first, last)
        killed = here.portal.workers()
        for worker in killed:  # whichever has the slice
            os.kill(worker, signal.SIGKILL)
        report.did(f"all workers killed after {len(before)} days")
        begun = time.monotonic()
        other = here.visitor()
        report.saw(
            f"somebody else, at once: {other.get('/quotes/').status} after {time.monotonic() - begun:.1f} s"
        )
        report.until(
            "the page has read on",
            lambda: len(days(here.database, first, last)) > len(before) + 20,
            seconds=45,
        )
        report.until("the page has read all days", lambda: reading.is_over, seconds=60)
        report.saw(f"slices without an answer: {[str(one) for one in reading.failed()]}")
        waiting = [one for one in reading.slices if "Another page reads" in one.text]
        report.saw(
            f"slices while the claim lasted: {len(waiting)}: {waiting[0].notice[:160] if waiting else ''}"
        )
        report.expect("only the slice that was killed failed", len(reading.failed()) <= 1, reading.failed())
        after = days(here.database, first, last)
        report.expect("no day that was kept has changed", set(before) <= set(after))
        expect_right(report, here, first, last)
    return report.verdict()
