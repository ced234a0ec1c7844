"""From a request to its answer: path, faults, signature, policy, parameters, checked in this order."""

import json
import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sandbox.account_calls import ACCOUNT_CALLS
from sandbox.answers import Reply, failure, read_parameters, success
from sandbox.authentication import KeyLocks, authenticate
from sandbox.calls import Asked, Call
from sandbox.cloud import AccessKey, Cloud
from sandbox.compute_calls import COMPUTE_CALLS
from sandbox.errors import ApiError
from sandbox.faults import Fault, Faults, Trouble
from sandbox.network_calls import NETWORK_CALLS
from sandbox.price_calls import PRICE_CALLS
from sandbox.received import Received, RequestLog
from sandbox.region_calls import REGION_CALLS
from sandbox.regions import REGIONS
from sandbox.signature import Signature, Signed
from sandbox.storage_calls import STORAGE_CALLS
from sandbox.tag_calls import TAG_CALLS

logger = logging.getLogger(__name__)

_GROUPS = (PRICE_CALLS, ACCOUNT_CALLS, REGION_CALLS, COMPUTE_CALLS, STORAGE_CALLS, NETWORK_CALLS, TAG_CALLS)
CALLS = {call.name: call for calls in _GROUPS for call in calls}
_PATH = re.compile(r"/([a-z0-9-]+)/api/v1/(\w+)")
_DATE_LENGTH = len("2026-10-05")
_REFUSAL = "You are not authorized to perform this action."
_ERROR_CODES = {"throttle": "24", "error": "2000", "unavailable": "6"}


@dataclass(frozen=True)
class Request:
    """One HTTP request; header names are in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    peer_port: int

    @property
    def signed(self) -> Signed:
        """The parts which a signature covers."""
        return Signed(self.method, self.path, self.query, self.headers, self.body)


class Disconnect(Exception):
    """Close the connection without an answer; abruptly means that the client sees a reset."""

    def __init__(self, *, abruptly: bool) -> None:
        super().__init__()
        self.abruptly = abruptly


class Api:
    """The API of all regions.

    `pause` waits some seconds, or for ever with None, but never beyond the end of the server.
    """

    def __init__(
        self, cloud: Cloud, faults: Faults, log: RequestLog, pause: Callable[[float | None], object]
    ) -> None:
        self._cloud = cloud
        self._faults = faults
        self._log = log
        self._pause = pause
        self.locks = KeyLocks(cloud.clock)

    def answer(self, request: Request) -> Reply:
        """Return the answer to a request; raise Disconnect where a fault wants none."""
        region, name = _route(request.path)
        parameters = self._record(request, region, name)
        trouble = self._faults.take(region, name, str((parameters or {}).get("FromDate", ""))[:_DATE_LENGTH])
        with delayed(trouble.delay, self._pause):
            return self._answer(request, region, name, trouble)

    def _answer(self, request: Request, region: str, name: str, trouble: Trouble) -> Reply:
        request_id = self._cloud.request_id()
        try:
            reply = self._faulty(trouble.fault, request_id) if trouble.fault else None
            return reply or success(self._fields(request, region, name, trouble.fault), request_id)
        except ApiError as error:
            return failure(error, request_id)
        except Disconnect:
            raise
        except Exception:
            logger.exception("%s failed", name)
            return failure(ApiError("2000"), request_id)

    def _fields(self, request: Request, region: str, name: str, fault: Fault | None) -> bytes:
        call = CALLS.get(name)
        if call is None or region not in REGIONS or request.method != "POST":
            raise ApiError("12000")
        key = None if call.is_public else self._caller(call, request, region)
        if fault and fault.kind == "refuse":
            raise ApiError("4", _REFUSAL)
        parameters = read_parameters(request.headers.get("content-type", ""), request.body)
        if fault and fault.kind == "without-prices":
            parameters.pop("ShowPrice", None)
        return call.fields(Asked(self._cloud, region, key, parameters))

    def _caller(self, call: Call, request: Request, region: str) -> AccessKey:
        key = authenticate(self._cloud, self.locks, region, request.signed)
        if not key.may(call.name):
            raise ApiError("4", _REFUSAL)
        return key

    def _faulty(self, fault: Fault, request_id: str) -> Reply | None:
        """Return the answer of a fault instead of the right one; None for those that come later."""
        cut_off(fault, self._pause)
        match fault.kind:
            case "answer":
                raise ApiError(fault.code, status=fault.status)
            case "broken-json":
                return Reply(200, success(b'{"Accounts":[]}', request_id).body[:-9], is_broken=True)
            case "broken-500":
                return Reply(500, b"<html><body>Internal Server Error</body></html>", "text/html", True)
            case "list-error":
                return Reply(400, b'["bad request"]', is_broken=True)
            case "refuse" | "without-prices":
                return None
        raise ApiError(_ERROR_CODES[fault.kind])

    def _record(self, request: Request, region: str, name: str) -> Mapping[str, Any] | None:
        """Log a request, and return its parameters, None where they are no JSON object."""
        signature = Signature.read(request.headers.get("authorization", ""))
        received = Received(
            call=name,
            region=region,
            access_key=signature.access_key if signature else "",
            peer_port=request.peer_port,
            time=self._cloud.clock.now(),
            parameters=_object_or_none(request.body),
        )
        self._log.add(received)
        return received.parameters


@contextmanager
def delayed(seconds: float, pause: Callable[[float | None], object]) -> Iterator[None]:
    """Let what is done inside last so many seconds: an answer is composed within its delay, not after it."""
    until = time.monotonic() + seconds
    try:
        yield
    finally:
        left = until - time.monotonic()
        if left > 0:
            pause(left)


def cut_off(fault: Fault, pause: Callable[[float | None], object]) -> None:
    """Raise Disconnect for a fault that leaves a request without an answer, `hang` after its silence."""
    if fault.kind == "hang":
        pause(fault.seconds)
    if fault.kind in ("hang", "reset"):
        raise Disconnect(abruptly=fault.kind == "reset")


def _route(path: str) -> tuple[str, str]:
    """Return region and call of a path; the whole path for the call where it is none of the API."""
    found = _PATH.fullmatch(path)
    return (found[1], found[2]) if found else ("", path)


def _object_or_none(body: bytes) -> dict[str, Any] | None:
    try:
        parameters = json.loads(body or b"{}")
    except ValueError:
        return None
    return parameters if isinstance(parameters, dict) else None
