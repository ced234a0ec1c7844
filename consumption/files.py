"""The history as a file, in every format: the figures of the page, all its groups and steps, and what lacks.

A table has rows of several kinds, told apart by the column ``row``: ``group`` (a group in a step), ``step``
(all groups in a step), ``total`` (the whole period), ``unpriced`` (a product without a price, in no cost),
and ``missing`` or ``provisional`` (a day that is not complete, and why). Days are UTC days, the first and the
last both included; amounts exclude tax. What is not known has no figure.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

import msgspec
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.errors import PortalError
from consumption.consumed import consumed_in
from consumption.coverage import Coverage
from consumption.documents import document_of
from consumption.groupnames import Names
from consumption.history import Group, History, Unpriced
from consumption.models import DayState, Ledger
from consumption.periods import Period
from consumption.reasons import reason_of
from costs import products
from costs.exports import Table
from costs.fileformats import FileFormat, table_formats
from costs.pricelist import PriceKey

MOST_ROWS = 200_000
"""More groups in more steps than this are in no file: no sheet is read that long, and the browser waits."""

_GROUPS_AT_ONCE = 10_000  # fewer than the parameters that a database takes in one query

COLUMNS = (
    "row",
    "group_by",
    "key",
    "name",
    "first_day",
    "last_day",
    "cost",
    "currency",
    "quantity",
    "unpriced_lines",
    "days",
    "days_with_figures",
    "state",
    "reason",
    "filters",
    "account_id",
    "region",
)
"""The columns of CSV and spreadsheets; both days are included. ``state`` is the worst of a day."""


class TooManyRows(PortalError):
    """The file would be longer than anybody reads it."""

    code = "TOO_MANY_ROWS"
    http_status = 422

    def __init__(self, rows: int) -> None:
        super().__init__()
        text = _(
            "This file would have %(rows)s rows; %(most)s are the most. Choose fewer days, longer steps, "
            "another grouping or a filter."
        )
        self.message = text % {"rows": rows, "most": MOST_ROWS}


def file_name(stem: str, ledgers: Iterable[Ledger], period: Period, file_format: FileFormat) -> str:
    """Return a name for a file, made of accounts, regions, and the days, both included."""
    ledgers = list(ledgers)
    accounts = sorted({ledger.account_id for ledger in ledgers})
    regions = sorted({ledger.region for ledger in ledgers})
    days = [period.first.isoformat(), period.last.isoformat()]
    return f"{slugify(' '.join([stem, *accounts, *regions, *days]))}.{file_format.ending}"


def _check_length(history: History) -> None:
    rows = len(history.groups) * len(history.steps)
    if rows > MOST_ROWS:
        raise TooManyRows(rows)


# --- The table


def table_of(history: History) -> Table:
    """Return the groups step by step, then the totals, then what has no price, then the days that lack.

    Raises ``TooManyRows`` for a table that would be too long.
    """
    _check_length(history)
    end = scope_of(history)
    return Table(COLUMNS, ([*row, *end] for row in _rows(history)))


def scope_of(history: History) -> list[str]:
    """Return what is the same in every row: the filters, accounts and regions that were asked for."""
    asked = [
        f"{name}={one}" for name, found in sorted(history.question.filters.items()) for one in sorted(found)
    ]
    linked = ["linked=1"] if history.question.with_linked else []
    accounts = sorted({ledger.account_id for ledger in history.ledgers})
    regions = sorted({ledger.region for ledger in history.ledgers})
    return ["; ".join([*asked, *linked]), "; ".join(accounts), "; ".join(regions)]


def _rows(history: History) -> Iterator[list[Any]]:
    currency, group_by = history.currency or None, str(history.question.group_by)
    known = [_known(step.coverage) for step in history.steps]
    unpriced, names = [0] * len(history.steps), Names(consumed_in(history), {})
    for group, costs, lines in _series(history):
        named = ["group", group_by, group.key, names.text(group_by, group.key)]
        for place, step in enumerate(history.steps):
            unpriced[place] += lines[place]
            cost = _figure(costs[place], lines[place])
            yield [*named, *_days(step.period), cost, currency, None, lines[place], *known[place]]
    for step, lines, facts in zip(history.steps, unpriced, known, strict=True):
        cost = _figure(step.cost, lines)
        yield ["step", *[None] * 3, *_days(step.period), cost, currency, None, lines, *facts]
    period, coverage = history.question.period, history.coverage
    cost = _figure(history.total if coverage.with_figures else None, sum(unpriced))
    yield ["total", *[None] * 3, *_days(period), cost, currency, None, sum(unpriced), *_known(coverage)]
    for one in history.unpriced:
        yield _unpriced(one, coverage)
    yield from _gaps(coverage)


def _series(history: History) -> Iterator[tuple[Group, list[Decimal | None], list[int]]]:
    """Yield each group with its costs, and its lines without a price, step by step; some groups at once."""
    for start in range(0, len(history.groups), _GROUPS_AT_ONCE):
        some = history.groups[start : start + _GROUPS_AT_ONCE]
        keys = [group.key for group in some]
        costs, unpriced = history.series(keys), history.unpriced_lines(keys)
        yield from ((group, costs[group.key], unpriced[group.key]) for group in some)


def _figure(cost: Decimal | None, unpriced_lines: int) -> Decimal | None:
    """Return what is known of a cost; None where nothing of it is, because none of its lines has a price."""
    return None if unpriced_lines and not cost else cost


def _days(period: Period) -> list[Any]:
    return [period.first, period.last]


def _known(coverage: Coverage) -> list[Any]:
    return [coverage.period.length, coverage.with_figures, str(coverage.state), None]


def _unpriced(one: Unpriced, coverage: Coverage) -> list[Any]:
    key = PriceKey(one.service, one.type, one.operation)
    named = ["unpriced", None, str(key), products.name(key), *_days(coverage.period)]
    return [*named, None, None, one.value, one.lines, *_known(coverage)]


def _gaps(coverage: Coverage) -> Iterator[list[Any]]:
    for day, known in coverage.gaps:
        kind = "provisional" if known.state == DayState.PROVISIONAL else "missing"
        said = [kind, None, None, reason_of(known), day, day, *[None] * 4]
        yield [*said, 1, int(known.has_figures), str(known.state), known.reason or None]


# --- The formats


def _json(history: History) -> bytes:
    _check_length(history)
    document = document_of(history) | {"coverage": history.coverage.counts}
    return msgspec.json.format(msgspec.json.encode(document), indent=2)


_TABLES = table_formats(table_of, title=gettext_lazy("Consumption"))

FORMATS = _TABLES | {"json": FileFormat("JSON", "application/json", "json", _json)}
"""Every format by the name that address and API use; ``write`` takes a history."""
