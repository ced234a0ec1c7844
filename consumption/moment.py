"""Several queries that see the database as it was at one moment.

A total and the coverage beside it come from different queries. A reading that keeps days between them would
make them disagree: the sum would hold days that the coverage calls missing.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import connection, transaction

_WAITING: ContextVar[list[Callable[[], object]] | None] = ContextVar("waiting", default=None)


@contextmanager
def one_moment() -> Iterator[None]:
    """Let all queries inside see the same data; nothing may be written inside, but ``after_the_moment``.

    A transaction that has begun already is left as it is. In SQLite those of Django take the lock for writing
    (``transaction_mode``); this one takes none, and waits for nobody.
    """
    waiting: list[Callable[[], object]] = []
    token = _WAITING.set(waiting)
    try:
        with _one_transaction():
            yield
    finally:
        _WAITING.reset(token)
    for call in waiting:
        call()


def after_the_moment(call: Callable[[], object]) -> None:
    """Write something when this moment has ended without an error; at once, outside of any."""
    waiting = _WAITING.get()
    if waiting is None:
        call()
    else:
        waiting.append(call)


def is_looked_at() -> bool:
    """Tell whether one moment is looked at: then nothing may be written."""
    return _WAITING.get() is not None


@contextmanager
def _one_transaction() -> Iterator[None]:
    if connection.in_atomic_block:
        yield
    elif connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA query_only = ON")  # a write would be lost in silence
            cursor.execute("BEGIN DEFERRED")
            try:
                yield
            finally:
                cursor.execute("COMMIT")
                cursor.execute("PRAGMA query_only = OFF")
    else:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield
