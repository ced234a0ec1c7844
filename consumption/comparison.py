"""A period against the equal one before it: only what is known of both is compared."""

from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _

from consumption.daytext import period_text
from consumption.history import History
from consumption.models import DayState
from consumption.periods import Period
from consumption.reasons import badge_of

WORTH_A_COLOUR = Decimal(5)
"""From how many percent on a change is coloured."""


@dataclass(frozen=True)
class Change:
    """How a cost has changed, in percent; without it the cost ``is_new``, or nothing can be compared."""

    percent: Decimal | None = None
    is_new: bool = False

    @property
    def tone(self) -> str:
        """The class of a change: ``up`` costs notably more, ``down`` notably less."""
        if self.is_new:
            return "up"
        if self.percent is None or abs(self.percent) < WORTH_A_COLOUR:
            return "flat"
        return "up" if self.percent > 0 else "down"

    @property
    def icon(self) -> str:
        """The arrow, which says it without colour."""
        if self.is_new:
            return "plus"
        shown = round(self.percent or 0, 1)
        return "minus" if not shown else "arrow-up-right" if shown > 0 else "arrow-down-right"


def change_of(cost: Decimal, before: Decimal) -> Change:
    """Return how ``before`` has become ``cost``: there is no percentage of nothing, nor of a credit."""
    if before > 0:
        return Change((cost / before - 1) * 100)
    return Change(is_new=not before and cost > 0)


@dataclass(frozen=True)
class Comparison:
    """How the costs of a history are compared with those of the period before.

    Where days of the period are missing, the cost of a known day is compared with that of a day before;
    otherwise the sums are.
    """

    history: History

    @property
    def period(self) -> Period:
        """The period before."""
        return self.history.coverage_before.period

    @property
    def problem(self) -> str:
        """Why nothing can be compared, empty when it can."""
        before = self.history.coverage_before
        if not self.history.coverage.with_figures:
            return _("Nothing of this period is known yet.")
        if not before.is_whole:
            facts = {"period": period_text(before.period), "coverage": badge_of(before).text}
            return _("The period before, %(period)s, is not wholly read: %(coverage)s.") % facts
        if self.history.coverage.counts[DayState.PARTIAL]:
            return _("Some days of this period are read in part.")
        return ""

    @property
    def is_by_day(self) -> bool:
        """Tell whether average days are compared, because days are missing."""
        return not self.history.coverage.is_whole

    def of(self, cost: Decimal, before: Decimal | None) -> Change:
        """Return how ``before`` has become ``cost``; no percent where that is not known."""
        if before is None or self.problem:
            return Change()
        if self.is_by_day:
            cost = cost / self.history.coverage.with_figures * self.period.length
        return change_of(cost, before)

    @property
    def total(self) -> Change:
        """How the whole has changed."""
        return self.of(self.history.total, self.history.total_before)
