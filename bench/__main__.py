"""Runs a benchmark on its own portal: ``python -m bench budgets``; ``SIZES`` names them all.

A benchmark is a module of this package with a function ``main``; it prints figures beside their goals. It
runs in a fresh process, once for each size of the cloud that it wants; with ``--small`` once, on a small one;
with ``--postgresql`` and ``--redis`` on servers of its own instead of SQLite alone.
"""

import argparse
import multiprocessing
import sys
from collections.abc import Iterable, Sequence

from bench.portal import measure

SIZES = {
    "quotes": [None],
    "costs": [1_000, 10_000],
    "consumption": [None, 10_000],
    "trends": [10_000],
    "budgets": [10_000],
    "overview": [10_000],
    "load": [1_000],
    "scale": [10_000],
}
"""How many resources the cloud of each benchmark has; None is the small one of the demo."""


SMALL = 500
"""How many resources the small cloud has."""


def run(name: str, sizes: Iterable[int | None], servers: Sequence[str]) -> int:
    """Run the benchmark ``name`` for each of some sizes and return its exit code."""
    fresh = multiprocessing.get_context("spawn")
    for size in sizes:
        process = fresh.Process(target=measure, args=(name, size, servers))
        process.start()
        process.join()
        if process.exitcode:
            return process.exitcode
    return 0


def main() -> int:
    """Run what the command line asks for and return its exit code."""
    parser = argparse.ArgumentParser("python -m bench", description="Figures beside their goals.")
    parser.add_argument("name", choices=SIZES)
    parser.add_argument("--small", action="store_true", help=f"on a cloud of {SMALL} resources")
    servers = {"action": "append_const", "dest": "servers", "default": []}
    parser.add_argument("--postgresql", const="DATABASE_URL", **servers, help="on PostgreSQL, not on SQLite")
    parser.add_argument("--redis", const="CACHE_URL", **servers, help="with Redis for its cache")
    options = parser.parse_args()
    sizes = [SMALL] if options.small else SIZES[options.name]
    return run(options.name, sizes, options.servers)


if __name__ == "__main__":
    sys.exit(main())
