"""The pages of what runs now: the current cost, its reading, its files, and what changed."""

import datetime as dt
from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_http_methods, require_safe
from django_htmx.http import replace_url, trigger_client_event

from accounts.errors import PortalError
from accounts.gateway import Gateway
from accounts.pages import page_or_fragment, wants_fragment, with_keys
from costs import changes, costcharts, costrows, currentcost, refreshing, snapshots
from costs.costdocuments import missing_texts
from costs.costfiles import FORMATS, file_name
from costs.costforms import CostFilter, SinceFilter
from costs.currentcost import CurrentCost
from costs.inventory import OBJECTS, ResourceType
from costs.models import CostSnapshot
from costs.unlisted import unlisted_of

CHANGES_PER_PAGE = 100
PATIENCE_SECONDS = 20
"""How long a browser without script waits for a reading before it is told to ask again."""

CURRENT_COST_READ = "current-cost-read"
"""The event that tells the page that there is a new reading."""


@require_safe
@with_keys
def current(request: HttpRequest, gateway: Gateway) -> HttpResponse:
    """Show the last reading at once; a fragment reads the cloud when it is old."""
    form = CostFilter(request.GET)
    context = _context(form, gateway, opened=request.GET.get("open", ""))
    progress = None if wants_fragment(request) else refreshing.under_way(gateway, timezone.now())
    if progress:
        context |= _progress(progress, after=context["stored"].pk if context["stored"] else 0)
    status = 422 if form.errors else 200
    response = page_or_fragment(
        request, "costs/current.html", "costs/_cost_changed.html", context, status=status
    )
    if request.htmx.trigger == "cost-filter":  # which sends its empty fields along
        replace_url(response, f"?{form.address.urlencode()}" if form.address else request.path)
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@with_keys
def read(request: HttpRequest, gateway: Gateway) -> HttpResponse:
    """Read the cloud for a slice of time, and tell how far it is; without htmx, as far as patience goes."""
    if request.method != "POST":
        return redirect("costs:current")
    known = _number(request.POST.get("after", ""))
    before = refreshing.latest_id(gateway) if known is None else known
    try:
        found = _read(request, gateway, newer_than=known)
    except PortalError as error:
        return _read_failed(request, gateway, error)
    if not wants_fragment(request):
        return redirect(f"{reverse('costs:current')}?{request.GET.urlencode()}")
    if isinstance(found, CostSnapshot):
        return trigger_client_event(HttpResponse(), CURRENT_COST_READ)
    return render(request, "costs/_reading_state.html", _progress(found, after=before))


def _number(text: str) -> int | None:
    """Return the id in a hidden field, None when there is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _read(
    request: HttpRequest, gateway: Gateway, *, newer_than: int | None
) -> CostSnapshot | refreshing.Progress | None:
    with_objects = request.POST.get("objects") == "1"
    if wants_fragment(request):
        asked = {"with_objects": with_objects, "newer_than": newer_than}
        return refreshing.read_on(gateway, at=timezone.now(), **asked)
    try:
        return refreshing.whole(gateway, with_objects=with_objects, seconds=PATIENCE_SECONDS)
    except refreshing.ReadingGoesOn:
        return None  # the page shows how far it is, with a button to go on


def _read_failed(request: HttpRequest, gateway: Gateway, error: PortalError) -> HttpResponse:
    if wants_fragment(request):
        said = {"failure": error, "region": gateway.region, "stored": _latest(gateway), "now": timezone.now()}
        return render(request, "costs/_read_failed.html", said)
    context = _context(CostFilter(request.GET), gateway) | {"failure": error}
    return render(request, "costs/current.html", context, status=error.http_status)


@require_safe
@with_keys
def export(request: HttpRequest, gateway: Gateway, file_format: str) -> HttpResponse:
    """Send what the page shows, on all its pages, as a file; ``totals`` by kind of resource only if asked."""
    if file_format not in FORMATS:
        raise Http404
    form = CostFilter(request.GET)
    context = _context(form, gateway)
    if form.errors:
        return render(request, "costs/current.html", context, status=422)
    if context["cost"] is None:
        return redirect(f"{reverse('costs:current')}?{form.address.urlencode()}")
    return cost_file(context["cost"], file_format, aggregate=request.GET.get("aggregate") == "1")


def cost_file(cost: CurrentCost, file_format: str, *, aggregate: bool = False) -> HttpResponse:
    """Return a current cost as a file to download."""
    chosen = FORMATS[file_format]
    response = HttpResponse(chosen.write(cost, aggregate), content_type=chosen.content_type)
    response["Content-Disposition"] = content_disposition_header(True, file_name(cost, chosen))
    return response


@require_safe
@with_keys
def changed(request: HttpRequest, gateway: Gateway) -> HttpResponse:
    """Show what changed since the reading of an earlier day."""
    stored = _latest(gateway)
    days = _earlier_days(gateway, stored)
    form = SinceFilter(request.GET, days=list(days))
    context = {"form": form, "region": gateway.region, "days": list(days), "stored": stored, "changes": None}
    if stored and days and form.is_valid():
        before = days[form.cleaned_data["since"]]
        found = changes.compare(snapshots.read(before), snapshots.read(stored))
        context["page"] = form.page_of(Paginator(found.changes, CHANGES_PER_PAGE))
        context["changes"] = None if context["page"] is None else found
        context["not_compared"] = [currentcost.type_name(type_) for type_ in found.not_compared]
    status = 422 if form.errors else 200
    return render(request, "costs/changes.html", context, status=status)


def _latest(gateway: Gateway) -> CostSnapshot | None:
    reader = snapshots.reader_of(gateway.access_key)
    return snapshots.latest(gateway.account_id, gateway.region, reader)


def _earlier_days(gateway: Gateway, stored: CostSnapshot | None) -> dict[dt.date, CostSnapshot]:
    """Return the best reading of each day before that of ``stored``."""
    if stored is None:
        return {}
    kept = snapshots.by_day(gateway.account_id, gateway.region)
    return {day: one for day, one in kept.items() if day < stored.day}


def _context(form: CostFilter, gateway: Gateway, *, opened: str = "") -> dict[str, Any]:
    """Return what the templates show; what is wrong with the question ends up in the form."""
    now = timezone.now()
    stored = _latest(gateway)
    unlisted = unlisted_of(gateway.account_id, gateway.region, gateway.access_key, now)
    cost = form.answer_of(snapshots.read(stored), unlisted=unlisted) if form.is_valid() and stored else None
    page = form.page_of(cost) if cost else None
    return {
        "form": form,
        "now": now,
        "region": gateway.region,
        "stored": stored,
        "is_fresh": bool(stored) and snapshots.is_fresh(stored, now),
        "cost": cost,
        "page": page,
        "page_number": page.number if page and page.number > 1 else None,
        "rows": costrows.rows_of(cost, list(page), form.address, opened=opened) if page else [],
        "address": form.address,
        "conditions": costrows.conditions_of(form.address),
        "hidden": costrows.hidden_of(form.address),
        "reasons": missing_texts(cost) if cost else [],
        "objects_missing": any(one.call == OBJECTS for one in cost.missing) if cost else False,
        "columns": currentcost.columns(form.cleaned_data.get("sort", "")),
        "groupings": currentcost.Grouping.choices,
        "files": costrows.files_of(form.address, _export_url),
        "chart": costcharts.chart_of(cost) if cost else None,
        "finding": costcharts.finding_of(cost) if cost and cost.amount else "",
        "types": [(type_.value, currentcost.type_name(type_)) for type_ in ResourceType],
        "states": [(state, state) for state in currentcost.states(cost.snapshot)] if cost else [],
        "chosen_types": _single(form, "type"),
        "chosen_states": _single(form, "state"),
        "since": changes.since_last_day(stored) if cost and not cost.question.is_narrowed else None,
    }


def _single(form: CostFilter, name: str) -> list[str]:
    """Return what a field for one value shows: several stand as conditions beside it."""
    values = form.cleaned_data.get(name, [])
    return values if len(values) == 1 else []


def _export_url(file_format: str) -> str:
    return reverse("costs:export_current", args=[file_format])


def _progress(progress: refreshing.Progress, *, after: int) -> dict[str, Any]:
    """Return what the templates show of a reading under way; ``after`` is the last snapshot before it."""
    lists = [(currentcost.call_name(call), call not in progress.open) for call in progress.calls]
    return {"progress": progress, "lists": lists, "after": after}
