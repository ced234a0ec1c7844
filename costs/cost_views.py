"""The pages of what runs now: the current cost, its reading, its files, and what changed."""

import datetime as dt
from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_http_methods, require_safe
from django_htmx.http import replace_url, trigger_client_event

from accounts.changes import BUDGETS, QUOTES
from accounts.errors import PortalError
from accounts.gateway import Gateway
from accounts.keyring import Key
from accounts.pages import page_or_fragment, remembered, wants_fragment
from costs import changes, costpage, currentcost, refreshing, snapshots, togetherfiles, togetherpage
from costs.costfiles import FORMATS, file_name
from costs.costforms import CostFilter, SinceFilter
from costs.costplaces import Scope, at_place, reading_of
from costs.currentcost import CurrentCost
from costs.models import CostSnapshot

CHANGES_PER_PAGE = 100
_SECONDS_REMEMBERED = 60  # what the page shows is read again after COST_TTL_MINUTES, and it asks for that
PATIENCE_SECONDS = 20
"""How long a browser without script waits for a reading before it is told to ask again."""

CURRENT_COST_READ = "current-cost-read"
"""The event that tells the page that there is a new reading."""

_PAGE, _FRAGMENT = "costs/current.html", "costs/_cost_changed.html"
_TOGETHER, _TOGETHER_FRAGMENT = "costs/together.html", "costs/_together_changed.html"


@remembered(unmoved_by=[QUOTES, BUDGETS], at_most=_SECONDS_REMEMBERED)
@require_safe
@at_place
def current(request: HttpRequest, scope: Scope) -> HttpResponse:
    """Show the last reading at once, of all places where they work together; the page reads what is old."""
    form, opened = CostFilter(request.GET), request.GET.get("open", "")
    if scope.is_together:
        context = togetherpage.context_of(form, scope, opened=opened)
        templates = _TOGETHER, _TOGETHER_FRAGMENT
    else:
        context = costpage.context_of(form, scope, opened=opened)
        templates = _PAGE, _FRAGMENT
        progress = (
            None if wants_fragment(request) else refreshing.under_way(scope.key.gateway, timezone.now())
        )
        if progress:
            after = context["stored"].pk if context["stored"] else 0
            context |= costpage.progress_of(progress, after=after)
    response = page_or_fragment(request, *templates, context, status=422 if form.errors else 200)
    if request.htmx.trigger == "cost-filter":  # which sends its empty fields along
        replace_url(response, f"?{form.address.urlencode()}" if form.address else request.path)
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@at_place
def read(request: HttpRequest, scope: Scope) -> HttpResponse:
    """Read the cloud for a slice of time, and tell how far it is; without htmx, as far as patience goes."""
    if request.method != "POST":
        return redirect(f"{reverse('costs:current')}{scope.query}")
    gateway = scope.key.gateway
    known = _number(request.POST.get("after", ""))
    before = refreshing.latest_id(gateway) if known is None else known
    try:
        found = _read(request, gateway, newer_than=known)
    except PortalError as error:
        return _read_failed(request, scope, error)
    if not wants_fragment(request):
        return redirect(f"{reverse('costs:current')}?{_page_query(request).urlencode()}")
    if isinstance(found, CostSnapshot):
        return trigger_client_event(HttpResponse(), CURRENT_COST_READ)
    context = costpage.progress_of(found, after=before) | _reading(request, scope)
    context["region"] = scope.where
    return render(request, "costs/_reading_state.html", context)


def _is_among_others(request: HttpRequest) -> bool:
    """Tell whether the page that asks for a reading shows all places together."""
    return request.POST.get("together") == "1"


def _page_query(request: HttpRequest) -> QueryDict:
    """Return the query of the page that asks for a reading: that of all places together names none."""
    query = request.GET.copy()
    if _is_among_others(request):
        query.pop("place", None)
    return query


def _reading(request: HttpRequest, scope: Scope) -> dict[str, Any]:
    query = f"?{request.GET.urlencode()}" if request.GET else ""
    return reading_of(scope.key, query=scope.query, action=query, among_others=_is_among_others(request))


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


def _read_failed(request: HttpRequest, scope: Scope, error: PortalError) -> HttpResponse:
    """Say why the cloud could not be read; the figures of the other places stay."""
    among_others = _is_among_others(request)
    if wants_fragment(request):
        said = {"failure": error, "region": scope.where, "stored": costpage.latest(scope.key)}
        said |= {"now": timezone.now(), **_reading(request, scope)}
        response = render(request, "costs/_read_failed.html", said)
        return trigger_client_event(response, CURRENT_COST_READ) if among_others else response
    form, whole = CostFilter(_page_query(request)), Scope(scope.keys, scope.keys.current, is_named=False)
    if among_others and whole.is_together:
        context = togetherpage.context_of(form, whole, failed=(scope.key, error))
        return render(request, _TOGETHER, context, status=error.http_status)
    context = costpage.context_of(CostFilter(request.GET), scope) | {"failure": error}
    return render(request, _PAGE, context, status=error.http_status)


@remembered(unmoved_by=[QUOTES, BUDGETS], at_most=_SECONDS_REMEMBERED)
@require_safe
@at_place
def export(request: HttpRequest, scope: Scope, file_format: str) -> HttpResponse:
    """Send what the page shows, on all its pages, as a file; ``totals`` by kind of resource only if asked."""
    if scope.is_together:
        return _export_together(request, scope, file_format)
    if file_format not in FORMATS:
        raise Http404
    form = CostFilter(request.GET)
    context = costpage.context_of(form, scope)
    if form.errors:
        return render(request, _PAGE, context, status=422)
    if context["cost"] is None:
        return redirect(f"{reverse('costs:current')}?{form.address.urlencode()}")
    return cost_file(context["cost"], file_format, aggregate=_wants_totals(request))


def _export_together(request: HttpRequest, scope: Scope, file_format: str) -> HttpResponse:
    """Send all places, in whatever currency, one after the other."""
    if file_format not in togetherfiles.FORMATS:
        raise Http404
    form = CostFilter(request.GET)
    context = togetherpage.context_of(form, scope)
    if form.errors:
        return render(request, _TOGETHER, context, status=422)
    chosen, answer = togetherfiles.FORMATS[file_format], context["answer"]
    response = HttpResponse(chosen.write(answer, _wants_totals(request)), content_type=chosen.content_type)
    name = togetherfiles.file_name(timezone.now(), chosen)
    response["Content-Disposition"] = content_disposition_header(True, name)
    return response


def _wants_totals(request: HttpRequest) -> bool:
    return request.GET.get("aggregate") == "1"


def cost_file(cost: CurrentCost, file_format: str, *, aggregate: bool = False) -> HttpResponse:
    """Return a current cost as a file to download."""
    chosen = FORMATS[file_format]
    response = HttpResponse(chosen.write(cost, aggregate), content_type=chosen.content_type)
    response["Content-Disposition"] = content_disposition_header(True, file_name(cost, chosen))
    return response


@require_safe
@at_place
def changed(request: HttpRequest, scope: Scope) -> HttpResponse:
    """Show what changed since the reading of an earlier day, at one place; of several, links lead to each."""
    stored = costpage.latest(scope.key)
    days = _earlier_days(scope.key, stored)
    form = SinceFilter(request.GET, days=list(days))
    context = {"form": form, "region": scope.where, "days": list(days), "stored": stored, "changes": None}
    context |= {"places": scope.links, "place": scope.key.place if scope.is_named else ""}
    context["current_url"] = f"{reverse('costs:current')}{scope.query}"
    if stored and days and form.is_valid():
        before = days[form.cleaned_data["since"]]
        found = changes.compare(snapshots.read(before), snapshots.read(stored))
        context["page"] = form.page_of(Paginator(found.changes, CHANGES_PER_PAGE))
        context["changes"] = None if context["page"] is None else found
        context["not_compared"] = [currentcost.type_name(type_) for type_ in found.not_compared]
    status = 422 if form.errors else 200
    return render(request, "costs/changes.html", context, status=status)


def _earlier_days(key: Key, stored: CostSnapshot | None) -> dict[dt.date, CostSnapshot]:
    """Return the best reading of each day before that of ``stored``."""
    if stored is None:
        return {}
    kept = snapshots.by_day(key.account_id, key.region)
    return {day: one for day, one in kept.items() if day < stored.day}
