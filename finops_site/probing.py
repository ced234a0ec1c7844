"""Asking the database for who watches the portal: an answer within seconds, or none."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

LONGEST_QUERY_MS = 2000


@contextmanager
def short_queries(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Let each query inside last two seconds at most; raise ``OperationalError`` for one that would not end.

    SQLite, which has no such limit, answers who only reads without waiting for anybody.
    """
    if connection.vendor != "postgresql":
        yield
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = {LONGEST_QUERY_MS}")
        yield
