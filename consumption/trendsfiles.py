"""The trends as a file, in every format: the figures of the page, and what lacks.

A table has rows of several kinds, told apart by the column ``row``: ``step``, ``average`` (of the whole
steps), ``compound`` and ``slope`` (the growth per step), ``compared`` (the last whole step with an earlier
time, which ``key`` names), ``mover`` (a group whose cost changed most), ``unpriced`` (a product without a
price, in no figure), and ``missing`` or ``provisional`` (a day that is not complete, and why). Days are UTC
days, the first and the last both included; amounts exclude tax. What is not known has no figure.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec
from django.utils.translation import gettext_lazy

from consumption.consumed import consumed_in
from consumption.coverage import Coverage
from consumption.documents import gaps_of
from consumption.files import scope_of
from consumption.groupnames import Names
from consumption.models import DayState
from consumption.periods import Period
from consumption.reasons import reason_of
from consumption.trends import Trends
from consumption.trendsdocuments import document_of
from consumption.trendsmovers import Mover
from costs import products
from costs.exports import Table
from costs.fileformats import FileFormat, table_formats
from costs.money import trimmed
from costs.pricelist import PriceKey

COLUMNS = (
    "row",
    "key",
    "name",
    "first_day",
    "last_day",
    "cost",
    "average_day",
    "moving_average",
    "cost_before",
    "change_per_day",
    "growth_percent",
    "currency",
    "unpriced_lines",
    "days",
    "days_with_figures",
    "state",
    "reason",
    "granularity",
    "group_by",
    "filters",
    "account_id",
    "region",
)
"""The columns of CSV and spreadsheets; both days are included. ``state`` is the worst of a day."""


def table_of(trends: Trends) -> Table:
    """Return the steps, the figures of them all, the comparisons, the movers, and what lacks."""
    question = trends.history.question
    end = [str(trends.granularity), str(question.group_by), *scope_of(trends.history)]
    width = len(COLUMNS) - len(end)
    return Table(COLUMNS, ([*row, *[None] * (width - len(row)), *end] for row in _rows(trends)))


def _rows(trends: Trends) -> Iterator[list[Any]]:
    yield from _steps(trends)
    yield from _figures(trends)
    yield from _compared(trends)
    if trends.movers:
        yield from (_mover(trends, one) for one in (*trends.movers.up, *trends.movers.down))
    for one in trends.history.unpriced:
        key = PriceKey(one.service, one.type, one.operation)
        named = ["unpriced", str(key), products.name(key), *_days(trends.history.question.period)]
        yield [*named, *[None] * 7, one.lines]
    yield from _gaps(trends.history.coverage)


def _days(period: Period) -> list[Any]:
    return [period.first, period.last]


def _number(value: Decimal | None) -> Decimal | None:
    return None if value is None else trimmed(value)


def _steps(trends: Trends) -> Iterator[list[Any]]:
    currency = trends.history.currency or None
    for point in trends.points:
        coverage = point.step.coverage
        yield [
            "step",
            None,
            None,
            *_days(point.period),
            point.cost,
            _number(point.average_day),
            _number(point.moving_average),
            None,
            None,
            _number(point.change.percent),
            currency,
            point.unpriced,
            point.period.length,
            coverage.with_figures,
            str(coverage.state),
            "CUT_OFF" if point.is_cut else None,
        ]


def _figures(trends: Trends) -> Iterator[list[Any]]:
    currency = trends.history.currency or None
    if trends.whole:
        days = [trends.whole[0].period.first, trends.whole[-1].period.last]
        yield ["average", None, None, *days, _number(trends.average), *[None] * 5, currency]
    if trends.compound:
        days = [trends.compound.first.first, trends.compound.last.last]
        yield ["compound", None, None, *days, *[None] * 5, _number(trends.compound.percent)]
    if trends.slope:
        days = [trends.whole[0].period.first, trends.whole[-1].period.last]
        change = [_number(trends.slope.per_day), _number(trends.slope.percent)]
        yield ["slope", None, None, *days, *[None] * 4, *change, currency]


def _compared(trends: Trends) -> Iterator[list[Any]]:
    for one in trends.earlier:
        known = [_number(one.cost), _number(one.average_day), None, None]
        change = [_number(one.per_day), _number(one.change.percent), one.currency or None]
        days = [None, one.period.length, one.whole_days]
        yield ["compared", one.kind, None, *_days(one.period), *known, *change, *days]


def _mover(trends: Trends, one: Mover) -> list[Any]:
    names, group_by = Names(consumed_in(trends.history), {}), trends.history.question.group_by
    cost = [one.after, None, None, one.before]
    change = [_number(one.per_day), _number(one.percent.percent), trends.history.currency]
    named = ["mover", one.key, names.text(group_by, one.key), *_days(trends.movers.period)]
    return [*named, *cost, *change]


def _gaps(coverage: Coverage) -> Iterator[list[Any]]:
    for day, known in coverage.gaps:
        kind = "provisional" if known.state == DayState.PROVISIONAL else "missing"
        named = [kind, None, reason_of(known), day, day, *[None] * 8]
        yield [*named, 1, int(known.has_figures), str(known.state), known.reason or None]


# --- The formats


def _json(trends: Trends) -> bytes:
    coverage = trends.history.coverage
    document = document_of(trends) | {"coverage": coverage.counts, "partial": gaps_of(coverage)}
    return msgspec.json.format(msgspec.json.encode(document), indent=2)


FORMATS = table_formats(table_of, title=gettext_lazy("Trends")) | {
    "json": FileFormat("JSON", "application/json", "json", _json)
}
"""Every format by the name that the address uses; ``write`` takes trends."""
