"""A reading of the consumption as its page does it, slice after slice, and whether what it kept is right."""

import datetime as dt
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from bench.faults.report import Report
from bench.faults.stage import Stage, question
from bench.faults.stored import Database
from bench.faults.visitor import Seen, Visitor, goes_on
from bench.servers import Portal

SECONDS_BETWEEN_TRIES = 2
"""A page asks again ten seconds after a slice that was not answered; here it does so sooner."""

_DAYS = (
    "SELECT day.day, day.state, count(usage.id), coalesce(sum(usage.price), 0) "
    "FROM consumption_usageday AS day LEFT JOIN consumption_usage AS usage ON usage.day_id = day.id "
    "WHERE day.day >= '{first}' AND day.day <= '{last}' GROUP BY day.day, day.state ORDER BY day.day"
)


@dataclass
class BrowserReading:
    """A page that reads days in a thread, and goes on by itself as ``portal.js`` does."""

    visitor: Visitor
    first: dt.date
    last: dt.date
    slices: list[Seen] = field(default_factory=list)
    _left: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        """Begin."""
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    @property
    def is_over(self) -> bool:
        """Tell whether the page has nothing more to ask."""
        return not self._thread.is_alive()

    def leave(self) -> None:
        """Close the page."""
        self._left.set()
        self._thread.join()

    def failed(self) -> list[Seen]:
        """Return the slices that were not answered with how far the reading is."""
        return [one for one in self.slices if one.status != 200]

    def _read(self) -> None:
        until = time.monotonic() + 180
        while time.monotonic() < until and not self._left.is_set():
            seen = self.visitor.read_slice(question(self.first, self.last))
            self.slices.append(seen)
            if not goes_on(seen):
                return
            is_waiting = seen.status != 200 or "Another page reads" in seen.text
            time.sleep(SECONDS_BETWEEN_TRIES if is_waiting else 0.05)


def days(database: Database, first: dt.date, last: dt.date) -> list[tuple]:
    """Return each kept day with its state, and the number and the sum of its lines."""
    rows = database.rows(_DAYS.format(first=first, last=last))
    return [(str(day), state, count, int(total)) for day, state, count, total in rows]


def expect_right(report: Report, here: Stage, first: dt.date, last: dt.date) -> None:
    """Compare what was kept with a reading of the same days that nothing disturbed."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'undisturbed.sqlite3'}"
        calm = Portal(
            here.portal.environment | {"DATABASE_URL": url, "CACHE_URL": "dbcache://portal_cache"},
            Path(folder) / "log",
        )
        for command in ("migrate", "createcachetable", "refresh_catalogs"):
            calm.manage(command)
        here.sync(first, last, calm)
        wanted = days(Database(url), first, last)
    found = days(here.database, first, last)
    report.expect(f"all {len(wanted)} days are read", len(found) == len(wanted) > 0, len(found))
    different = [pair for pair in zip(wanted, found, strict=False) if pair[0] != pair[1]]
    report.expect("each day as in a reading that nothing disturbed", not different, different[:3])
