"""What the page of the history shows of a question, in each of its states."""

from typing import Any

from django.core.paginator import Paginator

from consumption import historycharts, historyrows
from consumption.asking import Asked
from consumption.comparison import Comparison
from consumption.daytext import days_text, period_text
from consumption.drivers import Mover, drivers_of
from consumption.history import Dimension, Group, SeveralCurrencies
from consumption.reading import Reading, Wish
from consumption.reasons import badge_of, gaps_of, lacks_some, read_text

GROUPS_PER_PAGE = 50
MOST_STEPS = 100
"""A table of more steps than this is shown when it is asked for."""


def page_of(asked: Asked, *, is_refresh: bool = False) -> dict[str, Any]:
    """Return what the templates show; what is wrong with the question ends up in the form.

    ``is_refresh``: the figures are asked for anew by a page that reads already.
    """
    form = asked.form
    is_valid = form.is_valid()
    context = {
        "form": form,
        "several": None,
        "history": None,
        "known_days": 0,
        "page_number": None,
        "choices": [],
        "conditions": [],
        "begins": is_valid and asked.has_days_to_read,
        "region_links": [],
        "period_text": period_text(form.days) if is_valid else "",
        "compares": is_valid and asked.wish().period != form.days,
        "regions": [key.region for key in asked.keys],
        "refusals": asked.access.refusals,
    }
    if is_valid:
        try:
            context |= _figures(asked)
        except SeveralCurrencies as error:
            context |= {"several": error, "region_links": _region_links(asked)}
    address = form.address
    files = historyrows.files_of(address) if context["known_days"] else {}
    return context | {
        "address": address,
        "shown": form.shown,
        "problems": form.problems,
        "presets": historyrows.presets_of(address, form.preset if is_valid else ""),
        "hidden": historyrows.hidden_of(address),
        "files": files,
        "more_files": [entry for name, entry in files.items() if name != "csv"],
        "focus_files": historyrows.focus_files_of(address, form.days) if files else [],
        "awaits": context["begins"] and not is_refresh and not form.errors,
    }


def _region_links(asked: Asked) -> list[tuple[str, str]]:
    links = []
    for key in asked.keys:
        address = asked.form.address
        address.setlist(Dimension.REGION, [key.region])
        links.append((key.region, f"?{address.urlencode()}"))
    return links


def _figures(asked: Asked) -> dict[str, Any]:
    """Return the figures of a valid question; a page that does not exist becomes an error of the form."""
    history, names, address = asked.history, asked.names, asked.form.address
    rows = historyrows.rows_of(history, names, address, order=asked.form.order)
    page = asked.form.page_of(Paginator(rows, GROUPS_PER_PAGE))
    parts = historycharts.parts_of(history, names, address)
    comparison = Comparison(history)
    coverage, gaps = history.coverage, gaps_of(history.coverage)
    is_empty = not (history.total or history.unpriced or any(row.group.cost for row in rows))
    by_whole = asked.whole if is_empty and history.question.filters else None
    return {
        "history": history,
        "known_days": coverage.with_figures,
        "period_days": coverage.period.length,
        "counts": coverage.counts,
        "comparison": comparison,
        "compared": period_text(comparison.period),
        "is_empty": is_empty,
        "whole": by_whole,
        "all_url": historyrows.without_filters(address),
        "page": page,
        "page_number": page.number if page and page.number > 1 else None,
        "row_count": len(rows),
        "columns": historyrows.columns_of(history.question.group_by, asked.form.order),
        "grouping": Dimension(history.question.group_by),
        "badge": badge_of(coverage),
        "gaps": gaps,
        "may_read_again": any(gap.may_be_asked for gap in gaps),
        "may_compare": not history.coverage_before.is_whole
        and asked.wish().period == history.question.period,
        "read_text": read_text(coverage),
        "lacks": lacks_some(history),
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
        "unpriced": historyrows.unpriced_of(history),
        "unpriced_lines": sum(one.lines for one in history.unpriced),
        "conditions": historyrows.conditions_of(address, names),
        "choices": historyrows.choices_of(
            asked.consumed, names, address, {key.region for key in asked.keyring.keys}
        ),
        "may_link": any(ledger.is_paying for ledger in asked.access.ledgers),
    }


def _shows_steps(asked: Asked) -> bool:
    """Tell whether the figures of the chart come at once: two years of days take longer than all the rest."""
    return len(asked.history.steps) <= MOST_STEPS or asked.form.cleaned_data["steps"]


def progress_of(asked: Asked, wish: Wish, found: Reading) -> dict[str, Any]:
    """Return what the templates show of a reading under way, or of how it ended."""
    return {
        "address": asked.form.address,
        "reading": found,
        "left": days_text(found.left),
        "regions": [key.region for key in asked.keys],
        "period_text": period_text(asked.form.days),
        "compares": wish.period != asked.form.days,
        "begins": False,
    }


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
