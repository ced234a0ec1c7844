"""Top cost drivers: the dearest resources of a question, and those whose cost has changed most."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from consumption.comparison import Change, Comparison
from consumption.history import Dimension, Group, History, Question, history_of
from consumption.models import Ledger
from costs.money import round_for_display

SHOWN = 5


@dataclass(frozen=True)
class Mover:
    """A resource whose cost has changed, by ``per_day`` (less: negative) from a day before to a day now."""

    key: str
    per_day: Decimal
    change: Change


@dataclass(frozen=True)
class Drivers:
    """The dearest resources, and the largest changes where the period before is known."""

    history: History
    dearest: list[Group]
    movers: list[Mover]


def drivers_of(ledgers: Iterable[Ledger], question: Question, *, expected: int = 1) -> Drivers:
    """Return what drives the cost of a question; what has no resource id is no resource."""
    history = history_of(ledgers, replace(question, group_by=Dimension.RESOURCE), expected=expected)
    resources = [group for group in history.groups if group.key]
    dearest = [group for group in resources[:SHOWN] if group.cost > 0]
    return Drivers(history, dearest, _movers(history, resources))


def _movers(history: History, resources: list[Group]) -> list[Mover]:
    comparison = Comparison(history)
    if comparison.problem:
        return []
    days, days_before = history.coverage.with_figures, comparison.period.length
    found = [
        Mover(
            group.key, group.cost / days - group.before / days_before, comparison.of(group.cost, group.before)
        )
        for group in resources
    ]
    moved = [mover for mover in found if round_for_display(mover.per_day)]
    return sorted(moved, key=lambda mover: (-abs(mover.per_day), mover.key))[:SHOWN]
