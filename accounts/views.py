"""The pages of a session: log in, log out, whose keys are in use."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import keyring, sessions
from accounts.errors import PortalError, Throttled
from accounts.forms import LoginForm


@login_not_required
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def log_in(request: HttpRequest) -> HttpResponse:
    """Ask for keys, prove them, and go to where the visitor wanted to be."""
    if request.method != "POST":
        return _login_page(request, LoginForm(), status=200)
    form = LoginForm(request.POST)
    if not form.is_valid():
        return _login_page(request, form, status=400)
    try:
        sessions.log_in(request, **form.cleaned_data)
    except PortalError as error:
        form.refuse(error)
        return _refusal(request, form, error)
    return redirect(_page_wanted(request) or settings.LOGIN_REDIRECT_URL)


@require_POST
def log_out(request: HttpRequest) -> HttpResponse:
    """End the session and destroy its keys."""
    sessions.log_out(request)
    messages.success(request, _("You are logged out, and your keys are destroyed."))
    return redirect("accounts:login")


@require_safe
def accounts(request: HttpRequest) -> HttpResponse:
    """Show whose keys this session holds, and when it ends."""
    keys = keyring.open(request).keys if keyring.is_sealed(request) else ()
    context = {"keys": keys, "expires_at": sessions.expires_at(request)}
    return render(request, "accounts/accounts.html", context)


def _login_page(request: HttpRequest, form: LoginForm, *, status: int) -> HttpResponse:
    context = {
        "form": form,
        "next": _page_wanted(request),
        "idle_minutes": settings.SESSION_COOKIE_AGE // 60,
        "demo": settings.DEMO,
        "demo_access_key": settings.DEMO_ACCESS_KEY,
        "demo_secret_key": settings.DEMO_SECRET_KEY,
        "demo_region": settings.OUTSCALE_REGIONS[0],
    }
    return render(request, "accounts/login.html", context, status=status)


def _refusal(request: HttpRequest, form: LoginForm, error: PortalError) -> HttpResponse:
    # 429 would tell this visitor to slow down; it is the cloud that has too much to do.
    status = 503 if isinstance(error, Throttled) else error.http_status
    response = _login_page(request, form, status=status)
    if error.retry_after:
        response["Retry-After"] = str(error.retry_after)
    return response


def _page_wanted(request: HttpRequest) -> str:
    """Return the page to go to after the login: a path of this portal, or nothing."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if ours and wanted.startswith("/") else ""
