"""The drift as plain documents: what the JSON API answers, and the one table behind CSV and spreadsheets."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from consumption.drift import Apart, Drift, Group, Sums
from consumption.driftasking import Answer
from consumption.driftkinds import kind_name
from consumption.driftlines import Shown, all_lines
from consumption.drifttext import apart_name, cause_text
from costs import products
from costs.exports import Table, one_line
from costs.money import money_text

COLUMNS = (
    "row",
    "resource_type",
    "resource_id",
    "name",
    "specification",
    "estimated",
    "consumed",
    "difference",
    "percent",
    "currency",
    "reason_codes",
    "reason",
    "days_compared",
    "days",
    "first_day",
    "last_day",
    "estimate",
    "account_id",
    "region",
)
"""The columns of CSV and spreadsheets; both days are included.

``row`` is line (a resource), type, category, total, apart (consumed, and in no total), or left_out (of the
estimate, and why).
"""


def document_of(answer: Answer) -> dict[str, Any]:
    """Return the drift as the JSON API gives it; money is text, ``to_date`` is excluded."""
    drift = answer.drift
    return {
        "from_date": drift.period.first.isoformat(),
        "to_date": drift.period.end.isoformat(),
        "currency": drift.currency or None,
        "estimate": {
            "kind": answer.basis.kind,
            "name": answer.basis.name or None,
            "made_at": answer.basis.made_at.isoformat() if answer.basis.made_at else None,
            "left_out": list(answer.basis.left_out),
        },
        "days_compared": drift.compared_days,
        "days_carried": drift.carried_days,
        "total": _sums(drift.total) if drift.compared_days else None,
        "by_type": [
            {"resource_type": group.key, "count": group.count} | _of_group(group) for group in drift.by_kind
        ],
        "by_category": [{"category": group.key} | _of_group(group) for group in drift.by_category],
        "lines": [_line(shown, drift) for shown in all_lines(drift)],
        "consumed_apart": money_text(drift.consumed_apart),
        "consumed_whole": money_text(drift.consumed_whole),
        "apart": [_apart(one) for one in drift.apart],
        "types_not_known": _unknown(drift),
    }


def _unknown(drift: Drift) -> list[dict[str, Any]]:
    return [
        {
            "account_id": region.ledger.account_id,
            "region": region.ledger.region,
            "resource_type": kind,
            "days": days,
        }
        for region in drift.regions
        for kind, days in sorted(region.unknown_kinds.items())
    ]


def _of_group(group: Group) -> dict[str, Any]:
    return _sums(group.sums)


def _sums(sums: Sums) -> dict[str, str | None]:
    return {
        "estimated": money_text(sums.estimated),
        "consumed": money_text(sums.consumed),
        "difference": money_text(sums.difference),
        "percent": _known(sums.percent),
    }


def _known(amount: Decimal | None) -> str | None:
    return None if amount is None else money_text(amount)


def _line(shown: Shown, drift: Drift) -> dict[str, Any]:
    line = shown.line
    return {
        "account_id": line.account_id,
        "region": line.region,
        "resource_type": line.kind,
        "resource_id": line.resource_id,
        "name": shown.name,
        "specification": shown.specification,
        **_sums(line.sums),
        "reason": " ".join(shown.texts(drift.currency)),
        "reason_codes": [reason.code.value for reason in shown.reasons],
    }


def _apart(one: Apart) -> dict[str, Any]:
    key = one.key
    return {
        "account_id": one.account_id,
        "region": one.region,
        "resource_type": one.kind,
        "resource_id": one.resource_id,
        "name": apart_name(one),
        "service": key.service if key else None,
        "type": key.type if key else None,
        "operation": key.operation if key else None,
        "estimated": _known(one.estimated),
        "consumed": _known(one.consumed),
        "reason": cause_text(one),
        "reason_code": one.cause.value,
    }


# --- The table


def table_of(answer: Answer) -> Table:
    """Return a row for each resource, then the sums, then what is in none of them."""
    return Table(COLUMNS, _rows(answer))


def _rows(answer: Answer) -> Iterator[list[Any]]:
    drift, end = answer.drift, _end(answer)
    currency = drift.currency or None
    for shown in all_lines(drift):
        line = shown.line
        codes = " ".join(reason.code.value for reason in shown.reasons)
        named = ["line", line.kind, line.resource_id, one_line(shown.name), one_line(shown.specification)]
        said = one_line(" ".join(shown.texts(drift.currency)))
        yield [*named, *_cells(line.sums), currency, codes, said, *end[:-1], line.account_id, line.region]
    for group in drift.by_kind:
        yield [
            "type",
            group.key,
            None,
            kind_name(group.key),
            None,
            *_cells(group.sums),
            currency,
            "",
            "",
            *end,
            None,
        ]
    for group in drift.by_category:
        named = ["category", None, None, products.category_name(group.key), None]
        yield [*named, *_cells(group.sums), currency, "", "", *end, None]
    if drift.compared_days:
        yield ["total", *[None] * 4, *_cells(drift.total), currency, "", "", *end, None]
    for one in drift.apart:
        named = ["apart", one.kind, one.resource_id or None, one_line(apart_name(one)), None]
        figures = [one.estimated, one.consumed, None, None, currency, one.cause.value, cause_text(one)]
        yield [*named, *figures, *end[:-1], one.account_id, one.region]
    for sentence in answer.basis.left_out:
        yield ["left_out", *[None] * 4, *[None] * 4, None, "", one_line(sentence), *end, None]


def _cells(sums: Sums) -> list[Decimal | None]:
    percent = sums.percent
    return [sums.estimated, sums.consumed, sums.difference, None if percent is None else round(percent, 2)]


def _end(answer: Answer) -> list[Any]:
    """Return what is the same in every row, but for the region, and the account of what is of one."""
    drift = answer.drift
    accounts = sorted({region.ledger.account_id for region in drift.regions})
    days = [drift.compared_days, drift.period.length, drift.period.first, drift.period.last]
    return [*days, answer.basis.kind, "; ".join(accounts)]
