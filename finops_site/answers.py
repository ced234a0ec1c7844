"""Pages that were made a moment ago, for whoever asks for the same again: many people look at one account.

To make a page takes ten times as long as to send it, nearly all of it in its templates. So a worker remembers
the answers of the views that allow it (``accounts.pages.remembered``) for ``PAGE_TTL_SECONDS``: for the same
user with the same keys, question, language and theme, and until this user asks for something to be changed.
What others change, as a reading by the timer does, is on a page that late at most, and the page tells as of
when its figures are.
"""

import re
from collections.abc import Callable, Iterable
from hashlib import sha256
from secrets import token_urlsafe

from django.conf import settings
from django.contrib.messages import get_messages
from django.core.cache import cache, caches
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.utils import timezone
from django.utils.translation import get_language

from accounts import keyring
from accounts.pages import wants_fragment
from finops_site.theme import theme_of

MEMORY = "answers"
"""The cache of the answers, which every worker has for itself."""

MOST_BYTES = 256 * 1024
"""What is larger is not remembered."""

_APART = ("quotes", "budgets")
_ELSEWHERE = "elsewhere"
_SAFE = ("GET", "HEAD", "OPTIONS")
_TOKEN = re.compile(rb'(?<=name="csrfmiddlewaretoken" value=")\w{64}(?=")')
_PLACE_OF_TOKEN = b"csrf-token-of-whoever-asks"


class RememberedAnswers:
    """Answers again what was answered a moment ago. Stands below all that checks who asks."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Serve one request; one that is to change something makes the user's answers be made anew."""
        response = self.get_response(request)
        if request.method not in _SAFE and request.user.is_authenticated:
            cache.set(_name_of(request.user.pk, _area_of(request)), token_urlsafe(12), None)
        name = getattr(request, "answer_to_remember", None)
        if name and response.status_code == 200 and not response.streaming:
            _keep(name, response)
        return response

    def process_view(
        self, request: HttpRequest, view: Callable, _args: list, _kwargs: dict
    ) -> HttpResponse | None:
        """Return the answer that is remembered, if there is one."""
        unmoved_by = getattr(view, "unmoved_by", None)
        if unmoved_by is None or not _may_be_remembered(request):
            return None
        states = _states(request, [area for area in (*_APART, _ELSEWHERE) if area not in unmoved_by])
        if states is None:
            return None
        name = _question(request, states)
        found = caches[MEMORY].get(name)
        if found is None:
            request.answer_to_remember = name
            return None
        body, headers = found
        if _PLACE_OF_TOKEN in body:
            body = body.replace(_PLACE_OF_TOKEN, get_token(request).encode())
        return HttpResponse(body, headers=headers)


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


def _question(request: HttpRequest, states: Iterable[str]) -> str:
    """Return what stands for all that the answer depends on."""
    keys = keyring.open(request)
    known = [(key.access_key, key.place, key.name) for key in keys.keys]
    asked = (request.get_host(), request.scheme, request.get_full_path(), wants_fragment(request))
    shown = (get_language(), theme_of(request), timezone.now().date())
    facts = (request.user.pk, request.user.name, known, keys.together, *asked, *shown, *states)
    return sha256(repr(facts).encode()).hexdigest()


def _states(request: HttpRequest, areas: list[str]) -> list[str] | None:
    """Return what changes with each change by the user; None when nothing can tell it."""
    names = [_name_of(request.user.pk, area) for area in areas]
    known = cache.get_many(names)
    missing = {name: token_urlsafe(12) for name in names if name not in known}
    if missing:
        cache.set_many(missing, None)
        return None  # another request may have set another one: whoever asks next knows which is in force
    return [known[name] for name in names]


def _keep(name: str, response: HttpResponse) -> None:
    if len(response.content) <= MOST_BYTES:
        body = _TOKEN.sub(_PLACE_OF_TOKEN, response.content)
        caches[MEMORY].set(name, (body, dict(response.headers)), settings.PAGE_TTL_SECONDS)


def _name_of(user: object, area: str) -> str:
    return f"changed-{user}-{area}"


def _area_of(request: HttpRequest) -> str:
    """Return in which part of the portal something is to be changed."""
    first = request.path.removeprefix("/api").strip("/").partition("/")[0]
    return first if first in _APART else _ELSEWHERE
