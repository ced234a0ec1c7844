"""What a region publishes: an answer of ReadPublicCatalog, checked whole before any of it is believed.

A catalog is refused when a price in it could be wrong or could belong to something else. What no amount
depends on may be missing: a title, a category, the name of the region that was asked.
"""

import re
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from costs import products
from costs.models import CatalogEntry
from costs.money import round_for_storage

MAX_PRICE = Decimal(10_000_000)
"""More than any unit costs (the dearest real one is 51,350): above it, the answer is taken for damaged."""

_KEY_FIELDS = {"Service": "service", "Type": "type", "Operation": "operation"}
_OPTIONAL_FIELDS = {"SubregionName": "subregion", "Category": "category", "Title": "title"}
_FIELDS = _KEY_FIELDS | _OPTIONAL_FIELDS
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")  # PostgreSQL keeps neither
_SUBREGION_LETTER = re.compile(r"(?<=\d)[a-z]$")
_DECIMAL_TEXT = re.compile(r"-?\d{1,30}(\.\d{1,30})?", re.ASCII)
_ROUNDED_TO_NOTHING = Decimal("5e-11")
"""A price that is not above this would be kept as zero, which means free of charge."""


class PublicationInvalid(ValueError):
    """An answer that is not a price list; the message says why, for people. Nothing of it was stored."""


def read_publication(answer: Any, *, region: str) -> list[CatalogEntry]:
    """Turn an answer of ReadPublicCatalog for ``region`` into entries that are not saved yet.

    Numbers must have been parsed as ``Decimal``. Raises ``PublicationInvalid`` for anything but a whole,
    plausible price list of that region: half a catalog would make resources look unpriced.
    """
    entries = _entries(answer, unnamed=region)
    _refuse_duplicates(entries)
    published = _region_of(entries)
    if published != region:
        problem = _("These are the prices of %(published)s, not of %(region)s.")
        raise PublicationInvalid(problem % {"published": published, "region": region})
    return entries


def published_region(answer: Any) -> str:
    """Return the region that the entries of an answer name.

    Raises ``PublicationInvalid`` when they name several or none.
    """
    named = [entry for entry in _entries(answer, unnamed="") if entry.subregion]
    if not named:
        raise PublicationInvalid(_("No entry names its region."))
    return _region_of(named)


def _entries(answer: Any, *, unnamed: str) -> list[CatalogEntry]:
    """Return the entries of an answer; those without a region belong to ``unnamed``."""
    return [_entry(raw, place, unnamed) for place, raw in enumerate(_raw_entries(answer), start=1)]


def _raw_entries(answer: Any) -> list[Any]:
    catalog = answer.get("Catalog") if isinstance(answer, dict) else None
    entries = catalog.get("Entries") if isinstance(catalog, dict) else None
    if not isinstance(entries, list):
        raise PublicationInvalid(_("The answer holds no list Catalog.Entries."))
    if not entries:
        raise PublicationInvalid(_("The catalog is empty."))
    return entries


def _entry(raw: Any, place: int, region: str) -> CatalogEntry:
    if not isinstance(raw, dict):
        raise PublicationInvalid(_("Entry %(place)s is not an object.") % {"place": place})
    texts = {ours: _text(raw, theirs, place) for theirs, ours in _FIELDS.items()}
    texts["subregion"] = texts["subregion"] or region
    texts["category"] = texts["category"] or products.NO_CATEGORY
    return CatalogEntry(unit_price=_price(raw, place), per_month=_is_per_month(raw), **texts)


def _text(raw: dict[str, Any], name: str, place: int) -> str:
    value = raw.get(name)
    if value in (None, "") and name in _OPTIONAL_FIELDS:
        return ""
    usable = isinstance(value, str) and not _UNSTORABLE.search(value)
    if not usable or (name != "Title" and not 0 < len(value) <= _longest(name)):
        raise PublicationInvalid(
            _("Entry %(place)s has no usable %(field)s.") % {"place": place, "field": name}
        )
    return value


def _is_per_month(raw: dict[str, Any]) -> bool:
    # Any other flag leaves the price as it is: only PER_MONTH changes its meaning (spec, CatalogEntry.Flags).
    flags = raw.get("Flags")
    return "PER_MONTH" in (flags if isinstance(flags, list) else [flags])


def _longest(name: str) -> int:
    return CatalogEntry._meta.get_field(_FIELDS[name]).max_length


def _price(raw: dict[str, Any], place: int) -> Decimal:
    """Return the price, rounded to what the database keeps; a price that would become zero is refused."""
    price = _number(raw.get("UnitPrice"))
    if price is None or not price.is_finite():
        raise PublicationInvalid(_("Entry %(place)s has no usable UnitPrice.") % {"place": place})
    if not 0 <= price <= MAX_PRICE or 0 < price <= _ROUNDED_TO_NOTHING:
        problem = _("Entry %(place)s has a price that cannot be right: %(price)s.")
        raise PublicationInvalid(problem % {"place": place, "price": f"{price:.12g}"})
    return round_for_storage(price)


def _number(value: Any) -> Decimal | None:
    """Return a number, or a number written as text, exactly; None for anything else, ``True`` included."""
    if isinstance(value, Decimal):
        return value
    if isinstance(value, str) and _DECIMAL_TEXT.fullmatch(value):
        return Decimal(value)
    return Decimal(value) if type(value) is int else None


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
