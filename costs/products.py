"""Our own names of what the catalog sells, in the reader's language, built from service, type and operation.

The cloud's own titles are French, unaccented and inconsistent: they are shown as detail and never parsed. An
entry that we do not know keeps its type and operation as its name.
"""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from itertools import takewhile

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from costs.pricelist import FCU, PriceKey, PriceList, Unit, product_code, unit_of

_LBU = "TinaOS-LBU"
_OOS = "TinaOS-OOS"
_DIRECT_LINK = "TinaOS-DirectLink"
_HOSTED_DIRECT_LINK = "TinaOS-HostedDirectLink"

_CATEGORIES = {
    "compute": gettext_lazy("Compute"),
    "storage": gettext_lazy("Storage"),
    "network": gettext_lazy("Network"),
    "licence": gettext_lazy("Licence"),
}

CATEGORIES = list(_CATEGORIES)
"""The categories of the real catalogs, in the order in which they are shown."""

NO_CATEGORY = "other"
"""The category of an entry for which the cloud names none."""

_CATEGORY_NAMES = _CATEGORIES | {NO_CATEGORY: gettext_lazy("Other")}

_SERVICE_NAMES = {
    FCU: gettext_lazy("Virtual machines, volumes and networks"),
    _LBU: gettext_lazy("Load balancers"),
    _OOS: gettext_lazy("Object storage"),
    _DIRECT_LINK: gettext_lazy("DirectLink"),
    _HOSTED_DIRECT_LINK: gettext_lazy("Hosted DirectLink"),
    "OKS": gettext_lazy("Kubernetes"),
    "Marketplace": gettext_lazy("Marketplace"),
}

_UNITS = {
    Unit.VCORE_HOUR: gettext_lazy("per vCore-hour"),
    Unit.GIB_HOUR: gettext_lazy("per GiB-hour"),
    Unit.HOUR: gettext_lazy("per hour"),
    Unit.TWO_VCORES_HOUR: gettext_lazy("per 2 vCores and hour"),
    Unit.VM_HOUR: gettext_lazy("per VM and hour"),
    Unit.GIB_MONTH: gettext_lazy("per GiB-month"),
    Unit.IOPS_MONTH: gettext_lazy("per IOPS-month"),
    Unit.MONTH: gettext_lazy("per month"),
    Unit.GIB: gettext_lazy("per GiB"),
    Unit.GBPS: gettext_lazy("per Gbps"),
    Unit.REQUEST: gettext_lazy("per request"),
    Unit.REMAP: gettext_lazy("per move"),
    Unit.SUBSCRIPTION: gettext_lazy("per subscription"),
    Unit.SURPLUS: gettext_lazy("surplus, no price by itself"),
    Unit.UNKNOWN: gettext_lazy("unit not published"),
}

_PERFORMANCES = {
    "1": gettext_lazy("highest"),
    "2": gettext_lazy("high"),
    "3": gettext_lazy("medium"),
    "101": gettext_lazy("simulation"),
}

_LICENCES = {
    "0001": gettext_lazy("Linux licence"),
    "0002": gettext_lazy("Windows Server licence"),
    "0003": gettext_lazy("MapR licence"),
    "0004": gettext_lazy("Oracle Linux licence"),
    "0005": gettext_lazy("Windows 10 licence"),
    "0006": gettext_lazy("Red Hat Enterprise Linux licence"),
    "0007": gettext_lazy("SQL Server Web licence"),
    "0008": gettext_lazy("SQL Server Standard licence"),
    "0009": gettext_lazy("SQL Server Enterprise licence"),
}

_VOLUMES = {
    "standard": gettext_lazy("Volume standard (Magnetic)"),
    "gp2": gettext_lazy("Volume gp2 (Performance)"),
    "io1": gettext_lazy("Volume io1 (Enterprise)"),
}

_CONTROL_PLANES = {
    "cp.mono.master": gettext_lazy("Kubernetes control plane, 1 master"),
    "cp.3.masters.small": gettext_lazy("Kubernetes control plane, 3 masters, small"),
    "cp.3.masters.medium": gettext_lazy("Kubernetes control plane, 3 masters, medium"),
    "cp.3.masters.large": gettext_lazy("Kubernetes control plane, 3 masters, large"),
}

_GPU_VARIANTS = {"nvidia-a100-80": "NVIDIA A100 80 GB"}

_SINGLE = {
    PriceKey(FCU, "CustomRam", "RunInstances-OD"): ("compute", gettext_lazy("VM memory")),
    PriceKey(FCU, "UseDedicated", "RunDedicatedInstances"): (
        "compute",
        gettext_lazy("Dedicated tenancy, use"),
    ),
    PriceKey(FCU, "UseDedicatedGroups", "RunDedicatedGroupsInstances"): (
        "compute",
        gettext_lazy("Dedicated groups, use"),
    ),
    PriceKey(FCU, "DedicatedInstanceSurplus", "RunInstances"): (
        "compute",
        gettext_lazy("Dedicated VM, surplus"),
    ),
    PriceKey(FCU, "DedicatedGroupsInstanceSurplus", "RunInstances"): (
        "compute",
        gettext_lazy("VM of a dedicated group, surplus"),
    ),
    PriceKey(FCU, "BSU:VolumeIOPS:io1", "CreateVolume"): ("storage", gettext_lazy("Provisioned IOPS, io1")),
    PriceKey(FCU, "Snapshot:Usage", "Snapshot"): ("storage", gettext_lazy("Snapshot")),
    PriceKey(FCU, "ElasticIP:IdleAddress", "AssociateAddress"): (
        "network",
        gettext_lazy("Public IP, idle"),
    ),
    PriceKey(FCU, "ElasticIP:IdleAddress", "AssociateAddressVPC"): (
        "network",
        gettext_lazy("Public IP, idle, in a Net"),
    ),
    PriceKey(FCU, "ElasticIP:AdditionalAddress", "AssociateAddressVPC"): (
        "network",
        gettext_lazy("Public IP, additional, in a Net"),
    ),
    PriceKey(FCU, "ElasticIP:Remap", "AssociateAddress"): ("network", gettext_lazy("Public IP, move")),
    PriceKey(FCU, "NatGatewayUsage", "CreateNatGateway"): ("network", gettext_lazy("NAT service")),
    PriceKey(FCU, "ConnectionUsage", "CreateVpnConnection"): ("network", gettext_lazy("VPN connection")),
    PriceKey(FCU, "DataTransfer-Internet:in", "RunInstances"): (
        "network",
        gettext_lazy("Incoming internet traffic"),
    ),
    PriceKey(FCU, "DataTransfer-Internet:out", "RunInstances"): (
        "network",
        gettext_lazy("Outgoing internet traffic"),
    ),
    PriceKey(FCU, "StorageBandwidth", "RunInstances"): (
        "network",
        gettext_lazy("Optimised storage bandwidth"),
    ),
    PriceKey(_LBU, "LBU:Usage", "CreateLoadBalancer"): ("network", gettext_lazy("Load balancer")),
    PriceKey(_LBU, "DataTransfer-Lbu:out", "CreateLoadBalancer"): (
        "network",
        gettext_lazy("Load balancer, outgoing traffic"),
    ),
    PriceKey(_OOS, "enterprise", "OOSStorage"): ("storage", gettext_lazy("Object storage")),
    PriceKey(_OOS, "enterprise", "OOSDataTransfer"): (
        "network",
        gettext_lazy("Object storage, outgoing traffic"),
    ),
    PriceKey(_OOS, "enterprise:default", "OOSRequest"): ("network", gettext_lazy("Object storage, requests")),
    PriceKey("OKS", "Project:STD", "Project"): ("licence", gettext_lazy("Kubernetes project")),
}


@dataclass(frozen=True, slots=True)
class KnownProduct:
    """A product that exists at OUTSCALE, whether or not a region's catalog prices it."""

    key: PriceKey
    category: str

    @property
    def unit(self) -> Unit:
        """What one unit would buy, as the family of the product is sold elsewhere."""
        hourly = unit_of(self.key, per_month=False)
        return hourly if hourly is not Unit.UNKNOWN else unit_of(self.key, per_month=True)


def name(key: PriceKey) -> str:
    """Return our name of a product, such as ``vCore, generation 7, high``; an unknown one has its key."""
    if key in _SINGLE:
        return str(_SINGLE[key][1])
    return _licence_name(key) or _family_name(key) or f"{key.type} / {key.operation}"


def common_name(keys: Collection[PriceKey]) -> str:
    """Return one name for the products of a type: what their names have in common (``Object storage``).

    Without anything in common it is the type itself.
    """
    names = sorted({name(key) for key in keys})
    if len(names) == 1:
        return names[0]
    type_ = next(iter(keys)).type
    family, _separator, vm_type = type_.partition(":")
    if family == "ProductUsage":
        return _("Licences of VM %(type)s") % {"type": vm_type} if vm_type else str(_("Licences"))
    words = zip(*(one.split(", ") for one in names), strict=False)
    common = ", ".join(here[0] for here in takewhile(lambda here: len(set(here)) == 1, words))
    return common or type_


def service_name(service: str) -> str:
    """Return our name of a service, such as ``Load balancers`` for ``TinaOS-LBU``."""
    return str(_SERVICE_NAMES.get(service, service))


_OTHER_WORDS = (
    (FCU, "CustomCore:", "virtual machine instance cpu vcpu processor processeur"),
    (FCU, "CustomRam", "virtual machine instance ram memory mémoire"),
    (FCU, "BSU:", "disk block storage disque"),
    (FCU, "Snapshot:", "backup sauvegarde"),
    (FCU, "ElasticIP:", "eip address adresse"),
    (_OOS, "", "s3 bucket object"),
    (_LBU, "LBU:", "elb load balancer répartiteur"),
    ("OKS", "", "kubernetes k8s cluster"),
)


def other_words(key: PriceKey) -> str:
    """Return what people call a product who know another cloud: words to search by, never shown."""
    found = (words for service, start, words in _OTHER_WORDS if _is_of(key, service, start))
    return next(found, "")


def _is_of(key: PriceKey, service: str, start: str) -> bool:
    return key.service == service and key.type.startswith(start)


def category_name(category: str) -> str:
    """Return the name of a category of the catalog; an unknown one keeps the cloud's word."""
    return str(_CATEGORY_NAMES.get(category, category))


def unit_name(unit: Unit) -> str:
    """Return what one unit of a price buys, such as ``per GiB-month``."""
    return str(_UNITS[unit])


def performance_name(performance: str | int) -> str:
    """Return the name of a performance flag: ``highest`` for 1, ``simulation`` for 101."""
    known = _PERFORMANCES.get(str(performance))
    return str(known) if known else _("performance %(flag)s") % {"flag": performance}


def gpu_name(model: str) -> str:
    """Return the name of a flexible GPU model: ``NVIDIA A100 80 GB`` for ``nvidia-a100-80``."""
    return _GPU_VARIANTS.get(model, model.replace("-", " ").upper())


def volume_name(volume_type: str) -> str:
    """Return the name of a volume type; an unknown one keeps the cloud's word."""
    known = _VOLUMES.get(volume_type)
    return str(known) if known else _("Volume %(type)s") % {"type": volume_type}


def licence_name(code: str) -> str:
    """Return the name of the licence with a product code: ``Windows Server licence`` for ``0002``."""
    if code in _LICENCES:
        return str(_LICENCES[code])
    template = _("Marketplace licence %(code)s") if code.startswith("pty-") else _("Licence %(code)s")
    return template % {"code": code}


def control_plane_name(size: str) -> str:
    """Return the name of an OKS control plane size, such as ``cp.3.masters.small``."""
    known = _CONTROL_PLANES.get(size)
    return str(known) if known else _("Kubernetes control plane %(size)s") % {"size": size}


def without_price(prices: PriceList) -> list[KnownProduct]:
    """Return the products that OUTSCALE has and this list does not price: never the same as a price of zero.

    Only what is sold under one fixed key counts: GPU models and CPU generations differ from region to region.
    """
    priced_codes = set(prices.licences)
    licences = [
        KnownProduct(PriceKey(FCU, "ProductUsage", f"RunInstances-{code}-OD"), "licence")
        for code in _LICENCES
        if code not in priced_codes
    ]
    single = [
        KnownProduct(key, category) for key, (category, _name) in _SINGLE.items() if key not in prices.entries
    ]
    return single + licences


def _licence_name(key: PriceKey) -> str | None:
    code = product_code(key)
    if not code:
        return None
    vm_type = key.type.partition(":")[2]
    if not vm_type:
        return licence_name(code)
    return _("%(licence)s, VM %(type)s") % {"licence": licence_name(code), "type": vm_type}


def _vm_name(vm_type: str) -> str:
    return _("VM %(type)s") % {"type": vm_type}


def _vcore_name(rest: str) -> str:
    found = re.fullmatch(r"v(\d+)-p(\d+)", rest)
    if found is None:
        return f"CustomCore:{rest}"
    generation, performance = found.groups()
    parts = {"generation": generation, "performance": performance_name(performance)}
    return _("vCore, generation %(generation)s, %(performance)s") % parts


def _attached_gpu_name(model: str) -> str:
    return _("GPU %(model)s, attached") % {"model": gpu_name(model)}


def _allocated_gpu_name(model: str) -> str:
    return _("GPU %(model)s, allocated") % {"model": gpu_name(model)}


def _bandwidth(port: str) -> str:
    found = re.fullmatch(r"(\d+)G", port)
    return pgettext("bandwidth", "%(number)s Gbps") % {"number": found[1]} if found else port


def _port_name(port: str) -> str:
    return _("DirectLink port, %(bandwidth)s") % {"bandwidth": _bandwidth(port)}


def _hosted_port_name(port: str) -> str:
    return _("Hosted DirectLink port, %(bandwidth)s") % {"bandwidth": _bandwidth(port)}


def _subscription_name(offer: str) -> str:
    return _("Marketplace subscription pof-%(offer)s") % {"offer": offer}


_FAMILIES: tuple[tuple[str, str, str, Callable[[str], str]], ...] = (
    (FCU, "BoxUsage:", "RunInstances-OD", _vm_name),
    (FCU, "CustomCore:", "RunInstances-OD", _vcore_name),
    (FCU, "Gpu:attach:", "AllocateGpu", _attached_gpu_name),
    (FCU, "Gpu:allocate:", "AllocateGpu", _allocated_gpu_name),
    (FCU, "BSU:VolumeUsage:", "CreateVolume", volume_name),
    (_DIRECT_LINK, "LocatePort:", "CreateConnection", _port_name),
    (_HOSTED_DIRECT_LINK, "LocatePort:", "CreateConnection", _hosted_port_name),
    ("OKS", "dedicated:", "ControlPlane", control_plane_name),
    ("Marketplace", "pof-", "Subscription", _subscription_name),
)


def _family_name(key: PriceKey) -> str | None:
    for service, start, operation, name_of in _FAMILIES:
        if key.service == service and key.type.startswith(start):
            family = name_of(key.type.removeprefix(start))
            return family if key.operation == operation else f"{family} ({key.operation})"
    return None
