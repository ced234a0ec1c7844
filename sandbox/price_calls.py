"""The calls about prices: catalogs, present and past, and single units."""

from collections.abc import Mapping
from datetime import UTC, datetime, time
from functools import lru_cache
from typing import Any

from sandbox.answers import fields_json
from sandbox.calls import Asked, Call
from sandbox.errors import ApiError
from sandbox.parameters import BOOLEAN, TEXT, check, field, period
from sandbox.prices import Catalog, Entry, unit_price
from sandbox.regions import REGIONS
from sandbox.shown import billing_moment


def _catalog(asked: Asked) -> bytes:
    return _catalog_json(asked.region, tuple(asked.cloud.prices(asked.region).values()))


@lru_cache(maxsize=16)
def _catalog_json(region: str, entries: tuple[Entry, ...]) -> bytes:
    return fields_json({"Catalog": {"Entries": [_catalog_entry(region, entry) for entry in entries]}})


_CATALOG_FILTERS = {
    "CurrentCatalogOnly": field("State", BOOLEAN),
    "FromDate": field("FromDate", TEXT),
    "ToDate": field("ToDate", TEXT),
}
_YEARS_TOLD = 3


def _catalogs(asked: Asked) -> dict[str, Any]:
    """Answer the present price list, and where asked for those before it, back from it."""
    filters = asked.parameters.get("Filters", {})
    check(filters, {name: known.kind for name, known in _CATALOG_FILTERS.items()})
    catalogs = asked.cloud.catalogs(asked.region)
    asked_for = catalogs[-1:] if filters.get("CurrentCatalogOnly", True) else catalogs
    if {"FromDate", "ToDate"} & filters.keys():
        start, end = _told_period(asked, filters)
        asked_for = [one for one in asked_for if one.since < end and (one.until is None or one.until > start)]
    return {"Catalogs": [_catalog_in_time(asked.region, catalog) for catalog in reversed(asked_for)]}


def _told_period(asked: Asked, filters: Mapping[str, Any]) -> tuple[datetime, datetime]:
    """Return the period of the filters; raise ApiError where it is none, or begins more than 3 years ago."""
    for name in ("FromDate", "ToDate"):
        if name not in filters:
            raise ApiError("7000", f"Filter {name} is missing.")
    first, end = period(filters)
    today = asked.cloud.clock.now().date()
    if (first.year + _YEARS_TOLD, first.month, first.day) < (today.year, today.month, today.day):
        raise ApiError("4118", f"FromDate must not be older than {_YEARS_TOLD} years.")
    return datetime.combine(first, time(), UTC), datetime.combine(end, time(), UTC)


def _catalog_in_time(region: str, catalog: Catalog) -> dict[str, Any]:
    """Return a price list as ReadCatalogs shows it: the present one has no end."""
    until = {"ToDate": billing_moment(catalog.until)} if catalog.until else {}
    return {
        "State": "OBSOLETE" if catalog.until else "CURRENT",
        "FromDate": billing_moment(catalog.since),
        **until,
        "Entries": [_catalog_entry(region, entry) for entry in catalog.entries.values()],
    }


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
    Call("ReadCatalogs", _catalogs, filters=_CATALOG_FILTERS),
    Call(
        "ReadUnitPrice",
        _unit_price,
        {"Service": TEXT, "Type": TEXT, "Operation": TEXT},
        required=("Service", "Type", "Operation"),
        has_dry_run=False,
    ),
)
