"""The object storage (OOS) of all regions, as far as its S3 API lists buckets and objects.

Buckets are named in the path. Faults are aimed at `ListBuckets` and `ListObjectsV2` like at any call.
"""

import base64
import logging
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from urllib.parse import quote, unquote
from xml.sax.saxutils import escape

from sandbox.answers import Reply
from sandbox.api import Disconnect, Request, cut_off, delayed
from sandbox.authentication import LATE
from sandbox.buckets import Bucket
from sandbox.cloud import AccessKey, Account, Cloud
from sandbox.faults import Fault, Faults
from sandbox.received import Received, RequestLog
from sandbox.regions import REGIONS
from sandbox.shown import moment
from sandbox.signature4 import Signature4, pairs

logger = logging.getLogger(__name__)

LARGEST_PAGE = 1000
CONTENT_TYPE = "application/xml"
_PATH = re.compile(r"/([a-z0-9-]+)/oos(?:/([^/]*)/?)?")
_NAMESPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
_STATUSES = {
    "AccessDenied": 403,
    "InvalidAccessKeyId": 403,
    "SignatureDoesNotMatch": 403,
    "RequestTimeTooSkewed": 403,
    "InvalidArgument": 400,
    "NoSuchBucket": 404,
    "MethodNotAllowed": 405,
    "InternalError": 500,
    "NotImplemented": 501,
    "SlowDown": 503,
    "ServiceUnavailable": 503,
}
_ERROR_CODES = {"throttle": "SlowDown", "error": "InternalError", "unavailable": "ServiceUnavailable"}
_KNOWN = {
    "ListBuckets": {"max-buckets"},
    "ListObjectsV2": {
        "list-type",
        "max-keys",
        "continuation-token",
        "start-after",
        "prefix",
        "encoding-type",
        "fetch-owner",
    },
}


class StoreError(Exception):
    """An error of the object storage, by its S3 code."""

    def __init__(self, code: str, status: int | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.status = status or _STATUSES.get(code, 400)


class ObjectStore:
    """The S3 API of the regions; `pause` is as for `Api`."""

    def __init__(
        self, cloud: Cloud, faults: Faults, log: RequestLog, pause: Callable[[float | None], object]
    ) -> None:
        self._cloud = cloud
        self._faults = faults
        self._log = log
        self._pause = pause

    def serves(self, path: str) -> bool:
        """Tell whether a path is one of the object storage."""
        return _PATH.fullmatch(path) is not None

    def answer(self, request: Request) -> Reply:
        """Return the answer to a request; raise Disconnect where a fault wants none."""
        found = _PATH.fullmatch(request.path)
        region, bucket = found[1], unquote(found[2] or "")
        call = "ListObjectsV2" if bucket else "ListBuckets"
        parameters = dict(pairs(request.query))
        self._record(request, region, call, {**parameters, **({"bucket": bucket} if bucket else {})})
        trouble = self._faults.take(region, call)
        with delayed(trouble.delay, self._pause):
            return self._answer(request, region, bucket, parameters, trouble.fault)

    def _answer(
        self, request: Request, region: str, bucket: str, parameters: Mapping[str, str], fault: Fault | None
    ) -> Reply:
        call = "ListObjectsV2" if bucket else "ListBuckets"
        try:
            if fault and (reply := self._faulty(fault)):
                return reply
            key = self._caller(request, region)
            is_refused = fault is not None and fault.kind == "refuse"
            if is_refused or not key.may_list_objects:
                raise StoreError("AccessDenied")
            _check(request.method, call, parameters)
            return self._list(region, key.account_id, bucket, parameters)
        except StoreError as error:
            return self._failure(error)
        except Disconnect:
            raise
        except Exception:
            logger.exception("%s failed", call)
            return self._failure(StoreError("InternalError"))

    def _list(self, region: str, account_id: str, bucket: str, parameters: Mapping[str, str]) -> Reply:
        own = self._cloud.buckets(region, account_id)
        if bucket:
            return _reply(200, _object_list(self._bucket(region, bucket, own), parameters))
        return _reply(200, _bucket_list(self._cloud.accounts[account_id], own))

    def _failure(self, error: StoreError) -> Reply:
        fields = _xml(Code=error.code, Message="", RequestId=self._cloud.request_id())
        return _reply(error.status, f"<Error>{fields}</Error>")

    def _caller(self, request: Request, region: str) -> AccessKey:
        if region not in REGIONS:
            raise StoreError("NoSuchBucket")
        signature = Signature4.read(request.headers.get("authorization", ""))
        if signature is None:
            raise StoreError("AccessDenied")
        self._check_date(signature, request.headers.get("x-amz-date", ""))
        key = self._cloud.key(region, signature.access_key)
        if key is None:
            raise StoreError("InvalidAccessKeyId")
        scope_is_right = (signature.region, signature.service) == (region, "s3")
        if not scope_is_right or not signature.is_made_with(key.secret_key, request.signed):
            raise StoreError("SignatureDoesNotMatch")
        return key

    def _check_date(self, signature: Signature4, text: str) -> None:
        try:
            sent = datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        except ValueError:
            raise StoreError("AccessDenied") from None
        if abs(self._cloud.clock.now() - sent) > LATE or not text.startswith(signature.day):
            raise StoreError("RequestTimeTooSkewed")

    def _bucket(self, region: str, name: str, own: tuple[Bucket, ...]) -> Bucket:
        for bucket in own:
            if bucket.name == name:
                return bucket
        others = (
            bucket for account in self._cloud.accounts for bucket in self._cloud.buckets(region, account)
        )
        raise StoreError("AccessDenied" if any(bucket.name == name for bucket in others) else "NoSuchBucket")

    def _faulty(self, fault: Fault) -> Reply | None:
        """Return the answer of a fault instead of the right one; None where that comes later or never."""
        cut_off(fault, self._pause)
        match fault.kind:
            case "answer":
                raise StoreError(fault.code, fault.status)
            case "broken-json" | "list-error":
                return Reply(200, b"<ListAllMyBucketsResult><Buckets>", CONTENT_TYPE, is_broken=True)
            case "broken-500":
                return Reply(500, b"<html><body>Internal Server Error</body></html>", "text/html", True)
            case "refuse" | "without-prices":
                return None
        raise StoreError(_ERROR_CODES[fault.kind])

    def _record(self, request: Request, region: str, call: str, parameters: Mapping[str, str]) -> None:
        signature = Signature4.read(request.headers.get("authorization", ""))
        received = Received(
            call=call,
            region=region,
            access_key=signature.access_key if signature else "",
            peer_port=request.peer_port,
            time=self._cloud.clock.now(),
            parameters=parameters,
        )
        self._log.add(received)


def _check(method: str, call: str, parameters: Mapping[str, str]) -> None:
    """Refuse what a person may ask of the real storage but not of this one."""
    if method != "GET":
        raise StoreError("MethodNotAllowed")
    if not parameters.keys() <= _KNOWN[call] or (call == "ListObjectsV2") != ("list-type" in parameters):
        raise StoreError("NotImplemented")
    if parameters.get("list-type", "2") != "2":
        raise StoreError("InvalidArgument")


def _bucket_list(account: Account, buckets: tuple[Bucket, ...]) -> str:
    owner = _xml(ID=account.account_id, DisplayName=account.company)
    shown = "".join(
        f"<Bucket>{_xml(Name=bucket.name, CreationDate=moment(bucket.created))}</Bucket>"
        for bucket in buckets
    )
    inner = f"<Owner>{owner}</Owner><Buckets>{shown}</Buckets>"
    return f"<ListAllMyBucketsResult {_NAMESPACE}>{inner}</ListAllMyBucketsResult>"


def _object_list(bucket: Bucket, parameters: Mapping[str, str]) -> str:
    """Return one page of the objects of a bucket; the token of the next page is the last key of this one."""
    prefix, size = parameters.get("prefix", ""), _page_size(parameters)
    after = _after(parameters)
    found = [
        (key, length)
        for key, length in bucket.objects
        if key.startswith(prefix) and key.encode() > after.encode()
    ]
    page, is_truncated = found[:size], 0 < size < len(found)
    encodes = parameters.get("encoding-type") == "url"
    written = quote if encodes else str
    facts = _xml(
        Name=bucket.name,
        Prefix=written(prefix),
        KeyCount=str(len(page)),
        MaxKeys=str(size),
        IsTruncated="true" if is_truncated else "false",
    )
    if encodes:
        facts += _xml(EncodingType="url")
    if is_truncated:
        facts += _xml(NextContinuationToken=base64.b64encode(page[-1][0].encode()).decode())
    for key, length in page:
        shown = {"LastModified": moment(bucket.created), "ETag": f'"{length:032x}"', "Size": str(length)}
        facts += f"<Contents>{_xml(Key=written(key), **shown, StorageClass='STANDARD')}</Contents>"
    return f"<ListBucketResult {_NAMESPACE}>{facts}</ListBucketResult>"


def _page_size(parameters: Mapping[str, str]) -> int:
    text = parameters.get("max-keys", str(LARGEST_PAGE))
    if not (text.isascii() and text.isdigit()):
        raise StoreError("InvalidArgument")
    return min(int(text), LARGEST_PAGE)


def _after(parameters: Mapping[str, str]) -> str:
    """Return the key after which a page begins."""
    token = parameters.get("continuation-token")
    if token is None:
        return parameters.get("start-after", "")
    try:
        return base64.b64decode(token, validate=True).decode()
    except ValueError:
        raise StoreError("InvalidArgument") from None


def _xml(**fields: str) -> str:
    return "".join(f"<{name}>{escape(text)}</{name}>" for name, text in fields.items())


def _reply(status: int, element: str) -> Reply:
    return Reply(status, f'<?xml version="1.0" encoding="UTF-8"?>\n{element}'.encode(), CONTENT_TYPE)
