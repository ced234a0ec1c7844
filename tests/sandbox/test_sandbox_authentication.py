from datetime import UTC, datetime, timedelta

import pytest
from osc_sdk_python.authentication import Authentication
from osc_sdk_python.credentials import Profile

from sandbox.api import CALLS
from sandbox.cloud import (
    CONSUMPTION_ONLY_KEY,
    DEMO_ACCOUNT,
    DEMO_KEY,
    EU_WEST_2_ONLY_KEY,
    KEYS,
    LINKED_KEY,
    PAYING_KEY,
    READ_ONLY_KEY,
    REFUSED_KEY,
    SECOND_DEMO_KEY,
)
from sandbox.regions import REGIONS
from tests.sandbox.openapi import assert_error_is_valid, calls_without_authentication

WRONG = "X" * 40


class Dated(Authentication):
    """The SDK's signature, some seconds from now."""

    def __init__(self, seconds, **kwargs):
        profile = Profile(access_key=DEMO_KEY.access_key, secret_key=DEMO_KEY.secret_key, region="eu-west-2")
        super().__init__(profile, "127.0.0.1", **kwargs)
        self.moment = datetime.now(UTC) + timedelta(seconds=seconds)

    def build_dates(self):
        return self.moment.strftime("%Y%m%dT%H%M%SZ"), self.moment.strftime("%Y%m%d")


def status_and_code(response):
    assert_error_is_valid(response.content)
    return response.status_code, response.json()["Errors"][0]["Code"]


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("key", [DEMO_KEY, PAYING_KEY, LINKED_KEY], ids=lambda key: key.account_id)
def test_the_sdk_with_a_root_key_is_let_in_in_every_region(sdk, key, region):
    (account,) = sdk(key, region).api("ReadAccounts")["Accounts"]

    assert account["AccountId"] == key.account_id


def test_two_keys_can_belong_to_one_account(sdk):
    first, second = (sdk(key).api("ReadAccounts")["Accounts"] for key in (DEMO_KEY, SECOND_DEMO_KEY))

    assert first == second


def test_keys_have_the_form_of_real_ones_and_say_that_they_are_not():
    for key in KEYS.values():
        assert (len(key.access_key), len(key.secret_key)) == (20, 40)
        assert (key.access_key + key.secret_key).isalnum()
        assert key.access_key == key.access_key.upper()
        assert key.access_key.startswith("SANDBOX")


def test_a_wrong_secret_is_refused(sdk, refusal):
    assert refusal(sdk(secret_key=WRONG).api, "ReadAccounts") == (401, "1")


def test_an_unknown_key_is_refused_and_never_locked(sdk, refusal):
    class Unknown:
        access_key, secret_key = "A" * 20, WRONG

    assert [refusal(sdk(Unknown).api, "ReadAccounts") for _ in range(6)] == [(401, "1")] * 6


def test_a_key_of_one_region_is_unknown_in_the_others(sdk, refusal):
    assert sdk(EU_WEST_2_ONLY_KEY).api("ReadAccounts")["Accounts"]
    assert refusal(sdk(EU_WEST_2_ONLY_KEY, "us-west-1").api, "ReadAccounts") == (401, "1")


def test_no_signature_is_refused(post):
    assert status_and_code(post("ReadAccounts")) == (401, "1")


def test_login_and_password_in_the_header_are_refused(post):
    assert status_and_code(post("ReadAccounts", auth=("a@example.com", "password"))) == (401, "1")


def test_a_signature_for_another_region_is_refused(sandbox, post):
    profile = Profile(access_key=DEMO_KEY.access_key, secret_key=DEMO_KEY.secret_key, region="us-west-1")

    assert status_and_code(post("ReadAccounts", auth=Authentication(profile, "127.0.0.1"))) == (401, "1")


def test_a_signature_covers_the_body(sandbox, post):
    def tampered(request):
        signed = Dated(0)(request)
        signed.body = '{"DryRun": false}'
        signed.headers["Content-Length"] = str(len(signed.body))
        return signed

    assert status_and_code(post("ReadAccounts", auth=tampered)) == (401, "1")


def test_the_host_may_be_signed_with_its_port(sandbox, post):
    host = f"127.0.0.1:{sandbox.port}"
    profile = Profile(access_key=DEMO_KEY.access_key, secret_key=DEMO_KEY.secret_key, region="eu-west-2")

    assert post("ReadAccounts", auth=Authentication(profile, host)).status_code == 200
    assert post("ReadAccounts", auth=Authentication(profile, "10.0.0.1")).status_code == 401


@pytest.mark.parametrize("signed_headers", ["host", "x-osc-date", "content-type"])
def test_host_and_date_must_be_signed(post, signed_headers):
    assert status_and_code(post("ReadAccounts", auth=Dated(0, signed_headers=signed_headers))) == (401, "1")


@pytest.mark.parametrize("seconds", [-800, -5, 1])
def test_a_date_slightly_off_is_accepted(post, seconds):
    assert post("ReadAccounts", auth=Dated(seconds)).status_code == 200


@pytest.mark.parametrize("seconds", [-86400, -1000, 6, 86400])
def test_a_date_far_off_is_refused_with_a_code_of_its_own(post, seconds):
    assert status_and_code(post("ReadAccounts", auth=Dated(seconds))) == (401, "15")


def test_moving_the_clock_of_the_cloud_makes_a_right_client_look_wrong(sandbox, sdk, refusal):
    sandbox.cloud.clock.shift(-10)

    assert refusal(sdk().api, "ReadAccounts") == (401, "15")


def test_four_failures_in_a_row_lock_the_key_for_one_minute_even_with_the_right_secret(sandbox, sdk, refusal):
    for _ in range(4):
        assert refusal(sdk(secret_key=WRONG).api, "ReadAccounts") == (401, "1")

    assert refusal(sdk().api, "ReadAccounts") == (401, "13")
    sandbox.cloud.clock.shift(59)
    assert refusal(sdk().api, "ReadAccounts") == (401, "13")
    sandbox.cloud.clock.shift(2)
    assert sdk().api("ReadAccounts")["Accounts"]


def test_the_next_four_failures_lock_for_two_minutes(sandbox, sdk, refusal):
    for _ in range(2):
        for _ in range(4):
            assert refusal(sdk(secret_key=WRONG).api, "ReadAccounts") == (401, "1")
        sandbox.cloud.clock.shift(61)

    assert refusal(sdk().api, "ReadAccounts") == (401, "13")
    sandbox.cloud.clock.shift(60)
    assert sdk().api("ReadAccounts")["Accounts"]


def test_a_success_forgets_the_failures_before_it(sdk, refusal):
    for _ in range(3):
        for _ in range(3):
            assert refusal(sdk(secret_key=WRONG).api, "ReadAccounts") == (401, "1")
        assert sdk().api("ReadAccounts")["Accounts"]


def test_a_lock_leaves_other_keys_and_other_regions_open(sdk, refusal):
    for _ in range(4):
        refusal(sdk(secret_key=WRONG).api, "ReadAccounts")

    assert refusal(sdk().api, "ReadAccounts") == (401, "13")
    assert sdk(SECOND_DEMO_KEY).api("ReadAccounts")["Accounts"]
    assert sdk(region="us-east-2").api("ReadAccounts")["Accounts"]


@pytest.mark.parametrize(
    ("key", "allowed"),
    [
        (CONSUMPTION_ONLY_KEY, {"ReadConsumptionAccount"}),
        (READ_ONLY_KEY, {name for name in CALLS if name.startswith("Read")}),
        (REFUSED_KEY, set()),
        (DEMO_KEY, set(CALLS)),
    ],
    ids=["consumption only", "read only", "nothing", "root"],
)
def test_a_policy_refuses_with_code_4_whatever_it_does_not_allow(post, key, allowed):
    refused = {
        name
        for name, call in CALLS.items()
        if not call.is_public
        and (response := post(name, key=key)).status_code != 200
        # A call let in may still miss its parameters.
        and status_and_code(response) != (400, "7000")
    }

    assert refused == {name for name, call in CALLS.items() if not call.is_public} - allowed
    if refused:
        assert status_and_code(post(refused.pop(), key=key)) == (401, "4")


def test_a_policy_is_no_matter_for_public_calls(post):
    assert post("ReadPublicCatalog", key=REFUSED_KEY).status_code == 200


def test_a_refusal_by_policy_never_locks_the_key(sdk, refusal):
    for _ in range(6):
        assert refusal(sdk(CONSUMPTION_ONLY_KEY).api, "ReadAccounts") == (401, "4")


def test_public_calls_are_those_which_outscale_describes_as_such():
    assert {name for name, call in CALLS.items() if call.is_public} == calls_without_authentication() & set(
        CALLS
    )


@pytest.mark.parametrize("name", sorted(calls_without_authentication() & set(CALLS)))
def test_a_public_call_needs_no_signature(post, name):
    assert post(name).status_code == 200


def test_check_authentication_accepts_the_password_of_the_account(sdk, refusal):
    client = sdk()

    assert list(
        client.api("CheckAuthentication", Login=DEMO_ACCOUNT.email, Password=DEMO_ACCOUNT.password)
    ) == ["ResponseContext"]
    assert refusal(client.api, "CheckAuthentication", Login=DEMO_ACCOUNT.email, Password="x") == (401, "1")
