"""The history as plain documents: what the JSON API answers, and the tables of files."""

from typing import Any

from consumption.history import Group, History, Step, Unpriced
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
        "currency": history.currency,
        "total": money_text(history.total) if history.coverage.with_figures else None,
        "periods": [_step(step) for step in history.steps],
        "groups": [
            _group(group)
            | {"periods": [None if cost is None else money_text(cost) for cost in series[group.key]]}
            for group in groups
        ],
        "unpriced": [_unpriced(one) for one in history.unpriced],
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "from_date": step.period.first.isoformat(),
        "to_date": step.period.end.isoformat(),
        "cost": None if step.cost is None else money_text(step.cost),
        "coverage": step.coverage.counts,
    }


def _group(group: Group) -> dict[str, Any]:
    return {
        "key": group.key,
        "cost": money_text(group.cost),
        "share": None if group.share is None else money_text(group.share),
        "cost_before": None if group.before is None else money_text(group.before),
        "unpriced_lines": group.unpriced,
    }


def _unpriced(one: Unpriced) -> dict[str, Any]:
    return {
        "service": one.service,
        "type": one.type,
        "operation": one.operation,
        "value": money_text(one.value),
        "lines": one.lines,
    }
