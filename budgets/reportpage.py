"""The compliance report as a page to print: how the periods of each budget ended."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django import forms
from django.db.models import IntegerChoices
from django.utils.translation import gettext_lazy as _

from budgets import words
from budgets.asking import Asking
from budgets.reports import Compliance, compliance_of
from budgets.standing import PeriodStanding, Standing
from consumption.periods import months_later
from costs.forms import problems_of


class Reach(IntegerChoices):
    """How far back the report goes."""

    QUARTER = 3, _("3 months")
    YEAR = 12, _("12 months")
    ALL = 36, _("36 months")


class ReportFilter(forms.Form):
    """The address of the report: how many months it goes back."""

    months = forms.TypedChoiceField(
        label=_("Period"),
        required=False,
        coerce=int,
        empty_value=Reach.YEAR.value,
        choices=Reach.choices,
        error_messages={"invalid_choice": _("“%(value)s” is none of the periods that are offered.")},
    )

    @property
    def reach(self) -> int:
        """How many months the report goes back."""
        return self.cleaned_data.get("months") or Reach.YEAR.value


@dataclass(frozen=True)
class ReportSection:
    """A budget in the report, with its periods that are over, oldest first, and the running one."""

    standing: Standing
    periods: list[tuple[PeriodStanding, str, words.Tag]]
    compliance: Compliance

    @property
    def kind(self) -> str:
        """How often the budget begins anew."""
        return words.kind_text(self.standing.budget)

    @property
    def scope(self) -> str:
        """What the budget counts, empty for everything."""
        return " · ".join(words.scope_texts(self.standing.budget))

    @property
    def lacking(self) -> str:
        """Which of its accounts no key of the session opens, empty when there is none."""
        return " ".join(words.closed_accounts_text(self.standing))


def context_of(asking: Asking, form: ReportFilter) -> dict[str, Any]:
    """Return what the report shows; forecasts have no place in it."""
    is_valid = form.is_valid()
    first = months_later(asking.today, -form.reach) if is_valid else asking.today
    standings = asking.standings(seconds=0) if is_valid else []
    sections = [_section(standing, first) for standing in standings]
    return {
        "form": form,
        "months": form.reach if is_valid else None,
        "reaches": Reach.choices,
        "problems": problems_of(form),
        "sections": sections,
        "count": sum(section.compliance.count for section in sections),
        "kept": sum(section.compliance.kept for section in sections),
        "exceeded": sum(section.compliance.exceeded for section in sections),
        "unknown": sum(section.compliance.unknown for section in sections),
        "today": asking.today,
        "first": first,
    }


def _section(standing: Standing, first: dt.date) -> ReportSection:
    kind = standing.budget.period_type
    over = [one for one in standing.over if one.period.end > first]
    shown = [*over, *([standing.running] if standing.running else [])]
    named = [(one, words.period_name(one.period, kind), _tag(standing, one)) for one in shown]
    return ReportSection(standing, named, compliance_of(over))


def _tag(standing: Standing, period: PeriodStanding) -> words.Tag:
    is_running = period is standing.running
    return words.tag_of_budget(standing) if is_running else words.tag_of_period(period)
