import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from accounts.errors import Throttled
from accounts.gateway import Gateway
from accounts.ratelimit import RateLimiter, limiter_of
from sandbox.cloud import DEMO_ACCOUNT, DEMO_KEY, LINKED_KEY, SECOND_DEMO_KEY

FOR_EVER = float("inf")


def most_together(times, seconds):
    """Return how many of ``times`` lie at most within some ``seconds``."""
    return max(sum(start <= other < start + seconds for other in times) for start in times)


def starts_of(limiter, count):
    """Let ``count`` threads ask at once, and return when each was let through."""
    ready = threading.Barrier(count)

    def start(_number):
        ready.wait()
        assert limiter.acquire(FOR_EVER)
        return time.monotonic()

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(start, range(count)))


def test_twenty_threads_at_once_stay_within_the_rate():
    starts = starts_of(RateLimiter(10), 20)

    assert most_together(starts, 0.7) <= 10  # a busy machine wakes a thread late
    assert max(starts) - min(starts) < 4


def gateway(key, region="eu-west-2", account_id=DEMO_ACCOUNT.account_id):
    return Gateway(key.access_key, key.secret_key, region, account_id)


def test_twenty_threads_with_two_keys_of_one_account_share_its_rate(outscale, settings):
    settings.OUTSCALE_REQUESTS_PER_SECOND = 9
    gateways = [gateway(DEMO_KEY), gateway(SECOND_DEMO_KEY)] * 10

    with ThreadPoolExecutor(20) as threads:
        list(threads.map(lambda one: one.read("ReadAccounts"), gateways))

    times = [received.time.timestamp() for received in outscale.requests]
    assert len(times) == 20
    assert most_together(times, 0.5) <= 9  # some travel faster than others


def test_accounts_and_regions_do_not_wait_for_each_other(outscale, settings):
    settings.OUTSCALE_REQUESTS_PER_SECOND = 0.101
    started = time.monotonic()

    gateway(DEMO_KEY).read("ReadAccounts")
    gateway(DEMO_KEY, "us-east-2").read("ReadAccounts")
    gateway(LINKED_KEY, account_id="").read("ReadAccounts")

    assert time.monotonic() - started < 5


def test_one_limiter_is_made_even_for_threads_that_ask_at_once():
    ready = threading.Barrier(16)

    def ask(_number):
        ready.wait()
        return limiter_of("a new account", "eu-west-2", 3.0)

    with ThreadPoolExecutor(16) as threads:
        assert len({id(limiter) for limiter in threads.map(ask, range(16))}) == 1


def test_turn_after_the_deadline_is_refused_at_once():
    limiter = RateLimiter(1)
    assert limiter.acquire(FOR_EVER)
    started = time.monotonic()

    assert not limiter.acquire(started + 0.9)

    assert time.monotonic() - started < 0.5


def test_call_that_would_wait_too_long_for_its_turn_is_throttled(outscale, settings):
    settings.OUTSCALE_REQUESTS_PER_SECOND = 0.02
    settings.OUTSCALE_TIMEOUT_SECONDS = 2
    gateway(DEMO_KEY, "us-west-1").read("ReadAccounts")

    with pytest.raises(Throttled):
        gateway(DEMO_KEY, "us-west-1").read("ReadAccounts")

    assert outscale.requests.count("ReadAccounts") == 1


def passed_in(limiter, seconds):
    """Return how many requests get through within ``seconds``."""
    until = time.monotonic() + seconds
    count = 0
    while limiter.acquire(until):
        count += 1
    return count


def test_throttling_halves_the_rate_and_answers_bring_it_back():
    limiter = RateLimiter(40)
    limiter.slow_down()
    limiter.slow_down()  # of the same moment: sent together, throttled together

    assert passed_in(limiter, 0.9) == 20

    for _ in range(10):
        limiter.recover()
    time.sleep(1)
    assert passed_in(limiter, 0.9) == 40


def test_slow_rate_never_falls_to_nothing(monkeypatch):
    limiter = RateLimiter(16)
    moment = time.monotonic()
    for seconds in range(10):
        monkeypatch.setattr(time, "monotonic", lambda now=moment + 2 * seconds: now)
        limiter.slow_down()
    monkeypatch.undo()

    assert limiter.acquire(FOR_EVER)
    assert limiter.acquire(time.monotonic() + 1.1)


def test_cloud_that_throttles_is_asked_more_slowly(outscale, settings):
    settings.OUTSCALE_REQUESTS_PER_SECOND = 2.125  # a limiter of this test alone
    outscale.faults.add("ReadAccounts", "throttle", 1)
    started = time.monotonic()

    for _ in range(2):
        gateway(DEMO_KEY).read("ReadAccounts")

    assert outscale.requests.count("ReadAccounts") == 3
    assert time.monotonic() - started > 1.7  # at the full rate it would take one second
