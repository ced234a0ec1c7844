"""Makes a bad day and tells what came of it: ``python -m bench.faults redis_gone``, or ``all``.

Each is a module of this package with a function ``main``. The exit code is 1 when something did not hold.
"""

import importlib
import sys

NAMES = (
    "database_restart",
    "redis_gone",
    "disk_full",
    "throttled",
    "hanging_call",
    "worker_killed",
    "clock_off",
    "two_versions",
)


def main(names: list[str]) -> int:
    """Make the bad days of these names, and return the exit code."""
    verdicts = {name: importlib.import_module(f"bench.faults.{name}").main() for name in names}
    if len(names) > 1:
        print("\n=== All")
        for name, holds in verdicts.items():
            print(f"{name:<20} {'as promised' if holds else 'NOT AS PROMISED'}")
    return 0 if all(verdicts.values()) else 1


if __name__ == "__main__":
    asked = sys.argv[1:]
    if len(asked) != 1 or asked[0] not in (*NAMES, "all"):
        sys.exit(f"{__doc__}\nThere are: {', '.join(NAMES)}, all.")
    sys.exit(main(list(NAMES) if asked == ["all"] else asked))
