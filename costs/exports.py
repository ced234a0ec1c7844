"""Tables as files: the one place that turns columns and rows into CSV or JSON.

A table is made by the query function that also feeds the page, so that screen, export and API agree.
Amounts are ``Decimal`` beside a currency column, and are written with a point; days are ISO 8601.
"""

import csv
import datetime as dt
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from costs.money import trimmed

_BOM = "\ufeff"
# What makes a spreadsheet run a cell as a formula, the full-width forms included (OWASP, CSV injection).
_STARTS_FORMULA = re.compile(r"[=+\-@\t\r\n＝＋－＠]")
_PLAIN_NUMBER = re.compile(r"-?\d+(\.\d+)?")


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
    writer = csv.writer(_Echo(), delimiter=";" if french_excel else ",")
    yield (_BOM if french_excel else "") + writer.writerow(table.columns)
    for row in table.rows:
        yield writer.writerow([_harmless(_plain(value)) for value in row])


def json_rows(table: Table) -> list[dict[str, Any]]:
    """Return the rows as JSON objects: amounts and days as text, unknown values as null."""
    return [
        {column: _json_value(value) for column, value in zip(table.columns, row, strict=True)}
        for row in table.rows
    ]


def json_text(table: Table) -> str:
    """Write a table as a JSON list of objects."""
    return json.dumps(json_rows(table), ensure_ascii=False, indent=2)


def _plain(value: Any) -> str:
    """Write one value as text that a program reads back; refuse binary fractions, which amounts never are."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case Decimal():
            return f"{trimmed(value):f}"
        case float():
            raise TypeError("an exported number is a Decimal or whole, never a float")
        case dt.datetime():
            return value.astimezone(dt.UTC).isoformat(timespec="seconds")
        case dt.date():
            return value.isoformat()
    return str(value)


def _json_value(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int) else _plain(value)


def _harmless(cell: str) -> str:
    if _STARTS_FORMULA.match(cell) and not _PLAIN_NUMBER.fullmatch(cell):
        return f"'{cell}"
    return cell
