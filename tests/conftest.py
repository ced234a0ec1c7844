"""What the tests of every floor share: a local OUTSCALE to talk to, and a browser that is logged in."""

import os

import hypothesis
import pytest
from django.conf import settings
from django.core.cache import cache
from django.utils import translation

from sandbox.cloud import DEMO_KEY
from sandbox.server import running
from tests.sandbox.openapi import Answers

hypothesis.settings.register_profile("tests", deadline=None)  # a busy machine is no failure
hypothesis.settings.load_profile("tests")


def pytest_configure():
    """Let each of the processes that run the tests have a database of Redis to itself, and to empty."""
    number = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    for one in settings.CACHES.values():
        if one.get("LOCATION", "").startswith("redis:"):
            one["LOCATION"] = f"{one['LOCATION'].rpartition('/')[0]}/{number}"


DEMO_KEYS = {
    "access_key": DEMO_KEY.access_key,
    "secret_key": DEMO_KEY.secret_key,
    "region": "eu-west-2",
}


@pytest.fixture(autouse=True)
def _pages_are_made_anew(settings):
    """A test changes what a page shows without asking the portal for it."""
    settings.PAGE_TTL_SECONDS = 0


@pytest.fixture(autouse=True)
def _nothing_is_remembered(settings):
    """What a test leaves in Redis is not taken back with its transaction."""
    if settings.CACHES["default"].get("LOCATION", "").startswith("redis:"):
        cache.clear()


@pytest.fixture(autouse=True)
def _language_of_the_settings():
    """A request in French leaves its language to whatever runs next in the same thread."""
    translation.deactivate()


@pytest.fixture(scope="session")
def answers_of_the_sandbox():
    return Answers()


@pytest.fixture(scope="session")
def sandbox_of_this_process(answers_of_the_sandbox):
    with running(seed=1, watch=answers_of_the_sandbox) as sandbox:
        yield sandbox


@pytest.fixture
def outscale(sandbox_of_this_process, answers_of_the_sandbox, settings, monkeypatch):
    """The sandbox in its first state, which the portal takes for the cloud; it is asked without delay.

    What it answered must be as OUTSCALE describes its API, or the test proves nothing about the real cloud.
    """
    sandbox_of_this_process.reset()
    settings.OUTSCALE_API_URL = sandbox_of_this_process.url
    settings.OUTSCALE_OOS_URL = sandbox_of_this_process.oos_url
    settings.OUTSCALE_REQUESTS_PER_SECOND = 10_000
    monkeypatch.setattr("accounts.retrying.BACKOFF_SECONDS", 0.001)
    yield sandbox_of_this_process
    answers_of_the_sandbox.check()


@pytest.fixture
def logged_in(client, db, outscale):
    """Django's test client, logged in through the login page with the keys of the demo account."""
    response = client.post("/login/", DEMO_KEYS)
    assert response.status_code == 302, response.content.decode()
    outscale.requests.clear()
    return client
