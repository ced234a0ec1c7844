"""What a benchmark runs on: a portal with a SQLite file of its own, and a cloud that answers after 40 ms.

``BENCH_DATABASE_URL`` names another database, an empty one: a benchmark writes and deletes as it likes.
The cloud is the sandbox, in another process: neither its CPU nor its memory is in the figures.
"""

import importlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import django
import django.core.management
from django.conf import settings

LATENCY_MS = 40


def measure(name: str, size: int | None) -> None:
    """Set the portal up in this process, and run the benchmark ``name`` on a cloud of ``size`` resources."""
    with tempfile.TemporaryDirectory() as folder, _cloud(size) as addresses:
        os.environ |= addresses | {
            "DJANGO_SETTINGS_MODULE": "finops_site.settings",
            "DATABASE_URL": os.environ.get(
                "BENCH_DATABASE_URL", f"sqlite:///{Path(folder) / 'bench.sqlite3'}"
            ),
            "DEMO": "true",
            "LOG_LEVEL": "ERROR",
            "OUTSCALE_REQUESTS_PER_SECOND": "1000",
        }
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
    options = ["--port", "0", "--latency-ms", str(LATENCY_MS)] + (
        [] if size is None else ["--size", str(size)]
    )
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
