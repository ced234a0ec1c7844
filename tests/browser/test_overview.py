"""The overview in the browser: on a first visit the days are read, and their figures appear."""

from playwright.sync_api import expect

from consumption.models import UsageDay
from tests.browser.conftest import log_in, settled


def test_on_a_first_visit_the_days_are_read_and_their_figures_appear(customer, outscale):
    outscale.faults.add("ReadConsumptionAccount", "latency", 150)  # or it is over before it is seen
    customer.goto("/")
    expect(customer.get_by_role("progressbar", name="Days read").first).to_be_visible()
    figure = customer.locator("[data-figure=last-month]")
    expect(figure).to_contain_text("€")
    customer.locator("#reading form").wait_for(state="detached", timeout=60_000)
    assert UsageDay.objects.count() >= 90
    expect(customer.locator("#outlooks")).to_have_count(0)
    expect(customer.locator("[data-figure=expected]")).to_contain_text("€")
    expect(customer.locator("[data-chart=days-eur]")).to_be_visible()
    settled(customer)  # the figures of all days come after the last of them was read
    told = figure.text_content()
    customer.get_by_role("term").get_by_role("link").nth(2).click()
    expect(customer.locator("#groups [data-figure=total]")).to_have_text(told)


def test_without_script_the_figures_are_one_link_away(open_page, outscale, customer):
    page = open_page(java_script_enabled=False)
    log_in(page)
    page.goto("/")
    page.get_by_role("button", name="Read now").click()
    page.goto("/")
    page.get_by_role("link", name="Show the figures").click()
    expect(page.locator("[data-figure=last-month]")).to_contain_text("€")
