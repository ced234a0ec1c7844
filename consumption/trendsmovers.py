"""The biggest movers of a trend: the groups whose average day changed most from one step to the next.

Months differ in length. A VM costs as much every day, so that a longer month costs more; a volume is billed
by the month, so that a day of a longer month costs less. A group has moved when its cost and its average day
changed in the same direction: only then does the length of the steps not explain it.
"""

from dataclasses import dataclass
from decimal import Decimal
from heapq import nlargest

from consumption.comparison import Change, change_of
from consumption.history import History
from consumption.periods import Period
from consumption.wholenumbers import amount_of
from costs.money import STORED_STEP

MOST_MOVERS = 10
"""How many groups are named in each direction."""

_SHOWN = int(Decimal("0.005") / STORED_STEP)
"""The smallest change of an average day, and of a cost, that is not shown as nothing, as it is stored."""


@dataclass(frozen=True)
class Mover:
    """A group that cost ``before`` in one step and ``after`` in the next.

    ``per_day`` and ``percent`` compare average days, as steps may differ in length. ``lacks_before`` and
    ``lacks_after`` tell whether some of its lines have no price, so that more may have changed.
    """

    key: str
    before: Decimal
    after: Decimal
    per_day: Decimal
    percent: Change
    lacks_before: bool
    lacks_after: bool

    @property
    def lacks(self) -> bool:
        """Tell whether one of both costs is only what is known of it."""
        return self.lacks_before or self.lacks_after

    @property
    def change(self) -> Decimal:
        """How much more it cost; less: negative."""
        return self.after - self.before


@dataclass(frozen=True)
class Movers:
    """The groups that cost more a day than in the step before, most first, and those that cost less.

    ``history`` is that of the step, with its groups in the equal period before. ``unknown`` counts the groups
    left out because none of their lines has a price in one of the steps, ``unclear`` those whose change the
    length of the steps may explain. Nothing is named while the step before is not wholly read (``is_known``).
    """

    history: History
    up: list[Mover]
    down: list[Mover]
    unknown: int
    unclear: int

    @property
    def period(self) -> Period:
        """The step itself."""
        return self.history.question.period

    @property
    def before(self) -> Period:
        """The step before."""
        return self.history.coverage_before.period

    @property
    def is_known(self) -> bool:
        """Tell whether the step before is wholly read."""
        return self.history.coverage_before.is_whole


def movers_of(history: History) -> Movers:
    """Return the biggest movers of a whole step, which is the whole period of ``history``."""
    if not history.coverage_before.is_whole:
        return Movers(history, [], [], 0, 0)
    days, days_before = history.question.period.length, history.coverage_before.period.length
    moved: dict[str, int] = {}
    unclear = 0
    for key, (now, before) in history.whole_costs.items():
        by_day = now * days_before - before * days
        if abs(by_day) < _SHOWN * days * days_before:
            continue
        if by_day * (now - before) > 0 and abs(now - before) >= _SHOWN:
            moved[key] = by_day
        else:
            unclear += 1
    unknown = {key for key in moved if _is_unknown(history, key)}

    def mover(key: str) -> Mover:
        group, per_day = history.group(key), amount_of(moved[key]) / (days * days_before)
        percent = change_of(group.cost / days, group.before / days_before)
        lacks = bool(history.unpriced_count_before(key)), bool(group.unpriced)
        return Mover(key, group.before, group.cost, per_day, percent, *lacks)

    def largest(sign: int) -> list[Mover]:
        keys = sorted(key for key, cost in moved.items() if cost * sign > 0 and key not in unknown)
        return [mover(key) for key in nlargest(MOST_MOVERS, keys, key=lambda key: moved[key] * sign)]

    return Movers(history, largest(1), largest(-1), len(unknown), unclear)


def _is_unknown(history: History, key: str) -> bool:
    """Tell whether all that is known of a group in one of the steps is that it has no price."""
    now, before = history.whole_costs[key]
    if now and before:
        return False
    return bool(
        (not now and history.unpriced_count([key])) or (not before and history.unpriced_count_before(key))
    )
