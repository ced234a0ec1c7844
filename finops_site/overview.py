"""The first page: for visitors, what the portal is; for a logged-in customer, where to go."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts import keyring
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
    return render(request, "finops_site/overview.html", context)


def _last_reading(request: HttpRequest) -> CostSnapshot | None:
    """Return the last reading of what runs, with the key in use; None without one, and for operators."""
    if not keyring.is_sealed(request):
        return None
    key = keyring.open(request).current
    return snapshots.latest(key.account_id, key.region, snapshots.reader_of(key.access_key))
