"""One row of a FOCUS file: its columns, and what stands in each. ``consumption.focus`` says from where.

A row has three parts: its day, what is the same on each day of a run, and how far the day is known. Values
are text as it stands in the file; what is not known is None.
"""

import datetime as dt
import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Context, Decimal
from functools import cache, lru_cache
from typing import Any, NamedTuple

from consumption.focusservices import (
    PROVIDER,
    details_of,
    frequency_of,
    meter_of,
    place_of,
    publisher_of,
    resource_type_of,
    service_of,
    sku_of,
    unit_of,
)
from consumption.periods import ONE_DAY, Period
from consumption.runs import DayFigures
from consumption.valuation import unit_price_of
from costs.lines import Line
from costs.pricelist import PriceKey, PriceList

DAY_COLUMNS = ("ChargePeriodStart", "ChargePeriodEnd")
RUN_COLUMNS = (
    "AvailabilityZone",
    "BilledCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "CapacityReservationId",
    "CapacityReservationStatus",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargeFrequency",
    "CommitmentDiscountCategory",
    "CommitmentDiscountId",
    "CommitmentDiscountName",
    "CommitmentDiscountQuantity",
    "CommitmentDiscountStatus",
    "CommitmentDiscountType",
    "CommitmentDiscountUnit",
    "ConsumedQuantity",
    "ConsumedUnit",
    "ContractedCost",
    "ContractedUnitPrice",
    "EffectiveCost",
    "InvoiceId",
    "InvoiceIssuerName",
    "ListCost",
    "ListUnitPrice",
    "PricingCategory",
    "PricingCurrency",
    "PricingCurrencyContractedUnitPrice",
    "PricingCurrencyEffectiveCost",
    "PricingCurrencyListUnitPrice",
    "PricingQuantity",
    "PricingUnit",
    "ProviderName",
    "PublisherName",
    "RegionId",
    "RegionName",
    "ResourceId",
    "ResourceName",
    "ResourceType",
    "ServiceCategory",
    "ServiceName",
    "ServiceSubcategory",
    "SkuId",
    "SkuMeter",
    "SkuPriceDetails",
    "SkuPriceId",
    "SubAccountId",
    "SubAccountName",
    "Tags",
    "x_OutscaleCategory",
    "x_OutscaleOperation",
    "x_OutscaleService",
    "x_OutscaleTitle",
    "x_OutscaleType",
    "x_PriceRounding",
    "x_PriceStatus",
    "x_TagsReadAt",
)
COVERAGE_COLUMNS = ("x_Coverage",)
COLUMNS = (*DAY_COLUMNS, *RUN_COLUMNS, *COVERAGE_COLUMNS)
"""The columns of the file: those of FOCUS first, ours after them, as FOCUS asks."""

LISTED = "listed"
LATER_CATALOG = "later-catalog"
"""The list price is that of the oldest catalog that is kept, which is younger than the day."""

NOT_LISTED = "not-listed"
OTHER_CURRENCY = "other-currency"
NO_CATALOG = "no-catalog"

_EXACT = Context(prec=100)  # a product of any two stored figures


class MeterFacts(NamedTuple):
    """What is measured; see ``consumption.models.Meter``."""

    service: str
    type: str
    operation: str
    subregion: str
    category: str
    title: str

    @property
    def key(self) -> PriceKey:
        """What identifies the product."""
        return PriceKey(self.service, self.type, self.operation)


class Charge(NamedTuple):
    """What a resource of an account consumed of a meter on each day of a run; the price is known."""

    account_id: str
    resource_id: str
    meter: MeterFacts
    figures: DayFigures


@dataclass(frozen=True)
class Payer:
    """Who is billed for the rows of a ledger in a month, and what is known of its accounts and resources.

    ``names`` are those of accounts. ``resources`` are those of a reading at ``read_at``, by their ids.
    """

    account_id: str
    region: str
    month: Period
    names: Mapping[str, str] = field(default_factory=dict)
    resources: Mapping[str, Line] = field(default_factory=dict)
    read_at: dt.datetime | None = None


class Tariff:
    """The currency of some days and the list prices that are valid on them; each product is priced once."""

    def __init__(self, currency: str, prices: PriceList | None, *, is_later: bool) -> None:
        """Take the ``prices`` of the catalog, and whether it is only known from a later day on."""
        self.currency = currency
        self._status = LATER_CATALOG if is_later else LISTED
        if prices is None:
            self._status = NO_CATALOG
        elif prices.currency != currency and prices.currency_confirmed:
            self._status, prices = OTHER_CURRENCY, None
        self._price_of = cache(lambda key: None if prices is None else unit_price_of(key, prices))

    def list_price(self, key: PriceKey) -> tuple[Decimal | None, str]:
        """Return the list price of one unit and what is to be said of it."""
        price = self._price_of(key)
        is_unlisted = price is None and self._status in (LISTED, LATER_CATALOG)
        return price, NOT_LISTED if is_unlisted else self._status


def day_cells(day: dt.date) -> list[str]:
    """Return the values of ``DAY_COLUMNS``."""
    return [_moment(day), _moment(day + ONE_DAY)]


def run_cells(charge: Charge, payer: Payer, tariff: Tariff) -> list[str | None]:
    """Return the values of ``RUN_COLUMNS``."""
    values = {
        **_costs(charge, tariff),
        **_product(charge.meter),
        **_place(charge.meter, payer),
        **_resource(charge, payer),
        **_accounts(charge, payer),
        "ChargeCategory": "Usage",
        "PricingCategory": "Standard",
        "ProviderName": PROVIDER,
        "InvoiceIssuerName": PROVIDER,
    }
    return [values.get(column) for column in RUN_COLUMNS]


def _costs(charge: Charge, tariff: Tariff) -> dict[str, str | None]:
    value, unit_price, billed = charge.figures
    list_price, status = tariff.list_price(charge.meter.key)
    contracted = billed if unit_price is None else _EXACT.multiply(value, unit_price)
    listed = billed if list_price is None else _EXACT.multiply(value, list_price)
    return {
        "BilledCost": _text(billed),
        "EffectiveCost": _text(billed),
        "ContractedCost": _text(contracted),
        "ContractedUnitPrice": _text(unit_price),
        "ListCost": _text(listed),
        "ListUnitPrice": _text(list_price),
        "PricingQuantity": _text(value),
        "ConsumedQuantity": _text(value),
        "BillingCurrency": tariff.currency,
        "PricingCurrency": tariff.currency,
        "PricingCurrencyContractedUnitPrice": _text(unit_price),
        "PricingCurrencyEffectiveCost": _text(billed),
        "PricingCurrencyListUnitPrice": _text(list_price),
        "x_PriceRounding": _text(_EXACT.subtract(billed, contracted)),
        "x_PriceStatus": status,
    }


@lru_cache(maxsize=4096)  # meters are the same for every account
def _product(meter: MeterFacts) -> dict[str, str | None]:
    key = meter.key
    service, unit, details = service_of(key), unit_of(key), details_of(key)
    return {
        "ChargeDescription": _ascii(meter.title) or f"{meter.type} {meter.operation}",
        "ChargeFrequency": frequency_of(key),
        "ConsumedUnit": unit,
        "PricingUnit": unit,
        "PublisherName": publisher_of(key),
        "ServiceCategory": service.category,
        "ServiceName": service.name,
        "ServiceSubcategory": service.subcategory,
        "SkuId": sku_of(key),
        "SkuMeter": meter_of(key),
        "SkuPriceDetails": _json(details) if details else None,
        "x_OutscaleCategory": meter.category,
        "x_OutscaleOperation": meter.operation,
        "x_OutscaleService": meter.service,
        "x_OutscaleTitle": meter.title or None,
        "x_OutscaleType": meter.type,
    }


def _place(meter: MeterFacts, payer: Payer) -> dict[str, str | None]:
    region, zone = place_of(meter.subregion, payer.region)
    return {
        "AvailabilityZone": zone,
        "RegionId": region,
        "RegionName": region,
        "SkuPriceId": f"{sku_of(meter.key)}@{region}",
    }


def _resource(charge: Charge, payer: Payer) -> dict[str, str | None]:
    if not charge.resource_id:
        return {}
    named = {
        "ResourceId": charge.resource_id,
        "ResourceType": resource_type_of(charge.meter.key, charge.resource_id),
    }
    line = payer.resources.get(charge.resource_id)
    if line is None:
        return named
    name = line.name if line.name != charge.resource_id else ""
    read_at = payer.read_at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if payer.read_at else None
    return named | {"ResourceName": name or None, "Tags": _json(line.tags), "x_TagsReadAt": read_at}


def _accounts(charge: Charge, payer: Payer) -> dict[str, str | None]:
    return {
        "BillingAccountId": payer.account_id,
        "BillingAccountName": payer.names.get(payer.account_id) or None,
        "BillingPeriodStart": _moment(payer.month.first),
        "BillingPeriodEnd": _moment(payer.month.end),
        "SubAccountId": charge.account_id,
        "SubAccountName": payer.names.get(charge.account_id) or charge.account_id,
    }


def _text(amount: Decimal | None) -> str | None:
    """Write a figure with all its decimals, in plain digits."""
    return None if amount is None else f"{amount.normalize(_EXACT):f}"


def _moment(day: dt.date) -> str:
    return f"{day.isoformat()}T00:00:00Z"


def _json(values: Mapping[str, Any]) -> str:
    return json.dumps(values, ensure_ascii=False, sort_keys=True)


def _ascii(text: str) -> str:
    """Return text without accents and other signs that some readers of FOCUS take for damage."""
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().strip()
