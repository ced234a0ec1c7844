"""What the portal answers while its database gives no answer or has no room: no page is at fault then."""

from django.db import InterfaceError, OperationalError
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.errors import PortalError

SECONDS_TO_WAIT = 10
"""When it is worth trying again: a database that is restarted is away for seconds."""

_NO_ROOM = {"SQLITE_FULL", "53100"}
"""SQLite's name and PostgreSQL's SQLSTATE for a full disk."""

_MISTAKES = {"SQLITE_ERROR", "SQLITE_MISMATCH", "SQLITE_RANGE", "SQLITE_MISUSE", "SQLITE_READONLY"}
"""What SQLite calls operational too, and is wrong in the query: a table that is missing, say."""


class DatabaseFault(PortalError):
    """The database cannot do what is asked of it at the moment, whatever is asked."""

    http_status = 503
    title: str | Promise

    def __init__(self) -> None:
        super().__init__(retry_after=SECONDS_TO_WAIT)


class DatabaseAway(DatabaseFault):
    """The database gives no answer: it is restarted, or cannot be reached."""

    code = "DATABASE_UNAVAILABLE"
    title = _("The portal's database gives no answer at the moment")
    message = _(
        "What was saved before is kept, and nothing is half saved. Please try again in a minute, and look "
        "first whether what you have just sent is there."
    )


class NoRoom(DatabaseFault):
    """The disk of the database is full."""

    code = "NO_ROOM"
    title = _("The portal cannot save anything at the moment")
    message = _(
        "Its disk is full. Nothing of what you have just sent was saved, and what was saved before is kept. "
        "Pages can still be read. The people who run the portal must make room."
    )


def fault_behind(error: BaseException | None) -> DatabaseFault | None:
    """Return what an ``error`` says of the database itself, None when it is a mistake of the portal."""
    if not isinstance(error, OperationalError | InterfaceError):
        return None
    cause = error.__cause__
    reason = getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None)
    if reason in _MISTAKES:
        return None
    return NoRoom() if reason in _NO_ROOM else DatabaseAway()
