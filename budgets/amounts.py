"""What a budget allows in each of its periods: what its owner has said, or what its growth makes of it."""

import datetime as dt
from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_UP, Context, Decimal
from uuid import UUID

from budgets.models import LARGEST_AMOUNT, Budget, PeriodAmount
from budgets.periods import first_day, number_on
from costs.money import round_for_display

AmountTable = Mapping[dt.date, Decimal]
"""The amounts that were said for single periods, by the first day of each."""

_LENIENT = Context(prec=60, rounding=ROUND_HALF_UP, traps=[])
"""Far more digits than a growth has; what passes all numbers is infinite and not an error."""


def amount_of(budget: Budget, number: int, table: AmountTable) -> Decimal:
    """Return the amount of a period, before tax, in the currency of the budget.

    ``table`` is that of the budget (``table_of``). What it does not say is the amount of the first period,
    number 0, grown once for each period since, rounded half up to cents once, and at most ``LARGEST_AMOUNT``.
    """
    said = table.get(_beginning(budget, number)) if table else None
    return grown(budget.amount, budget.growth_percent, number) if said is None else said


def grown(amount: Decimal, growth_percent: Decimal, number: int) -> Decimal:
    """Return ``amount`` after so many times the growth, rounded half up to cents and at most the largest."""
    if number and growth_percent and amount:
        factor = _LENIENT.power(1 + growth_percent / 100, number)
        amount = min(_LENIENT.multiply(amount, factor), LARGEST_AMOUNT)
    return round_for_display(amount)


def table_of(budgets: Iterable[Budget]) -> dict[UUID, dict[dt.date, Decimal]]:
    """Return the amounts that were said for single periods, by budget and first day, for every budget."""
    tables: dict[UUID, dict[dt.date, Decimal]] = {budget.pk: {} for budget in budgets}
    said = PeriodAmount.objects.filter(budget__in=list(tables)).order_by("first_day")
    for pk, day, amount in said.values_list("budget_id", "first_day", "amount"):
        tables[pk][day] = amount
    return tables


def is_first_day(budget: Budget, day: dt.date) -> bool:
    """Tell whether a period of the budget begins on a day."""
    if day < budget.start_date or (budget.end_date and day > budget.end_date):
        return False
    return _beginning(budget, number_on(budget.start_date, budget.period_type, day)) == day


def _beginning(budget: Budget, number: int) -> dt.date | None:
    try:
        return first_day(budget.start_date, budget.period_type, number)
    except (OverflowError, ValueError):  # beyond the calendar nothing was said
        return None
