"""PostgreSQL is restarted while a page reads, while the command reads, and while people look around."""

import subprocess
import sys
import time

from bench.faults.readings import BrowserReading, days, expect_right
from bench.faults.report import Report
from bench.faults.stage import Stage, days_of_command, final_days, keys, stage
from bench.faults.stored import lost
from bench.faults.visitor import PAGES, Seen, Visitor
from bench.servers import wait_for

DAYS = 90
PATIENCE_SECONDS = 30


def main() -> bool:
    """Make it, and tell whether all was as promised."""
    report = Report("Restart of the database")
    with stage(on_postgresql=True, with_redis=True, latency_ms=150) as here:
        here.with_prices()
        _while_the_page_reads(report, here)
        _while_the_command_reads(report, here)
        _while_it_is_away(report, here)
    return report.verdict()


def _while_the_page_reads(report: Report, here: Stage) -> None:
    first, last = final_days(DAYS)
    visitor = here.visitor()
    reading = BrowserReading(visitor, first, last)
    wait_for(lambda: len(days(here.database, first, last)) >= 10, "the reading of ten days")
    kept = days(here.database, first, last)
    here.postgresql.restart("immediate")
    report.did(f"database crashed and restarted while a page reads, after {len(kept)} days")
    report.until("the page has read all days", lambda: reading.is_over, seconds=90)
    report.saw(f"slices without an answer: {[str(one) for one in reading.failed()]}")
    report.expect("no answer was a 500", all(one.status in (200, 503) for one in reading.slices))
    report.expect("no day that was kept is lost", set(kept) <= set(days(here.database, first, last)))
    report.expect("the session has lasted", visitor.get("/quotes/").status == 200)
    expect_right(report, here, first, last)


def _while_the_command_reads(report: Report, here: Stage) -> None:
    last = final_days(DAYS)[0] - final_days(2)[1].resolution
    first = last - DAYS * last.resolution
    command = [sys.executable, "manage.py", "sync_consumption", *days_of_command(first, last)]
    running = subprocess.Popen(  # noqa: S603 - our own
        command,
        cwd=here.portal.code,
        env=here.portal.environment | keys(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    wait_for(lambda: len(days(here.database, first, last)) >= 10, "the reading of ten days")
    here.postgresql.restart("fast")
    begun = time.monotonic()
    report.did("database restarted while manage.py sync_consumption reads")
    said = running.communicate(timeout=120)[0]
    report.saw(
        f"the command ended after {time.monotonic() - begun:.1f} s with {running.returncode}: {said.strip()}"
    )
    report.expect("the command has gone on by itself", running.returncode == 0, running.returncode)
    expect_right(report, here, first, last)


def _while_it_is_away(report: Report, here: Stage) -> None:
    visitor = here.visitor()
    before = here.database.counts()
    here.postgresql.stop()
    report.did("database stopped")
    seen = visitor.pages()
    report.saw(str(seen[0]))
    report.saw(f"the others: {sorted({one.status for one in seen})}")
    report.expect("every page says so with 503", all(one.status == 503 for one in seen), _statuses(seen))
    api = visitor.get("/api/quotes")
    report.saw(f"/api/quotes: {api.status} {api.text}")
    report.expect("the API says so with 503", api.status == 503 and "DATABASE_UNAVAILABLE" in api.text)
    written = visitor.post("/budgets/new/", {"name": "nothing"})
    report.expect("a form is answered 503", written.status == 503, written.status)
    probe = Visitor(here.portal.url)  # which has no cookies
    report.expect("/healthz answers 200", probe.get("/healthz").status == 200)
    ready = probe.get("/readyz")
    report.expect("/readyz answers 503", ready.status == 503, ready.text)
    here.postgresql.start()
    report.did("database started")
    report.until(
        "every page is there again",
        lambda: all(one.status == 200 for one in visitor.pages(PAGES)),
        seconds=PATIENCE_SECONDS,
    )
    gone = lost(before, here.database.counts())
    report.expect("nothing that was committed is lost", not gone, gone)


def _statuses(seen: list[Seen]) -> list[tuple[str, int]]:
    return [(one.address, one.status) for one in seen]
