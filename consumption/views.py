"""The pages of the consumption history: what was spent, its reading, and what drives it."""

from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe
from django_htmx.http import push_url, trigger_client_event

from accounts import keyring
from accounts.changes import BUDGETS, QUOTES
from accounts.errors import kind_of
from accounts.gateway import Gateway
from accounts.keyring import Key
from accounts.pages import page_or_fragment, remembered, wants_fragment, with_keys
from consumption import historypage, reading, sync
from consumption.allocationpage import ALLOCATION
from consumption.analysispage import AnalysisPage, context_of
from consumption.anomaliespage import ANOMALIES
from consumption.asking import Asked
from consumption.daytext import days_text, period_text
from consumption.driftpage import DRIFT
from consumption.forecastpage import FORECAST
from consumption.historypage import HISTORY
from consumption.models import SavedView
from consumption.moment import one_moment
from consumption.reading import Reading, Wish
from consumption.savedviewforms import SaveForm
from consumption.savedviewspage import menu_of
from consumption.trendspage import TRENDS

PAGES = {page.name: page for page in (HISTORY, TRENDS, FORECAST, ANOMALIES, DRIFT, ALLOCATION)}
"""The pages of the kept history by their names."""

PAGE, FRAGMENT = "consumption/page.html", "consumption/_page.html"

PATIENCE_SECONDS = 20
"""How long a browser without script waits for a reading before it is told to ask again."""

CONSUMPTION_READ = "consumption-read"
"""The event that tells the page that days were read, or that the reading has ended."""


@remembered(unmoved_by=[QUOTES, BUDGETS])
@require_safe
@with_keys
@one_moment()
def history(request: HttpRequest, _gateway: Gateway) -> HttpResponse:
    """Show what was spent."""
    return shown(request, HISTORY)


def shown(request: HttpRequest, page: AnalysisPage) -> HttpResponse:
    """Show what is kept at once, on a page of the history; a fragment reads what is missing."""
    context = page_context(request, page, _asked(request, page), is_refresh=request.htmx.trigger == "answer")
    status = 422 if context["problems"] or context["several"] else 200
    response = page_or_fragment(request, PAGE, FRAGMENT, context, status=status)
    if request.htmx.trigger == "consumption-filter":  # which sends its empty fields along
        address = context["address"]
        push_url(response, f"?{address.urlencode()}" if address else request.path)
    return response


def page_context(
    request: HttpRequest, page: AnalysisPage, asked: Asked, *, is_refresh: bool = False
) -> dict[str, Any]:
    """Return what the templates show of a page, with the saved views of whoever asks."""
    context = context_of(page, asked, is_refresh=is_refresh)
    views = SavedView.objects.owned_by(request.user).on(PAGES).by_name()
    may_save = not context["problems"]
    url, query = reverse("consumption:save_view", args=[page.name]), context["address"].urlencode()
    return context | {
        "saved_views": menu_of(views, PAGES, page, query),
        "save_url": f"{url}?{query}" if may_save else "",
        "save_words": asked.form.period_words if may_save else "",
        "view_form": SaveForm(),
    }


@require_safe
@with_keys
@one_moment()
def cost_drivers(request: HttpRequest, _gateway: Gateway) -> HttpResponse:
    """Show the dearest resources and the largest changes: a part of the page."""
    asked = _asked(request)
    if not (asked.form.is_valid() and wants_fragment(request)):
        return redirect(_page_of(request))
    return render(request, "consumption/_drivers.html", historypage.drivers_page(asked))


@require_http_methods(["GET", "HEAD", "POST"])
@with_keys
def read(request: HttpRequest, _gateway: Gateway) -> HttpResponse:
    """Read days for a slice of time, and tell how far it is; without htmx, as far as patience goes."""
    asked = _asked(request, _shown_by(request))
    if request.method != "POST" or not asked.form.is_valid():
        return redirect(_page_of(request))
    wish = asked.wish(compare=request.POST.get("compare") == "1", again=request.POST.get("again") == "1")
    if not wants_fragment(request):
        return _read_with_patience(request, asked, wish)
    found = reading.read_slice(_keys_of(request, asked), wish, at=asked.now, **_so_far(request.POST))
    response = render(request, "consumption/_reading_state.html", _progress_of(request, asked, wish, found))
    if found.has_read or not found.goes_on:
        trigger_client_event(response, CONSUMPTION_READ)
    return response


def _so_far(data: QueryDict) -> dict[str, Any]:
    """Return how the slices before this one went, as the form of the last one has kept it."""
    vain, code = data.get("vain", ""), data.get("failure")
    counts = [str(count) for count in range(reading.MOST_VAIN_SLICES)]
    return {
        "vain": counts.index(vain) if vain in counts else 0,
        "failure": kind_of(code)(sync.CALL) if code else None,
    }


def _read_with_patience(request: HttpRequest, asked: Asked, wish: Wish) -> HttpResponse:
    """Lead back to the page, or show it with what kept the cloud from being read."""
    found = reading.read_through(_keys_of(request, asked), wish, seconds=PATIENCE_SECONDS)
    if found.error is None:
        return redirect(_page_of(request))
    page = _shown_by(request)
    with one_moment():
        context = page_context(request, page, _asked(request, page), is_refresh=True)
    context |= _progress_of(request, asked, wish, found)
    return render(request, PAGE, context, status=found.error.http_status)


def _progress_of(request: HttpRequest, asked: Asked, wish: Wish, found: Reading) -> dict[str, Any]:
    """Return what the templates show of a reading under way, or of how it ended."""
    return {
        "read_url": request.get_full_path(),
        "reading": found,
        "left": days_text(found.left),
        "regions": [key.region for key in _keys_of(request, asked)],
        "period_text": period_text(asked.form.days),
        "compares": wish.period != asked.form.days,
        "begins": False,
    }


def _asked(request: HttpRequest, page: AnalysisPage = HISTORY) -> Asked:
    keys = keyring.chosen(request)
    known = {"owner": request.user, "remembers": page.remembers}
    return Asked.of(request.GET, keys, timezone.now(), page.form, **known)


def _keys_of(request: HttpRequest, asked: Asked) -> list[Key]:
    """Return the keys of the places to read, whichever account is in use; else those of the question."""
    return keyring.open(request).in_places(request.GET.getlist("at")) or asked.keys


def _shown_by(request: HttpRequest) -> AnalysisPage:
    """Return the page whose days are read."""
    return PAGES.get(request.GET.get("of", ""), HISTORY)


def _page_of(request: HttpRequest) -> str:
    query = request.GET.copy()
    for name in ("of", "at"):
        query.pop(name, None)
    page = _shown_by(request).url
    return f"{page}?{query.urlencode()}" if query else page
