"""The first page: for visitors, what the portal is; for a logged-in customer, where to go."""

from datetime import datetime
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts import keyring
from consumption.asking import Asked
from consumption.daytext import period_text
from consumption.history import SeveralCurrencies
from consumption.moment import one_moment
from consumption.periods import Preset
from consumption.reasons import badge_of, lacks_some
from costs import snapshots
from costs.models import CostSnapshot
from quotes.models import Quote, QuoteStatus
from quotes.sheet import sheet_of


@login_not_required
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Show the first page; it needs no call to the cloud."""
    if not request.user.is_authenticated:
        return render(request, "finops_site/landing.html")
    quote = Quote.objects.owned_by(request.user).filter(status=QuoteStatus.ACTIVE).with_item_count().first()
    now = timezone.now()
    sheet = sheet_of(quote, at=now) if quote else None
    context = {"quote": quote, "sheet": sheet, "reading": _last_reading(request), "now": now}
    return render(request, "finops_site/overview.html", context | _month_to_date(request, now))


def _last_reading(request: HttpRequest) -> CostSnapshot | None:
    """Return the last reading of what runs, with the key in use; None without one, and for operators."""
    if not keyring.is_sealed(request):
        return None
    key = keyring.open(request).current
    return snapshots.latest(key.account_id, key.region, snapshots.reader_of(key.access_key))


@one_moment()
def _month_to_date(request: HttpRequest, now: datetime) -> dict[str, Any]:
    """Return what is kept of the month to date for the key in use, as far as it may see it."""
    query = QueryDict(f"period={Preset.MONTH_TO_DATE}")
    address = f"{reverse('consumption:history')}?{query.urlencode()}"
    if not keyring.is_sealed(request):
        return {"month": None, "month_address": address}
    asked = Asked.of(query, keyring.open(request), now)
    try:
        month = asked.history if asked.form.is_valid() and asked.access.ledgers else None
    except SeveralCurrencies:  # which the page of the consumption explains
        month = None
    if month is None or not month.coverage.with_figures:
        return {"month": None, "month_address": address}
    return {
        "month": month,
        "month_total": month.total,
        "month_address": address,
        "month_badge": badge_of(month.coverage),
        "month_text": period_text(month.question.period),
        "month_lacks": lacks_some(month),
    }
