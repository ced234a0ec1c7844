"""The compliance report: which periods were kept and which were exceeded, as a table and as a summary.

A table has a row for each period that has begun (``row`` is ``period``), and that of a single budget one for
each of its steps (``step``). Days are UTC days, the first and the last both included; amounts exclude tax. A
figure that is not known is empty, and one that is only what is known has ``true`` in ``is_lower_bound``.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from budgets.standing import PeriodStanding, Spending, Standing, Status
from budgets.tracking import steps_of
from budgets.words import scope_texts
from costs.exports import Table
from costs.fileformats import FileFormat, table_formats

COLUMNS = (
    "row",
    "budget_id",
    "budget",
    "period_type",
    "first_day",
    "last_day",
    "status",
    "amount",
    "spent",
    "cumulative",
    "remaining",
    "currency",
    "utilisation_percent",
    "forecast",
    "forecast_low_80",
    "forecast_high_80",
    "is_lower_bound",
    "days",
    "days_over",
    "days_with_figures",
    "days_provisional",
    "unpriced_lines",
    "scope",
)


@dataclass(frozen=True)
class Compliance:
    """How the periods of a budget that are over ended."""

    kept: int
    exceeded: int
    unknown: int

    @property
    def count(self) -> int:
        """How many periods are over."""
        return self.kept + self.exceeded + self.unknown


def compliance_of(periods: Iterable[PeriodStanding]) -> Compliance:
    """Count how periods that are over ended."""
    statuses = [period.status for period in periods]
    kept, exceeded = statuses.count(Status.ON_TRACK), statuses.count(Status.OVER)
    return Compliance(kept, exceeded, len(statuses) - kept - exceeded)


def table_of(standings: Iterable[Standing]) -> Table:
    """Return the report of some budgets as a table; the steps are in that of a single one."""
    standings = list(standings)
    with_steps = len(standings) == 1
    return Table(COLUMNS, (row for one in standings for row in _rows(one, with_steps=with_steps)))


def file_name(standings: list[Standing], file_format: FileFormat) -> str:
    """Return a name for the file of a report: that of its budget, if it is of one."""
    name = slugify(standings[0].budget.name) if len(standings) == 1 else ""
    days = [standing.today.isoformat() for standing in standings[:1]]
    return f"{'-'.join(filter(None, ['budget' if name else 'budgets', name, *days]))}.{file_format.ending}"


def _rows(standing: Standing, *, with_steps: bool) -> Iterator[list[Any]]:
    budget = standing.budget
    named = [str(budget.pk), budget.name, str(budget.period_type)]
    scope = "; ".join(scope_texts(budget)) or None
    for period in standing.periods:
        if period.status == Status.FUTURE:
            continue
        expected = period.expected
        yield [
            "period",
            *named,
            *_days(period),
            standing.verdict_of(period),
            period.amount,
            period.spent,
            period.spent,
            period.remaining,
            budget.currency,
            _rounded(period.utilisation),
            *((expected.total, expected.low, expected.high) if expected else (None,) * 3),
            *_known(period, lacks_some=period.spent is not None and period.lacks_some),
            scope,
        ]
        for step in steps_of(standing, period.period) if with_steps else ():
            figures = [None, None, step.spent, step.cumulative, None, budget.currency]
            known = _known(step, lacks_some=step.cumulative is not None and step.lacks_some_so_far)
            yield ["step", *named, *_days(step), *figures, *[None] * 4, *known, scope]


def _days(spending: Spending) -> list[Any]:
    return [spending.period.first, spending.period.last]


def _known(spending: Spending, *, lacks_some: bool) -> list[Any]:
    counts = spending.counts
    return [
        lacks_some,
        counts.days,
        counts.over,
        counts.known,
        counts.provisional,
        spending.unpriced,
    ]


def _rounded(percent: Any) -> Any:
    return None if percent is None else round(percent, 2)


FORMATS = table_formats(table_of, title=_("Budgets"))
"""Every format by the name that an address uses; ``write`` takes standings."""
