"""The current cost as a file, in every format: the same query, order and totals as on the page."""

from collections.abc import Callable

import msgspec
from django.utils.text import slugify
from django.utils.translation import gettext_lazy

from costs.costdocuments import document_of, missing_texts, resource_table, type_table
from costs.costmetrics import metrics_of
from costs.costtext import text_of
from costs.currentcost import CurrentCost
from costs.exports import Table, markdown_text, text_table, without_markup
from costs.fileformats import FileFormat, table_formats
from costs.money import money_text

_TEXT = "text/plain; charset=utf-8"


def file_name(cost: CurrentCost, file_format: FileFormat) -> str:
    """Return a name for the file, made of account, region and moment."""
    snapshot = cost.snapshot
    moment = f"{snapshot.taken_at:%Y-%m-%d-%H%M}"
    return f"{slugify(f'cost {snapshot.account_id} {snapshot.region}')}-{moment}.{file_format.ending}"


def _table(cost: CurrentCost, aggregate: bool) -> Table:
    return type_table(cost) if aggregate else resource_table(cost)


def _json(cost: CurrentCost, aggregate: bool) -> bytes:
    document = document_of(cost, lines=() if aggregate else None)
    if aggregate:
        del document["resources"]
    return msgspec.json.format(msgspec.json.encode(document), indent=2)


def _human(cost: CurrentCost, aggregate: bool) -> bytes:
    return text_of(cost, table=text_table, with_resources=not aggregate).encode()


def _markdown(cost: CurrentCost, aggregate: bool) -> bytes:
    style = {"table": markdown_text, "written": without_markup, "heading": "## "}
    return text_of(cost, **style, with_resources=not aggregate).encode()


def _prometheus(cost: CurrentCost, aggregate: bool) -> bytes:
    return metrics_of(cost, by_resource=not aggregate)


def _single(period: str) -> Callable[[CurrentCost, bool], bytes]:
    """Write one figure alone; lists that failed follow as comments, so that nobody takes it for the whole."""

    def write(cost: CurrentCost, aggregate: bool) -> bytes:
        figure = money_text(getattr(cost.amount, period))
        return ("\n".join([figure, *(f"# {sentence}" for sentence in missing_texts(cost))]) + "\n").encode()

    return write


FORMATS = table_formats(_table, title=gettext_lazy("Current cost")) | {
    "json": FileFormat("JSON", "application/json", "json", _json),
    "markdown": FileFormat("Markdown", "text/markdown; charset=utf-8", "md", _markdown),
    "human": FileFormat(gettext_lazy("Text"), _TEXT, "txt", _human),
    "prometheus": FileFormat("Prometheus", f"{_TEXT}; version=0.0.4", "prom", _prometheus),
    "hour": FileFormat(gettext_lazy("Cost of an hour"), _TEXT, "hour.txt", _single("hour")),
    "month": FileFormat(gettext_lazy("Cost of a month"), _TEXT, "month.txt", _single("month")),
    "year": FileFormat(gettext_lazy("Cost of a year"), _TEXT, "year.txt", _single("year")),
}
"""Every format by the name that address, API and command use.

``write`` takes a current cost, and whether only its totals by kind are wanted.
"""
