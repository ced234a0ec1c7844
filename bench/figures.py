"""Taking and printing figures."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Run:
    """One run of a piece of work: what it returned, its wall and the CPU of this process in milliseconds."""

    result: Any
    wall: float
    cpu: float


def timed(work: Callable[[], Any]) -> Run:
    """Run ``work`` once."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return Run(result, (time.perf_counter() - wall) * 1000, (time.process_time() - cpu) * 1000)


def p95(figures: list[float]) -> float:
    """Return the 95th percentile (nearest rank)."""
    return sorted(figures)[-(-len(figures) * 95 // 100) - 1]


def milliseconds(work: Callable[[], object], times: int) -> list[float]:
    """Return how long each of ``times`` runs of ``work`` took."""
    return [timed(work).wall for _ in range(times)]


def peak_memory(work: Callable[[], object]) -> float:
    """Return how many MB more than before this process held at most while ``work`` ran (Linux).

    Only the first run of a process tells: what it gives back is often kept for the next one.
    """
    Path("/proc/self/clear_refs").write_text("5")  # sets the peak back to what is held now
    before = _memory("VmRSS")
    work()
    return _memory("VmHWM") - before


def _memory(name: str) -> float:
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) / 1000


def show(what: str, figure: str, goal: str) -> None:
    """Print one figure beside its goal."""
    print(f"{what:<60} {figure:>12}   goal: {goal}")
