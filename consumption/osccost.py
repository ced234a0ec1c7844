"""The JSON of osc-cost as an estimate (outscale/osc-cost, ``src/core``; fields of all its versions).

Its prices are 32-bit floats, which are read as the decimals that stand in the file. What is sold by the month
is taken by the month, and the hour that osc-cost makes of it (a 730th) is not used.
"""

from collections import Counter
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from consumption.estimatefiles import KINDS, MOST_ROWS, EstimateRefused, Given, Row, check_once, moment_of
from costs.inventory import ResourceType
from costs.lines import Cost, Line, Problem, ProblemKind
from costs.pricelist import FCU, PriceKey, licence_key
from costs.pricing import Part, Period, Price

_UNKNOWN = PriceKey("", "", "")
_CATEGORIES = {
    ResourceType.VM: "compute",
    ResourceType.FLEXIBLE_GPU: "compute",
    ResourceType.DEDICATED_INSTANCE: "compute",
    ResourceType.VOLUME: "storage",
    ResourceType.SNAPSHOT: "storage",
    ResourceType.OBJECT_STORAGE: "storage",
}
_BY_MONTH = {
    ResourceType.VOLUME,
    ResourceType.SNAPSHOT,
    ResourceType.OBJECT_STORAGE,
    ResourceType.DIRECT_LINK,
}
_KEYS = {
    ResourceType.NAT_SERVICE: PriceKey(FCU, "NatGatewayUsage", "CreateNatGateway"),
    ResourceType.VPN_CONNECTION: PriceKey(FCU, "ConnectionUsage", "CreateVpnConnection"),
    ResourceType.LOAD_BALANCER: PriceKey("TinaOS-LBU", "LBU:Usage", "CreateLoadBalancer"),
    ResourceType.SNAPSHOT: PriceKey(FCU, "Snapshot:Usage", "Snapshot"),
    ResourceType.OBJECT_STORAGE: PriceKey("TinaOS-OOS", "enterprise", "OOSStorage"),
}
_SIZES = {ResourceType.SNAPSHOT: "volume_size_gib", ResourceType.OBJECT_STORAGE: "size_gb"}
_AGGREGATE = "Aggregate"
_CLOSE = Decimal("0.001")


def is_osc_cost(documents: list[Any]) -> bool:
    """Tell whether the JSON values of a file are those of osc-cost."""
    first = documents[0] if documents else None
    return isinstance(first, dict) and "resource_type" in first and "price_per_hour" in first


def is_its_drift(documents: list[Any]) -> bool:
    """Tell whether they are what ``osc-cost --compute-drift`` writes, which is no estimate."""
    first = documents[0] if documents else None
    return isinstance(first, dict) and "osc_cost_price" in first


def read_osc_cost(documents: list[Any], name: str) -> Given:
    """Return what a file of osc-cost estimates; raise ``EstimateRefused``."""
    if len(documents) > MOST_ROWS:
        raise EstimateRefused(_("The file has more than %(most)s rows.") % {"most": MOST_ROWS})
    rows = [
        Row(fields, _("Row %(number)s") % {"number": number}) for number, fields in enumerate(documents, 1)
    ]
    strange: Counter[str] = Counter()
    lines, costs = [], []
    for row in rows:
        type_ = row.text("aggregated_resource_type" if _is_aggregate(row) else "resource_type")
        if type_ not in KINDS:
            strange[type_] += 1
            continue
        lines.append(_line(row, ResourceType(type_), len(costs)))
        costs.append(_cost(row, ResourceType(type_)))
    check_once(lines)
    return Given(
        name=name,
        account_id=_common(rows, "account_id"),
        region=_common(rows, "region"),
        currency="",
        made_at=moment_of(rows[0].text("read_date_rfc3339")),
        kinds=sorted({line.resource_type for line in lines}),
        lines=lines,
        costs=costs,
        left_out=[_strange(type_, count) for type_, count in sorted(strange.items())],
    )


def _strange(type_: str, count: int) -> str:
    text = _("Rows of the kind “%(kind)s” are left out, for it is not known: %(count)s.")
    return text % {"kind": type_, "count": count}


def _is_aggregate(row: Row) -> bool:
    return row.text("resource_type") == _AGGREGATE


def _common(rows: list[Row], name: str) -> str:
    """Return what all rows say; empty where none says it."""
    found = {row.text(name) for row in rows} - {""}
    if len(found) > 1:
        text = _("The file holds several accounts or regions: %(found)s.")
        raise EstimateRefused(text % {"found": ", ".join(sorted(found)[:5])})
    return next(iter(found), "")


def _line(row: Row, kind: ResourceType, place: int) -> Line:
    resource = row.text("resource_id")
    if _is_aggregate(row):
        resource = ""
    elif kind == ResourceType.DEDICATED_INSTANCE:
        resource = "UseDedicated"  # the fee of the account, for which osc-cost has no id
    elif not resource:
        raise row.odd("resource_id")
    return Line(resource, kind, "", row.text("region"), "", _specification(row, kind), {}, place)


def _specification(row: Row, kind: ResourceType) -> str:
    if kind == ResourceType.VOLUME and "volume_size" in row:
        return f"{row.text('volume_type')}, {row.amount('volume_size')} GiB"
    return row.text("vm_type") or row.text("model_name")


def _cost(row: Row, kind: ResourceType) -> Cost:
    hour, month = row.amount("price_per_hour"), row.amount("price_per_month")
    is_monthly = kind in _BY_MONTH
    amount = month if is_monthly else hour
    if amount is None:
        lacking = "price_per_month" if is_monthly else "price_per_hour"
        return Cost(problems=(Problem(ProblemKind.NOT_UNDERSTOOD, lacking),))
    parts = _parts(row, kind, amount)
    return Cost(Price(Period.MONTH if is_monthly else Period.HOUR, "", tuple(parts)))


def _parts(row: Row, kind: ResourceType, amount: Decimal) -> list[Part]:
    """Return what an amount is made of, where the row tells it and it adds up."""
    if kind == ResourceType.VM and not _is_aggregate(row):
        return _vm_parts(row, amount)
    parts = [] if _is_aggregate(row) else _sized(row, kind)
    if parts and abs(sum(part.amount for part in parts) - amount) <= amount * _CLOSE:
        return parts
    return [Part(_KEYS.get(kind, _UNKNOWN), _CATEGORIES.get(kind, "network"), Decimal(1), amount)]


def _sized(row: Row, kind: ResourceType) -> list[Part]:
    price = row.amount("price_gb_per_month")
    if kind == ResourceType.VOLUME:
        type_ = row.text("volume_type")
        found = [
            (f"BSU:VolumeUsage:{type_}", row.amount("volume_size"), price),
            (f"BSU:VolumeIOPS:{type_}", row.amount("volume_iops"), row.amount("price_iops_per_month")),
        ]
        keyed = [(PriceKey(FCU, type_, "CreateVolume"), size, unit) for type_, size, unit in found]
    elif kind in _SIZES:
        keyed = [(_KEYS[kind], row.amount(_SIZES[kind]), price)]
    else:
        return []
    return [Part(key, "storage", size, unit) for key, size, unit in keyed if size and unit]


def _vm_parts(row: Row, hour: Decimal) -> list[Part]:
    """Part the price of a VM into itself and its licences, whose fields were called otherwise before 0.2."""
    licence = Decimal(0)
    for counted, by in (("vm_vcpu", "cpu"), ("vm_ram_gb", "ram_gb"), ("", "vm")):
        names = (f"price_{word}_per_{by}_per_hour" for word in ("license", "product"))
        unit = next((row.amount(name) for name in names if name in row), None) or Decimal(0)
        licence += unit * ((row.amount(counted) or Decimal(0)) if counted else 1)
    vm_key = PriceKey(FCU, f"BoxUsage:{row.text('vm_type')}", "RunInstances-OD")
    if not 0 < licence <= hour:
        return [Part(vm_key, "compute", Decimal(1), hour)]
    key = licence_key(row.text("license_codes") or "?")
    return [
        Part(vm_key, "compute", Decimal(1), hour - licence),
        Part(key, "licence", Decimal(1), licence),
    ]
