"""The pages of a session: log in, log out, whose keys are in use."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import keyring, sessions, standing
from accounts.errors import PortalError, Throttled
from accounts.forms import AccountNameForm, KeyForm, LoginForm
from accounts.gateway import Gateway
from accounts.keyring import Keyring, PlaceUnknown, SessionExpired
from accounts.pages import with_keys
from accounts.sessions import KeyNeeded

OF_ONE_ACCOUNT = ("place", "region", "account", "resource", "currency", "page")
"""What an address asks that means nothing, or something else, for another account."""


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
        return _refused(_login_page(request, form, status=_status_of(error)), error)
    return redirect(_page_wanted(request) or settings.LOGIN_REDIRECT_URL)


@require_POST
def log_out(request: HttpRequest) -> HttpResponse:
    """End the session and destroy its keys."""
    sessions.log_out(request)
    messages.success(request, _("You are logged out, and your keys are destroyed."))
    return redirect("accounts:login")


@never_cache
@require_safe
def accounts(request: HttpRequest) -> HttpResponse:
    """Show the accounts and regions of which this session holds keys, and when it ends."""
    return _accounts_page(request, KeyForm())


@never_cache
@sensitive_post_parameters()
@require_POST
@with_keys
def add_key(request: HttpRequest, _gateway: Gateway) -> HttpResponse:
    """Prove the keys of one more account, or region, and add them to the session."""
    form = KeyForm(request.POST)
    if not form.is_valid():
        return _accounts_page(request, form, status=422)
    try:
        key = sessions.add_key(request, **form.cleaned_data)
    except SessionExpired:
        raise
    except PortalError as error:
        form.refuse(error)
        return _refused(_accounts_page(request, form, status=_status_of(error)), error)
    said = _("%(account)s in %(region)s was added to this session.")
    messages.success(request, said % {"account": key.name or key.account_id, "region": key.region})
    return redirect("accounts:accounts")


@require_POST
@with_keys
def use_key(request: HttpRequest, _gateway: Gateway) -> HttpResponse:
    """Let the pages work on one account and region, or on all accounts together; go back to the page."""
    try:
        if request.POST.get("together"):
            sessions.use_together(request)
        else:
            sessions.use_key(request, request.POST.get("place", ""))
    except PlaceUnknown as error:
        return _told(request, error)
    return redirect(_page_after_switch(request))


@require_POST
@with_keys
def rename(request: HttpRequest, _gateway: Gateway) -> HttpResponse:
    """Call an account by another name."""
    form, account_id = AccountNameForm(request.POST), request.POST.get("account_id", "")
    if not form.is_valid():
        return _accounts_page(request, KeyForm(), status=422, renamed=(account_id, request.POST))
    try:
        sessions.rename(request, account_id, form.cleaned_data["name"])
    except PlaceUnknown as error:
        return _told(request, error)
    messages.success(request, _("The name is kept for this session and your later ones."))
    return redirect("accounts:accounts")


@require_POST
@with_keys
def remove_key(request: HttpRequest, _gateway: Gateway) -> HttpResponse:
    """Destroy one key of the session."""
    try:
        sessions.remove_key(request, request.POST.get("place", ""))
    except (KeyNeeded, PlaceUnknown) as error:
        return _told(request, error)
    messages.success(request, _("The key is destroyed."))
    return redirect("accounts:accounts")


def _told(request: HttpRequest, error: PortalError) -> HttpResponse:
    """Say above the accounts why nothing was changed."""
    messages.error(request, error.message)
    return _accounts_page(request, KeyForm(), status=error.http_status)


def _accounts_page(
    request: HttpRequest,
    form: KeyForm,
    *,
    status: int = 200,
    renamed: tuple[str, QueryDict | None] = ("", None),
) -> HttpResponse:
    """Show the accounts of the session; ``renamed`` is a form with a refused name, and of which account."""
    context: dict[str, Any] = {"expires_at": sessions.expires_at(request), "keyring": None, "rows": []}
    if keyring.is_sealed(request):
        keys = keyring.open(request)
        refused_account, refused_name = renamed
        refusals = standing.refusals_of(key.access_key for key in keys.keys)
        context |= {
            "keyring": keys,
            "form": form,
            "rows": [
                {
                    "key": key,
                    "refusal": refusals.get(key.access_key),
                    "may_go": keys.can_spare(key, request.user.account_id),
                    "is_named_here": all(key.account_id != one.account_id for one in keys.keys[:place]),
                    "name_form": AccountNameForm(
                        refused_name if key.account_id == refused_account else None,
                        initial={"name": key.name},
                        auto_id=f"id_{place}_%s",
                    ),
                }
                for place, key in enumerate(keys.keys)
            ],
            "demo_keys": _demo_keys_to_add(keys),
        }
    return render(request, "accounts/accounts.html", context, status=status)


def _page_after_switch(request: HttpRequest) -> str:
    """Return the page to go back to, without what it asks of one account."""
    page = urlsplit(_page_wanted(request) or resolve_url("overview"))
    query = QueryDict(page.query, mutable=True)
    for name in OF_ONE_ACCOUNT:
        query.pop(name, None)
    path = f"/{page.path.lstrip('/')}"  # two slashes would be followed by the name of another site
    return f"{path}?{query.urlencode()}" if query else path


def _login_page(request: HttpRequest, form: LoginForm, *, status: int) -> HttpResponse:
    context = {
        "form": form,
        "next": _page_wanted(request),
        "idle_minutes": settings.SESSION_COOKIE_AGE // 60,
    }
    return render(request, "accounts/login.html", context | _demo(), status=status)


def _demo() -> dict[str, Any]:
    return {
        "demo": settings.DEMO,
        "demo_access_key": settings.DEMO_ACCESS_KEY,
        "demo_secret_key": settings.DEMO_SECRET_KEY,
        "demo_region": settings.OUTSCALE_REGIONS[0],
    }


def _demo_keys_to_add(keys: Keyring) -> list[dict[str, str]]:
    """Return the keys of the sandbox's other accounts that this session does not hold."""
    held = {key.access_key for key in keys.keys}
    pairs = (pair.split(":", 1) for pair in settings.DEMO_MORE_KEYS)
    region = settings.OUTSCALE_REGIONS[0]
    return [
        {"access_key": access_key, "secret_key": secret_key, "region": region}
        for access_key, secret_key in pairs
        if access_key not in held
    ]


def _status_of(error: PortalError) -> int:
    # 429 would tell this visitor to slow down; it is the cloud that has too much to do.
    return 503 if isinstance(error, Throttled) else error.http_status


def _refused(response: HttpResponse, error: PortalError) -> HttpResponse:
    if error.retry_after:
        response["Retry-After"] = str(error.retry_after)
    return response


def _page_wanted(request: HttpRequest) -> str:
    """Return the page to go to after the login: a path of this portal, or nothing."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if ours and wanted.startswith("/") else ""
