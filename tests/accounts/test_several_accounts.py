"""A session holds keys of several accounts: added, named, switched, removed, and never mixed up."""

import datetime as dt
from dataclasses import replace

import pytest
from bs4 import BeautifulSoup
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import keyring, sessions, standing
from accounts.errors import AuthenticationRefused, PermissionRefused
from accounts.keyring import MOST_KEYS
from accounts.models import AccountName, User
from accounts.sessionstore import SessionStore
from sandbox.cloud import (
    DEMO_ACCOUNT,
    LINKED_ACCOUNT,
    LINKED_KEY,
    PAYING_ACCOUNT,
    PAYING_KEY,
    SECOND_DEMO_KEY,
)
from tests.conftest import DEMO_KEYS
from tests.consumption.days import make_ledger

pytestmark = pytest.mark.django_db

HERE = f"{DEMO_ACCOUNT.account_id}.eu-west-2"
PAYING = f"{PAYING_ACCOUNT.account_id}.eu-west-2"
LINKED = f"{LINKED_ACCOUNT.account_id}.us-east-2"


def keys_of(key, region="eu-west-2", **more):
    return {"access_key": key.access_key, "secret_key": key.secret_key, "region": region, **more}


def add(client, key, region="eu-west-2", **more):
    return client.post("/accounts/add/", keys_of(key, region, **more))


def held(client):
    return client.get("/accounts/").context["keyring"]


def scope_of(client, page="/accounts/"):
    return BeautifulSoup(client.get(page).content, "html.parser").select_one(".topbar .scope")


def text(element):
    return " ".join(element.get_text(" ").split())


# --- On the pages


def test_a_second_account_is_added_and_the_first_stays_in_use(logged_in):
    response = add(logged_in, PAYING_KEY)
    assert (response.status_code, response["Location"]) == (302, "/accounts/")
    assert held(logged_in).places == [HERE, PAYING]
    assert logged_in.get("/accounts/").context["user"].account_id == DEMO_ACCOUNT.account_id
    assert text(scope_of(logged_in)) == "Meridian Santé 100000000001 · eu-west-2"


def test_the_top_bar_switches_to_another_account_and_leads_back_to_the_page(logged_in):
    add(logged_in, PAYING_KEY)
    back = "/consumption/?period=last-month&region=eu-west-2&category=compute"
    response = logged_in.post("/accounts/use/", {"place": PAYING, "next": back})
    assert response["Location"] == "/consumption/?period=last-month&category=compute"
    assert held(logged_in).current.account_id == PAYING_ACCOUNT.account_id
    assert text(scope_of(logged_in, "/quotes/")).startswith("Groupe Meridian 100000000000")


def test_all_accounts_work_together_until_one_is_chosen(logged_in):
    add(logged_in, PAYING_KEY)
    logged_in.post("/accounts/use/", {"together": "1"})
    assert held(logged_in).together
    assert text(scope_of(logged_in)) == "All accounts together 2 accounts and regions"
    logged_in.post("/accounts/use/", {"place": HERE})
    assert not held(logged_in).together


def test_the_way_back_never_leaves_the_portal(logged_in):
    for elsewhere in (
        "https://evil.example/",
        "//evil.example/x",
        "javascript:alert(1)",
        "/\t///evil.example/x",
    ):
        response = logged_in.post("/accounts/use/", {"place": HERE, "next": elsewhere})
        assert response["Location"].startswith("/")
        assert not response["Location"].startswith("//")
    for elsewhere in ("https://evil.example/", "//evil.example/x", "javascript:alert(1)"):
        assert logged_in.post("/accounts/use/", {"place": HERE, "next": elsewhere})["Location"] == "/"


def test_a_name_is_kept_for_later_sessions_of_the_same_user_alone(logged_in, client):
    add(logged_in, PAYING_KEY, name="  Maison\u00a0mère ")
    assert held(logged_in).names[PAYING_ACCOUNT.account_id] == "Maison mère"
    logged_in.post("/accounts/rename/", {"account_id": DEMO_ACCOUNT.account_id, "name": "Hôpital ☤"})
    logged_in.post("/logout/")
    logged_in.post("/login/", DEMO_KEYS)
    add(logged_in, PAYING_KEY)
    assert held(logged_in).names == {
        DEMO_ACCOUNT.account_id: "Hôpital ☤",
        PAYING_ACCOUNT.account_id: "Maison mère",
    }
    logged_in.post("/login/", keys_of(PAYING_KEY))
    assert held(logged_in).names == {PAYING_ACCOUNT.account_id: PAYING_ACCOUNT.company}


def test_an_empty_name_is_the_one_that_the_cloud_knows(logged_in):
    logged_in.post("/accounts/rename/", {"account_id": DEMO_ACCOUNT.account_id, "name": "x"})
    logged_in.post("/accounts/rename/", {"account_id": DEMO_ACCOUNT.account_id, "name": " "})
    assert held(logged_in).names == {DEMO_ACCOUNT.account_id: DEMO_ACCOUNT.company}
    assert not AccountName.objects.exists()


@pytest.mark.parametrize("name", ["x" * 81, "a\u202eb", "a\x00b"])
def test_a_name_that_cannot_be_is_refused_beside_its_field(logged_in, name):
    response = logged_in.post("/accounts/rename/", {"account_id": DEMO_ACCOUNT.account_id, "name": name})
    assert response.status_code == 422
    assert b"invalid-feedback" in response.content
    named = [one["id"] for one in BeautifulSoup(response.content, "html.parser").select("[id]")]
    assert len(named) == len(set(named))  # or the error is read out with the field of another form
    assert held(logged_in).names == {DEMO_ACCOUNT.account_id: DEMO_ACCOUNT.company}


def test_a_removed_key_is_gone_and_the_next_one_is_in_use(logged_in):
    add(logged_in, PAYING_KEY)
    logged_in.post("/accounts/use/", {"place": PAYING})
    logged_in.post("/accounts/remove/", {"place": PAYING})
    assert held(logged_in).places == [HERE]


def test_the_last_key_of_the_account_that_logged_in_stays(logged_in):
    add(logged_in, PAYING_KEY)
    assert logged_in.post("/accounts/remove/", {"place": HERE}).status_code == 409
    assert held(logged_in).places == [HERE, PAYING]


@pytest.mark.parametrize("address", ["use", "remove", "rename"])
def test_a_place_of_which_the_session_holds_no_key_is_a_404(logged_in, address):
    sent = {"place": PAYING, "account_id": PAYING_ACCOUNT.account_id, "name": "x"}
    assert logged_in.post(f"/accounts/{address}/", sent).status_code == 404
    assert held(logged_in).places == [HERE]


def test_wrong_keys_are_refused_beside_their_field_and_nothing_is_lost(logged_in):
    wrong = keys_of(PAYING_KEY) | {"secret_key": "wrong", "name": "Head"}
    response = logged_in.post("/accounts/add/", wrong)
    page = BeautifulSoup(response.content, "html.parser")
    assert response.status_code == 401
    assert "refused these keys" in text(page.select_one("#id_secret_key_error"))
    assert page.select("#add [name=name][value=Head]")
    assert "wrong" not in str(page.select_one("#add [name=secret_key]"))
    assert held(logged_in).places == [HERE]


def test_four_wrong_tries_are_never_sent_to_the_cloud(logged_in, outscale):
    wrong = keys_of(PAYING_KEY) | {"secret_key": "wrong"}
    statuses = [logged_in.post("/accounts/add/", wrong).status_code for _try in range(5)]
    assert statuses == [401, 401, 401, 429, 429]


def test_empty_and_impossible_keys_are_a_422_without_a_call(logged_in):
    for sent in (
        {},
        {"access_key": "é", "secret_key": "x", "region": "eu-west-2"},
        keys_of(PAYING_KEY, "moon"),
    ):
        assert logged_in.post("/accounts/add/", sent).status_code == 422


def test_a_key_of_the_same_account_and_region_takes_the_place_of_the_older_one(logged_in):
    add(logged_in, SECOND_DEMO_KEY)
    assert [key.access_key for key in held(logged_in).keys] == [SECOND_DEMO_KEY.access_key]


def test_a_session_holds_a_limited_number_of_keys(logged_in, monkeypatch):
    monkeypatch.setattr("accounts.sessions.MOST_KEYS", 2)
    add(logged_in, PAYING_KEY)
    response = add(logged_in, LINKED_KEY, "us-east-2")
    assert response.status_code == 409
    assert b"at most" in response.content
    assert add(logged_in, PAYING_KEY).status_code == 302  # in the place of the one that is held
    assert logged_in.post("/login/", keys_of(SECOND_DEMO_KEY, "us-east-2")).status_code == 409
    assert held(logged_in).places == [HERE, PAYING]
    assert MOST_KEYS == 20


def test_a_page_asks_the_database_no_more_often_for_more_keys(logged_in, django_assert_num_queries):
    add(logged_in, PAYING_KEY)
    with CaptureQueriesContext(connection) as of_two:
        logged_in.get("/accounts/")
        count = len(of_two)
    add(logged_in, LINKED_KEY)
    add(logged_in, LINKED_KEY, "us-east-2")
    logged_in.get("/accounts/")
    with django_assert_num_queries(count):
        logged_in.get("/accounts/")


def test_a_key_that_the_cloud_refuses_is_marked_and_the_others_work(logged_in):
    add(logged_in, PAYING_KEY)
    standing.note_refused(PAYING_KEY.access_key, AuthenticationRefused("ReadVms"))
    page = BeautifulSoup(logged_in.get("/accounts/").content, "html.parser")
    marks = [text(row.select_one(".osc-tag")) for row in page.select("tbody tr")]
    assert marks == ["in use", "refused"]
    menu = page.select("#scope-menu .menu-entry[name=place]")
    assert ["key refused" in text(entry) for entry in menu] == [False, True]
    assert logged_in.get("/consumption/").status_code == 200


def test_a_key_that_may_not_read_the_consumption_stays_marked(logged_in):
    add(logged_in, PAYING_KEY)
    ledger = make_ledger(PAYING_ACCOUNT.account_id, reader=PAYING_KEY, at=timezone.now())
    ledger.readers.update(refusal=PermissionRefused.code)
    page = BeautifulSoup(logged_in.get("/accounts/").content, "html.parser")
    assert [text(row.select_one(".osc-tag")) for row in page.select("tbody tr")] == ["in use", "refused"]


def test_an_account_that_an_operator_closes_leaves_the_sessions_of_others(logged_in, later):
    add(logged_in, PAYING_KEY)
    User.objects.filter(account_id=PAYING_ACCOUNT.account_id).update(is_active=False)
    assert add(logged_in, PAYING_KEY).status_code == 403
    logged_in.post("/accounts/use/", {"together": "1"})
    later(minutes=2)
    assert held(logged_in).places == [HERE]
    assert not held(logged_in).together


@pytest.fixture
def later(monkeypatch):

    def move(**passed):

        now = sessions.timezone.now() + dt.timedelta(**passed)
        monkeypatch.setattr(sessions.timezone, "now", lambda: now)

    return move


def test_strangers_and_forms_without_token_change_nothing(client, logged_in, db):

    stranger = Client()
    for address in ("add", "use", "rename", "remove"):
        assert stranger.post(f"/accounts/{address}/")["Location"].startswith("/login/")
        assert logged_in.get(f"/accounts/{address}/").status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = logged_in.cookies
    assert strict.post("/accounts/use/", {"together": "1"}).status_code == 403


def test_secrets_are_on_no_page(logged_in):
    add(logged_in, PAYING_KEY)
    for page in ("/accounts/", "/", "/consumption/"):
        content = logged_in.get(page).content.decode()
        assert PAYING_KEY.secret_key not in content
        assert PAYING_KEY.access_key not in content


# --- Requests at the same time


def test_a_request_that_takes_a_while_does_not_bring_a_removed_key_back(logged_in):
    add(logged_in, PAYING_KEY)
    slow = SessionStore(logged_in.session.session_key)
    slow["seen"] = slow["seen"] + 61  # it has read the session, and writes it when it ends
    logged_in.post("/accounts/remove/", {"place": PAYING})
    slow.save()
    assert held(logged_in).places == [HERE]
    assert SessionStore(logged_in.session.session_key)["seen"] == slow["seen"]


def request_of(client, rf):
    """Return a request of the session of a client, as it is now."""
    made = rf.get("/")
    made.session = SessionStore(client.session.session_key)
    made.session.get("seen")  # read before anybody else writes
    made.COOKIES[keyring.COOKIE] = client.cookies[keyring.COOKIE].value
    return made


def test_a_request_has_the_keys_of_its_session_as_they_are_at_each_moment(logged_in, rf):
    request = request_of(logged_in, rf)
    key = keyring.open(request).current
    assert keyring.open(request) is keyring.open(request)
    keyring.change(request, lambda keys: keys.with_key(replace(key, account_id="8")))
    assert len(keyring.open(request).keys) == 2
    keyring.change(request, lambda keys: replace(keys, together=True))
    assert keyring.open(request).together
    half = request.COOKIES.pop(keyring.COOKIE)
    with pytest.raises(keyring.SessionExpired):
        keyring.open(request)
    request.COOKIES[keyring.COOKIE] = half
    request.session.flush()
    with pytest.raises(keyring.SessionExpired):
        keyring.open(request)


def test_two_keys_that_are_added_at_the_same_time_are_both_held(logged_in, rf):
    one, other = request_of(logged_in, rf), request_of(logged_in, rf)
    key = keyring.open(one).current

    keyring.change(one, lambda keys: keys.with_key(replace(key, account_id="8")))
    keyring.change(other, lambda keys: keys.with_key(replace(key, account_id="9")))
    one.session.save()
    assert [each.account_id for each in held(logged_in).keys] == [DEMO_ACCOUNT.account_id, "8", "9"]


def test_pages_on_their_way_are_not_logged_out_by_a_new_key(logged_in):
    cookies = {name: morsel.value for name, morsel in logged_in.cookies.items()}
    add(logged_in, PAYING_KEY)

    late = Client()
    for name, value in cookies.items():
        late.cookies[name] = value
    assert late.get("/accounts/").context["keyring"].places == [HERE, PAYING]


def test_a_session_that_ended_meanwhile_asks_to_log_in(logged_in):
    Session.objects.all().delete()
    assert logged_in.post("/accounts/use/", {"together": "1"})["Location"].startswith("/login/")


@pytest.fixture
def ends_meanwhile(monkeypatch):
    """Whoever opens the keys of a session finds it ended when it writes."""

    def opened(request, really=keyring.open):
        keys = really(request)
        Session.objects.all().delete()
        return keys

    return lambda: monkeypatch.setattr(keyring, "open", opened)


def test_a_session_that_ends_in_the_midst_of_a_change_asks_to_log_in(logged_in, script, ends_meanwhile):
    place = {"account_id": DEMO_ACCOUNT.account_id, "region": "eu-west-2"}
    ends_meanwhile()
    answer = send(script, "patch", place | {"together": True})
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "SESSION_EXPIRED")
    assert not Session.objects.exists()


def test_a_browser_whose_session_ends_in_the_midst_of_a_change_is_led_to_the_login(logged_in, ends_meanwhile):
    ends_meanwhile()
    response = logged_in.post("/accounts/use/", {"together": "1"})
    assert response["Location"].startswith("/login/")
    assert not Session.objects.exists()


def test_a_session_that_ends_while_a_closed_account_leaves_it_asks_to_log_in(
    logged_in, later, ends_meanwhile
):
    add(logged_in, PAYING_KEY)
    User.objects.filter(account_id=PAYING_ACCOUNT.account_id).update(is_active=False)
    later(minutes=2)
    ends_meanwhile()
    assert logged_in.get("/accounts/")["Location"].startswith("/login/")


# --- For scripts


@pytest.fixture
def script(logged_in, client):

    made = Client()
    answer = made.post("/api/auth/login", DEMO_KEYS, content_type="application/json").json()["data"]
    made.defaults["HTTP_X_SESSION_ID"] = answer["session_id"]
    return made


def send(script, method, body=None, query=""):
    return getattr(script, method)(f"/api/accounts{query}", body, content_type="application/json")


def test_a_script_adds_names_uses_and_removes_accounts(script):
    answer = send(script, "post", keys_of(LINKED_KEY, "us-east-2", name="Études"))
    assert answer.status_code == 201
    assert answer.json()["data"] == {
        "account_id": LINKED_ACCOUNT.account_id,
        "name": "Études",
        "region": "us-east-2",
        "access_key_ending": "NKED",
        "in_use": False,
        "refusal": None,
    }
    place = {"account_id": LINKED_ACCOUNT.account_id, "region": "us-east-2"}
    listed = send(script, "patch", place | {"in_use": True, "name": "Conseil"}).json()
    assert [(one["name"], one["in_use"]) for one in listed["data"]] == [
        ("Conseil", True),
        ("Meridian Santé", False),
    ]
    listed = send(script, "patch", place | {"together": True}).json()
    assert listed["metadata"] == {"together": True}
    assert all(one["in_use"] for one in listed["data"])
    query = f"?account_id={LINKED_ACCOUNT.account_id}&region=us-east-2"
    assert script.delete(f"/api/accounts{query}").status_code == 204
    assert script.delete(f"/api/accounts{query}").status_code == 404
    assert [one["account_id"] for one in script.get("/api/accounts").json()["data"]] == [
        DEMO_ACCOUNT.account_id
    ]


def test_what_a_script_sends_wrong_is_told_field_by_field(script):
    assert send(script, "post", {}).json()["error"]["code"] == "VALIDATION_FAILED"
    wrong = send(script, "post", keys_of(PAYING_KEY) | {"secret_key": "wrong"})
    assert wrong.status_code == 401
    assert wrong.json()["error"]["code"] == "AUTHENTICATION_REFUSED"
    unknown = send(script, "patch", {"account_id": "1", "region": "eu-west-2", "in_use": True})
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "PLACE_UNKNOWN")
    own = script.delete(f"/api/accounts?account_id={DEMO_ACCOUNT.account_id}&region=eu-west-2")
    assert (own.status_code, own.json()["error"]["code"]) == (409, "KEY_NEEDED")
    assert script.delete("/api/accounts").status_code == 400
