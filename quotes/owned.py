"""What a request may reach: the quotes of whoever asks. Everybody else's is a 404."""

from uuid import UUID

from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from quotes.models import Quote, QuoteItem


def quote_of(request: HttpRequest, quote_id: UUID) -> Quote:
    """Return a quote of whoever asks."""
    quote = get_object_or_404(Quote.objects.owned_by(request.user), pk=quote_id)
    quote.owner = request.user
    return quote


def item_of(quote: Quote, item_id: UUID) -> QuoteItem:
    """Return an item of a quote."""
    item = get_object_or_404(quote.items, pk=item_id)
    item.quote = quote
    return item
