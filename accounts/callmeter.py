"""How often the cloud is asked, how that ends and how long it takes: for the metrics and the log.

Only the name of a call and its region are told, never what was asked with it or whose key it was.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import structlog
from prometheus_client import Counter, Histogram

from accounts.errors import CloudError

ANSWERED = "ok"
BROKEN = "UNEXPECTED"
"""The outcome of a call that ended by an error which is none of the cloud's: a mistake of the portal."""

_CALLS = Counter(
    "osc_finops_cloud_calls", "Calls to the cloud, each with all its tries.", ["call", "outcome"]
)
_SECONDS = Histogram(
    "osc_finops_cloud_call_seconds",
    "How long a call to the cloud took, with its tries and the wait for its turn.",
    ["call"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20),
)

_logger = structlog.stdlib.get_logger(__name__)


class Tally:
    """The calls that were made for one piece of work, in whichever thread of it."""

    def __init__(self) -> None:
        self.calls = 0
        self.seconds = 0.0
        self._lock = threading.Lock()

    def add(self, seconds: float) -> None:
        """Count one more call."""
        with self._lock:
            self.calls += 1
            self.seconds += seconds


_tally: ContextVar[Tally | None] = ContextVar("tally", default=None)


def begin_tally() -> Tally:
    """Count from now on, in this context and those copied from it; return where the count is read."""
    tally = Tally()
    _tally.set(tally)
    return tally


@contextmanager
def measured(call: str, region: str) -> Iterator[None]:
    """Measure what happens inside as one ``call`` to the cloud; whatever is raised goes on."""
    begun, outcome = time.perf_counter(), BROKEN
    try:
        yield
        outcome = ANSWERED
    except CloudError as error:
        outcome = error.code
        raise
    finally:
        seconds = time.perf_counter() - begun
        _CALLS.labels(call, outcome).inc()
        _SECONDS.labels(call).observe(seconds)
        if tally := _tally.get():
            tally.add(seconds)
        _logger.debug(
            "cloud call", call=call, region=region, outcome=outcome, duration_ms=round(1000 * seconds, 1)
        )
