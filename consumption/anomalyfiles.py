"""The anomalies as plain documents and files, in every format: the figures of the page, and every day judged.

A table has rows of several kinds, told apart by the column ``row``: ``anomaly``, then its ``cause`` rows (a
type) with their ``resource`` rows, ``others`` (what is left of the row above it), and ``day``. Days are UTC
days, the first and the last both included; amounts exclude tax. What is not known has no figure.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec
from django.utils.translation import gettext_lazy

from consumption.anomalies import Anomaly, JudgedDay
from consumption.anomalycauses import Cause, Explanation, explained
from consumption.anomalyfindings import Findings, Found
from consumption.files import scope_of
from costs.exports import Table
from costs.fileformats import FileFormat, table_formats
from costs.money import money_text, trimmed

COLUMNS = (
    "row",
    "id",
    "kind",
    "state",
    "first_day",
    "last_day",
    "key",
    "happened",
    "expected",
    "actual",
    "excess",
    "excess_percent",
    "low",
    "high",
    "currency",
    "note",
    "filters",
    "account_id",
    "region",
)
"""The columns of CSV and spreadsheets; ``key`` is a type or a resource, ``kind`` of a day its verdict."""


def document_of(findings: Findings) -> dict[str, Any]:
    """Return the anomalies as the JSON API gives them; money is text, ``to_date`` is excluded."""
    period = findings.history.question.period
    explanations = explained(findings, [found.anomaly for found in findings.shown])
    return {
        "from_date": period.first.isoformat(),
        "to_date": period.end.isoformat(),
        "currency": findings.history.currency or None,
        "anomalies": [_anomaly(found, explanations.get(found.anomaly.key)) for found in findings.shown],
        "days_judged": findings.judged,
        "days": [_day(day) for day in findings.days],
    }


def mark_document(found: Found) -> dict[str, Any]:
    """Return what an anomaly is marked as."""
    return {
        "id": found.anomaly.key,
        "state": str(found.state),
        "note": found.mark.note if found.mark else "",
    }


def _anomaly(found: Found, explanation: Explanation | None) -> dict[str, Any]:
    anomaly = found.anomaly
    return mark_document(found) | {
        "from_date": anomaly.period.first.isoformat(),
        "to_date": anomaly.period.end.isoformat(),
        "kind": str(anomaly.kind),
        "expected": money_text(anomaly.expected),
        "actual": money_text(anomaly.actual),
        "excess": money_text(anomaly.excess),
        "excess_percent": _known(anomaly.percent),
        "compared_with": sorted({day.reference.isoformat() for day in anomaly.days}),
        "causes": [_cause(cause) for cause in explanation.causes] if explanation else None,
        "others": {"types": explanation.others, "excess": money_text(explanation.others_excess)}
        if explanation
        else None,
    }


def _cause(cause: Cause) -> dict[str, Any]:
    split = cause.split
    return {
        "key": cause.key,
        "happened": str(cause.happened),
        "expected": money_text(cause.of.expected),
        "actual": money_text(cause.of.actual),
        "excess": money_text(cause.excess),
        "split": {
            "new": money_text(split.new),
            "gone": money_text(split.gone),
            "quantity": money_text(split.quantity),
            "unit_price": money_text(split.unit_price),
        },
        "resources": [
            {
                "resource_id": one.resource_id,
                "happened": str(one.happened),
                "expected": money_text(one.expected),
                "actual": money_text(one.actual),
                "excess": money_text(one.excess),
            }
            for one in cause.resources
        ],
        "others": {"resources": cause.others, "excess": money_text(cause.others_excess)},
        "without_resource": money_text(cause.without_resource),
    }


def _day(day: JudgedDay) -> dict[str, Any]:
    return {
        "date": day.day.isoformat(),
        "verdict": str(day.verdict),
        "cost": _known(day.cost),
        "expected": _known(day.expected),
        "low": _known(day.low),
        "high": _known(day.high),
    }


def _known(amount: Decimal | None) -> str | None:
    return None if amount is None else money_text(amount)


# --- The table


def table_of(findings: Findings) -> Table:
    """Return the anomalies with what explains them, then every day of the period."""
    asked = scope_of(findings.history)
    return Table(COLUMNS, ([*row, *asked] for row in _rows(findings)))


def _rows(findings: Findings) -> Iterator[list[Any]]:
    currency = findings.history.currency or None
    explanations = explained(findings, [found.anomaly for found in findings.shown])
    for found in findings.shown:
        anomaly = found.anomaly
        begin = [anomaly.key, str(anomaly.kind), str(found.state), anomaly.period.first, anomaly.period.last]
        percent = None if anomaly.percent is None else trimmed(anomaly.percent)
        figures = [*_amounts(anomaly), percent, None, None, currency]
        yield ["anomaly", *begin, None, None, *figures, found.mark.note if found.mark else None]
        if anomaly.key in explanations:
            for kind, *said in _parts(explanations[anomaly.key]):
                yield [kind, *begin, *said, None, None, None, currency, None]
    for day in findings.days:
        band = [day.expected, day.cost, day.excess, None, day.low, day.high, currency]
        yield ["day", None, str(day.verdict), None, day.day, day.day, None, None, *band, None]


def _parts(explanation: Explanation) -> Iterator[list[Any]]:
    """Yield what explains an anomaly: kind of row, key, what happened, expected, actual, excess."""
    for cause in explanation.causes:
        yield ["cause", cause.key, str(cause.happened), *_amounts(cause.of)]
        for one in cause.resources:
            yield ["resource", one.resource_id, str(one.happened), *_amounts(one)]
        left = cause.others_excess + cause.without_resource
        if left:
            yield ["others", None, None, None, None, left]
    if explanation.others:
        yield ["others", None, None, None, None, explanation.others_excess]


def _amounts(one: Anomaly | Any) -> list[Decimal]:
    return [one.expected, one.actual, one.excess]


# --- The formats


def _json(findings: Findings) -> bytes:
    document = document_of(findings) | {"coverage": findings.history.coverage.counts}
    return msgspec.json.format(msgspec.json.encode(document), indent=2)


_TABLES = table_formats(table_of, title=gettext_lazy("Anomalies"))

FORMATS = _TABLES | {"json": FileFormat("JSON", "application/json", "json", _json)}
"""Every format by the name that address and API use; ``write`` takes findings."""
