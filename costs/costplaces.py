"""On which account and region a page of the current cost works: all together, one named, or that in use."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from accounts import keyring
from accounts.gateway import Gateway
from accounts.keyring import Key, Keyring, PlaceUnknown
from accounts.pages import with_keys


@dataclass(frozen=True)
class Scope:
    """The keys that the pages work with, and the one of the place that this page is about.

    ``is_named``: the address names the place, instead of leaving it to the session.
    """

    keys: Keyring
    key: Key
    is_named: bool

    @property
    def is_together(self) -> bool:
        """Tell whether the page shows all places together."""
        return self.keys.together and len(self.keys.keys) > 1 and not self.is_named

    @property
    def where(self) -> str:
        """The place for people: the region, with the account where there are several."""
        return self.key.place_text if len(self.keys.names) > 1 else self.key.region

    @property
    def query(self) -> str:
        """What an address needs to stay at the place: empty, or with a question mark."""
        return f"?{urlencode({'place': self.key.place})}" if self.is_named else ""

    @property
    def links(self) -> list[dict[str, Any]]:
        """The places that work together, each with the query that names it; empty when one works alone."""
        if not (self.keys.together and len(self.keys.keys) > 1):
            return []
        return [
            {
                "text": key.place_text,
                "query": f"?{urlencode({'place': key.place})}",
                "is_current": key == self.key,
            }
            for key in self.keys.keys
        ]


def at_place(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Hand the ``Scope`` of the page to a view; a place that no key of it opens is a 404."""

    @with_keys
    @wraps(view)
    def placed(request: HttpRequest, _gateway: Gateway, **kwargs: Any) -> HttpResponse:
        keys, place = keyring.chosen(request), request.GET.get("place", "")
        try:
            key = keys.at(place) if place else keys.current
        except PlaceUnknown:
            raise Http404 from None
        return view(request, Scope(keys, key, bool(place)), **kwargs)

    return placed


def reading_of(key: Key, *, query: str, action: str, among_others: bool) -> dict[str, Any]:
    """Return what the templates need to read the cloud at a place.

    ``query`` names the place where the session does not; ``action`` is the whole query of the page, to which
    a browser without script returns. ``slot`` is the element that tells how far the reading is.
    """
    read = reverse("costs:read_current")
    return {
        "read_url": f"{read}{query}",
        "read_action": f"{read}{action}",
        "slot": f"reading-{key.account_id}-{key.region}" if among_others else "reading",
        "among_others": among_others,
    }
