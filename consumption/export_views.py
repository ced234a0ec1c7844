"""The files of the consumption: the view of the page in every format. Nothing here asks the cloud."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from accounts import keyring
from accounts.errors import PortalError
from accounts.gateway import Gateway
from accounts.pages import with_keys
from consumption.access import access_of, keys_for
from consumption.files import FORMATS, content_of, file_name
from consumption.forms import ConsumptionFilter
from consumption.history import History, history_of


@require_safe
@with_keys
def export(request: HttpRequest, _gateway: Gateway, file_format: str) -> HttpResponse:
    """Send what the page shows, all its groups and steps, as a file."""
    if file_format not in FORMATS:
        raise Http404
    keys, now = keyring.open(request), timezone.now()
    regions = {key.region for key in keys.keys}
    form = ConsumptionFilter(request.GET, today=now.date(), regions=regions)
    if not form.is_valid():
        return _refused(request, form, form.problems, status=422)
    access = access_of(keys_for(keys, form.cleaned_data["region"]), now)
    if not access.is_proven:
        return redirect(_page_address(request, form))
    try:
        history = history_of(access.ledgers, form.question, expected=len(access.keys))
        return history_file(history, file_format)
    except PortalError as error:
        return _refused(request, form, [str(error.message)], status=error.http_status)


def history_file(history: History, file_format: str) -> HttpResponse:
    """Return a history as a file to download; raise ``TooManyRows`` for one that would be too long."""
    chosen = FORMATS[file_format]
    response = HttpResponse(content_of(history, chosen), content_type=chosen.content_type)
    response["Content-Disposition"] = content_disposition_header(True, file_name(history, chosen))
    return response


def _refused(
    request: HttpRequest, form: ConsumptionFilter, problems: list[str], *, status: int
) -> HttpResponse:
    context = {"problems": problems, "page_address": _page_address(request, form)}
    return render(request, "consumption/export_refused.html", context, status=status)


def _page_address(request: HttpRequest, form: ConsumptionFilter) -> str:
    """Return the address of the page that shows what the file was asked for; its files lie below it."""
    page, address = request.path.partition("export/")[0], form.address.urlencode()
    return f"{page}?{address}" if address else page
