"""The first page: for visitors, what the portal is; for a logged-in customer, where the money goes.

The page comes at once, and its figures as a fragment, from what is kept alone. Forecasts that nobody has
worked out yet are the only ones that are waited for, by a second request of the fragment itself.
"""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts import keyring
from accounts.changes import QUOTES
from accounts.keyring import Keyring
from accounts.pages import page_or_fragment, remembered, wants_fragment
from budgets import listpage
from budgets.asking import LEARNT_DAYS, Asking
from budgets.owned import budgets_of
from budgets.standing import Standing
from consumption import reading
from consumption.asking import read_url
from consumption.moment import one_moment
from consumption.periods import Period, months_later
from consumption.reading import Wish
from finops_site import overviewconverted, overviewfigures
from finops_site.overviewbills import Bill, bills_of, has_history

PAGE, FRAGMENT = "finops_site/overview.html", "finops_site/_overview.html"

SLICE_SECONDS = 1.5
"""How long one request works out the forecasts of budgets before it shows what there is."""

PATIENCE_SECONDS = 20
"""How long a browser without script waits for them."""

MOST_BUDGETS = 5
"""How many budgets are shown; their list has all of them."""


@remembered(unmoved_by=[QUOTES])
@login_not_required
@never_cache
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Show the first page; it needs no call to the cloud."""
    if not request.user.is_authenticated:
        return render(request, "finops_site/landing.html")
    if not keyring.is_sealed(request):
        return render(request, PAGE, {"has_keys": False})
    keys, now = keyring.open(request), timezone.now()
    shows_all = bool(request.GET.get("all"))
    context = {"has_keys": True, "shows_figures": shows_all, "now": now}
    with one_moment():
        if shows_all or wants_fragment(request):
            awaits = request.htmx.trigger == "outlooks"
            seconds = PATIENCE_SECONDS if shows_all else SLICE_SECONDS if awaits else 0.0
            context |= _figures(request, keys, now, seconds=seconds)
        if not wants_fragment(request):
            context |= _reading(request, keys, now)
    return page_or_fragment(request, PAGE, FRAGMENT, context)


def _reading(request: HttpRequest, keys: Keyring, now: datetime) -> dict[str, Any]:
    """Return what the reading needs: this month and the two before it, and what a forecast learns from."""
    asking, used = Asking(request.user, budgets_of(request), keys, now), keys.chosen.keys
    first = min(months_later(now.date(), -2), now.date() - timedelta(days=LEARNT_DAYS))
    wish = Wish(Period(first, now.date()), asking.with_linked)
    return {
        "read_url": read_url(used, wish),
        "begins": bool(reading.days_left(used, wish, at=now)),
        "regions": keys.chosen.place_texts,
    }


def _figures(request: HttpRequest, keys: Keyring, now: datetime, *, seconds: float) -> dict[str, Any]:
    """Return the figures; those that have to be worked out are awaited without ``seconds`` to do it."""
    bills = bills_of(keys.chosen, now, works_out=bool(seconds))
    shared = {"refusals": [refusal for bill in bills for refusal in bill.access.refusals]}
    if not has_history(bills):
        return shared | {"is_first": True, "running": _running(bills)}
    budgets = _budgets(request, keys, now, seconds=seconds)
    shown = [overviewfigures.figures_of(bill) for bill in bills]
    return shared | {
        "is_first": False,
        "bills": shown,
        "converted": overviewconverted.converted_of(shown),
        "anomalies": overviewfigures.anomalies_of(bills),
        "several": len(bills) > 1,
        "month": overviewfigures.month_text(bills[0]),
        "awaited": budgets["awaited"] or any(bill.awaits_forecast for bill in bills),
        "budgets": budgets,
        "now": now,
    }


def _running(bills: list[Bill]) -> list[tuple[str, overviewfigures.Tile]]:
    """Return what runs, in each currency, where it was read."""
    tiles = [(bill, overviewfigures.running_of(bill)) for bill in bills]
    return [(bill.currency, tile) for bill, tile in tiles if tile.amount is not None]


def _budgets(request: HttpRequest, keys: Keyring, now: datetime, *, seconds: float) -> dict[str, Any]:
    """Return the worst of the budgets that run."""
    budgets = budgets_of(request)
    standings: list[Standing] = []
    if budgets:
        standings = Asking(request.user, budgets, keys, now).standings(seconds=seconds)
    rows = listpage.worst_first(standings)
    return {
        "rows": rows[:MOST_BUDGETS],
        "count": len(standings),
        "awaited": any(one.awaits_forecast for one in standings),
    }
