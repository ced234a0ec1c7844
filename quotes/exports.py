"""A quote as a file and as the JSON API's document: the figures of the sheet, exact to ten decimals."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from costs.exports import Table, csv_lines
from costs.money import money_text
from costs.partschema import part_document
from costs.pricing import Price
from quotes.calculation import Calculation, CurrencyTotals, SharedFee, Sums
from quotes.models import Quote
from quotes.sheet import Row, Section, Sheet

_COLUMNS = (
    "row",
    "group",
    "name",
    "resource_type",
    "region",
    "code",
    "specification",
    "quantity",
    "unit_price",
    "period",
    "base",
    "commitment_discount_percent",
    "commitment_discount",
    "total",
    "monthly",
    "currency",
    "currency_assumed",
    "quote",
    "duration",
    "duration_unit",
    "commitment_period",
    "global_discount_percent",
)


def table_of(sheet: Sheet) -> Table:
    """Return one row for each item and shared fee, then the totals of each currency."""
    return Table(_COLUMNS, _rows(sheet))


def csv_of(sheet: Sheet, *, french_excel: bool = False) -> str:
    """Write the quote as CSV."""
    return "".join(csv_lines(table_of(sheet), french_excel=french_excel))


def json_of(sheet: Sheet) -> str:
    """Write the quote as the JSON API gives it."""
    return json.dumps(document_of(sheet), cls=DjangoJSONEncoder, ensure_ascii=False, indent=2)


def _rows(sheet: Sheet) -> Iterator[list[Any]]:
    quote = sheet.quote
    terms = [quote.duration, quote.duration_unit, quote.commitment_period, quote.global_discount_percent]
    for cells in _figures(sheet):
        yield [*cells, quote.name, *terms]


def _figures(sheet: Sheet) -> Iterator[list[Any]]:
    regions = sheet.regions_of_assumed_currency
    for section in sheet.sections:
        for row in section.rows:
            yield [*_item_row(section, row), row.item.region in regions]
    for fee in sheet.calculation.fees:
        yield [*_fee_row(fee), fee.region in regions]
    # A sum is as sure as the least sure of what it adds up.
    currencies = {sheet.prices[region].currency for region in regions}
    for totals in sheet.calculation.totals.values():
        for cells in _total_rows(totals):
            yield [*cells, totals.currency in currencies]


def _item_row(section: Section, row: Row) -> list[Any]:
    item = row.item
    return [
        "item",
        section.group.name if section.group else None,
        item.resource_name,
        item.resource_type,
        item.region,
        row.code,
        row.details,
        item.quantity,
        row.price.amount,
        row.price.period.value,
        *_sum_cells(row.sums),
        row.price.currency,
    ]


def _fee_row(fee: SharedFee) -> list[Any]:
    part = fee.part
    codes = [None, None, None, fee.region, part.key.type, None, 1, part.unit_price, fee.period.value]
    return ["fee", *codes, *_sum_cells(fee.sums), fee.currency]


def _sum_cells(sums: Sums) -> list[Decimal]:
    percent = sums.commitment_discount_percent
    return [sums.base, percent, sums.commitment_discount, sums.total, sums.monthly]


def _total_rows(totals: CurrencyTotals) -> Iterator[list[Any]]:
    blank = [None] * 9
    yield ["subtotal", *blank, *_sum_cells(totals.sums), totals.currency]
    discount = [None, totals.global_discount_percent, None, totals.global_change, None]
    yield ["global_discount", *blank, *discount, totals.currency]
    total = [None, None, None, totals.total, totals.monthly]
    yield ["total", *blank, *total, totals.currency]


def summary_of(quote: Quote, item_count: int) -> dict[str, Any]:
    """Return what a list of quotes says of one."""
    return {
        "quote_id": str(quote.pk),
        "name": quote.name,
        "status": quote.status,
        "item_count": item_count,
        "created_at": quote.created_at,
        "updated_at": quote.updated_at,
    }


def document_of(sheet: Sheet) -> dict[str, Any]:
    """Return the whole quote with its calculation, as the JSON API gives it."""
    quote = sheet.quote
    return {
        **summary_of(quote, len(sheet.rows)),
        "owner": quote.owner.account_id or quote.owner.username,
        "items": [_item(row) for row in sheet.rows],
        "groups": [
            {
                "id": str(section.group.pk),
                "name": section.group.name,
                "display_order": section.group.display_order,
                "collapsed": section.group.collapsed,
            }
            for section in sheet.sections
            if section.group
        ],
        "duration": quote.duration,
        "duration_unit": quote.duration_unit,
        "commitment_period": quote.commitment_period or None,
        "global_discount_percent": money_text(quote.global_discount_percent),
        "calculation": calculation_of(sheet),
    }


def _item(row: Row) -> dict[str, Any]:
    item, price = row.item, row.price
    return {
        "id": str(item.pk),
        "resource_name": item.resource_name,
        "resource_type": item.resource_type,
        "resource_data": _resource_data(price, item.price["catalog"]),
        "quantity": item.quantity,
        "unit_price": money_text(price.amount),
        "region": item.region,
        "parameters": item.parameters,
        "iops_unit_price": _iops_price(price),
        "display_order": item.display_order,
        "group_id": str(item.group_id) if item.group_id else None,
        "price_change": _price_change(row),
    }


def _price_change(row: Row) -> dict[str, Any] | None:
    if row.change is None:
        return None
    now = row.change.price
    if now is None:
        return {"unit_price": None, "period": None, "currency": None}
    return {"unit_price": money_text(now.amount), "period": now.period.value, "currency": now.currency}


def _resource_data(price: Price, catalog: dict[str, Any]) -> dict[str, Any]:
    return {
        "currency": price.currency,
        "period": price.period.value,
        "parts": [part_document(part) for part in price.parts],
        "charged_once_per_region": [part_document(part) for part in price.shared],
        "assumptions": [assumption.value for assumption in price.assumptions],
        "catalog": catalog,
    }


def _iops_price(price: Price) -> str | None:
    found = [part.unit_price for part in price.parts if part.key.type.startswith("BSU:VolumeIOPS:")]
    return money_text(found[0]) if found else None


def calculation_of(sheet: Sheet) -> dict[str, Any]:
    """Return the calculation as the JSON API gives it.

    The totals stand at the top when the quote has one currency; with several they are null there, since
    amounts of different currencies are never added, and ``by_currency`` holds them.
    """
    calculation = sheet.calculation
    by_currency = [_totals(totals, sheet) for totals in calculation.totals.values()]
    single = by_currency[0] if calculation.single else dict.fromkeys(by_currency[0])
    return {
        **single,
        "by_currency": by_currency,
        "items": _item_sums(sheet),
        "fees": _fees(calculation),
        "currency_assumed_in": sheet.regions_of_assumed_currency,
        "unconfirmed_rates": sheet.categories_of_unconfirmed_rates,
    }


def _totals(totals: CurrencyTotals, sheet: Sheet) -> dict[str, Any]:
    names = {section.group.pk: section.group.name for section in sheet.sections if section.group}
    return {
        "base_total": money_text(totals.sums.base),
        "commitment_discount": money_text(totals.sums.commitment_discount),
        "subtotal": money_text(totals.sums.total),
        "global_discount": money_text(totals.global_discount),
        "total": money_text(totals.total),
        "monthly": money_text(totals.monthly),
        "yearly": money_text(totals.yearly),
        "currency": totals.currency,
        "by_category": {category: money_text(sums.total) for category, sums in totals.by_category.items()},
        "by_group": [
            {
                "group_id": str(key) if key else None,
                "name": names.get(key),
                "total": money_text(sums.total),
            }
            for key, sums in totals.by_group.items()
        ],
    }


def _item_sums(sheet: Sheet) -> list[dict[str, Any]]:
    return [
        {
            "id": str(row.item.pk),
            **_sums(row.sums),
            "currency": row.price.currency,
        }
        for row in sheet.rows
    ]


def _fees(calculation: Calculation) -> list[dict[str, Any]]:
    return [
        {
            "region": fee.region,
            "period": fee.period.value,
            **part_document(fee.part),
            **_sums(fee.sums),
            "currency": fee.currency,
        }
        for fee in calculation.fees
    ]


def _sums(sums: Sums) -> dict[str, str]:
    return {
        "base": money_text(sums.base),
        "commitment_discount_percent": money_text(sums.commitment_discount_percent),
        "commitment_discount": money_text(sums.commitment_discount),
        "total": money_text(sums.total),
    }
