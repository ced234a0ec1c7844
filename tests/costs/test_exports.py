import datetime as dt
import json
from decimal import Decimal

import pytest
from django.utils.translation import gettext_lazy

from costs.exports import Table, csv_lines, json_rows, json_text


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
