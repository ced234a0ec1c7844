"""What a region publishes: an answer of ReadPublicCatalog, checked whole before any of it is believed."""

import re
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from costs.models import CatalogEntry
from costs.money import STORED_STEP

MAX_PRICE = Decimal(10_000_000)
"""More than any unit costs (the dearest real one is 51,350): above it, the answer is taken for damaged."""

_FIELDS = {
    "Service": "service",
    "Type": "type",
    "Operation": "operation",
    "SubregionName": "subregion",
    "Category": "category",
    "Title": "title",
}
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")  # PostgreSQL keeps neither
_SUBREGION_LETTER = re.compile(r"(?<=\d)[a-z]$")


class PublicationInvalid(ValueError):
    """An answer that is not a price list; the message says why, for people. Nothing of it was stored."""


def read_publication(answer: Any, *, region: str) -> list[CatalogEntry]:
    """Turn an answer of ReadPublicCatalog for ``region`` into entries that are not saved yet.

    Numbers must have been parsed as ``Decimal``. Raises ``PublicationInvalid`` for anything but a whole,
    plausible price list of that region: half a catalog would make resources look unpriced.
    """
    entries = [_entry(raw, place) for place, raw in enumerate(_raw_entries(answer), start=1)]
    _refuse_duplicates(entries)
    published = _region_of(entries)
    if published != region:
        problem = _("These are the prices of %(published)s, not of %(region)s.")
        raise PublicationInvalid(problem % {"published": published, "region": region})
    return entries


def published_region(answer: Any) -> str:
    """Return the region that the entries of an answer name; raise ``PublicationInvalid`` if they differ."""
    return _region_of([_entry(raw, place) for place, raw in enumerate(_raw_entries(answer), start=1)])


def _raw_entries(answer: Any) -> list[Any]:
    catalog = answer.get("Catalog") if isinstance(answer, dict) else None
    entries = catalog.get("Entries") if isinstance(catalog, dict) else None
    if not isinstance(entries, list):
        raise PublicationInvalid(_("The answer holds no list Catalog.Entries."))
    if not entries:
        raise PublicationInvalid(_("The catalog is empty."))
    return entries


def _entry(raw: Any, place: int) -> CatalogEntry:
    if not isinstance(raw, dict):
        raise PublicationInvalid(_("Entry %(place)s is not an object.") % {"place": place})
    texts = {ours: _text(raw, theirs, place) for theirs, ours in _FIELDS.items()}
    # Any other flag leaves the price as it is: only PER_MONTH changes its meaning (spec, CatalogEntry.Flags).
    return CatalogEntry(unit_price=_price(raw, place), per_month=raw.get("Flags") == "PER_MONTH", **texts)


def _text(raw: dict[str, Any], name: str, place: int) -> str:
    value = raw.get(name)
    usable = isinstance(value, str) and not _UNSTORABLE.search(value)
    if not usable or (name != "Title" and not 0 < len(value) <= _longest(name)):
        raise PublicationInvalid(
            _("Entry %(place)s has no usable %(field)s.") % {"place": place, "field": name}
        )
    return value


def _longest(name: str) -> int:
    return CatalogEntry._meta.get_field(_FIELDS[name]).max_length


def _price(raw: dict[str, Any], place: int) -> Decimal:
    value = raw.get("UnitPrice")
    price = Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(price, Decimal) or not price.is_finite():
        raise PublicationInvalid(_("Entry %(place)s has no usable UnitPrice.") % {"place": place})
    if not 0 <= price <= MAX_PRICE:
        problem = _("Entry %(place)s has a price that cannot be right: %(price)s.")
        raise PublicationInvalid(problem % {"place": place, "price": price})
    if price % STORED_STEP:
        problem = _("Entry %(place)s has a price with more than ten decimals: %(price)s.")
        raise PublicationInvalid(problem % {"place": place, "price": price})
    return price


def _refuse_duplicates(entries: list[CatalogEntry]) -> None:
    seen = set()
    for entry in entries:
        if entry.key in seen:
            raise PublicationInvalid(_("The price of %(key)s is there twice.") % {"key": entry.key})
        seen.add(entry.key)


def _region_of(entries: list[CatalogEntry]) -> str:
    """Return the one region of the entries; the cloud writes ``eu-west-2``, and may write ``eu-west-2a``."""
    regions = {_SUBREGION_LETTER.sub("", entry.subregion) for entry in entries}
    if len(regions) > 1:
        problem = _("The entries belong to several regions: %(regions)s.")
        raise PublicationInvalid(problem % {"regions": ", ".join(sorted(regions))})
    return regions.pop()
