"""Chromium in front of a live server.

A browser test takes ``page`` (Playwright's, sync), goes to a path (``page.goto("/catalog/")``) and says what
a person must see; ``customer`` is a page after login, ``open_page`` opens other windows. Everything here is
marked ``browser``. A test fails by itself when a page logs an error, violates the Content-Security-Policy,
misses a file or gets a 5xx (see ``faults``). ``axe(page)`` checks a page as it stands, in both themes.
"""

import os
import time
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from bs4 import BeautifulSoup
from django.core.cache import cache
from django.core.signals import request_finished, request_started
from playwright.sync_api import expect, sync_playwright

from sandbox.cloud import DEMO_KEY
from tests.environment import CHROMIUM

PATIENCE_SECONDS = 15
"""How long a browser test waits for what must come: a busy machine is no fault of the page."""

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]
HTMX_AT_WORK = ".htmx-request, .htmx-swapping, .htmx-settling, .htmx-added"
WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 768, "height": 1024}
WINDOW = {"viewport": WIDE, "reduced_motion": "reduce"}  # a colour half-way through a transition fails axe


WINDOWS = pytest.StashKey[list]()
"""The windows that a test has opened."""


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.browser)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Say what stood on the page when a test failed: a picture does not come through a log."""
    report = yield
    if call.when == "call" and report.failed:
        for page in item.stash.get(WINDOWS, []):
            report.sections.append((f"Page {page.url}", page.locator("body").inner_text()))
    return report


@pytest.fixture(scope="session")
def browser():
    # Playwright's sync API keeps an event loop in this thread; Django would refuse its database here.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    expect.set_options(timeout=PATIENCE_SECONDS * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def faults():
    """What went wrong in the browser; a test that provokes a fault takes it out of this list."""
    return []


@pytest.fixture
def rest(live_server):
    """Let the server answer what it has begun, before the tables are emptied under it.

    A page that is left does not end the reading of days that it has asked for.
    """
    begun, ended = [], []
    watched = ((request_started, begun), (request_finished, ended))
    for signal, noted in watched:
        signal.connect(lambda noted=noted, **_: noted.append(True), weak=False, dispatch_uid="rest")
    try:
        yield
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(ended) < len(begun):
            assert time.monotonic() < deadline, "a request is never answered"
            time.sleep(0.01)
    finally:
        for signal, _noted in watched:
            signal.disconnect(dispatch_uid="rest")


@pytest.fixture
def open_page(request, browser, live_server, rest, faults):
    """Open a browser window of its own: ``open_page(viewport=NARROW, java_script_enabled=False)``."""
    contexts = []
    cache.clear()  # counted requests of the test before

    def open_page(**options):
        context = browser.new_context(**{"base_url": live_server.url, **WINDOW, **options})
        context.set_default_timeout(PATIENCE_SECONDS * 1000)
        contexts.append(context)
        page = context.new_page()
        request.node.stash.setdefault(WINDOWS, []).append(page)
        page.on("console", lambda message: _note_console(faults, message))
        page.on("pageerror", lambda error: faults.append(f"exception: {error}"))
        page.on("response", lambda response: _note_response(faults, response))
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert faults == []


@pytest.fixture
def page(open_page):
    return open_page()


@pytest.fixture
def customer(page, outscale):
    """A page of somebody who has logged in with the keys of the demo account."""
    log_in(page)
    return page


def log_in(page, key=DEMO_KEY):
    """Log in as the form does, without drawing any page: the overview would begin to read the cloud.

    ``test_quotes`` fills the form in by hand.
    """
    session = page.context.request
    form = BeautifulSoup(session.get("/login/").text(), "html.parser").select_one(
        "form:has([name=secret_key])"
    )
    sent = {field["name"]: field.get("value", "") for field in form.select("input[name]")}
    sent |= {"access_key": key.access_key, "secret_key": key.secret_key, "region": "eu-west-2"}
    answer = session.post("/login/", form=sent, headers={"Referer": session.get("/login/").url})
    assert not answer.url.endswith("/login/"), answer.text()


@pytest.fixture
def axe():
    """Check a page as it stands, in both themes: ``axe(page)``; ``without`` leaves out what it selects.

    ``colours=False`` leaves the contrast out, which takes nearly all of the time: for another width, as the
    colours are the same there.
    """

    def check(page, without=None, *, colours=True):
        context = {"exclude": [[without]]} if without else None
        options = {"resultTypes": ["violations"]}
        if not colours:
            options["rules"] = {"color-contrast": {"enabled": False}}
        for theme in ("light", "dark") if colours else ("light",):
            page.evaluate("theme => document.documentElement.dataset.bsTheme = theme", theme)
            results = Axe().run(page, context, options)
            assert results.violations_count == 0, f"{theme}: {results.generate_report()}"

    return check


def settled(page):
    """Wait until htmx has nothing under way, and listens to what it has brought."""
    expect(page.locator(HTMX_AT_WORK)).to_have_count(0)


def until(page, expression, argument=None):
    """Wait until an expression, or a function of ``argument``, is true in the page.

    Playwright's own ``wait_for_function`` looks again by evaluating text inside the page, which our
    Content-Security-Policy forbids.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not page.evaluate(expression, argument):
        assert time.monotonic() < deadline, f"still not so: {expression}"
        page.wait_for_timeout(20)


def _note_console(faults, message):
    # Chromium's and htmx's lines about a status: _note_response decides which status is a fault.
    about_status = "Failed to load resource" in message.text or "Response Status Error Code" in message.text
    # What a page had asked for when it was left is given up, which is no fault of either.
    given_up = message.text.startswith(("htmx:sendAbort", "htmx:afterRequest"))
    if message.type in {"error", "warning"} and not (about_status or given_up):
        faults.append(f"console: {message.text}")


def _note_response(faults, response):
    page_itself = response.request.resource_type in {"document", "xhr", "fetch"}
    if response.status >= (500 if page_itself else 400):
        faults.append(f"{response.status}: {response.url}")
