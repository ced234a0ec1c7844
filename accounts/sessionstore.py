"""Sessions in the database, in which requests at the same time do not undo each other's changes.

Django writes a session as a whole. So a page that takes a while would write back, with the time it was used,
the keys as they were when it began: a key that was removed meanwhile would be there again.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

from django.contrib.sessions.backends import db
from django.db import transaction


class SessionStore(db.SessionStore):
    """A session of which only what this request has changed is written."""

    def __init__(self, session_key: str | None = None) -> None:
        super().__init__(session_key)
        self._as_read: dict[str, Any] = {}

    def load(self) -> dict[str, Any]:
        """Read the session, and remember how it was."""
        found = super().load()
        self._as_read = deepcopy(found)
        return found

    def save(self, must_create: bool = False) -> None:
        """Write what has changed; raise ``UpdateError`` when the session has ended meanwhile."""
        if self.session_key is None or must_create:
            super().save(must_create)
        else:
            with transaction.atomic():
                self._catch_up()
                super().save()
        self._as_read = deepcopy(self._session)

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
