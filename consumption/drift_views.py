"""The page of the drift, its files, and the upload of an estimate."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts import keyring
from accounts.gateway import Gateway
from accounts.keyring import place_of
from accounts.pages import with_keys
from consumption import uploads
from consumption.asking import Asked
from consumption.driftasking import EstimateUnknown
from consumption.driftforms import FILE, UploadForm
from consumption.driftpage import DRIFT
from consumption.estimatefiles import EstimateRefused
from consumption.export_views import exported
from consumption.models import UploadedEstimate
from consumption.moment import one_moment
from consumption.views import PAGE, page_context, shown


@require_safe
@with_keys
@one_moment()
def drift(request: HttpRequest, _gateway: Gateway) -> HttpResponse:
    """Show what was expected against what was consumed."""
    try:
        return shown(request, DRIFT)
    except EstimateUnknown as error:
        raise Http404 from error


@require_safe
@with_keys
@one_moment()
def export(request: HttpRequest, _gateway: Gateway, file_format: str) -> HttpResponseBase:
    """Send the drift, all resources of it, as a file."""
    return exported(request, DRIFT, file_format)


@require_http_methods(["GET", "HEAD", "POST"])
@with_keys
def upload(request: HttpRequest, _gateway: Gateway) -> HttpResponse:
    """Take a file as the estimate, and lead to the page that compares it; or say why it is none."""
    keys = keyring.chosen(request)
    asked = Asked.of(request.GET, keys, timezone.now(), DRIFT.form, owner=request.user)
    if request.method != "POST" or not asked.form.is_valid():
        return redirect(f"{DRIFT.url}?{request.GET.urlencode()}")
    form = UploadForm(request.POST, request.FILES)
    kept = _kept(form, asked) if form.is_valid() else None
    if kept is None:
        try:
            return _refused(request, form)
        except EstimateUnknown as error:
            raise Http404 from error
    messages.success(request, _("%(name)s is the estimate now.") % {"name": kept.name})
    address = asked.form.address
    address["estimate"] = f"{FILE}:{kept.pk}"
    address.pop("place", None)
    address.pop("region", None)
    if len(keys.names) > 1:
        address["place"] = place_of(kept.account_id, kept.region)
    else:
        address["region"] = kept.region
    return redirect(f"{DRIFT.url}?{address.urlencode()}")


def _kept(form: UploadForm, asked: Asked) -> UploadedEstimate | None:
    """Keep the file of a form; what is wrong with it becomes an error of its field, and None."""
    sent = form.cleaned_data["file"]
    current = asked.keys
    others = [key for key in asked.keyring.keys if key not in current]
    try:
        return uploads.keep(sent.read(), sent.name, [*current, *others], asked.now)
    except EstimateRefused as error:
        form.add_error("file", str(error.message))
        return None


def _refused(request: HttpRequest, form: UploadForm) -> HttpResponse:
    """Show the page again, with what is wrong beside the field; without figures, above them."""
    with one_moment():
        asked = Asked.of(request.GET, keyring.chosen(request), timezone.now(), DRIFT.form, owner=request.user)
        context = page_context(request, DRIFT, asked, is_refresh=True)
    if context["known_days"]:
        context["upload"] = form
    else:
        context["problems"] = [problem for problems in form.errors.values() for problem in problems]
    return render(request, PAGE, context, status=422)
