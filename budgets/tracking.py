"""Where budgets stand: all of them at once, from what is kept and may be seen, without a call to the cloud.

Nothing here looks at who asks: ``visible`` says of which ledgers each budget may be told.
"""

import datetime as dt
import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from budgets import amounts, periods
from budgets.ahead import Ahead
from budgets.amounts import AmountTable
from budgets.counted import Counted, counted_in
from budgets.models import Budget
from budgets.outlook import Outlook, outlooks
from budgets.standing import DayCounts, PeriodStanding, Place, Spending, Standing, Status, Step
from consumption.daybook import COMPLETE, PARTIAL, PROVISIONAL, Daybook, Series
from consumption.models import Ledger
from consumption.periods import Period, months_later
from consumption.wholenumbers import amount_of

MONTHS_SHOWN = 36
"""How far back periods are shown: the cloud itself knows no older prices (OUTSCALE ReadCatalogs)."""

Visible = Mapping[UUID, frozenset[int]]
"""The ledgers, by primary key, of which a budget may be told, by the key of the budget."""


def standings_of(
    budgets: Iterable[Budget],
    *,
    visible: Visible,
    today: dt.date,
    seconds: float = math.inf,
    places: Collection[Place] = (),
) -> list[Standing]:
    """Return where budgets stand on a day, which is not over; the number of queries is always the same.

    ``places`` are those of the keys of who asks: budgets lack those of which nothing is kept.
    A forecast that is not remembered is worked out while ``seconds`` have not passed; the others are awaited.
    """
    tracks = _tracks(list(budgets), visible, today, places)
    aheads = {place: ahead for place, track in enumerate(tracks) if (ahead := track.ahead)}
    found = dict(zip(aheads, outlooks(aheads.values(), seconds=seconds), strict=True))
    return [track.standing(found.get(place)) for place, track in enumerate(tracks)]


def steps_of(standing: Standing, period: Period) -> list[Step]:
    """Return the steps of a period of a budget, one level finer than its periods."""
    series, today = standing.series, standing.today
    found = []
    for step in periods.steps(period, standing.budget.period_type):
        spending = _spending(series, step, today)
        so_far = _spending(series, Period(period.first, step.end), today)
        found.append(
            Step(
                *(spending.period, spending.spent, spending.unpriced, spending.counts),
                cumulative=so_far.spent if spending.counts.over else None,
                lacks_some_so_far=so_far.lacks_some,
            )
        )
    return found


@dataclass(frozen=True)
class _Track:
    """A budget with what it counts of each day, seen from ``today``."""

    counted: Counted
    series: Series
    table: AmountTable
    today: dt.date

    @property
    def budget(self) -> Budget:
        """The budget."""
        return self.counted.budget

    @property
    def current(self) -> int | None:
        """The number of the period of today, None before the first and after the last one."""
        start, end = self.budget.start_date, self.budget.end_date
        if self.today < start or (end and self.today > end):
            return None
        return periods.number_on(start, self.budget.period_type, self.today)

    @cached_property
    def ahead(self) -> Ahead | None:
        """The running period as it is forecast, None without one."""
        if self.current is None:
            return None
        return Ahead(self.series, self._period(self.current), self.today)

    def standing(self, outlook: Outlook | None) -> Standing:
        """Return where the budget stands; ``outlook`` is that of the running period, None while unknown."""
        current = self.current
        numbers = _shown_numbers(self.budget, self.today)
        found = _Periods(
            numbers, lambda number: self._standing(number, outlook if number == current else None)
        )
        place = None if current is None else current - numbers.start
        return Standing(
            self.budget,
            found,
            place,
            self._status(found, place),
            lacks=self.counted.lacks,
            ledgers=self.counted.choice.ledgers,
            awaits_forecast=current is not None and outlook is None,
            reason=outlook.reason if outlook else "",
            today=self.today,
            series=self.series,
            ahead=self.ahead,
        )

    def _status(self, found: Sequence[PeriodStanding], place: int | None) -> str:
        if place is not None:
            return found[place].status
        return Status.FUTURE if self.today < self.budget.start_date else Status.ENDED

    def _period(self, number: int) -> Period:
        budget = self.budget
        return periods.period_at(budget.start_date, budget.period_type, number, budget.end_date)

    def _standing(self, number: int, outlook: Outlook | None) -> PeriodStanding:
        spending = _spending(self.series, self._period(number), self.today)
        amount = amounts.amount_of(self.budget, number, self.table)
        expected = outlook.expected if outlook else None
        return PeriodStanding(
            *(spending.period, spending.spent, spending.unpriced, spending.counts),
            amount=amount,
            status=_status_of(spending, amount, expected.total if expected else None, self.today),
            expected=expected,
        )


def _status_of(spending: Spending, amount: Decimal, expected: Decimal | None, today: dt.date) -> Status:
    """Return how a period is doing; while nothing is expected, whether its known days cost too much.

    What lacks days is never called on track: only a forecast makes up for those that are not known.
    """
    spent, counts = spending.spent, spending.counts
    if spending.period.first > today:
        return Status.FUTURE
    if spent is not None and spent > amount:
        return Status.OVER
    is_over = counts.over == counts.days
    if expected is not None and not is_over:
        is_risky, is_sure = expected > amount, True
    elif spent is None:
        return Status.NO_DATA
    else:
        is_risky = not is_over and spent * counts.days > amount * counts.known
        is_sure = counts.is_whole and not (is_over and counts.provisional)
    if is_risky:
        return Status.AT_RISK
    return Status.ON_TRACK if is_sure else Status.INCOMPLETE


def _spending(series: Series, period: Period, today: dt.date) -> Spending:
    """Return what is known of the cost of a stretch of days."""
    partial, provisional, complete = (
        series.days_in(period, state) for state in (PARTIAL, PROVISIONAL, COMPLETE)
    )
    known = partial + provisional + complete
    over = max((min(period.end, today) - period.first).days, 0)
    counts = DayCounts(period.length, over, known, provisional, partial)
    spent = amount_of(series.spent(period)) if known else None
    return Spending(period, spent, series.unpriced_lines(period), counts)


@dataclass(frozen=True)
class _Periods(Sequence[PeriodStanding]):
    """The periods of a budget, each made when it is asked for: a list of budgets shows few of them."""

    numbers: range
    make: Callable[[int], PeriodStanding] = field(repr=False)
    _made: dict[int, PeriodStanding] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, place: int | slice) -> Any:
        if isinstance(place, slice):
            return [self._of(number) for number in self.numbers[place]]
        return self._of(self.numbers[place])

    def _of(self, number: int) -> PeriodStanding:
        if number not in self._made:
            self._made[number] = self.make(number)
        return self._made[number]


def _shown_numbers(budget: Budget, today: dt.date) -> range:
    """Return the numbers of the periods that are shown: those since ``MONTHS_SHOWN``, and the next one."""
    start, kind, end = budget.start_date, budget.period_type, budget.end_date
    earliest = months_later(today, -MONTHS_SHOWN)
    first = periods.number_on(start, kind, max(start, earliest))
    following = max(periods.number_on(start, kind, today) + 1, 0)
    last = following if end is None else min(following, periods.number_on(start, kind, end))
    return range(first, last + 1) if end is None or end >= earliest else range(0)


def _tracks(
    budgets: list[Budget], visible: Visible, today: dt.date, places: Collection[Place]
) -> list[_Track]:
    """Read what is kept of the accounts that budgets are about, and choose of it what each one counts."""
    # Always the same days, so that what is remembered of them serves one budget and all of them; and whole
    # months, so that the first one is remembered until its last day is asked for.
    book = Daybook(_ledgers(budgets, visible), Period(months_later(today, -MONTHS_SHOWN - 12), today))
    tables = amounts.table_of(budgets)
    counted = [
        counted_in(book, budget, visible=visible.get(budget.pk, frozenset()), places=places)
        for budget in budgets
    ]
    series = book.series_of(one.choice for one in counted)
    return [
        _Track(one, days, tables[one.budget.pk], today) for one, days in zip(counted, series, strict=True)
    ]


def _ledgers(budgets: list[Budget], visible: Visible) -> QuerySet[Ledger]:
    """Return the ledgers of the owners and of the named accounts, and those that may hold a named one."""
    named = {account for budget in budgets for account in budget.counted.accounts}
    found = Q(account_id__in=named | {budget.owner.account_id for budget in budgets})
    if named:
        found |= Q(pk__in=frozenset().union(*visible.values()), is_paying=True)
    return Ledger.objects.filter(found)
