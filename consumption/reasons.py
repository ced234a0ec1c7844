"""Why a day is not complete, in words for people."""

from django.utils.translation import gettext_lazy as _

from accounts.errors import CloudError, kind_of
from consumption.coverage import LINKED_NOT_READ, NOT_READ_EVERYWHERE, UNREAD, KnownDay
from consumption.entries import CALL
from consumption.keeping import ENTRIES_NOT_UNDERSTOOD, NOT_CONSOLIDATED
from consumption.models import DayState

_OWN_REASONS = {
    NOT_CONSOLIDATED: _("OUTSCALE has not consolidated this day yet."),
    ENTRIES_NOT_UNDERSTOOD: _("Some lines of this day could not be understood."),
    LINKED_NOT_READ: _("The linked accounts were not read for this day."),
    NOT_READ_EVERYWHERE: _("This day was not read in every region."),
}


def reason_of(known: KnownDay) -> str:
    """Say why a day is no better known than it is, in one sentence."""
    if known.reason:
        return str(_OWN_REASONS.get(known.reason) or _cloud_reason(known.reason))
    if known.state == UNREAD:
        return str(_("This day was not read yet."))
    if known.state == DayState.PROVISIONAL:
        return str(_("The bill of this day can still grow."))
    return ""


def _cloud_reason(code: str) -> str:
    kind: type[CloudError] = kind_of(code)
    return str(kind(CALL).message)
