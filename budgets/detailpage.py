"""What the page of a budget shows: its running period, its chart, its periods step by step, its alerts."""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts import regions
from budgets import daily, findings, words
from budgets.asking import Asking
from budgets.charts import chart_of
from budgets.models import Budget, BudgetAlert
from budgets.scope import TAG_SEPARATOR
from budgets.sight import visible_to_readers
from budgets.standing import PeriodStanding, Standing, Status, Step
from budgets.tracking import steps_of
from budgets.words import Tag
from consumption.daytext import weekday_text
from consumption.tagged import seen_among
from costs.forms import problems_of

PERIODS_SHOWN = 13
"""How many periods the table shows unless all are asked for; the last ones."""

ALERTS_SHOWN = 50

MOST_DAYS = 100
"""A table of more days than this is shown when it is asked for."""


class DetailFilter(forms.Form):
    """The address of the page: the period whose steps are open, all periods, all days of the chart."""

    open = forms.DateField(label=_("Period"), required=False)
    all = forms.BooleanField(label=_("All periods"), required=False)
    days = forms.BooleanField(label=_("All figures of the chart"), required=False)


@dataclass(frozen=True)
class PeriodRow:
    """A period in the table; ``steps`` are those that are shown below it."""

    period: PeriodStanding
    name: str
    tag: Tag
    steps: list["StepRow"]

    @property
    def has_begun(self) -> bool:
        """Tell whether it has steps to look at."""
        return self.period.status != Status.FUTURE


@dataclass(frozen=True)
class StepRow:
    """A step of a period: its name, how much of it is known, and how much of the budget is used by then."""

    step: Step
    name: str
    coverage: Tag | None
    utilisation: Any


@dataclass(frozen=True)
class DayRow:
    """A day of the chart as the table shows it."""

    day: daily.Day
    name: str
    state: str


def context_of(asking: Asking, form: DetailFilter) -> dict[str, Any]:
    """Return what the page of the only budget of ``asking`` shows."""
    [standing] = asking.standings(seconds=float("inf"))
    budget, period = standing.budget, standing.nearest
    days = daily.days_of(standing)
    form.is_valid()
    asked = form.cleaned_data
    rows = _rows(standing, asked.get("open") or (period.period.first if period else None))
    hidden = 0 if asked["all"] else max(len(rows) - PERIODS_SHOWN, 0)
    overrun = daily.overrun_day(standing)
    alerts, hidden_alerts = alerts_of(budget, asking.visible[budget.pk])
    return {
        "budget": budget,
        "standing": standing,
        "period": period,
        "period_name": words.period_name(period.period, budget.period_type) if period else "",
        "tag": words.tag_of_budget(standing),
        "kind": words.kind_text(budget),
        "duration": words.duration_text(budget),
        "counted": words.scope_texts(budget),
        "coverage": words.coverage_of(period.counts) if period else None,
        "reason": words.reason_text(standing.reason) if standing.reason else "",
        "overrun": overrun,
        "expected_difference": period.expected.total - period.amount if period and period.expected else None,
        "lacking": [*words.lacking_text(standing), *_no_key_text(asking, budget)],
        "unseen_tags": _unseen_tags(asking, standing),
        "finding": findings.finding_of(standing, overrun),
        "chart": chart_of(days, budget.currency),
        "rows": rows[hidden:],
        "hidden_periods": hidden,
        "day_rows": _day_rows(days) if len(days) <= MOST_DAYS or asked["days"] else [],
        "day_count": len(days),
        "opens_days": asked["days"],
        "alerts": alerts,
        "hidden_alerts": hidden_alerts,
        "alerts_lack": not standing.ledgers <= visible_to_readers([budget])[budget.pk],
        "problems": problems_of(form),
        **asking.reading_of([standing]),
    }


def _no_key_text(asking: Asking, budget: Budget) -> list[str]:
    """Say that nothing can be read in the currency of a budget with the keys of the session."""
    if budget.currency in {regions.assumed_currency(key.region) for key in asking.keys}:
        return []
    text = _("No key of this session is for a region billed in %(currency)s.")
    return [text % {"currency": budget.currency}]


def _unseen_tags(asking: Asking, standing: Standing) -> list[str]:
    """Return the tags of a budget that no resource was ever seen with, when any tags were read."""
    scope = standing.budget.counted
    ledgers = [ledger for ledger in asking.access.ledgers if ledger.pk in standing.ledgers]
    if not scope.tags or not ledgers or standing.lacks.untagged:
        return []
    unseen = scope.tag_pairs - seen_among(ledgers, scope.tag_pairs)
    return sorted(TAG_SEPARATOR.join(pair) for pair in unseen)


def alerts_of(budget: Budget, visible: Collection[int]) -> tuple[list[BudgetAlert], int]:
    """Return the last alerts of a budget with their deliveries, newest first (two queries).

    Those are left out, and counted, of which the figures hold more than the ``visible`` ledgers.
    """
    found = budget.alerts.prefetch_related("deliveries").order_by("-raised_at", "-percent", "pk")
    last = list(found[:ALERTS_SHOWN])
    shown = [alert for alert in last if alert.may_be_told(visible)]
    return shown, len(last) - len(shown)


def _rows(standing: Standing, opened: dt.date | None) -> list[PeriodRow]:
    kind = standing.budget.period_type
    return [
        PeriodRow(
            one,
            words.period_name(one.period, kind),
            words.tag_of_period(one),
            _step_rows(standing, one) if one.period.first == opened else [],
        )
        for one in standing.periods
    ]


def _step_rows(standing: Standing, period: PeriodStanding) -> list[StepRow]:
    return [
        StepRow(
            step,
            words.step_name(step.period),
            words.coverage_of(step.counts) if step.counts.over else None,
            None if step.cumulative is None else period.percent_of(step.cumulative),
        )
        for step in steps_of(standing, period.period)
    ]


def _day_rows(days: list[daily.Day]) -> list[DayRow]:
    return [DayRow(one, weekday_text(one.day), words.state_text(one.state)) for one in days]
