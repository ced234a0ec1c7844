"""What the shell of every page needs: navigation, theme and scope (a context processor)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts import keyring, standing
from accounts.keyring import Key
from consumption.access import refused_keys
from finops_site import navigation, theme


@dataclass(frozen=True)
class Entry:
    """An account in a region that the pages can work on."""

    key: Key
    is_used: bool
    is_refused: bool


@dataclass(frozen=True)
class Scope:
    """On what the pages work: an account in a region, or all of the session ``together``."""

    entries: list[Entry]
    together: bool

    @property
    def current(self) -> Key:
        """The key in use."""
        return self.entries[0].key

    @property
    def refused(self) -> list[Key]:
        """The keys that OUTSCALE has refused at its last answer."""
        return [entry.key for entry in self.entries if entry.is_refused]


def shell(request: HttpRequest) -> dict[str, Any]:
    """Give the templates the navigation as seen from this page, the theme, and the scope of the session.

    Navigation and scope are made when a template asks for them: fragments have neither.
    """
    return {
        "navigation": SimpleLazyObject(lambda: navigation.links_for(request.path)),
        "scope": SimpleLazyObject(lambda: _scope_of(request)),
        "theme": theme.theme_of(request),
        "themes": theme.THEMES,
    }


def _scope_of(request: HttpRequest) -> Scope | None:
    if not keyring.is_sealed(request):
        return None
    try:
        keys = keyring.open(request)
    except keyring.SessionExpired:
        return None
    refused = _refused(keys.keys) if len(keys.keys) > 1 else set()  # of a single one its page tells
    entries = [Entry(key, key is keys.current and not keys.together, key in refused) for key in keys.keys]
    return Scope(entries, keys.together)


def _refused(keys: Sequence[Key]) -> set[Key]:
    """Return the keys that the cloud has refused lately, as such or the consumption (two queries)."""
    refused = standing.refusals_of(key.access_key for key in keys)
    return refused_keys(keys) | {key for key in keys if key.access_key in refused}
