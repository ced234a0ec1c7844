"""The shapes of the JSON API of quotes. Amounts are texts without tax; moments are UTC."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from ninja import Schema
from pydantic import Field

from costs.partschema import PartOut
from quotes.editing import MOST_ITEMS

Order = Annotated[int | None, Field(ge=0, le=MOST_ITEMS)]


class NameIn(Schema):
    """The name of a quote."""

    name: str


class QuoteIn(Schema):
    """What may be changed of a quote; what is left out stays."""

    name: str = ""
    status: str = Field("", description="active or saved")
    duration: Any = Field(None, description="A whole number of duration_unit")
    duration_unit: str = Field("", description="hours, days, weeks, months or years; a month is 730 hours")
    commitment_period: str | None = Field(None, description="1month, 1year, 3years or null")
    global_discount_percent: Any = Field(None, description="0 to 100, two decimals at most")


class ItemIn(Schema):
    """An item; the server prices it from the catalog, whatever price is sent."""

    resource_type: str
    region: str
    quantity: Any = 1
    parameters: dict[str, Any] = Field(default_factory=dict, description="Of this resource_type, no others")
    resource_name: str | None = ""
    group_id: UUID | None = None
    display_order: Order = Field(None, description="The place in its group, from 0; else at the end")


class ItemChange(Schema):
    """What may be changed of an item; what is left out stays, but parameters are replaced together."""

    resource_type: str = ""
    region: str = ""
    quantity: Any = None
    parameters: dict[str, Any] | None = None
    resource_name: str | None = None
    group_id: UUID | None = None
    display_order: Order = None


class GroupIn(Schema):
    """A group; ``display_order`` counts from 0."""

    name: str = ""
    display_order: Order = None
    collapsed: bool | None = None


class SummaryOut(Schema):
    """What a list says of a quote."""

    quote_id: UUID
    name: str
    status: str
    item_count: int
    created_at: datetime
    updated_at: datetime


class ResourceDataOut(Schema):
    """How the price of an item is made, and the version of the catalog that it comes from."""

    currency: str
    period: str = Field(description="hour, month or once: what the item's unit_price is for")
    parts: list[PartOut]
    charged_once_per_region: list[PartOut]
    assumptions: list[str]
    catalog: dict[str, Any]


class PriceChangeOut(Schema):
    """What the catalog of now asks for one of an item; null when it has no price for it any more."""

    unit_price: str | None
    period: str | None
    currency: str | None


class ItemOut(Schema):
    """An item at the price that it had when it was added, or when a new one was last taken."""

    id: UUID
    resource_name: str
    resource_type: str
    resource_data: ResourceDataOut
    quantity: int
    unit_price: str
    region: str
    parameters: dict[str, Any]
    iops_unit_price: str | None
    display_order: int
    group_id: UUID | None
    price_change: PriceChangeOut | None = Field(description="Null while the price stands")


class QuoteGroupOut(Schema):
    """A group of items."""

    id: UUID
    name: str
    display_order: int
    collapsed: bool


class GroupTotalOut(Schema):
    """The cost of a group before the global discount; without id for what is in no group."""

    group_id: UUID | None
    name: str | None
    total: str


class CurrencyTotalsOut(Schema):
    """All that a quote comes to in one currency; the parts stand before the global discount."""

    base_total: str
    commitment_discount: str
    subtotal: str
    global_discount: str
    total: str
    monthly: str
    yearly: str
    currency: str
    by_category: dict[str, str]
    by_group: list[GroupTotalOut]


class QuoteSumsOut(Schema):
    """Amounts for the whole duration, before the global discount."""

    base: str
    commitment_discount_percent: str
    commitment_discount: str
    total: str
    currency: str


class ItemSumsOut(QuoteSumsOut):
    """The amounts of an item."""

    id: UUID


class FeeOut(QuoteSumsOut, PartOut):
    """A fee charged once for a region, however many items make it due."""

    region: str
    period: str


class CalculationOut(Schema):
    """The totals; null when there are several currencies, which are never added: see by_currency."""

    base_total: str | None
    commitment_discount: str | None
    subtotal: str | None
    global_discount: str | None
    total: str | None
    monthly: str | None
    yearly: str | None
    currency: str | None
    by_category: dict[str, str] | None
    by_group: list[GroupTotalOut] | None
    by_currency: list[CurrencyTotalsOut]
    items: list[ItemSumsOut]
    fees: list[FeeOut]
    currency_assumed_in: list[str] = Field(description="Regions whose currency OUTSCALE has not named yet")
    unconfirmed_rates: list[str] = Field(description="Categories whose discount is to be confirmed")


class QuoteOut(SummaryOut):
    """A whole quote with its calculation."""

    owner: str = Field(description="The OUTSCALE account")
    items: list[ItemOut]
    groups: list[QuoteGroupOut]
    duration: int
    duration_unit: str
    commitment_period: str | None
    global_discount_percent: str
    calculation: CalculationOut


class DeletedQuoteOut(Schema):
    """What became of a deleted quote; a deleted active one is replaced."""

    message: str
    replacement_quote: QuoteOut | None = None
