"""What the tests of every floor share: a local OUTSCALE to talk to, and a browser that is logged in."""

import pytest

from sandbox.cloud import DEMO_KEY
from sandbox.server import running

DEMO_KEYS = {
    "access_key": DEMO_KEY.access_key,
    "secret_key": DEMO_KEY.secret_key,
    "region": "eu-west-2",
}


@pytest.fixture(scope="session")
def sandbox_of_this_process():
    with running(seed=1) as sandbox:
        yield sandbox


@pytest.fixture
def outscale(sandbox_of_this_process, settings, monkeypatch):
    """The sandbox in its first state, which the portal takes for the cloud; it is asked without delay."""
    sandbox_of_this_process.reset()
    settings.OUTSCALE_API_URL = sandbox_of_this_process.url
    settings.OUTSCALE_REQUESTS_PER_SECOND = 10_000
    monkeypatch.setattr("accounts.gateway.BACKOFF_SECONDS", 0.001)
    return sandbox_of_this_process


@pytest.fixture
def logged_in(client, db, outscale):
    """Django's test client, logged in through the login page with the keys of the demo account."""
    response = client.post("/login/", DEMO_KEYS)
    assert response.status_code == 302, response.content.decode()
    outscale.requests.clear()
    return client
