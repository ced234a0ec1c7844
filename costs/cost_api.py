"""The JSON API of the current cost: the same form, reading and files as the page."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema
from pydantic import Field

from accounts import keyring
from accounts.envelope import Envelope, answer, pagination_of
from accounts.errors import InputRefused
from accounts.gateway import Gateway
from accounts.keyring import Key
from costs import refreshing, snapshots
from costs.cost_views import cost_file
from costs.costdocuments import document_of, missing_of
from costs.costfiles import FORMATS
from costs.costforms import CostFilter
from costs.currentcost import CurrentCost
from costs.models import CostSnapshot
from costs.partschema import PartOut
from costs.unlisted import unlisted_of

PATIENCE_SECONDS = 25
"""How long a request waits for a reading before it is answered that the reading goes on."""

router = Router(tags=["Current cost"])


class CostQuestion(Schema):
    """What to show; every condition must hold. ``tag`` is ``key=value``, ``key`` or ``=value``."""

    account_id: str = Field(
        "", description="An account of which the session holds a key; that in use when empty"
    )
    region: str = Field("", description="A region of which the session holds a key; that in use when empty")
    format: str = Field("json", description=", ".join(FORMATS))
    include_oos: bool = Field(False, description="List the object storage too, which can take minutes")
    aggregate: bool = Field(False, description="Files: only the totals of each kind of resource")
    search: str = ""
    type: list[str] = []
    state: list[str] = []
    tag: list[str] = []
    tag_key: list[str] = []
    tag_value: list[str] = []
    skip: list[str] = Field([], description="Kinds of resource to leave out")
    sort: str = Field(
        "", description="resource, type, specification, state, subregion, hour or month; - turns"
    )
    page: int | None = Field(
        None, description="All resources are answered when neither page nor per_page is given"
    )
    per_page: int | None = None


class SumsOut(Schema):
    """What is known of the cost of an hour, of 730 hours, and of twelve times as many; tax excluded."""

    hour: str
    month: str
    year: str


class TypeOut(SumsOut):
    """The totals of one kind of resource."""

    resource_type: str
    count: int
    unpriced_count: int


class CategoryOut(SumsOut):
    """The totals of one category of the catalog."""

    category: str
    count: int
    unpriced_count: int


class SubregionOut(SumsOut):
    """The totals of one subregion; what belongs to none is under the region."""

    subregion: str
    count: int
    unpriced_count: int


class ExplanationOut(Schema):
    """How a price is made; ``problems`` say why a part is not known, ``assumptions`` which rules are open."""

    text: str
    period: str | None
    parts: list[PartOut]
    assumptions: list[str]
    problems: list[str]


class ResourceOut(Schema):
    """One resource; the prices are what is known of them when ``priced`` is false."""

    resource_id: str
    resource_type: str
    name: str
    subregion: str
    state: str
    specification: str
    tags: dict[str, str]
    price_per_hour: str
    price_per_month: str
    price_per_year: str
    priced: bool
    explanation: ExplanationOut


class MissingOut(Schema):
    """A list that could not be read, and why; it is in no total."""

    call: str
    code: str
    message: str


class PricesOut(Schema):
    """Which version of the price catalog was used."""

    version: int
    valid_from: datetime


class UnlistedProductOut(Schema):
    """A product that was consumed on the last known day; ``price`` is that of the day, null when unknown."""

    service: str
    type: str
    operation: str
    name: str
    category: str
    value: str
    price: str | None
    price_per_hour: str | None
    price_per_month: str | None


class UnlistedOut(Schema):
    """What no call lists, such as Kubernetes and traffic, from the last consumed day; in no other total."""

    day: date
    currency: str
    totals: SumsOut
    unpriced_count: int
    products: list[UnlistedProductOut]


class CurrentCostOut(Schema):
    """What runs in a region and what it costs; ``missing`` names what no total holds.

    ``unlisted`` is null while the consumption history holds no recent day, and when a filter is set.
    """

    region: str
    account_id: str
    currency: str
    currency_assumed: bool
    read_at: datetime
    catalog: PricesOut
    totals: SumsOut
    resource_count: int
    unpriced_count: int
    by_type: list[TypeOut]
    by_category: list[CategoryOut]
    by_subregion: list[SubregionOut]
    resources: list[ResourceOut]
    missing: list[MissingOut]
    not_read: list[str] = Field(description="Kinds of resource that the reading was not asked for")
    unlisted: UnlistedOut | None


@router.get("/current", response=Envelope[CurrentCostOut])
def current_cost(request: HttpRequest, question: Query[CostQuestion]) -> Any:
    """Tell what runs now and what it costs, from a reading that is at most some minutes old.

    ``metadata.partial`` lists what could not be read. 503 with Retry-After: the reading goes on, ask again.
    """
    if question.format != "json":
        return _file(request, question)
    form, stored = _form(question), _reading(request, question)
    cost = _answer(request, form, stored, question)
    page = None
    if question.page is not None or question.per_page is not None:
        page = form.page_of(cost)
        if page is None:
            raise InputRefused(form.errors)
    metadata = {"cache": {"fetched_at": stored.taken_at, "stale": False}, "partial": missing_of(cost)}
    if page is not None:
        metadata["pagination"] = pagination_of(page)
    return answer(document_of(cost, lines=page), **metadata)


@router.get("/current/export")
def export(request: HttpRequest, question: Query[CostQuestion]) -> HttpResponse:
    """Send the current cost as a file in ``format``."""
    return _file(request, question)


def _file(request: HttpRequest, question: CostQuestion) -> HttpResponse:
    if question.format not in FORMATS:
        problem = _("There is no format “%(name)s”; there are %(all)s.")
        raise InputRefused({"format": [problem % {"name": question.format[:50], "all": ", ".join(FORMATS)}]})
    form, stored = _form(question), _reading(request, question)
    cost = _answer(request, form, stored, question)
    return cost_file(cost, question.format, aggregate=question.aggregate)


def _answer(
    request: HttpRequest, form: CostFilter, stored: CostSnapshot, question: CostQuestion
) -> CurrentCost:
    """Return what answers the question; that somebody else has listed the object storage changes no total."""
    snapshot, gateway = snapshots.read(stored), _gateway(request, question)
    unlisted = unlisted_of(gateway.account_id, gateway.region, gateway.access_key, timezone.now())
    asked = snapshot if question.include_oos else snapshot.without_objects()
    return form.answer_of(asked, unlisted=unlisted)


def _form(question: CostQuestion) -> CostFilter:
    """Return the page's form for a question, found right."""
    data = QueryDict(mutable=True)
    asked = question.dict(exclude={"account_id", "region", "format", "include_oos", "aggregate"})
    for name, value in asked.items():
        if isinstance(value, list):
            data.setlist(name, value)
        elif value is not None:
            data[name] = str(value)
    form = CostFilter(data)
    if not form.is_valid():
        raise InputRefused(form.errors)
    return form


def _reading(request: HttpRequest, question: CostQuestion) -> CostSnapshot:
    """Return the last reading while it is fresh, else a new one."""
    gateway = _gateway(request, question)
    reader = snapshots.reader_of(gateway.access_key)
    stored = snapshots.latest(gateway.account_id, gateway.region, reader)
    if stored and snapshots.is_fresh(stored, timezone.now()) and stored.has_objects >= question.include_oos:
        return stored
    return refreshing.whole(gateway, with_objects=question.include_oos, seconds=PATIENCE_SECONDS)


def _gateway(request: HttpRequest, question: CostQuestion) -> Gateway:
    """Return the way to the cloud of the account and region asked for, those in use where none is."""
    held = keyring.open(request)
    keys = held.of_account(question.account_id) if question.account_id else held.chosen.keys
    if not keys:
        problem = _("This session holds no key of the account “%(account)s”.")
        raise InputRefused({"account_id": [problem % {"account": question.account_id[:64]}]})
    if question.region:
        return _only(question, [key for key in keys if key.region == question.region]).gateway
    return (held.current if held.current in keys else _only(question, keys)).gateway


def _only(question: CostQuestion, keys: Sequence[Key]) -> Key:
    """Return the only key that is left; refuse a question that leaves none, or several."""
    if len(keys) == 1:
        return keys[0]
    if not keys:
        problem = _("This session holds no key of the region “%(region)s”.")
        raise InputRefused({"region": [problem % {"region": question.region[:64]}]})
    if question.account_id:
        raise InputRefused({"region": [_("This session holds keys of several regions. Name one of them.")]})
    raise InputRefused(
        {"account_id": [_("This session holds keys of several accounts in this region. Name one of them.")]}
    )
