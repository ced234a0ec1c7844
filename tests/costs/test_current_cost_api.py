import csv
import io
from decimal import Decimal

import pytest
from django.test import Client

from costs.models import CostSnapshot
from sandbox.cloud import (
    CONSUMPTION_ONLY_KEY,
    DEMO_KEY,
    EMPTY_KEY,
    LINKED_KEY,
    PAYING_KEY,
    READ_ONLY_KEY,
)
from sandbox.expected import total
from tests.costs.portal_readings import (
    expected_now,
    keys_of,
    make_vm,
    make_volume,
    own,
    same,
    turned_back,
)

pytestmark = pytest.mark.django_db


class Script:
    """A script that logs in over the API and asks for the current cost."""

    def __init__(self, key=DEMO_KEY, region="eu-west-2"):
        self.client = Client()
        answer = self.client.post("/api/auth/login", keys_of(key, region), content_type="application/json")
        self.session_id = answer.json()["data"]["session_id"]

    def ask(self, path="", **question):
        return self.client.get(
            f"/api/cost/current{path}", question, headers={"X-Session-ID": self.session_id}
        )

    def data(self, **question):
        answer = self.ask(**question)
        assert answer.status_code == 200, answer.content.decode()
        return answer.json()["data"]


@pytest.fixture
def script(db, outscale):
    return Script()


def ids(data):
    return [one["resource_id"] for one in data["resources"]]


def error_of(answer):
    error = answer.json()["error"]
    return answer.status_code, error["code"]


def test_the_document_has_exactly_these_fields(script, outscale):
    own(outscale, vms=[make_vm(tags=(("Name", "Front"), ("env", "prod")))])
    answer = script.ask()
    document, metadata = answer.json()["data"], answer.json()["metadata"]
    catalog, read_at = document.pop("catalog"), document.pop("read_at")
    assert set(catalog) == {"version", "valid_from"}
    assert CostSnapshot.objects.get().taken_at.strftime("%Y-%m-%dT%H:%M:%SZ") == read_at
    sums = {"hour": "0.18", "month": "131.4", "year": "1576.8"}
    counts = {"count": 1, "unpriced_count": 0}
    compute = {"service": "TinaOS-FCU", "operation": "RunInstances-OD", "category": "compute"}
    assert document == {
        "region": "eu-west-2",
        "account_id": "100000000001",
        "currency": "EUR",
        "currency_assumed": False,
        "totals": sums,
        "resource_count": 1,
        "unpriced_count": 0,
        "by_type": [{"resource_type": "Vm", **counts, **sums}],
        "by_category": [
            {"category": "compute", **counts, **sums},
            {"category": "licence", **counts, "hour": "0", "month": "0", "year": "0"},
        ],
        "by_subregion": [{"subregion": "eu-west-2a", **counts, **sums}],
        "resources": [
            {
                "resource_id": "i-00000001",
                "resource_type": "Vm",
                "name": "Front",
                "subregion": "eu-west-2a",
                "state": "running",
                "specification": "tinav6.c4r8p2",
                "tags": {"Name": "Front", "env": "prod"},
                "price_per_hour": "0.18",
                "price_per_month": "131.4",
                "price_per_year": "1576.8",
                "priced": True,
                "explanation": {
                    "text": (
                        "4 × 0.035 (vCore, generation 6, high) + 8 × 0.005 (VM memory)"
                        " + 1 × 0 (Linux licence) = 0.18 EUR per hour."
                    ),
                    "period": "hour",
                    "parts": [
                        compute
                        | {
                            "type": "CustomCore:v6-p2",
                            "quantity": "4",
                            "unit_price": "0.035",
                            "amount": "0.14",
                        },
                        compute
                        | {
                            "type": "CustomRam",
                            "quantity": "8",
                            "unit_price": "0.005",
                            "amount": "0.04",
                        },
                        {
                            "service": "TinaOS-FCU",
                            "type": "ProductUsage",
                            "operation": "RunInstances-0001-OD",
                            "category": "licence",
                            "quantity": "1",
                            "unit_price": "0",
                            "amount": "0",
                        },
                    ],
                    "assumptions": [],
                    "problems": [],
                },
            }
        ],
        "missing": [],
        "not_read": ["Oos"],
        "unlisted": None,
    }
    assert set(metadata) == {"cache", "partial"}


def test_every_resource_costs_what_the_cloud_takes_for_it(script, outscale):
    expected = expected_now(outscale, objects=True)
    data = script.data(include_oos=True)
    assert {one["resource_id"]: one["resource_type"] for one in data["resources"]} == {
        one.resource_id: one.resource_type for one in expected.values()
    }
    for one in data["resources"]:
        known = expected[one["resource_id"]]
        assert same(one["price_per_month"], known.per_month), one
        assert same(one["price_per_hour"], known.per_hour), one
        assert one["priced"] is not bool(known.unpriced), one
        assert bool(one["explanation"]["problems"]) is bool(known.unpriced), one
    whole = total(expected.values())
    assert same(data["totals"]["month"], whole.per_month)
    assert same(data["totals"]["year"], whole.per_year)
    assert data["unpriced_count"] == len(whole.unpriced)


@pytest.mark.parametrize(
    ("key", "region"),
    [(PAYING_KEY, "cloudgouv-eu-west-1"), (LINKED_KEY, "us-west-1"), (EMPTY_KEY, "us-west-1")],
    ids=["paying", "linked", "empty"],
)
def test_every_account_and_region_adds_up(db, outscale, key, region):
    data = Script(key, region).data()
    whole = total(expected_now(outscale, key, region).values())
    assert same(data["totals"]["month"], whole.per_month)
    assert (data["region"], data["account_id"]) == (region, key.account_id)
    assert data["currency"] == ("USD" if region == "us-west-1" else "EUR")


def test_parts_of_the_totals_add_up_to_them(script):
    data = script.data()
    for parts in ("by_type", "by_category", "by_subregion"):
        assert sum(Decimal(one["month"]) for one in data[parts]) == Decimal(data["totals"]["month"])


def test_conditions_narrow_the_answer_as_on_the_page(script, outscale):
    tags = (("env", "prod"), ("a=b", "c"))
    own(outscale, vms=[make_vm(1, tags=tags), make_vm(2, state="stopped")], volumes=[make_volume(3)])
    for question, found in (
        ({}, ["i-00000001", "vol-00000003", "i-00000002"]),
        ({"type": "Volume"}, ["vol-00000003"]),
        ({"type": ["Volume", "Vm"], "sort": "resource"}, ["i-00000001", "vol-00000003", "i-00000002"]),
        ({"state": "stopped"}, ["i-00000002"]),
        ({"tag": ["env=prod", "=c"]}, ["i-00000001"]),
        ({"tag_key": "a=b", "tag_value": "prod"}, ["i-00000001"]),
        ({"skip": "Vm"}, ["vol-00000003"]),
        ({"search": "vm-2"}, ["i-00000002"]),
        ({"sort": "-specification"}, ["i-00000002", "i-00000001", "vol-00000003"]),
    ):
        data = script.data(**question)
        assert set(ids(data)) == set(found), question
        assert data["resource_count"] == len(found)
        assert Decimal(data["totals"]["month"]) == sum(
            Decimal(one["price_per_month"]) for one in data["resources"]
        )
    assert ids(script.data()) == ["i-00000001", "vol-00000003", "i-00000002"]
    assert ids(script.data(sort="month")) == ["i-00000002", "vol-00000003", "i-00000001"]


def test_pages_hold_every_resource_once_and_say_where_they_are(script):
    whole = script.data()
    answers = [script.ask(page=page, per_page=50).json() for page in (1, 2, 3)]
    assert [answer["metadata"]["pagination"] for answer in answers] == [
        {"page": page, "pages": 3, "per_page": 50, "total": whole["resource_count"]} for page in (1, 2, 3)
    ]
    assert [one for answer in answers for one in ids(answer["data"])] == ids(whole)
    assert {answer["data"]["totals"]["month"] for answer in answers} == {whole["totals"]["month"]}
    assert script.ask(page=2).json()["metadata"]["pagination"]["per_page"] == 50
    assert "pagination" not in script.ask().json()["metadata"]


def test_a_fresh_reading_answers_again_and_an_old_one_does_not(script, outscale):
    own(outscale, vms=[make_vm()])
    first = script.ask().json()
    outscale.requests.clear()
    own(outscale, vms=[make_vm(), make_vm(2)])
    again = script.ask().json()
    assert again == first
    assert len(outscale.requests) == 0
    assert first["metadata"]["cache"]["stale"] is False
    assert first["metadata"]["cache"]["fetched_at"].startswith(first["data"]["read_at"].rstrip("Z"))
    turned_back(CostSnapshot.objects.get(), minutes=6)
    assert script.data()["resource_count"] == 2


def test_the_object_storage_is_listed_only_when_asked_for(script, outscale):
    own(outscale)
    assert script.data()["by_type"] == []
    assert outscale.requests.count("ListBuckets") == 0
    (group,) = script.data(include_oos="true")["by_type"]
    assert (group["resource_type"], group["count"]) == ("Oos", 3)
    outscale.requests.clear()
    assert script.data(include_oos="true")["by_type"] == [group]
    assert script.data()["by_type"] == []  # totals do not depend on what somebody else has listed
    assert len(outscale.requests) == 0


@pytest.mark.parametrize(
    ("question", "field"),
    [
        ({"sort": "colour"}, "sort"),
        ({"type": "Car"}, "type"),
        ({"skip": "Car"}, "skip"),
        ({"page": "0"}, "page"),
        ({"page": "99"}, "page"),
        ({"page": "x"}, "page"),
        ({"per_page": "0"}, "per_page"),
        ({"per_page": "1001"}, "per_page"),
        ({"search": "x" * 200_000}, "search"),
        ({"search": "\x00"}, "search"),
        ({"tag": "\x00"}, "tag"),
        ({"tag": [str(number) for number in range(21)]}, "tag"),
        ({"tag_value": "x" * 513}, "tag_value"),
        ({"include_oos": "perhaps"}, "include_oos"),
        ({"format": "pdf"}, "format"),
        ({"region": "us-west-1"}, "region"),
        ({"region": "mars\x00" * 40}, "region"),
    ],
)
def test_a_parameter_that_cannot_be_is_named(script, question, field):
    answer = script.ask(**question)
    assert error_of(answer) == (400, "VALIDATION_FAILED")
    assert list(answer.json()["error"]["details"]) == [field]


def test_a_wrong_question_does_not_call_the_cloud(script, outscale):
    outscale.requests.clear()
    script.ask(sort="colour")
    script.ask("/export", format="pdf")
    assert len(outscale.requests) == 0


def test_a_wrong_grouping_is_no_parameter_here(script):
    assert script.data(group="moon") == script.data()


@pytest.mark.parametrize("path", ["", "/export"])
def test_nobody_is_told_anything_without_a_session(client, db, outscale, path):
    for headers in ({}, {"X-Session-ID": "made.up"}):
        answer = client.get(f"/api/cost/current{path}", headers=headers)
        assert error_of(answer) == (401, "SESSION_EXPIRED")
    assert len(outscale.requests) == 0


def test_an_account_never_sees_the_reading_of_another_account_or_key(script, outscale):
    own(outscale, vms=[make_vm(tags=(("Name", "secret-project"),))])
    assert script.data()["resources"][0]["name"] == "secret-project"
    other = Script(LINKED_KEY)
    assert "secret-project" not in other.ask().content.decode()
    assert other.data()["account_id"] == LINKED_KEY.account_id
    accountant = Script(CONSUMPTION_ONLY_KEY)
    assert error_of(accountant.ask()) == (403, "PERMISSION_REFUSED")


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (("refuse",), (403, "PERMISSION_REFUSED")),
        (("answer", "401/1"), (401, "AUTHENTICATION_REFUSED")),
        (("throttle",), (429, "CLOUD_THROTTLED")),
        (("error",), (503, "CLOUD_UNAVAILABLE")),
        (("unavailable",), (429, "CLOUD_THROTTLED")),
        (("broken-json",), (502, "CLOUD_ANSWER_INVALID")),
        (("list-error",), (502, "CLOUD_ANSWER_INVALID")),
        (("hang", "1"), (504, "CLOUD_TIMEOUT")),
    ],
    ids=lambda value: "-".join(map(str, value)),
)
def test_a_cloud_that_answers_nothing_is_an_error_not_an_empty_account(
    script, outscale, settings, fault, outcome
):
    settings.OUTSCALE_TIMEOUT_SECONDS = 0.2
    outscale.faults.add("*", *fault)
    answer = script.ask()
    assert error_of(answer) == outcome
    assert answer.json()["error"]["message"]
    assert ("Retry-After" in answer.headers) is (outcome[0] == 429)
    assert not CostSnapshot.objects.exists()
    assert error_of(script.ask("/export", format="csv")) == outcome


def test_a_partial_answer_says_what_is_missing_and_why(script, outscale):
    own(outscale, vms=[make_vm()], volumes=[make_volume()])
    outscale.faults.add("ReadVolumes", "refuse")
    outscale.faults.add("ReadSnapshots", "broken-json")
    answer = script.ask().json()
    assert answer["data"]["totals"]["month"] == "131.4"
    assert sorted(answer["metadata"]["partial"], key=lambda one: one["call"]) == [
        {
            "call": "ReadSnapshots",
            "code": "CLOUD_ANSWER_INVALID",
            "message": "ReadSnapshots: OUTSCALE answered something that the portal does not understand."
            " Please try again later.",
        },
        {
            "call": "ReadVolumes",
            "code": "PERMISSION_REFUSED",
            "message": "ReadVolumes: The policy of this key, or an access rule of the account, refuses this"
            " reading (code 4). Allow api:ReadVolumes.",
        },
    ]
    assert answer["data"]["missing"] == answer["metadata"]["partial"]
    assert {one["resource_type"] for one in answer["data"]["by_type"]} == {"Vm"}
    assert script.ask(type="Vm").json()["metadata"]["partial"] == []


def test_a_key_that_may_not_list_objects_gets_the_rest(db, outscale):
    auditor = Script(READ_ONLY_KEY)
    answer = auditor.ask(include_oos=True).json()
    (missing,) = answer["metadata"]["partial"]
    assert (missing["call"], missing["code"]) == ("ListObjectsV2", "PERMISSION_REFUSED")
    assert missing["message"].endswith("Allow oos:ListBucket.")
    whole = total(expected_now(outscale).values())
    assert same(answer["data"]["totals"]["month"], whole.per_month)


@pytest.mark.parametrize("path", ["", "/export"])
def test_files_come_over_the_api_too(script, path):
    whole = script.data(type="Vm")
    answer = script.ask(path, format="csv", type="Vm")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert [row["resource_id"] for row in rows if row["row"] == "resource"] == ids(whole)
    assert script.ask(path, format="month", type="Vm").content.decode() == f"{whole['totals']['month']}\n"
    kinds = script.ask(path, format="csv", type="Vm", aggregate=True).content.decode()
    assert [line.split(",")[0] for line in kinds.splitlines()] == ["row", "type", "total"]


def test_the_api_describes_itself(script):
    paths = script.client.get("/api/openapi.json").json()["paths"]
    asked = {one["name"] for one in paths["/api/cost/current"]["get"]["parameters"]}
    assert asked == {
        *(
            "account_id",
            "region",
            "format",
            "include_oos",
            "aggregate",
            "search",
            "type",
            "state",
            "tag",
            "tag_key",
        ),
        *("tag_value", "skip", "sort", "page", "per_page"),
    }
    assert "get" in paths["/api/cost/current/export"]
