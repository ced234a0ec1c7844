"""The catalog as people look at it: one query function that page, CSV and API share."""

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from costs import products
from costs.collation import folded, natural
from costs.exports import Table
from costs.money import HOURS_PER_MONTH
from costs.pricelist import PriceEntry, PriceKey, PriceList, Unit, product_code

ROWS_PER_PAGE = 200

HOURLY = frozenset({Unit.VCORE_HOUR, Unit.GIB_HOUR, Unit.HOUR, Unit.TWO_VCORES_HOUR, Unit.VM_HOUR})
"""The units whose prices are also shown for 730 hours."""

# What most people look for comes first: by category, then by family.
_FAMILIES_IN_ORDER = (
    "CustomCore:", "CustomRam", "Gpu:attach:", "Gpu:allocate:", "UseDedicated",
    "BSU:VolumeUsage:", "BSU:VolumeIOPS:", "Snapshot:", "enterprise",
    "ElasticIP:", "LBU:", "NatGatewayUsage", "ConnectionUsage", "LocatePort:", "DataTransfer",
    "ProductUsage", "dedicated:",
)  # fmt: skip
_ORDINARY_GENERATIONS = 100  # generations from here on (v104) are special machines


class UnknownCategory(ValueError):
    """Neither the catalog nor the portal knows a category of this name."""


class Sort(StrEnum):
    """The columns that a person can sort by; a leading minus turns the order round."""

    PRODUCT = "product"
    CATEGORY = "category"
    TYPE = "type"
    PRICE = "price"
    MONTH = "month"


_LABELS: dict[Sort, str | Promise] = {
    Sort.PRODUCT: _("Product"),
    Sort.CATEGORY: _("Category"),
    Sort.TYPE: _("Type"),
    Sort.PRICE: _("Price"),
    Sort.MONTH: _("730 hours"),
}

COLUMNS = (
    "region", "service", "type", "operation", "category", "product", "title", "unit", "unit_price",
    "price_730_hours", "currency", "priced", "version", "fetched_at",
)  # fmt: skip
"""The columns of the CSV and the fields of the API."""

SORTS = [sign + column for column in Sort for sign in ("", "-")]


@dataclass(frozen=True, slots=True)
class Row:
    """One product with its price, before tax, in the currency of its list; an absent one has no price."""

    key: PriceKey
    name: str
    category: str
    title: str
    unit: Unit
    unit_price: Decimal | None

    @property
    def category_name(self) -> str:
        """The category in the reader's language."""
        return products.category_name(self.category)

    @property
    def unit_name(self) -> str:
        """What one unit buys, in the reader's language."""
        return products.unit_name(self.unit)

    @property
    def priced(self) -> bool:
        """Tell a price, zero included, from its absence."""
        return self.unit_price is not None

    @property
    def month(self) -> Decimal | None:
        """The price of one unit for 730 hours, for what is sold by the hour; None for anything else."""
        return self.unit_price * HOURS_PER_MONTH if self.priced and self.unit in HOURLY else None

    @property
    def code(self) -> str:
        """The cloud's name that tells the row from its neighbours: its type, and the code of a licence."""
        licence = product_code(self.key)
        return f"{self.key.type} · {licence}" if licence else self.key.type


@dataclass(frozen=True, slots=True)
class Column:
    """The head of a column: ``next_sort`` is what a click asks for, ``direction`` the order now."""

    label: str
    next_sort: str
    direction: str
    is_amount: bool


@dataclass(frozen=True, slots=True)
class Listing:
    """The rows that answer one question, in their order, and the categories that one can ask for."""

    rows: list[Row]
    categories: list[str]

    @property
    def priced_count(self) -> int:
        """How many rows have a price."""
        return sum(row.priced for row in self.rows)

    @property
    def absent_count(self) -> int:
        """How many rows have none."""
        return len(self.rows) - self.priced_count


def listing(prices: PriceList, *, search: str = "", category: str = "", sort: str = "") -> Listing:
    """Return the products of ``prices`` that match, those without a price included.

    Every word of ``search`` must occur in our name (in the active language), the cloud's title, the type,
    operation, service or category, or be another usual word for it; accents and case do not count. Raises
    ``UnknownCategory``.
    """
    rows = [_priced_row(entry) for entry in prices.entries.values()]
    rows += [_absent_row(product) for product in products.without_price(prices)]
    categories = sorted({*products.CATEGORIES, *(row.category for row in rows)}, key=_category_place)
    if category and category not in categories:
        raise UnknownCategory(category)
    words = folded(search).split()
    found = [row for row in rows if category in {"", row.category} and _matches(row, words)]
    return Listing(_sorted(found, sort), categories)


def columns(sort: str) -> list[Column]:
    """Return the heads of the sortable columns, given the present order; a second click turns it round."""
    return [_column(column, label, sort) for column, label in _LABELS.items()]


def _column(column: Sort, label: str | Promise, sort: str) -> Column:
    present, descending = sort.removeprefix("-") == column, sort.startswith("-")
    return Column(
        label=str(label),
        next_sort=f"-{column}" if present and not descending else column.value,
        direction=("descending" if descending else "ascending") if present else "",
        is_amount=column in {Sort.PRICE, Sort.MONTH},
    )


def table(prices: PriceList, rows: Iterable[Row], *, fetched_at: dt.datetime) -> Table:
    """Return rows as a table for CSV and API; each names its region, its version and its currency."""
    return Table(COLUMNS, (_cells(prices, row, fetched_at) for row in rows))


def _cells(prices: PriceList, row: Row, fetched_at: dt.datetime) -> list[Any]:
    return [
        prices.region,
        *row.key,
        row.category,
        row.name,
        row.title,
        row.unit.value,
        row.unit_price,
        row.month,
        prices.currency,
        row.priced,
        prices.version,
        fetched_at,
    ]


def _priced_row(entry: PriceEntry) -> Row:
    name = products.name(entry.key)
    return Row(entry.key, name, entry.category, entry.title, entry.unit, entry.unit_price)


def _absent_row(product: products.KnownProduct) -> Row:
    return Row(product.key, products.name(product.key), product.category, "", product.unit, None)


def _matches(row: Row, words: list[str]) -> bool:
    if not words:
        return True
    said = [row.name, row.title, *row.key, row.category, row.category_name, products.other_words(row.key)]
    text = folded(" ".join(said))
    return all(word in text for word in words)


def _sorted(rows: list[Row], sort: str) -> list[Row]:
    """Return rows in the order asked for; without a value they come last, whichever way the order goes."""
    usual = sorted(rows, key=_usual_place)
    if not sort:
        return usual
    column = Sort(sort.removeprefix("-"))
    valued = [row for row in usual if _value(row, column) is not None]
    valued.sort(key=lambda row: _value(row, column), reverse=sort.startswith("-"))
    return valued + [row for row in usual if _value(row, column) is None]


def _value(row: Row, column: Sort) -> Any:
    match column:
        case Sort.PRODUCT:
            return natural(row.name)
        case Sort.CATEGORY:
            return folded(row.category_name)
        case Sort.TYPE:
            return natural(row.code)
        case Sort.PRICE:
            return row.unit_price
        case Sort.MONTH:
            return row.month


def _usual_place(row: Row) -> tuple[Any, ...]:
    starts = (place for place, start in enumerate(_FAMILIES_IN_ORDER) if row.key.type.startswith(start))
    family = next(starts, len(_FAMILIES_IN_ORDER))
    place = (_category_place(row.category), not row.priced, family)
    return (*place, _generation_place(row.key.type), natural(row.code), row.key)


def _category_place(category: str) -> tuple[int, str]:
    known = category in products.CATEGORIES
    return (products.CATEGORIES.index(category) if known else len(products.CATEGORIES), category)


def _generation_place(type_: str) -> int:
    """Put the newest CPU generation first, and special machines after the ordinary ones."""
    found = re.match(r"CustomCore:v(\d+)-", type_)
    generation = int(found[1]) if found else 0
    return generation if generation >= _ORDINARY_GENERATIONS else -generation
