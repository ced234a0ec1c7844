"""OUTSCALE's own description of its API, as osc-sdk-python ships it, to check answers against.

Any test can use it: ``assert_answer_is_valid("ReadVms", body)`` for one answer; for everything that a sandbox
answers, ``running(watch=answers)`` with ``answers = Answers()``, then ``answers.check()``.
"""

import json
import re
from functools import cache
from pathlib import Path

import osc_sdk_python
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

DOCUMENT = Path(osc_sdk_python.__file__).parent / "resources" / "outscale.yaml"
ERROR = "ErrorResponse"
_REFERENCE = "#/components/schemas/"
_REQUEST_ID = re.compile(rb'"RequestId":"[0-9a-f-]{36}"')


class Answers:
    """Every answer that a sandbox has given since the last check; the same one is looked at once."""

    def __init__(self):
        self._given = []
        self._seen_good = set()

    def __call__(self, request, reply):
        self._given.append((request.path.rpartition("/")[2], reply))

    def check(self):
        """Fail unless each answer, good or bad, is what the description says of its call; forget them.

        What a fault spoilt on purpose is left out, and so is the object storage, which has another API.
        """
        given, self._given = self._given, []
        for call, reply in given:
            answer = (call, reply.status, _REQUEST_ID.sub(b"", reply.body))
            if reply.is_broken or reply.content_type == "application/xml" or answer in self._seen_good:
                continue
            if reply.status == 200:
                assert_answer_is_valid(call, reply.body)
            else:
                assert_error_is_valid(reply.body)
            self._seen_good.add(answer)


def assert_answer_is_valid(call: str, body: bytes | str) -> None:
    """Fail unless a successful answer is what the description says of the call, without unknown fields."""
    _assert_valid(f"{call}Response", body)


def assert_error_is_valid(body: bytes | str) -> None:
    """Fail unless the body of an error is what the description says of errors."""
    _assert_valid(ERROR, body)


def request_schema(call: str) -> dict:
    """Return the schema of the parameters of a call, references resolved."""
    return _resolved(schema(f"{call}Request"))


def calls_without_authentication() -> set[str]:
    """Return the names of the calls that need no signature."""
    paths = _text().partition("\npaths:\n")[2]
    blocks = re.split(r"^  /(\w+):\n", paths, flags=re.MULTILINE)
    return {
        name
        for name, block in zip(blocks[1::2], blocks[2::2], strict=True)
        if "\n      security: []\n" in block
    }


@cache
def schema(name: str) -> dict:
    """Return one schema of the description, references unresolved."""
    return _closed(YAML(typ="safe").load(_schema_texts()[name]))


def _assert_valid(name: str, body: bytes | str) -> None:
    problems = [
        f"{'/'.join(map(str, problem.path))}: {problem.message}"
        for problem in _validator(name).iter_errors(json.loads(body))
    ]
    assert not problems, f"{name}: " + "; ".join(problems[:5])


@cache
def _validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(_resolved(schema(name)))


def _resolved(node: object) -> object:
    """Return a schema with every reference replaced by what it refers to."""
    if isinstance(node, list):
        return [_resolved(item) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _resolved(schema(node["$ref"].removeprefix(_REFERENCE)))
    return {key: _resolved(value) for key, value in node.items()}


def _closed(node: object) -> object:
    """Return a schema which refuses unknown fields, and admits null where OpenAPI 3.0 says nullable."""
    if isinstance(node, list):
        return [_closed(item) for item in node]
    if not isinstance(node, dict):
        return node
    closed = {key: _closed(value) for key, value in node.items()}
    if isinstance(closed.get("properties"), dict):
        closed.setdefault("additionalProperties", False)
    if closed.get("nullable") is True and "type" in closed:
        closed["type"] = [closed["type"], "null"]
    return closed


@cache
def _schema_texts() -> dict[str, str]:
    """Return each schema as text: all of the YAML takes two seconds to read, one schema a millisecond."""
    schemas = _text().partition("\n  schemas:\n")[2].partition("\n  securitySchemes:")[0]
    blocks = re.split(r"^    (\w+):\n", schemas, flags=re.MULTILINE)
    return dict(zip(blocks[1::2], blocks[2::2], strict=True))


@cache
def _text() -> str:
    return DOCUMENT.read_text()
