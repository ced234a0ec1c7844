"""The kept days as a forecast takes them: what each has cost, and how much of that is billed by the month."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from consumption.coverage import Coverage
from consumption.forecast import DayCost, Forecast, forecast_of, remembered
from consumption.history import Dimension, History, Question, Unpriced, history_of
from consumption.knowndays import KnownDays
from consumption.meters import is_by_month
from consumption.models import DayState, Ledger, Meter
from consumption.periods import Granularity, Period, months_later

MONTHS_KEPT = 24
"""How many months before today are looked at: what is older tells nothing of what comes."""

RECENT_DAYS = 28
"""How many days before today tell most of what comes: what has no price on them is lacking in it, too."""


@dataclass(frozen=True)
class Outcome:
    """A forecast, and the kept days that it comes from: ``costs`` are those of which anything is known."""

    history: History
    costs: dict[dt.date, DayCost]
    forecast: Forecast

    @property
    def coverage(self) -> Coverage:
        """How far the days are known."""
        return self.history.coverage

    @property
    def to_date(self) -> Period:
        """The days of the forecast's period that are over."""
        ahead, today = self.forecast.period, self.history.question.period.end
        return Period(ahead.first, max(min(ahead.end, today), ahead.first))

    @property
    def recent(self) -> Period:
        """These days and the last four weeks."""
        today = self.history.question.period.end
        return Period(min(self.to_date.first, today - dt.timedelta(days=RECENT_DAYS)), today)

    @cached_property
    def unpriced(self) -> list[Unpriced]:
        """What was consumed on the recent days and has no price, so that no sum holds it."""
        return self.history.about(self.recent).unpriced

    @property
    def lacks_spent(self) -> bool:
        """Tell whether more was spent to date than is known: something has no price, or was not read."""
        if self.coverage.of(self.to_date).counts[DayState.PARTIAL]:
            return True
        return bool(self.to_date.length and self.unpriced and self.history.about(self.to_date).unpriced)

    @property
    def lacks_some(self) -> bool:
        """Tell whether more is to be expected than is told."""
        return bool(self.unpriced) or self.lacks_spent


def outcome_of(
    ledgers: Iterable[Ledger],
    question: Question,
    ahead: Period,
    *,
    today: dt.date,
    learn_from: Period | None = None,
    expected: int = 1,
    known: KnownDays | None = None,
) -> Outcome:
    """Return what the days ``ahead`` are expected to cost, of what a question filters.

    The days of the question do not matter: all that is kept is looked at, and learnt from, or ``learn_from``
    only. Raises ``SeveralCurrencies`` where the ledgers are billed in different ones.
    """
    history = _kept(
        ledgers, question, ahead, today=today, learn_from=learn_from, expected=expected, known=known
    )
    costs = _costs_of(history)
    return Outcome(history, costs, forecast_of(costs, ahead, today=today, learn_from=learn_from))


def remembered_outcome_of(
    ledgers: Iterable[Ledger],
    question: Question,
    ahead: Period,
    *,
    today: dt.date,
    learn_from: Period | None = None,
    expected: int = 1,
    known: KnownDays | None = None,
) -> Outcome | None:
    """Return what ``outcome_of`` does, for who does not wait: None while nobody has worked it out."""
    history = _kept(
        ledgers, question, ahead, today=today, learn_from=learn_from, expected=expected, known=known
    )
    costs = _costs_of(history)
    found = remembered(costs, ahead, today=today, learn_from=learn_from)
    return found and Outcome(history, costs, found)


def _kept(
    ledgers: Iterable[Ledger],
    question: Question,
    ahead: Period,
    *,
    today: dt.date,
    learn_from: Period | None,
    expected: int,
    known: KnownDays | None,
) -> History:
    """Return the days that a forecast looks at."""
    first = min(months_later(today, -MONTHS_KEPT), ahead.first, (learn_from or ahead).first)
    whole = replace(
        question,
        period=Period(first, today),
        granularity=Granularity.DAY,
        group_by=Dimension.RESOURCE,  # none of whose groups is looked at: the days are added in the database
    )
    return history_of(ledgers, whole, expected=expected, known=known)


def _costs_of(history: History) -> dict[dt.date, DayCost]:
    by_month = [meter.pk for meter in Meter.objects.all() if is_by_month(meter.key)]
    found = {}
    costs = history.step_costs_with_part(by_month)
    for day, (whole, part) in zip(history.question.period.days, costs, strict=True):
        known = history.coverage.on(day)
        if known.has_figures:
            found[day] = DayCost(whole, part, known.state == DayState.COMPLETE)
    return found
