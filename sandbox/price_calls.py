"""The calls about prices: the catalog and single units."""

from functools import lru_cache
from typing import Any

from sandbox.answers import fields_json
from sandbox.calls import Asked, Call
from sandbox.errors import ApiError
from sandbox.parameters import TEXT
from sandbox.prices import Entry, unit_price
from sandbox.regions import REGIONS


def _catalog(asked: Asked) -> bytes:
    return _catalog_json(asked.region, tuple(asked.cloud.prices(asked.region).values()))


@lru_cache(maxsize=16)
def _catalog_json(region: str, entries: tuple[Entry, ...]) -> bytes:
    return fields_json({"Catalog": {"Entries": [_catalog_entry(region, entry) for entry in entries]}})


def _catalog_entry(region: str, entry: Entry) -> dict[str, Any]:
    """Return an entry as the catalog shows it: SubregionName is the region, Flags only there for months."""
    shown = {
        "UnitPrice": entry.unit_price,
        "Type": entry.type,
        "Title": entry.title,
        "SubregionName": region,
        "Category": entry.category,
        "Service": entry.service,
        "Operation": entry.operation,
    }
    return shown | ({"Flags": "PER_MONTH"} if entry.per_month else {})


# The documentation shows one unit, PER_IOPS_PER_MONTH, and names two more; the others follow their form.
_UNITS = {
    "par IOPS et par mois": "PER_IOPS_PER_MONTH",
    "par GiB et par mois": "PER_GIB_PER_MONTH",
    "par mois": "PER_MONTH",
    "par GiB": "PER_GIB",
    "par Gbps": "PER_GBPS",
    "par heure": "PER_HOUR",
}


def _unit_price(asked: Asked) -> dict[str, Any]:
    key = tuple(asked.parameters[name] for name in ("Service", "Type", "Operation"))
    prices = asked.cloud.prices(asked.region)
    price = unit_price(prices, key)
    if price is None:
        raise ApiError("5044", "No price for this service, type and operation.")
    service, type_, operation = key
    title = prices[key].title if key in prices else "par heure"
    return {
        "UnitPriceEntry": {
            "Service": service,
            "Type": type_,
            "Operation": operation,
            "Currency": REGIONS[asked.region].currency,
            "UnitPrice": price,
            "Unit": next((unit for words, unit in _UNITS.items() if title.endswith(words)), "PER_COUNT"),
        }
    }


PRICE_CALLS = (
    Call("ReadPublicCatalog", _catalog, is_public=True),
    Call("ReadCatalog", _catalog),
    Call(
        "ReadUnitPrice",
        _unit_price,
        {"Service": TEXT, "Type": TEXT, "Operation": TEXT},
        required=("Service", "Type", "Operation"),
        has_dry_run=False,
    ),
)
