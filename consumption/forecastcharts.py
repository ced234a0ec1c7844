"""The chart of a forecast, the last weeks and the days to come, and its figures as a table."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from consumption.coverage import Coverage
from consumption.daytext import day_text, weekday_text
from consumption.forecast import Point
from consumption.forecastdays import Outcome
from consumption.periods import ONE_DAY, Period
from consumption.reasons import chart_state, step_state
from costs.money import show_percent

SHOWN_BEFORE = 42
"""How many days before today are shown at least."""

MOST_ROWS = 100
"""A table of more days than this is shown when it is asked for."""


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
        covered = _covered(outcome, day)
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
    days, costs = list(shown_days(outcome).days), outcome.costs
    of_day = {point.date: point for point in outcome.forecast.points}
    points = [of_day.get(day) for day in days]
    if not (of_day or any(day in costs for day in days)):
        return None
    today = outcome.history.question.period.end
    states = [chart_state(_covered(outcome, day)) if day < today else "future" for day in days]
    known = [_value(costs[day].cost) if day in costs else None for day in days]
    ahead = [*_band(points, 95), *_band(points, 80), _line(points)] if of_day else []
    return {
        "label": _("Cost per day, known and expected"),
        "currency": outcome.history.currency,
        "labels": [day.isoformat() for day in days],
        "names": [day_text(day) for day in days],
        "states": states,
        "series": [*ahead, {"name": _("Cost"), "role": "actual", "values": known}],
    }


def _covered(outcome: Outcome, day: dt.date) -> Coverage:
    return outcome.coverage.of(Period(day, day + ONE_DAY))


def _line(points: list[Point | None]) -> dict[str, Any]:
    values = [_value(point.expected) if point else None for point in points]
    return {"name": _("Expected"), "role": "forecast", "values": values}


def _band(points: list[Point | None], percent: int) -> list[dict[str, Any]]:
    """Return the two ends of an interval, as the chart draws a band between them."""
    shown = {"percent": show_percent(Decimal(percent))}
    low, high = (
        [_value(getattr(point, f"{end}_{percent}")) if point else None for point in points]
        for end in ("low", "high")
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


def _value(amount: Decimal) -> str:
    """Write an amount, which has ten decimals at most, for the script: there may be thousands of them."""
    return f"{amount:.10f}".rstrip("0").rstrip(".")
