"""The price of an item as it was when it was added: written to JSON, read back without loss."""

from decimal import Decimal
from typing import Any

from costs.assumptions import Assumption
from costs.pricelist import PriceKey, PriceList
from costs.pricing import Part, Period, Price


def write(price: Price, prices: PriceList) -> dict[str, Any]:
    """Return ``price`` as plain JSON, with the version of the catalog that it comes from; money as text."""
    return {
        "period": price.period.value,
        "currency": price.currency,
        "parts": [_write_part(part) for part in price.parts],
        "shared": [_write_part(part) for part in price.shared],
        "assumptions": [assumption.value for assumption in price.assumptions],
        "catalog": {"version": prices.version, "valid_from": prices.valid_from.isoformat()},
    }


def price_of(kept: dict[str, Any]) -> Price:
    """Return the price that ``write`` wrote."""
    return Price(
        Period(kept["period"]),
        kept["currency"],
        tuple(_read_part(part) for part in kept["parts"]),
        tuple(Assumption(value) for value in kept["assumptions"]),
        tuple(_read_part(part) for part in kept["shared"]),
    )


def _write_part(part: Part) -> dict[str, str]:
    return {
        "service": part.key.service,
        "type": part.key.type,
        "operation": part.key.operation,
        "category": part.category,
        "quantity": str(part.quantity),
        "unit_price": str(part.unit_price),
    }


def _read_part(kept: dict[str, str]) -> Part:
    key = PriceKey(kept["service"], kept["type"], kept["operation"])
    return Part(key, kept["category"], Decimal(kept["quantity"]), Decimal(kept["unit_price"]))
