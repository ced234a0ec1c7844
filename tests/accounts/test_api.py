import json
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from accounts.models import User
from sandbox.cloud import DEMO_ACCOUNT, LINKED_KEY, REFUSED_KEY
from tests.conftest import DEMO_KEYS

pytestmark = pytest.mark.django_db


@pytest.fixture
def script(outscale):
    """A client that is no browser: it keeps no cookie and has no CSRF token."""
    return Client(enforce_csrf_checks=True)


def log_in(script, **changes):
    return script.post("/api/auth/login", DEMO_KEYS | changes, content_type="application/json")


def error_of(response):
    assert response["Content-Type"] == "application/json"
    body = response.json()
    assert list(body) == ["error"]
    assert sorted(body["error"]) == ["code", "details", "message"]
    assert body["error"]["message"]
    return response.status_code, body["error"]["code"]


def test_login_gives_a_session_id_with_account_region_and_end(script):
    response = log_in(script)

    assert response.status_code == 200
    body = response.json()
    data = body["data"]
    assert body["metadata"] == {}
    assert data["account"] == {"account_id": DEMO_ACCOUNT.account_id, "name": DEMO_ACCOUNT.company}
    assert data["region"] == "eu-west-2"
    left = datetime.fromisoformat(data["expires_at"]) - datetime.now(UTC)
    assert timedelta(minutes=29) < left <= timedelta(minutes=30)
    assert len(data["session_id"]) > 64


def test_session_id_opens_the_session_without_cookies_or_csrf(script):
    header = {"X-Session-ID": log_in(script).json()["data"]["session_id"]}

    session = script.get("/api/auth/session", headers=header)
    accounts = script.get("/api/accounts", headers=header)

    assert session.json()["data"]["account"]["account_id"] == DEMO_ACCOUNT.account_id
    assert session.json()["data"]["session_id"] == header["X-Session-ID"]
    expected = {
        "account_id": DEMO_ACCOUNT.account_id,
        "name": DEMO_ACCOUNT.company,
        "region": "eu-west-2",
        "access_key_ending": "DEMO",
        "in_use": True,
        "refusal": None,
    }
    assert accounts.json() == {"data": [expected], "metadata": {"together": False}}
    assert not script.cookies


def test_logout_of_a_script_destroys_its_session(script):
    header = {"X-Session-ID": log_in(script).json()["data"]["session_id"]}

    assert script.post("/api/auth/logout", headers=header).status_code == 204

    assert not Session.objects.exists()
    assert error_of(script.get("/api/auth/session", headers=header)) == (401, "SESSION_EXPIRED")


def test_login_of_a_script_leaves_the_browsers_session_alone(logged_in):
    before = logged_in.session.session_key, logged_in.cookies["finops_key"].value

    response = log_in(logged_in, access_key=LINKED_KEY.access_key, secret_key=LINKED_KEY.secret_key)

    assert response.status_code == 200
    assert not response.cookies
    assert (logged_in.session.session_key, logged_in.cookies["finops_key"].value) == before
    assert DEMO_ACCOUNT.account_id in logged_in.get("/accounts/").content.decode()


def test_browsers_session_reads_without_token_and_writes_only_with_one(outscale):
    browser = Client(enforce_csrf_checks=True)
    browser.get("/login/")
    token = browser.cookies["csrftoken"].value
    browser.post("/login/", DEMO_KEYS | {"csrfmiddlewaretoken": token})

    assert browser.get("/api/auth/session").json()["data"]["session_id"] is None
    assert error_of(browser.post("/api/auth/logout")) == (403, "FORBIDDEN")
    token = browser.cookies["csrftoken"].value
    assert browser.post("/api/auth/logout", headers={"X-CSRFToken": token}).status_code == 204
    assert error_of(browser.get("/api/auth/session")) == (401, "SESSION_EXPIRED")
    assert browser.cookies["finops_key"].value == ""


@pytest.mark.parametrize("session_id", ["", ".", "x", "x.y", "a" * 32 + "." + "b" * 43, "é.é", "a.b.c.d"])
def test_session_id_that_is_none_is_a_session_that_ended(script, session_id):
    answer = script.get("/api/auth/session", headers={"X-Session-ID": session_id})

    assert error_of(answer) == (401, "SESSION_EXPIRED")


def test_wrong_session_id_does_not_fall_back_on_the_browsers_session(logged_in):
    answer = logged_in.get("/api/auth/session", headers={"X-Session-ID": "a" * 32 + ".wrong"})

    assert error_of(answer) == (401, "SESSION_EXPIRED")
    assert logged_in.get("/accounts/").status_code == 200


def test_header_opens_no_page_outside_the_api(script):
    header = {"X-Session-ID": log_in(script).json()["data"]["session_id"]}

    assert script.get("/accounts/", headers=header).status_code == 302


@pytest.mark.parametrize(
    ("changes", "expected", "field"),
    [
        ({"secret_key": "wrong"}, (401, "AUTHENTICATION_REFUSED"), "secret_key"),
        ({"secret_key": ""}, (400, "VALIDATION_FAILED"), "secret_key"),
        ({"secret_key": None}, (400, "VALIDATION_FAILED"), "secret_key"),
        ({"secret_key": 12}, (400, "VALIDATION_FAILED"), "secret_key"),
        ({"access_key": ["a"]}, (400, "VALIDATION_FAILED"), "access_key"),
        ({"region": "eu-west-3"}, (400, "VALIDATION_FAILED"), "region"),
    ],
)
def test_refused_login_names_the_field(script, changes, expected, field):
    response = log_in(script, **changes)

    assert error_of(response) == expected
    assert list(response.json()["error"]["details"]) == [field]
    assert not User.objects.exists()
    assert not Session.objects.exists()


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("401/13", (401, "KEY_LOCKED")),
        ("401/15", (503, "CLOCK_OFF")),
        ("429/24", (429, "CLOUD_THROTTLED")),
        ("503/6", (429, "CLOUD_THROTTLED")),
        ("500/2000", (503, "CLOUD_UNAVAILABLE")),
        ("400/3001", (502, "CALL_REFUSED")),
    ],
)
def test_trouble_of_the_cloud_has_its_code_and_status(script, outscale, fault, expected):
    outscale.faults.add("ReadAccounts", "answer", fault)

    response = log_in(script)

    assert error_of(response) == expected
    assert ("Retry-After" in response) == (expected[0] in (429, 401))


def test_key_without_rights_is_refused_by_policy(script):
    response = log_in(script, access_key=REFUSED_KEY.access_key, secret_key=REFUSED_KEY.secret_key)

    assert error_of(response) == (403, "OWN_ACCOUNT_UNREADABLE")


def test_keys_refused_too_often_are_throttled_with_the_time_to_wait(script):
    for _ in range(3):
        log_in(script, secret_key="wrong")

    response = log_in(script)

    assert error_of(response) == (429, "LOGIN_THROTTLED")
    assert 55 <= int(response["Retry-After"]) <= 60


@pytest.mark.parametrize("body", ["", "{", "[]", "null", '"text"', "\xff", json.dumps({"keys": {}})])
def test_body_that_is_no_login_is_refused(script, body):
    answer = script.generic(
        "POST", "/api/auth/login", body.encode("latin-1"), content_type="application/json"
    )

    status, code = error_of(answer)
    assert (status, code) in [(400, "VALIDATION_FAILED"), (400, "BAD_REQUEST")]


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("get", "/api/", (404, "NOT_FOUND")),
        ("get", "/api/nothing", (404, "NOT_FOUND")),
        ("post", "/api/nothing", (404, "NOT_FOUND")),
        ("get", "/api/auth/login/", (404, "NOT_FOUND")),
        ("get", "/api/auth/login", (405, "METHOD_NOT_ALLOWED")),
        ("get", "/api/accounts", (401, "SESSION_EXPIRED")),
    ],
)
def test_api_answers_json_whatever_is_asked(script, method, path, expected):
    assert error_of(getattr(script, method)(path)) == expected


def test_unexpected_failure_says_nothing_of_its_cause(script, monkeypatch):
    def fail(*_args, **_kwargs):
        raise RuntimeError("an inner secret")

    monkeypatch.setattr("accounts.sessions.log_in", fail)

    response = log_in(script)

    assert error_of(response) == (500, "INTERNAL_ERROR")
    assert "inner secret" not in response.content.decode()


def test_documentation_is_served_by_the_portal_alone_and_passes_its_policy(client):
    page = client.get("/api/docs")

    html = page.content.decode()
    assert page.status_code == 200
    assert "unsafe-inline" not in page["Content-Security-Policy"]
    assert "http" not in "".join(line for line in html.splitlines() if "src=" in line or "href=" in line)
    assert "onclick" not in html
    assert "<style" not in html
    schema = client.get("/api/openapi.json").json()
    assert "/api/auth/login" in schema["paths"]
    assert schema["components"]["securitySchemes"]["SessionAuth"]["name"] == "X-Session-ID"
