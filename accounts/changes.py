"""Tells whether what pages show has changed since one of them was made.

The shared cache keeps a word for each subject: what a user has made, a place (an account in a region), what
everybody is shown. Each change puts another word in its place, once its transaction has ended. When the cache
has lost a word, or does not answer, nothing that was made before is used.
"""

from collections.abc import Iterable
from secrets import token_urlsafe
from uuid import UUID

from django.core.cache import caches
from django.db import transaction

_CACHE = "changes"
EVERYBODY = "everybody"
"""Of what everybody is shown: prices, and what operators change in the admin."""


def of_user(user: UUID, part: str) -> str:
    """Return the subject of what a user has made in a part of the portal."""
    return f"user-{user}-{part}"


def of_place(place: str) -> str:
    """Return the subject of what is kept of an account in a region (``accounts.keyring.Key.place``)."""
    return f"place-{place}"


def note(*subjects: str) -> None:
    """Note that subjects have changed, when the transaction that changes them has ended."""
    words = {_name_of(subject): token_urlsafe(12) for subject in subjects}
    transaction.on_commit(lambda: caches[_CACHE].set_many(words, timeout=None))


def states(subjects: Iterable[str]) -> list[str] | None:
    """Return how subjects stand, which is never so again after a change; None when that is not known.

    One question to the cache. To be asked before what may have changed is read.
    """
    names = [_name_of(subject) for subject in subjects]
    known = caches[_CACHE].get_many(names)
    unknown = [name for name in names if name not in known]
    if unknown:
        # Somebody else may put other words there at the same time: which ones hold is seen at the next time.
        caches[_CACHE].set_many({name: token_urlsafe(12) for name in unknown}, timeout=None)
        return None
    return [known[name] for name in names]


def _name_of(subject: str) -> str:
    return f"changed-{subject}"
