"""The formats of files: what each is called and sent as, and the four that hold a table."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from costs.exports import Table, csv_lines
from costs.spreadsheets import ods_bytes, xlsx_bytes

CSV = "text/csv; charset=utf-8"
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_ODS = "application/vnd.oasis.opendocument.spreadsheet"


@dataclass(frozen=True)
class FileFormat:
    """How a file is written: ``write`` takes what it shows, and what else its kind of file can be asked."""

    label: str | Promise
    content_type: str
    ending: str
    write: Callable[..., bytes]
    is_binary: bool = False


def table_formats(table_of: Callable[..., Table], *, title: str | Promise) -> dict[str, FileFormat]:
    """Return CSV, CSV for French Excel, XLSX and ODS, all of which hold the table that ``table_of`` makes.

    ``table_of`` takes what ``write`` is given; ``title`` names the sheet of a spreadsheet.
    """

    def csv(*shown: Any) -> bytes:
        return "".join(csv_lines(table_of(*shown))).encode()

    def french_csv(*shown: Any) -> bytes:
        return "".join(csv_lines(table_of(*shown), french_excel=True)).encode()

    def xlsx(*shown: Any) -> bytes:
        return xlsx_bytes(table_of(*shown), title=str(title))

    def ods(*shown: Any) -> bytes:
        return ods_bytes(table_of(*shown), title=str(title))

    return {
        "csv": FileFormat("CSV", CSV, "csv", csv),
        "csv-fr": FileFormat(_("CSV for French Excel"), CSV, "fr.csv", french_csv),
        "xlsx": FileFormat("Excel (XLSX)", _XLSX, "xlsx", xlsx, is_binary=True),
        "ods": FileFormat("OpenDocument (ODS)", _ODS, "ods", ods, is_binary=True),
    }
