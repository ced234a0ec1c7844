"""Asking the cloud until it answers: paced, tried again when the cloud was at fault, bounded in time."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from django.conf import settings

from accounts.callmeter import measured
from accounts.errors import CloudError, Throttled
from accounts.ratelimit import limiter_of
from accounts.transport import Attempt

RETRIES = 3
DEADLINE_FACTOR = 2
"""A call with all its retries lasts at most this many times ``OUTSCALE_TIMEOUT_SECONDS``."""

THROTTLED_SECONDS = 5.0
"""A throttled call gives up after so long: while everybody is throttled, all threads would only wait."""

BACKOFF_SECONDS = 0.25

Answer = TypeVar("Answer")

_random = random.SystemRandom()


def answer_to(call: str, send: Callable[[Attempt], Answer], *, owner: str, region: str) -> Answer:
    """Send a call until it is answered, its error is final, or its time is over; return the answer.

    ``send`` sends one request through an attempt. All calls of one ``owner`` (an account id or an access key)
    in a ``region`` share a limiter. Raises a ``CloudError`` when there is no answer.
    """
    with measured(call, region):
        return _answer_to(call, send, owner, region)


def _answer_to(call: str, send: Callable[[Attempt], Answer], owner: str, region: str) -> Answer:
    limiter = limiter_of(owner, region, settings.OUTSCALE_REQUESTS_PER_SECOND)
    begun = time.monotonic()
    until = begun + DEADLINE_FACTOR * settings.OUTSCALE_TIMEOUT_SECONDS
    for tried in range(RETRIES + 1):
        if not limiter.acquire(until):
            raise Throttled(call)
        try:
            answer = send(Attempt(call, until))
        except CloudError as error:
            if isinstance(error, Throttled):
                limiter.slow_down()
                until = min(until, begun + THROTTLED_SECONDS)
            pause = _pause(error, tried)
            if tried == RETRIES or not error.may_pass or time.monotonic() + pause > until:
                raise
            time.sleep(pause)
        else:
            limiter.recover()
            return answer
    raise AssertionError("the last try answers or raises")


def _pause(error: CloudError, tried: int) -> float:
    """Return how many seconds to wait: what the cloud asks for, or twice as long each time, with jitter."""
    if error.retry_after is not None:
        return float(error.retry_after)
    backoff = BACKOFF_SECONDS * 2**tried
    return backoff + _random.uniform(0, backoff)
