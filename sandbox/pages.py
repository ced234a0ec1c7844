"""Pages of a list: `ResultsPerPage` and `NextPageToken` (OUTSCALE tutorial "Paginating an API Request")."""

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.errors import ApiError
from sandbox.parameters import INTEGER, TEXT

LARGEST_PAGE = 1000
PAGE_PARAMETERS = {"ResultsPerPage": INTEGER, "NextPageToken": TEXT}


def page_of(
    call: str, items: Sequence[Any], parameters: Mapping[str, Any]
) -> tuple[Sequence[Any], str | None]:
    """Return one page of a list and the token of the next one, None after the last.

    A token belongs to the call and the filters it was given for; raise ApiError 4047 for any other token, and
    for a size outside 1 to 1000.
    """
    question = zlib.crc32(json.dumps([call, parameters.get("Filters", {})], sort_keys=True).encode())
    token = parameters.get("NextPageToken")
    start, size = (0, LARGEST_PAGE) if token is None else _read(token, question)
    size = parameters.get("ResultsPerPage", size)
    if not 1 <= size <= LARGEST_PAGE:
        raise ApiError("4047", f"ResultsPerPage must be between 1 and {LARGEST_PAGE}.")
    end = start + size
    return items[start:end], _write(end, size, question) if end < len(items) else None


def _write(start: int, size: int, question: int) -> str:
    return base64.b64encode(f"{start}/{size}/{question}".encode()).decode()


def _read(token: str, question: int) -> tuple[int, int]:
    try:
        start, size, asked = (int(part) for part in base64.b64decode(token, validate=True).split(b"/"))
    except ValueError:
        asked = None
    if asked != question:
        raise ApiError("4047", "NextPageToken is not valid.")
    return start, size
