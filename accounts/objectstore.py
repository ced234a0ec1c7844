"""The object storage (OOS) of one region, read through its S3 API.

boto3 writes and signs the requests and reads the answers. They travel over the portal's own connections, with
the limits in time of every call; nothing of the server's own environment or home is used.
"""

import threading
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import boto3
from botocore.awsrequest import AWSPreparedRequest
from botocore.client import BaseClient
from botocore.config import Config
from botocore.configprovider import ConfigValueStore, ConstantProvider
from botocore.credentials import CredentialResolver
from botocore.exceptions import BotoCoreError
from botocore.handlers import add_recursion_detection_header
from botocore.loaders import Loader
from botocore.parsers import ResponseParserError
from botocore.plugin import PluginContext, reset_plugin_context, set_plugin_context
from botocore.session import Session
from botocore.tokens import TokenProviderChain

from accounts import regions
from accounts.errors import CallRefused, CloudAnswerInvalid, CloudError, cloud_error
from accounts.retrying import answer_to
from accounts.transport import USER_AGENT, Attempt, Received

OBJECTS_PER_PAGE = 1000
"""The most that S3 gives in one page."""

_METHODS = {"ListBuckets": "list_buckets", "ListObjectsV2": "list_objects_v2"}

_attempt: ContextVar[Attempt] = ContextVar("_attempt")
_making = threading.Lock()


@dataclass(frozen=True, slots=True)
class ObjectPage:
    """One page of the objects of a bucket: how many there are, and their size in bytes altogether.

    ``next_token`` asks for the next page; it is empty on the last one.
    """

    count: int
    size: int
    next_token: str


@dataclass(frozen=True)
class ObjectStore:
    """Reads the object storage of one account in one region with one key.

    ``account_id``, once known, lets all keys of an account share its limiter, which is not that of the API.
    """

    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    region: str
    account_id: str = ""

    def __post_init__(self) -> None:
        """Refuse an empty key, for which boto3 would look for the server's own."""
        if not (self.access_key and self.secret_key and self.region):
            raise ValueError("an object store needs an access key, a secret key and a region")

    def buckets(self) -> list[str]:
        """Return the names of all buckets of the account in the region.

        Raises a ``CloudError`` when there is no answer. ``PermissionRefused`` says that the key may not list
        them; the key itself is good.
        """
        names: list[str] = []
        token, seen = "", set()
        while True:
            page = self._read("ListBuckets", **_continuation(token))
            names += [
                _field("ListBuckets", bucket, "Name") for bucket in _field("ListBuckets", page, "Buckets")
            ]
            token = page.get("ContinuationToken") or ""
            if not token:
                return names
            if token in seen:
                raise CloudAnswerInvalid("ListBuckets")  # it would go round for ever
            seen.add(token)

    def objects(self, bucket: str, token: str = "") -> ObjectPage:
        """Return the page of the objects of ``bucket`` that ``token`` asks for, the first one without it.

        A bucket that is gone meanwhile has no objects. Raises as ``buckets`` does.
        """
        call = "ListObjectsV2"
        try:
            page = self._read(call, Bucket=bucket, MaxKeys=OBJECTS_PER_PAGE, **_continuation(token))
        except CallRefused as error:
            if error.cloud_code == "NoSuchBucket":
                return ObjectPage(0, 0, "")
            raise
        sizes = [_field(call, stored, "Size") for stored in page.get("Contents", [])]
        if min(sizes, default=0) < 0:
            raise CloudAnswerInvalid(call)
        next_token = _field(call, page, "NextContinuationToken") if _field(call, page, "IsTruncated") else ""
        if next_token and next_token == token:
            raise CloudAnswerInvalid(call)  # it would go round for ever
        return ObjectPage(len(sizes), sum(sizes), next_token)

    def _read(self, call: str, **params: Any) -> dict[str, Any]:
        """Return the fields of the answer to ``call``, as boto3 names them."""
        method = getattr(self._client, _METHODS[call])

        def send(attempt: Attempt) -> dict[str, Any]:
            previous = _attempt.set(attempt)
            try:
                return method(**params)
            except (ResponseParserError, ValueError) as error:
                raise CloudAnswerInvalid(call) from error
            except BotoCoreError as error:  # boto3 would not even send it, such as an impossible bucket name
                raise CallRefused(call) from error
            finally:
                _attempt.reset(previous)

        owner = f"oos-{self.account_id or self.access_key}"
        return answer_to(call, send, owner=owner, region=self.region)

    @cached_property
    def _client(self) -> BaseClient:
        """The client of these keys: every option that boto3 would look for elsewhere is given."""
        config = Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            user_agent=USER_AGENT,
            retries={"total_max_attempts": 1, "mode": "standard"},
            proxies={},
            ignore_configured_endpoint_urls=True,
            # Newer checksums are Amazon's own; other stores refuse their headers.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        plugins = set_plugin_context(PluginContext(plugins="DISABLED"))
        try:
            with _making:  # a session is not safe across threads, its clients are (boto3 documentation)
                return _session().client(
                    "s3",
                    region_name=self.region,
                    endpoint_url=regions.oos_url(self.region),
                    verify=True,
                    aws_access_key_id=self.access_key,
                    aws_secret_access_key=self.secret_key,
                    config=config,
                )
        finally:
            reset_plugin_context(plugins)


@cache
def _session() -> boto3.Session:
    """Return boto3's session of this process, which reads its descriptions of services only once.

    It holds no keys and finds none: each option has boto3's default, whatever the environment, ``~/.aws`` or
    the machine's metadata say. Options are named after boto3's own list, so that none is forgotten.
    """
    session = Session()
    defaults = {name: ConstantProvider(option[2]) for name, option in Session.SESSION_VARIABLES.items()}
    session.register_component("config_store", ConfigValueStore(defaults))
    session.register_component("credential_provider", CredentialResolver([]))
    session.register_component("token_provider", TokenProviderChain([]))
    session.register_component(
        "data_loader", Loader([Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)
    )
    # Dates are not needed, and to read them takes most of the time that a page takes.
    session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=str)
    session.unregister("before-call", add_recursion_detection_header)
    session.register("before-send.s3", _send)
    return boto3.Session(botocore_session=session)


def _send(request: AWSPreparedRequest, **_event: Any) -> Received:
    """Send a request that boto3 has signed, in the place of its own HTTP client; return a good answer.

    An error is raised from here: boto3 would follow redirects, and ask again in the region that S3 names.
    """
    attempt = _attempt.get()
    headers = {name: _text(value) for name, value in request.headers.items()}
    received = attempt.exchange(request.method, request.url, data=request.body or None, headers=headers)
    root = _root(received.content)
    if received.status_code != 200:
        raise _refusal(attempt.call, received.status_code, root, received.retry_after)
    if root is None:
        raise CloudAnswerInvalid(attempt.call)
    if root.tag == "Error":  # S3 may notice only after it has begun to answer; boto3 takes it for a 500 too
        raise _refusal(attempt.call, 500, root, received.retry_after)
    return received


def _root(body: bytes) -> Element | None:
    """Return the outermost element; None when the body is no XML."""
    try:
        return ElementTree.fromstring(body)  # noqa: S314 - as boto3 itself reads every answer
    except ElementTree.ParseError:
        return None


def _refusal(call: str, status: int, error: Element | None, retry_after: int | None) -> CloudError:
    facts = Element("Error") if error is None else error
    return cloud_error(
        call,
        status=status,
        cloud_code=facts.findtext("Code", "")[:64],
        request_id=facts.findtext("RequestId", "")[:64],
        retry_after=retry_after,
    )


def _continuation(token: str) -> dict[str, str]:
    return {"ContinuationToken": token} if token else {}


def _field(call: str, fields: Mapping[str, Any], name: str) -> Any:
    if name not in fields:
        raise CloudAnswerInvalid(call)
    return fields[name]


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
