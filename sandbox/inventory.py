"""What an account owns in a region, kind by kind; `sandbox.estates` draws it, the calls show it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

BILLED_STATES = ("running", "stopping", "shutting-down")
"""States of a VM whose cores, memory and licences are consumed; that the last two are is an assumption."""
GONE_STATES = ("deleting", "deleted")
"""States of a NAT service, a VPN connection or a load balancer that consumes no more."""

Tags = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Vm:
    """One VM; `product_codes` are the codes of its licences.

    `performance` is the field of that name, which a type without `p` needs. `tenancy` is `default`,
    `dedicated` or the id of a dedicated group. A VM outside any Net has no `net_id` and no `subnet_id`.
    """

    vm_id: str
    vm_type: str
    product_codes: tuple[str, ...]
    subregion: str
    created: datetime
    tags: Tags
    private_ip: str
    nic_id: str
    state: str = "running"
    performance: str | None = None
    tenancy: str = "default"
    public_ip: str | None = None
    net_id: str | None = None
    subnet_id: str | None = None

    @property
    def is_billed(self) -> bool:
        """Whether its cores, memory and licences are consumed now."""
        return self.state in BILLED_STATES


@dataclass(frozen=True)
class Volume:
    """One volume; `iops` is what it performs, billed for io1 only; `vm_id` is the VM it is attached to."""

    volume_id: str
    volume_type: str
    size_gib: int
    iops: int
    subregion: str
    created: datetime
    tags: Tags
    vm_id: str | None
    device: str


@dataclass(frozen=True)
class Snapshot:
    """One snapshot; `stored_gib` is what is billed, which the API never tells.

    `shared_with` are the accounts that may see it besides its owner; everyone may when `is_public`.
    """

    snapshot_id: str
    stored_gib: Decimal
    created: datetime
    account_id: str
    volume_id: str
    volume_size_gib: int
    tags: Tags = ()
    shared_with: tuple[str, ...] = ()
    is_public: bool = False
    account_alias: str | None = None


@dataclass(frozen=True)
class PublicIp:
    """One public IP, used by a VM, a NIC (its own or a load balancer's), a NAT service, or by nothing.

    `link_id` is there for what is used in a Net; an address of a VM outside any Net has none.
    """

    public_ip_id: str
    address: str
    created: datetime
    tags: Tags = ()
    vm_id: str | None = None
    nic_id: str | None = None
    nic_account_id: str | None = None
    nat_service_id: str | None = None
    private_ip: str | None = None
    link_id: str | None = None


@dataclass(frozen=True)
class NatService:
    """One NAT service; `public_ips` are the ids and addresses of its public IPs."""

    nat_service_id: str
    state: str
    net_id: str
    subnet_id: str
    public_ips: tuple[tuple[str, str], ...]
    created: datetime
    tags: Tags = ()


@dataclass(frozen=True)
class LoadBalancer:
    """One load balancer; its name is its only id."""

    name: str
    state: str
    subregion: str
    created: datetime
    tags: Tags
    is_internal: bool = False
    public_ip: str | None = None
    net_id: str | None = None
    subnet_id: str | None = None
    backend_vm_ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class VpnConnection:
    """One VPN connection."""

    vpn_connection_id: str
    state: str
    client_gateway_id: str
    virtual_gateway_id: str
    created: datetime
    tags: Tags = ()


@dataclass(frozen=True)
class FlexibleGpu:
    """One flexible GPU; `vm_id` is the VM it is attached to, or about to be."""

    flexible_gpu_id: str
    model: str
    generation: str
    state: str
    subregion: str
    created: datetime
    tags: Tags = ()
    vm_id: str | None = None


@dataclass(frozen=True)
class DedicatedGroup:
    """One group of VMs that share hardware with no other group."""

    dedicated_group_id: str
    name: str
    cpu_generation: int
    subregion: str
    created: datetime


@dataclass(frozen=True)
class DirectLink:
    """One DirectLink, of 1 or 10 Gbps. That it is hosted changes its bill, but the API never tells."""

    direct_link_id: str
    name: str
    bandwidth_gbps: int
    location: str
    state: str
    created: datetime
    is_hosted: bool = False


@dataclass(frozen=True)
class Inventory:
    """Everything of one account in one region."""

    region: str
    account_id: str
    vms: tuple[Vm, ...] = ()
    volumes: tuple[Volume, ...] = ()
    snapshots: tuple[Snapshot, ...] = ()
    public_ips: tuple[PublicIp, ...] = ()
    nat_services: tuple[NatService, ...] = ()
    load_balancers: tuple[LoadBalancer, ...] = ()
    vpn_connections: tuple[VpnConnection, ...] = ()
    flexible_gpus: tuple[FlexibleGpu, ...] = ()
    dedicated_groups: tuple[DedicatedGroup, ...] = ()
    direct_links: tuple[DirectLink, ...] = ()

    def __len__(self) -> int:
        return sum(len(value) for value in vars(self).values() if isinstance(value, tuple))


def is_first_address(address: PublicIp, vm: Vm) -> bool:
    """Tell whether an address is the one that a VM shows as its own, which is free while the VM runs."""
    return address.vm_id == vm.vm_id and address.address == vm.public_ip
