"""Tables as spreadsheets: XLSX for Excel and ODS (OpenDocument) for LibreOffice, with the same cells.

Amounts and whole numbers are numeric cells; all else is text, and never a formula or a link.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from html import escape
from io import BytesIO
from typing import Any, TextIO

from odf.config import ConfigItem, ConfigItemMapEntry, ConfigItemMapIndexed, ConfigItemMapNamed, ConfigItemSet
from odf.element import Element
from odf.element import Text as Node
from odf.number import Number, NumberStyle
from odf.opendocument import OpenDocumentSpreadsheet
from odf.style import Style, TableCellProperties, TableColumnProperties, TextProperties
from odf.table import DatabaseRange, DatabaseRanges, TableColumn
from odf.table import Table as Sheet
from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from costs.exports import Table, is_number, plain

ROW_LIMIT = 1_048_576
"""The rows that a sheet of Excel or LibreOffice holds, its header included."""

TEXT_LIMIT = 32_767
"""The length of the longest text that a cell of Excel holds, counted as UTF-16 does."""

_NAME_LIMIT = 31
_FORBIDDEN_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_FORBIDDEN_IN_NAME = re.compile(r"[\[\]:*?/\\\s\ufffd]+")
_ODS_SPACE = re.compile(r"\n|\t|(?<![^\n]) +| {2,}| +(?![^\n])")
_PLACES = range(2, 11)  # an amount shows two decimals, and more only when it has them
_WIDEST = 60  # characters; longer text is read in the cell's own line


class TooManyRows(ValueError):
    """The table is longer than a sheet can be: a CSV file has no such limit."""


def xlsx_bytes(table: Table, *, title: str) -> bytes:
    """Write a table as a workbook of one sheet for Excel.

    Every digit of an amount stands in the file; Excel itself calculates with about fifteen of them.
    """
    file = BytesIO()
    # Rows leave memory as they are written: they wait in a temporary file.
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with Workbook(file, options) as book:
        bold = book.add_format({"bold": True, "bottom": 1})
        formats = {places: book.add_format({"num_format": f"#,##0.{'0' * places}"}) for places in _PLACES}
        whole = book.add_format({"num_format": "0"})
        sheet = book.add_worksheet(_sheet_name(title))
        widths = _Widths(table.columns)
        for place, column in enumerate(table.columns):
            _write_text(sheet, 0, place, _legal(str(column)), bold)
        last = 0
        for last, row in enumerate(_rows(table, widths), start=1):
            for place, (value, text) in enumerate(row):
                if is_number(value):
                    style = formats[_places(text)] if isinstance(value, Decimal) else whole
                    sheet.write_number(last, place, _AllDigits(text), style)
                elif text:
                    _write_text(sheet, last, place, text)
        for place, width in enumerate(widths):
            sheet.set_column(place, place, width)
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, last, len(table.columns) - 1)
    return file.getvalue()


def ods_bytes(table: Table, *, title: str) -> bytes:
    """Write a table as an OpenDocument spreadsheet of one sheet; amounts stand in it exactly."""
    name = _sheet_name(title)
    widths = _Widths(table.columns)
    lines = [_ods_row(((None, _legal(str(column))) for column in table.columns), style="header")]
    lines += [_ods_row(row) for row in _rows(table, widths)]
    document = OpenDocumentSpreadsheet()
    _add_cell_styles(document)
    sheet = Sheet(name=name)
    for place, width in enumerate(widths):
        style = Style(name=f"column{place}", family="table-column")
        style.addElement(TableColumnProperties(columnwidth=f"{width * 0.21:.2f}cm"))
        document.automaticstyles.addElement(style)
        sheet.addElement(TableColumn(stylename=style))
    sheet.appendChild(_Rows(lines))
    document.spreadsheet.addElement(sheet)
    ranges = DatabaseRanges()
    quoted = name.replace("'", "''")
    last = xl_rowcol_to_cell(len(lines) - 1, len(table.columns) - 1)
    area = f"'{quoted}'.A1:'{quoted}'.{last}"
    ranges.addElement(DatabaseRange(name="table", targetrangeaddress=area, displayfilterbuttons=True))
    document.spreadsheet.addElement(ranges)
    document.settings.addElement(_frozen_header(name))
    file = BytesIO()
    document.save(file)
    return file.getvalue()


class _Widths:
    """The width of each column in characters, which grows with the cells that it is shown."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._widths = [len(str(column)) + 4 for column in columns]  # the filter's button takes place

    def __iter__(self) -> Iterator[int]:
        return iter(self._widths)

    def make_room(self, place: int, text: str) -> None:
        """Widen a column for one more cell; four more characters hold separators and margins."""
        if len(text) + 4 > self._widths[place]:
            self._widths[place] = min(len(text), _WIDEST) + 4


class _AllDigits(Decimal):
    """A number that XlsxWriter writes whole: the format that it asks for would cut it to 16 digits."""

    def __format__(self, _specifier: str, /) -> str:
        return super().__format__("f")


class _Rows(Node):
    """Rows that odfpy writes as they are.

    An odfpy element for each cell takes 8 s of CPU for 10,000 rows of 16 cells, text less than 1 s.
    Of the other libraries odfdo takes 50 s, and odswriter knows no styles and no widths. So odfpy makes the
    whole file except its rows.
    """

    def toXml(self, _level: int, file: TextIO) -> None:  # noqa: N802 - the name that odfpy calls
        """Write the rows into the sheet."""
        file.writelines(self.data)


def _rows(table: Table, widths: _Widths) -> Iterator[list[tuple[Any, str]]]:
    """Yield each row as pairs of a value and its text, fit for a cell; refuse rows that no sheet can hold."""
    for number, row in enumerate(table.rows, start=2):
        if number > ROW_LIMIT:
            raise TooManyRows(f"a sheet holds at most {ROW_LIMIT:,} rows, its header included")
        cells = []
        for place, (_column, value) in enumerate(zip(table.columns, row, strict=True)):
            text = _legal(plain(value))
            widths.make_room(place, text)
            cells.append((value, text))
        yield cells


def _legal(text: str) -> str:
    """Replace what XML forbids, and cut what is longer than a cell of Excel."""
    text = _FORBIDDEN_IN_XML.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))
    units = text.encode("utf-16-le") if len(text) > TEXT_LIMIT // 2 else b""
    if len(units) <= 2 * TEXT_LIMIT:
        return text
    return units[: 2 * (TEXT_LIMIT - 1)].decode("utf-16-le", errors="ignore") + "…"


def _sheet_name(title: str) -> str:
    """Make a title a name that Excel takes: at most 31 characters, none of them special there."""
    name = _FORBIDDEN_IN_NAME.sub(" ", _legal(title)).strip(" '")
    name = name.encode("utf-16-le")[: 2 * _NAME_LIMIT].decode("utf-16-le", errors="ignore").strip(" '")
    if name.casefold() == "history":  # Excel keeps this name for itself
        return f"{name}_"
    return name or "Sheet1"


def _places(amount: str) -> int:
    return max(len(amount.partition(".")[2]), _PLACES.start)


def _write_text(sheet: Worksheet, row: int, place: int, text: str, style: Format | None = None) -> None:
    if text.startswith("<r>") and text.endswith("</r>"):
        # XlsxWriter takes such text for its own XML and would not escape it; in three runs it is text again.
        sheet.write_rich_string(row, place, text[:1], text[1:2], text[2:], *([style] if style else []))
    else:
        sheet.write_string(row, place, text, style)


def _ods_row(cells: Iterable[tuple[Any, str]], *, style: str = "") -> str:
    row = "".join(_ods_cell(value, text, style) for value, text in cells)
    return f"<table:table-row>{row}</table:table-row>"


def _ods_cell(value: Any, text: str, style: str) -> str:
    if not text:
        return "<table:table-cell/>"
    kind = 'office:value-type="string"'
    if is_number(value):
        kind = f'office:value-type="float" office:value="{text}"'
        style = f"amount{_places(text)}" if isinstance(value, Decimal) else "whole"
    named = f' table:style-name="{style}"' if style else ""
    return f"<table:table-cell {kind}{named}><text:p>{_ods_text(text)}</text:p></table:table-cell>"


def _ods_text(text: str) -> str:
    """Write text so that OpenDocument, which joins white space as HTML does, keeps all of it."""
    return _ODS_SPACE.sub(_ods_space, escape(text, quote=False))


def _ods_space(match: re.Match[str]) -> str:
    space = match[0]
    marks = {"\n": "</text:p><text:p>", "\t": "<text:tab/>"}
    return marks.get(space, f'<text:s text:c="{len(space)}"/>')


def _add_cell_styles(document: OpenDocumentSpreadsheet) -> None:
    # Common styles: odfpy leaves automatic ones out when it finds no element that uses them.
    header = Style(name="header", family="table-cell")
    header.addElement(TextProperties(fontweight="bold"))
    header.addElement(TableCellProperties(borderbottom="0.5pt solid #000000"))
    document.styles.addElement(header)
    for name, places in [("whole", 0), *((f"amount{places}", places) for places in _PLACES)]:
        number = NumberStyle(name=f"number{places}")
        number.addElement(Number(decimalplaces=places, minintegerdigits=1, grouping=places > 0))
        document.styles.addElement(number)
        document.styles.addElement(Style(name=name, family="table-cell", datastylename=f"number{places}"))


def _frozen_header(sheet_name: str) -> Element:
    """Return the view settings that keep the first row in sight."""
    sheet = ConfigItemMapEntry(name=sheet_name)
    for name, kind, value in [
        ("VerticalSplitMode", "short", 2),  # frozen
        ("VerticalSplitPosition", "int", 1),
        ("ActiveSplitRange", "short", 2),
        ("PositionBottom", "int", 1),
    ]:
        sheet.addElement(ConfigItem(name=name, type=kind, text=str(value)))
    sheets = ConfigItemMapNamed(name="Tables")
    sheets.addElement(sheet)
    view = ConfigItemMapEntry()
    view.addElement(ConfigItem(name="ViewId", type="string", text="view1"))
    view.addElement(sheets)
    views = ConfigItemMapIndexed(name="Views")
    views.addElement(view)
    settings = ConfigItemSet(name="ooo:view-settings")
    settings.addElement(views)
    return settings
