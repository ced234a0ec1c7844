"""What the shell of every page needs: navigation, theme and region (a context processor)."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts import keyring
from finops_site import navigation, theme


def shell(request: HttpRequest) -> dict[str, Any]:
    """Give the templates the navigation as seen from this page, the theme, and the region of the key in use.

    Navigation and region are made when a template asks for them: fragments have neither.
    """
    return {
        "navigation": SimpleLazyObject(lambda: navigation.links_for(request.path)),
        "region_in_use": SimpleLazyObject(lambda: _region_in_use(request)),
        "theme": theme.theme_of(request),
        "themes": theme.THEMES,
    }


def _region_in_use(request: HttpRequest) -> str:
    try:
        return keyring.open(request).current.region
    except keyring.SessionExpired:
        return ""
