"""The pages that tell where budgets stand: the list, a budget, the report, and their files."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from accounts import keyring
from accounts.gateway import Gateway
from accounts.pages import page_or_fragment, with_keys
from budgets import detailpage, listpage, reportpage, reports
from budgets.asking import Asking
from budgets.models import Budget
from budgets.owned import budget_of, budgets_of
from consumption.moment import one_moment

SLICE_SECONDS = 1.5
"""How long one request works out forecasts before it shows what there is."""

PATIENCE_SECONDS = 20
"""How long a browser without script waits for them."""


@require_safe
@with_keys
def index(request: HttpRequest, _gateway: Gateway) -> HttpResponse:
    """List the budgets; forecasts are worked out a slice at a time, by requests of the page itself."""
    seconds = SLICE_SECONDS if request.htmx.trigger == "outlooks" else 0.0
    if request.GET.get("wait"):
        seconds = PATIENCE_SECONDS
    with one_moment():
        form = listpage.ListFilter(request.GET)
        context = listpage.context_of(_asking(request, budgets_of(request)), form, seconds=seconds)
    status = 422 if context["problems"] else 200
    return page_or_fragment(request, "budgets/list.html", "budgets/_list.html", context, status=status)


@require_safe
@with_keys
def detail(request: HttpRequest, _gateway: Gateway, budget_id: UUID) -> HttpResponse:
    """Show where a budget stands."""
    with one_moment():
        form = detailpage.DetailFilter(request.GET)
        context = detailpage.context_of(_asking(request, [budget_of(request, budget_id)]), form)
    status = 422 if context["problems"] else 200
    return page_or_fragment(
        request, "budgets/detail.html", "budgets/_detail_anew.html", context, status=status
    )


@require_safe
@with_keys
def report(request: HttpRequest, _gateway: Gateway) -> HttpResponse:
    """Show how the periods of all budgets ended, to be read or printed."""
    with one_moment():
        form = reportpage.ReportFilter(request.GET)
        context = reportpage.context_of(_asking(request, budgets_of(request)), form)
    return render(request, "budgets/report.html", context, status=422 if context["problems"] else 200)


@require_safe
@with_keys
def export_all(request: HttpRequest, _gateway: Gateway, file_format: str) -> HttpResponse:
    """Send the report of all budgets as a file."""
    return _file(request, budgets_of(request), file_format)


@require_safe
@with_keys
def export(request: HttpRequest, _gateway: Gateway, budget_id: UUID, file_format: str) -> HttpResponse:
    """Send the report of a budget as a file."""
    return _file(request, [budget_of(request, budget_id)], file_format)


def _file(request: HttpRequest, budgets: list[Budget], file_format: str) -> HttpResponse:
    if file_format not in reports.FORMATS:
        raise Http404
    chosen = reports.FORMATS[file_format]
    with one_moment():
        standings = _asking(request, budgets).standings(seconds=PATIENCE_SECONDS)
        response = HttpResponse(chosen.write(standings), content_type=chosen.content_type)
    name = reports.file_name(standings, chosen)
    response["Content-Disposition"] = content_disposition_header(True, name)
    return response


def _asking(request: HttpRequest, budgets: list[Budget]) -> Asking:
    return Asking(request.user, budgets, keyring.open(request), timezone.now())
