"""Runs a benchmark on its own portal: ``python -m bench budgets``; ``SIZES`` names them all.

A benchmark is a module of this package with a function ``main``; it prints figures beside their goals. It
runs in a fresh process, once for each size of the cloud that it wants; with ``--small`` once, on a small one.
"""

import multiprocessing
import sys
from collections.abc import Iterable

from bench.portal import measure

SIZES = {
    "quotes": [None],
    "costs": [1_000, 10_000],
    "consumption": [None, 10_000],
    "trends": [10_000],
    "budgets": [10_000],
    "overview": [10_000],
    "scale": [10_000],
}
"""How many resources the cloud of each benchmark has; None is the small one of the demo."""


SMALL = 500
"""How many resources the small cloud has."""


def run(name: str, sizes: Iterable[int | None]) -> int:
    """Run the benchmark ``name`` for each of some sizes and return its exit code."""
    fresh = multiprocessing.get_context("spawn")
    for size in sizes:
        process = fresh.Process(target=measure, args=(name, size))
        process.start()
        process.join()
        if process.exitcode:
            return process.exitcode
    return 0


if __name__ == "__main__":
    name, *options = sys.argv[1:] or [""]
    if name not in SIZES or options not in ([], ["--small"]):
        sys.exit(__doc__)
    sys.exit(run(name, [SMALL] if options else SIZES[name]))
