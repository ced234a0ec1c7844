"""The gateway to the cloud: the only place that talks to OUTSCALE, with the object storage beside it.

Every call is bounded in time, paced per account and region, tried again when the cloud was at fault, and
answered with exact decimals or a ``CloudError``. Nothing of the server's own environment or home is used.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import msgspec
from osc_sdk_python.call import Call
from osc_sdk_python.credentials import Endpoint, Profile

from accounts import regions
from accounts.errors import CloudAnswerInvalid
from accounts.objectstore import ObjectStore
from accounts.retrying import answer_to
from accounts.transport import USER_AGENT, Attempt, exact_fields, exact_list, raw_fields

RESULTS_PER_PAGE = 1000
"""The most that OUTSCALE gives in one page."""


class _SignedCall(Call):
    """The SDK's call with a profile that is wholly ours.

    The SDK's own starts from the variables ``OSC_*`` and from ``~/.osc/config.json`` and keeps from them
    whatever an argument leaves empty: login and password, endpoints, a client certificate.
    """

    def update_profile(self, **profile: Any) -> dict[str, Any]:
        """Take ``profile`` as it is."""
        self.profile = Profile(**profile)
        return {}


@dataclass(frozen=True)
class Gateway:
    """Reads the cloud of one account in one region with one key.

    ``account_id``, once known, lets all keys of an account share its limiter.
    """

    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    region: str
    account_id: str = ""

    def __post_init__(self) -> None:
        """Refuse an empty key, for which the SDK would take the server's own."""
        if not (self.access_key and self.secret_key and self.region):
            raise ValueError("a gateway needs an access key, a secret key and a region")

    @cached_property
    def object_store(self) -> ObjectStore:
        """The object storage of the same account in the same region, read with the same key."""
        return ObjectStore(self.access_key, self.secret_key, self.region, self.account_id)

    def read(self, call: str, **params: Any) -> dict[str, Any]:
        """Return the fields of the answer to ``call``, such as ``ReadVms``.

        Raises a ``CloudError`` when there is no answer. ``PermissionRefused`` says that the key may not read
        this; the key itself is good.
        """
        return self._ask(call, params, exact_fields)

    def read_raw(self, call: str, **params: Any) -> dict[str, msgspec.Raw]:
        """Return the fields of the answer to ``call`` as they were sent, to be read into typed facts.

        Raises as ``read`` does.
        """
        return self._ask(call, params, raw_fields)

    def read_all(self, call: str, key: str, **params: Any) -> list[Any]:
        """Return what stands under ``key`` in every page of the answer to ``call``, to the last one.

        Only for the calls that OUTSCALE paginates: the others refuse ``ResultsPerPage``. ``params`` go along
        with every page (``Filters={...}``). Raises as ``read`` does.
        """
        items: list[Any] = []
        token, seen = "", set()
        while True:
            page, token = self.read_page(call, key, token=token, **params)
            items += exact_list(bytes(page))
            if not token:
                return items
            if token in seen:
                raise CloudAnswerInvalid(call)  # it would go round for ever
            seen.add(token)

    def read_page(self, call: str, key: str, *, token: str = "", **params: Any) -> tuple[msgspec.Raw, str]:
        """Return the list under ``key`` in one page, and the token of the next page: empty on the last.

        The list is the JSON text as it was sent. ``token`` is that of the page to read, empty for the first.
        Raises as ``read`` does.
        """
        asked = params | {"ResultsPerPage": RESULTS_PER_PAGE} | ({"NextPageToken": token} if token else {})
        page = self._ask(call, asked, raw_fields)
        return _listed(call, page, key), _token(call, page)

    def read_list(self, call: str, key: str) -> msgspec.Raw:
        """Return the list under ``key``, as it was sent, in the answer to a call without pages.

        Raises as ``read`` does.
        """
        return _listed(call, self._ask(call, {}, raw_fields), key)

    def _ask(self, call: str, params: dict[str, Any], parse: Callable[[bytes], dict[str, Any] | None]) -> Any:
        def send(attempt: Attempt) -> dict[str, Any]:
            attempt.parse = parse
            signed = _SignedCall(
                access_key=self.access_key,
                secret_key=self.secret_key,
                region=self.region,
                endpoints=Endpoint(api=regions.api_url(self.region)),
                protocol="https",
                user_agent=USER_AGENT,
                max_retries=0,
            )
            signed.session = attempt
            return signed.api(call, **params)

        return answer_to(call, send, owner=self.account_id or self.access_key, region=self.region)


def read_public(region: str, call: str, **params: Any) -> dict[str, Any]:
    """Return the fields of the answer to a ``call`` that needs no key, such as ``ReadPublicCatalog``.

    Raises a ``CloudError`` when there is no answer.
    """

    def send(attempt: Attempt) -> dict[str, Any]:
        headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": USER_AGENT}
        url = f"{regions.api_url(region)}/{call}"
        return attempt.request("post", url, data=json.dumps(params), headers=headers).json()

    return answer_to(call, send, owner="", region=region)


def _listed(call: str, page: dict[str, msgspec.Raw], key: str) -> msgspec.Raw:
    """Return the text of a list; raise ``CloudAnswerInvalid`` when there is none."""
    text = page.get(key)
    if text is None or bytes(memoryview(text)[:1]) != b"[":
        raise CloudAnswerInvalid(call)
    return text


def _token(call: str, page: dict[str, msgspec.Raw]) -> str:
    try:
        return msgspec.json.decode(page.get("NextPageToken", b"null"), type=str | None) or ""
    except msgspec.DecodeError as error:
        raise CloudAnswerInvalid(call) from error
