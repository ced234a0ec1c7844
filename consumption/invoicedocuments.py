"""The draft invoice as plain documents: JSON, and the one table behind CSV and spreadsheets."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from consumption.invoice import Invoice, Line, Part, Subtotal
from costs.exports import Table, one_line
from costs.money import RATE_PLACES, money_text, round_for_display, show_number
from costs.pricelist import Unit

COLUMNS = (
    "row",
    "account_id",
    "region",
    "subregion",
    "category",
    "product",
    "service",
    "type",
    "operation",
    "title",
    "quantity",
    "unit",
    "unit_price",
    "cost",
    "currency",
    "days",
    "first_day",
    "last_day",
    "note",
)
"""The columns of the table; ``row`` is line, subtotal, total or missing.

The days are both included. A subtotal is of what its account, region and category name, a blank is of all.
"""


def document_of(invoice: Invoice) -> dict[str, Any]:
    """Return the draft invoice as JSON; money is text, ``to_date`` is excluded, null is unknown."""
    return {
        "from_date": invoice.period.first.isoformat(),
        "to_date": invoice.period.end.isoformat(),
        "issued_on": invoice.issued_on.isoformat(),
        "with_linked": invoice.with_linked,
        "notice": notice(),
        "totals": [_sum(total) for total in invoice.totals],
        "by_account": [_sum(one) | {"account_id": one.account_id} for one in invoice.by_account],
        "by_region": [_sum(one) | {"region": one.region} for one in invoice.by_region],
        "by_category": [_sum(one) | {"category": one.category} for one in invoice.by_category],
        "lines": [_line(line) for line in invoice.lines],
        "coverage": [_coverage(part) for part in invoice.parts],
        "complete": not invoice.lacks,
        "missing": invoice.missing,
        "provisional": invoice.provisional,
    }


def notice() -> str:
    """Say what every draft invoice says of itself."""
    return _("Amounts exclude tax. This draft is informative: only the invoices of OUTSCALE bind.")


def _sum(subtotal: Subtotal) -> dict[str, Any]:
    return {
        "currency": subtotal.currency,
        "cost": money_text(subtotal.cost),
        "lines": len(subtotal.lines),
        "unpriced_lines": len(subtotal.unpriced),
        "complete": not subtotal.lacks,
    }


def _line(line: Line) -> dict[str, Any]:
    return {
        "account_id": line.account_id,
        "region": line.region,
        "subregion": line.subregion,
        "category": line.category,
        "product": line.product,
        "service": line.key.service,
        "type": line.key.type,
        "operation": line.key.operation,
        "title": line.title,
        "quantity": money_text(line.quantity),
        "unit": _unit(line),
        "unit_price": _text(line.unit_price),
        "lowest_unit_price": _text(line.lowest),
        "highest_unit_price": _text(line.highest),
        "cost": _text(line.cost),
        "currency": line.currency,
        "days": line.days,
    }


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else money_text(amount)


def _unit(line: Line) -> str | None:
    return None if line.unit is Unit.UNKNOWN else line.unit.value


def _coverage(part: Part) -> dict[str, Any]:
    named = {"account_id": part.source.account_id or None, "region": part.source.region}
    return named | part.coverage.counts


# --- The table


def table_of(invoice: Invoice) -> Table:
    """Return a row for each line, then the subtotals, the total of each currency, and what is missing."""
    return Table(COLUMNS, _rows(invoice))


def _rows(invoice: Invoice) -> Iterator[list[Any]]:
    for line in invoice.lines:
        yield _line_row(invoice, line)
    for section in invoice.sections:
        for category in section.categories:
            yield _sum_row(invoice, "subtotal", category)
        if section.total.lines:
            yield _sum_row(invoice, "subtotal", section.total)
    for subtotals in (invoice.by_account, invoice.by_region, invoice.by_category):
        for one in subtotals:
            yield _sum_row(invoice, "subtotal", one)
    for total in invoice.totals:
        yield _sum_row(invoice, "total", total)
    for part in invoice.parts:
        for sentence in part.missing:
            whose = [part.source.account_id, part.source.region]
            yield ["missing", *whose, *[None] * 13, *_days(invoice), one_line(sentence)]


def _line_row(invoice: Invoice, line: Line) -> list[Any]:
    place = [line.account_id, line.region, line.subregion, line.category]
    what = [line.product, *line.key, line.title]
    figures = [line.quantity, _unit(line), line.unit_price, line.cost, line.currency, line.days]
    return ["line", *place, *what, *figures, *_days(invoice), note_of(line)]


def _sum_row(invoice: Invoice, row: str, subtotal: Subtotal) -> list[Any]:
    place = [subtotal.account_id, subtotal.region, None, subtotal.category]
    figures = [None, None, None, subtotal.cost, subtotal.currency, None]
    said = [_("Days are missing from this sum.")] if subtotal.lacks_days else []
    note = " ".join(filter(None, [*said, unpriced_text(len(subtotal.unpriced))]))
    return [row, *place, *[None] * 5, *figures, *_days(invoice), note]


def _days(invoice: Invoice) -> list[Any]:
    return [invoice.period.first, invoice.period.last]


def note_of(line: Line) -> str:
    """Say what is special about the price of a line, empty when nothing is."""
    if line.cost is None:
        return _("No price is known: this is in no total.")
    if line.has_several_unit_prices:
        text = _("The unit price changed, from %(lowest)s to %(highest)s.")
        return text % {"lowest": money_text(line.lowest), "highest": money_text(line.highest)}
    return ""


def unpriced_text(count: int) -> str:
    """Say how many lines have no price, empty when all have one."""
    if not count:
        return ""
    text = ngettext("%(count)s line has no price.", "%(count)s lines have no price.", count)
    return text % {"count": count}


def said_of(invoice: Invoice) -> list[str]:
    """Say what the totals lack: days, one sentence for each cause, and each line without a price."""
    return [*map(one_line, invoice.missing), *map(unpriced_line_text, invoice.unpriced)]


def unpriced_name(line: Line) -> str:
    """Name a line without a price: what, how much of it, whose and where."""
    named = {
        "product": line.product,
        "quantity": quantity_text(line.quantity),
        "unit": line.unit_words or _("units"),
        "account": line.account_id,
        "place": line.subregion or line.region,
    }
    return one_line(_("%(product)s, %(quantity)s %(unit)s (%(account)s, %(place)s)") % named)


def unpriced_line_text(line: Line) -> str:
    """Say that a line has no price."""
    return _("%(name)s has no price and is in no total.") % {"name": unpriced_name(line)}


def quantity_text(value: Decimal) -> str:
    """Write a quantity for people, rounded to four decimals where it has more."""
    return show_number(round_for_display(value, RATE_PLACES).normalize())
