"""The chart of an allocation, its finding in a sentence, and what its parts are called."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from consumption.allocation import AllocatedGroup, Allocation, Sharing
from consumption.allocationrows import share_of, values_name
from consumption.models import DayState
from costs.money import round_for_display, show_money, show_percent

LARGEST = 9
"""How many groups have a bar of their own; the others are drawn as one."""

_LONGEST_NAME = 40


def title_of(allocation: Allocation) -> str:
    """Say what the chart shows."""
    keys = allocation.keys
    if allocation.by_centre:
        return _("Cost by cost centre")
    if not keys:
        return _("Cost by tag")
    if len(keys) == 1:
        return _("Cost by %(key)s") % {"key": keys[0]}
    return _("Cost by %(key)s and %(second)s") % {"key": keys[0], "second": keys[1]}


def untagged_title(allocation: Allocation) -> str:
    """Name what lacks a key, or what no rule fits."""
    if allocation.by_centre:
        return _("Not allocated")
    return _("Not tagged") if len(allocation.keys) < 2 else _("Not wholly tagged")


def is_spread(allocation: Allocation) -> bool:
    """Tell whether the groups hold the shared costs."""
    return any(group.shared for group in allocation.groups)


def sharing_text(allocation: Allocation) -> str:
    """Say where the shared costs are."""
    if not allocation.shared:
        return _("there are none")
    if is_spread(allocation):
        return {
            Sharing.PROPORTIONAL: _("spread in proportion over who owns something"),
            Sharing.EVEN: _("spread evenly over who owns something"),
        }[Sharing(allocation.sharing)]
    if allocation.sharing != Sharing.APART and allocation.shared_total:
        return _("left apart: nobody owns anything to spread them over")
    return _("left apart, in no group")


# --- The chart


def chart_of(allocation: Allocation) -> dict[str, Any] | None:
    """Return the chart as its script takes it, a bar for each group; None when there is nothing to draw."""
    bars = [bar for bar in _bars(allocation) if bar[1] is not None]
    if not any(amount for _name, amount, _is_part, _colour in bars):
        return None
    return {
        "label": title_of(allocation),
        "currency": allocation.history.currency,
        "horizontal": True,
        "labels": [str(place) for place, _bar in enumerate(bars)],
        "names": [Truncator(name).chars(_LONGEST_NAME) for name, *_rest in bars],
        "series": [
            {
                "name": _("Cost"),
                "role": "bar",
                "values": [amount for _name, amount, *_rest in bars],
                "partial": [is_part for *_rest, is_part, _colour in bars],
                "colors": [colour for *_rest, colour in bars],
            }
        ],
    }


def _bars(allocation: Allocation) -> Iterator[tuple[str, Decimal | None, bool, str]]:
    """Yield the name of each bar, its amount, whether that is only what is known, and its colour."""
    owned = [group for group in allocation.groups if group.is_whole]
    for group in owned[:LARGEST]:
        yield values_name(allocation, group.values), group.total, bool(group.unpriced), "series-1"
    rest = owned[LARGEST:]
    if rest:
        name = ngettext("%(count)s other", "%(count)s others", len(rest)) % {"count": len(rest)}
        yield name, *_sum(rest), "others"
    lacking = [group for group in allocation.groups if not group.is_whole]
    if lacking:
        yield untagged_title(allocation), *_sum(lacking), "others"
    if allocation.shared_apart:
        yield _("Shared"), allocation.shared_apart, any(one.unpriced for one in allocation.shared), "others"


def _sum(groups: list[AllocatedGroup]) -> tuple[Decimal, bool]:
    total = sum((group.total for group in groups), Decimal(0))
    return total, any(group.unpriced for group in groups)


# --- The finding


def finding_of(allocation: Allocation) -> SafeString:
    """Say who costs most, and what has no owner."""
    sentences = [*_without_owner(allocation), *_shared(allocation)]
    return format_html("<strong>{}</strong> {}", _dearest(allocation), " ".join(sentences))


def _dearest(allocation: Allocation) -> str:
    owned = [group for group in allocation.groups if group.is_whole]
    if not owned:
        no_rule, no_tag = _("No rule fits any resource."), _("No resource carries what is asked for.")
        return no_rule if allocation.by_centre else no_tag
    first, share = owned[0], share_of(allocation, owned[0].total)
    facts = {
        "name": values_name(allocation, first.values),
        "cost": _money(allocation, first.total, first.unpriced),
        "total": _money(allocation, allocation.total, allocation.history.unpriced),
    }
    if len(owned) == 1:
        text = _("Only %(name)s owns anything: %(cost)s of %(total)s.")
    elif share is None:
        text = _("%(name)s costs most: %(cost)s.")
    else:
        facts["share"] = show_percent(round_for_display(share, 1), places=1)
        text = _("%(name)s costs most: %(cost)s, %(share)s of %(total)s.")
    return text % facts


def _without_owner(allocation: Allocation) -> Iterator[str]:
    count = len(allocation.lacking)
    if not count:
        all_ruled, all_tagged = _("Every resource has a cost centre."), _("Every resource is tagged.")
        yield all_ruled if allocation.by_centre else all_tagged
        return
    lacks = any(one.unpriced for one in allocation.lacking)
    facts = {"count": count, "cost": _money(allocation, allocation.lacking_total, lacks)}
    if allocation.by_centre:
        text = ngettext(
            "%(count)s resource fits no rule on some of its days, and cost %(cost)s then.",
            "%(count)s resources fit no rule on some of their days, and cost %(cost)s then.",
            count,
        )
    else:
        text = ngettext(
            "%(count)s resource is not tagged on all of its days, and cost %(cost)s then.",
            "%(count)s resources are not tagged on all of their days, and cost %(cost)s then.",
            count,
        )
    yield text % facts


def _shared(allocation: Allocation) -> Iterator[str]:
    if allocation.shared_total:
        facts = {
            "cost": _money(
                allocation, allocation.shared_total, any(one.unpriced for one in allocation.shared)
            ),
            "sharing": sharing_text(allocation),
        }
        yield _("Shared costs of %(cost)s are %(sharing)s.") % facts


def _money(allocation: Allocation, amount: Decimal, lacks: object) -> str:
    """Write an amount; it is the least that it can be where something has no price or was not wholly read."""
    shown = show_money(amount, allocation.history.currency)
    is_least = lacks or allocation.history.coverage.counts[DayState.PARTIAL]
    return _("at least %(cost)s") % {"cost": shown} if is_least else shown
