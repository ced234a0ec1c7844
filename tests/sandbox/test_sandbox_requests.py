import pytest
import requests

from sandbox.api import CALLS
from sandbox.cloud import DEMO_KEY
from tests.sandbox.openapi import assert_error_is_valid, request_schema

PERIOD = {"FromDate": "2026-10-01", "ToDate": "2026-10-02"}


def status_and_code(response):
    assert_error_is_valid(response.content)
    return response.status_code, response.json()["Errors"][0]["Code"]


def kind_of_items(described):
    return described.get("oneOf", [described])[0]["type"]


def kinds_of(schema):
    kinds = {}
    for name, described in schema["properties"].items():
        one = described.get("oneOf", [described])[0]
        kinds[name] = (kind_of_items(one["items"]), True) if one["type"] == "array" else (one["type"], False)
    return kinds


@pytest.mark.parametrize("name", CALLS)
def test_a_call_accepts_the_parameters_which_outscale_describes_and_no_other(name):
    described = request_schema(name)
    call = CALLS[name]

    assert {name: (kind.name, kind.many) for name, kind in call.accepted.items()} == kinds_of(described)
    assert set(call.required) == set(described.get("required", []))


@pytest.mark.parametrize("name", [name for name, call in CALLS.items() if call.filters is not None])
def test_a_call_has_the_filters_which_outscale_describes_and_no_other(name):
    described = kinds_of(request_schema(name)["properties"]["Filters"])

    assert {
        key: (known.kind.name, known.kind.many) for key, known in CALLS[name].filters.items()
    } == described


@pytest.mark.parametrize(
    ("call", "body"),
    [
        ("ReadAccounts", {"Nothing": 1}),
        ("ReadAccounts", {"ResultsPerPage": 10}),
        ("ReadCatalog", {"NextPageToken": "MTAw"}),
        ("ReadSubregions", {"Filters": {"Nothing": ["a"]}}),
        ("ReadSubregions", {"Filters": {"States": "available"}}),
        ("ReadSubregions", {"Filters": []}),
        ("ReadSubregions", {"ResultsPerPage": "10"}),
        ("ReadSubregions", {"ResultsPerPage": True}),
        ("ReadConsumptionAccount", {**PERIOD, "ShowPrice": "yes"}),
        ("ReadConsumptionAccount", {**PERIOD, "ShowPrice": 1}),
        ("ReadConsumptionAccount", {**PERIOD, "FromDate": 20261001}),
        ("ReadAccounts", "[]"),
        ("ReadAccounts", "{"),
    ],
)
def test_an_unknown_parameter_or_a_wrong_type_is_refused(post, call, body):
    assert status_and_code(post(call, body, DEMO_KEY)) == (400, "3001")


def test_a_body_that_is_not_unicode_is_refused(post):
    assert status_and_code(post("ReadPublicCatalog", b"\xff")) == (400, "3001")


@pytest.mark.parametrize("missing", PERIOD)
def test_a_missing_parameter_is_refused(post, missing):
    body = {name: value for name, value in PERIOD.items() if name != missing}

    assert status_and_code(post("ReadConsumptionAccount", body, DEMO_KEY)) == (400, "7000")


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_another_content_type_than_json_is_refused(post, content_type):
    response = post("ReadPublicCatalog", headers={"Content-Type": content_type})

    assert status_and_code(response) == (400, "3010")


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_only_post_is_understood(post, method):
    assert status_and_code(post("ReadPublicCatalog", method=method)) == (404, "12000")


@pytest.mark.parametrize("call", ["ReadNothing", "readpubliccatalog", "ReadPublicCatalog/", ""])
def test_an_unknown_call_is_refused(post, call):
    assert status_and_code(post(call)) == (404, "12000")


def test_an_unknown_region_is_refused(post):
    assert status_and_code(post("ReadPublicCatalog", region="ap-northeast-1")) == (404, "12000")


def test_a_body_of_unknown_length_is_refused_and_the_connection_closed(sandbox):
    url = f"{sandbox.region_url('eu-west-2')}/ReadPublicCatalog"

    response = requests.post(url, data=iter([b"{}"]), timeout=10)

    assert (response.status_code, response.headers["Connection"]) == (411, "close")


def test_a_dry_run_answers_nothing_but_the_context(sdk):
    assert list(sdk().api("ReadVolumes", DryRun=True)) == ["ResponseContext"]


def test_every_answer_has_a_request_id_of_its_own(post):
    ids = {post("ReadRegions").json()["ResponseContext"]["RequestId"] for _ in range(3)}

    assert len(ids) == 3


def test_a_failure_inside_the_sandbox_is_answered_as_one_of_the_platform(sandbox, post, monkeypatch, caplog):
    monkeypatch.setattr(sandbox.cloud, "prices", None)

    assert status_and_code(post("ReadPublicCatalog")) == (500, "2000")
    assert "ReadPublicCatalog failed" in caplog.text
