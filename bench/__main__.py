"""Runs a benchmark on its own portal: ``python -m bench budgets``; ``SIZES`` names them all.

A benchmark is a module of this package with a function ``main``; it prints figures beside their goals. It
runs in a fresh process, once for each size of the cloud that it wants.
"""

import multiprocessing
import sys

from bench.portal import measure

SIZES = {
    "quotes": [None],
    "costs": [1_000, 10_000],
    "consumption": [None, 10_000],
    "trends": [10_000],
    "budgets": [10_000],
    "overview": [10_000],
}
"""How many resources the cloud of each benchmark has; None is the small one of the demo."""


def run(name: str) -> int:
    """Run the benchmark ``name`` and return its exit code."""
    fresh = multiprocessing.get_context("spawn")
    for size in SIZES[name]:
        process = fresh.Process(target=measure, args=(name, size))
        process.start()
        process.join()
        if process.exitcode:
            return process.exitcode
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in SIZES:
        sys.exit(__doc__)
    sys.exit(run(sys.argv[1]))
