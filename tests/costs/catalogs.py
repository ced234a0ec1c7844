"""Catalogs for tests: answers of ReadPublicCatalog, and stored ones."""

import datetime as dt
from decimal import Decimal

from costs import catalog
from costs.publication import read_publication

NOW = dt.datetime(2026, 3, 2, 8, 0, tzinfo=dt.UTC)
REGION = "eu-west-2"


def raw_entry(type_="CustomRam", price="0.005", **fields):
    """Return one entry as the cloud writes it."""
    return {
        "Service": "TinaOS-FCU",
        "Type": type_,
        "Operation": "RunInstances-OD",
        "SubregionName": REGION,
        "Category": "compute",
        "Title": "Instance - On demand - Unite de RAM",
        "UnitPrice": Decimal(price),
        **fields,
    }


def answer_of(*entries):
    """Return the answer that holds these entries."""
    return {"ResponseContext": {"RequestId": "r"}, "Catalog": {"Entries": list(entries)}}


def store(*entries, at=NOW, region=REGION):
    """Store a catalog of raw entries (one entry by default) and return it."""
    raw = [{**entry, "SubregionName": region} for entry in entries or [raw_entry()]]
    return catalog.store(read_publication(answer_of(*raw), region=region), region=region, at=at)
