"""One log line for each request, and the request's id on every line that is written meanwhile.

A line tells who asked for which page, how that ended and how long it took. It holds no query, no header
and no body, and of the address only the path.
"""

import re
import time
import uuid
from collections.abc import Callable

import structlog
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from structlog.contextvars import bind_contextvars, clear_contextvars

from accounts import callmeter

ID_HEADER = "X-Request-ID"
PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
LONGEST_PATH = 500
"""How many characters of a path are written; the longest of the portal's own has half of that."""

_GIVEN_ID = re.compile(r"[A-Za-z0-9-]{1,64}")

_logger = structlog.stdlib.get_logger(__name__)


def request_log(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Give each request an id, its proxy's own where it is one, answer with it, and log the request.

    Stands above all that may answer. What is streamed is logged when it ends, or is given up.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        begun = time.perf_counter()
        request_id = _id_of(request)
        clear_contextvars()  # of an answer that was never closed
        bind_contextvars(request_id=request_id)
        tally = callmeter.begin_tally()
        response = get_response(request)
        response[ID_HEADER] = request_id

        def write() -> None:
            _write(request, response, time.perf_counter() - begun, tally)

        # Django logs refusals, and streams, after this: only the list of what is closed knows the end.
        if response.streaming and not _is_routine(request):
            response._resource_closers.append(write)
        else:
            write()
        response._resource_closers.append(clear_contextvars)
        return response

    return middleware


def note_account(request: HttpRequest) -> None:
    """Name the account of who is logged in on every line of this request from now on; operators have none."""
    if request.user.is_authenticated and request.user.account_id:
        bind_contextvars(account_id=request.user.account_id)


def _id_of(request: HttpRequest) -> str:
    given = request.META.get("HTTP_X_REQUEST_ID", "")
    return given if _GIVEN_ID.fullmatch(given) else uuid.uuid4().hex


def _write(request: HttpRequest, response: HttpResponseBase, seconds: float, tally: callmeter.Tally) -> None:
    log = _logger.debug if _is_routine(request) else _logger.info
    log(
        "request",
        method=request.method[:16],
        route=request.resolver_match.view_name if request.resolver_match else "",
        path=request.path[:LONGEST_PATH],
        status=response.status_code,
        duration_ms=round(1000 * seconds, 1),
        cloud_calls=tally.calls,
        cloud_ms=round(1000 * tally.seconds, 1),
        **({"streamed": True} if response.streaming else {}),
    )


def _is_routine(request: HttpRequest) -> bool:
    """Tell whether this is a probe or a static file, which come all the time and say nothing."""
    return request.path in PROBES or request.path.startswith(settings.STATIC_URL)
