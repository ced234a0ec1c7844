"""Who sends a request: signature, date, and the lock that four failures in a row put on a key."""

import threading
from datetime import UTC, datetime, timedelta

from sandbox.clock import Clock
from sandbox.cloud import AccessKey, Cloud
from sandbox.errors import ApiError
from sandbox.signature import Signature, Signed

# The documented window is five minutes; the live API was seen to accept 800 s late and to refuse 4 s ahead.
LATE = timedelta(seconds=900)
AHEAD = timedelta(seconds=3)
FAILURES_BEFORE_LOCK = 4
LONGEST_LOCK_MINUTES = 10


class KeyLocks:
    """The brute-force protection of access keys (OUTSCALE API documentation, introduction).

    Four failures in a row lock a key of a region for one minute, each four further ones for one minute more,
    up to ten. What is asked with a locked key is refused without counting as a failure.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures: dict[tuple[str, str], int] = {}
        self._locked_until: dict[tuple[str, str], datetime] = {}

    def is_locked(self, region: str, access_key: str) -> bool:
        """Tell whether a key is locked now."""
        until = self._locked_until.get((region, access_key))
        return until is not None and self._clock.now() < until

    def fail(self, region: str, access_key: str) -> None:
        """Count a wrong signature."""
        owner = (region, access_key)
        with self._lock:
            self._failures[owner] = failures = self._failures.get(owner, 0) + 1
            if failures % FAILURES_BEFORE_LOCK == 0:
                minutes = min(failures // FAILURES_BEFORE_LOCK, LONGEST_LOCK_MINUTES)
                self._locked_until[owner] = self._clock.now() + timedelta(minutes=minutes)

    def succeed(self, region: str, access_key: str) -> None:
        """Forget the failures of a key, which has just been used rightly."""
        with self._lock:
            self._failures.pop((region, access_key), None)

    def reset(self) -> None:
        """Unlock every key and forget every failure."""
        with self._lock:
            self._failures.clear()
            self._locked_until.clear()


def authenticate(cloud: Cloud, locks: KeyLocks, region: str, signed: Signed) -> AccessKey:
    """Return the key that signed a request to a region; raise ApiError 1, 13 or 15 when none rightly did."""
    signature = Signature.read(signed.headers.get("authorization", ""))
    if signature is None:
        raise ApiError("1")
    _check_date(cloud.clock, signature, signed.headers.get("x-osc-date", ""))
    if locks.is_locked(region, signature.access_key):
        raise ApiError("13", "Too many failures: this access key is locked.")
    key = cloud.key(region, signature.access_key)
    scope_is_right = (signature.region, signature.service) == (region, "api")
    if key is None:
        raise ApiError("1")
    if not scope_is_right or not signature.is_made_with(key.secret_key, signed):
        locks.fail(region, signature.access_key)
        raise ApiError("1")
    locks.succeed(region, signature.access_key)
    return key


def _check_date(clock: Clock, signature: Signature, text: str) -> None:
    now = clock.now()
    try:
        sent = datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise ApiError("15", "The date of the request is malformed.") from None
    if not now - LATE <= sent <= now + AHEAD or not text.startswith(signature.day):
        raise ApiError("15", "The date of the request is too far from the time of the cloud.")
