import pytest
from bs4 import BeautifulSoup
from django.contrib.sessions.models import Session
from django.test import Client

from accounts.models import User
from accounts.signals import keys_proven
from sandbox.cloud import (
    CONSUMPTION_ONLY_KEY,
    DEMO_ACCOUNT,
    DEMO_KEY,
    LINKED_ACCOUNT,
    LINKED_KEY,
    REFUSED_KEY,
    SECOND_DEMO_KEY,
)
from tests.conftest import DEMO_KEYS

pytestmark = pytest.mark.django_db


def keys(key=DEMO_KEY, region="eu-west-2", **changes):
    return {"access_key": key.access_key, "secret_key": key.secret_key, "region": region, **changes}


def error_beside(response, field):
    """Return the message beside a field, or of the whole form, as a reader of the page meets it."""
    page = BeautifulSoup(response.content, "html.parser")
    if field is None:
        return page.select_one(".notice.is-bad[role=alert]").get_text(" ", strip=True)
    control = page.select_one(f"[name={field}]")
    assert control["aria-invalid"] == "true"
    assert "is-invalid" in control["class"]
    described = [page.find(id=name) for name in control["aria-describedby"].split()]
    return next(part for part in described if "invalid-feedback" in part["class"]).get_text(" ", strip=True)


def proving_calls(outscale):
    """Return the calls that prove keys; what other floors read after a login stays out."""
    return [
        (received.call, received.region)
        for received in outscale.requests
        if received.call in ("ReadAccounts", "ReadConsumptionAccount")
    ]


def assert_nothing_stored(client):
    assert not User.objects.exists()
    assert not Session.objects.exists()
    assert "finops_key" not in client.cookies
    assert "sessionid" not in client.cookies


def test_good_keys_log_in_the_user_of_their_account_with_one_call(client, outscale):
    response = client.post("/login/", keys())

    assert (response.status_code, response["Location"]) == (302, "/start/")
    assert proving_calls(outscale) == [("ReadAccounts", "eu-west-2")]
    user = User.objects.get()
    assert (user.account_id, user.name) == (DEMO_ACCOUNT.account_id, DEMO_ACCOUNT.company)
    assert not user.has_usable_password()
    assert client.get("/accounts/").context["user"] == user


@pytest.mark.parametrize("region", ["cloudgouv-eu-west-1", "eu-west-2", "us-west-1", "us-east-2"])
def test_each_region_is_asked_at_its_own_address(client, outscale, region):
    client.post("/login/", keys(region=region))

    assert proving_calls(outscale) == [("ReadAccounts", region)]
    assert region in client.get("/accounts/").content.decode()


def test_second_login_finds_the_same_user(client, outscale):
    client.post("/login/", keys())
    client.post("/logout/")
    client.post("/login/", keys(SECOND_DEMO_KEY))

    assert User.objects.count() == 1


def test_space_around_pasted_keys_does_no_harm(client, outscale):
    padded = {"access_key": f"\t{DEMO_KEY.access_key} ", "secret_key": f" {DEMO_KEY.secret_key}\r\n"}

    assert client.post("/login/", keys(**padded)).status_code == 302


def test_key_that_may_only_read_consumption_logs_in_by_it(client, outscale):
    response = client.post("/login/", keys(CONSUMPTION_ONLY_KEY))

    assert response.status_code == 302
    assert [call for call, _ in proving_calls(outscale)] == ["ReadAccounts", "ReadConsumptionAccount"]
    assert User.objects.get().account_id == DEMO_ACCOUNT.account_id


def test_name_known_from_a_better_key_is_kept(client, outscale):
    client.post("/login/", keys())
    client.post("/login/", keys(CONSUMPTION_ONLY_KEY))

    assert User.objects.get().name == DEMO_ACCOUNT.company


def test_a_key_for_the_consumption_opens_the_portal_while_the_last_days_are_not_consolidated(
    client, outscale
):
    outscale.cloud.consolidated_after_days = 2
    assert client.post("/login/", keys(CONSUMPTION_ONLY_KEY)).status_code == 302
    assert User.objects.get().account_id == DEMO_ACCOUNT.account_id


def test_key_that_may_read_nothing_is_told_which_right_it_needs(client, outscale):
    response = client.post("/login/", keys(REFUSED_KEY))

    assert response.status_code == 403
    assert "api:ReadConsumptionAccount" in error_beside(response, "access_key")
    assert_nothing_stored(client)


def test_wrong_secret_is_said_beside_it_and_stores_nothing(client, outscale):
    response = client.post("/login/", keys(secret_key="wrong"))

    assert response.status_code == 401
    assert error_beside(response, "secret_key").startswith("OUTSCALE refused these keys.")
    assert_nothing_stored(client)


def test_refused_form_keeps_access_key_and_region_but_never_the_secret(client, outscale):
    secret = "N0TTHESECRETOFTHISKEY"

    page = client.post("/login/", keys(region="us-east-2", secret_key=secret)).content.decode()

    assert secret not in page
    soup = BeautifulSoup(page, "html.parser")
    assert soup.select_one("[name=access_key]")["value"] == DEMO_KEY.access_key
    assert soup.select_one("[name=region] [selected]")["value"] == "us-east-2"


@pytest.mark.parametrize("refusal", ["401/1", "400/4120", "401/99"])
def test_every_way_in_which_the_cloud_refuses_a_key_is_said_beside_it(client, outscale, refusal):
    outscale.faults.add("ReadAccounts", "answer", refusal)
    response = client.post("/login/", keys())
    assert response.status_code == 401
    assert "OUTSCALE refused these keys" in error_beside(response, "secret_key")
    assert_nothing_stored(client)


def test_locked_key_is_told_apart_from_a_wrong_one(client, outscale):
    outscale.faults.add("ReadAccounts", "answer", "401/13")

    response = client.post("/login/", keys())

    assert response.status_code == 401
    assert response["Retry-After"] == "60"
    assert "has locked this access key" in error_beside(response, "access_key")
    assert_nothing_stored(client)


@pytest.mark.parametrize(
    ("sent", "field", "message"),
    [
        ({"access_key": ""}, "access_key", "This field is required."),
        ({"secret_key": "  "}, "secret_key", "This field is required."),
        ({"region": ""}, "region", "This field is required."),
        ({"region": "eu-west-3"}, "region", "The portal does not know the region “eu-west-3”."),
        ({"region": "EU-WEST-2"}, "region", "The portal does not know the region “EU-WEST-2”."),
        ({"access_key": "AKIÉ"}, "access_key", "An access key has only letters and digits."),
        ({"access_key": "AKIA\nHost: evil"}, "access_key", "An access key has only letters and digits."),
        ({"access_key": "A\u200bK"}, "access_key", "An access key has only letters and digits."),
        ({"access_key": "A\x00K"}, "access_key", "An access key has only letters and digits."),
        ({"access_key": "A" * 129}, "access_key", "Ensure this value has at most 128 characters"),
        ({"secret_key": "clé"}, "secret_key", "A secret key has no spaces, accents or invisible characters."),
        ({"secret_key": "a b"}, "secret_key", "A secret key has no spaces, accents or invisible characters."),
        ({"secret_key": "s" * 257}, "secret_key", "Ensure this value has at most 256 characters"),
    ],
)
def test_input_that_cannot_be_right_is_refused_before_any_call(client, outscale, sent, field, message):
    response = client.post("/login/", keys(**sent))

    assert response.status_code == 400
    assert error_beside(response, field).startswith(message)
    assert len(outscale.requests) == 0
    assert_nothing_stored(client)


def test_empty_post_names_every_missing_field(client, outscale):
    response = client.post("/login/", {})

    assert response.status_code == 400
    fields = ["access_key", "secret_key", "region"]
    assert [error_beside(response, field) for field in fields] == ["This field is required."] * 3


@pytest.mark.parametrize(
    ("fault", "answer"),
    [
        (("throttle",), (503, "region", "too many requests")),
        (("error",), (503, "region", "cannot be reached")),
        (("unavailable",), (503, "region", "too many requests")),
        (("broken-500",), (503, "region", "cannot be reached")),
        (("reset",), (503, "region", "cannot be reached")),
        (("broken-json",), (502, "region", "does not understand")),
        (("list-error",), (502, "region", "does not understand")),
        (("answer", "401/15"), (503, None, "clock of the portal's server is off")),
        (("answer", "400/3001"), (502, None, "refused what the portal asked")),
        (("answer", "404/12000"), (502, None, "refused what the portal asked")),
    ],
)
def test_trouble_of_the_cloud_is_said_in_words_of_its_own(client, outscale, fault, answer):
    outscale.faults.add("ReadAccounts", *fault)

    response = client.post("/login/", keys())

    status, field, message = answer
    assert response.status_code == status
    assert message in error_beside(response, field)
    assert_nothing_stored(client)


def test_cloud_that_cannot_be_reached_is_said_beside_the_region(client, outscale, settings):
    settings.OUTSCALE_API_URL = "http://127.0.0.1:1/{region}/api/v1"

    response = client.post("/login/", keys())

    assert response.status_code == 503
    assert "cannot be reached" in error_beside(response, "region")
    assert_nothing_stored(client)


def test_silent_cloud_is_given_up_in_time(client, outscale, settings):
    settings.OUTSCALE_TIMEOUT_SECONDS = 0.2
    outscale.faults.add("ReadAccounts", "hang")

    response = client.post("/login/", keys())

    assert response.status_code == 504
    assert "did not answer in time" in error_beside(response, "region")
    assert_nothing_stored(client)


def test_clock_of_the_server_being_ahead_is_not_blamed_on_the_keys(client, outscale):
    outscale.cloud.clock.shift(-3600)

    response = client.post("/login/", keys())

    assert response.status_code == 503
    assert "clock" in error_beside(response, None)


def test_account_that_an_operator_closed_cannot_log_in(client, outscale):
    client.post("/login/", keys())
    User.objects.update(is_active=False)

    response = client.post("/login/", keys())

    assert response.status_code == 403
    assert "may not use the portal" in error_beside(response, "access_key")
    assert client.get("/accounts/")["Location"] == "/login/?next=/accounts/"


@pytest.mark.parametrize(
    ("wanted", "destination"),
    [
        ("/accounts/?tab=1", "/accounts/?tab=1"),
        ("https://evil.example/", "/start/"),
        ("//evil.example/", "/start/"),
        ("/\\evil.example/", "/start/"),
        ("javascript:alert(1)", "/start/"),
        ("accounts/", "/start/"),
        ("", "/start/"),
    ],
)
def test_login_leads_only_to_pages_of_this_portal(client, outscale, wanted, destination):
    assert client.post("/login/", keys(next=wanted))["Location"] == destination


def test_page_wanted_before_the_login_is_in_its_form(client, outscale):
    wanted = client.get("/accounts/")["Location"]

    form = BeautifulSoup(client.get(wanted).content, "html.parser").select_one("main form")

    assert form.select_one("[name=next]")["value"] == "/accounts/"


def test_login_as_another_account_leaves_nothing_of_the_first(client, outscale):
    client.post("/login/", keys())
    session = client.session
    session["of"] = "the first account"
    session.save()
    first = client.session.session_key

    client.post("/login/", keys(LINKED_KEY))

    page = client.get("/accounts/").content.decode()
    assert LINKED_ACCOUNT.account_id in page
    assert DEMO_ACCOUNT.account_id not in page
    assert "of" not in client.session
    assert [row.session_key for row in Session.objects.all()] == [client.session.session_key]
    assert client.session.session_key != first


def test_new_keys_of_the_same_account_replace_the_old_ones_and_keep_the_user(logged_in, outscale):
    user = User.objects.get()
    first = logged_in.cookies["finops_key"].value, logged_in.session.session_key

    logged_in.post("/login/", keys(SECOND_DEMO_KEY))

    page = logged_in.get("/accounts/")
    assert page.context["user"] == user
    assert [key.access_key for key in page.context["keys"]] == [SECOND_DEMO_KEY.access_key]
    second = logged_in.cookies["finops_key"].value, logged_in.session.session_key
    assert not set(first) & set(second)


def test_keys_of_another_region_are_held_beside_the_first(logged_in, outscale):
    logged_in.post("/login/", keys(region="us-east-2"))

    held = logged_in.get("/accounts/").context["keys"]

    assert [key.region for key in held] == ["us-east-2", "eu-west-2"]


def test_login_page_of_a_demo_offers_the_keys_of_its_sandbox(client, outscale, settings):
    settings.DEMO = True
    settings.DEMO_ACCESS_KEY, settings.DEMO_SECRET_KEY = DEMO_KEY.access_key, DEMO_KEY.secret_key

    form = BeautifulSoup(client.get("/login/").content, "html.parser").select("main form")[1]
    fields = {field["name"]: field["value"] for field in form.select("input")}

    assert client.post("/login/", fields).status_code == 302


def test_login_page_otherwise_has_no_keys_in_it(client):
    assert len(BeautifulSoup(client.get("/login/").content, "html.parser").select("main form")) == 1


def test_login_without_csrf_token_is_refused():
    assert Client(enforce_csrf_checks=True).post("/login/", DEMO_KEYS).status_code == 403


@pytest.mark.parametrize(
    ("path", "method"), [("/login/", "put"), ("/logout/", "get"), ("/accounts/", "post")]
)
def test_other_methods_are_refused(logged_in, path, method):
    assert getattr(logged_in, method)(path).status_code == 405


@pytest.fixture
def told():
    """What the signal of a login told, and a receiver of it that fails."""
    heard = []

    def hear(gateway, user, **_rest):
        heard.append((gateway, user))

    def fail(**_rest):
        raise RuntimeError("this receiver always fails")

    keys_proven.connect(hear)
    keys_proven.connect(fail)
    yield heard
    keys_proven.disconnect(hear)
    keys_proven.disconnect(fail)


def test_login_tells_the_other_floors_and_does_not_fail_with_them(client, outscale, told):
    assert client.post("/login/", keys()).status_code == 302

    [(gateway, user)] = told
    assert (gateway.region, gateway.account_id) == ("eu-west-2", DEMO_ACCOUNT.account_id)
    assert user == User.objects.get()


def test_failed_login_tells_nobody(client, outscale, told):
    client.post("/login/", keys(secret_key="wrong"))

    assert told == []
