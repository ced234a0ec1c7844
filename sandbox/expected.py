"""What an inventory costs now, computed apart from the portal, for tests to compare each resource with.

The rules are those of OUTSCALE's documentation and, where it leaves them open, these assumptions:

- a VM that is stopping or shutting down is billed, one that is pending or in quarantine is not;
- Windows Server and SQL Server are licensed per two cores, SQL Server for two such units at least; every
  other licence is for one VM;
- the surplus of 0.01 is 10 % of cores and memory, and of no licence, for a dedicated VM and in a group alike;
- each of the two dedicated services costs its fee once, while there is a dedicated VM that is not terminated,
  or while there is a dedicated group;
- the VM's own address is free while it is billed, its further ones are additional; the address of a NAT
  service is free; any other one is idle, also of a load balancer, of a lone NIC, or of a VM not billed;
- NAT services, VPN connections, load balancers and DirectLinks cost nothing once deleting or deleted;
- a snapshot costs the size of its volume, which is the most it can; a DirectLink is priced as an own port.

A month has 730 hours. Amounts are exact, before tax, in the currency of the prices.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from sandbox.buckets import Bucket
from sandbox.inventory import GONE_STATES, FlexibleGpu, Inventory, PublicIp, Vm, Volume, is_first_address
from sandbox.prices import FCU, Entry, Key
from sandbox.vmtypes import PERFORMANCES, VmShape, shape_of

HOURS_A_MONTH = 730
_PER_TWO_CORES = {"0002": 1, "0007": 2, "0008": 2, "0009": 2}
"""Product codes licensed per two cores, with the least number of units."""


@dataclass(frozen=True)
class Expected:
    """What one resource costs, as far as it is known: `unpriced` says why the rest is not.

    `resource_type` is named as in the portal's answers. A resource is priced by the hour or by the month.
    """

    resource_id: str
    resource_type: str
    hourly: Decimal = Decimal(0)
    monthly: Decimal = Decimal(0)
    unpriced: tuple[str, ...] = ()

    @property
    def per_hour(self) -> Decimal:
        """The price of an hour; to 28 digits for what is priced by the month."""
        return self.hourly + self.monthly / HOURS_A_MONTH

    @property
    def per_month(self) -> Decimal:
        """The exact price of a month."""
        return self.hourly * HOURS_A_MONTH + self.monthly


@dataclass(frozen=True)
class Total:
    """What many resources cost together; `unpriced` are those not wholly priced, with the reasons."""

    per_month: Decimal
    unpriced: Mapping[str, tuple[str, ...]]

    @property
    def per_hour(self) -> Decimal:
        """The price of an hour, to 28 digits."""
        return self.per_month / HOURS_A_MONTH

    @property
    def per_year(self) -> Decimal:
        """The exact price of twelve months."""
        return self.per_month * 12


def total(resources: Iterable[Expected]) -> Total:
    """Add up what resources cost."""
    resources = list(resources)
    return Total(
        per_month=sum((one.per_month for one in resources), Decimal(0)),
        unpriced={one.resource_id: one.unpriced for one in resources if one.unpriced},
    )


def expected(
    inventory: Inventory, prices: Mapping[Key, Entry], buckets: Iterable[Bucket] = ()
) -> dict[str, Expected]:
    """Return what each resource of an inventory costs, by its id; those that cost nothing are there too.

    The fees for dedicated hardware are there as `UseDedicated` and `UseDedicatedGroups` while they are due.
    """
    bills = (
        *(_vm(vm, prices) for vm in inventory.vms),
        *(_volume(volume, prices) for volume in inventory.volumes),
        *_snapshots(inventory, prices),
        *_addresses(inventory, prices),
        *(_gpu(gpu, prices) for gpu in inventory.flexible_gpus),
        *_services(inventory, prices),
        *_direct_links(inventory, prices),
        *_fees(inventory, prices),
        *_buckets(buckets, prices),
    )
    return {bill.resource_id: bill.result() for bill in bills}


class _Bill:
    """The sums of one resource, to which one product after another is added."""

    def __init__(self, resource_id: str, resource_type: str, prices: Mapping[Key, Entry]) -> None:
        self.resource_id = resource_id
        self._resource_type = resource_type
        self._prices = prices
        self._sums = {False: Decimal(0), True: Decimal(0)}
        self._unpriced: list[str] = []

    def unknown(self, reason: str) -> None:
        """Note why something cannot be priced."""
        self._unpriced.append(reason)

    def price(self, service: str, type_: str, operation: str) -> Decimal | None:
        """Return the price of one product, None where there is none, which is noted."""
        entry = self._prices.get((service, type_, operation))
        if entry is None:
            self.unknown(f"No price for {service} {type_} {operation}")
        return entry and entry.unit_price

    def add(
        self,
        service: str,
        type_: str,
        operation: str,
        quantity: Decimal | int = 1,
        *,
        per_month: bool = False,
    ) -> "_Bill":
        """Add a quantity of one product."""
        price = self.price(service, type_, operation)
        if price is not None:
            self._sums[per_month] += quantity * price
        return self

    def add_hourly(self, amount: Decimal) -> None:
        """Add an amount for an hour."""
        self._sums[False] += amount

    def result(self) -> Expected:
        """Return the sums."""
        sums = self._sums[False], self._sums[True]
        return Expected(self.resource_id, self._resource_type, *sums, tuple(self._unpriced))


def _vm(vm: Vm, prices: Mapping[Key, Entry]) -> _Bill:
    bill = _Bill(vm.vm_id, "Vm", prices)
    if not vm.is_billed:
        return bill
    shape = _shape(vm)
    if shape is None:
        bill.unknown(f"Unknown VM type {vm.vm_type}")
    else:
        _add_compute(bill, shape, vm.tenancy)
    for code in vm.product_codes:
        _add_licence(bill, code, shape)
    return bill


def _shape(vm: Vm) -> VmShape | None:
    """Return what the type of a VM stands for; the field tells the performance where the type does not."""
    shape = shape_of(vm.vm_type)
    leaves_it_out = vm.vm_type.startswith("tinav") and "p" not in vm.vm_type
    if shape and leaves_it_out and vm.performance:
        return shape._replace(performance=PERFORMANCES[vm.performance])
    return shape


def _add_compute(bill: _Bill, shape: VmShape, tenancy: str) -> None:
    """Add cores, memory, and the surplus on both, as far as each has a price."""
    core = bill.price(FCU, f"CustomCore:v{shape.generation}-p{shape.performance}", "RunInstances-OD")
    memory = bill.price(FCU, "CustomRam", "RunInstances-OD")
    surplus = Decimal(0)
    if tenancy == "dedicated":
        surplus = bill.price(FCU, "DedicatedInstanceSurplus", "RunInstances")
    elif tenancy.startswith("ded-"):
        surplus = bill.price(FCU, "DedicatedGroupsInstanceSurplus", "RunInstances")
    known = shape.vcores * (core or Decimal(0)) + shape.memory_gib * (memory or Decimal(0))
    bill.add_hourly(known * (1 + 10 * (surplus or Decimal(0))))


def _add_licence(bill: _Bill, code: str, shape: VmShape | None) -> None:
    units = 1
    if code in _PER_TWO_CORES:
        if shape is None:
            bill.unknown(f"Licence {code} depends on the number of cores")
            return
        units = max(_PER_TWO_CORES[code], (shape.vcores + 1) // 2)
    bill.add(FCU, "ProductUsage", f"RunInstances-{code}-OD", units)


def _volume(volume: Volume, prices: Mapping[Key, Entry]) -> _Bill:
    bill = _Bill(volume.volume_id, "Volume", prices)
    kind = volume.volume_type
    bill.add(FCU, f"BSU:VolumeUsage:{kind}", "CreateVolume", volume.size_gib, per_month=True)
    if kind == "io1":
        bill.add(FCU, "BSU:VolumeIOPS:io1", "CreateVolume", volume.iops, per_month=True)
    return bill


def _snapshots(inventory: Inventory, prices: Mapping[Key, Entry]) -> Iterator[_Bill]:
    for snapshot in inventory.snapshots:
        bill = _Bill(snapshot.snapshot_id, "Snapshot", prices)
        yield bill.add(FCU, "Snapshot:Usage", "Snapshot", snapshot.volume_size_gib, per_month=True)


def _addresses(inventory: Inventory, prices: Mapping[Key, Entry]) -> Iterator[_Bill]:
    billed_vms = {vm.vm_id: vm for vm in inventory.vms if vm.is_billed}
    for address in inventory.public_ips:
        yield _address(address, billed_vms.get(address.vm_id), prices)


def _address(address: PublicIp, vm: Vm | None, prices: Mapping[Key, Entry]) -> _Bill:
    bill = _Bill(address.public_ip_id, "PublicIp", prices)
    if vm is None and address.nat_service_id is None:
        return bill.add(FCU, "ElasticIP:IdleAddress", "AssociateAddress")
    if vm and not is_first_address(address, vm):
        return bill.add(FCU, "ElasticIP:AdditionalAddress", "AssociateAddressVPC")
    return bill


def _gpu(gpu: FlexibleGpu, prices: Mapping[Key, Entry]) -> _Bill:
    use = {"allocated": "allocate", "attaching": "allocate", "attached": "attach", "detaching": "attach"}
    bill = _Bill(gpu.flexible_gpu_id, "FlexibleGpu", prices)
    return bill.add(FCU, f"Gpu:{use[gpu.state]}:{gpu.model}", "AllocateGpu")


def _services(inventory: Inventory, prices: Mapping[Key, Entry]) -> Iterator[_Bill]:
    charged = (
        ("NatServices", "nat_services", "nat_service_id", (FCU, "NatGatewayUsage", "CreateNatGateway")),
        ("LoadBalancer", "load_balancers", "name", ("TinaOS-LBU", "LBU:Usage", "CreateLoadBalancer")),
        ("Vpn", "vpn_connections", "vpn_connection_id", (FCU, "ConnectionUsage", "CreateVpnConnection")),
    )
    for type_, name, id_name, key in charged:
        for service in getattr(inventory, name):
            bill = _Bill(getattr(service, id_name), type_, prices)
            yield bill if service.state in GONE_STATES else bill.add(*key)


def _direct_links(inventory: Inventory, prices: Mapping[Key, Entry]) -> Iterator[_Bill]:
    for link in inventory.direct_links:
        bill = _Bill(link.direct_link_id, "DirectLink", prices)
        if link.state not in GONE_STATES:
            port = f"LocatePort:{link.bandwidth_gbps}G"
            bill.add("TinaOS-DirectLink", port, "CreateConnection", per_month=True)
        yield bill


def _buckets(buckets: Iterable[Bucket], prices: Mapping[Key, Entry]) -> Iterator[_Bill]:
    for bucket in buckets:
        bill = _Bill(bucket.name, "Oos", prices)
        yield bill.add("TinaOS-OOS", "enterprise", "OOSStorage", Decimal(bucket.size) / 2**30, per_month=True)


def _fees(inventory: Inventory, prices: Mapping[Key, Entry]) -> Iterator[_Bill]:
    if any(vm.tenancy == "dedicated" and vm.state != "terminated" for vm in inventory.vms):
        bill = _Bill("UseDedicated", "DedicatedInstance", prices)
        yield bill.add(FCU, "UseDedicated", "RunDedicatedInstances")
    if inventory.dedicated_groups:
        bill = _Bill("UseDedicatedGroups", "DedicatedInstance", prices)
        yield bill.add(FCU, "UseDedicatedGroups", "RunDedicatedGroupsInstances")
