"""The life of a quote: which one is active, which are saved, what takes the place of a deleted one.

At most one quote of an owner is active; the database holds to it by a constraint, and every function here
locks the owner first, so that two requests at once wait for each other.
"""

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import changes
from accounts.models import User
from quotes.models import Quote, QuoteStatus


def _lock(owner_id: object) -> None:
    User.objects.select_for_update().get(pk=owner_id)


def _save_active(owner_id: object, at: dt.datetime) -> None:
    Quote.objects.filter(owner_id=owner_id, status=QuoteStatus.ACTIVE).update(
        status=QuoteStatus.SAVED, updated_at=at
    )


def _set_status(quote: Quote, status: QuoteStatus, at: dt.datetime) -> Quote:
    quote.status, quote.updated_at = status, at
    quote.save(update_fields=["status", "updated_at"])
    changes.note(changes.of_user(quote.owner_id, changes.QUOTES))  # a script does this by reading a quote
    return quote


@transaction.atomic
def create(*, owner: User, name: str = "", at: dt.datetime) -> Quote:
    """Make a new quote and make it active; the one that was active becomes saved."""
    _lock(owner.pk)
    _save_active(owner.pk, at)
    return Quote.objects.create(
        owner=owner, name=name or _("New quote"), status=QuoteStatus.ACTIVE, created_at=at, updated_at=at
    )


@transaction.atomic
def save(*, quote: Quote, at: dt.datetime) -> Quote:
    """Put an active quote away; a saved one stays as it is. No quote is active then."""
    _lock(quote.owner_id)
    quote.refresh_from_db()
    return _set_status(quote, QuoteStatus.SAVED, at) if quote.is_active else quote


@transaction.atomic
def load(*, quote: Quote, at: dt.datetime) -> Quote:
    """Make a saved quote active; the one that was active becomes saved. An active one stays as it is."""
    _lock(quote.owner_id)
    quote.refresh_from_db()
    if quote.is_active:
        return quote
    _save_active(quote.owner_id, at)
    return _set_status(quote, QuoteStatus.ACTIVE, at)


@transaction.atomic
def delete(*, quote: Quote, at: dt.datetime) -> Quote | None:
    """Delete a quote and return the one that takes its place.

    For an active quote that is the most recently changed saved one, which becomes active, or a new empty one
    when there is none. A saved quote is not replaced: None.
    """
    _lock(quote.owner_id)
    quote.refresh_from_db()
    owner, was_active = quote.owner, quote.is_active
    quote.delete()
    if not was_active:
        return None
    saved = Quote.objects.owned_by(owner).order_by("-updated_at", "pk").first()
    return load(quote=saved, at=at) if saved else create(owner=owner, at=at)


@transaction.atomic
def rename(*, quote: Quote, name: str, at: dt.datetime) -> Quote:
    """Give the quote another name."""
    quote = Quote.objects.select_for_update(of=("self",)).get(pk=quote.pk)
    quote.name, quote.updated_at = name, at
    quote.save(update_fields=["name", "updated_at"])
    return quote
