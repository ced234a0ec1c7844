"""The pages of the price catalog; all are public, as the prices are."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts import regions
from accounts.pages import page_or_fragment
from costs import browsing, freshness, pricehistory
from costs.exports import csv_lines
from costs.forms import CatalogFilter, RegionFilter
from costs.models import Catalog

VERSIONS_PER_PAGE = 10


@login_not_required
@require_safe
def catalog(request: HttpRequest) -> HttpResponse:
    """Show the stored prices of a region at once; a fragment fetches them when they are stale."""
    return _catalog_page(request, freshness.status)


@login_not_required
@require_safe
def fresh_catalog(request: HttpRequest) -> HttpResponse:
    """Show the prices of a region, fetched anew when they are stale: the fragment that a stale page loads."""
    return _catalog_page(request, freshness.up_to_date)


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def refresh_catalog(request: HttpRequest) -> HttpResponse:
    """Fetch the prices of a region now, and go back to the page with the same search."""
    if request.method != "POST":  # a link on the page of a 429, which has this address
        return redirect(f"{reverse('costs:catalog')}?{request.GET.urlencode()}")
    form = CatalogFilter(request.POST)
    if not form.is_valid():
        return render(request, "costs/catalog.html", _context(form), status=422)
    try:
        freshness.ask_for_refresh(
            form.cleaned_data["region"], timezone.now(), **freshness.visitor_of(request)
        )
    except freshness.TooSoon as error:
        context = _context(form) | {"wait": error.retry_after}
        headers = {"Retry-After": str(error.retry_after)}
        return _with_headers(render(request, "costs/catalog.html", context, status=429), headers)
    except freshness.RefreshFailed:
        pass  # remembered, and the page says why
    else:
        messages.success(request, _("The prices were fetched from the cloud just now."))
    return redirect(_address_of(form))


@login_not_required
@require_safe
def catalog_csv(request: HttpRequest) -> HttpResponseBase:
    """Send the rows that answer the page's question, on all its pages, as CSV."""
    form = CatalogFilter(request.GET)
    context = _context(form)
    if form.errors:
        return render(request, "costs/catalog.html", context, status=422)
    if context["listing"] is None:
        return redirect(_address_of(form))
    status = context["status"]
    rows = browsing.table(status.prices, context["listing"].rows, fetched_at=status.fetched_at)
    lines = csv_lines(rows, french_excel=request.GET.get("excel") == "fr")
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    file_name = f"prices-{status.region}-v{status.prices.version}.csv"
    return _with_headers(response, {"Content-Disposition": f'attachment; filename="{file_name}"'})


@login_not_required
@require_safe
def catalog_history(request: HttpRequest) -> HttpResponse:
    """Show the stored versions of a region's prices and what changed between them."""
    form = RegionFilter(request.GET)
    context = {"form": form, "regions": regions.names(), "region": "", "page": None, "versions": []}
    if form.is_valid():
        context["region"] = form.cleaned_data["region"]
        stored = Catalog.objects.filter(region=context["region"]).order_by("-version")
        context["page"] = form.page_of(Paginator(stored, VERSIONS_PER_PAGE))
    if context["page"] is not None:
        context["versions"] = pricehistory.changes_on(context["page"])
    return page_or_fragment(
        request,
        "costs/catalog_history.html",
        "costs/_versions.html",
        context,
        status=422 if form.errors else 200,
    )


def _catalog_page(request: HttpRequest, status_of: Callable[..., freshness.CatalogStatus]) -> HttpResponse:
    form = CatalogFilter(request.GET)
    context = _context(form, status_of)
    # Still stale although it was just asked for: somebody else's refresh runs, so look again a little later.
    context["fetching_again"] = status_of is freshness.up_to_date
    status = 422 if form.errors else 200
    return page_or_fragment(request, "costs/catalog.html", "costs/_answer.html", context, status=status)


def _context(
    form: CatalogFilter, status_of: Callable[..., freshness.CatalogStatus] = freshness.status
) -> dict[str, Any]:
    """Return what the templates show; what is wrong with the question ends up in the form."""
    now = timezone.now()
    status = status_of(form.cleaned_data["region"], now) if form.is_valid() else None
    listing = form.listing_of(status.prices) if status and status.prices else None
    page = form.page_of(Paginator(listing.rows, browsing.ROWS_PER_PAGE)) if listing else None
    return {
        "form": form,
        "regions": regions.names(),
        "now": now,
        "wait": 0,
        "fetching_again": False,
        "region": status.region if status else "",
        "status": status,
        "listing": listing,
        "page": page,
        "address": form.address,
        "columns": browsing.columns(form.cleaned_data.get("sort", "")),
    }


def _address_of(form: CatalogFilter) -> str:
    return f"{reverse('costs:catalog')}?{form.address.urlencode()}"


def _with_headers(response: HttpResponseBase, headers: dict[str, str]) -> HttpResponseBase:
    for name, value in headers.items():
        response[name] = value
    return response
