"""The shell of every page: navigation, themes, languages, keyboard."""

import pytest

from tests.browser.conftest import NARROW

SHELL_PAGES = ["/", "/no-such-page/", "/login/", "/catalog/"]


@pytest.mark.parametrize("path", SHELL_PAGES)
def test_a_page_is_never_wider_than_the_window(open_page, outscale, path):
    page = open_page(viewport={"width": 320, "height": 640})
    page.goto(path)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
def test_the_folded_menu_opens_and_closes(open_page, script):
    page = open_page(viewport=NARROW, java_script_enabled=script)
    page.goto("/")
    navigation = page.get_by_role("navigation", name="Main")
    assert not navigation.is_visible()
    page.get_by_role("button", name="Menu").focus()
    page.keyboard.press("Enter")
    assert navigation.get_by_role("link", name="Overview").is_visible()
    page.keyboard.press("Escape")
    assert not navigation.is_visible()


def test_a_customer_sees_whose_account_it_is_and_leaves_by_the_menu(customer):
    customer.goto("/catalog/")
    scope = customer.locator("button.scope").inner_text()
    assert " ".join(scope.split()) == "Meridian Santé 100000000001 · eu-west-2"
    customer.get_by_role("button", name="Account", exact=True).click()
    customer.get_by_role("button", name="Log out").click()
    customer.get_by_role("heading", name="Log in with your OUTSCALE keys").wait_for()


def test_the_sidebar_marks_the_page_one_is_on(page):
    page.goto("/")
    assert page.locator(".side [aria-current=page]").inner_text().strip() == "Overview"


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
def test_the_chosen_theme_stays(open_page, script):
    page = open_page(java_script_enabled=script)
    page.goto("/")
    html = page.locator("html")
    assert html.get_attribute("data-bs-theme") is None
    page.get_by_role("button", name="Theme").click()
    page.get_by_role("button", name="Dark").click()
    assert html.get_attribute("data-bs-theme") == "dark"
    page.goto("/no-such-page/")
    assert html.get_attribute("data-bs-theme") == "dark"


@pytest.mark.parametrize(("system", "shade"), [("light", "rgb(246, 248, 249)"), ("dark", "rgb(17, 23, 30)")])
def test_without_a_choice_the_theme_is_the_systems(open_page, system, shade):
    page = open_page(color_scheme=system)
    page.goto("/")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == shade


def test_the_language_can_be_changed_there_and_back(page):
    page.goto("/?from=here")
    page.get_by_role("button", name="Français").click()
    assert page.locator("html").get_attribute("lang") == "fr"
    assert page.url.endswith("/?from=here")
    page.get_by_role("button", name="English").click()
    assert page.locator("html").get_attribute("lang") == "en"


def test_the_first_tab_stop_skips_to_the_content(page):
    page.goto("/")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    assert skip.bounding_box()["y"] >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"


def test_a_message_stands_in_the_corner_until_it_is_closed(page, outscale):
    page.goto("/catalog/")
    page.get_by_role("button", name="Refresh").click()
    message = page.get_by_role("status").get_by_text("The prices were fetched")
    message.wait_for()
    page.get_by_role("button", name="Close").click()
    assert not message.is_visible()


def test_without_script_a_message_stands_above_the_page_instead_of_over_it(open_page, outscale):
    page = open_page(java_script_enabled=False)
    page.goto("/catalog/")
    page.get_by_role("button", name="Refresh").click()
    message = page.get_by_role("status").get_by_text("The prices were fetched").bounding_box()
    assert message["y"] + message["height"] <= page.locator("main").bounding_box()["y"]
    assert not page.get_by_role("button", name="Close").is_visible()


def test_a_button_shows_and_hides_the_row_it_names(page):
    page.goto("/")
    put(page, '<button data-disclose="row" aria-expanded="false">Why?</button><p id="row" hidden>So.</p>')
    button, row = page.get_by_role("button", name="Why?"), page.locator("#row")
    button.click()
    assert (button.get_attribute("aria-expanded"), row.is_visible()) == ("true", True)
    button.click()
    assert (button.get_attribute("aria-expanded"), row.is_visible()) == ("false", False)


@pytest.mark.parametrize(("answer", "address"), [("accept", "/?gone="), ("dismiss", "/")])
def test_a_form_that_destroys_asks_first(page, answer, address):
    page.goto("/")
    put(page, '<form data-confirm="Really?"><input type="hidden" name="gone"><button>Delete</button></form>')
    questions = []
    page.on("dialog", lambda dialog: (questions.append(dialog.message), getattr(dialog, answer)()))
    page.get_by_role("button", name="Delete").click()
    assert questions == ["Really?"]
    page.wait_for_url(f"**{address}")


def test_a_failed_request_of_htmx_is_said_in_plain_words(page):
    page.goto("/")
    page.evaluate("htmx.ajax('GET', '/no-such-page/', '#content')")
    notice = page.get_by_role("status").get_by_text("This no longer exists.")
    notice.wait_for()
    page.get_by_role("button", name="Close").click()
    assert not notice.is_visible()


def test_an_unreachable_portal_is_said_in_plain_words(page, faults):
    page.goto("/")
    page.context.set_offline(True)
    page.evaluate("htmx.ajax('GET', '/', '#content').catch(() => {})")
    page.get_by_role("status").get_by_text("The portal cannot be reached.").wait_for()
    faults.clear()  # htmx writes it to the console as well


def put(page, markup):
    page.locator("#content").evaluate("(content, markup) => { content.innerHTML = markup }", markup)
