"""The current cost as plain documents: what the JSON API answers, and the rows of every table."""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from functools import cache
from typing import Any

import msgspec
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from costs.amounts import Amount
from costs.currentcost import CurrentCost, tag_texts
from costs.explanation import assumptions_of, explained, missing_name, reason
from costs.exports import Table, one_line
from costs.inventory import RESOURCE_TYPE_OF, Missing
from costs.lines import Cost, Line
from costs.money import money_text
from costs.partschema import part_document
from costs.unlisted import Consumed, Unlisted

_FIGURES = (
    "price_per_hour",
    "price_per_month",
    "price_per_year",
    "priced",
    "explanation",
    "currency",
    "currency_assumed",
    "account_id",
    "region",
    "read_at",
)

COLUMNS = (
    "row",
    "resource_type",
    "resource_id",
    "name",
    "subregion",
    "state",
    "specification",
    "tags",
    *_FIGURES,
)
"""The columns of the resources in CSV and spreadsheets; ``row`` is resource, total, missing or unlisted.

What is unlisted was consumed on the last known day, no call lists it, and the total does not hold it.
"""

TYPE_COLUMNS = (
    "row",
    "resource_type",
    "count",
    *_FIGURES,
)
"""The columns of the totals of each kind of resource; ``row`` is type, total or missing."""


def document_of(cost: CurrentCost, lines: Iterable[Line] | None = None) -> dict[str, Any]:
    """Return the current cost as the JSON API gives it; money is text.

    ``lines`` are the resources to show of it (default: all); the totals are of all in any case.
    """
    snapshot = cost.snapshot
    priced = cache(lambda place: _priced(snapshot.costs[place]))  # thousands of resources cost the same
    return {
        "region": snapshot.region,
        "account_id": snapshot.account_id,
        "currency": snapshot.currency,
        "currency_assumed": not snapshot.currency_confirmed,
        "read_at": _moment(snapshot.taken_at),
        "catalog": {
            "version": snapshot.catalog_version,
            "valid_from": _moment(snapshot.catalog_valid_from),
        },
        "totals": sums_of(cost.amount),
        "resource_count": len(cost.lines),
        "unpriced_count": len(cost.unpriced),
        "by_type": [_group(group) for group in cost.by_type() if group.amount is not None],
        "by_category": [_group(group, "category") for group in cost.by_category()],
        "by_subregion": [_group(group, "subregion") for group in cost.by_subregion()],
        "resources": [
            _resource(line) | priced(line.cost) for line in (cost.lines if lines is None else lines)
        ],
        "missing": missing_of(cost),
        "not_read": [type_.value for type_ in cost.not_read],
        "unlisted": _unlisted(cost.unlisted) if cost.unlisted else None,
    }


def missing_of(cost: CurrentCost) -> list[dict[str, str]]:
    """Return what could not be read, and why."""
    return [
        {"call": one.call, "code": one.code, "message": text}
        for one, text in zip(cost.missing, missing_texts(cost), strict=True)
    ]


def _moment(moment: dt.datetime) -> str:
    """Write a moment as the JSON API does, so that a file and an answer are the same to the last sign."""
    return moment.astimezone(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def sums_of(amount: Amount) -> dict[str, str]:
    """Return an amount as the JSON API gives it."""
    return {
        "hour": money_text(amount.hour),
        "month": money_text(amount.month),
        "year": money_text(amount.year),
    }


def _group(group: Any, key: str = "resource_type") -> dict[str, Any]:
    figures = {"count": group.count, "unpriced_count": group.unpriced}
    return {key: group.key} | figures | sums_of(group.amount)


def _unlisted(unlisted: Unlisted) -> dict[str, Any]:
    return {
        "day": unlisted.day.isoformat(),
        "currency": unlisted.currency,
        "totals": sums_of(unlisted.amount),
        "unpriced_count": unlisted.unpriced_count,
        "products": [
            {
                **line.key._asdict(),
                "name": line.name,
                "category": line.category,
                "value": money_text(line.value),
                "price": None if line.price is None else money_text(line.price),
                "price_per_hour": None if line.price is None else money_text(line.amount.hour),
                "price_per_month": None if line.price is None else money_text(line.amount.month),
            }
            for line in unlisted.lines
        ],
    }


def _resource(line: Line) -> dict[str, Any]:
    return {
        "resource_id": line.resource_id,
        "resource_type": line.resource_type.value,
        "name": line.name,
        "subregion": line.subregion,
        "state": line.state,
        "specification": line.specification,
        "tags": line.tags,
    }


def _priced(cost: Cost) -> dict[str, Any]:
    return {
        "price_per_hour": money_text(cost.amount.hour),
        "price_per_month": money_text(cost.amount.month),
        "price_per_year": money_text(cost.amount.year),
        "priced": cost.is_priced,
        "explanation": {
            "text": explained(cost),
            "period": cost.price.period.value if cost.price else None,
            "parts": [part_document(part) for part in cost.price.parts] if cost.price else [],
            "assumptions": [note.value for note in assumptions_of(cost)],
            "problems": [problem.kind.value for problem in cost.problems],
        },
    }


# --- Tables


def resource_table(cost: CurrentCost) -> Table:
    """Return a row for each resource, then the total, then what is missing."""
    return Table(COLUMNS, _resource_rows(cost))


def type_table(cost: CurrentCost) -> Table:
    """Return a row for each kind of resource, then the total, then what is missing."""
    return Table(TYPE_COLUMNS, _type_rows(cost))


def _resource_rows(cost: CurrentCost) -> Iterator[list[Any]]:
    end = _end(cost)
    priced = cache(lambda place: _price_cells(cost.snapshot.costs[place]))
    for line in cost.lines:
        yield [
            "resource",
            line.resource_type.value,
            line.resource_id,
            line.name,
            line.subregion,
            line.state,
            line.specification,
            "; ".join(tag_texts(line)),
            *priced(line.cost),
            *end,
        ]
    yield ["total", *[None] * 7, *_total_cells(cost), *end]
    for one in cost.missing:
        said = _written(one, one_line)
        named = ["missing", RESOURCE_TYPE_OF[one.call].value, missing_name(said)]
        yield [*named, *[None] * 8, False, reason(said), *end]
    yield from _unlisted_rows(cost)


def _unlisted_rows(cost: CurrentCost) -> Iterator[list[Any]]:
    """Yield what no call lists, as consumed on the last known day, in its own currency."""
    for line in cost.unlisted.lines if cost.unlisted else ():
        figures = [None] * 3 if line.price is None else _figures(line.amount)
        said = consumed_text(cost.unlisted, line)
        facts = ["unlisted", None, line.key.type, line.name, None, None, str(line.key), ""]
        yield [*facts, *figures, line.price is not None, said, cost.unlisted.currency, *_end(cost)[1:]]


def consumed_text(unlisted: Unlisted, line: Consumed) -> str:
    """Say from which day a line is, and how much was consumed on it."""
    said = {"day": unlisted.day.isoformat(), "value": money_text(line.value)}
    return _("Consumed on %(day)s: %(value)s. It is not in the total.") % said


def _price_cells(cost: Cost) -> list[Any]:
    return [*_figures(cost.amount), cost.is_priced, explained(cost)]


def _type_rows(cost: CurrentCost) -> Iterator[list[Any]]:
    end = _end(cost)
    for group in cost.by_type():
        if group.amount is not None:
            said = [not group.unpriced, _unpriced_text(group.unpriced)]
            yield ["type", group.key, group.count, *_figures(group.amount), *said, *end]
    yield ["total", None, len(cost.lines), *_total_cells(cost), *end]
    for one, text in zip(cost.missing, missing_texts(cost), strict=True):
        yield ["missing", RESOURCE_TYPE_OF[one.call].value, *[None] * 4, False, text, *end]


def _end(cost: CurrentCost) -> list[Any]:
    """Return what is the same in every row."""
    snapshot = cost.snapshot
    money = [snapshot.currency, not snapshot.currency_confirmed]
    return [*money, snapshot.account_id, snapshot.region, snapshot.taken_at]


def _total_cells(cost: CurrentCost) -> list[Any]:
    said = said_of(cost)
    left_out = [_("Object storage was not read.")] if cost.leaves_objects_out else []
    return [*_figures(cost.amount), not said, " ".join([*said, *left_out])]


def _figures(amount: Amount) -> list[Decimal]:
    return [amount.hour, amount.month, amount.year]


def missing_texts(cost: CurrentCost, written: Callable[[str], str] = one_line) -> list[str]:
    """Say what could not be read and why, one sentence for each list.

    ``written`` makes the cloud's own words, such as the name of a bucket, harmless.
    """
    said = [_written(one, written) for one in cost.missing]
    return [f"{missing_name(one)}: {reason(one)}" for one in said]


def _written(missing: Missing, written: Callable[[str], str]) -> Missing:
    words = {"detail": written(missing.detail), "cloud_code": written(missing.cloud_code)}
    return msgspec.structs.replace(missing, **words)


def said_of(cost: CurrentCost, written: Callable[[str], str] = one_line) -> list[str]:
    """Say what the totals lack, one sentence for each list and one for the resources without a price."""
    return [*missing_texts(cost, written), *filter(None, [_unpriced_text(len(cost.unpriced))])]


def _unpriced_text(count: int) -> str:
    if not count:
        return ""
    text = ngettext(
        "%(count)s resource is not priced whole.", "%(count)s resources are not priced whole.", count
    )
    return text % {"count": count}
