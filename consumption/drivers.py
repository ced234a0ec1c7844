"""Top cost drivers: the dearest resources of a question, and those whose cost has changed most."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from heapq import nlargest

from consumption.comparison import Change, Comparison, change_of
from consumption.history import Dimension, Group, History, Question, history_of
from consumption.models import Ledger
from consumption.wholenumbers import amount_of
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
    resources = [key for key in history.groups.keys if key]
    dearest = [history.group(key) for key in resources[:SHOWN]]
    return Drivers(history, [group for group in dearest if group.cost > 0], _movers(history, resources))


def _movers(history: History, resources: list[str]) -> list[Mover]:
    comparison = Comparison(history)
    if comparison.problem:
        return []
    days, days_before = history.coverage.with_figures, comparison.period.length

    def moved(key: str) -> int:
        """Return how much more a day costs than before, times the days of both periods."""
        now, before = history.whole_costs[key]
        return now * days_before - before * days

    def has_moved(key: str) -> bool:
        """Tell whether the lengths of both periods, which may be months, do not explain the change."""
        now, before = history.whole_costs[key]
        return comparison.is_by_day or moved(key) * (now - before) > 0

    candidates = sorted(key for key in resources if has_moved(key))
    largest = nlargest(SHOWN, candidates, key=lambda key: abs(moved(key)))
    groups = [(history.group(key), amount_of(moved(key)) / (days * days_before)) for key in largest]
    return [
        Mover(group.key, per_day, change_of(group.cost / days, group.before / days_before))
        for group, per_day in groups
        if round_for_display(per_day)
    ]
