import datetime as dt
import json
import re
from decimal import Decimal

import pytest
from django.utils.translation import gettext_lazy
from hypothesis import given
from hypothesis import strategies as st

from costs.exports import Table, csv_lines, json_rows, json_text, markdown_text, text_table


def csv_of(*cells, **options):
    columns = [f"c{place}" for place in range(len(cells))]
    return list(csv_lines(Table(columns, [cells]), **options))[1]


@pytest.mark.parametrize(
    "cell",
    [
        "=1+1",
        "+1+1",
        "-1+1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "=HYPERLINK(1)",
        "-",
        "＝1",
        "-1 000",
        "--1",
    ],
)
def test_a_cell_that_a_spreadsheet_would_run_is_made_harmless(cell):
    assert csv_of(cell).strip('"').startswith("'")


@pytest.mark.parametrize("cell", ["-12", "-12.5", "-0.0000000001"])
def test_a_negative_number_stays_a_number(cell):
    assert csv_of(cell) == f"{cell}\r\n"
    assert csv_of(Decimal(cell)) == f"{cell}\r\n"


def test_the_formula_test_is_not_fooled_by_quoting_and_separators():
    assert csv_of('a;b,"c"', "=1;2", french_excel=True) == '"a;b,""c""";"\'=1;2"\r\n'


def test_amounts_are_exact_and_never_in_powers_of_ten():
    assert csv_of(Decimal("1E+3"), Decimal("1E-10"), Decimal("51350.0000000000")) == (
        "1000,0.0000000001,51350\r\n"
    )


def test_an_amount_that_is_a_binary_fraction_is_refused():
    with pytest.raises(TypeError):
        csv_of(0.1)


def test_days_and_moments_are_iso_and_utc():
    paris = dt.timezone(dt.timedelta(hours=2))
    moment = dt.datetime(2026, 7, 1, 1, 30, tzinfo=paris)
    assert csv_of(moment, dt.date(2026, 7, 1)) == "2026-06-30T23:30:00+00:00,2026-07-01\r\n"


def test_unknown_is_an_empty_cell_and_a_null():
    table = Table(["price", "free"], [[None, False]])
    assert list(csv_lines(table)) == ["price,free\r\n", ",false\r\n"]
    assert json_rows(table) == [{"price": None, "free": False}]


def test_the_french_excel_option_changes_separator_and_marks_the_encoding():
    lines = list(csv_lines(Table(["name", "price"], [["Réseau", Decimal("0.043")]]), french_excel=True))
    assert lines == ["\ufeffname;price\r\n", "Réseau;0.043\r\n"]


def test_translated_text_is_written_in_the_language_of_the_reader():
    assert csv_of(gettext_lazy("price")) == "price\r\n"


def test_json_keeps_amounts_exact_as_text():
    table = Table(["price", "count"], [[Decimal("0.10"), 3]])
    assert json.loads(json_text(table)) == [{"price": "0.1", "count": 3}]


def test_a_row_of_the_wrong_length_is_an_error_and_not_a_shifted_column():
    with pytest.raises(ValueError, match="zip"):
        json_rows(Table(["a", "b"], [["only one"]]))


def test_a_long_table_is_written_as_it_is_read():
    endless = ([str(number)] for number in iter(int, 1))
    lines = csv_lines(Table(["n"], endless))
    assert [next(lines), next(lines)] == ["n\r\n", "0\r\n"]


def test_a_text_table_aligns_amounts_at_their_points_and_keeps_every_digit():
    table = Table(
        ["id", "price"],
        [["a", Decimal("1234567.8901234567")], ["b", Decimal("0.0142465753")], ["c", None], ["d", 12]],
    )
    assert [line.rstrip() for line in text_table(table).splitlines()] == [
        "id                 price",
        "----  ------------------",
        "a     1234567.8901234567",
        "b           0.0142465753",
        "c",
        "d          12",
    ]


@pytest.mark.parametrize("identifier", ["1e5", "007", "1_000", "0x10", "inf", "NaN", "-0", "1.10"])
def test_an_id_that_looks_like_a_number_stays_as_it_is(identifier):
    table = Table(["id", "name"], [[identifier, "x"], ["1.5", "y"]])
    assert text_table(table).splitlines()[2].split() == [identifier, "x"]
    assert markdown_text(table).splitlines()[2].split("|")[1].strip() in (identifier, f"`{identifier}`")


@pytest.mark.parametrize(
    "cell", ["a\nb", "a\r\nb", "a\u2028b", "\x1b[31mred\x1b[0m", "\x9b1m", "\u202eabc", "\x01"]
)
def test_a_cell_cannot_break_a_text_table_or_steer_the_terminal(cell):
    lines = text_table(Table(["name", "n"], [[cell, 1], ["next", 2]])).splitlines()
    assert len(lines) == 4
    assert all(line.isprintable() for line in lines)


def test_a_table_without_rows_is_its_header():
    table = Table(["name", "price"], [])
    assert text_table(table).split() == ["name", "price", "------", "-------"]
    assert len(markdown_text(table).splitlines()) == 2


@pytest.mark.parametrize("write", [text_table, markdown_text])
def test_a_binary_fraction_is_refused_for_readers_too(write):
    with pytest.raises(TypeError):
        write(Table(["price"], [[0.1]]))


@pytest.mark.parametrize("write", [text_table, markdown_text])
def test_a_row_of_the_wrong_length_is_an_error_for_readers_too(write):
    with pytest.raises(ValueError, match="zip"):
        write(Table(["a", "b"], [["only one"]]))


def markdown_cell(cell):
    header, _line, *rows = markdown_text(Table(["first", "last_column"], [[cell, "end"]])).splitlines()
    assert header.split() == ["|", "first", "|", "last_column", "|"]
    assert len(rows) == 1
    first, end = re.split(r"(?<!\\)\|", rows[0])[1:-1]
    assert end.strip() == "end"
    return first.strip()


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("tinav6.c4r8p2", "tinav6.c4r8p2"),
        ("resource_type", "resource_type"),
        ("Réseau privé, 10 %", "Réseau privé, 10 %"),
        ("a|b", r"`a\|b`"),
        ("a\\|b", r"`a\\|b`"),
        ("|", r"`\|`"),
        ("a\nb|", r"`a b\|`"),
        ("<img src=x>", "`<img src=x>`"),
        ("&lt;", "`&lt;`"),
        ("[a](https://b.example)", "`[a](https://b.example)`"),
        ("https://b.example", "`https://b.example`"),
        ("WWW.b.example", "`WWW.b.example`"),
        ("mail@b.example", "`mail@b.example`"),
        ("__init__", "`__init__`"),
        ("**bold**", "`**bold**`"),
        ("`code`", "`` `code` ``"),
        ("a``b`c", "```a``b`c```"),
        (" spaces ", "`  spaces  `"),
        ("\\", "`\\`"),
        ("", ""),
        ("  ", ""),
        (None, ""),
        (True, "true"),
        (Decimal("1E-10"), "0.0000000001"),
        (dt.datetime(2026, 7, 1, tzinfo=dt.UTC), "2026-07-01T00:00:00+00:00"),
    ],
)
def test_a_cell_of_a_markdown_table_is_never_markup_or_a_link(cell, written):
    assert markdown_cell(cell) == written


@given(st.text())
def test_no_text_breaks_a_markdown_table(cell):
    markdown_cell(cell)


def test_amounts_of_a_markdown_table_stand_at_the_right():
    table = Table(["name", "price"], [["a", Decimal("0.5")], ["b", None]])
    assert re.fullmatch(r"\|:-+\|-+:\|", markdown_text(table).splitlines()[1])
