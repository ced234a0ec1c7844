"""What the portal tells browsers in production, and how much it lets them send."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from consumption.estimatefiles import MOST_BYTES
from tests.conftest import DEMO_KEYS

ROOT = Path(__file__).parent.parent.parent
UPLOAD = "/consumption/drift/upload/"
TOLD = """
import json
import finops_site.settings as read
begins = ("SECURE_", "SESSION_COOKIE_S", "CSRF_COOKIE_", "LANGUAGE_COOKIE_")
names = [name for name in vars(read) if name.startswith(begins)]
print(json.dumps({name: getattr(read, name) for name in names}))
"""


def settings_in_production(**variables):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HSTS_")}
    environment |= {
        "DEBUG": "false",
        "DEMO": "false",
        "SECRET_KEY": "of a test",
        "ALLOWED_HOSTS": "testserver",
    }
    told = subprocess.run(
        [sys.executable, "-c", TOLD], cwd=ROOT, env=environment | variables, check=True, capture_output=True
    )
    return json.loads(told.stdout)


@pytest.fixture(scope="module")
def production_settings():
    return settings_in_production()


@pytest.fixture
def production(production_settings, settings, db):
    """A browser of a portal in production; Django's middleware reads its settings with the first request."""
    for name, value in production_settings.items():
        setattr(settings, name, value)
    return Client()


def test_plain_http_leads_to_https_and_only_probes_are_answered(production):
    for path in ("/login/?next=/costs/", "/api/catalog", "/admin/login/"):
        answer = production.get(path)
        assert (answer.status_code, answer["Location"]) == (301, f"https://testserver{path}")
    assert production.get("/healthz").status_code == 200
    assert production.get("/readyz").status_code != 301
    assert production.get("/metrics").status_code == 404


@pytest.mark.parametrize("path", ["/login/", "/api/auth/session", "/no-such-page/", "/admin/login/"])
def test_every_answer_tells_the_browser_to_be_strict(production, path):
    told = production.get(path, secure=True).headers
    assert told["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
    assert told["Referrer-Policy"] == told["Cross-Origin-Opener-Policy"] == "same-origin"
    assert told["X-Content-Type-Options"] == "nosniff"
    assert told["X-Frame-Options"] == "DENY"
    allowed = dict(part.strip().split(" ", 1) for part in told["Content-Security-Policy"].split(";"))
    assert allowed == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "font-src": "'self'",
        "connect-src": "'self'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    permitted = dict(part.strip().split("=", 1) for part in told["Permissions-Policy"].split(","))
    assert {"camera", "geolocation", "microphone", "payment", "usb"} <= set(permitted)
    assert set(permitted.values()) == {"()"}


def test_every_cookie_goes_over_https_only(production, outscale):
    production.get("/login/", secure=True)
    production.post("/login/", DEMO_KEYS, secure=True)
    production.post("/language/", {"language": "fr"}, secure=True)
    cookies = production.cookies
    assert {"sessionid", "finops_key", "csrftoken", "django_language"} <= set(cookies)
    for name, cookie in cookies.items():
        assert cookie["secure"], name
        assert cookie["samesite"] in ("Lax", "Strict"), name
        assert cookie["httponly"] or name == "csrftoken", name


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"HSTS_PRELOAD": "true"}, (31536000, True, True)),
        ({"HSTS_SECONDS": "3600", "HSTS_SUBDOMAINS": "false"}, (3600, False, False)),
        ({"DEMO": "true"}, (0, False, False)),
    ],
)
def test_how_long_and_for_which_names_https_is_promised_is_up_to_the_operator(variables, told):
    read = settings_in_production(**variables)
    names = ("SECURE_HSTS_SECONDS", "SECURE_HSTS_INCLUDE_SUBDOMAINS", "SECURE_HSTS_PRELOAD")
    assert tuple(read[name] for name in names) == told


class Unread:
    """A body of which nothing may be read."""

    def read(self, *_arguments):
        raise AssertionError("The body was read.")

    readline = read


def send_unread(client, path, length, content_type):
    return client.generic(
        "POST", path, CONTENT_LENGTH=str(length), CONTENT_TYPE=content_type, **{"wsgi.input": Unread()}
    )


FORM, FILES = "application/x-www-form-urlencoded", "multipart/form-data; boundary=here"


@pytest.mark.parametrize("content_type", [FORM, FILES])
def test_a_body_that_is_too_large_is_refused_before_anything_of_it_is_read(client, db, content_type):
    for path, length in (("/login/", 2**20 + 1), (UPLOAD, 2 * MOST_BYTES + 1), ("/admin/login/", 10**12)):
        answer = send_unread(client, path, length, content_type)
        assert answer.status_code == 413
        assert "<h1>This is more than the portal takes at once</h1>" in answer.content.decode()


def test_a_script_that_sends_too_much_is_told_so(client, db):
    for path in ("/api/auth/login", "/api/quotes"):
        answer = send_unread(client, path, 2**20 + 1, "application/json")
        assert (answer.status_code, answer.json()["error"]["code"]) == (413, "BODY_TOO_LARGE")


def test_a_length_that_is_no_number_is_refused(client, db):
    answer = client.generic("POST", "/login/", CONTENT_LENGTH="all of it", CONTENT_TYPE=FORM)
    assert answer.status_code == 400


def test_more_fields_or_files_than_any_form_has_are_refused(logged_in):
    fields = {f"field{number}": "" for number in range(1001)}
    assert logged_in.post("/accounts/rename/", fields).status_code == 400
    files = {name: SimpleUploadedFile(f"{name}.json", b"{}") for name in ("file", "another")}
    assert logged_in.post(UPLOAD, files).status_code == 400


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("&".join(f"field{number}=" for number in range(1001)), FORM),
        ("no multipart", "multipart/form-data; boundary="),
        ("--here\r\nContent-Disposition: form-data; name=x\r\n\r\n" * 2, FILES),
    ],
)
def test_a_form_that_is_none_is_a_refusal_and_no_fault_of_the_api(outscale, db, body, content_type):
    browser = Client(enforce_csrf_checks=True)
    browser.get("/login/")
    browser.post("/login/", DEMO_KEYS, headers={"X-CSRFToken": browser.cookies["csrftoken"].value})
    answer = browser.generic("POST", "/api/quotes", body, content_type=content_type)
    assert answer.status_code in (400, 403), answer.content
    assert answer.json()["error"]["code"] in ("BAD_REQUEST", "FORBIDDEN")
