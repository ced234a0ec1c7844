"""What the JSON API answers whatever the router: text that cannot be kept, and what has just gone."""

import json

import pytest

from quotes import lifecycle
from quotes.models import Quote
from tests.conftest import DEMO_KEYS

pytestmark = pytest.mark.django_db

UNSTORABLE = ["nul \x00", "\ud800", "\udfff and more"]


def refusal(client, path, body, method="post"):
    """Send a body; return the fields that a 400 names."""
    response = getattr(client, method)(path, json.dumps(body), content_type="application/json")
    assert response.status_code == 400, response.content
    error = response.json()["error"]
    assert error["code"] == "VALIDATION_FAILED"
    assert {tuple(texts) for texts in error["details"].values()} == {("This is not valid text.",)}
    return list(error["details"])


@pytest.mark.parametrize("text", UNSTORABLE)
def test_text_that_cannot_be_kept_is_refused_at_the_login(client, outscale, text):
    for field in ("access_key", "secret_key", "region"):
        assert refusal(client, "/api/auth/login", DEMO_KEYS | {field: text}) == [field]
    assert len(outscale.requests) == 0


@pytest.mark.parametrize("text", UNSTORABLE)
def test_text_that_cannot_be_kept_is_refused_at_a_refresh(client, outscale, text):
    assert refusal(client, "/api/catalog/refresh", {"region": text}) == ["region"]
    assert refusal(client, "/api/catalog/refresh", {text: "eu-west-2"}) == ["__all__"]
    assert refusal(client, "/api/catalog/refresh", text) == ["__all__"]


@pytest.mark.parametrize("text", UNSTORABLE)
def test_text_that_cannot_be_kept_is_refused_in_a_quote(logged_in, text):
    assert refusal(logged_in, "/api/quotes", {"name": text}) == ["name"]
    logged_in.post("/api/quotes", {"name": "ERP"}, content_type="application/json")
    path = f"/api/quotes/{Quote.objects.get().pk}"
    assert refusal(logged_in, path, {"name": text}, "put") == ["name"]
    item = {"resource_type": "vm", "region": "eu-west-2", "parameters": {"vm_type": "tinav6.c4r8p2"}}
    assert refusal(logged_in, f"{path}/items", item | {"resource_name": text}) == ["resource_name"]
    for parameters, field in (
        ({"vm_type": text}, "parameters.vm_type"),
        ({"product_codes": ["0001", text]}, "parameters.product_codes.1"),
        ({text: 1}, "parameters"),
        ({"a": [{text: {text: text}}]}, "parameters.a.0"),
    ):
        assert refusal(logged_in, f"{path}/items", item | {"parameters": parameters}) == [field]


def test_text_beyond_the_first_plane_is_text(logged_in):
    answer = logged_in.post("/api/quotes", {"name": "🚀 日本"}, content_type="application/json")
    assert answer.json()["data"]["name"] == "🚀 日本"


def test_a_body_nested_without_end_is_refused(client, db):
    for body in ("[" * 100_000, "[" * 500 + '"\\ud800"' + "]" * 500):
        response = client.post("/api/auth/login", body, content_type="application/json")
        assert response.status_code == 400


def test_what_somebody_else_has_just_deleted_is_not_found(logged_in, monkeypatch):
    def gone(**_arguments):
        raise Quote.DoesNotExist

    monkeypatch.setattr(lifecycle, "create", gone)
    answer = logged_in.post("/api/quotes", {"name": "ERP"}, content_type="application/json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND")
