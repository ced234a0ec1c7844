"""The files of the consumption: what its pages show, and FOCUS. Nothing here asks the cloud."""

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from accounts import keyring
from accounts.changes import BUDGETS, QUOTES
from accounts.errors import PortalError
from accounts.gateway import Gateway
from accounts.keyring import Key
from accounts.pages import remembered, with_keys
from consumption.access import Access
from consumption.analysispage import AnalysisPage
from consumption.asking import Asked
from consumption.focus import FocusMonth, NotPriced, Source
from consumption.focusforms import FocusFilter
from consumption.forms import ConsumptionFilter
from consumption.historypage import HISTORY
from consumption.moment import one_moment
from costs import snapshots
from costs.fileformats import CSV


@remembered(unmoved_by=[QUOTES, BUDGETS])
@require_safe
@with_keys
@one_moment()
def export(request: HttpRequest, _gateway: Gateway, file_format: str) -> HttpResponseBase:
    """Send what was spent, all groups and steps, as a file."""
    return exported(request, HISTORY, file_format)


def exported(request: HttpRequest, page: AnalysisPage, file_format: str) -> HttpResponseBase:
    """Send what a page of the history shows as a file."""
    if file_format not in page.formats:
        raise Http404
    asked = Asked.of(request.GET, keyring.chosen(request), timezone.now(), page.form, owner=request.user)
    if not asked.form.is_valid():
        return _refused(request, asked.form, asked.form.problems, status=422)
    if not asked.access.is_proven:
        return redirect(_page_address(request, asked.form))
    try:
        return file_of(page, asked, file_format)
    except PortalError as error:
        return _refused(request, asked.form, [str(error.message)], status=error.http_status)


def file_of(page: AnalysisPage, asked: Asked, file_format: str) -> HttpResponse:
    """Return the answer of a page as a file to download; raise a ``PortalError`` when there can be none."""
    asked.check_currency()
    chosen = page.formats[file_format]
    response = HttpResponse(chosen.write(page.answer(asked)), content_type=chosen.content_type)
    name = page.file_name(asked, chosen)
    response["Content-Disposition"] = content_disposition_header(True, name)
    return response


@require_safe
@with_keys
def focus(request: HttpRequest, _gateway: Gateway) -> HttpResponseBase:
    """Send a month as FOCUS 1.2: everything consumed in the regions asked for, whatever is filtered."""
    keys = keyring.chosen(request)
    form = FocusFilter(request.GET, today=timezone.now().date(), regions=keys.regions, places=keys.places)
    if not form.is_valid():
        return _refused(request, form, form.problems, status=422)
    asked = Asked(form, keys, timezone.now())
    if not asked.access.is_proven:
        return redirect(_page_address(request, form))
    try:
        asked.check_currency()
        return focus_file(focus_month(form, asked.access))
    except NotPriced as error:
        problems, without = [str(error.message), *error.products], _without_unpriced(request)
        return _refused(request, form, problems, status=error.http_status, without_unpriced=without)
    except PortalError as error:
        return _refused(request, form, [str(error.message)], status=error.http_status)


def focus_month(form: FocusFilter, access: Access) -> FocusMonth:
    """Return the month that is asked for, of the ledgers that all these keys may see."""
    names = {key.account_id: key.name for key in access.keys if key.name}
    sources = [
        Source(ledger, names, snapshots.latest(ledger.account_id, ledger.region, _reader(key)))
        for key, ledger in zip(access.keys, access.ledgers, strict=True)
    ]
    return FocusMonth(
        form.asked_month,
        sources,
        with_linked=form.cleaned_data["linked"],
        without_unpriced=form.cleaned_data["without_unpriced"],
    )


def focus_file(month: FocusMonth) -> StreamingHttpResponse:
    """Return a month as a file to download, written as it is sent.

    Raises ``NothingKept`` or ``NotPriced`` before anything is.
    """
    month.check()
    response = StreamingHttpResponse(month.lines(), content_type=CSV)
    response["Content-Disposition"] = content_disposition_header(True, month.file_name)
    return response


def _reader(key: Key) -> str:
    return snapshots.reader_of(key.access_key)


def _without_unpriced(request: HttpRequest) -> str:
    """Return the address of the same file without what has no price."""
    query = request.GET.copy()
    query["without_unpriced"] = "1"
    return f"?{query.urlencode()}"


def _refused(
    request: HttpRequest,
    form: ConsumptionFilter,
    problems: list[str],
    *,
    status: int,
    without_unpriced: str = "",
) -> HttpResponse:
    """Say why there is no file; ``without_unpriced`` is the address of one that leaves something out."""
    context = {
        "problems": problems,
        "page_address": _page_address(request, form),
        "without_unpriced": without_unpriced,
    }
    return render(request, "consumption/export_refused.html", context, status=status)


def _page_address(request: HttpRequest, form: ConsumptionFilter) -> str:
    """Return the address of the page that shows what the file was asked for; its files lie below it."""
    page, address = request.path.partition("export/")[0], form.address.urlencode()
    return f"{page}?{address}" if address else page
