"""What the shell of every page needs: navigation and theme (a context processor)."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from finops_site import navigation, theme


def shell(request: HttpRequest) -> dict[str, Any]:
    """Give the templates the navigation as seen from this page, and the theme in use.

    The navigation is made when a template asks for it: fragments have none.
    """
    return {
        "navigation": SimpleLazyObject(lambda: navigation.links_for(request.path)),
        "theme": theme.theme_of(request),
        "themes": theme.THEMES,
    }
