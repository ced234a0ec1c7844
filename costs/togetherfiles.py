"""The current cost of several places as a file: place after place, the totals of each currency by themselves.

The formats of one figure alone are left out: there may be a figure for each currency.
"""

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from costs import costfiles
from costs.costdocuments import COLUMNS, TYPE_COLUMNS, document_of, resource_table, sums_of, type_table
from costs.costmetrics import metrics_of_all
from costs.costtext import text_of
from costs.exports import Table, markdown_text, one_line, text_table, without_markup
from costs.fileformats import FileFormat, table_formats
from costs.money import RATE_PLACES, show_money
from costs.together import CurrencyTotal, Place, Together


def file_name(at: dt.datetime, file_format: FileFormat) -> str:
    """Return a name for the file, made of the moment at which it was asked for."""
    return f"cost-together-{at:%Y-%m-%d-%H%M}.{file_format.ending}"


def _table(answer: Together, aggregate: bool) -> Table:
    return Table(TYPE_COLUMNS if aggregate else COLUMNS, _rows(answer, aggregate))


def _rows(answer: Together, aggregate: bool) -> Iterator[list[Any]]:
    """Yield the rows of each place, and one for each that was not read."""
    columns, table_of = (TYPE_COLUMNS, type_table) if aggregate else (COLUMNS, resource_table)
    for place in answer.places:
        if place.cost:
            yield from table_of(place.cost).rows
        else:
            known = {
                "row": "missing",
                "priced": False,
                "explanation": _unread_text(place),
                "currency": place.currency,
                "account_id": place.key.account_id,
                "region": place.key.region,
            }
            yield [known.get(column) for column in columns]


def _unread_text(place: Place) -> str:
    return str(place.refusal.message) if place.refusal else _("Nothing has been read yet.")


def _json(answer: Together, aggregate: bool) -> bytes:
    document = {
        "totals": [_total(one) for one in answer.totals],
        "places": [_place(place, aggregate) for place in answer.places],
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2)


def _total(one: CurrencyTotal) -> dict[str, Any]:
    return {
        "currency": one.currency,
        **(sums_of(one.amount) if one.is_known else dict.fromkeys(("hour", "month", "year"))),
        "resource_count": one.count,
        "is_whole": not one.lacks,
        "not_read": [_named(place) for place in one.unread],
    }


def _place(place: Place, aggregate: bool) -> dict[str, Any]:
    problem = _unread_text(place) if place.cost is None or place.refusal else None
    document = document_of(place.cost, lines=() if aggregate else None) if place.cost else None
    if document and aggregate:
        del document["resources"]
    return _named(place) | {"name": place.key.name, "problem": problem, "cost": document}


def _named(place: Place) -> dict[str, str]:
    return {"account_id": place.key.account_id, "region": place.key.region}


def _text(
    table: Callable[[Table], str], written: Callable[[str], str], heading: str
) -> Callable[[Together, bool], bytes]:
    def write(answer: Together, aggregate: bool) -> bytes:
        style = {"table": table, "written": written, "with_resources": not aggregate}
        parts = [f"{heading}{_('All together')}\n\n{table(_totals(answer))}".rstrip()]
        for place in answer.places:
            said = f"{heading}{written(place.key.place_text)}\n\n"
            said += text_of(place.cost, heading=heading, **style) if place.cost else _unread_text(place)
            parts.append(said.rstrip())
        return ("\n\n".join(parts) + "\n").encode()

    return write


def _totals(answer: Together) -> Table:
    rows = []
    for one in answer.totals:
        least = "≥ " if one.lacks else ""
        figures = [
            show_money(one.amount.hour, one.currency, places=RATE_PLACES),
            show_money(one.amount.month, one.currency),
            show_money(one.amount.year, one.currency),
        ]
        shown = [least + figure for figure in figures] if one.is_known else ["–"] * 3
        rows.append([one.currency, *shown, ", ".join(one_line(place.key.place_text) for place in one.unread)])
    columns = (_("Currency"), _("Per hour"), _("Per month"), _("Per year"), _("Not read"))
    return Table(columns, rows)


def _prometheus(answer: Together, aggregate: bool) -> bytes:
    costs = [place.cost for place in answer.places if place.cost]
    unread = [(place.key.account_id, place.key.region) for place in answer.places if place.cost is None]
    return metrics_of_all(costs, unread, by_resource=not aggregate)


_WRITERS = {
    "json": _json,
    "markdown": _text(markdown_text, without_markup, "## "),
    "human": _text(text_table, one_line, ""),
    "prometheus": _prometheus,
}

FORMATS = table_formats(_table, title=gettext_lazy("Current cost")) | {
    name: FileFormat(one.label, one.content_type, one.ending, _WRITERS[name])
    for name, one in costfiles.FORMATS.items()
    if name in _WRITERS
}
"""Every format by its name in the address.

``write`` takes what runs together, and whether only totals are wanted.
"""
