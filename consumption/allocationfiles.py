"""The allocation as a file, in every format: the chargeback report, and what it rests on.

``by`` says what the values are of: tags, or cost centres, of which ``key`` is ``cost_centre``.
A table has rows of several kinds, told apart by the column ``row``: ``group`` (what belongs to the same
values), ``shared`` (a meter of which all is shared), ``total`` (the whole period), ``untagged_resource`` (one
that lacks a key on some days, and what it cost then: a part of the groups), by cost centre also ``resource``
(what one cost in that centre: a part of it), ``unpriced`` (a product without a price, in no cost), and
``missing`` or ``provisional`` (a day that is not complete, and why). The ``total`` of groups and shared
meters comes to that of the whole, to the last decimal: a shared meter has none where the groups hold its
part. ``carried`` tells a value that is empty from none. Days are UTC days, the first and the last both
included; amounts exclude tax. What is not known has no figure.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec
from django.utils.translation import gettext_lazy

from consumption.allocation import AllocatedGroup, Lacking, Shared, is_owned
from consumption.allocationasking import Answer
from consumption.allocationcharts import is_spread
from consumption.allocationdocuments import document_of
from consumption.allocationforms import AllocatedBy
from consumption.allocationparts import Part
from consumption.allocationrows import ordered, share_of
from consumption.coverage import Coverage
from consumption.documents import gaps_of
from consumption.files import scope_of
from consumption.history import Dimension
from consumption.models import DayState
from consumption.reasons import reason_of
from consumption.wholenumbers import amount_of
from costs import products
from costs.exports import Table
from costs.fileformats import FileFormat, table_formats
from costs.money import trimmed
from costs.pricelist import PriceKey

COLUMNS = (
    "row",
    "key",
    "value",
    "carried",
    "second_key",
    "second_value",
    "second_carried",
    "code",
    "name",
    "first_day",
    "last_day",
    "cost",
    "shared_cost",
    "total",
    "share_percent",
    "currency",
    "resources",
    "unpriced_lines",
    "days",
    "days_with_figures",
    "state",
    "reason",
    "by",
    "sharing",
    "shared_services",
    "filters",
    "account_id",
    "region",
)
"""The columns of CSV and spreadsheets; both days are included. ``code`` is the cloud's name of what the row
is about, ``state`` is the worst of a day."""


def table_of(answer: Answer) -> Table:
    """Return the groups, the shared costs, the total, the resources to tag, and what lacks."""
    found = answer.allocation
    filters, accounts, regions = scope_of(found.history)
    by = AllocatedBy.CENTRE if found.by_centre else AllocatedBy.TAG
    asked = [str(by), found.sharing, "; ".join(answer.shared_services), filters]
    width = len(COLUMNS) - len(asked) - 2

    def row(cells: list[Any], account: str = accounts, region: str = regions) -> list[Any]:
        return [*cells, *[None] * (width - len(cells)), *asked, account, region]

    def rows() -> Iterator[list[Any]]:
        yield from map(row, _rows(answer))
        for part in _owned(answer):
            account, region, _resource = part.place
            yield row(_resource_of(answer, part), account, region)
        for one in found.lacking:
            yield row(_lacking(answer, one), one.account_id, one.region)
        yield from map(row, _without_figures(answer))

    return Table(COLUMNS, rows())


def _rows(answer: Answer) -> Iterator[list[Any]]:
    for group in ordered(answer.allocation.groups):
        yield _group(answer, group)
    for one in answer.allocation.shared:
        yield _shared(answer, one)
    yield _total(answer)


def _figure(amount: Decimal, unpriced: int) -> Decimal | None:
    """Return what is known of an amount; None where nothing of it is, because no line has a price."""
    return None if unpriced and not amount else amount


def _share(answer: Answer, amount: Decimal) -> Decimal | None:
    share = share_of(answer.allocation, amount)
    return None if share is None else trimmed(share)


def _days(answer: Answer) -> list[Any]:
    period = answer.allocation.history.question.period
    return [period.first, period.last]


def _known(coverage: Coverage) -> list[Any]:
    return [coverage.period.length, coverage.with_figures, str(coverage.state), None]


def _keys(answer: Answer, group: AllocatedGroup | None = None) -> list[Any]:
    """Return key, value and whether it is carried, twice."""
    found: list[Any] = []
    for place in range(2):
        key = answer.allocation.keys[place] if place < len(answer.allocation.keys) else None
        if key is None or group is None:
            found += [key, None, None]
        else:
            found += [key, group.values[place], group.values[place] is not None]
    return found


def _group(answer: Answer, group: AllocatedGroup) -> list[Any]:
    found = answer.allocation
    return [
        "group",
        *_keys(answer, group),
        *[None] * 2,
        *_days(answer),
        _figure(group.cost, group.unpriced),
        group.shared,
        _figure(group.total, group.unpriced),
        _share(answer, group.total),
        found.history.currency or None,
        group.resources,
        group.unpriced,
        *_known(found.history.coverage),
    ]


def _shared(answer: Answer, one: Shared) -> list[Any]:
    found, key = answer.allocation, answer.meters[one.meter].key
    cost = _figure(one.cost, one.unpriced)
    return [
        "shared",
        *_keys(answer),
        str(key),
        products.name(key),
        *_days(answer),
        cost,
        None,
        None if is_spread(found) else cost,
        _share(answer, one.cost),
        found.history.currency or None,
        None,
        one.unpriced,
        *_known(found.history.coverage),
    ]


def _total(answer: Answer) -> list[Any]:
    found = answer.allocation
    coverage = found.history.coverage
    unpriced = sum(one.unpriced for one in (*found.groups, *found.shared))
    total = _figure(found.total, unpriced) if coverage.with_figures else None
    named = ["total", *_keys(answer), None, None, *_days(answer)]
    share = Decimal(100) if found.total else None
    amounts = [total, None, total, share, found.history.currency or None]
    return [*named, *amounts, None, unpriced, *_known(coverage)]


def _owned(answer: Answer) -> list[Part]:
    """Return the parts of the cost centres, centre by centre as the groups are, dearest first."""
    places = {group.values: place for place, group in enumerate(ordered(answer.allocation.groups))}
    parts = [part for part in answer.allocation.parts if is_owned(part.values)]
    return sorted(parts, key=lambda part: (places[part.values], -part.cost, part.place))


def _resource_of(answer: Answer, part: Part) -> list[Any]:
    found, resource_id = answer.allocation, part.place[2]
    cost = amount_of(part.cost)
    head = ["resource", *found.keys, *part.values, True, *[None] * 3]
    named = [resource_id, answer.names.text(Dimension.RESOURCE, resource_id), *_days(answer)]
    figures = [_figure(cost, part.unpriced), None, None, _share(answer, cost), found.history.currency or None]
    return [*head, *named, *figures, None, part.unpriced]


def _lacking(answer: Answer, one: Lacking) -> list[Any]:
    named = [one.resource_id, answer.names.text(Dimension.RESOURCE, one.resource_id)]
    cost = [_figure(one.cost, one.unpriced), None, None, _share(answer, one.cost)]
    head = ["untagged_resource", *_keys(answer), *named, *_days(answer)]
    return [*head, *cost, answer.allocation.history.currency or None, None, one.unpriced]


def _without_figures(answer: Answer) -> Iterator[list[Any]]:
    history = answer.allocation.history
    for one in history.unpriced:
        key = PriceKey(one.service, one.type, one.operation)
        named = ["unpriced", *[None] * 6, str(key), products.name(key), *_days(answer)]
        yield [*named, *[None] * 6, one.lines]
    for day, known in history.coverage.gaps:
        kind = "provisional" if known.state == DayState.PROVISIONAL else "missing"
        named = [kind, *[None] * 7, reason_of(known), day, day]
        yield [*named, *[None] * 7, 1, int(known.has_figures), str(known.state), known.reason or None]


# --- The formats


def _json(answer: Answer) -> bytes:
    coverage = answer.allocation.history.coverage
    document = document_of(answer) | {"coverage": coverage.counts, "partial": gaps_of(coverage)}
    return msgspec.json.format(msgspec.json.encode(document), indent=2)


FORMATS = table_formats(table_of, title=gettext_lazy("Allocation")) | {
    "json": FileFormat("JSON", "application/json", "json", _json)
}
"""Every format by the name that the address uses; ``write`` takes an answer."""
