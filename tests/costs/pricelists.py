"""Price lists for tests that need no database."""

import dataclasses
import datetime as dt

from costs.pricelist import PriceEntry, PriceKey, PriceList
from sandbox import prices as sandbox_prices
from tests.reference import real_answer

PUBLISHED_AT = dt.datetime(2025, 12, 2, tzinfo=dt.UTC)


def price_list(entries, *, region="eu-west-2", currency="EUR"):
    return PriceList.of(entries, region=region, currency=currency, version=1, valid_from=PUBLISHED_AT)


def sandbox_price_list(region="eu-west-2"):
    """Return the prices of the sandbox; those of eu-west-2 equal the real ones (tests/sandbox proves it)."""
    return price_list(
        (
            PriceEntry(PriceKey(*key), entry.unit_price, entry.category, entry.title, entry.per_month)
            for key, entry in sandbox_prices.price_list(region).items()
        ),
        region=region,
    )


def real_price_list():
    """Return the real catalog of eu-west-2 of December 2025."""
    return price_list(
        PriceEntry(
            PriceKey(row["Service"], row["Type"], row["Operation"]),
            row["UnitPrice"],
            row["Category"],
            row["Title"],
            row.get("Flags") == "PER_MONTH",
        )
        for row in real_answer("catalog-eu-west-2.json")["Catalog"]["Entries"]
    )


def without(prices, *types):
    """Return ``prices`` without the entries of these types."""
    return price_list(entry for entry in prices.entries.values() if entry.key.type not in types)


def changed(prices, type_, **facts):
    """Return ``prices`` with other facts in the entries of a type, such as ``per_month``."""
    return price_list(
        dataclasses.replace(entry, **facts) if entry.key.type == type_ else entry
        for entry in prices.entries.values()
    )
