"""What the page of the history shows of a question."""

from typing import Any

from django.core.paginator import Paginator
from django.utils.translation import gettext_lazy as _

from consumption import historycharts, historyrows
from consumption.analysispage import AnalysisPage
from consumption.asking import Asked
from consumption.comparison import Comparison
from consumption.daytext import period_text
from consumption.drivers import Mover, drivers_of
from consumption.files import FORMATS
from consumption.forms import ConsumptionFilter
from consumption.history import Dimension, Group, History

GROUPS_PER_PAGE = 50
MOST_STEPS = 100
"""A table of more steps than this is shown when it is asked for."""


def figures_of(asked: Asked, history: History) -> dict[str, Any]:
    """Return the figures of a valid question; a page that does not exist becomes an error of the form."""
    names, address = asked.names, asked.form.address
    rows = historyrows.rows_of(history, names, address, order=asked.form.order)
    page = asked.form.page_of(Paginator(rows, GROUPS_PER_PAGE))
    parts = historycharts.parts_of(history, names, address)
    comparison, coverage = Comparison(history), history.coverage
    return {
        "comparison": comparison,
        "compared": period_text(comparison.period),
        "page": page,
        "page_number": page.number if page and page.number > 1 else None,
        "row_count": len(rows),
        "columns": historyrows.columns_of(history.question.group_by, asked.form.order),
        "grouping": Dimension(history.question.group_by),
        "may_compare": not history.coverage_before.is_whole
        and asked.wish().period == history.question.period,
        "title": historycharts.title_of(history),
        "chart": historycharts.chart_of(history, parts),
        "finding": historycharts.finding_of(history, parts) if coverage.with_figures else "",
        "parts": parts,
        "step_count": len(history.steps),
        "steps": historycharts.step_rows(history, parts) if _shows_steps(asked) else [],
        "largest_share": (history.groups[0].share or 0) if history.groups else 0,
        "steps_title": historycharts.steps_title(history),
        "step_word": historycharts.step_word(history),
        "average": history.total / (coverage.with_figures or 1),
        "opens": historyrows.below_text(history.question),
        "focus_files": historyrows.focus_files_of(address, asked.form.days),
    }


def _shows_steps(asked: Asked) -> bool:
    """Tell whether the figures of the chart come at once: two years of days take longer than all the rest."""
    return len(asked.history.steps) <= MOST_STEPS or asked.form.cleaned_data["steps"]


def drivers_page(asked: Asked) -> dict[str, Any]:
    """Return what drives the cost, as its fragment shows it: each resource with its name and its address."""
    found = drivers_of(asked.access.ledgers, asked.question, expected=len(asked.keys))
    address, question = asked.form.address, found.history.question

    def shown(one: Group | Mover) -> dict[str, Any]:
        name = asked.resource_names.of(Dimension.RESOURCE, one.key)
        return {"of": one, "name": name, "url": historyrows.opened(address, question, one.key)}

    comparison = Comparison(found.history)
    return {
        "history": found.history,
        "comparison": comparison,
        "compared": period_text(comparison.period),
        "dearest": [shown(group) for group in found.dearest],
        "movers": [shown(mover) for mover in found.movers],
    }


HISTORY = AnalysisPage(
    name="history",
    heading=_("Consumption"),
    stem="consumption",
    shows="consumption/_history_figures.html",
    form=ConsumptionFilter,
    answer=lambda asked: asked.history,
    figures=figures_of,
    formats=FORMATS,
)
"""The page of the history itself."""
