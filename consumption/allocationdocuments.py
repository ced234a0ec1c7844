"""The allocation as plain documents: what the JSON API answers and the JSON file holds."""

from decimal import Decimal
from typing import Any

from consumption.allocation import AllocatedGroup, Allocation, Lacking, Shared
from consumption.allocationasking import Answer
from consumption.allocationforms import AllocatedBy
from consumption.allocationrows import ordered, share_of
from consumption.documents import unpriced_document
from costs.money import money_text


def document_of(answer: Answer) -> dict[str, Any]:
    """Return the allocation as the JSON API gives it: numbers are text, ``to_date`` is excluded."""
    found, history = answer.allocation, answer.allocation.history
    has_figures = bool(history.coverage.with_figures)
    return {
        "from_date": history.question.period.first.isoformat(),
        "to_date": history.question.period.end.isoformat(),
        "currency": history.currency or None,
        "by": str(AllocatedBy.CENTRE if found.by_centre else AllocatedBy.TAG),
        "tags": [] if found.by_centre else list(found.keys),
        "tags_unseen": answer.unseen_keys,
        "sharing": str(found.sharing),
        "shared_services": list(answer.shared_services),
        "total": _amount(found.total, has_figures),
        "groups": [_group(found, group) for group in ordered(found.groups)],
        "covered_percent": _text(found.covered_percent),
        "untagged": {
            "cost": _amount(found.lacking_total, has_figures),
            "share": _text(share_of(found, found.lacking_total)),
            "resources": [_lacking(one) for one in found.lacking],
        },
        "shared": {
            "cost": _amount(found.shared_total, has_figures),
            "apart": _amount(found.shared_apart, has_figures),
            "share": _text(share_of(found, found.shared_total)),
            "meters": [_shared(answer, one) for one in found.shared],
        },
        "tags_never_read": [
            {"account_id": ledger.account_id, "region": ledger.region} for ledger in found.untagged_ledgers
        ],
        "unpriced": [unpriced_document(one) for one in history.unpriced],
    }


def _amount(amount: Decimal, is_known: bool) -> str | None:
    return money_text(amount) if is_known else None


def _text(number: Decimal | None) -> str | None:
    return None if number is None else money_text(number)


def _group(allocation: Allocation, group: AllocatedGroup) -> dict[str, Any]:
    return {
        "values": dict(zip(allocation.keys, group.values, strict=True)),
        "cost": money_text(group.cost),
        "shared": money_text(group.shared),
        "total": money_text(group.total),
        "share": _text(share_of(allocation, group.total)),
        "resources": group.resources,
        "unpriced_lines": group.unpriced,
    }


def _lacking(one: Lacking) -> dict[str, Any]:
    return {
        "resource_id": one.resource_id,
        "account_id": one.account_id,
        "region": one.region,
        "cost": money_text(one.cost),
        "unpriced_lines": one.unpriced,
    }


def _shared(answer: Answer, one: Shared) -> dict[str, Any]:
    meter = answer.meters[one.meter]
    return {
        "service": meter.service,
        "type": meter.type,
        "operation": meter.operation,
        "subregion": meter.subregion,
        "cost": money_text(one.cost),
        "unpriced_lines": one.unpriced,
    }
