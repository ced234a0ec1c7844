import pytest
from bs4 import BeautifulSoup
from django.utils import timezone

from accounts.models import User
from quotes import lifecycle

pytestmark = pytest.mark.django_db

BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture
def alice():
    return User.objects.for_account("100000000001", name="Meridian Santé")


def heading(response):
    return BeautifulSoup(response.content, "html.parser").h1.get_text()


def test_a_visitor_is_told_what_the_portal_does(client):
    assert heading(client.get("/")) == "What will it cost on OUTSCALE?"


def test_a_customer_sees_whose_account_it_is(client, alice):
    client.force_login(alice, backend=BACKEND)
    response = client.get("/")
    assert heading(response) == "Overview"
    scope = BeautifulSoup(response.content, "html.parser").select_one(".topbar .scope")
    assert scope.get_text(" ", strip=True) == "Meridian Santé 100000000001"


def test_a_customer_without_a_quote_is_led_to_the_first(client, alice):
    client.force_login(alice, backend=BACKEND)
    assert "No quote is active." in client.get("/").content.decode()


def test_a_customer_goes_on_with_the_active_quote_and_sees_nobody_elses(client, alice):
    quote = lifecycle.create(owner=alice, name="ERP migration", at=timezone.now())
    lifecycle.create(owner=User.objects.for_account("2"), name="Not hers", at=timezone.now())
    client.force_login(alice, backend=BACKEND)
    page = BeautifulSoup(client.get("/").content, "html.parser")
    assert page.find("a", string="Go on with it")["href"] == f"/quotes/{quote.pk}/"
    assert page.select_one("#content strong").get_text() == "ERP migration"


def test_an_expired_key_leaves_the_region_out(logged_in):
    del logged_in.cookies["finops_key"]
    assert logged_in.get("/").status_code == 200


def test_the_page_is_in_the_language_that_was_chosen(client):
    client.post("/language/", {"language": "fr", "next": "/"})
    assert '<html lang="fr">' in client.get("/").content.decode()
