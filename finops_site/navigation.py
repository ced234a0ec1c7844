"""The navigation of the portal, by question: what was spent, what runs now, what is planned.

A new page adds one line to ``SECTIONS``. A page whose address does not exist is left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Page:
    """A place in the navigation: the name of its address, its word and its icon."""

    url_name: str
    label: str | Promise
    icon: str


@dataclass(frozen=True)
class Section:
    """The pages that answer one question; the first section has no title."""

    title: str | Promise
    pages: tuple[Page, ...]


@dataclass(frozen=True)
class Link:
    """A page as it stands in the sidebar: ``current`` is "page", "true" (a page below it) or empty."""

    label: str | Promise
    icon: str
    url: str
    current: str


SECTIONS = (
    Section("", (Page("overview", _("Overview"), "layout-dashboard"),)),
    Section(
        _("Spent"),
        (
            Page("consumption:history", _("Consumption"), "chart-bar"),
            Page("consumption:trends", _("Trends"), "trending-up"),
            Page("consumption:forecast", _("Forecast"), "target-arrow"),
            Page("consumption:anomalies", _("Anomalies"), "alert-triangle"),
            Page("consumption:drift", _("Drift"), "arrows-diff"),
            Page("consumption:allocation", _("Allocation"), "tags"),
            Page("consumption:invoice", _("Draft invoice"), "receipt"),
            Page("consumption:saved_views", _("Saved views"), "bookmark"),
        ),
    ),
    Section(_("Running now"), (Page("costs:current", _("Current cost"), "coin"),)),
    Section(
        _("Planned"),
        (
            Page("quotes:list", _("Quotes"), "file-invoice"),
            Page("budgets:list", _("Budgets"), "wallet"),
            Page("costs:catalog", _("Price catalog"), "book-2"),
        ),
    ),
)


def links_for(path: str) -> list[tuple[str | Promise, list[Link]]]:
    """Answer the sections that have pages, each with its links, as seen from the page at ``path``.

    Of pages that lie below one another, the one nearest to ``path`` is current.
    """
    sections = [(section.title, list(_existing(section.pages))) for section in SECTIONS]
    above = {url for _title, pages in sections for _page, url in pages if path.startswith(url)}
    nearest = max(above - {reverse("overview")}, key=len, default="")
    return [
        (title, [Link(page.label, page.icon, url, _current(url, path, nearest)) for page, url in pages])
        for title, pages in sections
        if pages
    ]


def _existing(pages: tuple[Page, ...]) -> Iterator[tuple[Page, str]]:
    for page in pages:
        try:
            yield page, reverse(page.url_name)
        except NoReverseMatch:
            continue


def _current(url: str, path: str, nearest: str) -> str:
    if path == url:
        return "page"
    return "true" if url == nearest else ""
