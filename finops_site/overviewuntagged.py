"""The figure of what carries no tag, as the page of the allocation answers it."""

from dataclasses import dataclass
from decimal import Decimal

from django.utils.text import Truncator
from django.utils.translation import gettext as _

from consumption.forecastpage import bill_text
from consumption.reasons import Badge, badge_of, lacks_some
from consumption.untagged import Untagged
from costs.money import show_money
from finops_site.overviewbills import Bill

_LONGEST_KEY = 40


@dataclass(frozen=True)
class ShareTile:
    """A share in percent that leads to its page, None while it is unknown; ``note`` says of what, or why.

    ``is_most``: it is at most that, for what would lower it was not read.
    """

    title: str
    url: str
    percent: Decimal | None
    note: str
    is_most: bool = False
    badge: Badge | None = None


def untagged_tile(bill: Bill) -> ShareTile:
    """Return the share of the last whole month that carries no tag of the key that tells owners usually."""
    answer, found = bill.untagged, bill.untagged.found
    title = _("Not tagged, %(month)s") % {"month": bill_text(answer.asked.form.days)}
    unknown = _why_unknown(found) if found else answer.problem
    if unknown:
        return ShareTile(title, answer.url, None, unknown)
    note = _("%(cost)s of %(total)s by %(key)s") % {
        "cost": _money(found.cost, found.lacks, bill.currency),
        "total": _money(found.history.total, lacks_some(found.history), bill.currency),
        "key": Truncator(found.key).chars(_LONGEST_KEY),
    }
    if found.tags_unread:
        keys = [key for key in bill.access.keys if key.place in found.tags_unread]
        places = "; ".join(bill.place_texts(keys))
        note = _("%(note)s; no tag was read in %(places)s") % {"note": note, "places": places}
    badge = badge_of(found.history.coverage)
    return ShareTile(title, answer.url, found.share, note, is_most=bool(found.tags_unread), badge=badge)


def _why_unknown(found: Untagged) -> str:
    if not found.history.coverage.with_figures:
        return _("Nothing of it was read yet.")
    if not found.is_known:
        return _("No tags were read yet.")
    if not found.key:
        return _("No resource was ever seen with a tag.")
    return "" if found.history.total else _("Nothing was spent.")


def _money(amount: Decimal, lacks: bool, currency: str) -> str:
    shown = show_money(amount, currency)
    return f"≥ {shown}" if lacks else shown
