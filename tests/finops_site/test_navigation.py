import pytest

from finops_site import navigation
from finops_site.navigation import Link, Page, Section

NOWHERE = Page("nowhere:at_all", "Nowhere", "x")
THEME = Page("theme", "Theme", "moon")


@pytest.fixture
def sections(monkeypatch):
    def set_sections(*sections):
        monkeypatch.setattr(navigation, "SECTIONS", sections)

    return set_sections


def test_a_page_that_does_not_exist_is_left_out(sections):
    sections(Section("Real", (NOWHERE, THEME)))
    assert navigation.links_for("/") == [("Real", [Link("Theme", "moon", "/theme/", "")])]


def test_a_section_without_pages_is_left_out(sections):
    sections(Section("Empty", (NOWHERE,)))
    assert navigation.links_for("/") == []


@pytest.mark.parametrize(
    ("at", "current"), [("/theme/", "page"), ("/theme/below/", "true"), ("/", ""), ("/themes/", "")]
)
def test_the_current_page_is_told_from_the_pages_below_it(sections, at, current):
    sections(Section("", (THEME,)))
    [(_, [link])] = navigation.links_for(at)
    assert link.current == current


def test_of_pages_below_one_another_only_the_nearest_is_current(sections):
    sections(
        Section("", (Page("costs:current", "Cost", "coin"), Page("costs:changes", "Changes", "history")))
    )
    for at, current in (
        ("/costs/changes/", ["", "page"]),
        ("/costs/", ["page", ""]),
        ("/costs/x/", ["true", ""]),
    ):
        [(_, links)] = navigation.links_for(at)
        assert [link.current for link in links] == current


def test_the_overview_is_current_only_on_itself():
    [(_, [overview, *_]), *_] = navigation.links_for("/somewhere/")
    assert overview.url == "/"
    assert overview.current == ""
