import pytest
from bs4 import BeautifulSoup

from accounts.models import User

pytestmark = pytest.mark.django_db


def heading(response):
    return BeautifulSoup(response.content, "html.parser").h1.get_text()


def test_a_visitor_is_told_what_the_portal_does(client):
    assert heading(client.get("/")) == "What will it cost on OUTSCALE?"


def test_a_customer_sees_whose_account_it_is(client):
    client.force_login(
        User.objects.for_account("100000000001", name="Meridian Santé"),
        backend="django.contrib.auth.backends.ModelBackend",
    )
    response = client.get("/")
    assert heading(response) == "Overview"
    scope = BeautifulSoup(response.content, "html.parser").select_one(".topbar .scope")
    assert scope.get_text(" ", strip=True) == "Meridian Santé 100000000001"


def test_the_page_is_in_the_language_that_was_chosen(client):
    client.post("/language/", {"language": "fr", "next": "/"})
    assert '<html lang="fr">' in client.get("/").content.decode()
