import pytest
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpResponse
from django.test import Client
from django.urls import path
from django.views.decorators.csrf import csrf_protect

from finops_site import urls


@login_not_required
def broken(request):
    raise RuntimeError("the secret is 4711")


@login_not_required
def refused(request):
    raise PermissionDenied


@login_not_required
def nonsense(request):
    raise BadRequest


@login_not_required
@csrf_protect
def form(request):
    return HttpResponse("done")


urlpatterns = [
    *urls.urlpatterns,
    path("broken/", broken),
    path("refused/", refused),
    path("nonsense/", nonsense),
    path("form/", form),
]

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]


@pytest.fixture
def client():
    return Client(raise_request_exception=False, enforce_csrf_checks=True)


@pytest.mark.parametrize(
    ("address", "status", "heading"),
    [
        ("/nonsense/", 400, "The portal does not understand this request"),
        ("/refused/", 403, "You may not see this page"),
        ("/no-such-page/", 404, "This page does not exist"),
        ("/broken/", 500, "The portal made a mistake"),
    ],
)
def test_an_error_has_a_page_in_the_portals_own_dress(client, address, status, heading):
    response = client.get(address)
    page = response.content.decode()
    assert response.status_code == status
    assert f"<h1>{heading}</h1>" in page
    assert "look/shell.css" in page


def test_the_page_of_a_fault_tells_nothing_about_it(client):
    page = client.get("/broken/").content.decode()
    assert "4711" not in page
    assert "Traceback" not in page


def test_the_page_of_a_fault_needs_no_database(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        client.get("/broken/")


def test_a_form_with_an_old_token_is_explained(client):
    response = client.post("/form/")
    assert response.status_code == 403
    assert "<h1>This form was out of date</h1>" in response.content.decode()


def test_htmx_with_an_old_token_reloads_the_page_and_says_why(client):
    response = client.post("/form/", headers={"HX-Request": "true"})
    assert response.headers["HX-Refresh"] == "true"
    assert "You logged in or out in another tab." in client.get("/").content.decode()
