"""The form of the amounts of single periods: a field for each that can be shown."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from budgets.amounts import AmountTable, amount_of
from budgets.forms import amount_field
from budgets.models import Budget
from budgets.periods import number_on, period_at
from consumption.daytext import period_text
from consumption.periods import ONE_DAY, Period
from costs.money import round_for_display

PERIODS_BACK = 36
"""How many periods before the running one are shown."""

PERIODS_AHEAD = 12
"""How many periods after the running one are shown of a budget without end."""

MOST_AHEAD = 260
"""How many periods after the running one are shown at most: five years of weeks."""

_PREFIX = "amount_"


@dataclass(frozen=True)
class Row:
    """A period, its field, and what it has by growth."""

    period: Period
    by_growth: Decimal
    field: forms.BoundField
    is_running: bool


def shown_numbers(budget: Budget, today: dt.date) -> range:
    """Return the numbers of the periods whose amounts can be said, in order."""
    running = max(number_on(budget.start_date, budget.period_type, today), 0)
    last = running + PERIODS_AHEAD
    if budget.end_date:
        final = number_on(budget.start_date, budget.period_type, budget.end_date)
        running, last = min(running, final), min(final, running + MOST_AHEAD)
    return range(max(running - PERIODS_BACK, 0), last + 1)


class AmountsForm(forms.Form):
    """The amounts of single periods; an empty one is by growth."""

    def __init__(self, *args: Any, budget: Budget, table: AmountTable, today: dt.date, **kwargs: Any) -> None:
        """Take the amounts that are said already, and the UTC day ``today``."""
        super().__init__(*args, **kwargs)
        self._budget = budget
        self._today = today
        self._numbers = shown_numbers(budget, today)
        for number in self._numbers:
            period, grown = self._period(number), amount_of(budget, number, {})
            field = amount_field(label=period_text(period), required=False)
            said = table.get(period.first)
            field.initial = None if said is None else round_for_display(said)
            field.widget.attrs |= {"placeholder": field.widget.format_value(grown), "class": "num"}
            self.fields[_name(period.first)] = field

    def _period(self, number: int) -> Period:
        budget = self._budget
        return period_at(budget.start_date, budget.period_type, number, budget.end_date)

    @property
    def rows(self) -> list[Row]:
        """The periods with their fields."""
        return [
            Row(
                period,
                amount_of(self._budget, number, {}),
                self[_name(period.first)],
                period.first <= self._today < period.end,
            )
            for number in self._numbers
            for period in [self._period(number)]
        ]

    @property
    def shown(self) -> Period:
        """The days from the first shown period to the end of the last one."""
        return Period(self._period(self._numbers[0]).first, self._period(self._numbers[-1]).last + ONE_DAY)

    @property
    def leaves_out_some(self) -> bool:
        """Tell whether the budget has periods after the last shown one, and an end."""
        return bool(self._budget.end_date and self.shown.end <= self._budget.end_date)

    def clean(self) -> dict[str, Any]:
        """Let no amount be lost in silence: one of a period that is gone, or one that nobody sent."""
        unknown = [name for name in self.data if name.startswith(_PREFIX) and name not in self.fields]
        if any(self.data[name].strip() for name in unknown):
            raise forms.ValidationError(
                _("The periods of this budget have changed. Please look at them again.")
            )
        unsent = {name: field.initial for name, field in self.fields.items() if name not in self.data}
        return self.cleaned_data | unsent

    @property
    def amounts(self) -> dict[dt.date, Decimal]:
        """The amounts that a valid form says, by the first day of the period."""
        return {
            dt.date.fromisoformat(name.removeprefix(_PREFIX)): amount
            for name, amount in self.cleaned_data.items()
            if amount is not None
        }


def _name(first_day: dt.date) -> str:
    return f"{_PREFIX}{first_day.isoformat()}"
