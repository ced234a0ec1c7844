"""Every address of the portal, as the URLconf has it, asked by who may not: a new one is covered by itself.

An address is public, free of the CSRF token, or without an owner only when it is named so below.
"""

from contextlib import contextmanager
from functools import cache

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLResolver, get_resolver, resolve
from django.utils import timezone
from django.utils.regex_helper import normalize

from accounts.models import User
from budgets.models import Budget
from consumption import ruleorder, savedviews
from consumption.models import SavedView
from consumption.rules import AllocationRule
from finops_site.api import api
from quotes import editing
from quotes.models import Quote, QuoteGroup, QuoteItem
from sandbox.cloud import DEMO_ACCOUNT, PAYING_KEY
from tests.budgets.budgets import make_budget
from tests.conftest import DEMO_KEYS
from tests.quotes.factories import NOW, make_item, make_quote

pytestmark = pytest.mark.django_db

PUBLIC = {
    "overview",  # what the portal is, and no figure
    "accounts:login",
    "costs:catalog",
    "costs:fresh_catalog",
    "costs:refresh_catalog",
    "costs:catalog_csv",
    "costs:catalog_history",
    "set_language",
    "theme",
    "healthz",
    "metrics",  # not found without METRICS_TOKEN, refused without the token
    "readyz",
    "admin:login",
    "api:openapi-json",
    "api:openapi-view",
    "api:log_in",
    "api:list_prices",
    "api:refresh",
    "api:api-root",  # not found
}
WITHOUT_TOKEN = {
    "api:log_in",  # changes nothing for the browser that asks
    "api:refresh",  # public, and limited
}
OWNED = ("quote_id", "group_id", "item_id", "budget_id", "view_id", "rule_id")
FORMS = {
    "quotes:detail": {"action": "save"},
    "quotes:group": {"action": "fold"},
    "quotes:item-act": {"action": "duplicate"},
}
"""What the forms are sent that do nothing otherwise."""

BODIES = {
    "NameIn": {"name": "Taken"},
    "GroupIn": {"name": "Taken"},
    "ItemIn": {"resource_type": "nat_service", "region": "eu-west-2"},
}
"""What the operations of the API that need a body are sent; all others take an empty one."""

METHODS = ("get", "post", "put", "patch", "delete")
CHANGING = METHODS[1:]


@cache
def described():
    """Return the paths of the API as it describes itself."""
    return api.get_openapi_schema()["paths"]


class Address:
    """One address of the URLconf."""

    def __init__(self, name, template, parameters, callback):
        self.name, self.template, self.parameters, self.callback = name, template, parameters, callback

    def path(self, values):
        lacking = [name for name in self.parameters if name not in values]
        assert not lacking, f"Say in the fixture 'values' which {lacking} {self.name} is to be asked with."
        path = "/" + self.template % values
        assert resolve(path).func == self.callback, f"{path} is not {self.name}"
        return path

    @property
    def operations(self):
        """What the API's own description says of the methods of this address."""
        path = "/" + self.template.replace("%(", "{").replace(")s", "}")
        return described().get(path, {})

    @property
    def is_api(self):
        return self.template.startswith("api/")

    @property
    def is_admin(self):
        return self.template.startswith("admin/")

    def __repr__(self):
        return self.template or "/"


def addresses_below(resolver, begin="", space=()):
    for pattern in resolver.url_patterns:
        regex = begin + pattern.pattern.regex.pattern.lstrip("^")
        if isinstance(pattern, URLResolver):
            inside = (*space, pattern.namespace) if pattern.namespace else space
            yield from addresses_below(pattern, regex, inside)
        else:
            template, parameters = normalize(regex)[0]
            name = ":".join([*space, pattern.name]) if pattern.name else template
            yield Address(name, template, parameters, pattern.callback)


def every_address():
    """Return each address once: the API has a pattern for each method, of which the first one answers all."""
    found = {}
    for address in addresses_below(get_resolver()):
        found.setdefault(address.template, address)
    return list(found.values())


ADDRESSES = every_address()
OF_AN_OWNER = [address for address in ADDRESSES if set(address.parameters) & set(OWNED)]


@pytest.fixture
def values(outscale):
    """An owner with something of every kind, and the arguments of all addresses that lead to it."""
    owner = User.objects.for_account(DEMO_ACCOUNT.account_id)
    quote = make_quote(owner=owner, name="Hidden quote")
    view = savedviews.save(owner=owner, name="Hidden view", page="history", query="", at=NOW)
    rule = AllocationRule(owner=owner, cost_centre="Hidden centre", tag_key="team", tag_value="a")
    return {
        "quote_id": quote.pk,
        "item_id": make_item(quote, resource_name="Hidden item").pk,
        "group_id": editing.add_group(quote=quote, name="Hidden group", at=NOW).pk,
        "budget_id": make_budget(of=owner, name="Hidden budget").pk,
        "view_id": view.pk,
        "rule_id": ruleorder.keep(rule=rule, at=timezone.now()).pk,
        "file_format": "csv",
        "page": "history",
        "anomaly": "an-id",
        # of the admin
        "app_label": "quotes",
        "content_type_id": 1,
        "id": owner.pk,
        "object_id": quote.pk,
        "url": "anything",
    }


def kept():
    """All rows of what owners make."""
    kinds = (Quote, QuoteGroup, QuoteItem, Budget, SavedView, AllocationRule)
    return {kind: list(kind.objects.order_by("pk").values()) for kind in kinds}


@contextmanager
def undone():
    """What happens inside has never happened."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def send(client, address, method, values, **headers):
    body = {"data": FORMS[address.name]} if method == "post" and address.name in FORMS else {}
    if address.is_api and method != "get":
        described = address.operations.get(method, {}).get("requestBody", {})
        schema = described.get("content", {}).get("application/json", {}).get("schema", {})
        given = BODIES.get(schema.get("$ref", "").rpartition("/")[2], {})
        body = {"data": given, "content_type": "application/json"}
    return getattr(client, method)(address.path(values), **body, headers=headers)


def logged_in_with(**keys):
    client = Client()
    assert client.post("/login/", DEMO_KEYS | keys).status_code == 302
    return client


def is_refused(address, answer):
    if address.is_api:
        return answer.status_code in (401, 405)
    login = "/admin/login/" if address.is_admin else "/login/"
    return answer.status_code == 302 and answer["Location"].startswith(f"{login}?next=")


def test_a_stranger_is_let_in_nowhere_but_where_it_is_said(values):
    stranger, before, let_in = Client(), kept(), set()
    for address in ADDRESSES:
        for method in METHODS:
            stranger.cookies.clear()
            answer = send(stranger, address, method, values)
            assert answer.status_code != 500, (address, method)
            if not is_refused(address, answer):
                let_in.add(address.name)
                assert b"Hidden" not in b"".join(answer), (address, method)
    assert let_in == PUBLIC
    assert kept() == before


def test_a_customer_is_let_into_no_page_of_the_operators(values):
    customer = logged_in_with()
    for address in ADDRESSES:
        if address.is_admin and address.name not in PUBLIC | {"admin:logout"}:
            for method in ("get", "post"):
                assert is_refused(address, send(customer, address, method, values)), (address, method)


def test_what_belongs_to_another_owner_is_not_found_and_stays_as_it_is(values):
    other = logged_in_with(access_key=PAYING_KEY.access_key, secret_key=PAYING_KEY.secret_key)
    owner, before = logged_in_with(), kept()
    for address in OF_AN_OWNER:
        met = {}
        for method in METHODS:
            met[method] = send(other, address, method, values).status_code
            assert met[method] in (404, 405), (address, method, met[method])
            assert kept() == before, (address, method)
            with undone():
                theirs = send(owner, address, method, values).status_code
            assert theirs not in (404, 500), (address, method, theirs)
            assert (theirs == 405) is (met[method] == 405), (address, method, theirs)
        assert 404 in met.values(), address


@pytest.mark.parametrize("begun_by_the_owner", [True, False])
def test_parts_of_another_quote_are_not_reached_through_ones_own(values, begun_by_the_owner):
    other = User.objects.for_account(PAYING_KEY.account_id)
    own = make_quote(owner=other, name="Own")
    item = make_item(own)
    group = editing.add_group(quote=own, name="Own", at=NOW)
    mixed = values | (
        {"item_id": item.pk, "group_id": group.pk} if begun_by_the_owner else {"quote_id": own.pk}
    )
    keys = (
        {}
        if begun_by_the_owner
        else {"access_key": PAYING_KEY.access_key, "secret_key": PAYING_KEY.secret_key}
    )
    client, before = logged_in_with(**keys), kept()
    for address in OF_AN_OWNER:
        if {"item_id", "group_id"} & set(address.parameters):
            for method in METHODS:
                assert send(client, address, method, mixed).status_code in (404, 405), (address, method)
    assert kept() == before


def test_without_the_csrf_token_nothing_is_changed_anywhere(values):
    browser = Client(enforce_csrf_checks=True)
    browser.cookies = logged_in_with().cookies
    assert browser.get("/accounts/").status_code == 200
    before, free = kept(), set()
    for address in ADDRESSES:
        for method in set(address.operations or ["post"]) & set(CHANGING):
            if send(browser, address, method, values).status_code != 403:
                free.add(address.name)
    assert free == WITHOUT_TOKEN
    assert kept() == before
    assert browser.get("/accounts/").status_code == 200


def test_the_api_describes_all_that_it_answers():
    of_api = [address for address in ADDRESSES if address.is_api]
    assert sum(bool(address.operations) for address in of_api) == len(described())
    undescribed = {address.name for address in of_api if not address.operations}
    assert undescribed == {"api:openapi-json", "api:openapi-view", "api:api-root"}
