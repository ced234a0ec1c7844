"""Where a budget stands: of each period what is spent, what is left, and what is expected at its end."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from budgets.ahead import Ahead
from budgets.models import Budget
from consumption.daybook import Series
from consumption.periods import Period

HUNDRED = Decimal(100)


class Status(TextChoices):
    """How a period, or a whole budget, is doing.

    A period that is over is on track when it was kept, by what has a price. ``INCOMPLETE`` is one that has
    not exceeded its amount by what is known, and that lacks days, so that nobody can tell; or it is over, and
    its last days are provisional. With ``NO_DATA`` no day is known.
    """

    ON_TRACK = "on_track", _("on track")
    AT_RISK = "at_risk", _("at risk")
    OVER = "over", _("over")
    FUTURE = "future", _("to come")
    ENDED = "ended", _("ended")
    INCOMPLETE = "incomplete", _("not wholly known")
    NO_DATA = "no_data", _("no data")


@dataclass(frozen=True)
class DayCounts:
    """How many days there are in a stretch, how many are over, and how much is known of those.

    ``known`` have figures, of which ``provisional`` can still grow and ``partial`` lack something.
    """

    days: int
    over: int
    known: int
    provisional: int
    partial: int

    @property
    def unknown(self) -> int:
        """How many days are over and have no figures."""
        return self.over - self.known

    @property
    def is_whole(self) -> bool:
        """Tell whether all days that are over have all their figures, be they provisional."""
        return not (self.unknown or self.partial)


@dataclass(frozen=True)
class Spending:
    """What is known of the cost of a stretch of days, before tax, in the currency of the budget.

    ``spent`` is None when nothing is known of it; ``unpriced`` counts the lines without a price, each day of
    each, which no sum holds.
    """

    period: Period
    spent: Decimal | None
    unpriced: int
    counts: DayCounts

    @property
    def lacks_some(self) -> bool:
        """Tell whether more was spent than is told."""
        return bool(self.unpriced) or not self.counts.is_whole


@dataclass(frozen=True)
class Step(Spending):
    """A step of a period; ``cumulative`` is what is known from the first day of the period on.

    It is None for a step to come; ``lacks_some_so_far``: more was spent by then than is told.
    """

    cumulative: Decimal | None = None
    lacks_some_so_far: bool = False


@dataclass(frozen=True)
class Expected:
    """What a running period is expected to cost at its end, and between what in 80 percent of the cases.

    ``error_percent`` is the back-tested error of the ``model`` (``consumption.forecast``).
    """

    total: Decimal
    low: Decimal
    high: Decimal
    model: str
    error_percent: Decimal | None


@dataclass(frozen=True)
class PeriodStanding(Spending):
    """A period of a budget: its amount and how it is doing.

    ``expected`` is None for a period that is over or to come, while too little is known, and where nobody has
    worked it out yet (``Standing.awaits_forecast``).
    """

    amount: Decimal = Decimal(0)
    status: str = Status.FUTURE
    expected: Expected | None = None

    @property
    def remaining(self) -> Decimal | None:
        """What is left of the amount, negative when more was spent; None while nothing is known."""
        return None if self.spent is None else self.amount - self.spent

    @property
    def utilisation(self) -> Decimal | None:
        """What is spent, in percent of the amount; None while nothing is known, and of an amount of zero."""
        return None if self.spent is None else self.percent_of(self.spent)

    @property
    def expected_utilisation(self) -> Decimal | None:
        """What is expected at the end, in percent of the amount."""
        return None if self.expected is None else self.percent_of(self.expected.total)

    @property
    def elapsed(self) -> Decimal:
        """How much of the period is over, in percent of its days."""
        return self.counts.over * HUNDRED / self.counts.days

    def percent_of(self, figure: Decimal) -> Decimal | None:
        """Return a figure in percent of the amount; None of an amount of zero."""
        return figure * HUNDRED / self.amount if self.amount else None

    def reaches(self, percent: int, figure: Decimal) -> bool:
        """Tell whether a figure is at least so many percent of the amount, and more than nothing."""
        return figure > 0 and figure * HUNDRED >= percent * self.amount


class Place(NamedTuple):
    """An account in a region."""

    account_id: str
    region: str


@dataclass(frozen=True)
class Lacks:
    """What belongs to a budget and is in none of its figures, so that no day is whole.

    ``accounts`` of its scope cannot be seen by who asks at all. Of the others there are ``hidden`` places,
    which may not be seen, ``unread`` ones, of which nothing is kept, and ``foreign`` ones, which are billed
    in another currency. Where a budget counts tags, those of the ``untagged`` places were not all read, or
    not of all kept days; ``linked_tags``: it counts linked accounts, of which no tags are known.
    """

    accounts: tuple[str, ...] = ()
    hidden: tuple[Place, ...] = ()
    unread: tuple[Place, ...] = ()
    untagged: tuple[Place, ...] = ()
    foreign: tuple[Place, ...] = ()
    linked_tags: bool = False

    @property
    def regions(self) -> list[str]:
        """The regions that are not in every figure, or not wholly."""
        places = (*self.hidden, *self.unread, *self.untagged, *self.foreign)
        return list(dict.fromkeys(place.region for place in places))


@dataclass(frozen=True)
class Standing:
    """A budget with its periods in order, those to come at the end, seen from ``today``.

    ``current`` is the place of the running period, None before the first and after the last one. ``lacks`` is
    what is in no figure, ``ledgers`` are those that are counted.

    ``awaits_forecast``: the expected end of the running period has still to be worked out; ``reason`` says
    why nothing is expected (``Forecast.reason``). ``series`` is what the budget counts of each day, ``ahead``
    the running period as it is forecast.
    """

    budget: Budget
    periods: Sequence[PeriodStanding]
    current: int | None
    status: str
    lacks: Lacks = Lacks()
    ledgers: frozenset[int] = frozenset()
    awaits_forecast: bool = False
    reason: str = ""
    today: dt.date = dt.date.min
    series: Series | None = field(default=None, repr=False)
    ahead: Ahead | None = field(default=None, repr=False)

    @property
    def running(self) -> PeriodStanding | None:
        """The period of today."""
        return None if self.current is None else self.periods[self.current]

    @property
    def nearest(self) -> PeriodStanding | None:
        """The period of today, else the first to come or the last that was; None when none can be shown."""
        if not self.periods:
            return None
        return self.running or self.periods[0 if self.status == Status.FUTURE else -1]

    @property
    def verdict(self) -> str | None:
        """Its status; None while the forecast has still to tell. What is exceeded is, whatever comes."""
        awaits = self.awaits_forecast and self.status != Status.OVER
        return None if awaits else self.status

    def verdict_of(self, period: PeriodStanding) -> str | None:
        """Return how a period is doing, as ``verdict`` does of the running one."""
        return self.verdict if period is self.running else period.status

    @property
    def over(self) -> Sequence[PeriodStanding]:
        """The periods that are over, in order."""
        if self.current is not None:
            return self.periods[: self.current]
        return [] if self.status == Status.FUTURE else self.periods[:]
