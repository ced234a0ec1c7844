import json
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import connection
from django.db.models import F
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import path
from django.utils import timezone

from accounts import keyring
from accounts.keyring import Key, Keyring
from accounts.models import User
from finops_site import urls as portal
from sandbox.cloud import DEMO_ACCOUNT, DEMO_KEY, LINKED_KEY
from tests.conftest import DEMO_KEYS

pytestmark = pytest.mark.django_db

SECRET = DEMO_KEY.secret_key


def account_of_the_cloud(request):
    """Return whose account the keys of this request open, as the cloud sees it."""
    answer = keyring.gateway_of(request).read("ReadAccounts")
    return HttpResponse(answer["Accounts"][0]["AccountId"])


urlpatterns = [*portal.urlpatterns, path("whose/", account_of_the_cloud)]


@pytest.fixture
def cloud_page(settings):
    settings.ROOT_URLCONF = __name__
    return "/whose/"


def stored_session():
    return Session.objects.get()


def pass_time(minutes):
    """Let the stored sessions grow older."""
    Session.objects.update(expire_date=F("expire_date") - timedelta(minutes=minutes))


def is_logged_in(client):
    return client.get("/accounts/").status_code == 200


def browser_with(**cookies):
    browser = Client()
    for name, value in cookies.items():
        browser.cookies[name] = value
    return browser


def both_halves(client):
    return {"sessionid": client.cookies["sessionid"].value, "finops_key": client.cookies["finops_key"].value}


def test_copy_of_the_database_reveals_no_key(logged_in):
    row = stored_session()

    everything = json.dumps([row.session_data, row.get_decoded(), list(User.objects.values())], default=str)

    assert SECRET not in everything
    assert DEMO_KEY.access_key not in everything
    assert logged_in.cookies["finops_key"].value not in everything


def test_copy_of_the_database_with_the_servers_secret_opens_nothing(logged_in, rf):
    request = rf.get("/")
    request.session = stored_session().get_decoded()
    for half in ["", "guess", "A" * 43]:
        request.COOKIES["finops_key"] = half
        with pytest.raises(keyring.SessionExpired):
            keyring.open(request)


def test_cookies_alone_reveal_no_key(logged_in):
    cookies = "".join(morsel.value for morsel in logged_in.cookies.values())

    assert SECRET not in cookies
    assert DEMO_KEY.access_key not in cookies


@pytest.mark.parametrize("name", ["sessionid", "finops_key"])
def test_one_cookie_alone_is_nobody(logged_in, name):
    assert not is_logged_in(browser_with(**{name: logged_in.cookies[name].value}))


def test_both_cookies_are_the_session(logged_in, outscale, cloud_page):
    browser = browser_with(**both_halves(logged_in))

    assert browser.get(cloud_page).content.decode() == DEMO_ACCOUNT.account_id


@pytest.mark.parametrize("half", ["wrong", "A" * 43, "é", "x" * 5000])
def test_wrong_half_ends_the_session_instead_of_failing(logged_in, half):
    logged_in.cookies["finops_key"] = half

    assert logged_in.get("/accounts/")["Location"] == "/login/?next=/accounts/"
    assert not Session.objects.exists()


def test_halves_of_two_sessions_do_not_fit(logged_in, outscale):
    other = Client()
    other.post(
        "/login/", DEMO_KEYS | {"access_key": LINKED_KEY.access_key, "secret_key": LINKED_KEY.secret_key}
    )

    mixed = both_halves(logged_in) | {"finops_key": other.cookies["finops_key"].value}

    assert not is_logged_in(browser_with(**mixed))


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(logged_in):
    for name in ["sessionid", "finops_key"]:
        cookie = logged_in.cookies[name]
        assert cookie["httponly"]
        assert (cookie["samesite"], cookie["path"], cookie["max-age"]) == ("Lax", "/", 30 * 60)
        assert not cookie["secure"]


def test_cookies_are_secure_over_https(client, outscale, settings):
    settings.SESSION_COOKIE_SECURE = True

    client.post("/login/", DEMO_KEYS)

    assert client.cookies["sessionid"]["secure"]
    assert client.cookies["finops_key"]["secure"]


def test_logout_destroys_keys_in_database_and_browser(logged_in):
    before = both_halves(logged_in)

    response = logged_in.post("/logout/")

    assert response["Location"] == "/login/"
    assert not Session.objects.exists()
    assert (logged_in.cookies["sessionid"].value, logged_in.cookies["finops_key"].value) == ("", "")
    assert not is_logged_in(browser_with(**before))


def test_session_ends_after_thirty_minutes_without_activity(logged_in):
    pass_time(minutes=29)
    assert is_logged_in(logged_in)

    pass_time(minutes=31)
    assert not is_logged_in(logged_in)


def test_time_without_activity_is_a_setting(client, outscale, settings):
    settings.SESSION_COOKIE_AGE = 5 * 60

    client.post("/login/", DEMO_KEYS)

    assert stored_session().expire_date <= timezone.now() + timedelta(minutes=5)
    assert client.cookies["finops_key"]["max-age"] == 5 * 60


def let_a_minute_pass(client):
    session = client.session
    session["seen"] -= 61
    session.save()
    pass_time(minutes=1)


def test_activity_extends_session_and_both_cookies(logged_in):
    let_a_minute_pass(logged_in)
    before = stored_session().expire_date

    response = logged_in.get("/accounts/")

    assert stored_session().expire_date > before + timedelta(seconds=50)
    for name in ["sessionid", "finops_key"]:
        assert response.cookies[name]["max-age"] == 30 * 60


def test_session_is_not_written_again_within_a_minute(logged_in):
    with CaptureQueriesContext(connection) as queries:
        response = logged_in.get("/accounts/")

    assert not [query for query in queries if not query["sql"].startswith("SELECT")]
    assert not {"sessionid", "finops_key"} & set(response.cookies)


def test_expired_sessions_are_destroyed_at_the_next_login(logged_in, outscale):
    pass_time(minutes=31)

    Client().post("/login/", DEMO_KEYS)

    assert Session.objects.filter(expire_date__lt=timezone.now()).count() == 0


def test_expired_sessions_are_destroyed_while_others_work_once_a_minute(logged_in, outscale):
    other = Client()
    other.post("/login/", DEMO_KEYS)
    expired = Session.objects.exclude(pk=logged_in.session.session_key)
    let_a_minute_pass(logged_in)
    expired.update(expire_date=timezone.now() - timedelta(minutes=1))

    logged_in.get("/accounts/")

    assert not expired.exists()
    let_a_minute_pass(logged_in)
    with CaptureQueriesContext(connection) as queries:
        logged_in.get("/accounts/")
    assert not [query for query in queries if query["sql"].startswith('DELETE FROM "django_session"')]


@pytest.fixture
def operator_at_work(client):
    User.objects.create_superuser("operator", "a good password")
    client.post("/admin/login/", {"username": "operator", "password": "a good password", "next": "/admin/"})
    client.get("/admin/")
    return client


def test_activity_extends_the_session_of_an_operator_too(operator_at_work):
    let_a_minute_pass(operator_at_work)
    before = stored_session().expire_date

    response = operator_at_work.get("/admin/")

    assert stored_session().expire_date > before + timedelta(seconds=50)
    assert response.cookies["sessionid"]["max-age"] == 30 * 60
    assert "finops_key" not in response.cookies


def test_session_of_an_operator_is_not_written_again_within_a_minute(operator_at_work):
    with CaptureQueriesContext(connection) as queries:
        operator_at_work.get("/admin/")

    assert not [query for query in queries if not query["sql"].startswith("SELECT")]


def test_session_of_an_operator_ends_after_thirty_minutes_without_activity(operator_at_work):
    pass_time(minutes=31)

    assert operator_at_work.get("/admin/").status_code == 302


def test_visitor_gets_no_session(client, db):
    client.get("/")

    assert not Session.objects.exists()


def test_expired_session_takes_both_cookies_from_the_browser(logged_in):
    pass_time(minutes=31)

    logged_in.get("/accounts/")

    assert (logged_in.cookies["sessionid"].value, logged_in.cookies["finops_key"].value) == ("", "")


def test_secret_key_of_the_server_can_be_rotated_under_live_sessions(logged_in, settings, cloud_page):
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "the next secret", [settings.SECRET_KEY]

    assert logged_in.get(cloud_page).content.decode() == DEMO_ACCOUNT.account_id


def test_another_secret_key_of_the_server_ends_every_session(logged_in, settings):
    settings.SECRET_KEY = "another secret"

    assert not is_logged_in(logged_in)


def test_page_that_asks_the_cloud_without_keys_leads_to_the_login(client, cloud_page):
    client.force_login(User.objects.for_account("123"))

    assert client.get(cloud_page)["Location"] == "/login/?next=/whose/"


def test_pages_behind_the_login_stay_out_of_caches(logged_in):
    assert set(logged_in.get("/accounts/")["Cache-Control"].split(", ")) >= {"private", "no-store"}
    assert "no-store" in Client().get("/login/")["Cache-Control"]


HTMX = {"HX-Request": "true", "HX-Current-URL": "http://testserver/quotes/?tab=2"}


@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_htmx_on_an_expired_session_sends_the_browser_to_the_login_and_back_to_its_page(logged_in, method):
    pass_time(minutes=31)

    response = getattr(logged_in, method)("/accounts/", headers=HTMX)

    assert response.status_code == 200
    assert "Location" not in response
    target = urlsplit(response["HX-Redirect"])
    assert (target.path, parse_qs(target.query)) == ("/login/", {"next": ["/quotes/?tab=2"]})
    back = logged_in.post("/login/", DEMO_KEYS | {"next": "/quotes/?tab=2"})
    assert back["Location"] == "/quotes/?tab=2"


def test_htmx_redirect_keeps_the_cookies_of_the_answer(logged_in):
    response = logged_in.post("/logout/", headers=HTMX)

    assert response["HX-Redirect"] == "/login/"
    assert response.cookies["finops_key"].value == ""
    assert response.cookies["sessionid"].value == ""


def test_htmx_from_another_host_does_not_choose_where_the_login_leads(client):
    response = client.get("/accounts/", headers=HTMX | {"HX-Current-URL": "https://evil.example/quotes/"})

    assert response["HX-Redirect"] == "/login/?next=/start/"


def test_boosted_link_on_an_expired_session_comes_back_to_the_page_it_wanted(client):
    response = client.get("/accounts/", headers=HTMX | {"HX-Boosted": "true"})

    assert response["HX-Redirect"] == "/login/?next=/accounts/"


def test_form_sent_on_an_expired_session_comes_back_to_its_page(client):
    response = client.post("/accounts/", headers={"Referer": "http://testserver/quotes/?tab=2"})

    assert response["Location"] == "/login/?next=/quotes/%3Ftab%3D2"


def make_key(account_id="1", region="eu-west-2", access_key="AK"):
    return Key(access_key, "the secret", region, account_id, "Name")


def test_keyring_holds_one_key_for_an_account_in_a_region_and_the_last_one_is_in_use():
    first, newer, elsewhere = make_key(), make_key(access_key="AK2"), make_key(region="us-east-2")

    held = Keyring(()).with_key(first).with_key(elsewhere).with_key(newer)

    assert held.keys == (newer, elsewhere)
    assert held.current == newer
    assert held.without("1", "eu-west-2").keys == (elsewhere,)


def test_keys_and_gateways_do_not_print_what_they_hold():
    key = make_key(access_key="AKIAVISIBLE")
    shown = f"{key} {key!r} {Keyring((key,))!r} {key.gateway!r} {[key]}"

    assert "the secret" not in shown
    assert "AKIAVISIBLE" not in shown
    assert key.ending == "IBLE"


def test_django_can_clear_sessions_by_itself(logged_in):
    pass_time(minutes=31)

    call_command("clearsessions")

    assert not Session.objects.exists()
