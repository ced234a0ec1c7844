"""Tables as files: the one place that turns columns and rows into CSV, JSON, plain text or Markdown.

A table is made by the query function that also feeds the page, so that screen, export and API agree.
Amounts are ``Decimal`` beside a currency column, and are written with a point; days are ISO 8601.
Spreadsheets are written by ``costs.spreadsheets``, from the same table.
"""

import csv
import datetime as dt
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tabulate import tabulate

from costs.money import money_text

_BOM = "\ufeff"
# What makes a spreadsheet run a cell as a formula, the full-width forms included (OWASP, CSV injection).
_STARTS_FORMULA = re.compile(r"[=+\-@\t\r\n＝＋－＠]")
_PLAIN_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_ENDS_LINE = re.compile(r"[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]+")
# What steers a terminal or turns the direction of writing, and halves of characters, which no file can hold.
_STEERS = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
# Words that no Markdown reader takes for markup; an underscore is harmless only inside a word.
_NO_MARKUP = re.compile(
    r"(?!.*www\.)(?:[^\W_]|(?<=[^\W_])_(?=[^\W_])|(?<=\S) (?=\S)|[,.%/+-])*", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Table:
    """Column names, which are keys for machines and never translated, and one sequence of values per row.

    Values are text, ``Decimal``, whole numbers, dates, moments with a time zone, booleans or None (unknown).
    """

    columns: Sequence[str]
    rows: Iterable[Sequence[Any]]


class _Echo:
    """A file that hands each written line back, so that a long table streams."""

    def write(self, line: str) -> str:
        return line


def csv_lines(table: Table, *, french_excel: bool = False) -> Iterator[str]:
    """Write a table as CSV, line by line; ``french_excel`` puts semicolons and a byte order mark.

    A cell that a spreadsheet would run as a formula gets an apostrophe in front; numbers stay numbers.
    """
    written = csv_writer(french_excel=french_excel)
    yield (_BOM if french_excel else "") + written(table.columns)
    for row in table.rows:
        yield written(row)


def csv_writer(*, french_excel: bool = False) -> Callable[[Iterable[Any]], str]:
    """Return what writes the values of one row as a line of CSV, as ``csv_lines`` does."""
    writer = csv.writer(_Echo(), delimiter=";" if french_excel else ",")
    return lambda values: writer.writerow([_harmless(plain(value)) for value in values])


def json_rows(table: Table) -> list[dict[str, Any]]:
    """Return the rows as JSON objects: amounts and days as text, unknown values as null."""
    return [
        {column: _json_value(value) for column, value in zip(table.columns, row, strict=True)}
        for row in table.rows
    ]


def json_text(table: Table) -> str:
    """Write a table as a JSON list of objects."""
    return json.dumps(json_rows(table), ensure_ascii=False, indent=2)


def text_table(table: Table) -> str:
    """Write a table for people to read in a terminal or a mail, with the decimal points of a column aligned.

    Line breaks in a cell become spaces, and characters that would steer the terminal a replacement sign.
    """
    return _laid_out(table, "simple", one_line)


def markdown_text(table: Table) -> str:
    """Write a GitHub table; text that could be read as markup or as a link stands as code."""
    return _laid_out(table, "pipe", without_markup)


def is_number(value: Any) -> bool:
    """Tell whether a value is an amount or a whole number, which people add up and align to the right."""
    return isinstance(value, Decimal | int) and not isinstance(value, bool)


def plain(value: Any) -> str:
    """Write one value as text that a program reads back; refuse binary fractions, which amounts never are."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case Decimal():
            return money_text(value)
        case float():
            raise TypeError("an exported number is a Decimal or whole, never a float")
        case dt.datetime():
            return value.astimezone(dt.UTC).isoformat(timespec="seconds")
        case dt.date():
            return value.isoformat()
    return str(value)


def _json_value(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int) else plain(value)


def _harmless(cell: str) -> str:
    if _STARTS_FORMULA.match(cell) and not _PLAIN_NUMBER.fullmatch(cell):
        return f"'{cell}"
    return cell


def _laid_out(table: Table, style: str, written: Callable[[str], str]) -> str:
    rows: list[list[str]] = []
    numbers, texts = set(), set()  # the places of columns
    for row in table.rows:
        for place, (_column, value) in enumerate(zip(table.columns, row, strict=True)):
            if value is not None:
                (numbers if is_number(value) else texts).add(place)
        rows.append([written(plain(value)) if _is_text(value) else plain(value) for value in row])
    return tabulate(
        rows,
        headers=[written(str(column)) for column in table.columns],
        tablefmt=style,
        disable_numparse=True,  # an id such as 1e5 is text
        colalign=["decimal" if place in numbers - texts else "left" for place in range(len(table.columns))],
    )


def _is_text(value: Any) -> bool:
    return not (value is None or isinstance(value, Decimal | int | dt.date))


def one_line(text: str) -> str:
    """Return text in one line, without what would steer a terminal."""
    return _STEERS.sub("\ufffd", _ENDS_LINE.sub(" ", text))


def without_markup(text: str) -> str:
    """Return text in one line of Markdown: as code where it could be read as markup or as a link."""
    line = one_line(text)
    if not line.strip() or _NO_MARKUP.fullmatch(line):
        return line
    fence = "`" * (max(map(len, re.findall("`+", line)), default=0) + 1)
    # A reader takes one space off both ends of code, and gives an escaped bar back.
    inside = f" {line} " if line[0] in " `" or line[-1] in " `" else line
    return f"{fence}{inside}{fence}".replace("|", r"\|")
