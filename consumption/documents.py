"""The history as plain documents: what the JSON API answers, and the tables of files."""

from decimal import Decimal
from typing import Any

from consumption.coverage import Coverage
from consumption.history import Group, History, Step, Unpriced
from consumption.models import DayState
from consumption.reasons import reason_of
from costs.money import money_text


def document_of(history: History) -> dict[str, Any]:
    """Return the history as the JSON API gives it; money is text, ``to_date`` is excluded."""
    groups = history.groups
    series = history.series(group.key for group in groups)
    period = history.question.period
    return {
        "from_date": period.first.isoformat(),
        "to_date": period.end.isoformat(),
        "granularity": str(history.question.granularity),
        "group_by": str(history.question.group_by),
        "currency": history.currency or None,
        "total": money_text(history.total) if history.coverage.with_figures else None,
        "total_before": _known(history.total_before),
        "periods": [_step(step) for step in history.steps],
        "groups": [
            _group(group) | {"periods": [_known(cost) for cost in series[group.key]]} for group in groups
        ],
        "unpriced": [unpriced_document(one) for one in history.unpriced],
    }


def gaps_of(coverage: Coverage) -> list[dict[str, str]]:
    """Return the days that lack figures, each with its state and why. A provisional day lacks none yet."""
    return [
        {"day": day.isoformat(), "state": str(known.state), "code": known.reason, "message": reason_of(known)}
        for day, known in coverage.gaps
        if known.state != DayState.PROVISIONAL
    ]


def _known(amount: Decimal | None) -> str | None:
    return None if amount is None else money_text(amount)


def _step(step: Step) -> dict[str, Any]:
    return {
        "from_date": step.period.first.isoformat(),
        "to_date": step.period.end.isoformat(),
        "cost": _known(step.cost),
        "coverage": step.coverage.counts,
    }


def _group(group: Group) -> dict[str, Any]:
    return {
        "key": group.key,
        "cost": money_text(group.cost),
        "share": _known(group.share),
        "cost_before": _known(group.before),
        "unpriced_lines": group.unpriced,
    }


def unpriced_document(one: Unpriced) -> dict[str, Any]:
    """Return a product without a price."""
    return {
        "service": one.service,
        "type": one.type,
        "operation": one.operation,
        "value": money_text(one.value),
        "lines": one.lines,
    }
