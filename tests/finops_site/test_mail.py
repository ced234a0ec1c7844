"""What the people who run the portal get by mail: what nobody foresaw, and not every failure of the cloud."""

import pytest
from django.contrib.auth.decorators import login_not_required
from django.core import mail
from django.test import Client
from django.urls import path

from finops_site import urls
from tests.conftest import DEMO_KEYS


@login_not_required
def broken(request):
    raise RuntimeError


urlpatterns = [*urls.urlpatterns, path("broken/", broken)]

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]


@pytest.fixture
def client(settings):
    settings.ADMINS = [("Operator", "operator@example.com")]
    return Client(raise_request_exception=False)


@pytest.mark.parametrize(
    ("fault", "status"), [("error", 503), ("broken-json", 502), ("hang", 504), ("throttle", 503)]
)
def test_a_login_that_the_cloud_fails_is_not_mailed(client, outscale, settings, fault, status):
    settings.OUTSCALE_TIMEOUT_SECONDS = 0.2
    outscale.faults.add("*", fault)
    assert client.post("/login/", DEMO_KEYS).status_code == status
    assert mail.outbox == []


@pytest.mark.parametrize(
    ("path", "body"), [("/api/auth/login", DEMO_KEYS), ("/api/catalog/refresh", {"region": "eu-west-2"})]
)
def test_a_call_of_the_api_that_the_cloud_fails_is_not_mailed(client, outscale, path, body):
    outscale.faults.add("*", "broken-json")
    assert client.post(path, body, content_type="application/json").status_code == 502
    assert mail.outbox == []


def test_a_portal_that_is_not_ready_is_not_mailed_at_each_probe(client, settings):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
    assert client.get("/readyz").status_code == 503
    assert mail.outbox == []


def test_what_nobody_foresaw_is_mailed(client):
    assert client.get("/broken/").status_code == 500
    assert [one.subject.endswith("Internal Server Error: /broken/") for one in mail.outbox] == [True]
