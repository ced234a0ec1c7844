"""One HTTP request to the cloud: bounded in time, exact in its numbers, judged by OUTSCALE's own codes."""

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from http.cookiejar import DefaultCookiePolicy
from io import BytesIO
from typing import Any, NoReturn

import msgspec
import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError, ReadTimeoutError

from accounts.errors import CloudAnswerInvalid, CloudError, CloudTimeout, CloudUnavailable, cloud_error

CONNECT_SECONDS = 4.0
CONNECTIONS_KEPT = 32
USER_AGENT = "osc-finops"
MOST_BYTES = 64 * 2**20
"""No answer of the cloud is as large; a larger one would only fill the memory."""
_CHUNK_BYTES = 65536
_HALF_OF_A_PAIR = re.compile(rb"\\u[dD][89a-fA-F]")


@cache
def _connections() -> requests.Session:
    """Return the pool of connections of this process; nothing of one user stays in it for the next.

    Neither proxies, ``.netrc`` nor certificates named in the environment are used, and no cookie is kept.
    """
    session = requests.Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    hosts = 2 * len(settings.OUTSCALE_REGIONS)  # the API and the object storage of each region
    adapter = HTTPAdapter(pool_connections=hosts, pool_maxsize=CONNECTIONS_KEPT)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


@dataclass(frozen=True, slots=True)
class Received:
    """What the cloud sent back, good or bad; ``content`` is the whole body, decompressed."""

    status_code: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def retry_after(self) -> int | None:
        """In how many seconds the cloud wants to be asked again; OUTSCALE sends no dates there."""
        header = self.headers.get("Retry-After", "")
        return int(header) if header.isascii() and header.isdigit() and len(header) < 6 else None


class Answer:
    """A good answer, in the shape of a ``requests.Response`` as far as the SDK looks at one.

    It shows no content type, or the SDK would parse the body a second time in search of an error.
    """

    status_code = 200
    reason = "OK"

    def __init__(self, fields: dict[str, Any]) -> None:
        self.headers: dict[str, str] = {}
        self._fields = fields

    def json(self) -> dict[str, Any]:
        """Return the fields of the answer; numbers with a point are ``Decimal``."""
        return self._fields


class Attempt:
    """Sends one request of a call, in the shape of a ``requests.Session`` as far as the SDK uses one.

    ``until`` (``time.monotonic``) is when the whole call must be over. ``parse`` turns the body of a good
    answer into its fields, None when it has none.
    """

    def __init__(self, call: str, until: float) -> None:
        self.call = call
        self.parse: Callable[[bytes], dict[str, Any] | None] = exact_fields
        self._until = until

    def request(self, method: str, url: str, **options: Any) -> Answer:
        """Send the request; answer the fields of the JSON that the cloud sent, or raise a ``CloudError``."""
        return self._judge(self.exchange(method, url, **options))

    def exchange(self, method: str, url: str, **options: Any) -> Received:
        """Send the request; return what the cloud sent back, whatever it means.

        Raises ``CloudTimeout`` or ``CloudUnavailable`` when nothing whole has come back in time, and
        ``CloudAnswerInvalid`` when there is no end of it.
        """
        try:
            with _connections().request(
                method, url, timeout=self._timeouts(), allow_redirects=False, stream=True, **options
            ) as response:
                body = self._read(response)
        except (requests.Timeout, ReadTimeoutError) as error:
            raise CloudTimeout(self.call) from error
        except (requests.RequestException, HTTPError) as error:
            raise CloudUnavailable(self.call) from error
        return Received(response.status_code, response.headers, body)

    def _timeouts(self) -> tuple[float, float]:
        left = max(0.01, self._until - time.monotonic())
        return min(CONNECT_SECONDS, left), min(settings.OUTSCALE_TIMEOUT_SECONDS, left)

    def _read(self, response: requests.Response) -> bytes:
        """Return the body; a server that sends it byte by byte is stopped at the deadline too."""
        body = BytesIO()
        while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=True):
            if body.tell() + len(chunk) > MOST_BYTES:
                raise CloudAnswerInvalid(self.call)
            body.write(chunk)
            if time.monotonic() > self._until:
                raise CloudTimeout(self.call)
        return body.getvalue()

    def _judge(self, received: Received) -> Answer:
        if received.status_code != 200:
            raise self._refusal(received, exact_fields(received.content) or {})
        fields = self.parse(received.content)
        if fields is None:
            raise CloudAnswerInvalid(self.call)
        return Answer(fields)

    def _refusal(self, received: Received, fields: dict[str, Any]) -> CloudError:
        return cloud_error(
            self.call,
            status=received.status_code,
            cloud_code=_first_code(fields),
            request_id=_request_id(fields),
            retry_after=received.retry_after,
        )


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def exact_fields(body: bytes) -> dict[str, Any] | None:
    """Return the JSON object in ``body`` with exact decimals; None when it is anything else."""
    try:
        fields = _exact(body)
    except (ValueError, ArithmeticError, RecursionError):  # Decimal refuses exponents of more than 18 digits
        return None
    return fields if isinstance(fields, dict) else None


def exact_list(text: bytes) -> list[Any]:
    """Return the JSON list in ``text`` with exact decimals; raise ``ValueError`` when it is anything else."""
    try:
        items = _exact(text)
    except (ArithmeticError, RecursionError) as error:
        raise ValueError("this is no JSON") from error
    if not isinstance(items, list):
        raise ValueError("this is no list")
    return items


def _exact(body: bytes) -> Any:
    value = json.loads(body, parse_float=Decimal, parse_constant=_refuse_constant)
    return _storable(value) if _HALF_OF_A_PAIR.search(body) else value


def raw_fields(body: bytes) -> dict[str, msgspec.Raw] | None:
    """Return the JSON object in ``body`` with its values as they were sent; None when it is anything else.

    A long list can then be read straight into the facts that are wanted of it, many times as fast.
    """
    try:
        return msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except (ValueError, RecursionError):
        return None


def _storable(value: Any) -> Any:
    """Return a JSON value with lone surrogates replaced: no database and no UTF-8 file takes them."""
    match value:
        case str():
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case list():
            return [_storable(item) for item in value]
        case dict():
            return {_storable(key): _storable(item) for key, item in value.items()}
    return value


def _first_code(fields: dict[str, Any]) -> str:
    """Return OUTSCALE's error code, or nothing when the body has not the shape of its errors."""
    match fields.get("Errors"):
        case [{"Code": str() | int() as code}, *_]:
            return str(code)[:64]
    return ""


def _request_id(fields: dict[str, Any]) -> str:
    match fields.get("ResponseContext"):
        case {"RequestId": str() as request_id}:
            return request_id[:64]
    return ""
