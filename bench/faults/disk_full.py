"""The disk of a SQLite database fills up: a small file system of its own, which takes root to mount."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.faults.readings import BrowserReading, days, expect_right
from bench.faults.report import Report
from bench.faults.stage import Stage, final_days, stage
from bench.faults.stored import lost
from bench.faults.visitor import PAGES, Visitor

SIZE = "24m"
DAYS = 60


def main() -> bool:
    """Make it, and tell whether all was as promised."""
    report = Report("Disk full (SQLite)")
    if os.getuid() != 0:
        print("left out: only root can mount a small file system")
        return True
    with _small_disk() as disk, stage(folder=disk) as here:
        here.with_prices()
        visitor = here.visitor()
        here.sync(*final_days(10))
        before = here.database.counts()
        _let_time_pass(here)
        ballast = _fill(disk)
        report.did(f"disk filled: {_free(disk)} bytes are free")
        _while_full(report, here, visitor)
        ballast.unlink()
        report.did("room made")
        report.until("a quote is saved", lambda: _new_quote(visitor) in (200, 302), seconds=15)
        first, last = final_days(DAYS)
        reading = BrowserReading(visitor, first, last)
        report.until("a reading keeps all days", lambda: reading.is_over, seconds=60)
        expect_right(report, here, first, last)
        gone = lost(before, here.database.counts())
        report.expect("nothing that was committed is lost", not gone, gone)
        whole = here.database.rows("PRAGMA integrity_check")
        report.expect("the file is sound", whole == [("ok",)], whole)
    return report.verdict()


def _while_full(report: Report, here: Stage, visitor: Visitor) -> None:
    seen = [one for _round in range(3) for one in visitor.pages(PAGES)]
    bad = [str(one) for one in seen if one.status != 200]
    report.saw(f"{len(seen)} pages: {sorted({one.status for one in seen})}")
    report.expect("every page can still be read", not bad, bad[:1])
    before = here.database.counts()
    status = [_new_quote(visitor) for _ in range(40)]  # the pages that are free already may take some
    report.saw(f"forty new quotes: {sorted(set(status))}, {visitor.last.notice}")
    report.expect(
        "what cannot be saved is answered 503", 503 in status and set(status) <= {302, 503}, set(status)
    )
    saved = here.database.counts()["quotes"] - before["quotes"]
    report.expect("exactly the quotes that were said to be saved are", saved == status.count(302), saved)
    first, last = final_days(DAYS)
    reading = BrowserReading(visitor, first, last)
    report.until("a reading says so", lambda: any(reading.failed()), seconds=15)
    report.saw(str(reading.failed()[0]))
    kept = days(here.database, first, last)
    report.expect("it has kept whole days only", all(count for _day, _state, count, _sum in kept))
    reading.leave()


def _new_quote(visitor: Visitor) -> int:
    visitor.last = visitor.post("/quotes/", {"name": "x" * 60})
    return visitor.last.status


def _let_time_pass(here: Stage) -> None:
    """Let what is in the cache expire, and the portal want to write that sessions are in use."""
    here.portal.manage(
        "shell",
        "-c",
        "from django.contrib.sessions.models import Session\n"
        "from accounts.sessionstore import SessionStore\n"
        "for key in Session.objects.values_list('session_key', flat=True):\n"
        "    session = SessionStore(key)\n"
        "    session['seen'] = 0\n"
        "    session.save()\n"
        "from django.db import connection\n"
        "connection.cursor().execute(\"UPDATE portal_cache SET expires = '2020-01-01 00:00:00'\")",
    )


def _fill(disk: Path) -> Path:
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (2**16, 1):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                continue
    return ballast


def _free(disk: Path) -> int:
    found = os.statvfs(disk)
    return found.f_bavail * found.f_frsize


@contextmanager
def _small_disk() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="bad-day-disk-") as folder:
        mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "none", folder]
        subprocess.run(mount, check=True)  # noqa: S603 - our own
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)  # noqa: S603, S607 - our own
