"""The chart of the current cost: one bar for each kind, category or subregion, dearest first."""

from typing import Any

from django.utils.translation import gettext as _

from costs import products
from costs.currentcost import CurrentCost, Group, Grouping
from costs.money import money_text, round_for_display, show_percent


def chart_of(cost: CurrentCost) -> dict[str, Any] | None:
    """Return the chart of the groups per month as its script takes it, or None when there is nothing to draw.

    What is missing is a bar without a value, never one of zero.
    """
    groups = cost.groups
    if not any(group.amount for group in groups):
        return None
    return {
        "label": _("Cost per month by %(grouping)s") % {"grouping": _grouping(cost).lower()},
        "currency": cost.currency,
        "horizontal": True,
        "labels": [group.key for group in groups],
        "names": [group.name for group in groups],
        "series": [
            {
                "name": _("Per month"),
                "role": "bar",
                "color": "series-1",
                "colors": [_colour(cost, group) for group in groups],
                "values": [_value(group) for group in groups],
                "partial": [group.lacks for group in groups],
            }
        ],
    }


def finding_of(cost: CurrentCost) -> str:
    """Say what the chart shows: the dearest group and its share of what is known."""
    dearest = cost.groups[0]
    text = _("%(name)s: %(share)s of the cost per month.")
    if cost.lacks:
        text = _("%(name)s: %(share)s of the known cost per month.")
    return text % {"name": dearest.name, "share": show_percent(round_for_display(dearest.share, 1))}


def _value(group: Group) -> str | None:
    return None if group.amount is None else money_text(group.amount.month)


def _colour(cost: CurrentCost, group: Group) -> str:
    """Return the token of a bar: a category has the colour that it has everywhere."""
    if cost.question.grouping != Grouping.CATEGORY:
        return "series-1"
    return group.key if group.key in products.CATEGORIES else "others"


def _grouping(cost: CurrentCost) -> str:
    return str(Grouping(cost.question.grouping).label)
