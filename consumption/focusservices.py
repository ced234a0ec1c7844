"""What FOCUS calls the services of OUTSCALE: our own table, for neither OUTSCALE nor FOCUS publishes one.

Source of the allowed categories and units: FOCUS 1.2, ServiceCategory, ServiceSubcategory, UnitFormat. A
ServiceName has one category and one subcategory, as FOCUS asks, so that what OUTSCALE sells under one service
(TinaOS-FCU: VMs, volumes, addresses …) has several names here. Names are for programs and never translated.
"""

import re
from dataclasses import dataclass

from costs.pricelist import FCU, PriceKey, Unit, product_code
from costs.products import KnownProduct
from costs.vmtypes import UnknownVmType, shape_of

PROVIDER = "OUTSCALE"
MARKETPLACE = "OUTSCALE Marketplace"
"""The publisher of a product of the marketplace whose vendor is not in our table."""

USAGE_BASED, RECURRING = "Usage-Based", "Recurring"

_LBU, _OOS, _OKS = "TinaOS-LBU", "TinaOS-OOS", "OKS"
_DIRECT_LINK, _HOSTED_DIRECT_LINK, _MARKETPLACE = (
    "TinaOS-DirectLink",
    "TinaOS-HostedDirectLink",
    "Marketplace",
)


@dataclass(frozen=True)
class FocusService:
    """A service in the words of FOCUS."""

    name: str
    category: str
    subcategory: str


VIRTUAL_MACHINES = FocusService("Flexible Compute Unit (FCU)", "Compute", "Virtual Machines")
FLEXIBLE_GPU = FocusService("Flexible GPU (fGPU)", "Compute", "Other (Compute)")
KUBERNETES = FocusService("OUTSCALE Kubernetes as a Service (OKS)", "Compute", "Containers")
VOLUMES = FocusService("Block Storage Unit (BSU)", "Storage", "Block Storage")
SNAPSHOTS = FocusService("BSU Snapshots", "Storage", "Backup Storage")
OBJECT_STORAGE = FocusService("OUTSCALE Object Storage (OOS)", "Storage", "Object Storage")
LOAD_BALANCERS = FocusService("Load Balancing Unit (LBU)", "Networking", "Network Routing")
VPN = FocusService("VPN", "Networking", "Network Connectivity")
DIRECT_LINK = FocusService("DirectLink", "Networking", "Network Connectivity")
NAT = FocusService("NAT Service", "Networking", "Network Connectivity")
PUBLIC_IPS = FocusService("Public IP", "Networking", "Other (Networking)")
TRAFFIC = FocusService("Data Transfer", "Networking", "Other (Networking)")
APPLICATIONS = FocusService("Marketplace", "Other", "Other (Other)")
OTHER = FocusService("Other OUTSCALE Services", "Other", "Other (Other)")
"""What we do not know: it is in the file all the same."""


@dataclass(frozen=True)
class _Family:
    """Products of one service whose type starts alike; one that ends with a colon varies after it."""

    service: str
    start: str
    focus: FocusService
    resource_type: str
    frequency: str = USAGE_BASED
    operation: str = ""
    """The one operation that is meant; any other when empty."""

    def holds(self, key: PriceKey) -> bool:
        is_same = key.service == self.service and self.operation in ("", key.operation)
        # A licence is ProductUsage alone in the catalog, and ProductUsage:TYPE in the consumption.
        return is_same and f"{key.type}:".startswith(self.start)


_VM, _VOLUME, _BUCKET, _LINK = "Virtual Machine", "Volume", "Bucket", "DirectLink"
_FAMILIES = (
    _Family(FCU, "BoxUsage:", VIRTUAL_MACHINES, _VM),
    _Family(FCU, "ProductUsage:", VIRTUAL_MACHINES, _VM),
    _Family(FCU, "CustomCore:", VIRTUAL_MACHINES, _VM),
    _Family(FCU, "CustomRam", VIRTUAL_MACHINES, _VM),
    _Family(FCU, "Dedicated", VIRTUAL_MACHINES, _VM),
    _Family(FCU, "UseDedicated", VIRTUAL_MACHINES, "Dedicated Tenancy"),
    _Family(FCU, "StorageBandwidth", VIRTUAL_MACHINES, _VM),
    _Family(FCU, "Gpu:attach:", FLEXIBLE_GPU, "Flexible GPU"),
    _Family(FCU, "Gpu:allocate:", FLEXIBLE_GPU, "Flexible GPU"),
    _Family(FCU, "BSU:VolumeUsage:", VOLUMES, _VOLUME),
    _Family(FCU, "BSU:VolumeIOPS:", VOLUMES, _VOLUME),
    _Family(FCU, "Snapshot:", SNAPSHOTS, "Snapshot"),
    _Family(FCU, "ElasticIP:", PUBLIC_IPS, "Public IP"),
    _Family(FCU, "NatGatewayUsage", NAT, "NAT Service"),
    _Family(FCU, "ConnectionUsage", VPN, "VPN Connection"),
    _Family(FCU, "DataTransfer-", TRAFFIC, _VM),
    _Family(_LBU, "LBU:", LOAD_BALANCERS, "Load Balancer"),
    _Family(_LBU, "DataTransfer-", TRAFFIC, "Load Balancer"),
    _Family(_OOS, "", TRAFFIC, _BUCKET, operation="OOSDataTransfer"),
    _Family(_OOS, "", OBJECT_STORAGE, _BUCKET),
    _Family(_DIRECT_LINK, "LocatePort:", DIRECT_LINK, _LINK, RECURRING),
    _Family(_HOSTED_DIRECT_LINK, "LocatePort:", DIRECT_LINK, _LINK, RECURRING),
    _Family(_OKS, "dedicated:", KUBERNETES, "Kubernetes Cluster"),
    _Family(_OKS, "", KUBERNETES, "Kubernetes Project"),
    _Family(_MARKETPLACE, "", APPLICATIONS, "Subscription", RECURRING),
)
_METERS = ("BoxUsage", "ProductUsage", "CustomCore", "Gpu:attach", "Gpu:allocate", "BSU:VolumeUsage")
_METERS += ("BSU:VolumeIOPS", "LocatePort", "dedicated")

# The ids of resources that say what they are (OUTSCALE API: Resource IDs).
_BY_PREFIX = {
    "i": _VM,
    "vol": _VOLUME,
    "snap": "Snapshot",
    "eipalloc": "Public IP",
    "nat": "NAT Service",
    "vpn": "VPN Connection",
    "fgpu": "Flexible GPU",
    "dxcon": _LINK,
}

_UNITS = {
    Unit.VCORE_HOUR: "Core-Hours",
    Unit.GIB_HOUR: "GiB-Hours",
    Unit.HOUR: "Hours",
    Unit.TWO_VCORES_HOUR: "Hours",  # a licence is consumed in hours of the VM, at the price of its cores
    Unit.VM_HOUR: "Hours",
    Unit.GIB_MONTH: "GiB-Months",
    Unit.IOPS_MONTH: "IOPS-Months",
    Unit.MONTH: "Months",
    Unit.GIB: "GiB",
    Unit.GBPS: "Gbps",
    Unit.REQUEST: "Requests",
    Unit.REMAP: "Requests",
    Unit.SUBSCRIPTION: "Subscriptions",
}

# Who sells what on the marketplace, as the titles of the catalog of December 2025 read.
_VENDORS = {
    "ALLONIA": "7b4a4b18 59cf321b o1qb2k30 2atqiyfu k5f0ytd6",
    "AntemetA": "ae285f41",
    "Atempo": "a84b0a21 febd6032 710d00a3 fa6f00da",
    "Cleyrop": "6c6c048d",
    "DynFi": "102d9f67 c5e95e86",
    "IP-label": "fadf841d",
    "LatenceTech": "eb1c5c4b d21d4fb4",
    "Logpoint": "9d9a4c03 0c968e6a",
    "Stormshield": "30dd74c0 5c925c96",
    "UBIKA": "978b7919 8e0f3937 bdbc245b",
    "WALLIX": "aea22feb d653b074",
    PROVIDER: (
        "9e378c04 14f19884 a6293365 124cf62b 2f45cf6d 91a45e77 0d7534e1 471b3ec9 50a710f9 e9c36375 26595c10 "
        "f43b8224 7d477c9a"
    ),
}
_VENDOR_OF = {code: vendor for vendor, codes in _VENDORS.items() for code in codes.split()}


def service_of(key: PriceKey) -> FocusService:
    """Return the service of a product; ``OTHER`` for one that we do not know."""
    family = _family(key)
    return family.focus if family else OTHER


def frequency_of(key: PriceKey) -> str:
    """Return how often a product is charged: by use, or over and over while it is there."""
    family = _family(key)
    return family.frequency if family else USAGE_BASED


def resource_type_of(key: PriceKey, resource_id: str) -> str:
    """Return what kind of thing a resource is: as its id says, else as what was consumed says."""
    family, prefix = _family(key), resource_id.partition("-")[0]
    if key.service == FCU and prefix in _BY_PREFIX:  # a load balancer or a bucket may have any name
        return _BY_PREFIX[prefix]
    return family.resource_type if family else "Other"


def unit_of(key: PriceKey) -> str:
    """Return in what a consumed value is counted, as FOCUS writes units; ``Units`` where we do not know."""
    if key.type.partition(":")[0] in ("BoxUsage", "ProductUsage"):
        return _UNITS[Unit.VM_HOUR]
    return _UNITS.get(KnownProduct(key, "").unit, "Units")


def publisher_of(key: PriceKey) -> str:
    """Return who makes a product: OUTSCALE, or the vendor of a product of its marketplace."""
    code = product_code(key) or (key.type if key.service == _MARKETPLACE else "")
    is_of_marketplace = code.startswith("pty-") or key.service == _MARKETPLACE
    return _VENDOR_OF.get(code.partition("-")[2], MARKETPLACE) if is_of_marketplace else PROVIDER


def sku_of(key: PriceKey) -> str:
    """Return what identifies a product: the key of the catalog of OUTSCALE."""
    return f"{key.service}/{key.operation}/{key.type}"


def meter_of(key: PriceKey) -> str:
    """Return what is measured: the type without its variant, such as ``BSU:VolumeUsage``."""
    return next((meter for meter in _METERS if key.type.startswith(f"{meter}:")), key.type)


def details_of(key: PriceKey) -> dict[str, str | int] | None:
    """Return the properties of one unit that FOCUS has names for; None where none applies."""
    family, _separator, variant = key.type.partition(":")
    if family == "Gpu":
        return {"GpuCount": 1}
    if family != "BoxUsage":
        return None
    try:
        shape = shape_of(variant)
    except UnknownVmType:
        return {"InstanceType": variant}
    return {
        "CoreCount": shape.vcores,
        "InstanceSeries": variant.partition(".")[0],
        "InstanceType": variant,
        "MemorySize": int(shape.ram_gib),
    }


_SUBREGION = re.compile(r"(.+\d)[a-z]", re.ASCII)


def place_of(subregion: str, region: str) -> tuple[str, str | None]:
    """Return the region and the availability zone of what was consumed; ``subregion`` may be either.

    OUTSCALE names the region where there is no subregion, and a subregion by a letter more.
    """
    match = _SUBREGION.fullmatch(subregion)
    if match:
        return match[1], subregion
    return subregion or region, None


def _family(key: PriceKey) -> _Family | None:
    return next((family for family in _FAMILIES if family.holds(key)), None)
