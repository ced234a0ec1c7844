"""What an account is billed for, resource by resource: the meters of its estate."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from sandbox.buckets import Bucket
from sandbox.clusters import Cluster
from sandbox.inventory import GONE_STATES, Inventory, PublicIp, Vm, Volume, is_first_address
from sandbox.prices import FCU, VM, Key
from sandbox.vmtypes import PERFORMANCES

_GIB = 2**30


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

    @property
    def first_day(self) -> date:
        """The first day it counts: the day of creation is left out, for it would be a part of a day."""
        return self.since.date() + timedelta(days=1)


def meters_of(
    inventory: Inventory, buckets: Iterable[Bucket] = (), clusters: Iterable[Cluster] = ()
) -> Iterator[Meter]:
    """Yield everything that an estate, its object storage and its Kubernetes clusters are billed for.

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
    for cluster in clusters:
        for type_, operation in ((f"dedicated:{cluster.size}", "ControlPlane"), ("Project:STD", "Project")):
            yield Meter(("OKS", type_, operation), region, cluster.cluster_id, cluster.created)


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
