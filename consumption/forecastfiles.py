"""The forecast as plain documents: what the JSON API answers, and the tables of files.

A table has rows of several kinds, told apart by the column ``row``: ``actual`` (what a day has cost; an
``is_final`` one costs no more), ``expected`` (what is expected of a day that is not final), ``total`` (the
period: what was spent, what is expected of it whole), ``model`` (a family of models, and how far it erred in
the back-test), and ``unpriced`` (a ``product`` without a price, which is in no figure). Days are UTC days;
amounts exclude tax. What is not known has no figure.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
from django.utils.translation import gettext_lazy

from consumption.documents import gaps_of, unpriced_document
from consumption.files import scope_of
from consumption.forecast import Candidate, DayCost, Forecast, Interval, Point
from consumption.forecastcharts import shown_days
from consumption.forecastdays import Outcome
from consumption.periods import Period
from costs import products
from costs.exports import Table
from costs.fileformats import FileFormat, table_formats
from costs.money import money_text
from costs.pricelist import PriceKey

COLUMNS = (
    "row",
    "first_day",
    "last_day",
    "cost",
    "expected",
    "low_80",
    "high_80",
    "low_95",
    "high_95",
    "currency",
    "is_final",
    "model",
    "error_percent",
    "product",
    "unpriced_lines",
    "filters",
    "account_id",
    "region",
)
"""The columns of CSV and spreadsheets; both days are included."""


def document_of(outcome: Outcome) -> dict[str, Any]:
    """Return a forecast as the JSON API gives it; money is text, ``to_date`` is excluded."""
    forecast = outcome.forecast
    trained = forecast.trained_on
    return {
        "from_date": forecast.period.first.isoformat(),
        "to_date": forecast.period.end.isoformat(),
        "until": forecast.until.isoformat(),
        "currency": outcome.history.currency or None,
        "reason": forecast.reason or None,
        "known_days": forecast.known_days,
        "needed_days": forecast.needed_days,
        "unknown_days": forecast.unknown_days,
        "trained_on": {"from_date": trained.first.isoformat(), "to_date": trained.end.isoformat()}
        if trained
        else None,
        "left_out": [day.isoformat() for day in forecast.spikes],
        "model": forecast.model or None,
        "error_percent": _text(forecast.error_percent),
        "naive_error_percent": _text(forecast.naive_error_percent),
        "candidates": [_candidate(one) for one in forecast.candidates],
        "tested_days": forecast.tested_days,
        "tested_from": forecast.origins,
        "actual_to_date": _text(forecast.actual_to_date),
        "still_to_come": _text(forecast.still_to_come),
        "expected_total": _text(forecast.expected_total),
        **_bounds(forecast),
        "points": [_point(point) for point in forecast.points],
        "unpriced": [unpriced_document(one) for one in outcome.unpriced],
    }


def _bounds(forecast: Forecast) -> dict[str, str | None]:
    """Return the intervals of the whole period."""
    found = {80: forecast.total_80, 95: forecast.total_95}
    return {
        f"total_{end}_{percent}": _text(getattr(interval, end)) if interval else None
        for percent, interval in found.items()
        for end in Interval._fields
    }


def _candidate(one: Candidate) -> dict[str, str | None]:
    return {"model": one.model, "error_percent": _text(one.error_percent)}


def _point(point: Point) -> dict[str, str]:
    day, *amounts = point
    return {"date": day.isoformat()} | dict(zip(Point._fields[1:], map(money_text, amounts), strict=True))


def _text(amount: Any) -> str | None:
    return None if amount is None else money_text(amount)


# --- The table


def table_of(outcome: Outcome) -> Table:
    """Return the days that are known and those that are expected, then the sums, then the models."""
    scope = scope_of(outcome.history)
    width = len(COLUMNS) - len(scope)
    return Table(COLUMNS, ([*row, *[None] * (width - len(row)), *scope] for row in _rows(outcome)))


def _rows(outcome: Outcome) -> Iterator[list[Any]]:
    forecast, currency = outcome.forecast, outcome.history.currency or None
    for day in shown_days(outcome).days:
        if day in outcome.costs:
            yield _actual(day, outcome.costs[day], currency)
    for point in forecast.points:
        yield ["expected", point.date, point.date, None, *point[1:], currency, None, forecast.model, None]
    bounds = [*(forecast.total_80 or [None] * 2), *(forecast.total_95 or [None] * 2)]
    sums = [forecast.actual_to_date, forecast.expected_total, *bounds]
    model = [forecast.model or None, forecast.error_percent]
    yield ["total", forecast.period.first, forecast.until, *sums, currency, None, *model]
    for one in forecast.candidates:
        yield ["model", *[None] * 8, None, None, one.model, one.error_percent]
    for one in outcome.unpriced:
        name = products.name(PriceKey(one.service, one.type, one.operation))
        yield ["unpriced", outcome.recent.first, outcome.recent.last, *[None] * 10, name, one.lines]


def _actual(day: Any, cost: DayCost, currency: str | None) -> list[Any]:
    return ["actual", day, day, cost.cost, *[None] * 5, currency, str(cost.is_final).lower(), None, None]


# --- The formats


def _json(outcome: Outcome) -> bytes:
    shown, today = shown_days(outcome), outcome.history.question.period.end
    partial = gaps_of(outcome.coverage.of(Period(shown.first, min(shown.end, today))))
    document = document_of(outcome) | {"partial": partial}
    return msgspec.json.format(msgspec.json.encode(document), indent=2)


_TABLES = table_formats(table_of, title=gettext_lazy("Forecast"))

FORMATS = _TABLES | {"json": FileFormat("JSON", "application/json", "json", _json)}
"""Every format by the name that address and API use; ``write`` takes an ``Outcome``."""
