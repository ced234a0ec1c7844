"""Bodies of answers: JSON as the cloud writes it, with exact decimals, and the reading of requests' JSON."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sandbox.errors import ApiError

_MARK = "\x00decimal:"
_MARKED = re.compile(rb'"\\u0000decimal:([-.0-9]+)"')


@dataclass(frozen=True)
class Reply:
    """What goes back over HTTP; broken where a fault spoilt it."""

    status: int
    body: bytes
    content_type: str = "application/json"
    is_broken: bool = False


def fields_json(fields: Mapping[str, Any]) -> bytes:
    """Return an object as JSON; a Decimal is written in full, never in exponents: 0.005, 2800.0."""
    text = json.dumps(fields, ensure_ascii=False, separators=(",", ":"), default=_mark)
    # The json module writes no Decimal: each was marked as text, and loses the mark and its quotes here.
    return _MARKED.sub(rb"\1", text.encode())


def number_text(value: Decimal) -> str:
    """Return a number as the cloud writes it: in full, with one decimal at least: 0.005, 2800.0."""
    whole, _, fraction = f"{value:f}".partition(".")
    return f"{whole}.{fraction.rstrip('0') or '0'}"


def success(fields: bytes, request_id: str) -> Reply:
    """Return the answer of a call that worked; `fields` is an object in JSON."""
    context = fields_json({"ResponseContext": {"RequestId": request_id}})
    return Reply(200, context if fields == b"{}" else context[:-1] + b"," + fields[1:])


def failure(error: ApiError, request_id: str) -> Reply:
    """Return the answer of a call that was refused or failed."""
    errors = [{"Type": error.type, "Code": error.code, "Details": error.details}]
    return Reply(error.status, fields_json({"Errors": errors, "ResponseContext": {"RequestId": request_id}}))


def read_parameters(content_type: str, body: bytes) -> dict[str, Any]:
    """Return the parameters of a request; raise ApiError 3010 or 3001 where they are not a JSON object."""
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise ApiError("3010", "The content type must be application/json.")
    try:
        parameters = json.loads(body or b"{}")
    except ValueError:
        raise ApiError("3001", "The body is not JSON.") from None
    if not isinstance(parameters, dict):
        raise ApiError("3001", "The body must be a JSON object.")
    return parameters


def _mark(value: object) -> str:
    if not isinstance(value, Decimal):
        raise TypeError(f"{type(value).__name__} has no place in an answer")
    return _MARK + number_text(value)
