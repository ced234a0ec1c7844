import json

import pytest
import requests
from osc_sdk_python.authentication import Authentication
from osc_sdk_python.call import Call
from osc_sdk_python.credentials import Endpoint, Profile

from sandbox.cloud import DEMO_KEY
from sandbox.server import running
from tests.sandbox.openapi import Answers


@pytest.fixture(scope="session")
def answers():
    return Answers()


@pytest.fixture(scope="session")
def served(answers):
    with running(seed=1, watch=answers) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(served, answers):
    """A sandbox in its first state; whatever it answers in a test must be as OUTSCALE describes it."""
    served.reset()
    yield served
    answers.check()


@pytest.fixture
def sdk(sandbox):
    """A function that makes the SDK's own client of a region with a key."""
    clients = []

    def client(key=DEMO_KEY, region="eu-west-2", secret_key=None):
        call = Call(
            access_key=key.access_key,
            secret_key=secret_key or key.secret_key,
            region=region,
            endpoints=Endpoint(api=sandbox.region_url(region)),
            max_retries=0,
        )
        clients.append(call)
        return call

    yield client
    for call in clients:
        call.close()


@pytest.fixture
def post(sandbox):
    """A function that sends what the SDK would refuse to send; signed when a key is given."""
    with requests.Session() as session:

        def send(call, body="{}", key=None, *, region="eu-west-2", method="POST", auth=None, **kwargs):
            profile = key and Profile(access_key=key.access_key, secret_key=key.secret_key, region=region)
            kwargs.setdefault("headers", {"Content-Type": "application/json"})
            return session.request(
                method,
                f"{sandbox.region_url(region)}/{call}",
                data=body if isinstance(body, str | bytes) else json.dumps(body),
                auth=auth or (Authentication(profile, "127.0.0.1") if key else None),
                timeout=10,
                **kwargs,
            )

        yield send


@pytest.fixture
def refusal():
    """A function that returns status and code of the error that a function of the SDK meets."""

    def code_of(function, *args, **kwargs):
        with pytest.raises(requests.HTTPError) as caught:
            function(*args, **kwargs)
        response = caught.value.response
        return response.status_code, response.json()["Errors"][0]["Code"]

    return code_of
