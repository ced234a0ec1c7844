"""Light, dark, or as the system has it: chosen with a button, kept in a cookie that the server reads."""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

AUTO = "auto"
THEMES = {"light": _("Light"), "dark": _("Dark"), AUTO: _("As the system")}
COOKIE = "theme"
YEAR_SECONDS = 365 * 24 * 3600


def theme_of(request: HttpRequest) -> str:
    """Answer the theme that the person has chosen, or "auto"."""
    chosen = request.COOKIES.get(COOKIE, AUTO)
    return chosen if chosen in THEMES else AUTO


@login_not_required
@require_POST
def choose_theme(request: HttpRequest) -> HttpResponse:
    """Keep the chosen theme and return to the page the choice was made on."""
    theme = request.POST.get("theme")
    if theme not in THEMES:
        return HttpResponseBadRequest(_("This theme does not exist."))
    response = redirect(_page_to_return_to(request))
    response.set_cookie(
        COOKIE,
        theme,
        max_age=YEAR_SECONDS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return response


def _page_to_return_to(request: HttpRequest) -> str:
    page = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(page, {request.get_host()}, require_https=request.is_secure()):
        return page
    return "overview"
