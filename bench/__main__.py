"""Runs a benchmark on a portal of its own: ``python -m bench quotes``.

The database is a SQLite file in a temporary folder; the cloud is the sandbox, which answers after 40 ms.
A benchmark is a module of this package with a function ``main``; it prints figures beside their goals.
"""

import importlib
import os
import sys
import tempfile
from pathlib import Path

import django
import django.core.management

from sandbox.server import running

LATENCY_MS = 40


def run(name: str) -> None:
    """Set the portal up, and run the benchmark ``name`` on it."""
    with tempfile.TemporaryDirectory() as folder, running(seed=1) as sandbox:
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "finops_site.settings",
            "DATABASE_URL": f"sqlite:///{Path(folder) / 'bench.sqlite3'}",
            "DEMO": "true",
            "LOG_LEVEL": "ERROR",
            "OUTSCALE_API_URL": sandbox.url,
            "OUTSCALE_OOS_URL": sandbox.oos_url,
            "OUTSCALE_REQUESTS_PER_SECOND": "1000",
        }
        django.setup()
        django.core.management.call_command("migrate", verbosity=0)
        django.core.management.call_command("createcachetable", verbosity=0)
        sandbox.faults.add("*", "latency", str(LATENCY_MS))
        importlib.import_module(f"bench.{name}").main()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    run(sys.argv[1])
