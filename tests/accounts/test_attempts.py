import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from bs4 import BeautifulSoup
from django.db import connections
from django.db.models import F
from django.test import Client
from django.utils import timezone

from accounts import attempts
from accounts.models import LoginTurn, User
from sandbox.cloud import DEMO_KEY, LINKED_KEY
from tests.conftest import DEMO_KEYS

pytestmark = pytest.mark.django_db

WRONG = DEMO_KEYS | {"secret_key": "wrong"}


def fail(client, times):
    return [client.post("/login/", WRONG).status_code for _ in range(times)]


def message_of(response, field):
    return (
        BeautifulSoup(response.content, "html.parser").find(id=f"id_{field}_error").get_text(" ", strip=True)
    )


def pass_seconds(seconds):
    AccessAttempt.objects.update(attempt_time=F("attempt_time") - timedelta(seconds=seconds))


def test_three_failures_stop_the_fourth_before_the_cloud_hears_of_it(client, outscale):
    assert fail(client, 3) == [401, 401, 401]

    response = client.post("/login/", DEMO_KEYS)

    assert response.status_code == 429
    assert 55 <= int(response["Retry-After"]) <= 60
    assert f"wait {response['Retry-After']} seconds" in message_of(response, "access_key")
    assert outscale.requests.count("ReadAccounts") == 3


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("backend", ["db.DatabaseCache", "dummy.DummyCache"])  # and with a cache that is lost
def test_eight_failures_sent_at_once_do_not_lock_the_key(outscale, settings, backend):
    cache = {"BACKEND": f"django.core.cache.backends.{backend}", "LOCATION": "portal_cache"}
    settings.CACHES = {"default": cache}
    ready = threading.Barrier(8)

    def fail_once(_number):
        ready.wait()
        try:
            return Client().post("/login/", WRONG).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as threads:
        statuses = sorted(threads.map(fail_once, range(8)))

    assert statuses == [401] * 3 + [429] * 5
    assert outscale.requests.count("ReadAccounts") == 3


def test_login_does_not_wait_for_ever_for_another_one_with_the_same_key(client, outscale, monkeypatch):
    monkeypatch.setattr(attempts, "LONGEST_WAIT_SECONDS", 0.1)
    with attempts.one_at_a_time(DEMO_KEY.access_key):
        response = client.post("/login/", DEMO_KEYS)

    assert response.status_code == 429
    assert "being checked already" in message_of(response, "access_key")
    assert client.post("/login/", DEMO_KEYS).status_code == 302


def test_a_login_whose_process_was_stopped_is_not_waited_for_longer_than_a_login_takes(client, outscale):
    attempts.one_at_a_time(DEMO_KEY.access_key).__enter__()
    LoginTurn.objects.update(until=timezone.now())

    assert client.post("/login/", DEMO_KEYS).status_code == 302
    assert not LoginTurn.objects.exists()


def test_throttled_login_is_refused_without_waiting_for_its_turn(client, outscale, monkeypatch):
    fail(client, 3)
    monkeypatch.setattr(attempts.time, "sleep", lambda _seconds: pytest.fail("it waited"))
    with attempts.one_at_a_time(DEMO_KEY.access_key):
        response = client.post("/login/", DEMO_KEYS)

    assert response.status_code == 429
    assert "refused too often" in message_of(response, "access_key")


def test_third_failure_says_how_long_to_wait(client, outscale):
    fail(client, 2)

    response = client.post("/login/", WRONG)

    assert response.status_code == 401
    assert "OUTSCALE refused these keys" in message_of(response, "secret_key")
    assert "the last try for now: please wait 60 seconds" in message_of(response, "secret_key")


def test_keys_can_be_tried_again_after_a_minute(client, outscale):
    fail(client, 3)
    pass_seconds(61)

    assert client.post("/login/", DEMO_KEYS).status_code == 302


def test_asking_while_throttled_does_not_make_the_wait_longer(client, outscale):
    fail(client, 3)
    pass_seconds(30)
    first = client.post("/login/", WRONG)

    second = client.post("/login/", WRONG)

    assert int(first["Retry-After"]) <= 30
    assert int(second["Retry-After"]) <= int(first["Retry-After"])


def test_good_keys_forget_earlier_failures(client, outscale):
    fail(client, 2)
    client.post("/login/", DEMO_KEYS)

    assert fail(client, 3) == [401, 401, 401]


def test_another_key_from_the_same_address_is_not_throttled(client, outscale):
    fail(client, 3)

    keys = {"access_key": LINKED_KEY.access_key, "secret_key": LINKED_KEY.secret_key, "region": "eu-west-2"}

    assert client.post("/login/", keys).status_code == 302


def test_same_key_from_another_address_is_not_throttled(client, outscale):
    fail(client, 3)

    assert Client(REMOTE_ADDR="192.0.2.7").post("/login/", DEMO_KEYS).status_code == 302


def test_another_browser_at_the_same_address_is_throttled_too(client, outscale):
    fail(client, 3)

    assert Client(headers={"User-Agent": "another"}).post("/login/", DEMO_KEYS).status_code == 429


def test_address_that_a_visitor_claims_counts_only_behind_a_proxy(client, outscale):
    for claimed in ["192.0.2.1", "192.0.2.2", "192.0.2.3"]:
        client.post("/login/", WRONG, headers={"X-Forwarded-For": claimed})

    assert client.post("/login/", DEMO_KEYS, headers={"X-Forwarded-For": "192.0.2.4"}).status_code == 429


def test_behind_a_proxy_each_visitor_is_counted_alone_whatever_it_claims(client, outscale, settings):
    settings.PROXY_COUNT = 1
    for claim in ["1.1.1.1", "2.2.2.2", "nonsense"]:
        client.post("/login/", WRONG, headers={"X-Forwarded-For": f"{claim}, 203.0.113.5"})

    statuses = [
        client.post("/login/", DEMO_KEYS, headers={"X-Forwarded-For": address}).status_code
        for address in ["203.0.113.5", "9.9.9.9, 203.0.113.5", "203.0.113.6"]
    ]

    assert statuses == [429, 429, 302]


@pytest.mark.parametrize("header", ["", "unknown", "203.0.113.5:4711"])
def test_proxy_that_sends_no_address_does_not_break_the_login(client, outscale, settings, header):
    settings.PROXY_COUNT = 1

    assert client.post("/login/", WRONG, headers={"X-Forwarded-For": header}).status_code == 401


@pytest.mark.parametrize("fault", [("error",), ("throttle",), ("answer", "401/13"), ("answer", "401/15")])
def test_trouble_that_says_nothing_against_the_keys_is_no_failure(client, outscale, fault):
    outscale.faults.add("ReadAccounts", *fault)
    for _ in range(4):
        client.post("/login/", DEMO_KEYS)
    outscale.faults.clear()

    assert client.post("/login/", DEMO_KEYS).status_code == 302
    assert not AccessAttempt.objects.exists()


def test_what_is_counted_holds_neither_secret_nor_access_key(client, outscale):
    secret = "PASTEDINTOTHEWRONGFIELD"
    client.post("/login/", {"access_key": secret, "secret_key": DEMO_KEY.access_key, "region": "eu-west-2"})

    stored = str(list(AccessAttempt.objects.values()))

    assert AccessAttempt.objects.count() == 1
    assert secret not in stored
    assert DEMO_KEY.access_key not in stored


@pytest.fixture
def operator(db):
    return User.objects.create_superuser("operator", "a good password")


def admin_login(client, password):
    return client.post("/admin/login/", {"username": "operator", "password": password, "next": "/admin/"})


def test_operator_logs_in_with_a_password(client, operator):
    assert admin_login(client, "a good password").status_code == 302
    assert client.get("/admin/").status_code == 200


def test_operator_who_fails_too_often_waits_too(client, operator):
    for _ in range(3):
        admin_login(client, "wrong")

    response = admin_login(client, "a good password")

    assert response.status_code == 429
    assert response["Retry-After"] == "60"
    assert "Please wait 60 seconds" in response.content.decode()


def test_keys_do_not_open_the_admin(logged_in):
    assert logged_in.get("/admin/").status_code == 302
    assert logged_in.get("/admin/accounts/user/").status_code == 302


def test_customer_cannot_log_in_with_a_password(client, outscale):
    user = User.objects.for_account("123")

    client.post("/admin/login/", {"username": user.username, "password": "!"})

    assert client.get("/accounts/").status_code == 302


@pytest.mark.django_db
def test_a_login_that_took_too_long_does_not_end_the_turn_of_the_next():
    late = LoginTurn.objects.take("key 1", timedelta(seconds=-1))
    following = LoginTurn.objects.take("key 1", timedelta(minutes=1))
    LoginTurn.objects.end("key 1", late)
    assert LoginTurn.objects.take("key 1", timedelta(minutes=1)) is None
    LoginTurn.objects.end("key 1", following)
    assert LoginTurn.objects.take("key 1", timedelta(minutes=1))
