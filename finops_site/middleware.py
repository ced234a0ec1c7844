"""What happens around every view: how a session travels, who must log in, what htmx is told."""

from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.utils.cache import patch_cache_control
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.http import HttpResponseClientRedirect

from accounts import keyring, sessions
from accounts.keyring import SessionExpired
from finops_site import requestlog

SESSION_HEADER = "X-Session-ID"
API_PREFIX = "/api/"

View = Callable[[HttpRequest], HttpResponse]


def session_transport(get_response: View) -> View:
    """Take the session from the header of a script, and send the browser its half of the sealing key.

    Stands above ``SessionMiddleware``. The half lives exactly as long as the session's cookie: it is set,
    renewed and deleted with it. A script gets no cookies.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        had_half = keyring.COOKIE in request.COOKIES
        session_id = request.headers.get(SESSION_HEADER)
        request.is_script = session_id is not None and request.path.startswith(API_PREFIX)
        if request.is_script:
            request.COOKIES.update(sessions.cookies_of(session_id))
        response = get_response(request)
        if request.is_script:
            response.cookies.clear()
        else:
            _send_half(request, response, had_half=had_half)
        return response

    return middleware


def _send_half(request: HttpRequest, response: HttpResponse, *, had_half: bool) -> None:
    session_cookie = response.cookies.get(settings.SESSION_COOKIE_NAME)
    if session_cookie is None:
        return
    half = request.COOKIES.get(keyring.COOKIE)
    if session_cookie.value and half and keyring.is_sealed(request):
        response.set_cookie(
            keyring.COOKIE,
            half,
            max_age=session_cookie["max-age"],
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )
    elif had_half:
        response.delete_cookie(keyring.COOKIE, samesite="Lax")


class SessionKeeper:
    """Extends a session in use, ends one whose keys cannot be opened, and keeps its pages out of caches.

    Stands below ``AuthenticationMiddleware`` and above the login check.
    """

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Serve one request."""
        sessions.keep(request)
        requestlog.note_account(request)
        response = self.get_response(request)
        requestlog.note_account(request)  # it may have logged in
        if request.user.is_authenticated:
            patch_cache_control(response, private=True, no_store=True)
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Send to the login page whoever has no keys for what a view asks of the cloud."""
        if isinstance(exception, SessionExpired):
            return redirect_to_login(_page_to_return_to(request), resolve_url(settings.LOGIN_URL))
        return None


class LoginCheck(LoginRequiredMiddleware):
    """Sends visitors to the login page, and afterwards back to the page they were on."""

    def handle_no_permission(self, request: HttpRequest, view_func: Callable) -> HttpResponse:
        """Redirect to the login page: to that of the operators from the admin."""
        is_admin = request.resolver_match.app_name == "admin"
        login = "admin:login" if is_admin else self.get_login_url(view_func)
        return redirect_to_login(_page_to_return_to(request), resolve_url(login))


def _page_to_return_to(request: HttpRequest) -> str:
    """Return the path of the page a request asked for or came from, never that of a fragment or a form."""
    if request.htmx and not request.htmx.boosted:
        page = request.htmx.current_url
    elif request.method not in ("GET", "HEAD"):
        page = request.headers.get("Referer")
    else:
        return request.get_full_path()
    if page and url_has_allowed_host_and_scheme(
        page, {request.get_host()}, require_https=request.is_secure()
    ):
        parts = urlsplit(page)
        return f"{parts.path}?{parts.query}" if parts.query else parts.path
    return resolve_url(settings.LOGIN_REDIRECT_URL)


def htmx_redirects(get_response: View) -> View:
    """Turn a redirect answered to htmx into ``HX-Redirect``: it means "leave this page".

    htmx follows an ordinary redirect unseen, and would put the login page into a table.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if not (request.htmx and 300 <= response.status_code < 400 and response.has_header("Location")):
            return response
        left = HttpResponseClientRedirect(response["Location"])
        left.cookies = response.cookies
        return left

    return middleware
