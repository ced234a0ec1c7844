"""The JSON API of the allocation: whose money it is."""

from typing import Any

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import Field

from accounts.envelope import Envelope, answer
from consumption.allocation import MOST_KEYS, Sharing
from consumption.allocationdocuments import document_of
from consumption.allocationforms import AllocatedBy
from consumption.allocationpage import ALLOCATION
from consumption.api import UnpricedOut
from consumption.apiquestions import FilteredQuestion, asked_for, metadata_of
from consumption.trends_api import DaysOut

router = Router(tags=["Consumption"])


class AllocationQuestion(FilteredQuestion):
    """By which tags, or by the rules, to part what was consumed. Last month without dates."""

    tag: list[str] = Field(
        [], description=f"{MOST_KEYS} keys at most; case matters; without one, that of most resources"
    )
    by: str = Field("", description=f"{', '.join(AllocatedBy.values)}; tag if none, centre by the rules")
    sharing: str = Field("", description=f"{', '.join(Sharing.values)}; apart if none")
    shared: list[str] = Field([], description="Services of which everything is shared")


class AllocatedGroupOut(Schema):
    """What belongs to the same values, by key; null where a resource does not carry the key.

    ``total`` is ``cost``, that of its resources, and ``shared``, its part of the shared costs; ``share`` is
    in percent of the total. ``unpriced_lines`` are in no figure. A resource whose value changed is counted in
    each group.
    """

    values: dict[str, str | None]
    cost: str
    shared: str
    total: str
    share: str | None
    resources: int
    unpriced_lines: int


class UntaggedResourceOut(Schema):
    """A resource that lacks a key on some days, and what it cost on those."""

    resource_id: str
    account_id: str
    region: str
    cost: str
    unpriced_lines: int


class UntaggedOut(Schema):
    """What lacks a key: a part of the groups. ``share`` is in percent of the total."""

    cost: str | None
    share: str | None
    resources: list[UntaggedResourceOut]


class SharedMeterOut(Schema):
    """What belongs to no resource, or to a service that is shared."""

    service: str
    type: str
    operation: str
    subregion: str
    cost: str
    unpriced_lines: int


class SharedOut(Schema):
    """Shared costs; ``apart`` is what of them is in no group."""

    cost: str | None
    apart: str | None
    share: str | None
    meters: list[SharedMeterOut]


class PlaceOut(Schema):
    """An account in a region."""

    account_id: str
    region: str


class AllocationOut(DaysOut):
    """Whose money it is: the totals of ``groups`` and ``shared.apart`` come to ``total``, exactly.

    ``covered_percent`` is how much of what resources cost carries all tags. In ``tags_never_read`` nothing is
    known of tags: all of theirs carries none. ``tags_unseen`` are asked for and were never seen. By cost
    centre, the only key of ``values`` is ``cost_centre``, null for what no rule fits, listed in ``untagged``.
    """

    currency: str | None
    by: str
    tags: list[str]
    tags_unseen: list[str]
    sharing: str
    shared_services: list[str]
    total: str | None
    groups: list[AllocatedGroupOut]
    covered_percent: str | None
    untagged: UntaggedOut
    shared: SharedOut
    tags_never_read: list[PlaceOut]
    unpriced: list[UnpricedOut]


@router.get("", response=Envelope[AllocationOut])
def allocation(request: HttpRequest, question: Query[AllocationQuestion]) -> Any:
    """Tell whose money it is, by one tag key or two, or by the key that most resources carry.

    Days that are missing are read first, for some seconds; ``metadata.partial`` lists those that still are.
    """
    with asked_for(request, question, ALLOCATION) as asked:
        return answer(document_of(ALLOCATION.answer(asked)), **metadata_of(asked))
