"""How fast the portal may ask the cloud: one limiter per account and region, shared by all threads."""

import threading
import time
from collections import deque
from functools import lru_cache

LIMITERS_KEPT = 4096
"""How many accounts and regions are remembered; the one not used for longest is forgotten first."""

SLOWEST_SHARE = 1 / 16
RECOVERY = 1 / 20


class RateLimiter:
    """Lets at most ``rate`` requests start in any second; fewer for a while after the cloud has throttled.

    Times are those of ``time.monotonic``. A share of 1 is the full rate: each throttling halves it, at most
    once a second, and each answer gives a twentieth of the rate back.
    """

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._share = 1.0
        self._slowed_at = float("-inf")
        self._starts: deque[float] = deque(maxlen=max(1, int(rate)))
        self._lock = threading.Lock()

    def acquire(self, until: float) -> bool:
        """Wait for the turn of one request; answer False, at once, when it would come after ``until``."""
        start = self._reserve(time.monotonic(), until)
        if start is None:
            return False
        wait = start - time.monotonic()
        if wait > 0:  # a sleep of nothing gives the processor away all the same
            time.sleep(wait)
        return True

    def slow_down(self) -> None:
        """Halve the rate: the cloud has throttled."""
        with self._lock:
            now = time.monotonic()
            if now - self._slowed_at >= 1:  # requests sent together are throttled together: one lesson
                self._slowed_at = now
                self._share = max(SLOWEST_SHARE, self._share / 2)

    def recover(self) -> None:
        """Give some of the rate back: the cloud has answered."""
        with self._lock:
            self._share = min(1.0, self._share + RECOVERY)

    def _reserve(self, now: float, until: float) -> float | None:
        with self._lock:
            start = max(now, self._next_start())
            if start > until:
                return None
            self._starts.append(start)
            return start

    def _next_start(self) -> float:
        rate = self._rate * self._share
        together = max(1, int(rate))
        if len(self._starts) < together:
            return float("-inf")
        # The request `together` requests back must have started a whole window ago.
        return max(self._starts[-1], self._starts[-together] + max(1.0, 1 / rate))


_making = threading.Lock()


def limiter_of(owner: str, region: str, rate: float) -> RateLimiter:
    """Return the one limiter of this process for ``owner`` (an account id or an access key) in ``region``."""
    with _making:  # lru_cache alone may make two for two threads that ask at the same moment
        return _limiter(owner, region, rate)


@lru_cache(maxsize=LIMITERS_KEPT)
def _limiter(_owner: str, _region: str, rate: float) -> RateLimiter:
    return RateLimiter(rate)
