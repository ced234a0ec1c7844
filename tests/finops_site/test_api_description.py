"""Whatever the description of the JSON API allows, and much that it does not, is answered as it says."""

import json
import os
from collections import Counter
from contextlib import contextmanager

import hypothesis
import pydantic
import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, strategies
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance

from accounts.models import User
from finops_site.api import api
from finops_site.wsgi import application
from quotes import editing
from sandbox.cloud import DEMO_ACCOUNT
from tests.budgets.budgets import make_budget
from tests.quotes.factories import NOW, make_item, make_quote
from tests.quotes.test_quotes_api import Script

pytestmark = pytest.mark.django_db


def description():
    """Return how the API describes itself, without its logins: each request has the session of the owner."""
    told = json.loads(json.dumps(api.get_openapi_schema()))
    for methods in told["paths"].values():
        for operation in methods.values():
            operation.pop("security", None)
    return schemathesis.openapi.from_dict(told)


DESCRIPTION = description()
DESCRIPTION.app = application
OPERATIONS = [result.ok() for result in DESCRIPTION.get_all_operations()]
EXAMPLES = int(os.environ.get("API_EXAMPLES", "5"))
"""How many requests each operation gets, of what is allowed and of what is not."""


@contextmanager
def connection_kept():
    """Keep the transaction of a test, which a server closes with its connection; as Django's client does."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def known(outscale):
    """The session of an owner, and the arguments that lead to what belongs to them."""
    session = Script().session_id
    owner = User.objects.get(account_id=DEMO_ACCOUNT.account_id)
    quote = make_quote(owner=owner)
    ids = {
        "quote_id": quote.pk,
        "item_id": make_item(quote).pk,
        "group_id": editing.add_group(quote=quote, name="Web", at=NOW).pk,
        "budget_id": make_budget(of=owner).pk,
        "file_format": "csv",
    }
    return session, {name: str(value) for name, value in ids.items()}


def requests_of(operation):
    """Return what may be sent, and what may not where there is anything to do wrong."""
    has_input = operation.body or operation.query or operation.path_parameters
    modes = list(GenerationMode) if has_input else [GenerationMode.POSITIVE]
    return strategies.one_of([operation.as_strategy(generation_mode=mode) for mode in modes])


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_no_request_is_answered_by_a_fault_or_otherwise_than_described(known, operation):
    session_id, arguments = known
    statuses = set()

    @hypothesis.seed(1)
    @hypothesis.settings(
        max_examples=EXAMPLES,
        database=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(requests_of(operation), strategies.booleans())
    def ask(case, is_known):
        if is_known:
            case.path_parameters |= {name: arguments[name] for name in case.path_parameters}
        response = case.call(headers={"X-Session-ID": session_id})
        statuses.add(response.status_code)
        case.validate_response(response, checks=[not_a_server_error, response_schema_conformance])

    with connection_kept():
        ask()
    assert statuses


def kinds_below(kind):
    for one in kind.__subclasses__():
        yield one
        yield from kinds_below(one)


def test_no_two_kinds_of_the_description_have_one_name():
    ours = {"accounts", "budgets", "consumption", "costs", "finops_site", "quotes"}
    kinds = {kind for kind in kinds_below(pydantic.BaseModel) if kind.__module__.partition(".")[0] in ours}
    names = Counter(kind.__name__ for kind in kinds)
    assert len(kinds) > 50
    assert [name for name, count in names.items() if count > 1] == []
