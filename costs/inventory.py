"""What an account has in a region: the lists that the cloud can read out, and the facts of each resource.

Only what a price or a table needs is kept of an answer. A resource whose facts have another shape than
OUTSCALE's API describes is kept apart, among the ``unreadable``: it is never left out in silence.
"""

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any

import msgspec

from accounts.errors import CloudError, kind_of
from accounts.transport import exact_list


class ResourceType(StrEnum):
    """The kinds of resource that cost money, named as osc-cost does, and ``DirectLink``."""

    VM = "Vm"
    VOLUME = "Volume"
    SNAPSHOT = "Snapshot"
    PUBLIC_IP = "PublicIp"
    NAT_SERVICE = "NatServices"
    LOAD_BALANCER = "LoadBalancer"
    VPN_CONNECTION = "Vpn"
    FLEXIBLE_GPU = "FlexibleGpu"
    DEDICATED_INSTANCE = "DedicatedInstance"
    DIRECT_LINK = "DirectLink"
    OBJECT_STORAGE = "Oos"


Count = Annotated[int, msgspec.Meta(ge=0, le=10**12)]
"""A number of GiB, cores or IOPS; more than any resource has is a damaged answer."""


class Facts(msgspec.Struct, rename="pascal", omit_defaults=True, gc=False):
    """What is kept of one resource, under OUTSCALE's own names."""


class Tag(Facts):
    """One tag; OUTSCALE allows an empty value."""

    key: str
    value: str = ""


class Tagged(Facts, kw_only=True):
    """A resource that carries tags."""

    tags: list[Tag] | None = None


class Placement(Facts):
    """Where a VM runs; ``tenancy`` is ``default``, ``dedicated`` or the id of a dedicated group."""

    subregion_name: str = ""
    tenancy: str = "default"


class Vm(Tagged):
    """A VM of ReadVms."""

    vm_id: str
    vm_type: str
    state: str
    performance: str | None = None
    product_codes: list[str] | None = None
    placement: Placement | None = None
    public_ip: str | None = None


class Volume(Tagged):
    """A volume of ReadVolumes; ``size`` in GiB. ``iops`` is there for every type, and billed for io1 only."""

    volume_id: str
    volume_type: str
    size: Count
    iops: Count | None = None
    state: str = ""
    subregion_name: str = ""


class Snapshot(Tagged):
    """A snapshot of ReadSnapshots; ``volume_size`` in GiB is the size of its volume, not what it stores."""

    snapshot_id: str
    volume_size: Count
    account_id: str = ""
    state: str = ""


class PublicIp(Tagged):
    """An address of ReadPublicIps. ``nat_service_id`` is unset in answers older than version 1.41."""

    public_ip: str
    public_ip_id: str = ""
    vm_id: str | None = None
    nic_id: str | None = None
    link_public_ip_id: str | None = None
    nat_service_id: str | msgspec.UnsetType | None = msgspec.UNSET


class NatAddress(Facts):
    """A public IP as a NAT service names it."""

    public_ip: str = ""
    public_ip_id: str = ""


class NatService(Tagged):
    """A NAT service of ReadNatServices."""

    nat_service_id: str
    state: str = ""
    public_ips: list[NatAddress] | None = None


class LoadBalancer(Tagged):
    """A load balancer of ReadLoadBalancers; its name is its id."""

    load_balancer_name: str
    load_balancer_type: str = ""
    state: str = ""
    subregion_names: list[str] | None = None


class VpnConnection(Tagged):
    """A VPN connection of ReadVpnConnections."""

    vpn_connection_id: str
    state: str = ""


class FlexibleGpu(Tagged):
    """A flexible GPU of ReadFlexibleGpus."""

    flexible_gpu_id: str
    model_name: str
    state: str
    subregion_name: str = ""


class DedicatedGroup(Facts):
    """A group of VMs on hardware of their own, of ReadDedicatedGroups."""

    dedicated_group_id: str
    subregion_name: str = ""


class DirectLink(Facts):
    """A DirectLink of ReadDirectLinks; ``bandwidth`` reads ``1Gbps``."""

    direct_link_id: str
    bandwidth: str
    direct_link_name: str = ""
    state: str = ""


class VmSize(Facts):
    """What ReadVmTypes tells of an AWS-style type: cores and GiB, but neither generation nor performance."""

    vm_type_name: str
    vcore_count: Count
    memory_size: Decimal


class Bucket(Facts):
    """A bucket of the object storage, with the number and the bytes of the objects listed in it.

    ``problem`` is the code of the error that kept them from being listed.
    """

    name: str
    objects: int = 0
    size: int = 0
    problem: str = ""


class Unreadable(Facts):
    """A resource of which the cloud said something that its API does not describe."""

    resource_id: str
    call: str
    problem: str


class Missing(msgspec.Struct, frozen=True, omit_defaults=True):
    """A list that could not be read, and why: our error's ``code``, and OUTSCALE's own where it sent one.

    ``detail`` is the bucket, where only one of several could not be listed.
    """

    call: str
    code: str
    cloud_code: str = ""
    detail: str = ""

    @classmethod
    def of(cls, error: CloudError, *, call: str = "", detail: str = "") -> "Missing":
        """Return what ``error`` left out."""
        return cls(call or error.call, error.code, error.cloud_code, detail)

    @property
    def error(self) -> CloudError:
        """The error again, with its message for people."""
        return kind_of(self.code)(self.call, cloud_code=self.cloud_code)


class Inventory(msgspec.Struct, omit_defaults=True):
    """Everything that was read of an account in a region, what could not be, and what nobody understands."""

    vms: list[Vm] = []
    volumes: list[Volume] = []
    snapshots: list[Snapshot] = []
    public_ips: list[PublicIp] = []
    nat_services: list[NatService] = []
    load_balancers: list[LoadBalancer] = []
    vpn_connections: list[VpnConnection] = []
    flexible_gpus: list[FlexibleGpu] = []
    dedicated_groups: list[DedicatedGroup] = []
    direct_links: list[DirectLink] = []
    vm_sizes: list[VmSize] = []
    buckets: list[Bucket] = []
    unreadable: list[Unreadable] = []
    missing: list[Missing] = []
    read: list[str] = []
    """The calls that were read to their last page."""

    def __len__(self) -> int:
        return sum(len(getattr(self, source.field)) for source in SOURCES.values()) + len(self.buckets)


@dataclass(frozen=True)
class Source:
    """One list that the cloud reads out: the ``call``, the ``key`` of its answer, what stands in it.

    ``field`` is where it stands in an ``Inventory``; ``resource_type`` the kind of resource that is missing
    when the call fails. A list that is ``shared`` also names resources of other accounts, unless it is asked
    for one account's (OUTSCALE ReadSnapshots).
    """

    call: str
    key: str
    field: str
    facts: type[Facts]
    resource_type: ResourceType
    is_paginated: bool = True
    shared: bool = False

    def params(self, account_id: str) -> dict[str, Any]:
        """Return what to ask besides the page."""
        return {"Filters": {"AccountIds": [account_id]}} if self.shared else {}

    @cached_property
    def _decoder(self) -> msgspec.json.Decoder:
        return msgspec.json.Decoder(list[self.facts])

    def note(self, page: bytes, inventory: Inventory) -> int:
        """Add the resources of a list, which is JSON text, to ``inventory``; return how many they are.

        Those that are not understood go among its ``unreadable``. Raises ``ValueError`` when the text is no
        list.
        """
        facts, unreadable = getattr(inventory, self.field), inventory.unreadable
        before = len(facts) + len(unreadable)
        try:
            facts += self._decoder.decode(page)
        except (ValueError, RecursionError):  # something in it is odd: look at each resource by itself
            for item in exact_list(page):
                self._note_item(item, inventory)
        return len(facts) + len(unreadable) - before

    def _note_item(self, item: Any, inventory: Inventory) -> None:
        try:
            getattr(inventory, self.field).append(msgspec.convert(item, self.facts))
        except msgspec.ValidationError as error:
            problem = Unreadable(resource_id=self._id_of(item), call=self.call, problem=str(error)[:200])
            inventory.unreadable.append(problem)

    def drop(self, inventory: Inventory) -> None:
        """Take back the pages of a list whose last page never came: a half list looks like a whole one."""
        getattr(inventory, self.field).clear()
        inventory.unreadable[:] = [one for one in inventory.unreadable if one.call != self.call]

    def _id_of(self, item: Any) -> str:
        """Return the id of a resource that cannot be read; the id is the first of its required facts."""
        fields = msgspec.structs.fields(self.facts)
        found = (
            item.get(next(one.encode_name for one in fields if one.required))
            if isinstance(item, dict)
            else None
        )
        return found if isinstance(found, str) and found else _NAMELESS


SOURCES = {
    source.call: source
    for source in (
        Source("ReadVms", "Vms", "vms", Vm, ResourceType.VM),
        Source("ReadVolumes", "Volumes", "volumes", Volume, ResourceType.VOLUME),
        Source("ReadSnapshots", "Snapshots", "snapshots", Snapshot, ResourceType.SNAPSHOT, shared=True),
        Source("ReadPublicIps", "PublicIps", "public_ips", PublicIp, ResourceType.PUBLIC_IP),
        Source("ReadNatServices", "NatServices", "nat_services", NatService, ResourceType.NAT_SERVICE),
        Source(
            "ReadLoadBalancers",
            "LoadBalancers",
            "load_balancers",
            LoadBalancer,
            ResourceType.LOAD_BALANCER,
            is_paginated=False,
        ),
        Source(
            "ReadVpnConnections",
            "VpnConnections",
            "vpn_connections",
            VpnConnection,
            ResourceType.VPN_CONNECTION,
        ),
        Source(
            "ReadFlexibleGpus",
            "FlexibleGpus",
            "flexible_gpus",
            FlexibleGpu,
            ResourceType.FLEXIBLE_GPU,
            is_paginated=False,
        ),
        Source(
            "ReadDedicatedGroups",
            "DedicatedGroups",
            "dedicated_groups",
            DedicatedGroup,
            ResourceType.DEDICATED_INSTANCE,
        ),
        Source("ReadDirectLinks", "DirectLinks", "direct_links", DirectLink, ResourceType.DIRECT_LINK),
    )
}
"""The lists of every reading, by call. Those with pages must be asked in pages, the others must not."""

VM_TYPES = Source("ReadVmTypes", "VmTypes", "vm_sizes", VmSize, ResourceType.VM)
"""Read only where a VM has an AWS-style type whose size the portal does not know."""

OBJECTS = "ListObjectsV2"
"""The call that stands for the object storage (S3) in a reading; it needs ``ListBuckets`` first."""

LISTS = (*SOURCES, OBJECTS)
"""The calls that list resources, in the order in which they are shown."""

RESOURCE_TYPE_OF = {source.call: source.resource_type for source in (*SOURCES.values(), VM_TYPES)} | {
    OBJECTS: ResourceType.OBJECT_STORAGE
}
"""The kind of resource that lacks something when a call fails."""

_NAMELESS = "?"
_FEES_OF = {"ReadVms": {ResourceType.DEDICATED_INSTANCE}}
_NEEDED_FOR_PRICES = {
    "ReadVms": {ResourceType.PUBLIC_IP},
    "ReadNatServices": {ResourceType.PUBLIC_IP},
}


def counted_by(call: str) -> set[ResourceType]:
    """Return the kinds of resource whose number nobody knows without the list of ``call``."""
    return {RESOURCE_TYPE_OF[call]} | _FEES_OF.get(call, set())


def affected_by(call: str) -> set[ResourceType]:
    """Return the kinds of resource that lack something, a price at least, without the list of ``call``."""
    return counted_by(call) | _NEEDED_FOR_PRICES.get(call, set())


def nameless_id(number: int) -> str:
    """Return what stands for the id of the resource of that number among those without a readable one."""
    return f"{_NAMELESS}{number}"


def is_nameless(resource_id: str) -> bool:
    """Tell whether a resource has no readable id, so that nobody can find it again in another reading."""
    return resource_id.startswith(_NAMELESS)


def calls_for(skipped: Collection[ResourceType]) -> list[str]:
    """Return the calls of a reading without the ``skipped`` kinds, the object storage among them.

    A list stays that the price of another kind depends on.
    """
    return [call for call in LISTS if not affected_by(call) <= set(skipped)]
