"""The catalog as people use it: typing, sorting, changing the region, going back; without script too."""

import re

import pytest
from playwright.sync_api import expect


@pytest.fixture
def catalog(page, outscale):
    """The catalog page with its prices."""
    page.goto("/catalog/")
    expect(prices_title(page)).to_have_text("122 prices")
    page.evaluate("window.notReloaded = true")
    return page


def prices_title(page):
    return page.locator("#prices-title")


def amounts(page):
    cells = page.locator("#prices tbody tr td.money:nth-of-type(3)")
    return [float(re.sub(r"[^0-9.]", "", text)) for text in cells.all_inner_texts() if "€" in text]


def is_one_page(page):
    return page.evaluate("window.notReloaded") is True


def test_a_search_answers_while_one_types(catalog):
    catalog.get_by_role("searchbox").press_sequentially("gp2")
    expect(prices_title(catalog)).to_have_text("1 price")
    expect(catalog.locator("#prices tbody")).to_contain_text("Volume gp2")
    expect(catalog.get_by_role("searchbox")).to_be_focused()
    expect(catalog).to_have_url(re.compile("search=gp2"))
    expect(catalog.locator("#catalog-csv")).to_have_attribute("href", re.compile("search=gp2"))
    catalog.get_by_role("searchbox").fill("")
    expect(prices_title(catalog)).to_have_text("122 prices")
    assert is_one_page(catalog)


def test_a_category_is_chosen_together_with_a_search(catalog):
    catalog.get_by_role("searchbox").fill("volume")
    catalog.get_by_label("Category").select_option(label="Storage")
    expect(catalog).to_have_url(re.compile("search=volume&category=storage"))
    expect(catalog.locator("#prices tbody")).to_contain_text("Volume io1")
    expect(catalog.locator("#prices tbody")).not_to_contain_text("vCore")
    assert is_one_page(catalog)


def test_a_column_sorts_up_and_then_down(catalog):
    for click, (direction, downwards) in enumerate([("ascending", False), ("descending", True)], start=1):
        catalog.get_by_role("columnheader", name="Price").get_by_role("link").click()
        expect(catalog.locator(f"th[aria-sort={direction}]")).to_contain_text("Price")
        assert amounts(catalog) == sorted(amounts(catalog), reverse=downwards), click
    assert len(amounts(catalog)) == 122
    assert is_one_page(catalog)


def test_an_order_outlives_a_search(catalog):
    catalog.get_by_role("columnheader", name="Price").get_by_role("link").click()
    expect(catalog.locator("th[aria-sort=ascending]")).to_contain_text("Price")
    catalog.get_by_role("searchbox").fill("volume")
    expect(catalog).to_have_url(re.compile("search=volume"))
    expect(catalog.locator("th[aria-sort=ascending]")).to_contain_text("Price")


def test_a_region_is_a_tab_that_keeps_the_search(catalog):
    catalog.get_by_role("searchbox").fill("gp2")
    expect(prices_title(catalog)).to_have_text("1 price")
    tabs = catalog.get_by_role("list", name="Region")
    tabs.get_by_role("link", name="us-east-2").click()
    expect(tabs.locator("[aria-current=true]")).to_have_text("us-east-2")
    expect(prices_title(catalog)).to_have_text("1 price")
    expect(catalog.locator("#prices tbody")).to_contain_text("$")
    expect(catalog.get_by_role("searchbox")).to_have_value("gp2")


def test_the_back_button_brings_the_order_and_the_search_before_it(catalog):
    catalog.get_by_role("searchbox").fill("volume")
    expect(catalog).to_have_url(re.compile("search=volume"))
    catalog.get_by_role("columnheader", name="Price").get_by_role("link").click()
    expect(catalog.locator("th[aria-sort=ascending]")).to_be_visible()
    catalog.go_back()
    expect(catalog.locator("th[aria-sort]")).to_have_count(0)
    expect(catalog.get_by_role("searchbox")).to_have_value("volume")
    expect(catalog.locator("#prices tbody")).to_contain_text("Volume gp2")
    expect(catalog.locator("#prices tbody")).not_to_contain_text("vCore")
    expect(catalog.get_by_role("heading", level=1)).to_have_count(1)
    catalog.go_forward()
    expect(catalog.locator("th[aria-sort=ascending]")).to_be_visible()


def test_the_back_button_leads_from_another_page_to_the_same_search(catalog):
    catalog.get_by_role("searchbox").fill("gp2")
    expect(prices_title(catalog)).to_have_text("1 price")
    catalog.get_by_role("link", name="History of prices").click()
    expect(catalog.get_by_role("heading", level=1)).to_have_text("History of prices")
    catalog.go_back()
    expect(prices_title(catalog)).to_have_text("1 price")
    expect(catalog.get_by_role("searchbox")).to_have_value("gp2")


def test_without_script_everything_is_a_form_or_a_link(open_page, outscale):
    page = open_page(java_script_enabled=False)
    page.goto("/catalog/")
    page.get_by_role("button", name="Refresh").click()
    expect(prices_title(page)).to_have_text("122 prices")
    page.get_by_role("searchbox").fill("volume")
    page.get_by_label("Category").select_option(label="Storage")
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.locator("#prices tbody")).to_contain_text("Volume gp2")
    expect(page.locator("#prices tbody")).not_to_contain_text("vCore")
    page.get_by_role("columnheader", name="Price").get_by_role("link").click()
    expect(page.locator("th[aria-sort=ascending]")).to_contain_text("Price")
    assert amounts(page) == sorted(amounts(page))
    page.get_by_role("list", name="Region").get_by_role("link", name="us-west-1").click()
    page.get_by_role("button", name="Refresh").click()
    expect(page.locator("#prices tbody")).to_contain_text("$")
    expect(page.get_by_role("searchbox")).to_have_value("volume")
    expect(page.get_by_role("list", name="Region").locator("[aria-current=true]")).to_have_text("us-west-1")
