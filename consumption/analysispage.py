"""What every page of the kept history has around its own figures: the question, the reading, the coverage.

A page is described once, by an ``AnalysisPage``: screen, files and JSON API all show its one answer, so that
they cannot disagree.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.functional import Promise

from consumption import historyrows
from consumption.asking import Asked
from consumption.daytext import period_text
from consumption.files import file_name
from consumption.forms import ConsumptionFilter
from consumption.history import Dimension, SeveralCurrencies
from consumption.reasons import badge_of, gaps_of, lacks_some, read_text
from costs.fileformats import FileFormat


def _periods_of(form: ConsumptionFilter) -> list[dict[str, Any]]:
    return historyrows.presets_of(form.address, "" if form.errors else form.preset)


@dataclass(frozen=True)
class AnalysisPage:
    """A page of the kept history.

    ``name`` is that of its address, ``stem`` begins the names of its files. ``answer`` answers a valid
    question in the terms of the domain, ``figures`` turns that into what the template ``shows`` needs, and
    ``formats`` write it as files. ``presets`` are the questions that are offered by name above the form.
    ``prints``: it is a report, with a button that prints it. ``remembers``: its sums are remembered.
    """

    name: str
    heading: str | Promise
    stem: str
    shows: str
    form: type[ConsumptionFilter]
    answer: Callable[[Asked], Any]
    figures: Callable[[Asked, Any], dict[str, Any]]
    formats: Mapping[str, FileFormat]
    presets: Callable[[ConsumptionFilter], list[dict[str, Any]]] = _periods_of
    prints: bool = False
    remembers: bool = False

    @property
    def url(self) -> str:
        """The address of the page."""
        return reverse(f"consumption:{self.name}")

    def file_name(self, asked: Asked, file_format: FileFormat) -> str:
        """Return a name for a file, made of accounts, regions, and the days, both included."""
        return file_name(self.stem, asked.access.ledgers, asked.form.days, file_format)


def context_of(page: AnalysisPage, asked: Asked, *, is_refresh: bool = False) -> dict[str, Any]:
    """Return what the templates show; what is wrong with the question ends up in the form.

    ``is_refresh``: the figures are asked for anew by a page that reads already.
    """
    form = asked.form
    is_valid = form.is_valid()
    context = {
        "here": page.url,
        "heading": page.heading,
        "shows": page.shows,
        "prints": page.prints,
        "read_url": _read_url(page, asked) if is_valid else "",
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
        "regions": asked.places,
        "currency_links": [],
        "refusals": asked.access.refusals,
        "presets": page.presets(form),
        "focus_files": [],
    }
    if is_valid:
        context["currency_links"] = _currency_links(asked)
        try:
            context |= _known(asked)
            context |= page.figures(asked, page.answer(asked))
        except SeveralCurrencies as error:
            context |= {"several": error, "region_links": region_links(asked)}
    address = form.address
    files = _files_of(page, asked) if context["known_days"] else {}
    return context | {
        "address": address,
        "shown": form.shown,
        "problems": form.problems,
        "hidden": historyrows.hidden_of(form),
        "files": files,
        "more_files": [entry for name, entry in files.items() if name != "csv"],
        "focus_files": context["focus_files"] if files else [],
        "awaits": context["begins"] and not is_refresh and not form.errors,
    }


def _known(asked: Asked) -> dict[str, Any]:
    """Return how much of the asked days is known, and what can be asked of them."""
    history, names, address = asked.history, asked.names, asked.form.address
    coverage, gaps = history.coverage, gaps_of(history.coverage)
    is_empty = not (history.total or history.unpriced or history.has_costs)
    return {
        "history": history,
        "known_days": coverage.with_figures,
        "period_days": coverage.period.length,
        "counts": coverage.counts,
        "is_empty": is_empty,
        "whole": asked.whole if is_empty and history.question.filters else None,
        "all_url": historyrows.without_filters(address),
        "badge": badge_of(coverage),
        "gaps": gaps,
        "may_read_again": any(gap.may_be_asked for gap in gaps),
        "read_text": read_text(coverage),
        "lacks": lacks_some(history),
        "unpriced": historyrows.unpriced_of(history),
        "unpriced_lines": sum(one.lines for one in history.unpriced),
        "conditions": historyrows.conditions_of(address, names),
        "choices": historyrows.choices_of(asked.consumed, names, address, asked.keyring.regions),
        "may_link": any(ledger.is_paying for ledger in asked.access.ledgers),
    }


def _read_url(page: AnalysisPage, asked: Asked) -> str:
    """Return the address that reads the days of the page, and leads back to it."""
    address = asked.form.address
    address["of"] = page.name
    if asked.form.preset:
        address["period"] = asked.form.preset
    if asked.keyring.together:
        address.setlist("at", [key.place for key in asked.keys])
    return f"{reverse('consumption:read')}?{address.urlencode()}"


def region_links(asked: Asked) -> list[tuple[str, str]]:
    """Return each region of a session with the address that asks of it alone."""
    links = []
    for region in dict.fromkeys(key.region for key in asked.keys):
        address = asked.form.address
        address.setlist(Dimension.REGION, [region])
        links.append((region, f"?{address.urlencode()}"))
    return links


def _currency_links(asked: Asked) -> list[dict[str, Any]]:
    """Return the currencies in which the places are billed, where they are several: each is shown alone."""
    if not (asked.keyring.together and len(asked.by_currency) > 1):
        return []
    links = []
    for currency in asked.by_currency:
        address = asked.form.address
        address["currency"] = currency
        links.append(
            {"label": currency, "url": f"?{address.urlencode()}", "current": currency == asked.currency}
        )
    return links


def _files_of(page: AnalysisPage, asked: Asked) -> dict[str, dict[str, str]]:
    """Return the files of the view by their format."""
    address = asked.form.address
    query = f"?{address.urlencode()}" if address else ""
    return {
        name: {"url": f"{page.url}export/{name}/{query}", "label": str(one.label)}
        for name, one in page.formats.items()
    }
