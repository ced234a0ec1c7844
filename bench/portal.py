"""What a benchmark runs on: a portal with a database of its own, and a cloud that answers after 40 ms.

The cloud is the sandbox, in another process: neither its CPU nor its memory is in the figures.
"""

import importlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import django
import django.core.management
from django.conf import settings

from bench.servers import Postgresql, Redis

LATENCY_MS = 40
CROWD = 20
"""How many accounts there are beside those of the demo; each owns a few of all kinds of resources."""


def measure(name: str, size: int | None, servers: Sequence[str]) -> None:
    """Set the portal up in this process, and run the benchmark ``name`` on a cloud of ``size`` resources.

    The portal keeps its data, and its cache too, in a SQLite file. ``servers`` are the variables that name a
    server instead: ``DATABASE_URL`` a PostgreSQL, ``CACHE_URL`` a Redis, both its own.
    """
    with ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory()))
        os.environ |= running.enter_context(_cloud(size))
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "finops_site.settings",
            "DATABASE_URL": f"sqlite:///{folder / 'bench.sqlite3'}",
            "CACHE_URL": "dbcache://portal_cache",
            "DEMO": "true",
            "LOG_LEVEL": "ERROR",
            "PAGE_TTL_SECONDS": "0",  # how long it takes to make a page, not to send it again
            "OUTSCALE_REQUESTS_PER_SECOND": "1000",
        }
        for variable in servers:
            server = Postgresql(folder) if variable == "DATABASE_URL" else Redis()
            running.callback(server.stop)
            server.start()
            os.environ[variable] = server.url
        django.setup()
        settings.STATIC_ROOT = str(Path(folder) / "static")  # pages name the files by their sums
        django.core.management.call_command("collectstatic", verbosity=0)
        django.core.management.call_command("migrate", verbosity=0)
        django.core.management.call_command("createcachetable", verbosity=0)
        importlib.import_module("finops_site.wsgi")  # as the server begins
        importlib.import_module(f"bench.{name}").main()


@contextmanager
def _cloud(size: int | None) -> Iterator[dict[str, str]]:
    """Run a sandbox in another process, and hand out its addresses as the portal's settings name them."""
    options = ["--port", "0", "--latency-ms", str(LATENCY_MS), "--crowd", str(CROWD)]
    if size is not None:
        options += ["--size", str(size)]
    command = [sys.executable, "-m", "sandbox", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own
        try:
            addresses: dict[str, str] = {}
            while len(addresses) < 2:
                line = process.stdout.readline()
                if not line:
                    sys.exit("the sandbox did not start, see above")
                if line.startswith("OUTSCALE_"):
                    addresses |= [line.strip().split("=", 1)]
            yield addresses
        finally:
            process.terminate()
