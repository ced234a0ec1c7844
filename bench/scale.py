"""Measures what docs/scale.md multiplies (``python -m bench scale``): rows, bytes, calls and seconds.

It reads ``BENCH_MONTHS`` months, this one among them: 12 unless said otherwise, which takes less than five
minutes. On PostgreSQL, with its write-ahead log:
``.venv/bin/python -m bench scale --postgresql``.
"""

import datetime as dt
import io
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from django.apps import apps
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.db.models import F
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.transport import Attempt, Received
from bench.budgets import make_budgets
from bench.consumption import KEYS, new_gateway, read, warm_up
from bench.figures import Run, show, timed
from bench.trends import measure_page
from consumption.keeping import PROVISIONAL_DAYS
from consumption.models import DayState, Ledger, UsageDay
from consumption.periods import ONE_DAY, Period, months_later
from costs import refreshing
from costs.models import CostSnapshot

MONTHS = int(os.environ.get("BENCH_MONTHS", "12"))

BUDGETS = 20

PAGES = {
    "history": "/consumption/?period=last-12-months&group_by=category",
    "history by resource": "/consumption/?period=last-12-months&group_by=resource",
    "trends": "/consumption/trends/?period=last-12-months&group_by=category",
    "current cost": "/costs/",
    "overview": "/",
}
"""Pages that people look at each day; each leaves in the cache what it has worked out."""

PAGE_GOAL_MS = 300


@dataclass
class Calls:
    """The calls to the cloud of a piece of work, by name, and how many bytes their answers had."""

    names: Counter[str] = field(default_factory=Counter)
    size: int = 0


@contextmanager
def counted_calls() -> Iterator[Calls]:
    """Count what is asked of the cloud meanwhile."""
    calls, exchange = Calls(), Attempt.exchange

    def counted(attempt: Attempt, method: str, url: str, **options: Any) -> Received:
        received = exchange(attempt, method, url, **options)
        calls.names[attempt.call] += 1
        calls.size += len(received.content)
        return received

    with patch.object(Attempt, "exchange", counted):
        yield calls


def measure_work(name: str, work: Callable[[], object]) -> None:
    """Print the seconds, calls and traffic of a piece of work, and what PostgreSQL logs ahead of it."""
    before = _log_position()
    with counted_calls() as calls:
        run = timed(work)
    _show_seconds(name, run)
    show(f"{name}, calls to the cloud", f"{calls.names.total():,}", "none")
    for call, count in sorted(calls.names.items()):
        show(f"    {call}", f"{count:,}", "none")
    show(f"{name}, answers of the cloud", megabytes(calls.size), "none")
    if before is not None:
        show(f"{name}, write-ahead log", megabytes(_log_position() - before), "none")


def megabytes(size: int) -> str:
    """Write a number of bytes as MB."""
    return f"{size / 1e6:,.3f} MB" if size < 1e6 else f"{size / 1e6:,.1f} MB"


def _show_seconds(name: str, run: Run) -> None:
    show(f"{name}, with {run.cpu / 1000:,.2f} s of CPU", f"{run.wall / 1000:,.2f} s", "none")


def _log_position() -> int | None:
    """Return how much PostgreSQL has logged ahead so far, None on SQLite.

    The checkpoint lets every page be logged whole once more, as in production, where hours lie between two
    readings of an account.
    """
    if connection.vendor != "postgresql":
        return None
    with connection.cursor() as cursor:
        cursor.execute("CHECKPOINT")
        cursor.execute("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')")
        return int(cursor.fetchone()[0])


def let_a_day_pass(today: dt.date) -> None:
    """Let what is kept look as if it had been read yesterday: its last days could still grow then."""
    ledgers = Ledger.objects.all()
    ledgers.update(tags_tried_at=F("tags_tried_at") - ONE_DAY, claimed_until=timezone.now())
    days = UsageDay.objects.filter(day__gte=today - (PROVISIONAL_DAYS + 1) * ONE_DAY)
    days.update(state=DayState.PROVISIONAL, tried_at=F("tried_at") - ONE_DAY)


def sync_a_day(today: dt.date) -> None:
    """Do what the timer does each night for one account."""
    let_a_day_pass(today)
    keys = {f"OSC_{name.upper()}": value for name, value in KEYS.items()}
    with patch.dict(os.environ, keys):
        call_command("sync_consumption", stdout=io.StringIO())


def clean_up() -> None:
    """Let the database do what it does by itself in production, sooner or later."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "VACUUM")


def measure_tables() -> None:
    """Print the rows of each table that has some, and the bytes of it and of each of its indexes."""
    sizes = _sizes_on_postgresql() if connection.vendor == "postgresql" else _sizes_on_sqlite()
    models = {model._meta.db_table: model for model in apps.get_models()}
    by_table: dict[str, list[tuple[str, int]]] = {}
    for table, name, size in sizes:
        by_table.setdefault(table, []).append((name, size))
    for table in sorted(by_table, key=lambda one: -sum(size for _name, size in by_table[one])):
        rows = models[table].objects.count() if table in models else 0
        if rows:
            whole = sum(size for _name, size in by_table[table])
            show(f"{table}, {rows:,} rows", megabytes(whole), "none")
            for name, size in sorted(by_table[table], key=lambda one: -one[1]):
                show(f"    {'the rows' if name == table else name}", megabytes(size), "none")
    show("everything", megabytes(sum(size for _table, _name, size in sizes)), "none")


def _sizes_on_postgresql() -> list[tuple[str, str, int]]:
    """Return table, name and bytes of each table, with what it keeps out of line, and of each index."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, relname, pg_table_size(relid) FROM pg_stat_user_tables UNION ALL"
            " SELECT relname, indexrelname, pg_relation_size(indexrelid) FROM pg_stat_user_indexes"
        )
        return cursor.fetchall()


def _sizes_on_sqlite() -> list[tuple[str, str, int]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tbl_name, sizes.name, sum(pgsize) FROM dbstat sizes"
            " JOIN sqlite_schema USING (name) GROUP BY 1, 2"
        )
        return cursor.fetchall()


def measure_current_cost() -> None:
    """Measure a reading of what runs now: one is kept of each day and key."""
    measure_work("current cost", lambda: refreshing.whole(new_gateway(), with_objects=False))
    [content] = CostSnapshot.objects.values_list("content", flat=True)
    show("current cost, a kept reading", megabytes(len(content)), "none")


def measure_pages(client: Client, times: int) -> None:
    """Time the pages, and print what they leave in the cache, and how large a session is."""
    cache.clear()
    for name, address in PAGES.items():
        measure_page(client, name, address, times, goal=PAGE_GOAL_MS)
    for kind, (count, size) in sorted(_cached().items()):
        show(f"cache, {kind}: {count} entries", megabytes(size), "none")
    longest = max(map(len, Session.objects.values_list("session_data", flat=True)))
    show("session", f"{longest:,} bytes", "none")


def _cached() -> dict[str, tuple[int, int]]:
    """Return how many entries of each kind the cache has, and the bytes of their names and values.

    Only a cache in a table can be asked for that.
    """
    found: dict[str, tuple[int, int]] = {}
    if not settings.CACHES["default"]["BACKEND"].endswith("TableCache"):
        return found
    with connection.cursor() as cursor:
        cursor.execute("SELECT cache_key, length(value) FROM portal_cache")
        for key, length in cursor.fetchall():
            kind = re.sub(r"^\w*:1:|[-:]?[0-9a-f]{16,}.*$", "", key)
            count, size = found.get(kind, (0, 0))
            found[kind] = count + 1, size + len(key) + length * 3 // 4  # base64
    return found


def measure_budgets() -> None:
    """Time the check of the budgets of one account: the first, which works forecasts out, and the next."""
    make_budgets(User.objects.for_account(new_gateway().account_id), BUDGETS)
    for which in ("first", "next"):
        run = timed(lambda: call_command("check_budgets", stdout=io.StringIO()))
        _show_seconds(f"check_budgets, {BUDGETS} budgets, {which}", run)


def main() -> None:
    """Measure and print."""
    today = timezone.now().date()
    warm_up()
    period = Period(months_later(today, 1 - MONTHS), today - ONE_DAY)
    measure_work(f"first reading, {period.length} days", lambda: read(period))
    measure_current_cost()
    measure_work("a night's sync_consumption", lambda: sync_a_day(today))
    client = Client(HTTP_HOST="localhost")
    client.post("/login/", KEYS)
    measure_pages(client, times=10)
    measure_budgets()
    clean_up()
    measure_tables()
