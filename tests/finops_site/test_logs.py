"""What operators find in the log: a line for each request, what belongs together, and no secret."""

import io
import json
import logging
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse, StreamingHttpResponse
from django.test import Client
from django.urls import path
from hypothesis import given
from hypothesis import strategies as st
from structlog.contextvars import clear_contextvars, get_contextvars

from finops_site import urls
from finops_site.logs import HIDDEN, JsonFormatter, RedactingFormatter
from sandbox.cloud import DEMO_ACCOUNT, DEMO_KEY
from tests.conftest import DEMO_KEYS

ROOT = Path(__file__).parent.parent.parent
SENT = "sent-and-secret"
ITEMS = ["one", "two"]


@login_not_required
def broken(request):
    raise RuntimeError(f"It broke with password={SENT}")


@login_not_required
def streamed(request):
    def parts():
        for item in ITEMS:
            logging.getLogger("a.stream").warning("part %s", item)
            yield item
        if "break" in request.GET:
            raise OSError("the rest is lost")

    return StreamingHttpResponse(parts())


@login_not_required
def warned(request):
    logging.getLogger("a.view").warning("a view warns")
    return HttpResponse("ok")


urlpatterns = [
    *urls.urlpatterns,
    path("broken/", broken),
    path("streamed/", streamed, name="streamed"),
    path("warned/", warned),
]
pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]

LOUD = [None, "urllib3", "django", "django.request", "axes", "requests", "costs", "accounts", "finops_site"]


@pytest.fixture
def lines():
    """All that any logger writes, down to DEBUG, as production writes it; read as often as wanted."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    handler.setFormatter(JsonFormatter())
    levels = {name: logging.getLogger(name).level for name in LOUD}
    logging.getLogger().addHandler(handler)
    for name in levels:
        logging.getLogger(name).setLevel(logging.DEBUG)
    yield lambda: [json.loads(line) for line in text.getvalue().splitlines()]
    logging.getLogger().removeHandler(handler)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def requests_in(lines):
    return [line for line in lines() if line["event"] == "request"]


def test_a_request_is_one_line_with_all_that_tells_how_it_went_and_no_query(logged_in, lines):
    answer = logged_in.get(f"/costs/changes/?tag={SENT}", headers={"Referer": f"http://testserver/?{SENT}"})
    [line] = requests_in(lines)
    told = {name: line[name] for name in ("level", "method", "route", "path", "status", "account_id")}
    assert told == {
        "level": "info",
        "method": "GET",
        "route": "costs:changes",
        "path": "/costs/changes/",
        "status": answer.status_code,
        "account_id": DEMO_ACCOUNT.account_id,
    }
    assert 0 < line["duration_ms"] < 60_000
    assert line["request_id"] == answer["X-Request-ID"]
    assert SENT not in json.dumps(lines())


def test_a_stranger_has_no_account_and_an_address_that_is_none_has_no_route(client, lines):
    client.get("/no-such-page/")
    [line] = requests_in(lines)
    assert "account_id" not in line
    assert (line["route"], line["status"]) == ("", 404)
    assert get_contextvars() == {}


@pytest.mark.parametrize("given_id", ["0" * 32, "a-B-9"])
def test_the_id_that_the_proxy_gives_is_on_each_line_of_the_request(client, lines, given_id):
    answer = client.get("/warned/", headers={"X-Request-ID": given_id})
    client.get("/no-such-page/", headers={"X-Request-ID": given_id})
    assert answer["X-Request-ID"] == given_id
    events = {line["event"] for line in lines() if line.get("request_id") == given_id}
    assert {"a view warns", "request", "Not Found: /no-such-page/"} <= events


@pytest.mark.parametrize("given_id", ["", "x" * 65, "two words", "line\nbreak", "<b>", "é", "a_b", "a;b"])
def test_an_id_that_could_do_harm_is_replaced(client, lines, given_id):
    answers = [client.get("/warned/", headers={"X-Request-ID": given_id}) for _ in range(2)]
    ids = {answer["X-Request-ID"] for answer in answers}
    assert len(ids) == 2
    assert all(len(one) == 32 and one.isalnum() for one in ids)
    assert {line["request_id"] for line in requests_in(lines)} == ids


def test_calls_to_the_cloud_are_counted_and_told_with_their_request_whatever_thread_made_them(
    logged_in, outscale, lines
):
    logged_in.post("/costs/read/")
    [line] = requests_in(lines)
    calls = [one for one in lines() if one["event"] == "cloud call"]
    assert line["cloud_calls"] == len(calls) > 5
    assert line["cloud_ms"] == pytest.approx(sum(one["duration_ms"] for one in calls), abs=len(calls))
    assert {(one["request_id"], one["account_id"]) for one in calls} == {
        (line["request_id"], DEMO_ACCOUNT.account_id)
    }
    facts = {"call", "region", "outcome", "duration_ms"}
    about_the_line = {"timestamp", "level", "logger", "process", "event", "request_id", "account_id"}
    assert all(set(one) == facts | about_the_line for one in calls)
    assert {(one["region"], one["outcome"], one["level"]) for one in calls} == {("eu-west-2", "ok", "debug")}


def test_a_call_that_the_cloud_fails_is_told_with_our_code_of_its_failure(client, outscale, lines):
    outscale.faults.add("ReadAccounts", "broken-json")
    client.post("/login/", DEMO_KEYS)
    assert "CLOUD_ANSWER_INVALID" in {one["outcome"] for one in lines() if one["event"] == "cloud call"}


@pytest.mark.parametrize("address", ["/healthz", "/readyz", "/metrics", "/static/css/none.css"])
def test_probes_and_static_files_do_not_fill_the_log(client, lines, address):
    client.get(address)
    assert [line["level"] for line in requests_in(lines)] == ["debug"]


def test_what_is_streamed_is_told_when_it_has_ended(client, lines):
    answer = client.get("/streamed/")
    assert requests_in(lines) == []
    assert b"".join(answer) == b"onetwo"
    answer.close()
    *parts, line = [one for one in lines() if one["event"] == "request" or one["logger"] == "a.stream"]
    assert [one["event"] for one in parts] == ["part one", "part two"]
    assert (line["route"], line["streamed"]) == ("streamed", True)
    assert {one["request_id"] for one in parts} == {line["request_id"]} == {answer["X-Request-ID"]}
    assert get_contextvars() == {}


def test_what_breaks_while_it_is_streamed_is_told_once_too(client, lines):
    answer = client.get("/streamed/?break=1")
    with pytest.raises(OSError, match="lost"):
        list(answer)
    answer.close()
    assert [line["streamed"] for line in requests_in(lines)] == [True]


def test_no_line_of_logins_pages_and_faults_holds_a_secret(outscale, lines):
    browser = Client(raise_request_exception=False, enforce_csrf_checks=True)
    browser.get(f"/login/?next=/costs/?tag={SENT}")
    token = browser.cookies["csrftoken"].value
    given_keys = DEMO_KEYS | {"csrfmiddlewaretoken": token}
    browser.post(f"/login/?next=/costs/?tag={SENT}", given_keys | {"secret_key": SENT})
    assert browser.post("/login/", given_keys).status_code == 302
    browser.get(f"/costs/?tag={SENT}")
    browser.post("/login/", {"secret_key": SENT})  # without the token
    browser.get(f"/broken/?tag={SENT}", headers={"Authorization": f"Bearer {SENT}"})
    script = Client(raise_request_exception=False)
    session = script.post("/api/auth/login", DEMO_KEYS, content_type="application/json").json()["data"][
        "session_id"
    ]
    for address in ("/api/auth/session", f"/api/costs/current?tag={SENT}", f"/broken/?{SENT}"):
        script.get(address, headers={"X-Session-ID": session})

    told, text = lines(), json.dumps(lines())
    cookies = [morsel.value for morsel in browser.cookies.values()]
    for secret in (SENT, DEMO_KEY.secret_key, DEMO_KEY.access_key, session, *session.split("."), *cookies):
        assert secret not in text
    faults = [line for line in told if "exception" in line]
    assert len(faults) == 2
    assert all("RuntimeError" in line["exception"] and HIDDEN in line["exception"] for line in faults)
    assert all(line["request_id"] for line in faults)
    logins = [line for line in told if line.get("path") == "/login/" and line["event"] == "request"]
    assert [line.get("account_id") for line in logins] == [
        None,
        None,
        DEMO_ACCOUNT.account_id,
        DEMO_ACCOUNT.account_id,
    ]


def written(formatter, message, *arguments, **facts):
    record = logging.LogRecord("any", logging.ERROR, "file", 1, message, arguments, None)
    if facts:
        record.msg, record._logger, record._name = {"event": message} | facts, None, "error"
    return formatter.format(record)


@given(st.text(), st.dictionaries(st.text(min_size=1), st.text() | st.integers() | st.binary(), max_size=3))
def test_whatever_is_logged_is_one_line_of_ascii_that_can_be_read_back(text, facts):
    line = written(JsonFormatter(), "%s", text)
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["level"] == "error"
    structured = written(JsonFormatter(), "happened", of=facts)
    assert structured.isprintable()
    assert json.loads(structured)["of"]


@pytest.mark.parametrize(
    ("message", "facts"),
    [
        ("OSC4-HMAC-SHA256 Credential=AK, Signature=hidden", {}),
        ("it failed with {'secret_key': 'hidden'}", {}),
        ("Cookie: sessionid=hidden", {}),
        ("it failed", {"secret_key": "hidden"}),
        ("it failed", {"Authorization": "hidden"}),
        ("it failed", {"sent": {"password": "hidden"}}),
        ("it failed", {"sent": ["finops_key=hidden"]}),
    ],
)
def test_a_secret_that_got_into_a_line_is_taken_out_and_the_line_stays_json(message, facts):
    line = written(JsonFormatter(), message, **facts)
    assert "hidden" not in line
    assert HIDDEN in line
    assert json.loads(line)["event"]
    assert "hidden" not in written(RedactingFormatter("{message}", style="{"), message, **facts)


def test_lines_for_people_tell_the_same_request(client):
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    handler.setFormatter(RedactingFormatter("{levelname} {name} {message}", style="{"))
    logging.getLogger().addHandler(handler)
    logging.getLogger("finops_site").setLevel(logging.INFO)
    try:
        answer = client.get("/warned/")
    finally:
        logging.getLogger("finops_site").setLevel(logging.NOTSET)
        logging.getLogger().removeHandler(handler)
    warning, request = text.getvalue().splitlines()
    assert warning == f"WARNING a.view a view warns request_id={answer['X-Request-ID']}"
    assert request.startswith("INFO finops_site.requestlog request method=GET route=")
    assert " path=/warned/ status=200 " in request


def test_the_lines_of_a_command_name_it(lines, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["manage.py", "check_budgets", "--account", SENT])
    monkeypatch.setattr(
        "django.core.management.execute_from_command_line",
        lambda _arguments: logging.getLogger("budgets").warning("a budget is broken"),
    )
    try:
        runpy.run_path(str(ROOT / "manage.py"), run_name="__main__")
    finally:
        clear_contextvars()
    [line] = lines()
    assert (line["event"], line["command"]) == ("a budget is broken", "check_budgets")


TOLD = """
import json, logging, logging.handlers, django
django.setup()
from django.conf import settings
[handler] = logging.getLogger().handlers
print(json.dumps([type(handler).__name__, type(handler.formatter).__name__, settings.ADMINS]))
"""


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"DEBUG": "true"}, ["StreamHandler", "RedactingFormatter", []]),
        (
            {"ADMINS": "a@example.com,b@example.com"},
            ["StreamHandler", "JsonFormatter", [["a@example.com"] * 2, ["b@example.com"] * 2]],
        ),
        (
            {"DEMO": "true", "LOG_FORMAT": "json", "LOG_FILE": os.devnull},
            ["WatchedFileHandler", "JsonFormatter", []],
        ),
    ],
)
def test_the_environment_says_where_the_log_goes_how_it_looks_and_who_is_mailed(variables, told):
    environment = os.environ | {"DEBUG": "false", "SECRET_KEY": "of a test", "ALLOWED_HOSTS": "testserver"}
    environment |= {"DJANGO_SETTINGS_MODULE": "finops_site.settings"} | variables
    read = subprocess.run(
        [sys.executable, "-c", TOLD], cwd=ROOT, env=environment, check=True, capture_output=True
    )
    assert json.loads(read.stdout) == told
