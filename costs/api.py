"""The JSON API of the price catalog; public, as the prices are."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from django.core.paginator import Page, Paginator
from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router, Schema
from pydantic import Field, PlainSerializer

from accounts.envelope import Envelope, answer, pagination_of
from accounts.errors import InputRefused
from costs import browsing, freshness
from costs.exports import Table, json_rows
from costs.forms import CatalogFilter, RegionFilter
from costs.money import money_text

router = Router(tags=["Catalog"])
Amount = Annotated[Decimal, PlainSerializer(money_text, return_type=str)]


class Question(Schema):
    """What to list; every word of ``search`` must occur in an entry."""

    region: str = Field("", description="The first region of the portal when empty")
    category: str = ""
    search: str = ""
    sort: str = Field("", description="product, category, type, price or month; with - turned round")
    page: int = 1


class EntryOut(Schema):
    """One product. ``unit_price`` excludes tax, and is null (``priced`` false) when the catalog lacks it."""

    service: str
    type: str
    operation: str
    category: str
    product: str
    title: str
    unit: str
    unit_price: Amount | None
    price_730_hours: Amount | None = Field(description="For what is sold by the hour")
    currency: str
    priced: bool


class CatalogOut(Schema):
    """A page of the prices of a region, in the version that was stored last."""

    region: str
    version: int
    valid_from: datetime
    currency: str
    currency_confirmed: bool = Field(description="False while the currency is assumed from the settings")
    entries: list[EntryOut]


class RefreshIn(Schema):
    """Which region to fetch anew."""

    region: str = ""


class RefreshedOut(Schema):
    """What is stored after a refresh."""

    region: str
    version: int
    valid_from: datetime
    currency: str


@router.get("", auth=None, response=Envelope[CatalogOut])
def list_prices(request: HttpRequest, question: Query[Question]) -> dict[str, Any]:
    """List the prices of a region, fetched anew when they are older than their lifetime.

    When the cloud gives none, the stored ones are listed and ``metadata.cache`` says why they are stale.
    """
    form = CatalogFilter(question.dict())
    if not form.is_valid():
        raise InputRefused(form.errors)
    status = freshness.up_to_date(form.cleaned_data["region"], timezone.now())
    if status.prices is None:
        raise freshness.RefreshFailed(status.region, status.failure)
    listing = form.listing_of(status.prices)
    page = form.page_of(Paginator(listing.rows, browsing.ROWS_PER_PAGE)) if listing else None
    if page is None:
        raise InputRefused(form.errors)
    return answer(_catalog(status, page), cache=_cache(status), pagination=pagination_of(page))


@router.post("/refresh", auth=None, response=Envelope[RefreshedOut])
def refresh(request: HttpRequest, wanted: RefreshIn | None = None, region: str = "") -> dict[str, Any]:
    """Fetch the prices of a region from the cloud now; at most once a minute for each address and region."""
    form = RegionFilter({"region": (wanted.region if wanted else "") or region})
    if not form.is_valid():
        raise InputRefused(form.errors)
    stored = freshness.ask_for_refresh(
        form.cleaned_data["region"], timezone.now(), **freshness.visitor_of(request)
    )
    fields = {name: getattr(stored, name) for name in RefreshedOut.model_fields}
    return answer(fields, cache={"fetched_at": stored.fetched_at, "stale": False})


def _catalog(status: freshness.CatalogStatus, page: Page) -> dict[str, Any]:
    prices = status.prices
    table: Table = browsing.table(prices, page, fetched_at=status.fetched_at)
    return {
        "region": prices.region,
        "version": prices.version,
        "valid_from": prices.valid_from,
        "currency": prices.currency,
        "currency_confirmed": status.currency_confirmed,
        "entries": json_rows(table),
    }


def _cache(status: freshness.CatalogStatus) -> dict[str, Any]:
    cache: dict[str, Any] = {"fetched_at": status.fetched_at, "stale": status.stale}
    if status.failure:
        cache["error"] = {"code": status.failure.code, "message": str(status.failure.message)}
    return cache
