"""The chart of a budget: what its periods come to day by day, their amounts, and what is expected."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from budgets.daily import Day, chart_state
from consumption.daytext import day_text
from costs.money import money_text, show_percent


def chart_of(days: list[Day], currency: str) -> dict[str, Any] | None:
    """Return the chart as its script takes it; None when nothing is known and nothing expected."""
    if not any(one.cumulative is not None or one.ahead for one in days):
        return None
    return {
        "label": _("Spent in each period so far, its budget, and the forecast"),
        "currency": currency,
        "labels": [one.day.isoformat() for one in days],
        "names": [day_text(one.day) for one in days],
        "states": [chart_state(one.state) for one in days],
        "series": [*_ahead(days), *_spent(days), _budget(days)],
    }


def _spent(days: list[Day]) -> list[dict[str, Any]]:
    """Return the periods as two lines in turn, so that none leads from the end of one to the next."""
    numbers = sorted({one.number for one in days if one.cumulative is not None})
    found = []
    for turn in sorted({number % 2 for number in numbers}):
        chosen = [one.cumulative if one.number % 2 == turn else None for one in days]
        found.append(
            {
                "name": _("Spent"),
                "role": "actual",
                "values": _values(chosen),
                "partial": [one.is_lower_bound for one in days],
                "continues": bool(found),
            }
        )
    return found


def _budget(days: list[Day]) -> dict[str, Any]:
    return {"name": _("Budget"), "role": "budget", "values": _values(one.amount for one in days)}


def _ahead(days: list[Day]) -> list[dict[str, Any]]:
    """Return the forecast and its band, in which what comes lies in 80 percent of the cases."""
    if not any(one.ahead for one in days):
        return []
    shown = {"percent": show_percent(Decimal(80))}
    low, high, expected = (
        _values(getattr(one.ahead, name) if one.ahead else None for one in days)
        for name in ("low_80", "high_80", "expected")
    )
    return [
        {"name": _("%(percent)s: from") % shown, "role": "low", "values": low},
        {
            "name": _("%(percent)s: to") % shown,
            "legend": _("in %(percent)s of the cases") % shown,
            "role": "high",
            "values": high,
        },
        {"name": _("Forecast"), "role": "forecast", "values": expected},
    ]


def _values(amounts: Iterable[Decimal | None]) -> list[str | None]:
    return [None if amount is None else money_text(amount) for amount in amounts]
