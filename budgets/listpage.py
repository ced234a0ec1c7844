"""What the list of budgets shows: where each stands now, and how its last periods ended."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms
from django.core.paginator import Page, Paginator
from django.utils.translation import gettext_lazy as _

from budgets.asking import Asking
from budgets.standing import PeriodStanding, Standing, Status
from budgets.words import (
    Tag,
    closed_accounts_text,
    kind_text,
    period_name,
    scope_texts,
    tag_of,
    tag_of_budget,
    tag_of_period,
)
from costs.forms import page_of, problems_of

BUDGETS_PER_PAGE = 50

PAST_SHOWN = 12
"""How many periods that are over are shown beside the running one; the report has them all."""

_WORST_FIRST = (
    Status.OVER,
    Status.AT_RISK,
    Status.INCOMPLETE,
    Status.NO_DATA,
    Status.ON_TRACK,
    Status.FUTURE,
    Status.ENDED,
)


class ListFilter(forms.Form):
    """The address of the list: only the budgets of a status, and the page."""

    status = forms.ChoiceField(
        label=_("Status"),
        required=False,
        choices=Status.choices,
        error_messages={"invalid_choice": _("No budget is “%(value)s”.")},
    )
    page = forms.IntegerField(label=_("Page"), required=False, min_value=1)

    def page_of(self, paginator: Paginator) -> Page | None:
        """Return the page asked for; None, and an error of its field, when there is no such."""
        return page_of(self, paginator)


@dataclass(frozen=True)
class BudgetRow:
    """A budget in the list; ``period`` is the running one, else the first to come or the last that was."""

    standing: Standing

    @property
    def period(self) -> PeriodStanding | None:
        """The period whose figures are shown."""
        return self.standing.nearest

    @property
    def tag(self) -> Tag:
        """How it is doing."""
        return tag_of_budget(self.standing)

    @property
    def kind(self) -> str:
        """How often it begins anew."""
        return kind_text(self.standing.budget)

    @property
    def scope(self) -> str:
        """What it counts, empty for everything."""
        return " · ".join(scope_texts(self.standing.budget))

    @property
    def lacking(self) -> str:
        """Which of its accounts no key of the session opens, empty when there is none."""
        return " ".join(closed_accounts_text(self.standing))

    @property
    def period_name(self) -> str:
        """The name of the period."""
        return period_name(self.period.period, self.standing.budget.period_type)

    @property
    def hidden_count(self) -> int:
        """How many periods that are over are not shown."""
        return max(len(self.standing.over) - PAST_SHOWN, 0)

    @property
    def past(self) -> list[tuple[Tag, str]]:
        """How the last periods ended, each with its name."""
        kind = self.standing.budget.period_type
        return [
            (tag_of_period(one), period_name(one.period, kind)) for one in self.standing.over[-PAST_SHOWN:]
        ]


def worst_first(standings: Iterable[Standing]) -> list[BudgetRow]:
    """Return the budgets of which a period runs, those that are over first, then by how full they end."""
    running = [one for one in standings if one.running]
    return [BudgetRow(one) for one in sorted(running, key=_place)]


def _place(standing: Standing) -> tuple[int, Decimal, str]:
    period = standing.running
    fullest = max(period.expected_utilisation or 0, period.utilisation or 0)
    return _WORST_FIRST.index(Status(standing.status)), -Decimal(fullest), standing.budget.name


def context_of(asking: Asking, form: ListFilter, *, seconds: float) -> dict[str, Any]:
    """Return what the list shows; forecasts that are not remembered are worked out for ``seconds``."""
    standings = asking.standings(seconds=seconds)
    counts = Counter(standing.verdict for standing in standings)
    status = form.cleaned_data.get("status") if form.is_valid() else ""
    chosen = [one for one in standings if not status or one.verdict == status]
    page = form.page_of(Paginator(chosen, BUDGETS_PER_PAGE)) if form.is_valid() else None
    awaited = sum(one.awaits_forecast for one in standings)
    return {
        "page": page,
        "rows": [BudgetRow(one) for one in page] if page else [],
        "problems": problems_of(form),
        "count": len(standings),
        "status": status,
        "counts": [
            (name, tag_of(name, is_over=False), counts[name]) for name in _WORST_FIRST if counts[name]
        ],
        "awaited": awaited,
        "worked_out": len(standings) - awaited,
        **asking.reading_of(standings),
        "today": asking.today,
    }
