"""No key, secret, cookie or signature leaves the portal in what it writes or answers."""

import io
import logging
import re
import sys

import pytest
from django.core import mail
from django.test import Client, RequestFactory
from django.views.debug import ExceptionReporter

from accounts import proof, sessions
from accounts.gateway import Gateway
from finops_site.logs import RedactingFormatter, redact
from sandbox.cloud import DEMO_KEY
from tests.conftest import DEMO_KEYS

pytestmark = pytest.mark.django_db

WRONG_SECRET = "WRONGSECRETTHATMUSTNOTBESEEN"
SIGNATURE = re.compile(r"Signature=[0-9a-f]{64}|OSC4-HMAC-SHA256 Credential")


@pytest.fixture
def written():
    """All that any logger writes, down to DEBUG, without the net that the portal's own handler spreads."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    handler.setFormatter(logging.Formatter("%(name)s %(message)s"))
    root = logging.getLogger()
    levels = {name: logging.getLogger(name).level for name in [None, "urllib3", "django", "axes", "requests"]}
    root.addHandler(handler)
    for name in levels:
        logging.getLogger(name).setLevel(logging.DEBUG)
    yield text
    root.removeHandler(handler)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def assert_clean(text, client=None):
    cookies = [morsel.value for morsel in client.cookies.values()] if client else []
    for secret in [DEMO_KEY.secret_key, WRONG_SECRET, *filter(None, cookies)]:
        assert secret not in text
    assert not SIGNATURE.search(text)


FAULTS = [
    None,
    ("answer", "401/13"),
    ("error",),
    ("throttle",),
    ("broken-json",),
    ("list-error",),
    ("reset",),
]


@pytest.mark.parametrize("fault", FAULTS)
def test_failing_login_writes_and_answers_no_secret(client, outscale, written, fault):
    if fault:
        outscale.faults.add("ReadAccounts", *fault)

    page = client.post("/login/", DEMO_KEYS | {"secret_key": WRONG_SECRET})
    answer = client.post(
        "/api/auth/login", DEMO_KEYS | {"secret_key": WRONG_SECRET}, content_type="application/json"
    )

    assert "urllib3" in written.getvalue()
    told = page.content.decode() + str(page.headers) + answer.content.decode() + str(answer.headers)
    assert_clean(written.getvalue() + told)
    assert DEMO_KEY.access_key not in written.getvalue() + answer.content.decode()


def test_login_logout_and_throttled_login_write_no_secret(client, outscale, written):
    client.post("/login/", DEMO_KEYS)
    client.get("/accounts/")
    cookies = [morsel.value for morsel in client.cookies.values()]
    client.post("/logout/")
    for _ in range(4):
        client.post("/login/", DEMO_KEYS | {"secret_key": WRONG_SECRET})

    assert_clean(written.getvalue())
    assert not [cookie for cookie in cookies if cookie in written.getvalue()]


@pytest.mark.parametrize("fault", FAULTS[1:])
def test_failing_call_writes_no_secret(outscale, written, fault):
    outscale.faults.add("ReadAccounts", *fault)

    with pytest.raises(Exception, match="ReadAccounts") as caught:
        Gateway(DEMO_KEY.access_key, DEMO_KEY.secret_key, "eu-west-2").read("ReadAccounts")

    logging.getLogger("a.caller").error("A call failed", exc_info=caught.value)
    assert "Traceback" in written.getvalue()
    assert_clean(written.getvalue())


class Unexpected(Exception):
    pass


@pytest.fixture
def broken_login(monkeypatch, settings, outscale):
    """A login that fails in a way nobody foresaw, after the cloud was asked, with mail to the admins."""
    settings.ADMINS = [("Operator", "operator@example.com")]

    def fail(gateway, *, today):
        secret_in_a_local_variable = gateway.secret_key
        gateway.read("ReadAccounts")
        raise Unexpected("of no known kind" if secret_in_a_local_variable else "")

    monkeypatch.setattr(proof, "owner_of", fail)


def reports_of(request):
    reporter = ExceptionReporter(request, *sys.exc_info())
    return reporter.get_traceback_html() + reporter.get_traceback_text()


@pytest.mark.parametrize("debug", [True, False])
def test_exception_report_of_an_unexpected_failure_hides_all_that_was_sent(
    broken_login, settings, debug, logged_in_request
):
    settings.DEBUG = debug
    try:
        sessions.log_in(logged_in_request, **DEMO_KEYS)
    except Unexpected:
        report = reports_of(logged_in_request)

    assert "Unexpected" in report
    assert "of no known kind" in report
    assert "X_SESSION_ID" in report
    assert_clean(report)
    assert DEMO_KEY.access_key not in report
    for sent in ["the-session", "the-half", "the-token", "the-header", "posted-elsewhere"]:
        assert sent not in report


@pytest.fixture
def logged_in_request(db):
    request = RequestFactory().post(
        "/login/",
        DEMO_KEYS | {"csrfmiddlewaretoken": "the-token", "misnamed": "posted-elsewhere"},
        headers={"X-Session-ID": "the-header", "Authorization": "OSC4-HMAC-SHA256 the-header"},
    )
    request.COOKIES.update({"sessionid": "the-session", "finops_key": "the-half", "csrftoken": "the-token"})
    request.META["HTTP_COOKIE"] = "sessionid=the-session; finops_key=the-half"
    return request


FORM = ("/login/", {})
JSON = ("/api/auth/login", {"content_type": "application/json"})


@pytest.mark.usefixtures("broken_login")
@pytest.mark.parametrize("debug", [True, False])
@pytest.mark.parametrize("sent", [FORM, JSON])
def test_page_log_and_mail_of_an_unexpected_failure_are_clean(settings, written, debug, sent):
    path, options = sent
    settings.DEBUG = debug
    client = Client(raise_request_exception=False, headers={"X-Session-ID": "the-header"})
    client.cookies["finops_key"] = "the-half-of-the-browser"

    response = client.post(path, DEMO_KEYS, **options)

    assert response.status_code == 500
    assert "Unexpected" in written.getvalue()
    assert bool(mail.outbox) is not debug
    mails = "".join(f"{one.subject} {one.body} {one.alternatives}" for one in mail.outbox)
    told = written.getvalue() + response.content.decode() + mails
    assert_clean(told, client)
    assert DEMO_KEY.access_key not in told
    assert "the-header" not in told


@pytest.mark.parametrize(
    "line",
    [
        "OSC4-HMAC-SHA256 Credential=AK/20260101/eu-west-2/api/osc4_request, Signature=hidden",
        "{'secret_key': 'hidden', 'region': 'eu-west-2'}",
        '{"secret_key": "hidden"}',
        "secret_key=hidden&region=eu-west-2",
        "SecretKey: hidden",
        "X-Session-ID: hidden",
        "Cookie: sessionid=hidden",
        "finops_key=hidden; Path=/",
        "password='hidden'",
        "Authorization: hidden",
        "Authorization: Bearer hidden",
        "Bearer hidden",
        "METRICS_TOKEN=hidden",
        "redis://:hidden@cache:6379/0",
        "postgres://portal:hidden@db/portal",
        "AWS4-HMAC-SHA256 Credential=hidden",
        "AccessKeyId: hidden",
        "'HTTP_X_SESSION_ID': 'hidden'",
        "('secret_key', 'hidden')",
        "{b'secret_key': b'hidden'}",
        'password="hidden as well"',
        "Referer https://other.example/?q=hidden does not match",
    ],
)
def test_log_line_loses_secrets_that_got_into_it(line):
    record = logging.LogRecord("any", logging.ERROR, "file", 1, "it failed with %s", (line,), None)

    written = RedactingFormatter("{levelname} {message}", style="{").format(record)

    assert "hidden" not in written
    assert written.startswith("ERROR it failed with ")


def test_log_line_without_secret_is_left_as_it_is():
    line = "ReadVms, PERMISSION_REFUSED, code 4, request 123; 3 keys, region eu-west-2, status=401"

    assert redact(line) == line
