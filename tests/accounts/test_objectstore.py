import time
from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest
from botocore.exceptions import BotoCoreError, MissingServiceIdError
from botocore.loaders import Loader

from accounts import objectstore as objectstore_module
from accounts import retrying
from accounts.errors import (
    AuthenticationRefused,
    CallRefused,
    ClockOff,
    CloudAnswerInvalid,
    CloudTimeout,
    CloudUnavailable,
    PermissionRefused,
    Throttled,
)
from accounts.gateway import Gateway
from accounts.objectstore import ObjectPage, ObjectStore
from sandbox.cloud import DEMO_ACCOUNT, DEMO_KEY, EMPTY_KEY, LINKED_ACCOUNT, LINKED_KEY, READ_ONLY_KEY
from sandbox.regions import REGIONS
from tests.accounts.loopback import http, server

NO_BUCKETS = b"<ListAllMyBucketsResult><Buckets></Buckets></ListAllMyBucketsResult>"


@pytest.fixture(autouse=True)
def _without_delay(settings, monkeypatch):
    settings.OUTSCALE_REQUESTS_PER_SECOND = 10_000
    monkeypatch.setattr(retrying, "BACKOFF_SECONDS", 0.001)


@pytest.fixture
def new_session():
    """Let boto3 set itself up in this test as it would in a new process."""
    objectstore_module._session.cache_clear()
    yield
    objectstore_module._session.cache_clear()


def store(key=DEMO_KEY, region="eu-west-2", **changes):
    return ObjectStore(
        **{"access_key": key.access_key, "secret_key": key.secret_key, "region": region} | changes
    )


def own_buckets(outscale, region="eu-west-2", account=DEMO_ACCOUNT):
    return {bucket.name: bucket for bucket in outscale.cloud.buckets(region, account.account_id)}


def pages(read, bucket):
    found, token = [], ""
    while True:
        found.append(read.objects(bucket, token))
        token = found[-1].next_token
        if not token:
            return found


def error(code, status, headers=""):
    return http(f"<Error><Code>{code}</Code><RequestId>r1</RequestId></Error>".encode(), status, headers)


# --- What is stored ----------------------------------------------------------------------------------


@pytest.mark.parametrize("region", REGIONS)
def test_buckets_are_those_of_the_account_in_the_region(outscale, region):
    assert store(region=region).buckets() == list(own_buckets(outscale, region))


def test_objects_of_all_pages_are_those_of_the_bucket_odd_keys_and_none_too(outscale):
    read = store()
    for name, bucket in own_buckets(outscale).items():
        found = pages(read, name)
        assert [page.count for page in found][:-1] == [1000] * (len(found) - 1)
        assert sum(page.count for page in found) == len(bucket.objects)
        assert sum(page.size for page in found) == bucket.size
    assert outscale.requests.count("ListObjectsV2") == 5


def test_account_without_buckets_has_none(outscale):
    assert store(EMPTY_KEY).buckets() == []


def test_bucket_that_is_gone_stores_nothing(outscale):
    assert store().objects("deleted-meanwhile") == ObjectPage(0, 0, "")


def test_bucket_of_another_account_may_not_be_read(outscale):
    with pytest.raises(PermissionRefused):
        store().objects(next(iter(own_buckets(outscale, account=LINKED_ACCOUNT))))


def test_gateway_knows_the_object_storage_of_its_account(outscale):
    gateway = Gateway(DEMO_KEY.access_key, DEMO_KEY.secret_key, "us-west-1", DEMO_ACCOUNT.account_id)

    assert gateway.object_store == store(region="us-west-1", account_id=DEMO_ACCOUNT.account_id)
    assert gateway.object_store.buckets() == list(own_buckets(outscale, "us-west-1"))
    assert gateway.object_store is gateway.object_store


def test_stores_share_connections_but_not_keys(outscale):
    found = [store(key).buckets() for key in (DEMO_KEY, LINKED_KEY, DEMO_KEY)]

    assert found[0] == found[2] != found[1] == list(own_buckets(outscale, account=LINKED_ACCOUNT))
    assert len({received.peer_port for received in outscale.requests}) == 1


def test_threads_read_at_the_same_time_each_with_its_own_keys(outscale, new_session):
    keys = [DEMO_KEY, LINKED_KEY, EMPTY_KEY] * 4
    with ThreadPoolExecutor(12) as threads:
        found = list(threads.map(lambda key: store(key).buckets(), keys))

    assert (
        found
        == [
            list(own_buckets(outscale)),
            list(own_buckets(outscale, account=LINKED_ACCOUNT)),
            [],
        ]
        * 4
    )


def test_limiter_is_of_the_account_and_not_that_of_the_api(outscale, monkeypatch):
    owners = []
    true = retrying.limiter_of
    monkeypatch.setattr(
        retrying, "limiter_of", lambda owner, *rest: owners.append(owner) or true(owner, *rest)
    )

    store().buckets()
    store(account_id=DEMO_ACCOUNT.account_id).buckets()

    assert owners == [f"oos-{DEMO_KEY.access_key}", f"oos-{DEMO_ACCOUNT.account_id}"]


def test_list_of_buckets_is_read_to_its_last_page(settings):
    bodies = [
        NO_BUCKETS.replace(b"</B", b"<Bucket><Name>a</Name></Bucket></B").replace(
            b"</L", b"<ContinuationToken>t+1=</ContinuationToken></L"
        ),
        NO_BUCKETS.replace(b"</B", b"<Bucket><Name>b</Name></Bucket></B"),
    ]
    with server(settings, lambda connection: connection.sendall(http(bodies.pop(0)))):
        assert store().buckets() == ["a", "b"]


# --- Nothing of the server's own ---------------------------------------------------------------------


@pytest.mark.parametrize("missing", ["access_key", "secret_key", "region"])
@pytest.mark.parametrize("nothing", ["", None])
def test_empty_key_is_refused_instead_of_replaced(missing, nothing):
    with pytest.raises(ValueError, match="needs an access key"):
        store(**{missing: nothing})


POISON = {
    "AWS_ACCESS_KEY_ID": LINKED_KEY.access_key,
    "AWS_SECRET_ACCESS_KEY": LINKED_KEY.secret_key,
    "AWS_SESSION_TOKEN": "poison",
    "AWS_BEARER_TOKEN_S3": "poison",
    "AWS_PROFILE": "poison",
    "AWS_DEFAULT_PROFILE": "poison",
    "AWS_CONFIG_FILE": "/nowhere/poison",
    "AWS_SHARED_CREDENTIALS_FILE": "/nowhere/poison",
    "AWS_DATA_PATH": "/nowhere/poison",
    "AWS_REGION": "poison-1",
    "AWS_DEFAULT_REGION": "poison-1",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:1/poison",
    "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1/poison",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false",
    "AWS_USE_DUALSTACK_ENDPOINT": "true",
    "AWS_USE_FIPS_ENDPOINT": "true",
    "AWS_CA_BUNDLE": "/nowhere/poison.pem",
    "REQUESTS_CA_BUNDLE": "/nowhere/poison.pem",
    "CURL_CA_BUNDLE": "/nowhere/poison.pem",
    "HTTP_PROXY": "http://127.0.0.1:1",
    "HTTPS_PROXY": "http://127.0.0.1:1",
    "ALL_PROXY": "http://127.0.0.1:1",
    "NETRC": "/nowhere/poison",
    "AWS_RETRY_MODE": "poison",
    "AWS_MAX_ATTEMPTS": "poison",
    "AWS_DEFAULTS_MODE": "poison",
    "AWS_REQUEST_CHECKSUM_CALCULATION": "poison",
    "AWS_RESPONSE_CHECKSUM_VALIDATION": "poison",
    "AWS_ACCOUNT_ID_ENDPOINT_MODE": "poison",
    "AWS_AUTH_SCHEME_PREFERENCE": "poison",
    "AWS_S3_US_EAST_1_REGIONAL_ENDPOINT": "poison",
    "AWS_CSM_ENABLED": "true",
    "AWS_CSM_PORT": "poison",
    "AWS_SDK_UA_APP_ID": "poison",
    "AWS_EXECUTION_ENV": "poison",
    "AWS_LAMBDA_FUNCTION_NAME": "poison",
    "_X_AMZN_TRACE_ID": "Root=poison",
    "AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:1/poison",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:1/poison",
    "BOTOCORE_EXPERIMENTAL__PLUGINS": "poison=tests.accounts.poisonous_plugin",
}


@pytest.fixture
def poisoned_home(monkeypatch, tmp_path):
    """A home whose ``.aws`` names another's keys, another endpoint, and another description of S3."""
    folder = tmp_path / ".aws"
    model = folder / "models" / "s3" / "2006-03-01"
    model.mkdir(parents=True)
    (model / "service-2.json").write_text('{"poison": true}')
    keys = f"aws_access_key_id={LINKED_KEY.access_key}\naws_secret_access_key={LINKED_KEY.secret_key}\n"
    (folder / "credentials").write_text(f"[default]\n{keys}")
    (folder / "config").write_text(
        f"[default]\n{keys}region = poison-1\nendpoint_url = http://127.0.0.1:1\nca_bundle = /poison\n"
        "retry_mode = poison\ns3 =\n  addressing_style = virtual\n  use_accelerate_endpoint = true\n"
    )
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login poison password poison\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(Loader, "CUSTOMER_DATA_PATH", str(folder / "models"))


@pytest.fixture
def poisoned_environment(monkeypatch):
    for name, value in POISON.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("NO_PROXY", "")


def test_no_variable_of_the_server_changes_whose_storage_is_read(outscale, new_session, poisoned_environment):
    assert store().buckets() == list(own_buckets(outscale))
    assert outscale.requests.count(access_key=DEMO_KEY.access_key, region="eu-west-2") == 1


def test_no_file_in_the_home_of_the_server_is_read(outscale, new_session, poisoned_home):
    name = next(iter(own_buckets(outscale)))

    assert store().buckets() == list(own_buckets(outscale))
    assert store().objects(name).size == own_buckets(outscale)[name].size
    assert {received.access_key for received in outscale.requests} == {DEMO_KEY.access_key}


def test_nothing_of_the_server_is_told_to_the_cloud(
    settings, new_session, poisoned_home, poisoned_environment
):
    heads = []

    def respond(connection):
        connection.sendall(http(NO_BUCKETS))
        heads.append(connection.recv(65536).decode())
        connection.sendall(http(NO_BUCKETS))

    with server(settings, respond):
        store().buckets()
        store().buckets()

    head = heads[0].lower()
    assert head.startswith("get /eu-west-2/oos http/1.1\r\n")
    assert "user-agent: osc-finops " in head
    assert "poison" not in head
    assert "token" not in head
    assert "checksum" not in head
    assert LINKED_KEY.access_key.lower() not in head


def test_poison_of_the_home_is_strong_enough_to_turn_boto3s_own_session(monkeypatch, poisoned_home):
    with pytest.raises(MissingServiceIdError):
        boto3.session.Session().client("s3", region_name="eu-west-2")
    monkeypatch.setattr(Loader, "CUSTOMER_DATA_PATH", "/nowhere")
    with pytest.raises(BotoCoreError, match="poison"):
        boto3.session.Session().client("s3", region_name="eu-west-2")


@pytest.mark.parametrize(
    "name",
    ["AWS_PROFILE", "AWS_RETRY_MODE", "AWS_MAX_ATTEMPTS", "AWS_DEFAULTS_MODE"],
)
def test_poison_of_the_environment_is_strong_enough_to_turn_boto3s_own_session(monkeypatch, name):
    monkeypatch.setenv(name, POISON[name])

    with pytest.raises((BotoCoreError, ValueError)):
        boto3.session.Session().client("s3", region_name="eu-west-2", endpoint_url="http://127.0.0.1:1")


# --- Bounded in time, tried again --------------------------------------------------------------------


def test_storage_that_hangs_is_given_up_after_the_timeout(outscale, settings):
    settings.OUTSCALE_TIMEOUT_SECONDS = 0.3
    read = store()
    assert read.buckets()
    outscale.requests.clear()
    outscale.faults.add("ListBuckets", "hang", 5)
    started = time.monotonic()

    with pytest.raises(CloudTimeout):
        read.buckets()

    assert time.monotonic() - started < 2
    assert outscale.requests.count("ListBuckets") == 1


def test_storage_that_sends_byte_by_byte_is_given_up_at_the_deadline(settings):
    settings.OUTSCALE_TIMEOUT_SECONDS = 0.2

    def respond(connection):
        connection.sendall(http(b" " * 1000)[:-1000])
        for _ in range(100):
            connection.sendall(b" ")
            time.sleep(0.05)

    read = store()
    with server(settings, respond):
        started = time.monotonic()
        with pytest.raises(CloudTimeout):
            read.buckets()

    assert time.monotonic() - started < 3


@pytest.mark.parametrize("kind", ["throttle", "error", "unavailable", "broken-500", "reset"])
def test_fault_that_passes_is_not_noticed(outscale, kind):
    outscale.faults.add("*", kind, 3)

    assert store().buckets() == list(own_buckets(outscale))
    assert outscale.requests.count("ListBuckets") == 4


@pytest.mark.parametrize(
    ("kind", "expected", "requests"),
    [
        ("throttle", Throttled, 4),
        ("unavailable", Throttled, 4),
        ("error", CloudUnavailable, 4),
        ("broken-500", CloudUnavailable, 4),
        ("reset", CloudUnavailable, 4),
        ("refuse", PermissionRefused, 1),
        ("broken-json", CloudAnswerInvalid, 1),
    ],
)
@pytest.mark.parametrize("call", ["ListBuckets", "ListObjectsV2"])
def test_fault_that_stays_is_met_four_times_at_most(outscale, call, kind, expected, requests):
    outscale.faults.add(call, kind)

    with pytest.raises(expected) as caught:
        store().buckets() if call == "ListBuckets" else store().objects("some")

    assert type(caught.value) is expected
    assert caught.value.call == call
    assert outscale.requests.count(call) == requests


def test_retry_waits_as_long_as_the_cloud_asks(settings):
    times = []

    def respond(connection):
        times.append(time.monotonic())
        busy = error("SlowDown", "503 Slow Down", "Retry-After: 1\r\n")
        connection.sendall(busy if len(times) == 1 else http(NO_BUCKETS))

    settings.OUTSCALE_TIMEOUT_SECONDS = 5
    with server(settings, respond):
        store().buckets()

    assert times[1] - times[0] >= 1


def test_wrong_secret_is_sent_once(outscale):
    with pytest.raises(AuthenticationRefused):
        store(secret_key="wrong").buckets()

    assert outscale.requests.count("ListBuckets") == 1


# --- Errors ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("403/AccessDenied", PermissionRefused),
        ("403/InvalidAccessKeyId", AuthenticationRefused),
        ("403/SignatureDoesNotMatch", AuthenticationRefused),
        ("403/RequestTimeTooSkewed", ClockOff),
        ("503/SlowDown", Throttled),
        ("429/SlowDown", Throttled),
        ("429/TooManyRequests", Throttled),
        ("503/ServiceUnavailable", Throttled),
        ("500/InternalError", CloudUnavailable),
        ("400/InvalidArgument", CallRefused),
        ("404/NoSuchKey", CallRefused),
        ("200/InternalError", CloudUnavailable),
    ],
)
def test_error_is_decided_on_the_code_of_the_storage(outscale, answer, expected):
    outscale.faults.add("ListBuckets", "answer", answer)

    with pytest.raises(expected) as caught:
        store().buckets()

    assert type(caught.value) is expected
    assert (caught.value.call, caught.value.cloud_code) == ("ListBuckets", answer.partition("/")[2])
    told = f"{caught.value} {caught.value!r} {caught.value.message} {vars(caught.value)}"
    assert DEMO_KEY.access_key not in told
    assert DEMO_KEY.secret_key not in told


def test_key_without_a_policy_for_the_storage_is_told_so(outscale):
    with pytest.raises(PermissionRefused) as caught:
        store(READ_ONLY_KEY).buckets()

    assert str(caught.value.message).endswith("refuses this reading (code AccessDenied).")
    assert len(caught.value.request_id) == 36
    assert str(PermissionRefused("ListBuckets").message).endswith("refuses this reading.")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (
            error("PermanentRedirect", "301 Moved Permanently", "Location: http://127.0.0.1:1/\r\n"),
            CloudAnswerInvalid,
        ),
        (http(b"", "307 Temporary Redirect", "Location: http://127.0.0.1:1/\r\n"), CloudAnswerInvalid),
        (
            http(
                b"<Error><Code>AuthorizationHeaderMalformed</Code><Region>us-west-1</Region></Error>",
                "400 Bad Request",
                "x-amz-bucket-region: us-west-1\r\n",
            ),
            CallRefused,
        ),
    ],
)
def test_storage_that_names_another_place_is_not_followed_there(settings, answer, expected):
    with (
        server(settings, lambda connection: connection.sendall(answer)) as connections,
        pytest.raises(expected),
    ):
        store().objects("some")
    assert len(connections) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"<html></html>",
        b"<ListBucketResult></ListBucketResult>",
        b"<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
        b"<ListBucketResult><IsTruncated>false</IsTruncated><Contents></Contents></ListBucketResult>",
        b"<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Size>x</Size></Contents></ListBucketResult>",
        b"<L><IsTruncated>false</IsTruncated><Contents><Size>-1</Size></Contents></L>",
        b"<L><IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken></L>",
    ],
)
def test_body_that_is_no_page_is_no_answer(settings, body):
    with (
        server(settings, lambda connection: connection.sendall(http(body))),
        pytest.raises(CloudAnswerInvalid),
    ):
        store().objects("some", "t")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html></html>",
        b"<ListAllMyBucketsResult><Buckets><Bucket></Bucket></Buckets></ListAllMyBucketsResult>",
        NO_BUCKETS.replace(b"</L", b"<ContinuationToken>t</ContinuationToken></L"),
    ],
)
def test_body_that_is_no_list_of_buckets_is_no_answer(settings, body):
    with (
        server(settings, lambda connection: connection.sendall(http(body))),
        pytest.raises(CloudAnswerInvalid),
    ):
        store().buckets()


def test_answer_that_breaks_off_is_the_clouds_fault(settings):
    with (
        server(settings, lambda connection: connection.sendall(http(NO_BUCKETS)[:-4])),
        pytest.raises(CloudUnavailable),
    ):
        store().buckets()


def test_name_that_can_be_no_buckets_is_not_sent(outscale):
    with pytest.raises(CallRefused):
        store().objects("no/bucket")
    assert outscale.requests.count() == 0


def test_name_that_does_not_resolve_is_an_unreachable_cloud(settings):
    settings.OUTSCALE_OOS_URL = "http://{region}.invalid"

    with pytest.raises(CloudUnavailable):
        store().buckets()


def test_what_it_shows_of_itself_holds_no_key(outscale):
    read = store()
    read.buckets()

    assert DEMO_KEY.access_key not in repr(read)
    assert DEMO_KEY.secret_key not in repr(read)
