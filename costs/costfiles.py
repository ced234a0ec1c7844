"""The current cost as a file, in every format: the same query, order and totals as on the page."""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec
from django.utils.functional import Promise
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from costs.costdocuments import document_of, missing_texts, resource_table, type_table
from costs.costmetrics import metrics_of
from costs.costtext import text_of
from costs.currentcost import CurrentCost
from costs.exports import Table, csv_lines, markdown_text, text_table, without_markup
from costs.money import money_text
from costs.spreadsheets import ods_bytes, xlsx_bytes

_CSV = "text/csv; charset=utf-8"
_TEXT = "text/plain; charset=utf-8"
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_ODS = "application/vnd.oasis.opendocument.spreadsheet"


@dataclass(frozen=True)
class FileFormat:
    """How a current cost is written: ``write`` takes it, and whether only its totals by kind are wanted."""

    label: str | Promise
    content_type: str
    ending: str
    write: Callable[[CurrentCost, bool], bytes]
    is_binary: bool = False


def file_name(cost: CurrentCost, file_format: FileFormat) -> str:
    """Return a name for the file, made of account, region and moment."""
    snapshot = cost.snapshot
    moment = f"{snapshot.taken_at:%Y-%m-%d-%H%M}"
    return f"{slugify(f'cost {snapshot.account_id} {snapshot.region}')}-{moment}.{file_format.ending}"


def _table(cost: CurrentCost, aggregate: bool) -> Table:
    return type_table(cost) if aggregate else resource_table(cost)


def _csv(cost: CurrentCost, aggregate: bool) -> bytes:
    return "".join(csv_lines(_table(cost, aggregate))).encode()


def _french_csv(cost: CurrentCost, aggregate: bool) -> bytes:
    return "".join(csv_lines(_table(cost, aggregate), french_excel=True)).encode()


def _ods(cost: CurrentCost, aggregate: bool) -> bytes:
    return ods_bytes(_table(cost, aggregate), title=_("Current cost"))


def _xlsx(cost: CurrentCost, aggregate: bool) -> bytes:
    return xlsx_bytes(_table(cost, aggregate), title=_("Current cost"))


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


FORMATS = {
    "csv": FileFormat("CSV", _CSV, "csv", _csv),
    "csv-fr": FileFormat(gettext_lazy("CSV for French Excel"), _CSV, "fr.csv", _french_csv),
    "xlsx": FileFormat("Excel (XLSX)", _XLSX, "xlsx", _xlsx, is_binary=True),
    "ods": FileFormat("OpenDocument (ODS)", _ODS, "ods", _ods, is_binary=True),
    "json": FileFormat("JSON", "application/json", "json", _json),
    "markdown": FileFormat("Markdown", "text/markdown; charset=utf-8", "md", _markdown),
    "human": FileFormat(gettext_lazy("Text"), _TEXT, "txt", _human),
    "prometheus": FileFormat("Prometheus", f"{_TEXT}; version=0.0.4", "prom", _prometheus),
    "hour": FileFormat(gettext_lazy("Cost of an hour"), _TEXT, "hour.txt", _single("hour")),
    "month": FileFormat(gettext_lazy("Cost of a month"), _TEXT, "month.txt", _single("month")),
    "year": FileFormat(gettext_lazy("Cost of a year"), _TEXT, "year.txt", _single("year")),
}
"""Every format by the name that address, API and command use."""
