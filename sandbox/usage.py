"""What an account consumed between two days (OUTSCALE API documentation, ReadConsumptionAccount)."""

import calendar
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from sandbox.cloud import Account
from sandbox.inventory import Inventory, Vm, Volume
from sandbox.prices import FCU, VM, Entry, Key, unit_price
from sandbox.vmtypes import shape_of

_HOURS_A_DAY = 24
_PRECISION = Decimal("1e-10")


class Meter(NamedTuple):
    """What one resource consumes: a quantity per hour, or held all month, from a moment on.

    `place` is a subregion for VMs, licences and volumes, and the region for the rest.
    """

    key: Key
    place: str
    resource_id: str
    since: datetime
    quantity: Decimal = Decimal(1)
    per_month: bool = False

    def value(self, first: date, end: date) -> Fraction:
        """Return what was consumed from `first` to `end`, excluded: hours, or fractions of a month."""
        # The day of creation is left out: it would be a part of a day.
        days = _days(max(first, self.since.date() + timedelta(days=1)), end)
        if self.per_month:
            return Fraction(self.quantity) * sum(Fraction(1, _days_of_month(day)) for day in days)
        return Fraction(self.quantity) * _HOURS_A_DAY * sum(1 for _ in days)


@dataclass(frozen=True)
class Question:
    """The days asked for, the first included and the last excluded, and how much detail is wanted."""

    first: date
    end: date
    show_price: bool
    show_resources: bool


def consumption(
    account: Account, meters: Iterable[Meter], prices: Mapping[Key, Entry], question: Question, today: date
) -> list[dict[str, Any]]:
    """Return the entries of one account, one per key and place or per resource; only days that are over."""
    values: dict[tuple[Key, str, str | None], Fraction] = defaultdict(Fraction)
    for meter in meters:
        resource_id = meter.resource_id if question.show_resources else None
        values[meter.key, meter.place, resource_id] += meter.value(question.first, min(question.end, today))
    common = {
        "AccountId": account.account_id,
        "PayingAccountId": account.paying_account_id,
        "FromDate": _moment(question.first),
        "ToDate": _moment(question.end),
    }
    return [
        {**common, **_entry(key, place, resource_id, _rounded(value), prices, show_price=question.show_price)}
        for (key, place, resource_id), value in values.items()
        if value
    ]


def meters_of(inventory: Inventory, region: str) -> Iterator[Meter]:
    """Yield everything an estate is billed for."""
    for vm in inventory.vms:
        yield from _vm_meters(vm)
    for volume in inventory.volumes:
        yield from _volume_meters(volume)
    snapshot_key = (FCU, "Snapshot:Usage", "Snapshot")
    for snapshot in inventory.snapshots:
        quantity = snapshot.stored_gib
        yield Meter(snapshot_key, region, snapshot.snapshot_id, snapshot.created, quantity, per_month=True)
    for address, created in inventory.idle_ips:
        yield Meter((FCU, "ElasticIP:IdleAddress", "AssociateAddress"), region, address, created)
    for name, created in inventory.load_balancers:
        yield Meter(("TinaOS-LBU", "LBU:Usage", "CreateLoadBalancer"), region, name, created)


def _vm_meters(vm: Vm) -> Iterator[Meter]:
    yield Meter((FCU, f"BoxUsage:{vm.vm_type}", VM), vm.subregion, vm.vm_id, vm.created)
    for code in vm.product_codes:
        key = (FCU, f"ProductUsage:{vm.vm_type}", f"RunInstances-{code}-OD")
        yield Meter(key, vm.subregion, vm.vm_id, vm.created)


def _volume_meters(volume: Volume) -> Iterator[Meter]:
    billed = {f"BSU:VolumeUsage:{volume.volume_type}": volume.size_gib}
    if volume.volume_type == "io1":
        billed["BSU:VolumeIOPS:io1"] = volume.iops
    for type_, quantity in billed.items():
        yield Meter(
            key=(FCU, type_, "CreateVolume"),
            place=volume.subregion,
            resource_id=volume.volume_id,
            since=volume.created,
            quantity=Decimal(quantity),
            per_month=True,
        )


def _entry(
    key: Key,
    place: str,
    resource_id: str | None,
    value: Decimal,
    prices: Mapping[Key, Entry],
    *,
    show_price: bool,
) -> dict[str, Any]:
    service, type_, operation = key
    category, title = _words(key, prices)
    entry = {
        "Service": service,
        "Type": type_,
        "Operation": operation,
        "SubregionName": place,
        "Category": category,
        "Title": title,
        "Value": value,
    }
    if resource_id is not None:
        entry["ResourceId"] = resource_id
    price = unit_price(prices, key) if show_price else None
    if price is not None:
        entry |= {"UnitPrice": price, "Price": value * price}
    return entry


def _words(key: Key, prices: Mapping[Key, Entry]) -> tuple[str, str]:
    """Return category and title: those of the catalog, but VMs and licences have a line for each VM type."""
    service, type_, operation = key
    family, _, vm_type = type_.partition(":")
    if family == "BoxUsage":
        shape = shape_of(vm_type)
        performance = f" {shape.performance_name} performance" if shape else ""
        return "compute", f"Instance - On demand - {vm_type}{performance} - par heure"
    listed = prices.get((service, "ProductUsage", operation) if family == "ProductUsage" else key)
    return (listed.category, listed.title) if listed else ("", type_)


def _days(first: date, end: date) -> Iterator[date]:
    return (first + timedelta(days=n) for n in range((end - first).days))


def _days_of_month(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def _rounded(value: Fraction) -> Decimal:
    """Return a consumed amount with the 10 decimals of the real API."""
    return (Decimal(value.numerator) / Decimal(value.denominator)).quantize(_PRECISION)


def _moment(day: date) -> str:
    return f"{day.isoformat()}T00:00:00.000+0000"
