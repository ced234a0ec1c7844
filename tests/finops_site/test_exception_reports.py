"""What an operator is told of a fault nobody foresaw: where it is, and nothing of what was sent."""

import io
import logging

import pytest
from django.contrib.auth.decorators import login_not_required
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from finops_site import urls
from finops_site.logs import RedactingFormatter

SENT = "sent-and-secret"


@csrf_exempt
@login_not_required
def broken(request):
    of_this_function = request.POST["note"] + SENT  # noqa: F841
    try:
        raise KeyError(f"secret_key='{SENT}'")
    except KeyError as error:
        error.add_note(f"Cookie: {SENT}")
        raise RuntimeError(f"It broke with password={SENT}") from error


urlpatterns = [*urls.urlpatterns, path("broken/", broken)]

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]


@pytest.fixture
def logged():
    """What the portal's own handler writes."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    handler.setFormatter(RedactingFormatter("{asctime} {levelname} {name} {message}", style="{"))
    logging.getLogger().addHandler(handler)
    yield text
    logging.getLogger().removeHandler(handler)


@pytest.mark.parametrize("debug", [False, True])
def test_mail_log_and_page_of_a_fault_say_where_it_is_and_nothing_that_was_sent(settings, logged, debug):
    settings.DEBUG = debug
    settings.ADMINS = [("Operator", "operator@example.com")]
    client = Client(raise_request_exception=False)
    client.cookies["any_cookie"] = SENT

    response = client.post(
        f"/broken/?tag={SENT}",
        {"note": SENT, "misnamed": SENT, "file": SimpleUploadedFile(f"{SENT}.json", SENT.encode())},
        headers={
            "X-Session-ID": SENT,
            "Authorization": f"Bearer {SENT}",
            "Referer": f"http://testserver/costs/?tag={SENT}",
            "X-Anything": SENT,
            "User-Agent": "a browser",
        },
    )

    assert response.status_code == 500
    assert bool(mail.outbox) is not debug
    mails = "".join(f"{one.subject} {one.body} {one.alternatives}" for one in mail.outbox)
    told = (mails or response.content.decode()) + logged.getvalue()
    assert SENT not in told + response.content.decode()
    for useful in (
        "RuntimeError",
        "It broke with",
        "test_exception_reports.py",
        "/broken/",
        "a browser",
        "tag",
        "note",
    ):
        assert useful in told


@pytest.mark.parametrize("sign", ["\n", "\r", "\x1b[2J", "\x9b2J", "\u2028", "\u202e"])
def test_a_name_begins_no_line_of_the_log_and_steers_no_terminal(logged, sign):
    logging.getLogger("costs").error("no price of %s", f"tag{sign}2026 INFO all is well")
    [line] = logged.getvalue().splitlines()
    assert sign not in line
    assert "all is well" in line
