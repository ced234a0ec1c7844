"""What the views of every floor share: whole page or fragment, and the way to the cloud."""

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.cache import never_cache

from accounts import keyring


def wants_fragment(request: HttpRequest) -> bool:
    """Tell whether htmx asks for a piece; a boosted link or a restored history entry wants the whole page."""
    htmx = request.htmx
    return bool(htmx) and not htmx.boosted and not htmx.history_restore_request


def page_or_fragment(
    request: HttpRequest, page: str, fragment: str, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    """Render template ``fragment`` for htmx and template ``page`` for everybody else, from one context."""
    response = render(request, fragment if wants_fragment(request) else page, context, status=status)
    patch_vary_headers(response, ["HX-Request"])  # or a cache serves a table row as a page
    return response


def with_keys(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Hand the way to the cloud to a view; an operator, who has no keys, is told so."""

    @never_cache
    @wraps(view)
    def guarded(request: HttpRequest, **kwargs: Any) -> HttpResponse:
        if not keyring.is_sealed(request):
            return render(request, "accounts/no_keys.html", status=403)
        return view(request, keyring.gateway_of(request), **kwargs)

    return guarded


@dataclass(frozen=True)
class Remembered:
    """How a view may be answered again as a moment ago, while nothing changes that it shows.

    ``unmoved_by`` are the parts of the portal (``accounts.changes.PARTS``) in which a change by its user does
    not show here. ``at_most`` is for how many seconds: what a page does by itself when its figures are old
    waits as long.
    """

    unmoved_by: frozenset[str]
    at_most: float


def remembered(
    *, unmoved_by: Collection[str] = (), at_most: float = math.inf
) -> Callable[[Callable], Callable]:
    """Let what a view answers be given again for a while (``Remembered``)."""

    def allowed(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        view.remembered = Remembered(frozenset(unmoved_by), at_most)
        return view

    return allowed


def gone_is_404(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Answer 404 when what was asked for was removed while the request was on its way."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except ObjectDoesNotExist:
            raise Http404 from None

    return guarded
