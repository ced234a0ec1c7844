import re
from decimal import Decimal

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NARROW, WIDE, settled, until
from tests.browser.test_current_cost import log_in_without_script

WEEK = "/consumption/?period=last-7-days"


def open_history(page, address=WEEK):
    """Open the page, and wait until it has read what it lacks."""
    page.goto(address)
    page.locator("#groups tbody tr").first.wait_for()
    expect(page.locator("#reading")).to_be_empty()
    settled(page)


def test_a_reading_goes_on_by_itself_after_a_slice_that_got_no_answer(customer, faults):
    answers = [{"status": 503, "headers": {"Portal-Failure": "DATABASE_UNAVAILABLE"}}]

    def answer(route):
        if answers:
            route.fulfill(**answers.pop())
        else:
            route.continue_()

    customer.clock.install()
    customer.route("**/consumption/read/**", answer)
    customer.goto(WEEK)
    toast = customer.locator("#toasts .notice")
    expect(toast).to_contain_text("The portal's database gives no answer")
    customer.clock.fast_forward(10_000)
    customer.locator("#groups tbody tr").first.wait_for()
    expect(customer.locator("#reading")).to_be_empty()
    expect(toast).to_have_count(1)
    assert [fault for fault in faults if "503" not in fault] == []
    faults.clear()


@pytest.fixture
def history(customer):
    """The page of seven days of consumption, with its figures."""
    open_history(customer)
    return customer


def rows(page):
    return page.locator("#groups tbody tr")


def total(page):
    return page.locator("[data-figure=total]")


def amount(text):
    return Decimal(text.split("≥")[-1].replace("€", "").replace(",", "").strip())


def chips(page):
    return page.locator("#consumption .chip")


def test_the_days_are_read_by_themselves_with_progress_then_figures(customer, outscale):
    outscale.faults.add("ReadConsumptionAccount", "latency", 900)
    customer.goto("/consumption/")
    expect(customer.get_by_role("heading", level=1)).to_have_text("Consumption")
    reading = customer.locator("#reading")
    expect(reading).to_contain_text("of 60 days are done.")
    expect(reading.locator("progress")).to_be_visible()
    expect(
        customer.locator("#consumption-chart canvas")
    ).to_be_visible()  # of the days that are there already
    customer.locator("#coverage summary").click()
    expect(customer.locator("#coverage")).to_contain_text("not read yet.")
    outscale.faults.clear()
    expect(customer.locator("#coverage summary")).to_contain_text("30 of 30 days")
    expect(reading).to_be_empty()
    settled(customer)
    expect(customer.locator("#coverage .coverage-days")).to_be_visible()  # it stays open while figures come
    drivers = customer.locator("#drivers")
    drivers.scroll_into_view_if_needed()
    expect(drivers.locator("li").first).to_contain_text("€")
    outscale.requests.clear()
    customer.reload()
    expect(rows(customer)).to_have_count(4)
    assert outscale.requests.count("ReadConsumptionAccount") == 0


def test_a_category_opens_down_to_the_meters_of_a_resource_and_back(history):
    whole = amount(total(history).inner_text())
    parts = history.locator("#groups tbody td.money:nth-child(2)").all_inner_texts()
    assert abs(sum(map(amount, parts)) - whole) < Decimal("0.03")
    rows(history).get_by_role("link", name="Compute").click()
    expect(chips(history)).to_have_text(["Category is Compute"])
    expect(history.get_by_label("Group by")).to_have_value("resource_type")
    rows(history).get_by_role("link", name="VM tinav6.c4r8p2").click()
    expect(history.get_by_role("heading", name="By resource", exact=True)).to_be_visible()
    expect(chips(history)).to_have_count(2)
    rows(history).get_by_role("link").first.click()
    expect(chips(history)).to_have_count(3)
    expect(rows(history)).to_have_count(1)
    expect(rows(history).get_by_role("link")).to_have_count(0)
    history.get_by_text("Figures by day").click()
    expect(history.locator("#steps tbody tr")).to_have_count(7)
    history.go_back()
    expect(chips(history)).to_have_count(2)
    chips(history).first.get_by_role("link").click()
    expect(chips(history)).to_have_text(["Type is VM tinav6.c4r8p2"])
    history.go_back()
    history.go_back()
    history.go_back()
    expect(total(history)).to_have_text(re.compile(f"{whole:,}"))
    with history.expect_download() as download:
        history.get_by_role("link", name="CSV", exact=True).click()
    assert download.value.suggested_filename.endswith(".csv")


def test_the_form_changes_the_question_and_the_address_tells_it(history):
    history.get_by_label("Group by").select_option("resource_type")
    expect(history.get_by_role("heading", name="By type", exact=True)).to_be_visible()
    settled(history)
    expect(history).to_have_url(re.compile(r"\?period=last-7-days&granularity=day&group_by=resource_type$"))
    history.get_by_role("link", name="Cost", exact=True).click()
    expect(history.locator("#groups th[aria-sort]")).to_have_attribute("aria-sort", "ascending")
    settled(history)
    history.get_by_text("Add a filter").click()
    history.locator("#filter-panel").get_by_label("Category").select_option("storage")
    expect(chips(history)).to_have_text(["Category is Storage"])
    settled(history)
    history.go_back()
    expect(chips(history)).to_have_count(0)
    expect(history.get_by_label("Group by")).to_have_value("resource_type")
    history.get_by_label("From").fill("2020-01-01")
    history.get_by_role("button", name="Show").click()
    expect(history.locator("#id_first_error")).to_contain_text("At most 1100 days")
    expect(history.get_by_label("From")).to_be_focused()


def test_the_page_is_worked_from_the_keyboard(history):
    chart = history.get_by_role("slider", name="Cost per day, by category")
    chart.focus()
    chart.press("Home")
    expect(chart).to_have_attribute("aria-valuetext", re.compile("Total ≥\u00a0€"))
    chart.press("Enter")
    expect(chips(history)).to_have_count(1)
    history.locator("#coverage summary").press("Enter")
    expect(history.locator(".coverage-days")).to_be_visible()
    history.keyboard.press("Escape")
    expect(history.locator(".coverage-days")).to_be_hidden()
    history.locator("#period-yesterday").press("Enter")
    expect(history.locator("#period-yesterday")).to_have_attribute("aria-current", "true")
    settled(history)
    expect(history.locator("#period-yesterday")).to_be_focused()


def test_a_cloud_that_is_down_is_said_and_read_again_when_it_is_back(history, outscale):
    outscale.faults.add("*", "error")
    history.goto("/consumption/?period=last-30-days")
    stopped = history.locator("#reading form.is-bad")
    expect(stopped).to_contain_text("The cloud could not be read.")
    expect(history.locator("#coverage summary")).to_contain_text("14 of 30 days")
    expect(total(history)).to_contain_text("€")
    outscale.faults.clear()
    stopped.get_by_role("button", name="Read again").click()
    expect(history.locator("#coverage summary")).to_contain_text("30 of 30 days")
    expect(stopped).to_have_count(0)


def test_everything_works_without_javascript(open_page, outscale):
    page = open_page(java_script_enabled=False)
    log_in_without_script(page)
    page.goto(WEEK)
    page.locator("#reading").get_by_role("button", name="Read now").click()
    expect(page.locator("#coverage summary")).to_contain_text("7 of 7 days")
    page.get_by_label("Group by").select_option("resource_type")
    page.get_by_text("Add a filter").click()
    page.locator("#filter-panel").get_by_label("Category").select_option("compute")
    page.get_by_role("button", name="Show").click()
    expect(chips(page)).to_have_text(["Category is Compute"])
    expect(page.locator("#period-last-7-days")).to_have_attribute("aria-current", "true")
    rows(page).get_by_role("link", name="VM tinav6.c4r8p2").click()
    expect(page.get_by_role("heading", name="By resource", exact=True)).to_be_visible()
    page.get_by_text("Figures by day").click()
    expect(page.locator("#steps tbody tr")).to_have_count(7)


def test_the_page_fits_its_window(history):
    history.goto(f"{WEEK}&group_by=type")
    history.get_by_text("Figures by day").click()
    history.locator("#steps tbody tr").first.wait_for()
    for size in (WIDE, NARROW):
        history.set_viewport_size(size)
        until(history, "width => document.documentElement.scrollWidth <= width", size["width"])
