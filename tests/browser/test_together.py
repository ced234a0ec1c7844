"""The current cost of several accounts together, in a browser: the places are read one after the other."""

import re

import pytest
from playwright.sync_api import expect

from accounts import standing
from accounts.errors import AuthenticationRefused
from sandbox.cloud import LINKED_KEY, PAYING_KEY
from tests.browser.conftest import NARROW, PATIENCE_SECONDS, settled


@pytest.fixture
def session(customer):
    """A page of a session with three accounts, two regions and two currencies, all together."""
    customer.goto("/accounts/")
    for key, region in ((PAYING_KEY, "eu-west-2"), (LINKED_KEY, "us-east-2")):
        token = customer.locator("[name=csrfmiddlewaretoken]").first.input_value()
        sent = {"access_key": key.access_key, "secret_key": key.secret_key, "region": region}
        post(customer, "/accounts/add/", token, sent)
    post(customer, "/accounts/use/", token, {"together": "1"})
    return customer


def post(page, path, token, sent):
    answer = page.context.request.post(
        path, form=sent | {"csrfmiddlewaretoken": token}, headers={"Referer": page.url}
    )
    assert answer.ok, answer.text()


def test_every_place_is_read_by_itself_and_a_refused_key_holds_no_other_up(session, axe):
    standing.note_refused(LINKED_KEY.access_key, AuthenticationRefused("ReadVms"))
    session.goto("/costs/")
    expect(session.locator("#cost-places tbody tr.is-missing")).to_have_count(1)
    expect(session.locator("#readings .notice")).to_have_count(1)
    expect(session.locator("#readings .notice")).to_contain_text("us-east-2")
    expect(session.locator("#cost-places tfoot")).to_contain_text("without 1 that was not read")
    settled(session)
    axe(session)
    session.set_viewport_size(NARROW)
    axe(session, colours=False)
    standing.note_accepted(LINKED_KEY.access_key)
    session.locator("#cost-places tr.is-missing button").click()
    expect(session.locator("#cost-places tr.is-missing")).to_have_count(0)
    expect(session.locator("#readings .notice")).to_have_count(0)
    session.get_by_role("link", name="What is billed in USD").click()
    expect(session.locator("[data-figure=month]")).to_contain_text("$")
    settled(session)
    session.get_by_label("Search").fill("prod")
    expect(session).to_have_url(re.compile("currency=USD.*search=prod|search=prod.*currency=USD"))
    expect(session.locator("[data-figure=month]")).to_contain_text("$", timeout=PATIENCE_SECONDS * 1000)
