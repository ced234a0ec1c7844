"""The first page: for visitors, what the portal is; for a logged-in customer, where to go."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from quotes.models import Quote, QuoteStatus
from quotes.sheet import sheet_of


@login_not_required
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Show the first page; it needs no call to the cloud."""
    if not request.user.is_authenticated:
        return render(request, "finops_site/landing.html")
    quote = Quote.objects.owned_by(request.user).filter(status=QuoteStatus.ACTIVE).with_item_count().first()
    sheet = sheet_of(quote, at=timezone.now()) if quote else None
    return render(request, "finops_site/overview.html", {"quote": quote, "sheet": sheet})
