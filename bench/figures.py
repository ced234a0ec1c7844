"""Taking and printing figures."""

import time
from collections.abc import Callable


def p95(figures: list[float]) -> float:
    """Return the 95th percentile (nearest rank)."""
    return sorted(figures)[-(-len(figures) * 95 // 100) - 1]


def milliseconds(work: Callable[[], object], times: int) -> list[float]:
    """Return how long each of ``times`` runs of ``work`` took."""
    durations = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        durations.append((time.perf_counter() - start) * 1000)
    return durations


def show(what: str, figure: str, goal: str) -> None:
    """Print one figure beside its goal."""
    print(f"{what:<56} {figure:>12}   goal: {goal}")
