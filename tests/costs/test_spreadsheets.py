import csv
import datetime as dt
import io
import re
import zipfile
from decimal import Decimal
from xml.etree import ElementTree

import pytest
from django.utils.translation import gettext_lazy
from hypothesis import given, settings
from hypothesis import strategies as st

from costs import spreadsheets
from costs.exports import Table, csv_lines
from costs.spreadsheets import TEXT_LIMIT, TooManyRows, ods_bytes, xlsx_bytes

FORMATS = [xlsx_bytes, ods_bytes]
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
ODF = "{urn:oasis:names:tc:opendocument:xmlns:%s:1.0}"
OFFICE, TABLE, TEXT, STYLE, CONFIG = (ODF % name for name in ("office", "table", "text", "style", "config"))


def part(file, name):
    with zipfile.ZipFile(io.BytesIO(file)) as archive:
        assert archive.testzip() is None
        return ElementTree.fromstring(archive.read(name))


def unescaped(text):
    """Read Excel's own way to write control characters and underscores."""
    return re.sub("_x([0-9A-Fa-f]{4})_", lambda match: chr(int(match[1], 16)), text)


def xlsx_rows(file):
    """Read a workbook back as rows of (kind, text)."""
    rows = []
    for row in part(file, "xl/worksheets/sheet1.xml").iter(f"{MAIN}row"):
        cells = {}
        for cell in row:
            column = re.match("[A-Z]+", cell.get("r"))[0]
            assert cell.find(f"{MAIN}f") is None
            if cell.get("t") == "inlineStr":
                cells[column] = ("text", unescaped("".join(cell.itertext())))
            elif cell.find(f"{MAIN}v") is not None:
                cells[column] = ("number", cell.find(f"{MAIN}v").text)
        rows.append([cells.get(chr(ord("A") + place), ("empty", "")) for place in range(26)])
    return rows


def paragraph(node):
    text = node.text or ""
    for child in node:
        text += {f"{TEXT}s": " " * int(child.get(f"{TEXT}c", 1)), f"{TEXT}tab": "\t"}[child.tag]
        text += child.tail or ""
    return text


def ods_rows(file):
    """Read an OpenDocument spreadsheet back as rows of (kind, text)."""
    rows = []
    for row in part(file, "content.xml").iter(f"{TABLE}table-row"):
        cells = []
        for cell in row:
            assert cell.get(f"{TABLE}formula") is None
            kind = cell.get(f"{OFFICE}value-type")
            text = "\n".join(paragraph(node) for node in cell)
            if kind == "float":
                assert cell.get(f"{OFFICE}value") == text
            cells.append(({"float": "number", "string": "text", None: "empty"}[kind], text))
        rows.append([*cells, *[("empty", "")] * (26 - len(cells))])
    return rows


def rows_of(write, table, title="Costs"):
    file = write(table, title=title)
    read = {xlsx_bytes: xlsx_rows, ods_bytes: ods_rows}[write]
    return [row[: len(table.columns)] for row in read(file)]


def cell_of(write, value):
    return rows_of(write, Table(["c"], [[value]]))[1][0]


both = pytest.mark.parametrize("write", FORMATS)


@both
@pytest.mark.parametrize(
    ("amount", "written"),
    [
        ("0.0142465753", "0.0142465753"),
        ("1234567.8901234567", "1234567.8901234567"),
        ("51350.0000000000", "51350"),
        ("1E+3", "1000"),
        ("1E-10", "0.0000000001"),
        ("-12.5", "-12.5"),
        ("0.00000000005", "0.0000000001"),
        ("-0.00", "0"),
    ],
)
def test_an_amount_is_a_number_with_every_digit(write, amount, written):
    assert cell_of(write, Decimal(amount)) == ("number", written)


@both
def test_a_whole_number_is_a_number_with_every_digit(write):
    assert cell_of(write, 12345678901234567) == ("number", "12345678901234567")
    assert cell_of(write, 0) == ("number", "0")


@both
@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "{=1+1}",
        "+1",
        "-1",
        "@SUM(A1)",
        "＝1",
        '=HYPERLINK("http://x")',
        "https://x.example",
        "mailto:a@x.example",
        "internal:Sheet1!A1",
        "1e5",
        "007",
        "12",
        "nan",
        "true",
    ],
)
def test_a_spreadsheet_never_runs_a_tag_as_a_formula_a_link_or_a_number(write, text):
    assert cell_of(write, text) == ("text", text)


@both
@pytest.mark.parametrize(
    "text",
    [
        "<r></r>",
        "<r><t>mine</t></r>",
        "<r></is></c><c r='A9'><f>1+1</f></c></r>",
        "</text:p><text:a>x</text:a>",
        "]]>&amp;<!--",
        "_x0041_",
        "\"'",
        " two  spaces ",
        "   ",
        "tab\there",
        "line\nline\n\n last",
        "\n",
        "Réseau 日本 🚀",
    ],
)
def test_text_comes_back_as_it_was(write, text):
    assert cell_of(write, text) == ("text", text)


@both
@given(
    text=st.text(
        st.characters(exclude_characters="\r\ufffe\uffff", exclude_categories=["Cc", "Cs"]), min_size=1
    )
)
@settings(max_examples=60, deadline=None)
def test_any_printable_text_comes_back_as_it_was(write, text):
    assert cell_of(write, text) == ("text", text)


@both
def test_characters_that_no_xml_can_hold_are_replaced(write):
    assert cell_of(write, "a\x00b\x1bc\x0bd\ud800e\uffff\ufffe") == ("text", "a�b�c�d�e��")
    assert cell_of(write, "a\r\nb\rc") == ("text", "a\nb\nc")


@both
def test_text_too_long_for_a_cell_is_cut_with_an_ellipsis(write):
    assert cell_of(write, "é" * TEXT_LIMIT) == ("text", "é" * TEXT_LIMIT)
    assert cell_of(write, "é" * (TEXT_LIMIT + 1)) == ("text", "é" * (TEXT_LIMIT - 1) + "…")
    assert cell_of(write, "🚀" * TEXT_LIMIT) == ("text", "🚀" * (TEXT_LIMIT // 2) + "…")


@both
def test_days_moments_and_booleans_are_text_as_in_the_csv(write):
    moment = dt.datetime(2026, 7, 1, 1, 30, tzinfo=dt.timezone(dt.timedelta(hours=2)))
    values = [dt.date(2026, 7, 1), moment, True, False, gettext_lazy("price")]
    rows = rows_of(write, Table("abcde", [values]))
    texts = ["2026-07-01", "2026-06-30T23:30:00+00:00", "true", "false", "price"]
    assert rows[1] == [("text", text) for text in texts]


@both
def test_an_unknown_amount_is_an_empty_cell_and_not_a_zero(write):
    rows = rows_of(write, Table(["a", "b", "c"], [[None, Decimal(0), ""], [Decimal(1), None, "x"]]))
    assert rows[1:] == [
        [("empty", ""), ("number", "0"), ("empty", "")],
        [("number", "1"), ("empty", ""), ("text", "x")],
    ]


@both
def test_a_binary_fraction_is_refused(write):
    with pytest.raises(TypeError):
        write(Table(["price"], [[0.1]]), title="Costs")


@both
def test_a_row_of_the_wrong_length_is_an_error_and_not_a_shifted_column(write):
    with pytest.raises(ValueError, match="zip"):
        write(Table(["a", "b"], [["only one"]]), title="Costs")


@both
def test_a_table_longer_than_a_sheet_is_refused(write, monkeypatch):
    monkeypatch.setattr(spreadsheets, "ROW_LIMIT", 4)
    assert len(rows_of(write, Table(["n"], [[1], [2], [3]]))) == 4
    with pytest.raises(TooManyRows, match="at most 4 rows"):
        write(Table(["n"], [[1], [2], [3], [4]]), title="Costs")


@both
def test_a_table_without_rows_is_its_header(write):
    assert rows_of(write, Table(["name", "price"], [])) == [[("text", "name"), ("text", "price")]]


def test_csv_xlsx_and_ods_hold_the_same_cells():
    table = Table(
        ["name", "count", "price", "day", "known", "none"],
        [
            ["vm é", 3, Decimal("0.0142465753"), dt.date(2026, 7, 1), True, None],
            ["total", None, Decimal("1234567.8901234567"), None, False, None],
            ["", -3, Decimal("-1E+2"), None, None, None],
        ],
    )
    as_csv = list(csv.reader(csv_lines(table)))
    as_xlsx, as_ods = (rows_of(write, table) for write in FORMATS)
    assert as_xlsx == as_ods
    assert [[text for _kind, text in row] for row in as_ods] == as_csv


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Costs", "Costs"),
        ("Costs [eu-west-2]: 07/2026?", "Costs eu-west-2 07 2026"),
        ("it's 'quoted'", "it's 'quoted"),
        ("'", "Sheet1"),
        ("", "Sheet1"),
        ("History", "History_"),
        ("a\x00\nb", "a b"),
        ("x" * 40, "x" * 31),
        ("x" * 30 + "🚀", "x" * 30),
        ('<&>"', '<&>"'),
    ],
)
def test_any_title_becomes_a_name_that_a_sheet_may_have(title, name):
    table = Table(["a"], [["b"]])
    book = part(xlsx_bytes(table, title=title), "xl/workbook.xml")
    assert book.find(f"{MAIN}sheets/{MAIN}sheet").get("name") == name
    content = part(ods_bytes(table, title=title), "content.xml")
    assert content.find(f".//{TABLE}table").get(f"{TABLE}name") == name


def test_the_header_of_a_workbook_is_bold_frozen_and_filters():
    file = xlsx_bytes(Table(["name", "price"], [["a", Decimal("0.0142")]]), title="Costs")
    sheet = part(file, "xl/worksheets/sheet1.xml")
    pane = sheet.find(f".//{MAIN}pane")
    assert (pane.get("ySplit"), pane.get("state")) == ("1", "frozen")
    assert sheet.find(f"{MAIN}autoFilter").get("ref") == "A1:B2"
    styles = part(file, "xl/styles.xml")
    format_of = {cell.get("r"): int(cell.get("s", 0)) for cell in sheet.iter(f"{MAIN}c")}
    formats = styles.find(f"{MAIN}cellXfs")
    font = styles.find(f"{MAIN}fonts")[int(formats[format_of["A1"]].get("fontId"))]
    assert font.find(f"{MAIN}b") is not None
    codes = {entry.get("numFmtId"): entry.get("formatCode") for entry in styles.iter(f"{MAIN}numFmt")}
    assert codes[formats[format_of["B2"]].get("numFmtId")] == "#,##0.0000"


def test_the_header_of_an_opendocument_spreadsheet_is_bold_frozen_and_filters():
    file = ods_bytes(Table(["name", "price"], [["a", Decimal("0.0142")]]), title="It's")
    content = part(file, "content.xml")
    header, row = content.iter(f"{TABLE}table-row")
    assert [cell.get(f"{TABLE}style-name") for cell in header] == ["header", "header"]
    assert row[1].get(f"{TABLE}style-name") == "amount4"
    styles = {style.get(f"{STYLE}name"): style for style in part(file, "styles.xml").iter(f"{STYLE}style")}
    assert "bold" in styles["header"].find(f"{STYLE}text-properties").attrib.values()
    assert styles["amount4"].get(f"{STYLE}data-style-name") == "number4"
    filtered = content.find(f".//{TABLE}database-range")
    assert filtered.get(f"{TABLE}target-range-address") == "'It''s'.A1:'It''s'.B2"
    columns = [column.get(f"{TABLE}style-name") for column in content.iter(f"{TABLE}table-column")]
    automatic = {style.get(f"{STYLE}name") for style in content.iter(f"{STYLE}style")}
    assert set(columns) <= automatic
    items = part(file, "settings.xml").iter(f"{CONFIG}config-item")
    assert ("VerticalSplitPosition", "1") in [(item.get(f"{CONFIG}name"), item.text) for item in items]


def test_an_opendocument_file_says_first_what_it_is():
    with zipfile.ZipFile(io.BytesIO(ods_bytes(Table(["a"], []), title="Costs"))) as archive:
        first = archive.infolist()[0]
        assert (first.filename, first.compress_type) == ("mimetype", zipfile.ZIP_STORED)
        assert archive.read(first) == b"application/vnd.oasis.opendocument.spreadsheet"
