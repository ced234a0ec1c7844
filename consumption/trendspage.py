"""What the page of the trends shows of a question."""

from dataclasses import replace
from typing import Any

from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from consumption import historycharts, historyrows, trendscharts
from consumption.analysispage import AnalysisPage
from consumption.asking import Asked
from consumption.daytext import period_text
from consumption.forms import ConsumptionFilter
from consumption.history import Dimension, Question
from consumption.historypage import MOST_STEPS
from consumption.periods import Granularity, Period, Preset
from consumption.trends import AVERAGE, MONTH_BEFORE, WEEK_BEFORE, Earlier, Trends
from consumption.trendsfiles import FORMATS
from consumption.trendsmovers import Mover

_OPEN_STEPS = 31
"""A table of so many steps stands open."""


class TrendsFilter(ConsumptionFilter):
    """The address of the trends: twelve months when it names no days."""

    default_preset = Preset.LAST_12_MONTHS

    @property
    def question(self) -> Question:
        """What is asked of the history: groups only of the last step, for its movers."""
        return replace(super().question, totals_only=True)


def figures_of(asked: Asked, trends: Trends) -> dict[str, Any]:
    """Return the figures of a valid question."""
    history, count = trends.history, len(trends.points)
    shows_steps = count <= MOST_STEPS or asked.form.cleaned_data["steps"]
    return {
        "trends": trends,
        "by_month": trends.granularity == Granularity.MONTH,
        "title": trendscharts.title_of(trends),
        "chart": trendscharts.chart_of(trends),
        "finding": trendscharts.finding_of(trends),
        "steps_title": historycharts.steps_title(history),
        "step_word": historycharts.step_word(history),
        "average_title": trendscharts.average_title(trends),
        "step_count": count,
        "steps": trendscharts.rows_of(trends) if shows_steps else [],
        "opens_steps": count <= _OPEN_STEPS or asked.form.cleaned_data["steps"],
        "last_name": _name(trends, trends.last.period) if trends.last else "",
        "before_name": _name_before(trends),
        "cost_change": trends.last.cost_change if trends.last else None,
        "compound_text": _compound_text(trends),
        "whole_text": _whole_text(trends),
        "earlier": [_earlier(trends, one) for one in trends.earlier],
        "grouping": Dimension(history.question.group_by),
        "movers": shown_movers(asked, trends),
    }


def _name(trends: Trends, period: Period) -> str:
    return trendscharts.name_of(period, trends.granularity)


def _name_before(trends: Trends) -> str:
    """Name the step that the last whole one is compared with in the table, empty without one."""
    if trends.last is None or trends.last.change.percent is None:
        return ""
    return _name(trends, trends.points[trends.points.index(trends.last) - 1].period)


def _compound_text(trends: Trends) -> str:
    """Say of which growth the compound one is; why there is none."""
    if trends.compound is None:
        of_days = _("needs two days of the same weekday that cost something")
        of_longer = _("needs two whole steps that cost something")
        return of_days if trends.granularity == Granularity.DAY else of_longer
    text = {
        Granularity.DAY: _("a day, %(first)s to %(last)s"),
        Granularity.WEEK: _("a week, %(first)s to %(last)s"),
        Granularity.MONTH: _("a month, %(first)s to %(last)s"),
    }[trends.granularity]
    first, last = (_name(trends, period) for period in (trends.compound.first, trends.compound.last))
    return text % {"first": first, "last": last}


def _whole_text(trends: Trends) -> str:
    """Say of how many steps the average is."""
    count = len(trends.whole)
    text = {
        Granularity.DAY: ngettext("of %(count)s day", "of %(count)s days", count),
        Granularity.WEEK: ngettext("of %(count)s whole week", "of %(count)s whole weeks", count),
        Granularity.MONTH: ngettext("of %(count)s whole month", "of %(count)s whole months", count),
    }[trends.granularity]
    return text % {"count": count}


# --- The comparisons


def _earlier(trends: Trends, one: Earlier) -> dict[str, Any]:
    return {
        "of": one,
        "name": _earlier_name(trends, one),
        "days": period_text(one.period) if one.kind == AVERAGE else _name(trends, one.period),
        "problem": _problem(trends, one),
        "is_part": one.average_day is None or one.lacks,
    }


def _earlier_name(trends: Trends, one: Earlier) -> str:
    if one.kind == AVERAGE:
        text = {
            Granularity.DAY: _("Average of the %(count)s days before"),
            Granularity.WEEK: _("Average of the %(count)s whole weeks before"),
            Granularity.MONTH: _("Average of the %(count)s whole months before"),
        }[trends.granularity]
        return text % {"count": one.steps}
    by_kind = {
        Granularity.DAY: {
            WEEK_BEFORE: _("The same weekday, a week before"),
            MONTH_BEFORE: _("The same date, a month before"),
        },
        Granularity.WEEK: {WEEK_BEFORE: _("A week before"), MONTH_BEFORE: _("Four weeks before")},
        Granularity.MONTH: {MONTH_BEFORE: _("A month before")},
    }[trends.granularity]
    a_year = {
        Granularity.DAY: _("The same date, a year before"),
        Granularity.WEEK: _("52 weeks before"),
        Granularity.MONTH: _("The same month, a year before"),
    }[trends.granularity]
    return by_kind.get(one.kind, a_year)


def _problem(trends: Trends, one: Earlier) -> str:
    """Say why an earlier time cannot be compared, empty when it can."""
    if one.average_day is not None:
        return ""
    if one.cost is None:
        return _("no price") if one.lacks else _("not read")
    if one.currency != trends.history.currency:
        return _("billed in %(currency)s") % {"currency": one.currency}
    text = ngettext(
        "%(known)s of %(total)s day wholly read", "%(known)s of %(total)s days wholly read", one.period.length
    )
    return text % {"known": one.whole_days, "total": one.period.length}


# --- The movers


def shown_movers(asked: Asked, trends: Trends) -> dict[str, Any] | None:
    """Return the biggest movers with their names and addresses; None without a step to name them of."""
    found = trends.movers
    if found is None:
        return None
    return {
        "of": found,
        "name": _name(trends, found.period),
        "before": _name(trends, found.before),
        "directions": [
            (_("Cost more"), [_mover(asked, found.period, mover) for mover in found.up]),
            (_("Cost less"), [_mover(asked, found.period, mover) for mover in found.down]),
        ],
    }


def _mover(asked: Asked, period: Period, mover: Mover) -> dict[str, Any]:
    dimension = asked.question.group_by
    opens = historyrows.opened(asked.form.address, asked.question, mover.key)
    behind = _behind(asked, period, mover.key) if opens and not asked.question.asks_resources else ""
    of_resource = dimension == Dimension.RESOURCE
    return {
        "of": mover,
        "name": asked.names.of(dimension, mover.key),
        "url": opens,
        "resources_url": f"{reverse('consumption:history')}?{behind}" if behind else "",
        "drivers_url": f"{reverse('consumption:drivers')}?{behind}" if behind and not of_resource else "",
    }


def _behind(asked: Asked, period: Period, key: str) -> str:
    """Return the query of what is behind a group in a step: its resources, or the meters of a resource."""
    address: QueryDict = asked.form.address
    for name in ("period", "granularity", "steps"):
        address.pop(name, None)
    address["first"], address["last"] = period.first.isoformat(), period.last.isoformat()
    dimension = Dimension(asked.question.group_by)
    address.setlist(dimension, [key])
    address["group_by"] = Dimension.TYPE if dimension == Dimension.RESOURCE else Dimension.RESOURCE
    address["sort"] = "-change"
    return address.urlencode()


TRENDS = AnalysisPage(
    name="trends",
    heading=gettext_lazy("Trends"),
    stem="trends",
    shows="consumption/_trends_figures.html",
    form=TrendsFilter,
    answer=lambda asked: Trends(asked.history),
    figures=figures_of,
    formats=FORMATS,
)
"""The page of the trends."""
