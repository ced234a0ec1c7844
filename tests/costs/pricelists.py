"""Price lists for tests that need no database."""

import datetime as dt

from costs.pricelist import PriceEntry, PriceKey, PriceList
from tests.reference import real_answer

PUBLISHED_AT = dt.datetime(2025, 12, 2, tzinfo=dt.UTC)


def real_price_list():
    """Return the real catalog of eu-west-2 of December 2025."""
    entries = [
        PriceEntry(
            PriceKey(row["Service"], row["Type"], row["Operation"]),
            row["UnitPrice"],
            row["Category"],
            row["Title"],
            row.get("Flags") == "PER_MONTH",
        )
        for row in real_answer("catalog-eu-west-2.json")["Catalog"]["Entries"]
    ]
    return PriceList.of(entries, region="eu-west-2", currency="EUR", version=1, valid_from=PUBLISHED_AT)


def without(prices, *types):
    """Return ``prices`` without the entries of these types."""
    kept = [entry for entry in prices.entries.values() if entry.key.type not in types]
    return PriceList.of(
        kept,
        region=prices.region,
        currency=prices.currency,
        version=prices.version,
        valid_from=prices.valid_from,
    )
