"""What every bad day begins with: a portal that works, its database and cache, the sandbox for its cloud."""

import datetime as dt
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.faults.stored import Database
from bench.faults.visitor import REGION, Visitor
from bench.servers import Portal, Postgresql, Redis
from sandbox.cloud import DEMO_KEY
from sandbox.server import Sandbox, running

SECRET_KEY = "of a bad day, and of nothing else: no session outlives it"  # noqa: S105
TIMEOUT_SECONDS = 10


@dataclass
class Stage:
    """The servers of one bad day; ``postgresql`` and ``redis`` where it has them."""

    cloud: Sandbox
    portal: Portal
    database: Database
    folder: Path
    postgresql: Postgresql | None = None
    redis: Redis | None = None

    def visitor(self) -> Visitor:
        """Return somebody who has logged in."""
        visitor = Visitor(self.portal.url)
        seen = visitor.log_in()
        if seen.status != 302:
            raise SystemExit(f"nobody could log in: {seen}")
        return visitor

    def with_prices(self) -> None:
        """Let the portal know the prices."""
        self.portal.manage("refresh_catalogs")

    def sync(self, first: dt.date, last: dt.date, portal: Portal | None = None) -> str:
        """Read days with the command, to its end; return what it said."""
        done = (portal or self.portal).manage("sync_consumption", *days_of_command(first, last), **keys())
        return f"exit code {done.returncode}: {(done.stdout + done.stderr).strip()}"


def keys() -> dict[str, str]:
    """Return the environment in which a command finds the keys of the demo."""
    return {
        "OSC_ACCESS_KEY": DEMO_KEY.access_key,
        "OSC_SECRET_KEY": DEMO_KEY.secret_key,
        "OSC_REGION": REGION,
    }


def days_of_command(first: dt.date, last: dt.date) -> list[str]:
    """Return the options that name days."""
    return ["--from", first.isoformat(), "--to", last.isoformat()]


def final_days(count: int) -> tuple[dt.date, dt.date]:
    """Return the first and the last of so many days that do not change any more."""
    last = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=40)
    return last - dt.timedelta(days=count - 1), last


def question(first: dt.date, last: dt.date) -> str:
    """Return the address of the consumption in these days, without its page."""
    return f"first={first}&last={last}&group_by=category&granularity=month"


@contextmanager
def stage(
    *,
    on_postgresql: bool = False,
    with_redis: bool = False,
    latency_ms: float = 40,
    limits: Callable[[], None] | None = None,
    folder: Path | None = None,
    **variables: str,
) -> Iterator[Stage]:
    """Set the servers up, and take them down; ``variables`` are those of the portal's environment."""
    where = folder or Path(tempfile.mkdtemp(prefix="bad-day-"))
    postgresql = Postgresql(where) if on_postgresql else None
    redis = Redis() if with_redis else None
    with running() as cloud:
        if latency_ms:
            cloud.faults.add("*", "latency", latency_ms)
        url = postgresql.url if postgresql else f"sqlite:///{where / 'portal.sqlite3'}"
        environment = {
            "PATH": os.environ["PATH"],
            "DEMO": "true",
            "SECRET_KEY": SECRET_KEY,
            "DATABASE_URL": url,
            "CACHE_URL": redis.url if redis else "dbcache://portal_cache",
            "OUTSCALE_API_URL": cloud.url,
            "OUTSCALE_OOS_URL": cloud.oos_url,
            "OUTSCALE_TIMEOUT_SECONDS": str(TIMEOUT_SECONDS),
            "OUTSCALE_REQUESTS_PER_SECOND": "20",
            "GUNICORN_WORKERS": "2",
            "LOG_LEVEL": "WARNING",
        } | variables
        log = where / "portal.log" if folder is None else Path(tempfile.mkstemp(suffix=".log")[1])
        portal = Portal(environment, log, limits=limits)
        try:
            for server in (postgresql, redis):
                if server:
                    server.start()
            portal.prepare()
            portal.start()
            yield Stage(cloud, portal, Database(url), where, postgresql, redis)
        finally:
            portal.stop()
            if redis:
                redis.stop()
            if postgresql:
                postgresql.stop()
            if os.environ.get("KEEP_LOG"):
                shutil.copy(log, os.environ["KEEP_LOG"])
            if folder is None:
                shutil.rmtree(where, ignore_errors=True)
