"""Estates drawn from a seed: ordinary resources, one of each special case, and any number of further ones."""

import random
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

from sandbox.draw import PROJECTS, Draw
from sandbox.inventory import (
    DedicatedGroup,
    DirectLink,
    FlexibleGpu,
    Inventory,
    LoadBalancer,
    NatService,
    PublicIp,
    Snapshot,
    Tags,
    Vm,
    Volume,
    VpnConnection,
)
from sandbox.regions import Region
from sandbox.specialcases import ADDRESSED, GPUS, IN_THE_GROUP, ODD_TAGS, STATES, VMS

OUTSCALE_ACCOUNT_ID = "999999999999"
"""The owner of what everyone may see."""
_LOAD_BALANCERS_ACCOUNT_ID = "999999999998"
_VM_TYPES = (
    ("tinav6.c2r4p2", "high"),
    ("tinav6.c4r8p2", "high"),
    ("tinav6.c8r32p1", "highest"),
    ("tinav5.c2r4p3", "medium"),
    ("m5.large", "high"),
)
# What a further VM comes with; the last one changes from VM to VM.
_RARE = ("load_balancers", "nat_services", "vpn_connections", "flexible_gpus")

_COLLECTIONS = [field.name for field in fields(Inventory)][2:]


def build(seed: int, region: Region, account_id: str, neighbours: tuple[str, ...] = ()) -> Inventory:
    """Return the estate of an account in a region: always the same for a seed.

    `neighbours` are the accounts that one of its snapshots is shared with.
    """
    estate = _estate(seed, region, account_id)
    estate.ordinary()
    estate.special(neighbours)
    return estate.inventory()


def build_sized(seed: int, region: Region, account_id: str, size: int) -> Inventory:
    """Return an estate of exactly `size` resources; the special cases are among them where there is room."""
    estate = _estate(seed, region, account_id)
    estate.ordinary()
    estate.special(())
    if len(estate) > size:
        estate = _estate(seed, region, account_id)
    estate.fill(size)
    return estate.inventory()


def public_snapshots(seed: int, region: Region) -> tuple[Snapshot, ...]:
    """Return the snapshots that OUTSCALE lets everyone see."""
    draw = Draw(random.Random(f"{seed}/{region.name}/public"), region)
    return tuple(
        replace(draw.snapshot(OUTSCALE_ACCOUNT_ID), is_public=True, account_alias="Outscale", tags=())
        for _ in range(2)
    )


def _estate(seed: int, region: Region, account_id: str) -> "_Estate":
    return _Estate(Draw(random.Random(f"{seed}/{region.name}/{account_id}"), region), region, account_id)


class _Estate:
    """The resources drawn so far, by the names they have in Inventory."""

    def __init__(self, draw: Draw, region: Region, account_id: str) -> None:
        self._draw = draw
        self._region = region
        self._account_id = account_id
        self._net = (draw.id("vpc"), draw.id("subnet"))
        self._owned: dict[str, list[Any]] = {name: [] for name in _COLLECTIONS}

    def __len__(self) -> int:
        return sum(map(len, self._owned.values()))

    def inventory(self) -> Inventory:
        """Return everything drawn."""
        owned = {name: tuple(resources) for name, resources in self._owned.items()}
        return Inventory(self._region.name, self._account_id, **owned)

    def ordinary(self) -> None:
        """Draw a few VMs with their volumes, and what goes with them."""
        random_ = self._draw.random
        vms = [self._add_vm() for _ in range(random_.randint(4, 7))]
        for vm in vms:
            self._add_volume("gp2", vm)
        for vm in vms[::2]:
            self._add_volume(random_.choice(("standard", "gp2", "io1")), vm, device="/dev/xvdb")
        for kind in ("standard", "gp2", "io1"):
            self._add_volume(kind, None)
        for volume in self._owned["volumes"][:3]:
            self._own("snapshots", self._draw.snapshot(self._account_id, volume))
        for _ in range(2):
            self._own("public_ips", self._free_address())
        for _ in range(2):
            self._add_load_balancer(backends=vms[:2])

    def special(self, neighbours: tuple[str, ...]) -> None:
        """Draw one of each special case: `sandbox.specialcases` lists those that need no drawing."""
        group = self._add_group("imagerie-isolee", 5)
        self._add_group("vide", 6)
        vms = {name: self._add_vm(name=name, **facts) for name, facts in VMS.items()}
        for name in IN_THE_GROUP:
            changes = {"tenancy": group.dedicated_group_id, "subregion": group.subregion}
            vms[name] = self._change("vms", vms[name], **changes)
        for state in STATES:
            vms[state] = self._add_vm(name=state, state=state)
        for name, vm in vms.items():
            if vm.state != "terminated":
                self._add_volume("gp2", vm)
            for address in range(ADDRESSED.get(name, 0)):
                self._add_address(vm, is_first=address == 0)
        for model, state, name in GPUS:
            self._add_gpu(model, state, vms.get(name))
        for tags in ODD_TAGS:
            self._add_vm(tags=tags)
            self._own("snapshots", replace(self._draw.snapshot(self._account_id), tags=tags))
        shared = self._draw.snapshot(self._account_id)
        self._own("snapshots", replace(shared, shared_with=neighbours, is_public=not neighbours))
        self._add_network_services()
        self._add_direct_links()

    def fill(self, size: int) -> None:
        """Draw ordinary resources until there are `size`."""
        resources = self._endless()
        while len(self) < size:
            next(resources)

    def _endless(self) -> Iterator[None]:
        """Draw one resource at each step: VMs with volumes, snapshots and addresses, and rarer things."""
        choice = self._draw.random.choice
        number = 0
        while True:
            vm = self._add_vm()
            yield
            yield self._add_volume("gp2", vm)
            data = self._add_volume(choice(("standard", "gp2", "io1")), vm, device="/dev/xvdb")
            yield
            yield self._own("snapshots", self._draw.snapshot(self._account_id, data))
            number += 1
            if number % 3 == 0:
                yield self._add_address(vm, is_first=True)
            if number % 7 == 0:
                yield self._add_volume("standard", None)
                yield self._own("public_ips", self._free_address())
            if number % 20 == 0:
                self._add_rare(_RARE[number // 20 % len(_RARE)], vm)
                yield

    def _add_rare(self, kind: str, vm: Vm) -> None:
        match kind:
            case "load_balancers":
                self._add_load_balancer(backends=[vm])
            case "nat_services":
                self._add_nat("available")
            case "vpn_connections":
                self._add_vpn("available")
            case _:
                self._add_gpu("nvidia-p6", "attached", vm)

    def _add_network_services(self) -> None:
        """Draw NAT services, VPN connections and load balancers in each of their states, and lone NICs."""
        for state in ("available", "deleting", "deleted"):
            self._add_nat(state)
            self._add_vpn(state)
        self._add_vpn("pending")
        self._own("public_ips", self._free_address())
        nat = self._owned["nat_services"][0]
        address = self._change("public_ips", self._owned["public_ips"][-1], nat_service_id=nat.nat_service_id)
        self._change("nat_services", nat, public_ips=((address.public_ip_id, address.address),))
        in_front = self._address_on_nic(_LOAD_BALANCERS_ACCOUNT_ID)
        self._add_load_balancer(public_ip=in_front.address)
        self._address_on_nic(self._account_id)
        self._add_load_balancer(is_internal=True)
        for state in ("reconfiguring", "deleting", "deleted"):
            self._add_load_balancer(state=state)

    def _add_direct_links(self) -> None:
        for speed, state, is_hosted in (
            (1, "available", False),
            (10, "available", True),
            (1, "deleted", False),
        ):
            link = DirectLink(
                direct_link_id=self._draw.id("dxcon"),
                name=f"Siège {speed} Gbps, {'hébergé' if is_hosted else 'propre'} ({state})",
                bandwidth_gbps=speed,
                location=self._region.subregions[0][1],
                state=state,
                created=self._draw.moment(),
                is_hosted=is_hosted,
            )
            self._own("direct_links", link)

    def _add_vm(
        self,
        *,
        name: str = "",
        vm_type: str = "",
        performance: str | None = None,
        product_codes: tuple[str, ...] | None = None,
        tags: Tags | None = None,
        is_in_net: bool = True,
        **facts: str,
    ) -> Vm:
        draw = self._draw
        if not vm_type:
            vm_type, performance = draw.random.choice(_VM_TYPES)
        if product_codes is None:
            product_codes = ("0002",) if draw.random.random() < 0.25 else ("0001",)
        if tags is None:
            tags = (("Name", name), *draw.tags()) if name else draw.tags()
        vm = Vm(
            vm_id=draw.id("i"),
            vm_type=vm_type,
            performance=performance,
            product_codes=product_codes,
            subregion=draw.subregion(),
            created=draw.moment(),
            tags=tags,
            private_ip=draw.private_address(),
            nic_id=draw.id("eni"),
            net_id=self._net[0] if is_in_net else None,
            subnet_id=self._net[1] if is_in_net else None,
            **facts,
        )
        return self._own("vms", vm)

    def _add_volume(self, volume_type: str, vm: Vm | None, device: str = "/dev/sda1") -> Volume:
        draw = self._draw
        size = draw.random.randrange(10, 510, 10)
        volume = Volume(
            volume_id=draw.id("vol"),
            volume_type=volume_type,
            size_gib=size,
            iops=_iops(volume_type, size),
            subregion=vm.subregion if vm else self._region.subregions[0][0],
            created=vm.created if vm else draw.moment(),
            tags=vm.tags if vm else draw.tags(),
            vm_id=vm and vm.vm_id,
            device=device,
        )
        return self._own("volumes", volume)

    def _free_address(self) -> PublicIp:
        draw = self._draw
        return PublicIp(draw.id("eipalloc"), draw.address(), draw.moment(), draw.tags())

    def _add_address(self, vm: Vm, *, is_first: bool) -> None:
        address = replace(self._free_address(), vm_id=vm.vm_id)
        if vm.net_id:
            address = replace(
                address,
                link_id=self._draw.id("eipassoc"),
                nic_id=vm.nic_id,
                nic_account_id=self._account_id,
                private_ip=vm.private_ip if is_first else self._draw.private_address(),
            )
        self._own("public_ips", address)
        if is_first:
            self._change("vms", vm, public_ip=address.address)

    def _address_on_nic(self, nic_account_id: str) -> PublicIp:
        draw = self._draw
        address = replace(
            self._free_address(),
            link_id=draw.id("eipassoc"),
            nic_id=draw.id("eni"),
            nic_account_id=nic_account_id,
            private_ip=draw.private_address(),
        )
        return self._own("public_ips", address)

    def _add_nat(self, state: str) -> None:
        draw = self._draw
        nat = NatService(draw.id("nat"), state, *self._net, (), draw.moment(), draw.tags())
        self._own("nat_services", nat)

    def _add_vpn(self, state: str) -> None:
        draw = self._draw
        gateways = draw.id("cgw"), draw.id("vgw")
        vpn = VpnConnection(draw.id("vpn"), state, *gateways, draw.moment(), draw.tags())
        self._own("vpn_connections", vpn)

    def _add_load_balancer(
        self,
        *,
        state: str = "active",
        is_internal: bool = False,
        public_ip: str | None = None,
        backends: list[Vm] | None = None,
    ) -> None:
        draw = self._draw
        number = len(self._owned["load_balancers"]) + 1
        balancer = LoadBalancer(
            name=f"lb-{draw.random.choice(PROJECTS)}-{number}",
            state=state,
            subregion=draw.subregion(),
            created=draw.moment(),
            tags=draw.tags(),
            is_internal=is_internal,
            public_ip=None if is_internal else public_ip or draw.address(),
            net_id=self._net[0],
            subnet_id=self._net[1],
            backend_vm_ids=tuple(vm.vm_id for vm in backends or ()),
        )
        self._own("load_balancers", balancer)

    def _add_gpu(self, model: str, state: str, vm: Vm | None) -> None:
        draw = self._draw
        gpu = FlexibleGpu(
            flexible_gpu_id=draw.id("fgpu"),
            model=model,
            generation="v5",
            state=state,
            subregion=vm.subregion if vm else draw.subregion(),
            created=draw.moment(),
            tags=draw.tags(),
            vm_id=vm and vm.vm_id,
        )
        self._own("flexible_gpus", gpu)

    def _add_group(self, name: str, cpu_generation: int) -> DedicatedGroup:
        draw = self._draw
        group = DedicatedGroup(draw.id("ded"), name, cpu_generation, draw.subregion(), draw.moment())
        return self._own("dedicated_groups", group)

    def _own(self, kind: str, resource: Any) -> Any:
        self._owned[kind].append(resource)
        return resource

    def _change(self, kind: str, resource: Any, **changes: Any) -> Any:
        """Put a changed resource in the place of one drawn before."""
        changed = replace(resource, **changes)
        owned = self._owned[kind]
        # From the end: what is changed has mostly just been drawn.
        place = next(n for n in range(len(owned) - 1, -1, -1) if owned[n] is resource)
        owned[place] = changed
        return changed


def _iops(volume_type: str, size_gib: int) -> int:
    """Return the IOPS that ReadVolumes shows: chosen for io1, 3 a GiB from 100 for gp2, 100 for standard."""
    if volume_type == "io1":
        return size_gib * 10
    return max(100, size_gib * 3) if volume_type == "gp2" else 100
