"""How often keys may be tried: what django-axes counts, and for how long it then refuses.

Failures are counted for an address together with an access key. The access key is stored as a fingerprint:
people also paste a secret key into its field.
"""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from ipaddress import ip_address

from axes.helpers import get_cool_off
from axes.models import AccessAttempt
from django.conf import settings
from django.db.models import Max, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts.errors import LoginBusy
from accounts.models import LoginTurn
from accounts.retrying import DEADLINE_FACTOR

LONGEST_WAIT_SECONDS = 2
"""A login that waits for its turn holds a worker, so it does not wait long."""

_SECONDS_BETWEEN_LOOKS = 0.05


def fingerprint(access_key: str) -> str:
    """Return what stands for an access key in the table of failures."""
    return "key " + salted_hmac("accounts.attempts", access_key).hexdigest()[:32]


def counted_name(request: HttpRequest, credentials: dict[str, str] | None) -> str | None:
    """Return under which name a failure is counted (setting ``AXES_USERNAME_CALLABLE``)."""
    name = (credentials or {}).get("username")
    return fingerprint(name) if name and "secret_key" in credentials else name


def address_of(request: HttpRequest) -> str | None:
    """Return the address a request comes from, None behind a local socket (``AXES_CLIENT_IP_CALLABLE``).

    Each trusted proxy appends the address that called it to ``X-Forwarded-For``; what stands further left is
    the visitor's own claim. Without ``PROXY_COUNT`` the header is not looked at.
    """
    chain = request.headers.get("X-Forwarded-For", "").split(",")
    direct = request.META.get("REMOTE_ADDR") or None
    if not 0 < settings.PROXY_COUNT <= len(chain):
        return direct
    seen_by_our_first_proxy = chain[-settings.PROXY_COUNT].strip()
    try:
        return str(ip_address(seen_by_our_first_proxy))
    except ValueError:
        return direct


def seconds_to_wait(request: HttpRequest, access_key: str) -> int:
    """Return for how many seconds ``access_key`` is not to be tried from this address; 0 when it may be."""
    cool_off, now = get_cool_off(request), timezone.now()
    recent = _failures(request, access_key).filter(attempt_time__gte=now - cool_off)
    found = recent.aggregate(count=Sum("failures_since_start"), last=Max("attempt_time"))
    if (found["count"] or 0) < settings.AXES_FAILURE_LIMIT:
        return 0
    return max(1, math.ceil((found["last"] + cool_off - now).total_seconds()))


@contextmanager
def one_at_a_time(access_key: str) -> Iterator[None]:
    """Let the logins with one access key go on one after the other, in all processes.

    Many sent at once would otherwise all be tried before the first failure is counted, and so lock the key.
    Raises ``LoginBusy`` after ``LONGEST_WAIT_SECONDS``.
    """
    name = fingerprint(access_key)
    until = time.monotonic() + LONGEST_WAIT_SECONDS
    while not (turn := LoginTurn.objects.take(name, _longest_login())):
        if time.monotonic() > until:
            raise LoginBusy(retry_after=LONGEST_WAIT_SECONDS)
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    try:
        yield
    finally:
        LoginTurn.objects.end(name, turn)


def _longest_login() -> timedelta:
    """Return twice as long as a login takes at most, of three calls."""
    return timedelta(seconds=2 * 3 * DEADLINE_FACTOR * settings.OUTSCALE_TIMEOUT_SECONDS)


def forget(request: HttpRequest, access_key: str) -> None:
    """Forget the failures of an access key, which has just proven good."""
    _failures(request, access_key).delete()


def locked_out(
    request: HttpRequest, response: HttpResponse | None = None, credentials: dict[str, str] | None = None
) -> HttpResponse:
    """Answer an operator who failed too often (setting ``AXES_LOCKOUT_CALLABLE``).

    The portal's own login has said so already, in its own words.
    """
    if request.resolver_match.app_name != "admin":
        return response
    seconds = int(get_cool_off(request).total_seconds())
    page = render(request, "accounts/locked.html", {"seconds": seconds}, status=429)
    page["Retry-After"] = str(seconds)
    return page


def _failures(request: HttpRequest, access_key: str) -> QuerySet[AccessAttempt]:
    return AccessAttempt.objects.filter(username=fingerprint(access_key), ip_address=address_of(request))
