"""The chart of the current cost: one bar for each kind, category or subregion, dearest first."""

from typing import Any

from django.utils.translation import gettext as _

from costs.currentcost import CurrentCost, Group, Grouping
from costs.money import show_percent, trimmed

MOST_BARS = 10


def chart_of(cost: CurrentCost) -> dict[str, Any] | None:
    """Return the chart of the groups per month as its script takes it, or None when there is nothing to draw.

    What is missing is a bar without a value, never one of zero.
    """
    groups = cost.groups
    if not any(group.amount for group in groups):
        return None
    shown = groups[:MOST_BARS]
    return {
        "label": _("Cost per month by %(grouping)s") % {"grouping": _grouping(cost).lower()},
        "sentence": _sentence(cost),
        "currency": cost.currency,
        "horizontal": True,
        "labels": [group.key for group in shown],
        "names": [group.name for group in shown],
        "series": [
            {
                "name": _("Per month"),
                "role": "bar",
                "color": "series-1",
                "values": [_value(group) for group in shown],
            }
        ],
    }


def _value(group: Group) -> str | None:
    return None if group.amount is None else f"{trimmed(group.amount.month):f}"


def _grouping(cost: CurrentCost) -> str:
    return str(Grouping(cost.question.grouping).label)


def _sentence(cost: CurrentCost) -> str:
    """Say what the chart shows: the dearest group and its share of what is known."""
    dearest = cost.groups[0]
    text = _("%(name)s: %(share)s of the cost per month.")
    if cost.missing or cost.unpriced:
        text = _("%(name)s: %(share)s of the known cost per month.")
    return text % {"name": dearest.name, "share": show_percent(dearest.share)}
