"""Sessions in the database, in which requests at the same time do not undo each other's changes.

Django writes a session as a whole. So a page that takes a while would write back, with the time it was used,
the keys as they were when it began: a key that was removed meanwhile would be there again.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.db import OperationalError, connection, transaction
from django.utils import timezone

logger = logging.getLogger(__name__)

SEEN_FIELD = "seen"
"""The name under which a session holds when it was last used, in seconds since 1970."""

_QUERY = (
    f"SELECT session_data FROM {Session._meta.db_table} "  # noqa: S608 - a name of ours
    "WHERE session_key = %s AND expire_date > %s"
)


class SessionStore(db.SessionStore):
    """A session of which only what this request has changed is written."""

    def __init__(self, session_key: str | None = None) -> None:
        super().__init__(session_key)
        self._as_read: dict[str, Any] = {}

    def load(self) -> dict[str, Any]:
        """Read the session, and remember how it was."""
        found = self._found()
        self._as_read = deepcopy(found)
        return found

    def _found(self) -> dict[str, Any]:
        """Return what the session holds, as Django does: nothing, under no key, once it has ended.

        Every request asks this first: to put the query together took longer than to have it answered.
        """
        now = connection.ops.adapt_datetimefield_value(timezone.now())
        with connection.cursor() as cursor:
            cursor.execute(_QUERY, [self.session_key, now])
            row = cursor.fetchone()
        if row is None:
            self._session_key = None
            return {}
        return self.decode(row[0])

    def save(self, must_create: bool = False) -> None:
        """Write what has changed; raise ``UpdateError`` when the session has ended meanwhile.

        When nothing has changed but when it was last used, a database that has no room for that is no reason
        to refuse the page: the next request writes it.
        """
        if self.session_key is None or must_create:
            super().save(must_create)
        else:
            try:
                with transaction.atomic():
                    self._catch_up()
                    super().save()
            except OperationalError:
                if self._changed() - {SEEN_FIELD}:
                    raise
                logger.exception("A session is in use, and it could not be noted.")
                return
        self._as_read = deepcopy(self._session)

    def _changed(self) -> set[str]:
        """Return the names of what this request has changed."""
        mine, before = self._session, self._as_read
        kept = {name for name in mine.keys() & before.keys() if mine[name] == before[name]}
        return (mine.keys() | before.keys()) - kept

    @contextmanager
    def held(self) -> Iterator[None]:
        """Change the session as it is now, while no other request can; written when this ends.

        Raises ``UpdateError`` when the session has ended meanwhile.
        """
        with transaction.atomic():
            self._catch_up()
            yield
            self.save()

    def _catch_up(self) -> None:
        """Take over what others have changed, and let nobody change it until the transaction ends."""
        mine, before = self._session, self._as_read
        row = self.model.objects.select_for_update().filter(session_key=self.session_key).first()
        if row is None:
            return
        now = self.decode(row.session_data)
        gone = before.keys() - mine.keys()
        changed = {name: value for name, value in mine.items() if name not in before or before[name] != value}
        self._session_cache = {name: value for name, value in now.items() if name not in gone} | changed
        self._as_read = deepcopy(now)
