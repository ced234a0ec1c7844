"""Our own JSON of a current cost as an estimate: what ``GET /api/cost/current`` answers."""

from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from consumption.estimatefiles import KINDS, MOST_ROWS, EstimateRefused, Given, Row, check_once, moment_of
from costs.inventory import LISTS, RESOURCE_TYPE_OF, ResourceType, affected_by
from costs.lines import Cost, Line, Problem, ProblemKind
from costs.pricelist import PriceKey
from costs.pricing import Part, Period, Price


def is_current_cost(documents: list[Any]) -> bool:
    """Tell whether the JSON values of a file are one current cost, be it wrapped as the API does."""
    return len(documents) == 1 and "by_type" in _inner(documents[0]) and "read_at" in _inner(documents[0])


def _inner(document: Any) -> dict[str, Any]:
    found = document.get("data", document) if isinstance(document, dict) else {}
    return found if isinstance(found, dict) else {}


def read_current_cost(documents: list[Any], name: str) -> Given:
    """Return what a current cost estimates; raise ``EstimateRefused``."""
    document = Row(_inner(documents[0]), _("The document"))
    resources = document.get("resources")
    if not isinstance(resources, list):
        text = _("The file has no resources: write it without --aggregate.")
        raise EstimateRefused(text)
    if len(resources) > MOST_ROWS:
        raise EstimateRefused(_("The file has more than %(most)s rows.") % {"most": MOST_ROWS})
    lines, costs = [], []
    for number, fields in enumerate(resources, 1):
        row = Row(fields, _("Resource %(number)s") % {"number": number})
        if row.text("resource_type") not in KINDS:
            raise row.odd("resource_type")
        lines.append(_line(row, len(costs)))
        costs.append(_cost(row))
    check_once(lines)
    unknown = _unknown(document)
    kinds = {line.resource_type.value for line in lines} - unknown
    said = _("%(kind)s is left out: the file does not know all of it.")
    return Given(
        name=name,
        account_id=document.text("account_id"),
        region=document.text("region"),
        currency=document.text("currency"),
        made_at=moment_of(document.text("read_at")),
        kinds=sorted(kinds),
        lines=lines,
        costs=costs,
        left_out=[said % {"kind": kind} for kind in sorted(unknown)],
    )


def _unknown(document: Row) -> set[str]:
    """Return the kinds of resource that the reading behind the document could not read whole."""
    missing = document.get("missing")
    calls = [one.get("call") for one in missing if isinstance(one, dict)] if isinstance(missing, list) else []
    found = set()
    for call in calls:
        if isinstance(call, str) and call in RESOURCE_TYPE_OF:
            found |= affected_by(call) if call in LISTS else {RESOURCE_TYPE_OF[call]}
    return {kind.value for kind in found}


def _line(row: Row, place: int) -> Line:
    tags = row.get("tags")
    resource = row.text("resource_id")
    if not resource:
        raise row.odd("resource_id")
    return Line(
        resource,
        ResourceType(row.text("resource_type")),
        row.text("name"),
        row.text("subregion"),
        row.text("state"),
        row.text("specification"),
        {str(key): str(value) for key, value in tags.items()} if isinstance(tags, dict) else {},
        place,
    )


def _cost(row: Row) -> Cost:
    explanation = Row(row.get("explanation") or {}, row.place)
    parts, period = explanation.get("parts"), explanation.text("period")
    problems = () if row.get("priced") is True else (Problem(ProblemKind.NOT_UNDERSTOOD, "priced"),)
    if not isinstance(parts, list) or period not in ("", Period.HOUR, Period.MONTH):
        raise row.odd("explanation")
    if not parts:
        return Cost(problems=problems)
    found = tuple(_part(Row(one, row.place)) for one in parts)
    return Cost(Price(Period(period or Period.HOUR), "", found), problems=problems)


def _part(row: Row) -> Part:
    key = PriceKey(*(row.text(name) for name in ("service", "type", "operation")))
    quantity, unit_price = row.amount("quantity"), row.amount("unit_price")
    if quantity is None or unit_price is None:
        raise row.odd("parts")
    return Part(key, row.text("category"), Decimal(quantity), unit_price)
