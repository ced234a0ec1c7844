"""Pages that were made a moment ago, for whoever asks for the same again: many people look at one account.

To make a page takes ten times as long as to send it, nearly all of it in its templates. So a worker remembers
the answers of the views that allow it (``accounts.pages.remembered``), for the same user with the same keys,
question, language and theme: until something changes that they show (``accounts.changes``), and for
``PAGE_TTL_SECONDS`` at most. With Redis all workers and hosts share them, so that one which was just started
begins with what the others have made. Who asks for a page that the same worker is just making waits for it, a
while.
"""

import random
import re
import threading
import time
import zlib
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, NamedTuple

from django.conf import settings
from django.contrib.messages import get_messages
from django.core.cache import caches
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import get_language

from accounts import changes, keyring
from accounts.keyring import Keyring
from accounts.pages import Remembered, wants_fragment
from costs import hitmeter
from finops_site.middleware import API_PREFIX
from finops_site.theme import theme_of

MEMORY = "answers"
"""The cache of the answers, which every worker has for itself."""

SHARED = "shared answers"
"""The cache of the answers of all workers; there is none without Redis."""

MOST_BYTES = 64 * 1024
"""What is larger, compressed, is not remembered: 1,000 answers then never take more than 64 MiB."""

PATIENCE_SECONDS = 2
"""How long a request waits for the same answer to another one, before it makes its own."""

_LEAST = 0.75  # of the time: what was made together is not all made anew together

_SAFE = ("GET", "HEAD", "OPTIONS")
_TOKEN = re.compile(rb'(?:name="csrfmiddlewaretoken" value=|"X-CSRFToken": )"(\w{64})"')


class Answer(NamedTuple):
    """A body, compressed, with its headers; to be given until so many seconds after 1970."""

    packed: bytes
    headers: dict[str, str]
    until: float


class RememberedAnswers:
    """Answers again what was answered a moment ago. Stands below all that checks who asks."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self._under_way = UnderWay()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Serve one request; after one that may have changed something, the user's pages are made anew."""
        answer = None
        try:
            response = self.get_response(request)
            if request.method not in _SAFE and request.user.is_authenticated:
                changes.note(*_changed_by(request))
            if hasattr(request, "making") and response.status_code == 200 and not response.streaming:
                answer = _kept(*request.making, response)
        finally:
            if hasattr(request, "making"):
                self._under_way.end(request.making[0], answer)
        return response

    def process_view(
        self, request: HttpRequest, view: Callable, _args: list, _kwargs: dict
    ) -> HttpResponse | None:
        """Return the answer that is remembered, if there is one."""
        allowed: Remembered | None = getattr(view, "remembered", None)
        if allowed is None or not _may_be_remembered(request):
            return None
        keys = keyring.open(request)
        name = _question(request, keys, changes.states(_shown(request, keys, allowed)))
        seconds = min(allowed.at_most, settings.PAGE_TTL_SECONDS)
        found = _found(name, seconds)
        if found is None:
            other = self._under_way.begin(name)
            if other is None:
                request.making = name, seconds * random.uniform(_LEAST, 1)  # noqa: S311 - no secret
            else:
                found = _awaited(other)
        hitmeter.count("page", hits=bool(found), misses=not found)
        return None if found is None else _given(request, found)


class UnderWay:
    """The answers that this worker is just making, each for the first request that has asked for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: dict[str, Future[Answer | None]] = {}

    def begin(self, name: str) -> Future[Answer | None] | None:
        """Return the answer that another request makes; None to the first, which has to ``end`` its own."""
        with self._lock:
            other = self._answers.get(name)
            if other is None:
                self._answers[name] = Future()
            return other

    def end(self, name: str, answer: Answer | None) -> None:
        """Give an answer, if there is one, to those who wait for it."""
        with self._lock:
            self._answers.pop(name).set_result(answer)


def _awaited(answer: Future[Answer | None]) -> Answer | None:
    """Wait for the answer of another request; None when that takes too long, or it has none."""
    try:
        return answer.result(PATIENCE_SECONDS)
    except TimeoutError:
        return None


def _may_be_remembered(request: HttpRequest) -> bool:
    """Tell whether somebody with keys asks for a page or a fragment, and no message waits to be shown.

    A part of a page that asks by itself does so because something has happened, or to have it worked out.
    """
    return (
        settings.PAGE_TTL_SECONDS > 0
        and request.method == "GET"
        and request.user.is_authenticated
        and keyring.is_sealed(request)
        and not request.htmx.trigger
        and not len(get_messages(request))
    )


def _shown(request: HttpRequest, keys: Keyring, allowed: Remembered) -> list[str]:
    """Return the subjects whose changes the answer shows."""
    parts = set(changes.PARTS) - allowed.unmoved_by
    own = [changes.of_user(request.user.pk, part) for part in parts]
    return [*own, *map(changes.of_place, keys.places), changes.EVERYBODY]


def _changed_by(request: HttpRequest) -> list[str]:
    """Return the subjects that a request may have changed; what it has read tells of itself."""
    if request.user.is_staff:
        return [changes.EVERYBODY]
    first = request.path_info.removeprefix(API_PREFIX).strip("/").partition("/")[0]
    part = first if first in changes.PARTS else changes.ELSEWHERE
    return [changes.of_user(request.user.pk, part)]


def _question(request: HttpRequest, keys: Keyring, states: list[tuple[str, Any]]) -> str:
    """Return what stands for all that the answer depends on."""
    known = [(key.access_key, key.place, key.name) for key in keys.keys]
    asked = (request.get_host(), request.scheme, request.get_full_path(), wants_fragment(request))
    shown = (get_language(), theme_of(request), timezone.now().date())
    facts = (request.user.pk, request.user.name, known, keys.together, *asked, *shown, states)
    return _sum_of(repr(facts))


def _found(name: str, seconds: float) -> Answer | None:
    """Return an answer; one of another worker is remembered here as well, for ``seconds`` more at most."""
    found = caches[MEMORY].get(name)
    if found is None:
        found = caches[SHARED].get(name)
        if found is not None:
            caches[MEMORY].set(name, found, min(seconds, found.until - time.time()))
    return found


def _given(request: HttpRequest, answer: Answer) -> HttpResponse:
    body, place = zlib.decompress(answer.packed), _place_of_token()
    if place in body:
        body = body.replace(place, get_token(request).encode())
    return HttpResponse(body, headers=answer.headers)


def _kept(name: str, seconds: float, response: HttpResponse) -> Answer:
    """Return what was answered, and remember it unless it is too large."""
    body, place = response.content, _place_of_token()
    for token in set(_TOKEN.findall(body)):
        body = body.replace(token, place)
    packed = zlib.compress(body, level=1)  # a tenth of a page, in a millisecond
    answer = Answer(packed, dict(response.headers), time.time() + seconds)
    if len(packed) <= MOST_BYTES:
        for cache in (MEMORY, SHARED):
            caches[cache].set(name, answer, seconds)
    return answer


def _place_of_token() -> bytes:
    """Return what stands for a token: the same in all workers, and in no page by chance."""
    return _sum_of("the place of a token").encode()


def _sum_of(text: str) -> str:
    """Return a sum that only this portal can make; with another ``SECRET_KEY`` it is another one."""
    return salted_hmac("finops_site.answers", text, algorithm="sha256").hexdigest()
