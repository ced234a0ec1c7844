import json

import pytest

from sandbox.answers import Reply
from sandbox.api import Request
from tests.sandbox.openapi import Answers, assert_answer_is_valid, assert_error_is_valid

CONTEXT = {"ResponseContext": {"RequestId": "0475ca1e-d0c5-441d-712a-da55a4175157"}}


@pytest.mark.parametrize(
    ("call", "fields", "words"),
    [
        ("ReadVmTypes", {"VmTypes": [], "Nothing": 1}, "Nothing"),
        ("ReadVmTypes", {"VmTypes": [{"VmTypeName": "t2.nano", "Nothing": 1}]}, "VmTypes/0"),
        ("ReadVmTypes", {"VmTypes": [{"VcoreCount": "1"}]}, "VmTypes/0/VcoreCount"),
        ("ReadPublicCatalog", {"Catalog": {"Entries": {}}}, "Catalog/Entries"),
    ],
)
def test_an_answer_with_an_unknown_field_or_a_wrong_type_is_refused(call, fields, words):
    with pytest.raises(AssertionError, match=words):
        assert_answer_is_valid(call, json.dumps({**CONTEXT, **fields}))


def test_null_is_accepted_only_where_the_description_says_so():
    assert_answer_is_valid("ReadConsumptionAccount", json.dumps({**CONTEXT, "Currency": None}))
    with pytest.raises(AssertionError, match="RequestId"):
        assert_answer_is_valid("ReadAccounts", json.dumps({"ResponseContext": {"RequestId": None}}))


def test_an_error_needs_a_code_that_is_text():
    with pytest.raises(AssertionError, match="Code"):
        assert_error_is_valid(json.dumps({**CONTEXT, "Errors": [{"Type": "AccessDenied", "Code": 1}]}))


def test_a_wrong_answer_of_a_sandbox_is_noticed_at_the_check_and_then_forgotten():
    answers = Answers()
    answers(Request("POST", "/eu-west-2/api/v1/ReadAccounts", "", {}, b"", 1), Reply(200, b'{"Nothing":1}'))

    with pytest.raises(AssertionError, match="Nothing"):
        answers.check()
    answers.check()


@pytest.mark.parametrize("body", [b'{"Errors":[{"Code":7}]}', b'{"Nothing":1}'])
def test_a_wrong_error_of_a_sandbox_is_noticed_too(body):
    answers = Answers()
    answers(Request("POST", "/eu-west-2/api/v1/ReadAccounts", "", {}, b"", 1), Reply(400, body))

    with pytest.raises(AssertionError, match="ErrorResponse"):
        answers.check()


def test_only_what_was_found_good_is_not_looked_at_again():
    answers, request = Answers(), Request("POST", "/eu-west-2/api/v1/ReadAccounts", "", {}, b"", 1)
    body = json.dumps(CONTEXT | {"Nothing": 1}).encode()
    for _ in range(2):
        answers(request, Reply(200, body))
        with pytest.raises(AssertionError, match="Nothing"):
            answers.check()
