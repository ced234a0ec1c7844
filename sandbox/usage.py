"""What an account consumed between two days (OUTSCALE API documentation, ReadConsumptionAccount)."""

import calendar
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple

from sandbox.buckets import Bucket
from sandbox.cloud import Account
from sandbox.inventory import GONE_STATES, Inventory, PublicIp, Vm, Volume, is_first_address
from sandbox.prices import FCU, VM, Entry, Key, unit_price
from sandbox.vmtypes import PERFORMANCES, shape_of

_HOURS_A_DAY = 24
_GIB = 2**30
_PRECISION = Decimal("1e-10")


class Meter(NamedTuple):
    """What one resource consumes: a quantity per hour, or held all month, from a moment on.

    `place` is a subregion for VMs, licences and volumes, and the region for the rest.
    """

    key: Key
    place: str
    resource_id: str
    since: datetime
    quantity: Decimal | Fraction = Decimal(1)
    per_month: bool = False

    def value(self, first: date, end: date) -> Fraction:
        """Return what was consumed from `first` to `end`, excluded: hours, or fractions of a month."""
        # The day of creation is left out: it would be a part of a day.
        first = max(first, self.since.date() + timedelta(days=1))
        if self.per_month:
            return Fraction(self.quantity) * _months(first, end)
        return Fraction(self.quantity) * _HOURS_A_DAY * max(0, (end - first).days)


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


def meters_of(inventory: Inventory, buckets: Iterable[Bucket] = ()) -> Iterator[Meter]:
    """Yield everything an estate and what is in its object storage is billed for.

    The surplus of dedicated VMs is not among it: no source tells how consumption shows that.
    """
    region = inventory.region
    for vm in inventory.vms:
        yield from _vm_meters(vm)
    for volume in inventory.volumes:
        yield from _volume_meters(volume)
    snapshot_key = (FCU, "Snapshot:Usage", "Snapshot")
    for snapshot in inventory.snapshots:
        quantity = snapshot.stored_gib
        yield Meter(snapshot_key, region, snapshot.snapshot_id, snapshot.created, quantity, per_month=True)
    yield from _address_meters(inventory)
    for gpu in inventory.flexible_gpus:
        use = "allocate" if gpu.state in ("allocated", "attaching") else "attach"
        key = (FCU, f"Gpu:{use}:{gpu.model}", "AllocateGpu")
        yield Meter(key, region, gpu.flexible_gpu_id, gpu.created)
    yield from _service_meters(inventory)
    yield from _fee_meters(inventory)
    for bucket in buckets:
        key = ("TinaOS-OOS", "enterprise", "OOSStorage")
        quantity = Fraction(bucket.size, _GIB)
        yield Meter(key, region, bucket.name, bucket.created, quantity, per_month=True)


def _vm_meters(vm: Vm) -> Iterator[Meter]:
    if not vm.is_billed:
        return
    vm_type = _full_type(vm)
    yield Meter((FCU, f"BoxUsage:{vm_type}", VM), vm.subregion, vm.vm_id, vm.created)
    for code in vm.product_codes:
        key = (FCU, f"ProductUsage:{vm_type}", f"RunInstances-{code}-OD")
        yield Meter(key, vm.subregion, vm.vm_id, vm.created)


def _full_type(vm: Vm) -> str:
    """Return the type of a VM as it is billed, with the performance that its own name may leave out."""
    if not vm.vm_type.startswith("tina") or "p" in vm.vm_type:
        return vm.vm_type
    return f"{vm.vm_type}p{PERFORMANCES[vm.performance or 'high']}"


def _address_meters(inventory: Inventory) -> Iterator[Meter]:
    started = {vm.vm_id: vm for vm in inventory.vms if vm.is_billed}
    for address in inventory.public_ips:
        if use := _charged_use(address, started.get(address.vm_id)):
            operation = "AssociateAddressVPC" if address.link_id else "AssociateAddress"
            key = (FCU, f"ElasticIP:{use}", operation)
            yield Meter(key, inventory.region, address.public_ip_id, address.created)


def _charged_use(address: PublicIp, vm: Vm | None) -> str | None:
    """Return what an address is billed as, None for a free one; `vm` is the started VM it is on."""
    if vm:
        return None if is_first_address(address, vm) else "AdditionalAddress"
    return None if address.nat_service_id else "IdleAddress"


def _service_meters(inventory: Inventory) -> Iterator[Meter]:
    region = inventory.region
    for nat in inventory.nat_services:
        if nat.state not in GONE_STATES:
            key = (FCU, "NatGatewayUsage", "CreateNatGateway")
            yield Meter(key, region, nat.nat_service_id, nat.created)
    for balancer in inventory.load_balancers:
        if balancer.state not in GONE_STATES:
            key = ("TinaOS-LBU", "LBU:Usage", "CreateLoadBalancer")
            yield Meter(key, region, balancer.name, balancer.created)
    for vpn in inventory.vpn_connections:
        if vpn.state not in GONE_STATES:
            key = (FCU, "ConnectionUsage", "CreateVpnConnection")
            yield Meter(key, region, vpn.vpn_connection_id, vpn.created)
    for link in inventory.direct_links:
        if link.state not in GONE_STATES:
            service = "TinaOS-HostedDirectLink" if link.is_hosted else "TinaOS-DirectLink"
            key = (service, f"LocatePort:{link.bandwidth_gbps}G", "CreateConnection")
            yield Meter(key, region, link.direct_link_id, link.created, per_month=True)


def _fee_meters(inventory: Inventory) -> Iterator[Meter]:
    """Yield the fees for dedicated hardware: once for an account and region, since its first use."""
    dedicated = [vm.created for vm in inventory.vms if vm.tenancy == "dedicated" and vm.state != "terminated"]
    groups = [group.created for group in inventory.dedicated_groups]
    for since, type_, operation in (
        (dedicated, "UseDedicated", "RunDedicatedInstances"),
        (groups, "UseDedicatedGroups", "RunDedicatedGroupsInstances"),
    ):
        if since:
            yield Meter((FCU, type_, operation), inventory.region, inventory.account_id, min(since))


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
    if listed:
        return listed.category, listed.title
    return ("licence" if family == "ProductUsage" else "", type_)


@lru_cache(maxsize=1024)
def _months(first: date, end: date) -> Fraction:
    """Return how many months there are between two days, each day a part of its own month."""
    days = (first + timedelta(days=n) for n in range((end - first).days))
    return sum((Fraction(1, calendar.monthrange(day.year, day.month)[1]) for day in days), Fraction())


def _rounded(value: Fraction) -> Decimal:
    """Return a consumed amount with the 10 decimals of the real API."""
    return (Decimal(value.numerator) / Decimal(value.denominator)).quantize(_PRECISION)


def _moment(day: date) -> str:
    return f"{day.isoformat()}T00:00:00.000+0000"
