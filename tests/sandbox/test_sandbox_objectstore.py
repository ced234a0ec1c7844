import hashlib
import hmac
import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import quote, urlsplit

import pytest
import requests

from sandbox.cloud import (
    CONSUMPTION_ONLY_KEY,
    DEMO_ACCOUNT,
    DEMO_KEY,
    EMPTY_KEY,
    LINKED_ACCOUNT,
    LINKED_KEY,
    READ_ONLY_KEY,
)
from sandbox.expected import expected
from sandbox.inventory import Inventory
from sandbox.prices import price_list
from sandbox.signature import Signed
from sandbox.signature4 import Signature4

S3 = "{http://s3.amazonaws.com/doc/2006-03-01/}"
NOTHING = hashlib.sha256(b"").hexdigest()


class Signer(requests.auth.AuthBase):
    """Signs a request as AWS describes it."""

    def __init__(self, key, secret=None, region="eu-west-2", service="s3", late=0):
        self.key, self.secret = key.access_key, secret or key.secret_key
        self.place = f"{region}/{service}/aws4_request"
        self.late = timedelta(seconds=late)

    def __call__(self, request):
        url = urlsplit(request.url)
        time = f"{datetime.now(UTC) - self.late:%Y%m%dT%H%M%SZ}"
        headers = {"host": url.netloc, "x-amz-content-sha256": NOTHING, "x-amz-date": time}
        lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
        query = "&".join(sorted(url.query.split("&")))
        canonical = f"{request.method}\n{url.path}\n{query}\n{lines}\n{';'.join(headers)}\n{NOTHING}"
        scope = f"{time[:8]}/{self.place}"
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        key = f"AWS4{self.secret}".encode()
        for part in (*scope.split("/"), f"AWS4-HMAC-SHA256\n{time}\n{scope}\n{digest}"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        request.headers.update(headers)
        request.headers["Authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={self.key}/{scope}, SignedHeaders={';'.join(headers)}, "
            f"Signature={key.hex()}"
        )
        return request


@pytest.fixture
def get(sandbox):
    def send(bucket="", key=DEMO_KEY, region="eu-west-2", auth=None, method="GET", **parameters):
        names = {name.replace("_", "-"): value for name, value in parameters.items()}
        query = "&".join(f"{name}={quote(str(value), safe='')}" for name, value in names.items())
        url = f"{sandbox.oos_url.format(region=region)}/{bucket}" + (f"?{query}" if query else "")
        return requests.request(method, url, auth=auth or Signer(key, region=region), timeout=10)

    return send


@pytest.fixture
def listed(get):
    def pages(bucket, **parameters):
        token, found = None, []
        while True:
            further = {"continuation_token": token} if token else {}
            response = get(bucket, list_type=2, **parameters, **further)
            assert response.status_code == 200, response.text
            page = ET.fromstring(response.content)
            found.append(
                [(c.findtext(f"{S3}Key"), int(c.findtext(f"{S3}Size"))) for c in page.iter(f"{S3}Contents")]
            )
            assert page.findtext(f"{S3}KeyCount") == str(len(found[-1]))
            token = page.findtext(f"{S3}NextContinuationToken")
            assert (page.findtext(f"{S3}IsTruncated") == "true") == (token is not None)
            if token is None:
                return found

    return pages


def names(response):
    return [name.text for name in ET.fromstring(response.content).iter(f"{S3}Name")]


def error(response):
    return response.status_code, ET.fromstring(response.content).findtext("Code")


@pytest.mark.parametrize(
    ("path", "query", "headers", "value"),
    [
        (
            "/test.txt",
            "",
            {"range": "bytes=0-9"},
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        ("/", "max-keys=2&prefix=J", {}, "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
    ],
)
def test_signatures_are_those_of_the_examples_in_the_documentation_of_aws(path, query, headers, value):
    all_headers = {
        "host": "examplebucket.s3.amazonaws.com",
        **headers,
        "x-amz-content-sha256": NOTHING,
        "x-amz-date": "20130524T000000Z",
    }
    signature = Signature4.read(
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
        f"SignedHeaders={';'.join(all_headers)},Signature={value}"
    )
    signed = Signed("GET", path, query, all_headers, b"")

    assert signature.is_made_with("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", signed)
    assert not signature.is_made_with("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", signed._replace(body=b"x"))
    assert not signature.is_made_with("another", signed)


def test_an_account_sees_its_buckets_of_the_region_asked(sandbox, get):
    for region in ("eu-west-2", "us-west-1"):
        buckets = sandbox.cloud.buckets(region, DEMO_ACCOUNT.account_id)
        assert names(get(region=region)) == [bucket.name for bucket in buckets]
    assert names(get(key=EMPTY_KEY)) == []


def test_the_pages_of_a_bucket_hold_every_object_once(sandbox, listed):
    for bucket in sandbox.cloud.buckets("eu-west-2", DEMO_ACCOUNT.account_id):
        pages = listed(bucket.name)
        assert [item for page in pages for item in page] == list(bucket.objects)
        assert len(pages) == max(1, -(-len(bucket.objects) // 1000))


def test_pages_may_be_smaller_and_keys_odd(sandbox, listed):
    odd = sandbox.cloud.buckets("eu-west-2", DEMO_ACCOUNT.account_id)[0]

    assert listed(odd.name, max_keys=3) == [list(odd.objects[:3]), list(odd.objects[3:])]
    assert listed(odd.name, start_after=odd.objects[1][0]) == [list(odd.objects[2:])]
    assert listed(odd.name, prefix="signes/plus+") == [[odd.objects[2]]]
    encoded = [key for key, _ in listed(odd.name, encoding_type="url")[0]]
    assert encoded == [quote(key) for key, _ in odd.objects]


@pytest.mark.parametrize("key", [READ_ONLY_KEY, CONSUMPTION_ONLY_KEY])
def test_a_policy_for_the_api_does_not_open_the_object_storage(get, key):
    assert error(get(key=key)) == (403, "AccessDenied")


def test_a_bucket_of_another_account_is_closed_and_an_unknown_one_is_none(sandbox, get):
    other = sandbox.cloud.buckets("eu-west-2", LINKED_ACCOUNT.account_id)[0]

    assert error(get(other.name, list_type=2)) == (403, "AccessDenied")
    assert get(other.name, LINKED_KEY, list_type=2).status_code == 200
    assert error(get("nothing", list_type=2)) == (404, "NoSuchBucket")


@pytest.mark.parametrize(
    ("auth", "code"),
    [
        (Signer(DEMO_KEY, secret="wrong"), "SignatureDoesNotMatch"),
        (Signer(DEMO_KEY, region="us-west-1"), "SignatureDoesNotMatch"),
        (Signer(DEMO_KEY, service="api"), "SignatureDoesNotMatch"),
        (Signer(DEMO_KEY, late=3600), "RequestTimeTooSkewed"),
        (Signer(DEMO_KEY, late=-3600), "RequestTimeTooSkewed"),
        (("user", "password"), "AccessDenied"),
    ],
)
def test_a_request_that_is_not_rightly_signed_is_refused(get, auth, code):
    assert error(get(auth=auth)) == (403, code)


@pytest.mark.parametrize(
    ("parameters", "answer"),
    [
        ({}, (501, "NotImplemented")),
        ({"location": ""}, (501, "NotImplemented")),
        ({"list_type": 2, "delimiter": "/"}, (501, "NotImplemented")),
        ({"list_type": 1}, (400, "InvalidArgument")),
        ({"list_type": 2, "max_keys": "many"}, (400, "InvalidArgument")),
        ({"list_type": 2, "continuation_token": "?"}, (400, "InvalidArgument")),
        ({"list_type": 2, "method": "PUT"}, (405, "MethodNotAllowed")),
    ],
)
def test_what_is_not_a_list_of_objects_is_refused(sandbox, get, parameters, answer):
    bucket = sandbox.cloud.buckets("eu-west-2", DEMO_ACCOUNT.account_id)[0]

    assert error(get(bucket.name, **parameters)) == answer


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        ("throttle", (503, "SlowDown")),
        ("error", (500, "InternalError")),
        ("unavailable", (503, "ServiceUnavailable")),
        ("refuse", (403, "AccessDenied")),
    ],
)
def test_faults_are_answered_as_the_storage_would(sandbox, get, kind, answer):
    sandbox.faults.add("ListBuckets", kind, 1)

    assert error(get()) == answer
    assert get().status_code == 200


def test_a_cloud_without_prices_lists_its_storage_as_ever(sandbox, get):
    sandbox.faults.add("*", "without-prices")

    assert get().status_code == 200


def test_a_broken_answer_is_no_xml_and_a_reset_no_answer(sandbox, get):
    sandbox.faults.add("eu-west-2/ListBuckets", "broken-json", 1)
    with pytest.raises(ET.ParseError):
        names(get())
    sandbox.faults.add("*", "reset", 1)
    with pytest.raises(requests.ConnectionError):
        get()


def test_a_failure_inside_the_storage_is_answered_as_its_own(sandbox, get, monkeypatch, caplog):
    monkeypatch.setattr(sandbox.cloud, "buckets", None)

    assert error(get()) == (500, "InternalError")
    assert "ListBuckets failed" in caplog.text


def test_the_log_tells_what_was_listed_with_which_key(sandbox, get):
    get()
    get("nothing", list_type=2)

    buckets, objects = sandbox.requests
    assert (buckets.call, buckets.region, buckets.access_key) == (
        "ListBuckets",
        "eu-west-2",
        DEMO_KEY.access_key,
    )
    assert (objects.call, objects.parameters) == ("ListObjectsV2", {"bucket": "nothing", "list-type": "2"})


def test_a_month_of_stored_objects_is_consumed_as_is_expected(sandbox, post):
    buckets = sandbox.cloud.buckets("eu-west-2", DEMO_ACCOUNT.account_id)
    body = {"FromDate": "2025-10-01", "ToDate": "2025-11-01", "ShowPrice": True, "ShowResourceDetails": True}
    entries = post("ReadConsumptionAccount", body, DEMO_KEY).json()["ConsumptionEntries"]

    bills = expected(Inventory("eu-west-2", DEMO_ACCOUNT.account_id), price_list("eu-west-2"), buckets)

    consumed = {entry["ResourceId"]: entry["Price"] for entry in entries if entry["Service"] == "TinaOS-OOS"}
    assert consumed == {
        id_: pytest.approx(float(bill.per_month)) for id_, bill in bills.items() if bill.per_month
    }
    gib = Decimal(buckets[1].size) / 1024**3
    assert bills[buckets[1].name].per_month == gib * Decimal("0.025") > 1
