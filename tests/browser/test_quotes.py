import datetime as dt
from decimal import Decimal

import pytest
from playwright.sync_api import expect

from costs.models import CommitmentRate
from quotes.models import Quote
from tests.browser.conftest import NARROW, WIDE, settled, until
from tests.conftest import DEMO_KEYS

YEAR = 8760


def choose(page, resource):
    """Choose a resource in the form that adds one, and wait for its fields."""
    page.get_by_label("Resource", exact=True).select_option(label=resource)
    until(
        page,
        "name => document.querySelector('#id_resource_type').selectedOptions[0].label === name",
        resource,
    )


def add(page, **fields):
    form = page.locator("#add")
    for name, value in fields.items():
        control = form.locator(f"[name={name}]")
        control.wait_for()
        if control.evaluate("node => node.tagName") == "SELECT":
            control.select_option(value)
        else:
            control.fill(value)
    before = page.locator("#sections tbody").count()
    settled(page)
    form.get_by_role("button", name="Add").click()
    expect(page.locator("#sections tbody")).to_have_count(before + 1)
    settled(page)


def press(locator, key):
    settled(locator.page)
    locator.press(key)


def make_quote(page, name):
    page.goto("/quotes/")
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Make and open").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(name)


def grand_total(page):
    return page.locator("#totals .grand.money")


@pytest.fixture
def one_year_rate(live_server):
    """The 40 % on compute: a test on a real server finds the database without what migrations wrote."""
    CommitmentRate.objects.get_or_create(
        category="compute", period="1year", valid_from=dt.date(2025, 12, 1), defaults={"percent": 40}
    )


def test_from_the_catalog_to_a_quote_saved_loaded_and_deleted(page, outscale, axe, one_year_rate):
    page.goto("/catalog/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Price catalog")
    page.get_by_role("link", name="Log in").first.click()
    page.get_by_label("Access key").fill(DEMO_KEYS["access_key"])
    page.get_by_label("Secret key").fill(DEMO_KEYS["secret_key"])
    page.get_by_role("button", name="Log in", exact=True).click()

    make_quote(page, "ERP migration")
    axe(page)
    add(page, generation="6", vcores="4", ram_gib="8", performance="2", product_codes="0002", quantity="3")
    choose(page, "Volume")
    page.locator("#add [name=volume_type]").wait_for()
    add(page, volume_type="io1", size_gib="500", iops="5000")
    choose(page, "Public IP")
    page.locator("#add [name=volume_type]").wait_for(state="detached")
    add(page, quantity="1")
    page.get_by_label("Duration").fill("1")
    page.get_by_label("Unit", exact=True).select_option(label="years")
    page.get_by_label("Commitment").select_option(label="1 year")
    page.get_by_label("Discount, %").fill("5")
    page.locator("#terms").get_by_role("button", name="Apply").click()

    compute = 3 * (4 * Decimal("0.035") + 8 * Decimal("0.005")) * YEAR
    licence = 3 * 2 * Decimal("0.121") * YEAR
    volume = (500 * Decimal("0.13") + 5000 * Decimal("0.01")) * 12
    address = Decimal("0.005") * YEAR
    total = (compute * Decimal("0.6") + licence + volume + address) * Decimal("0.95")
    expect(grand_total(page)).to_have_text(f"€{total:,.2f}")
    axe(page)

    page.get_by_role("button", name="Save quote").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Saved")
    make_quote(page, "Another plan")
    page.goto("/quotes/")
    axe(page)
    page.get_by_role("link", name="ERP migration", exact=True).click()
    page.get_by_role("button", name="Make active").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Active quote")
    expect(grand_total(page)).to_have_text(f"€{total:,.2f}")

    page.get_by_role("link", name="Delete", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Delete")
    axe(page)
    page.get_by_role("button", name="Delete the quote").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Another plan")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Active quote")
    assert [quote.name for quote in Quote.objects.all()] == ["Another plan"]

    page.get_by_role("button", name="Account").click()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_label("Access key")).to_be_visible()


def test_a_row_is_edited_in_its_place_without_reloading_the_page(customer, axe):
    make_quote(customer, "Edited")
    add(customer, vm_type="tinav6.c4r8p2")
    customer.evaluate("window.notReloaded = true")
    customer.get_by_role("link", name="Edit Virtual machine").click()
    row = customer.locator("#sections tbody")
    settled(customer)
    row.get_by_label("RAM, GiB").fill("16")
    expect(row.locator(".price-preview")).to_contain_text("€0.220 per hour")
    axe(customer)
    row.get_by_role("button", name="Apply").click()
    expect(row.locator("tr").first).to_contain_text("tinav6.c4r16p2")
    expect(grand_total(customer)).to_have_text("€160.60")
    expect(customer.get_by_role("link", name="Edit Virtual machine")).to_be_focused()
    assert customer.evaluate("window.notReloaded") is True


def test_what_is_wrong_in_a_row_is_said_there_and_cancelling_brings_it_back(customer):
    make_quote(customer, "Mistaken")
    add(customer, vm_type="tinav6.c4r8p2")
    customer.get_by_role("link", name="Edit Virtual machine").click()
    row = customer.locator("#sections tbody")
    row.get_by_label("Or VM type").fill("tinav99.c4r8p2")
    row.get_by_role("button", name="Apply").click()
    expect(row.locator(".invalid-feedback")).to_contain_text("has no price")
    row.get_by_role("link", name="Cancel").click()
    expect(row.locator("tr").first).to_contain_text("tinav6.c4r8p2")
    expect(row.locator("form")).to_have_count(0)


def test_what_is_being_typed_survives_what_happens_elsewhere(customer):
    make_quote(customer, "Typed")
    add(customer, vm_type="tinav6.c4r8p2")
    add(customer, vm_type="tinav6.c2r4p2")
    customer.get_by_role("link", name="Edit Virtual machine").first.click()
    row = customer.locator("#sections tbody").first
    settled(customer)
    row.get_by_label("RAM, GiB").fill("99")
    customer.get_by_label("Duration").fill("36")
    customer.locator("#add").get_by_label("Name").fill("half typed")
    customer.get_by_role("button", name="Duplicate Virtual machine").last.click()
    expect(customer.locator("#sections tbody")).to_have_count(3)
    expect(row.get_by_label("RAM, GiB")).to_have_value("99")
    expect(customer.get_by_label("Duration")).to_have_value("36")
    expect(customer.locator("#add").get_by_label("Name")).to_have_value("half typed")
    row.get_by_role("button", name="Apply").click()
    expect(row.locator("form")).to_have_count(0)
    expect(row).to_contain_text("tinav6.c4r99p2")


def test_the_keyboard_stays_where_it_works(customer):
    make_quote(customer, "Keys")
    for name in "abc":
        add(customer, vm_type="tinav6.c4r8p2", resource_name=name)
    focused = customer.locator(":focus")
    press(customer.get_by_role("button", name="Move down a", exact=True), "Enter")
    expect(customer.locator("#sections tbody").nth(1)).to_contain_text("a")
    expect(focused).to_have_accessible_name("Move down a")
    press(focused, "Enter")
    expect(customer.locator("#sections tbody").nth(2)).to_contain_text("a")
    press(customer.get_by_role("button", name="Remove b", exact=True), "Enter")
    expect(customer.locator("#sections tbody")).to_have_count(2)
    expect(focused).to_have_accessible_name("Edit c")
    press(focused, "Enter")
    expect(focused).to_have_attribute("name", "generation")
    region = customer.locator("#sections").get_by_label("Region")
    region.select_option("us-east-2")
    expect(customer.locator("#sections .price-preview")).to_contain_text("$")
    expect(region).to_have_value("us-east-2")
    press(focused, "Escape")
    expect(focused).to_have_accessible_name("Edit c")


def test_groups_are_made_filled_and_folded(customer, axe):
    make_quote(customer, "Grouped")
    customer.get_by_text("New group").click()
    customer.locator("#new-group").get_by_label("Name").fill("Front")
    customer.get_by_role("button", name="Make the group").click()
    expect(customer.get_by_role("heading", name="Front")).to_be_visible()
    add(customer, vm_type="tinav6.c4r8p2", group_id=_value_of(customer, "Front"))
    expect(customer.locator("tfoot")).to_contain_text("€131.40")
    customer.get_by_role("button", name="Hide the items of Front").click()
    expect(customer.locator("tfoot")).to_have_count(0)
    axe(customer)
    customer.get_by_role("button", name="Show the items of Front").click()
    expect(customer.locator("tfoot")).to_be_visible()


def _value_of(page, group):
    option = page.locator("#add [name=group_id] option", has_text=group)
    option.wait_for(state="attached")
    return option.get_attribute("value")


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_the_builder_fits_its_window(customer, size):
    make_quote(customer, "Fitting")
    add(customer, vm_type="tinav6.c4r8p2", product_codes="0002")
    customer.set_viewport_size(size)
    assert customer.evaluate("document.documentElement.scrollWidth") <= size["width"]


def test_the_builder_works_without_javascript(open_page, outscale):
    page = open_page(java_script_enabled=False)
    page.goto("/login/")
    page.get_by_label("Access key").fill(DEMO_KEYS["access_key"])
    page.get_by_label("Secret key").fill(DEMO_KEYS["secret_key"])
    page.get_by_role("button", name="Log in", exact=True).click()
    make_quote(page, "Plain")
    page.get_by_label("Resource", exact=True).select_option("nat_service")
    page.get_by_role("button", name="Choose").click()
    page.locator("#add").get_by_role("button", name="Add").click()
    expect(grand_total(page)).to_have_text("€36.50")
    page.get_by_role("button", name="Duplicate NAT service").click()
    expect(grand_total(page)).to_have_text("€73.00")
    page.get_by_role("link", name="Edit NAT service").first.click()
    page.locator("#sections form").get_by_label("Quantity").fill("3")
    page.locator("#sections form").get_by_role("button", name="Apply").click()
    expect(grand_total(page)).to_have_text("€146.00")
    page.get_by_role("button", name="Remove NAT service").first.click()
    expect(grand_total(page)).to_have_text("€36.50")
