"""What everything that an account has costs now: the facts of an inventory, priced by the rules.

Amounts exclude tax and are in the currency of the price list. What cannot be priced keeps its line, with the
known part of its price and the reason why the rest is unknown.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from decimal import Context, Decimal
from functools import cached_property
from itertools import count

import msgspec

from costs import billing, pricing
from costs.assumptions import Assumption
from costs.billing import AddressUse, Remark
from costs.inventory import (
    LISTS,
    RESOURCE_TYPE_OF,
    Bucket,
    DirectLink,
    FlexibleGpu,
    Inventory,
    LoadBalancer,
    NatService,
    PublicIp,
    ResourceType,
    Snapshot,
    Tag,
    Vm,
    Volume,
    VpnConnection,
    is_nameless,
    nameless_id,
)
from costs.lines import Cost, Line, Problem, ProblemKind, Tally
from costs.pricelist import PriceKey, PriceList
from costs.pricing import Price
from costs.vmtypes import UnknownVmType, VmShape, is_unlisted, shape_of

_BYTES_PER_GIB = 2**30
_EXACT_GIB = Context(prec=60)  # a byte is 30 decimals of a GiB
_BANDWIDTH = re.compile(r"(\d{1,4})\s*Gbps", re.IGNORECASE | re.ASCII)
_MOST_GIB = 1_000_000  # more than any machine has: above it, the answer is taken for damaged
_GROUP = re.compile(r"ded-.+")


def evaluate(inventory: Inventory, prices: PriceList) -> tuple[list[Line], list[Cost]]:
    """Return a line for each resource of ``inventory``, and the costs that the lines point into."""
    evaluation = _Evaluation(inventory, prices)
    return list(evaluation.lines()), evaluation.costs


class _Evaluation:
    """Prices an inventory; equal facts are priced once."""

    def __init__(self, inventory: Inventory, prices: PriceList) -> None:
        self._inventory = inventory
        self._prices = prices
        self._places: dict[object, int] = {}
        self.costs: list[Cost] = []

    def lines(self) -> Iterator[Line]:
        """Yield the resources, kind by kind, in the cloud's order."""
        inventory = self._inventory
        yield from map(self._vm, inventory.vms)
        yield from map(self._volume, inventory.volumes)
        yield from map(self._snapshot, inventory.snapshots)
        yield from map(self._public_ip, inventory.public_ips)
        yield from map(self._nat_service, inventory.nat_services)
        yield from map(self._load_balancer, inventory.load_balancers)
        yield from map(self._vpn_connection, inventory.vpn_connections)
        yield from map(self._flexible_gpu, inventory.flexible_gpus)
        yield from map(self._direct_link, inventory.direct_links)
        yield from map(self._bucket, inventory.buckets)
        yield from self._fees()
        yield from self._unreadable()

    def _cost(self, facts: object, cost_of: Callable[[], Cost]) -> int:
        """Return the place of the cost of a resource with these ``facts``, which alone decide it."""
        place = self._places.get(facts)
        if place is None:
            place = self._places[facts] = len(self.costs)
            self.costs.append(cost_of())
        return place

    def _line(
        self,
        type_: ResourceType,
        resource_id: str,
        cost: int,
        *,
        tags: Iterable[Tag] | None = (),
        name: str = "",
        state: str = "",
        subregion: str = "",
        specification: str = "",
    ) -> Line:
        labels = {tag.key: tag.value for tag in tags or ()}
        place = subregion or self._prices.region
        name = labels.get("Name") or name
        return Line(resource_id, type_, name, place, state, specification, labels, cost)

    # --- VMs

    @cached_property
    def _sizes(self) -> dict[str, tuple[int, Decimal]]:
        told = self._inventory.vm_sizes
        return {
            size.vm_type_name: (size.vcore_count, size.memory_size)
            for size in told
            if size.memory_size.is_finite() and 0 < size.memory_size < _MOST_GIB and size.vcore_count
        }

    def _vm(self, vm: Vm) -> Line:
        codes = tuple(vm.product_codes or ())
        tenancy = vm.placement.tenancy if vm.placement else "default"
        facts = (vm.vm_type, vm.performance, vm.state, codes, tenancy)
        performance = "" if "p" in vm.vm_type.partition(".")[2] else vm.performance
        is_bare_tina = vm.vm_type.startswith("tina") and performance
        return self._line(
            ResourceType.VM,
            vm.vm_id,
            self._cost(facts, lambda: self._vm_cost(*facts)),
            tags=vm.tags,
            state=vm.state,
            subregion=vm.placement.subregion_name if vm.placement else "",
            specification=f"{vm.vm_type} {performance}" if is_bare_tina else vm.vm_type,
        )

    def _vm_cost(
        self, vm_type: str, performance: str | None, state: str, codes: tuple[str, ...], tenancy: str
    ) -> Cost:
        tally = Tally()
        try:
            is_billed, note = billing.vm_is_billed(state)
        except billing.UnknownState:
            tally.problem(ProblemKind.STATE_UNKNOWN, state)
            return tally.cost()
        tally.note(note)
        if is_billed:
            shape = self._shape(vm_type, performance, tally)
            if shape:
                self._add_compute(shape, tenancy, tally)
            for code in codes:
                self._add_licence(code, shape, tally)
        return tally.cost()

    def _shape(self, vm_type: str, performance: str | None, tally: Tally) -> VmShape | None:
        try:
            shape = shape_of(vm_type, performance=performance, sizes=self._sizes)
        except UnknownVmType:
            tally.problem(ProblemKind.VM_TYPE_UNKNOWN, vm_type)
            return None
        if is_unlisted(vm_type):
            tally.note(Assumption.CONVERTED_SIZE)
        return shape

    def _add_compute(self, shape: VmShape, tenancy: str, tally: Tally) -> None:
        cores = tally.add(lambda: pricing.vcores(shape, self._prices))
        memory = tally.add(lambda: pricing.memory(shape, self._prices))
        key = self._surplus_key(tenancy, tally)
        known = [price for price in (cores, memory) if price]
        if key and known:
            tally.add(lambda: pricing.dedicated_surplus(pricing.joined(known), self._prices, key=key))

    def _surplus_key(self, tenancy: str, tally: Tally) -> PriceKey | None:
        if tenancy == "dedicated":
            return pricing.DEDICATED_SURPLUS
        if _GROUP.fullmatch(tenancy):
            return pricing.DEDICATED_GROUP_SURPLUS
        if tenancy not in ("", "default"):
            tally.problem(ProblemKind.TENANCY_UNKNOWN, tenancy)
        return None

    def _add_licence(self, code: str, shape: VmShape | None, tally: Tally) -> None:
        if shape is None and pricing.depends_on_cores(code):
            tally.problem(ProblemKind.LICENCE_NEEDS_CORES, code)
        else:
            tally.add(lambda: pricing.licence(code, shape.vcores if shape else 0, self._prices))

    # --- Storage

    def _volume(self, volume: Volume) -> Line:
        # The IOPS of other types are what they happen to perform, and are not billed.
        iops = volume.iops if volume.volume_type == "io1" else None
        facts = (volume.volume_type, volume.size, iops, volume.state)
        size = f"{volume.volume_type}, {volume.size} GiB"
        return self._line(
            ResourceType.VOLUME,
            volume.volume_id,
            self._cost((Volume, *facts), lambda: self._volume_cost(*facts)),
            tags=volume.tags,
            state=volume.state,
            subregion=volume.subregion_name,
            specification=size if iops is None else f"{size}, {iops} IOPS",
        )

    def _volume_cost(self, volume_type: str, size: int, iops: int | None, state: str) -> Cost:
        tally = Tally()
        try:
            is_billed, note = billing.volume_is_billed(state)
        except billing.UnknownState:
            tally.problem(ProblemKind.STATE_UNKNOWN, state)
            return tally.cost()
        tally.note(note)
        if not is_billed:
            return tally.cost()
        tally.add(lambda: pricing.volume_size(volume_type, Decimal(size), self._prices))
        if iops is not None:
            tally.add(lambda: pricing.provisioned_iops(iops, self._prices))
        elif volume_type == "io1":
            tally.problem(ProblemKind.IOPS_UNKNOWN, volume_type)
        return tally.cost()

    def _snapshot(self, snapshot: Snapshot) -> Line:
        size = snapshot.volume_size
        price = pricing.snapshot
        return self._line(
            ResourceType.SNAPSHOT,
            snapshot.snapshot_id,
            self._cost((Snapshot, size), lambda: _cost_of(lambda: price(Decimal(size), self._prices))),
            tags=snapshot.tags,
            state=snapshot.state,
            specification=f"{size} GiB",
        )

    def _bucket(self, bucket: Bucket) -> Line:
        gib = _EXACT_GIB.divide(Decimal(bucket.size), _BYTES_PER_GIB)
        cost = _cost_of(lambda: pricing.object_storage(gib, self._prices))
        cost = msgspec.structs.replace(cost, noted=(Assumption.OBJECTS_LISTED.value, *cost.noted))
        if bucket.problem:
            cost = Cost(problems=(Problem(ProblemKind.NOT_LISTED, bucket.problem),))
        return self._line(
            ResourceType.OBJECT_STORAGE,
            bucket.name,
            self._cost((Bucket, bucket.name), lambda: cost),
            specification="" if bucket.problem else f"{bucket.size} bytes, {bucket.objects} objects",
        )

    # --- Network

    @cached_property
    def _vms(self) -> dict[str, Vm]:
        return {vm.vm_id: vm for vm in self._inventory.vms}

    @cached_property
    def _gone_nat_services(self) -> set[str]:
        return {nat.nat_service_id for nat in self._inventory.nat_services if billing.is_gone(nat.state)}

    @cached_property
    def _nat_addresses(self) -> set[str]:
        gone = self._gone_nat_services
        present = (nat for nat in self._inventory.nat_services if nat.nat_service_id not in gone)
        addresses = (one for nat in present for one in nat.public_ips or ())
        return {name for one in addresses for name in (one.public_ip_id, one.public_ip) if name}

    def _public_ip(self, address: PublicIp) -> Line:
        use = self._use_of(address)
        key = use.price_key(in_net=bool(address.link_public_ip_id)) if isinstance(use, AddressUse) else None

        def cost() -> Cost:
            tally = Tally()
            if isinstance(use, Problem):
                tally.problem(use.kind, use.detail)
            else:
                tally.note(use.note)
            if key:
                tally.add(lambda: pricing.public_ip(key, self._prices))
            return tally.cost()

        return self._line(
            ResourceType.PUBLIC_IP,
            address.public_ip_id or address.public_ip,
            self._cost((PublicIp, use, key), cost),
            tags=address.tags,
            name=address.public_ip,
            specification=address.public_ip,
        )

    def _use_of(self, address: PublicIp) -> AddressUse | Problem:
        names = {address.public_ip, address.public_ip_id}
        nat = address.nat_service_id or msgspec.UNSET
        is_of_nat = nat is not msgspec.UNSET and nat not in self._gone_nat_services
        if is_of_nat or names & self._nat_addresses:
            return AddressUse.OF_NAT_SERVICE
        if address.vm_id:
            return self._use_by_vm(address)
        if address.nat_service_id is msgspec.UNSET and self._lacks_nat_services:
            return Problem(ProblemKind.NEEDS_LIST, "ReadNatServices")
        is_linked = address.nic_id or address.link_public_ip_id
        return AddressUse.WITHOUT_VM if is_linked else AddressUse.UNUSED

    @cached_property
    def _lacks_nat_services(self) -> bool:
        unreadable = any(one.call == "ReadNatServices" for one in self._inventory.unreadable)
        return unreadable or self._is_missing("ReadNatServices")

    def _use_by_vm(self, address: PublicIp) -> AddressUse | Problem:
        vm = self._vms.get(address.vm_id)
        if vm is None:
            return self._use_by_absent_vm(address.vm_id)
        try:
            runs, _note = billing.vm_is_billed(vm.state)
        except billing.UnknownState:
            return Problem(ProblemKind.STATE_UNKNOWN, vm.state)
        if not runs:
            return AddressUse.OF_IDLE_VM
        return AddressUse.FIRST if vm.public_ip == address.public_ip else AddressUse.FURTHER

    def _use_by_absent_vm(self, vm_id: str) -> AddressUse | Problem:
        """Return the use of an address whose VM is not in the list: what is not there does not run."""
        if self._is_missing("ReadVms"):
            return Problem(ProblemKind.NEEDS_LIST, "ReadVms")
        unreadable = (one.resource_id for one in self._inventory.unreadable if one.call == "ReadVms")
        if any(one == vm_id or is_nameless(one) for one in unreadable):
            return Problem(ProblemKind.NEEDS_LIST, vm_id)
        return AddressUse.OF_IDLE_VM

    def _is_missing(self, call: str) -> bool:
        return any(missing.call == call for missing in self._inventory.missing)

    def _nat_service(self, nat: NatService) -> Line:
        cost = self._service(NatService, nat.state, pricing.nat_service)
        return self._line(ResourceType.NAT_SERVICE, nat.nat_service_id, cost, tags=nat.tags, state=nat.state)

    def _load_balancer(self, balancer: LoadBalancer) -> Line:
        return self._line(
            ResourceType.LOAD_BALANCER,
            balancer.load_balancer_name,
            self._service(LoadBalancer, balancer.state, pricing.load_balancer),
            tags=balancer.tags,
            name=balancer.load_balancer_name,
            state=balancer.state,
            subregion=_only(balancer.subregion_names),
            specification=balancer.load_balancer_type,
        )

    def _vpn_connection(self, vpn: VpnConnection) -> Line:
        cost = self._service(VpnConnection, vpn.state, pricing.vpn_connection)
        return self._line(
            ResourceType.VPN_CONNECTION, vpn.vpn_connection_id, cost, tags=vpn.tags, state=vpn.state
        )

    def _service(self, kind: type, state: str, price: Callable[[PriceList], Price]) -> int:
        is_gone = billing.is_gone(state)
        return self._cost(
            (kind, is_gone), lambda: _FREE_IN_STATE if is_gone else _cost_of(lambda: price(self._prices))
        )

    def _direct_link(self, link: DirectLink) -> Line:
        is_gone = billing.is_gone(link.state)

        def cost() -> Cost:
            bandwidth = _BANDWIDTH.fullmatch(link.bandwidth)
            if is_gone:
                return _FREE_IN_STATE
            if not bandwidth:
                return Cost(problems=(Problem(ProblemKind.BANDWIDTH_UNKNOWN, link.bandwidth),))
            known = _cost_of(lambda: pricing.direct_link(f"{bandwidth[1]}G", self._prices, hosted=False))
            return msgspec.structs.replace(known, noted=(Assumption.DIRECT_LINK_OWN.value, *known.noted))

        return self._line(
            ResourceType.DIRECT_LINK,
            link.direct_link_id,
            self._cost((DirectLink, link.bandwidth, is_gone), cost),
            name=link.direct_link_name,
            state=link.state,
            specification=link.bandwidth,
        )

    # --- GPUs and dedicated hardware

    def _flexible_gpu(self, gpu: FlexibleGpu) -> Line:
        def cost() -> Cost:
            try:
                state = billing.gpu_state(gpu.state)
            except billing.UnknownState:
                return Cost(problems=(Problem(ProblemKind.STATE_UNKNOWN, gpu.state),))
            return _cost_of(lambda: pricing.flexible_gpu(gpu.model_name, self._prices, state=state))

        return self._line(
            ResourceType.FLEXIBLE_GPU,
            gpu.flexible_gpu_id,
            self._cost((FlexibleGpu, gpu.model_name, gpu.state), cost),
            tags=gpu.tags,
            state=gpu.state,
            subregion=gpu.subregion_name,
            specification=gpu.model_name,
        )

    def _fees(self) -> Iterator[Line]:
        """Yield the fees of the dedicated services, each once for the account and region while it is used."""
        dedicated = [vm for vm in self._inventory.vms if vm.placement and vm.placement.tenancy == "dedicated"]
        if any(vm.state != "terminated" for vm in dedicated):
            yield self._fee("UseDedicated", pricing.use_of_dedicated)
        if self._inventory.dedicated_groups:
            yield self._fee("UseDedicatedGroups", pricing.use_of_dedicated_groups)

    def _fee(self, name: str, price: Callable[[PriceList], Price]) -> Line:
        cost = self._cost(
            (ResourceType.DEDICATED_INSTANCE, name), lambda: _cost_of(lambda: price(self._prices))
        )
        return self._line(ResourceType.DEDICATED_INSTANCE, name, cost, specification=name)

    def _unreadable(self) -> Iterator[Line]:
        nameless = count(1)
        for unreadable in self._inventory.unreadable:
            if unreadable.call not in LISTS:  # a VM type is no resource
                continue
            problem = Problem(ProblemKind.NOT_UNDERSTOOD, unreadable.problem)
            cost = self._cost(problem, lambda problem=problem: Cost(problems=(problem,)))
            resource_id = unreadable.resource_id
            if is_nameless(resource_id):
                resource_id = nameless_id(next(nameless))
            yield self._line(RESOURCE_TYPE_OF[unreadable.call], resource_id, cost)


_FREE_IN_STATE = Cost(noted=(Remark.STATE_FREE.value,))


def _cost_of(price_of: Callable[[], Price]) -> Cost:
    tally = Tally()
    tally.add(price_of)
    return tally.cost()


def _only(names: list[str] | None) -> str:
    """Return the one name; what is in several subregions belongs to none of them."""
    return names[0] if names and len(names) == 1 else ""
