import gzip
import socket
import time
from decimal import Decimal
from pathlib import Path

import pytest
from osc_sdk_python import credentials

from accounts import gateway as gateway_module
from accounts import retrying, transport
from accounts.errors import (
    AuthenticationRefused,
    CallRefused,
    ClockOff,
    CloudAnswerInvalid,
    CloudTimeout,
    CloudUnavailable,
    KeyLocked,
    PermissionRefused,
    Throttled,
)
from accounts.gateway import Gateway, read_public
from sandbox.cloud import DEMO_ACCOUNT, DEMO_KEY, LINKED_ACCOUNT, LINKED_KEY, READ_ONLY_KEY, REFUSED_KEY
from tests.accounts.loopback import http, server


@pytest.fixture(autouse=True)
def _without_delay(settings, monkeypatch):
    settings.OUTSCALE_REQUESTS_PER_SECOND = 10_000
    monkeypatch.setattr(retrying, "BACKOFF_SECONDS", 0.001)


def gateway(key=DEMO_KEY, region="eu-west-2", **changes):
    return Gateway(**{"access_key": key.access_key, "secret_key": key.secret_key, "region": region} | changes)


def account_id(answer):
    return answer["Accounts"][0]["AccountId"]


# --- Nothing of the server's own ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OSC_ACCESS_KEY", LINKED_KEY.access_key),
        ("OSC_SECRET_KEY", LINKED_KEY.secret_key),
        ("OSC_LOGIN", "somebody@example.com"),
        ("OSC_ENDPOINT_API", "http://127.0.0.1:1"),
        ("OSC_REGION", "us-west-1"),
        ("OSC_PROTOCOL", "ftp"),
        ("OSC_X509_CLIENT_CERT", "/nowhere/certificate.pem"),
        ("OSC_TLS_SKIP_VERIFY", "true"),
        ("OSC_PROFILE", "nobody"),
        ("OSC_CONFIG_FILE", "/nowhere/config.json"),
        ("HTTP_PROXY", "http://127.0.0.1:1"),
        ("ALL_PROXY", "http://127.0.0.1:1"),
        ("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem"),
        ("NETRC", "/nowhere/netrc"),
    ],
)
def test_no_variable_of_the_server_changes_whose_cloud_is_read(outscale, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    monkeypatch.setenv("OSC_PASSWORD", "password")
    monkeypatch.setenv("NO_PROXY", "")

    assert account_id(gateway().read("ReadAccounts")) == DEMO_ACCOUNT.account_id
    assert outscale.requests.count(access_key=DEMO_KEY.access_key, region="eu-west-2") == 1


def test_no_file_in_the_home_of_the_server_is_read(outscale, monkeypatch, tmp_path):
    (tmp_path / ".osc").mkdir()
    poison = (
        '{"default": {"login": "a", "password": "b", "access_key": "c", "endpoints": {"api": "http://x"}}}'
    )
    (tmp_path / ".osc" / "config.json").write_text(poison)
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login a password b\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(credentials, "STD_PATH", str(tmp_path / ".osc" / "config.json"))

    assert account_id(gateway().read("ReadAccounts")) == DEMO_ACCOUNT.account_id
    read_public("eu-west-2", "ReadPublicCatalog")
    assert [received.access_key for received in outscale.requests] == [DEMO_KEY.access_key, ""]


def test_poison_is_strong_enough_to_turn_the_sdks_own_profile(monkeypatch):
    monkeypatch.setenv("OSC_LOGIN", "somebody@example.com")
    monkeypatch.setenv("OSC_CONFIG_FILE", str(Path(__file__).parent / "nothing.json"))

    with pytest.raises(FileNotFoundError):
        credentials.Profile.from_standard_configuration(None, None)


@pytest.mark.parametrize("missing", ["access_key", "secret_key", "region"])
@pytest.mark.parametrize("nothing", ["", None])
def test_empty_key_is_refused_instead_of_replaced(missing, nothing):
    with pytest.raises(ValueError, match="needs an access key"):
        gateway(**{missing: nothing})


def test_users_share_connections_but_neither_keys_nor_cookies(settings, outscale):
    answers = [gateway(key).read("ReadAccounts") for key in (DEMO_KEY, LINKED_KEY, DEMO_KEY)]

    assert [account_id(answer) for answer in answers] == [
        DEMO_ACCOUNT.account_id,
        LINKED_ACCOUNT.account_id,
        DEMO_ACCOUNT.account_id,
    ]
    assert len({received.peer_port for received in outscale.requests}) == 1


def test_cookie_of_the_cloud_is_not_sent_back(settings):
    heads = []

    def respond(connection):
        connection.sendall(http(b"{}", headers="Set-Cookie: who=somebody; Path=/\r\n"))
        heads.append(connection.recv(65536))
        connection.sendall(http(b"{}"))

    with server(settings, respond):
        gateway().read("ReadVms")
        gateway(LINKED_KEY).read("ReadVms")

    assert heads
    assert b"who=somebody" not in heads[0]


def test_redirect_is_not_followed_with_a_signature(settings):
    def respond(connection):
        connection.sendall(http(b"", "307 Temporary Redirect", "Location: http://127.0.0.1:1/\r\n"))

    with server(settings, respond) as connections, pytest.raises(CloudAnswerInvalid):
        gateway().read("ReadVms")
    assert len(connections) == 1


# --- Bounded in time ---------------------------------------------------------------------------------


def test_server_that_hangs_is_given_up_after_the_timeout(settings):
    settings.OUTSCALE_TIMEOUT_SECONDS = 0.2
    with server(settings, lambda _connection: time.sleep(5)) as connections:
        started = time.monotonic()
        with pytest.raises(CloudTimeout):
            gateway().read("ReadVms")

    assert time.monotonic() - started < 3
    assert len(connections) == 1


def test_server_that_sends_byte_by_byte_is_given_up_at_the_deadline(settings):
    settings.OUTSCALE_TIMEOUT_SECONDS = 0.2

    def respond(connection):
        connection.sendall(http(b" " * 1000)[:-1000])
        for _ in range(100):
            connection.sendall(b" ")
            time.sleep(0.05)

    with server(settings, respond):
        started = time.monotonic()
        with pytest.raises(CloudTimeout):
            gateway().read("ReadVms")

    assert time.monotonic() - started < 3


def test_address_that_drops_every_packet_is_given_up(settings, monkeypatch):
    monkeypatch.setattr(transport, "CONNECT_SECONDS", 0.2)
    listener = socket.create_server(("127.0.0.1", 0), backlog=0)
    settings.OUTSCALE_API_URL = f"http://127.0.0.1:{listener.getsockname()[1]}/{{region}}"
    waiting = [socket.socket() for _ in range(3)]
    for one in waiting:
        one.setblocking(False)
        one.connect_ex(listener.getsockname())  # the queue is full: further ones get no answer
    started = time.monotonic()
    try:
        with pytest.raises(CloudTimeout):
            gateway().read("ReadVms")
    finally:
        for one in [*waiting, listener]:
            one.close()

    assert time.monotonic() - started < 3


def test_call_with_all_its_retries_ends_within_the_deadline(outscale, settings, monkeypatch):
    settings.OUTSCALE_TIMEOUT_SECONDS = 0.2
    monkeypatch.setattr(retrying, "BACKOFF_SECONDS", 0.3)
    outscale.faults.add("*", "error")
    started = time.monotonic()

    with pytest.raises(CloudUnavailable):
        gateway().read("ReadVms")

    assert time.monotonic() - started < 1.5  # the pauses of three retries alone are longer


# --- Retries -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["throttle", "error", "unavailable", "broken-500", "reset"])
def test_fault_that_passes_is_not_noticed(outscale, kind):
    outscale.faults.add("ReadAccounts", kind, 3)

    assert account_id(gateway().read("ReadAccounts")) == DEMO_ACCOUNT.account_id
    assert outscale.requests.count("ReadAccounts") == 4


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("throttle", Throttled),
        ("unavailable", Throttled),
        ("error", CloudUnavailable),
        ("broken-500", CloudUnavailable),
        ("reset", CloudUnavailable),
    ],
)
def test_fault_that_stays_is_met_four_times_at_most(outscale, kind, error):
    outscale.faults.add("ReadAccounts", kind)

    with pytest.raises(error):
        gateway().read("ReadAccounts")

    assert outscale.requests.count("ReadAccounts") == 4


@pytest.mark.parametrize(
    "answer", ["401/1", "401/13", "401/15", "401/4", "401/24", "401/2000", "401/999", "401/"]
)
def test_401_is_never_tried_again(outscale, answer):
    outscale.faults.add("ReadAccounts", "answer", answer)

    with pytest.raises(Exception, match="ReadAccounts"):
        gateway().read("ReadAccounts")

    assert outscale.requests.count("ReadAccounts") == 1


def test_wrong_secret_is_sent_once(outscale):
    with pytest.raises(AuthenticationRefused):
        gateway(secret_key="wrong").read("ReadAccounts")

    assert outscale.requests.count("ReadAccounts") == 1


def test_retry_waits_as_long_as_the_cloud_asks(settings):
    times = []

    def respond(connection):
        times.append(time.monotonic())
        busy = http(b'{"Errors": [{"Code": "24"}]}', "429 Too Many Requests", "Retry-After: 1\r\n")
        connection.sendall(busy if len(times) == 1 else http(b"{}"))

    settings.OUTSCALE_TIMEOUT_SECONDS = 5
    with server(settings, respond):
        gateway().read("ReadVms")

    assert times[1] - times[0] >= 1


def test_retry_is_not_waited_for_beyond_the_deadline(settings):
    busy = http(b'{"Errors": [{"Code": "24"}]}', "429 Too Many Requests", "Retry-After: 3600\r\n")
    with (
        server(settings, lambda connection: connection.sendall(busy)) as connections,
        pytest.raises(Throttled) as caught,
    ):
        gateway().read("ReadVms")

    assert caught.value.retry_after == 3600
    assert len(connections) == 1


def test_connection_that_the_cloud_has_closed_meanwhile_is_opened_anew(settings):
    with server(settings, lambda connection: connection.sendall(http(b"{}"))) as connections:
        for _ in range(3):
            gateway().read("ReadVms")

    assert len(connections) >= 3


# --- Errors ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "error", "code", "status"),
    [
        ("401/1", AuthenticationRefused, "AUTHENTICATION_REFUSED", 401),
        ("400/1", AuthenticationRefused, "AUTHENTICATION_REFUSED", 401),
        ("401/4", PermissionRefused, "PERMISSION_REFUSED", 403),
        ("403/4", PermissionRefused, "PERMISSION_REFUSED", 403),
        ("500/4", PermissionRefused, "PERMISSION_REFUSED", 403),
        ("401/13", KeyLocked, "KEY_LOCKED", 401),
        ("429/13", KeyLocked, "KEY_LOCKED", 401),
        ("401/15", ClockOff, "CLOCK_OFF", 503),
        ("429/24", Throttled, "CLOUD_THROTTLED", 429),
        ("400/25", Throttled, "CLOUD_THROTTLED", 429),
        ("503/6", Throttled, "CLOUD_THROTTLED", 429),
        ("500/2000", CloudUnavailable, "CLOUD_UNAVAILABLE", 503),
        ("400/3001", CallRefused, "CALL_REFUSED", 502),
        ("400/4118", CallRefused, "CALL_REFUSED", 502),
        ("400/7000", CallRefused, "CALL_REFUSED", 502),
        ("404/12000", CallRefused, "CALL_REFUSED", 502),
        ("418/9999", CallRefused, "CALL_REFUSED", 502),
    ],
)
def test_error_is_decided_on_the_code_of_the_cloud(outscale, answer, error, code, status):
    outscale.faults.add("ReadVms", "answer", answer)

    with pytest.raises(error) as caught:
        gateway().read("ReadVms")

    assert type(caught.value) is error
    assert (caught.value.code, caught.value.http_status, caught.value.call) == (code, status, "ReadVms")
    assert caught.value.cloud_code == answer.partition("/")[2]
    assert len(caught.value.request_id) == 36


@pytest.mark.parametrize(
    ("kind", "error"), [("broken-json", CloudAnswerInvalid), ("list-error", CloudAnswerInvalid)]
)
def test_answer_that_is_none_is_an_error_of_its_own(outscale, kind, error):
    outscale.faults.add("ReadVms", kind)

    with pytest.raises(error):
        gateway().read("ReadVms")

    assert outscale.requests.count("ReadVms") == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"12",
        b"\xff",
        b'{"Price": NaN}',
        b'{"Price": 1e9999999999999999999}',
        b"[" * 100_000,
        b"9" * 9999,
    ],
)
@pytest.mark.parametrize("status", ["200 OK", "400 Bad Request"])
def test_body_that_is_no_object_is_no_answer(settings, status, body):
    with (
        server(settings, lambda connection: connection.sendall(http(body, status))),
        pytest.raises(CloudAnswerInvalid),
    ):
        gateway().read("ReadVms")


@pytest.mark.parametrize(
    "body", [b'{"Errors": {}}', b'{"Errors": [[]]}', b'{"Errors": [{}]}', b'{"Errors": [{"Code": []}]}']
)
def test_error_of_the_wrong_shape_is_no_answer(settings, body):
    with (
        server(settings, lambda connection: connection.sendall(http(body, "400 Bad Request"))),
        pytest.raises(CloudAnswerInvalid),
    ):
        gateway().read("ReadVms")


def test_code_of_the_cloud_is_kept_short(settings):
    body = b'{"Errors": [{"Code": "%s"}]}' % (b"7" * 1000)
    with (
        server(settings, lambda connection: connection.sendall(http(body, "400 Bad Request"))),
        pytest.raises(CallRefused) as caught,
    ):
        gateway().read("ReadVms")
    assert caught.value.cloud_code == "7" * 64


@pytest.mark.parametrize("is_packed", [False, True])
def test_answer_as_large_as_the_memory_is_no_answer(settings, monkeypatch, is_packed):
    monkeypatch.setattr(transport, "MOST_BYTES", 100_000)
    body = b'{"Vms": [' + b" " * 100_000 + b"]}"
    answer = http(gzip.compress(body), headers="Content-Encoding: gzip\r\n") if is_packed else http(body)
    with (
        server(settings, lambda connection: connection.sendall(answer)),
        pytest.raises(CloudAnswerInvalid),
    ):
        gateway().read("ReadVms")
    monkeypatch.setattr(transport, "MOST_BYTES", len(body))
    with server(settings, lambda connection: connection.sendall(answer)):
        assert gateway().read("ReadVms") == {"Vms": []}


def test_answer_that_breaks_off_is_the_clouds_fault(settings, outscale):
    with (
        server(settings, lambda connection: connection.sendall(http(b'{"Vms": []}')[:-4])),
        pytest.raises(CloudUnavailable),
    ):
        gateway().read("ReadVms")


def test_name_that_does_not_resolve_is_an_unreachable_cloud(settings, outscale):
    settings.OUTSCALE_API_URL = "http://{region}.invalid/api/v1"

    with pytest.raises(CloudUnavailable):
        gateway().read("ReadVms")


def test_certificate_that_is_not_trusted_is_an_unreachable_cloud(outscale, settings):
    settings.OUTSCALE_API_URL = outscale.url.replace("http:", "https:")

    with pytest.raises(CloudUnavailable):
        gateway().read("ReadVms")


def test_refused_policy_is_told_apart_from_wrong_keys(outscale):
    with pytest.raises(PermissionRefused):
        gateway(REFUSED_KEY).read("ReadAccounts")


@pytest.mark.parametrize("answer", ["401/1", "401/4", "429/24", "500/2000", "400/3001"])
def test_error_says_what_to_do_and_carries_no_key(outscale, answer):
    outscale.faults.add("ReadVms", "answer", answer)

    with pytest.raises(Exception, match="ReadVms") as caught:
        gateway().read("ReadVms")

    told = f"{caught.value} {caught.value!r} {caught.value.message} {vars(caught.value)}"
    assert DEMO_KEY.access_key not in told
    assert DEMO_KEY.secret_key not in told
    assert str(caught.value.message).endswith((".", ")"))


# --- Exact numbers -----------------------------------------------------------------------------------


def test_numbers_are_exact_as_the_cloud_wrote_them(settings):
    body = b'{"Price": 0.1, "Long": 107.28424634949731234, "Tiny": 1e-10, "Count": 3}'
    with server(settings, lambda connection: connection.sendall(http(body))):
        answer = gateway().read("ReadUnitPrice")

    assert answer == {
        "Price": Decimal("0.1"),
        "Long": Decimal("107.28424634949731234"),
        "Tiny": Decimal("1e-10"),
        "Count": 3,
    }
    assert str(answer["Long"]) == "107.28424634949731234"


def test_prices_of_the_catalog_are_decimals(outscale):
    entries = read_public("eu-west-2", "ReadPublicCatalog")["Catalog"]["Entries"]

    assert {type(entry["UnitPrice"]) for entry in entries} == {Decimal}


# --- Pages and public calls --------------------------------------------------------------------------


def test_every_page_is_read_to_the_last_one(outscale):
    everything = gateway(READ_ONLY_KEY).read_all("ReadVmTypes", "VmTypes")

    assert len({one["VmTypeName"] for one in everything}) == len(everything)
    asked = [received.parameters for received in outscale.requests]
    assert all(parameters["ResultsPerPage"] == 1000 for parameters in asked)


def pages(settings, *bodies):
    """A server that answers with these pages, one after the other, then the last one for ever."""
    left = list(bodies)

    def respond(connection):
        connection.sendall(http(left.pop(0) if len(left) > 1 else left[0]))

    return server(settings, respond)


def test_token_leads_to_the_next_page_until_there_is_none(settings):
    first, last = b'{"Vms": [1, 2], "NextPageToken": "t1"}', b'{"Vms": [3], "NextPageToken": null}'
    with pages(settings, first, last):
        assert gateway().read_all("ReadVms", "Vms") == [1, 2, 3]


def test_small_pages_of_the_sandbox_are_put_together(outscale, monkeypatch):
    whole = gateway().read_all("ReadVmTypes", "VmTypes")
    outscale.requests.clear()
    monkeypatch.setattr(gateway_module, "RESULTS_PER_PAGE", 10)

    assert gateway().read_all("ReadVmTypes", "VmTypes") == whole
    assert outscale.requests.count("ReadVmTypes") == -(-len(whole) // 10)


def test_repeated_token_does_not_go_round_for_ever(settings):
    with pages(settings, b'{"Vms": [1], "NextPageToken": "t1"}'), pytest.raises(CloudAnswerInvalid):
        gateway().read_all("ReadVms", "Vms")


@pytest.mark.parametrize("body", [b"{}", b'{"Vms": null}', b'{"Vms": {}}'])
def test_page_without_its_list_is_no_answer(settings, body):
    with pages(settings, body), pytest.raises(CloudAnswerInvalid):
        gateway().read_all("ReadVms", "Vms")


def test_filters_go_along_with_every_page(outscale, monkeypatch):
    monkeypatch.setattr(gateway_module, "RESULTS_PER_PAGE", 1)
    filters = {"VmTypeNames": ["m5.large", "t2.small"]}

    gateway().read_all("ReadVmTypes", "VmTypes", Filters=filters)

    assert all(received.parameters["Filters"] == filters for received in outscale.requests)


def test_public_call_is_not_signed(outscale):
    read_public("us-east-2", "ReadPublicCatalog")

    assert [(received.access_key, received.region) for received in outscale.requests] == [("", "us-east-2")]
