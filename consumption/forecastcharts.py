"""The chart of a forecast, the last weeks and the days to come, and its figures as a table."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from consumption.daytext import day_text, weekday_text
from consumption.forecast import Point
from consumption.forecastdays import Outcome
from consumption.periods import ONE_DAY, Period
from consumption.reasons import chart_state, step_state
from costs.money import money_text, show_percent

SHOWN_BEFORE = 42
"""How many days before today are shown at least."""


@dataclass(frozen=True)
class DayRow:
    """A day as the table shows it: its cost so far, and what is expected of it."""

    day: dt.date
    name: str
    state: str
    kind: str
    actual: Decimal | None
    point: Point | None


def shown_days(outcome: Outcome) -> Period:
    """Return the days of chart, table and files: the last weeks, and those of the period."""
    today, ahead = outcome.history.question.period.end, outcome.forecast.period
    first = min(today - dt.timedelta(days=SHOWN_BEFORE), ahead.first)
    return Period(first, ahead.end if outcome.forecast.points else today)


def rows_of(outcome: Outcome) -> list[DayRow]:
    """Return the shown days, one after the other."""
    today, costs = outcome.history.question.period.end, outcome.costs
    points = {point.date: point for point in outcome.forecast.points}
    kinds = {"missing": "is-missing", "provisional": "is-provisional"}
    rows = []
    for day in shown_days(outcome).days:
        covered = outcome.coverage.of(Period(day, day + ONE_DAY))
        is_past = day < today
        rows.append(
            DayRow(
                day,
                weekday_text(day),
                step_state(covered) if is_past else _("to come"),
                kinds.get(chart_state(covered), "") if is_past else "",
                costs[day].cost if day in costs else None,
                points.get(day),
            )
        )
    return rows


def chart_of(outcome: Outcome) -> dict[str, Any] | None:
    """Return the chart as its script takes it; None when no day is known."""
    rows = rows_of(outcome)
    if not any(row.actual or row.point for row in rows):
        return None
    today = outcome.history.question.period.end
    states = [
        chart_state(outcome.coverage.of(Period(row.day, row.day + ONE_DAY))) if row.day < today else "future"
        for row in rows
    ]
    actual = {"name": _("Cost"), "role": "actual", "values": [_value(row.actual) for row in rows]}
    ahead = [*_band(rows, 95), *_band(rows, 80), _line(rows)] if outcome.forecast.points else []
    return {
        "label": _("Cost per day, known and expected"),
        "currency": outcome.history.currency,
        "labels": [row.day.isoformat() for row in rows],
        "names": [day_text(row.day) for row in rows],
        "states": states,
        "series": [*ahead, actual],
    }


def _line(rows: list[DayRow]) -> dict[str, Any]:
    return {
        "name": _("Expected"),
        "role": "forecast",
        "values": _of_points(rows, lambda point: point.expected),
    }


def _band(rows: list[DayRow], percent: int) -> list[dict[str, Any]]:
    """Return the two ends of an interval, as the chart draws a band between them."""
    shown = {"percent": show_percent(Decimal(percent))}
    low, high = (
        _of_points(rows, lambda point, end=end: getattr(point, f"{end}_{percent}")) for end in ("low", "high")
    )
    return [
        {"name": _("%(percent)s: from") % shown, "role": "low", "values": low},
        {
            "name": _("%(percent)s: to") % shown,
            "legend": _("in %(percent)s of the cases") % shown,
            "swatch": "band-inner" if percent == 80 else "band",
            "role": "high",
            "values": high,
        },
    ]


def _of_points(rows: list[DayRow], figure: Callable[[Point], Decimal]) -> list[str | None]:
    return [_value(figure(row.point)) if row.point else None for row in rows]


def _value(amount: Decimal | None) -> str | None:
    return None if amount is None else money_text(amount)
