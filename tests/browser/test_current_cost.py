import csv
from decimal import Decimal

import pytest
from playwright.sync_api import expect

from costs.models import CostSnapshot
from tests.browser.conftest import NARROW, WIDE, settled
from tests.conftest import DEMO_KEYS


def open_costs(page, query=""):
    """Open the page, and wait for the figures of the reading that it begins by itself."""
    page.goto(f"/costs/{query}")
    page.locator("#resources tbody tr").first.wait_for()
    settled(page)


@pytest.fixture
def costs(customer):
    """The page of the current cost, with its figures."""
    open_costs(customer)
    return customer


def figure(page, period="month"):
    return page.locator(f"[data-figure={period}]")


def rows(page):
    return page.locator("#resources > .table-wrap > table > tbody > tr:not(.detail)")


def row(page, text):
    return rows(page).filter(has_text=text).first


def shown_count(page):
    return page.locator("#resources [role=status]")


def add_tag(page, tag):
    page.get_by_label("Tag", exact=True).fill(tag)
    page.get_by_label("Tag", exact=True).press("Enter")


def amount(text):
    """Return the figure in a text such as ``€1,079.42``, with or without "at least" before it."""
    return Decimal(text.split("≥")[-1].replace("€", "").replace(",", "").strip())


def test_the_reading_arrives_by_itself(customer, outscale):
    outscale.requests.clear()
    customer.goto("/costs/")
    expect(customer.get_by_role("heading", level=1)).to_contain_text("Current cost")
    expect(rows(customer)).to_have_count(50)
    expect(figure(customer)).to_contain_text("€37,338.41")
    expect(customer.locator("#reading")).to_be_empty()
    expect(customer.get_by_role("heading", level=1)).to_contain_text("just now")
    assert outscale.requests.count("ReadVms") == 1
    customer.reload()
    expect(figure(customer)).to_contain_text("€37,338.41")
    assert outscale.requests.count("ReadVms") == 1


def test_the_chart_shows_what_the_table_says(costs):
    expect(costs.locator("#cost-groups canvas")).to_be_visible()
    expect(costs.locator("#cost-groups tbody tr").first).to_contain_text("€21,829.34")


def test_a_tag_is_typed_narrowed_and_taken_away(costs):
    add_tag(costs, "project=imagerie")
    expect(shown_count(costs)).to_contain_text(" of 124")
    expect(costs.locator(".conditions .chip")).to_have_count(1)
    expect(costs.get_by_label("Tag", exact=True)).to_have_value("")
    settled(costs)
    by_project = figure(costs).inner_text()

    row(costs, "team=web").get_by_role("link", name="team=web").click()
    expect(costs.locator(".conditions .chip")).to_have_count(2)
    settled(costs)
    assert amount(figure(costs).inner_text()) < amount(by_project)
    for number in range(rows(costs).count()):
        expect(rows(costs).nth(number)).to_contain_text("project=imagerie")

    costs.locator(".conditions .chip", has_text="team=web").click()
    expect(costs.locator(".conditions .chip")).to_have_count(1)
    expect(figure(costs)).to_have_text(by_project)
    costs.locator(".conditions .chip").click()
    expect(costs.locator(".conditions")).to_have_count(0)
    expect(figure(costs)).to_contain_text("€37,338.41")


def test_search_type_and_state_narrow_while_typing(costs):
    costs.get_by_role("searchbox").type("sql-ent")
    expect(rows(costs)).to_have_count(2)
    settled(costs)
    costs.get_by_label("Type", exact=True).select_option("Volume")
    expect(rows(costs)).to_have_count(1)
    expect(costs.get_by_role("searchbox")).to_have_value("sql-ent")
    settled(costs)
    costs.get_by_label("State").select_option("running")
    costs.get_by_role("heading", name="No resource matches").wait_for()
    costs.get_by_role("link", name="Show everything").click()
    expect(rows(costs)).to_have_count(50)


def test_the_parts_of_an_explanation_add_up_to_the_figure_of_the_row(costs):
    costs.get_by_role("link", name="sql-enterprise").first.click()
    detail = costs.locator("tr.detail")
    detail.wait_for()
    settled(costs)
    parts = detail.locator("tbody tr")
    expect(parts).to_have_count(4)
    amounts = [amount(parts.nth(number).locator("td.money").last.inner_text()) for number in range(4)]
    expect(detail.locator("tfoot .money")).to_have_text(f"€{sum(amounts):.4f}")
    expect(row(costs, "sql-enterprise").locator(".money").first).to_have_text(f"€{sum(amounts):.4f}")
    for number in range(4):
        quantity, price = (
            amount(parts.nth(number).locator("td").nth(place).inner_text()) for place in (1, 2)
        )
        assert quantity * price == amounts[number]
    opened = costs.get_by_role("link", name="sql-enterprise").first
    expect(opened).to_be_focused()
    expect(opened).to_have_attribute("aria-expanded", "true")
    opened.press("Enter")
    expect(detail).to_have_count(0)


def test_the_resources_are_sorted_and_the_totals_grouped(costs):
    costs.get_by_role("link", name="Per month").click()
    expect(costs.locator("th[aria-sort]")).to_have_attribute("aria-sort", "ascending")
    expect(rows(costs).first.locator(".money").last).to_have_text("€0.00")
    settled(costs)
    costs.get_by_role("link", name="Category").click()
    expect(costs.locator("#cost-groups thead")).to_contain_text("Category")
    expect(costs.locator("#cost-groups tfoot")).to_contain_text("€37,338.41")
    expect(costs.locator("th[aria-sort]")).to_have_attribute("aria-sort", "ascending")
    figures = costs.locator("#cost-groups tbody tr:not(.is-missing) td:nth-child(4)").all_inner_texts()
    assert sum(map(amount, figures)) == amount(figure(costs).inner_text())


def test_the_file_holds_what_the_page_shows(costs):
    add_tag(costs, "project=imagerie")
    expect(costs.locator(".conditions .chip")).to_have_count(1)
    settled(costs)
    count = rows(costs).count()
    with costs.expect_download() as download:
        costs.get_by_role("link", name="CSV", exact=True).click()
    with open(download.value.path(), encoding="utf-8-sig", newline="") as file:
        lines = list(csv.reader(file))
    place = lines[0].index("price_per_month")
    resources, total = lines[1 : count + 1], lines[count + 1]
    assert len(resources) == count
    exact = sum(Decimal(line[place]) for line in resources)
    assert exact == Decimal(total[place])
    assert amount(figure(costs).inner_text()) == round(exact, 2)


def test_back_and_forward_go_through_the_conditions(costs):
    costs.locator("#cost-groups").get_by_role("link", name="Volumes").click()
    expect(shown_count(costs)).to_contain_text("39 of 124")
    expect(costs.get_by_label("Type", exact=True)).to_have_value("Volume")
    settled(costs)
    costs.get_by_role("link", name="marketplace").first.click()
    costs.locator("tr.detail").wait_for()
    settled(costs)
    costs.go_back()
    expect(costs.locator("tr.detail")).to_have_count(0)
    expect(shown_count(costs)).to_contain_text("39 of 124")
    expect(costs.get_by_label("Type", exact=True)).to_have_value("Volume")
    costs.go_back()
    expect(shown_count(costs)).not_to_contain_text("of 124")
    expect(figure(costs)).to_contain_text("€37,338.41")
    expect(costs.get_by_label("Type", exact=True)).to_have_value("")
    costs.go_forward()
    expect(shown_count(costs)).to_contain_text("39 of 124")
    settled(costs)
    costs.get_by_role("link", name="Per hour").click()
    expect(costs.locator("th[aria-sort]")).to_contain_text("Per hour")


def test_everything_works_without_javascript(open_page, outscale):
    page = open_page(java_script_enabled=False)
    log_in_without_script(page)
    page.goto("/costs/")
    page.locator("#reading").get_by_role("button", name="Read now").click()
    expect(figure(page)).to_contain_text("€37,338.41")
    page.get_by_role("searchbox").fill("sql")
    page.get_by_label("Type", exact=True).select_option("Vm")
    page.get_by_label("Tag", exact=True).fill("Name")
    page.get_by_role("button", name="Filter").click()
    expect(shown_count(page)).to_contain_text("3 of 124")
    expect(page.get_by_role("searchbox")).to_have_value("sql")
    expect(page.locator(".conditions .chip")).to_have_count(1)
    page.get_by_role("link", name="sql-standard").click()
    expect(page.locator("tr.detail")).to_contain_text("vCore")
    page.get_by_role("link", name="Category").click()
    expect(page.locator("#cost-groups thead")).to_contain_text("Category")
    expect(shown_count(page)).to_contain_text("3 of 124")
    page.locator(".conditions .chip").click()
    expect(page.locator(".conditions")).to_have_count(0)
    page.get_by_role("button", name="Read again").click()
    expect(shown_count(page)).to_contain_text("3 of 124")
    assert CostSnapshot.objects.count() == 1


def log_in_without_script(page):
    page.goto("/login/")
    page.get_by_label("Access key").fill(DEMO_KEYS["access_key"])
    page.get_by_label("Secret key").fill(DEMO_KEYS["secret_key"])
    page.get_by_role("button", name="Log in", exact=True).click()


def test_a_refused_list_is_said_beside_the_totals(customer, outscale):
    outscale.faults.add("ReadVolumes", "refuse")
    open_costs(customer)
    notice = customer.locator("#costs .notice.is-warn")
    expect(notice).to_contain_text("The total is incomplete.")
    expect(notice).to_contain_text("Volumes")
    expect(figure(customer)).to_contain_text("≥")
    missing = customer.locator("#cost-groups tr.is-missing", has_text="Volumes")
    expect(missing.locator("td").first).to_have_text("–")
    expect(customer.locator("#cost-groups tfoot")).to_contain_text("Total of what is known")

    outscale.faults.clear()
    customer.get_by_role("button", name="Read again").click()
    expect(notice).to_have_count(0)
    expect(customer.locator("#cost-groups tbody")).to_contain_text("€1,079.42")


def test_a_cloud_that_is_down_is_said_and_the_old_figures_stay(customer, outscale):
    outscale.faults.add("*", "unavailable")
    customer.goto("/costs/")
    failure = customer.locator("#reading [role=alert]")
    expect(failure).to_contain_text("The cloud could not be read.")
    expect(customer.get_by_role("heading", name="Nothing has been read yet")).to_be_visible()
    expect(customer.locator("[aria-busy]")).to_have_count(0)
    outscale.faults.clear()
    customer.get_by_role("button", name="Read now").click()
    expect(figure(customer)).to_contain_text("€37,338.41")
    expect(failure).to_have_count(0)
    outscale.faults.add("*", "unavailable")
    customer.get_by_role("button", name="Read again").click()
    expect(failure).to_contain_text("These figures are less than a minute old.")
    expect(figure(customer)).to_contain_text("€37,338.41")


def test_a_slow_cloud_shows_its_progress_while_the_page_stands(customer, outscale):
    outscale.faults.add("ReadVolumes", "latency", 4000)
    customer.goto("/costs/")
    expect(customer.get_by_role("heading", level=1)).to_contain_text("Current cost")
    expect(customer.get_by_role("searchbox")).to_be_editable()
    reading = customer.locator("#reading")
    expect(reading).to_contain_text("Reading what runs in eu-west-2")
    expect(reading).to_contain_text("9 of 10 lists are through.")
    expect(reading.locator("progress")).to_have_attribute("value", "9")
    expect(reading.locator(".osc-tag")).to_have_text("Volumes")
    expect(figure(customer)).to_contain_text("€37,338.41", timeout=15_000)
    expect(reading).to_be_empty()


def test_the_object_storage_is_read_when_asked_for(costs):
    costs.get_by_role("button", name="Not read: list them").click()
    expect(costs.locator("#cost-groups tbody")).not_to_contain_text("Not read")
    expect(costs.locator("#cost-groups tbody")).to_contain_text("Object storage buckets")


def test_the_pages_of_resources_follow_each_other(costs):
    costs.get_by_role("link", name="Next").click()
    expect(costs.get_by_text("Page 2 of 3")).to_be_visible()
    settled(costs)
    opened = rows(costs).nth(3).locator("a.disclosure")
    opened.click()
    costs.locator("tr.detail").wait_for()
    expect(costs.get_by_text("Page 2 of 3")).to_be_visible()


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_the_page_fits_its_window(costs, size):
    costs.set_viewport_size(size)
    costs.get_by_role("link", name="sql-enterprise").first.click()
    costs.locator("tr.detail").wait_for()
    assert costs.evaluate("document.documentElement.scrollWidth") <= size["width"]
