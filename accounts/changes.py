"""Tells whether what pages show has changed since one of them was made.

A row for each subject: what a user has made, a place (an account in a region), what everybody is shown. Each
change puts another word into it, in the transaction of the change itself where it has one: whoever sees the
one sees the other, in every process.
"""

import uuid
from collections.abc import Iterable
from itertools import chain
from typing import Any

from django.db import connection

from accounts.models import Change

QUOTES, BUDGETS, ELSEWHERE = "quotes", "budgets", "elsewhere"
PARTS = (QUOTES, BUDGETS, ELSEWHERE)
"""The parts of the portal in which users change something; the addresses of the first two begin so."""

EVERYBODY = "everybody"
"""Of what everybody is shown: prices, and what operators change in the admin."""


_TABLE = Change._meta.db_table
_REPLACE = "ON CONFLICT (subject) DO UPDATE SET word = excluded.word"


def of_user(user: uuid.UUID, part: str) -> str:
    """Return the subject of what a user has made in a part of the portal (``PARTS``)."""
    return f"user {user} {part}"


def of_place(place: str) -> str:
    """Return the subject of what is kept of an account in a region (``accounts.keyring.Key.place``)."""
    return f"place {place}"


def note(*subjects: str) -> None:
    """Note that subjects have changed (one query). They stay locked until the transaction ends."""
    rows = [(subject, uuid.uuid4().hex) for subject in sorted(set(subjects))]
    if not rows:
        return
    places = ", ".join(["(%s, %s)"] * len(rows))
    query = f"INSERT INTO {_TABLE} (subject, word) VALUES {places} {_REPLACE}"  # noqa: S608 - names
    with connection.cursor() as cursor:  # a transaction of its own, which the ORM would begin and end
        cursor.execute(query, list(chain.from_iterable(rows)))


def states(subjects: Iterable[str]) -> list[tuple[str, Any]]:
    """Return how subjects stand, which is never so again after a change (one query).

    A word for each, as the database gives it. To be asked before what may have changed is read.
    """
    asked = list(subjects)
    places = ", ".join(["%s"] * len(asked))
    query = f"SELECT subject, word FROM {_TABLE} WHERE subject IN ({places})"  # noqa: S608 - names
    with connection.cursor() as cursor:  # most requests ask this: to put the query together took longer
        cursor.execute(query, asked)
        return sorted(cursor.fetchall())
