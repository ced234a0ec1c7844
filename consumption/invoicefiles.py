"""The draft invoice as a file, in every format: the same lines and totals as on the page."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from consumption.invoice import Invoice, Line, Section, Subtotal
from consumption.invoicedocuments import document_of, notice, quantity_text, said_of, table_of
from costs import costfiles, products
from costs.exports import Table, markdown_text, one_line, text_table, without_markup
from costs.fileformats import FileFormat, table_formats
from costs.money import money_text, price_places, show_money


def file_name(invoice: Invoice, file_format: FileFormat) -> str:
    """Return a name for the file, made of the accounts and the days, both included."""
    accounts = dict.fromkeys(part.source.account_id for part in invoice.parts)
    named = " ".join(accounts) if len(accounts) <= 3 else f"{len(accounts)} accounts"
    days = f"{invoice.period.first.isoformat()} {invoice.period.last.isoformat()}"
    return f"{slugify(f'draft invoice {named} {days}')}.{file_format.ending}"


def _json(invoice: Invoice) -> bytes:
    return msgspec.json.format(msgspec.json.encode(document_of(invoice)), indent=2)


def _human(invoice: Invoice) -> bytes:
    return _text_of(invoice, text_table, one_line, heading="").encode()


def _markdown(invoice: Invoice) -> bytes:
    return _text_of(invoice, markdown_text, without_markup, heading="## ").encode()


_TABLES = table_formats(table_of, title=gettext_lazy("Draft invoice"))

FORMATS = (
    {"csv-fr": _TABLES.pop("csv-fr")}
    | _TABLES
    | {
        "json": replace(costfiles.FORMATS["json"], write=_json),
        "human": replace(costfiles.FORMATS["human"], write=_human),
        "markdown": replace(costfiles.FORMATS["markdown"], write=_markdown),
    }
)
"""Every format by the name that address and command use; ``write`` takes the invoice alone."""


# --- As a text for people


def _text_of(
    invoice: Invoice, table: Callable[[Table], str], written: Callable[[str], str], *, heading: str
) -> str:
    parts = [
        _block(heading, _("Draft invoice"), table(_facts(invoice))),
        *(_block(heading, title, table(rows)) for title, rows in _sum_tables(invoice)),
        *(
            _block(heading, written(_title(section)), table(_lines(section)))
            for section in invoice.sections
            if section.total.lines
        ),
        notice(),
    ]
    said = [*said_of(invoice), *invoice.provisional]
    if said:
        title = _("The total is incomplete") if invoice.lacks else _("The total can still grow")
        parts.insert(0, _block(heading, title, "\n".join(f"- {written(sentence)}" for sentence in said)))
    return "\n\n".join(parts) + "\n"


def _block(heading: str, title: str, text: str) -> str:
    return f"{heading}{title}\n\n{text}".rstrip()


def _facts(invoice: Invoice) -> Table:
    period = invoice.period
    days = _("%(first)s to %(last)s, both included (UTC)")
    rows = [
        [_("Days"), days % {"first": period.first.isoformat(), "last": period.last.isoformat()}],
        [_("Issued on"), invoice.issued_on.isoformat()],
        [_("Lines"), str(len(invoice.lines))],
        *([_("Total, tax excluded"), _amount(total)] for total in invoice.totals),
    ]
    return Table((_("Total"), _("Value")), rows)


def _sum_tables(invoice: Invoice) -> list[tuple[str, Table]]:
    named = [
        (_("By account"), _("Account"), [(one.account_id, one) for one in invoice.by_account]),
        (_("By region"), _("Region"), [(one.region, one) for one in invoice.by_region]),
        (
            _("By category"),
            _("Category"),
            [(products.category_name(one.category), one) for one in invoice.by_category],
        ),
    ]
    return [
        (title, Table((column, _("Cost")), [[name, _amount(one)] for name, one in subtotals]))
        for title, column, subtotals in named
        if subtotals
    ]


def _amount(subtotal: Subtotal) -> str:
    least = "≥ " if subtotal.lacks else ""
    return least + show_money(subtotal.cost, subtotal.currency)


def _title(section: Section) -> str:
    return f"{section.total.account_id}, {section.total.region}, {section.total.currency}"


def _lines(section: Section) -> Table:
    columns = (_("Product"), _("Subregion"), _("Quantity"), _("Unit"), _("Unit price"), _("Cost"))
    rows = [_row(line) for line in section.total.lines]
    return Table(columns, [*rows, [_("Total"), "", "", "", "", _amount(section.total)]])


def _row(line: Line) -> list[Any]:
    unit_price = "–"
    if line.has_several_unit_prices:
        unit_price = f"{money_text(line.lowest)}–{money_text(line.highest)}"
    elif line.unit_price is not None:
        unit_price = show_money(line.unit_price, line.currency, places=price_places(line.unit_price))
    cost = "–" if line.cost is None else show_money(line.cost, line.currency)
    return [line.product, line.subregion, quantity_text(line.quantity), line.unit_words, unit_price, cost]
