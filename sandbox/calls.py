"""What a call of the API is: the parameters it accepts, whether it needs a signature, and how it answers."""

import json
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from dataclasses import field as default
from typing import Any

from sandbox.answers import fields_json
from sandbox.cloud import AccessKey, Account, Cloud
from sandbox.inventory import Inventory
from sandbox.pages import PAGE_PARAMETERS, page_of
from sandbox.parameters import BOOLEAN, OBJECT, Filter, Item, Kind, check, select


@dataclass(frozen=True)
class Asked:
    """One question put to a region: by whom (nobody for a public call), with which parameters."""

    cloud: Cloud
    region: str
    key: AccessKey | None
    parameters: Mapping[str, Any]

    @property
    def inventory(self) -> Inventory:
        """What the account that asks owns in the region."""
        return self.cloud.inventory(self.region, self.key.account_id)

    @property
    def account(self) -> Account:
        """The account that asks; only for calls which need a signature."""
        return self.cloud.accounts[self.key.account_id]


@dataclass(frozen=True)
class Call:
    """One call of the API: `answer` returns the fields of its answer, as a mapping or already in JSON."""

    name: str
    answer: Callable[[Asked], Mapping[str, Any] | bytes]
    parameters: Mapping[str, Kind] = default(default_factory=dict)
    required: tuple[str, ...] = ()
    filters: Mapping[str, Filter] | None = None
    is_public: bool = False
    has_dry_run: bool = True

    @property
    def accepted(self) -> dict[str, Kind]:
        """Every parameter with its kind."""
        common = {"DryRun": BOOLEAN} if self.has_dry_run else {}
        filters = {"Filters": OBJECT} if self.filters is not None else {}
        return {**self.parameters, **filters, **common}

    def fields(self, asked: Asked) -> bytes:
        """Return the fields of the answer in JSON; raise ApiError for parameters that are not right."""
        check(asked.parameters, self.accepted, self.required)
        if asked.parameters.get("DryRun"):
            return b"{}"
        answer = self.answer(asked)
        return answer if isinstance(answer, bytes) else fields_json(answer)


def listing(
    name: str,
    key: str,
    items: Callable[[Asked], Iterable[Item]],
    *,
    filters: Mapping[str, Filter] | None = None,
    is_paginated: bool = True,
    is_public: bool = False,
) -> Call:
    """Return a call that answers a list under `key`: filtered, and in pages where the real API has pages.

    What is listed may depend on nothing but the inventories, the region and the account that asks: answers
    are kept until an inventory changes.
    """

    def kept(asked: Asked) -> bytes:
        asks = (name, asked.region, asked.key and asked.key.account_id)
        question = json.dumps(asked.parameters, sort_keys=True)
        return asked.cloud.remembered((*asks, question), lambda: fields_json(answer(asked, asks)))

    def answer(asked: Asked, asks: Hashable) -> dict[str, Any]:
        every = asked.cloud.remembered(asks, lambda: list(items(asked)))
        found = select(every, asked.parameters.get("Filters", {}), filters or {})
        if not is_paginated:
            return {key: found}
        page, token = page_of(name, found, asked.parameters)
        return {key: page} | ({"NextPageToken": token} if token else {})

    parameters = PAGE_PARAMETERS if is_paginated else {}
    return Call(name, kept, parameters, filters=filters, is_public=is_public)
