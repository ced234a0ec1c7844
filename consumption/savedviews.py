"""What can be done with saved views: save, rename, delete, and make one the page after the login.

Every function that writes locks the owner first, so that two requests at once wait for each other.
"""

import datetime as dt
from collections.abc import Collection

from django.db import transaction

from accounts.models import User
from consumption.models import SavedView

MOST_VIEWS = 100
"""So many views of an owner are kept."""


class NameTaken(Exception):
    """Another view of the same owner has this name."""


class TooManyViews(Exception):
    """The owner has ``MOST_VIEWS`` already."""


def _lock(owner_id: object) -> None:
    User.objects.select_for_update().get(pk=owner_id)


@transaction.atomic
def save(
    *, owner: User, name: str, page: str, query: str, at: dt.datetime, replace: bool = False
) -> SavedView:
    """Save a question to a page under a name; with ``replace`` in place of what has the name already.

    What is replaced stays the start page if it was. Raises ``NameTaken`` and ``TooManyViews``.
    """
    _lock(owner.pk)
    views = SavedView.objects.owned_by(owner)
    view = views.filter(name=name).first()
    if view is None:
        if views.count() >= MOST_VIEWS:
            raise TooManyViews
        view = SavedView(owner=owner, name=name)
    elif not replace:
        raise NameTaken
    view.page, view.query, view.saved_at = page, query, at
    view.save()
    return view


@transaction.atomic
def rename(*, view: SavedView, name: str) -> SavedView:
    """Give a view another name. Raises ``NameTaken``, and ``DoesNotExist`` when it was deleted meanwhile."""
    _lock(view.owner_id)
    view.refresh_from_db()
    if SavedView.objects.owned_by(view.owner).filter(name=name).exclude(pk=view.pk).exists():
        raise NameTaken
    view.name = name
    view.save(update_fields=["name"])
    return view


@transaction.atomic
def set_start(*, view: SavedView, is_start: bool) -> SavedView:
    """Make a view its owner's only start page, or let it be one no longer.

    Raises ``DoesNotExist`` when it was deleted meanwhile.
    """
    _lock(view.owner_id)
    view.refresh_from_db()
    if is_start:
        SavedView.objects.owned_by(view.owner).filter(is_start=True).update(is_start=False)
    view.is_start = is_start
    view.save(update_fields=["is_start"])
    return view


def delete(*, view: SavedView) -> None:
    """Delete a view; one that was deleted meanwhile is no error."""
    SavedView.objects.filter(pk=view.pk).delete()


def start_of(owner: User, pages: Collection[str]) -> SavedView | None:
    """Return the start page of an owner, None without one; ``pages`` are those that there are."""
    return SavedView.objects.owned_by(owner).on(pages).filter(is_start=True).first()
