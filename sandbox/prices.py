"""The price catalog of each region.

The figures are those of the public catalog of eu-west-2 (ReadPublicCatalog, late 2025, EUR before tax); the
other regions are derived from them. Titles are OUTSCALE's own, French and mostly without accents.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from sandbox.licences import licences, subscriptions
from sandbox.regions import REGIONS, Region
from sandbox.vmtypes import shape_of

Key = tuple[str, str, str]
FCU = "TinaOS-FCU"
VM = "RunInstances-OD"

FIRST_CATALOG_SINCE = datetime(2024, 1, 1, tzinfo=UTC)
"""When the original prices came into force: before anything was consumed."""

_PERFORMANCES = ((1, "highest"), (2, "high"), (3, "medium"))
# Generation -> price of one vCore for one hour, from highest to medium performance.
_CORES = {
    1: "0.02 0.016 0.011",
    2: "0.028 0.022 0.016",
    3: "0.041 0.039 0.02",
    4: "0.046 0.039 0.033",
    5: "0.04 0.035 0.031",
    6: "0.04 0.035 0.031",
    7: "0.043 0.038 0.034",
    104: "0.043",
}
# Model -> price of one hour, attached to a VM or only allocated.
_GPUS = {
    "nvidia-k2": "0.55",
    "nvidia-m60": "1.0",
    "nvidia-p6": "1.0",
    "nvidia-p100": "1.2",
    "nvidia-a10": "1.5",
    "nvidia-v100": "1.8",
    "nvidia-a100": "2.0",
    "nvidia-l40": "2.0",
    "nvidia-a100-80": "3.6",
    "nvidia-h100": "4.0",
    "nvidia-h200": "5.2",
}
_GPUS_SPELT_WITH_E = ("nvidia-a10", "nvidia-l40")  # "attachee" in their titles, "attache" in the others
_OKS_SIZES = (
    ("cp.mono.master", "0.04", "mono master)"),
    ("cp.3.masters.small", "0.13", "3 masters) - Small"),
    ("cp.3.masters.medium", "0.26", "3 masters) - Medium"),
    ("cp.3.masters.large", "0.39", "3 masters) - Large"),
)
_PORTS = (
    ("TinaOS-DirectLink", "DirectLink", {"1": "400.0", "10": "2800.0"}),
    ("TinaOS-HostedDirectLink", "Hosted DirectLink", {"1": "2950.0", "10": "4950.0"}),
)
# Service -> type, operation, category, price, title; storage is priced per month.
_OTHERS = {
    FCU: """
CustomRam|RunInstances-OD|compute|0.005|Instance - On demand - Unite de RAM en GiB pour une instance Tina\
 CxRy - par heure
DedicatedInstanceSurplus|RunInstances|compute|0.01|Instance -  Instance dediee - Prix additionnel - par heure
DedicatedGroupsInstanceSurplus|RunInstances|compute|0.01|Instance - Dedicated Groups instance - cout\
 additionnel - par heure
UseDedicated|RunDedicatedInstances|compute|2.0|Instance - Utilisation instances dediees - par heure
UseDedicatedGroups|RunDedicatedGroupsInstances|compute|2.0|Instance - Utilisation Dedicated Groups instance\
 - par heure
BSU:VolumeUsage:standard|CreateVolume|storage|0.039|BSU - Stockage Magnetique - par GiB et par mois
BSU:VolumeUsage:gp2|CreateVolume|storage|0.11|BSU - Stockage Performance - par GiB et par mois
BSU:VolumeUsage:io1|CreateVolume|storage|0.13|BSU - Stockage Entreprise - par GiB et par mois
BSU:VolumeIOPS:io1|CreateVolume|storage|0.01|BSU - Stockage Entreprise - par IOPS et par mois
Snapshot:Usage|Snapshot|storage|0.055|Snapshot - Stockage - par GiB et par mois
ElasticIP:IdleAddress|AssociateAddress|network|0.005|EIP - IP Externe additionnelle non associee a une\
 instance demarree - par heure
ElasticIP:IdleAddress|AssociateAddressVPC|network|0.005|EIP - IP Externe additionnelle dans un VPC non\
 associee a une instance demarree - par heure
ElasticIP:AdditionalAddress|AssociateAddressVPC|network|0.005|EIP - IP Externe additionnelle dans un VPC\
 associee a une instance demarree - par heure
ElasticIP:Remap|AssociateAddress|network|0.0|EIP - Reassignation d'une IP Externe
NatGatewayUsage|CreateNatGateway|network|0.05|Nat Gateway - Utilisation - par heure
ConnectionUsage|CreateVpnConnection|network|0.03|VPN - Utilisation - par heure
DataTransfer-Internet:in|RunInstances|network|0.0|FCU Data Transfer - Traffic entrant -  par GiB
DataTransfer-Internet:out|RunInstances|network|0.0|FCU Data Transfer - Traffic sortant -  par GiB
StorageBandwidth|RunInstances|network|0.0|Instance - Bande passante de stockage optimise - par Gbps
""",
    "TinaOS-LBU": """
LBU:Usage|CreateLoadBalancer|network|0.03|LBU - Utilisation - par service et par heure
DataTransfer-Lbu:out|CreateLoadBalancer|network|0.0|LBU - Trafic sortant global - par GiB
""",
    "TinaOS-OOS": """
enterprise|OOSStorage|storage|0.025|OOS - Stockage Enterprise - par GiB et par mois
enterprise|OOSDataTransfer|network|0.0|OOS - Trafic sortant - par GiB
enterprise:default|OOSRequest|network|0.0|OOS - requetes pour le stockage Entreprise
""",
    "OKS": """
Project:STD|Project|licence|0.0|OKS - Projet standard
""",
}
# The surplus of a dedicated VM is a rate written as a price: it is the same in every region.
_RATES = ("DedicatedInstanceSurplus", "DedicatedGroupsInstanceSurplus")


class Entry(NamedTuple):
    """One line of a catalog: a price before tax in the region's currency, for the unit its title names."""

    service: str
    type: str
    operation: str
    category: str
    unit_price: Decimal
    title: str
    per_month: bool = False

    @property
    def key(self) -> Key:
        """Service, type and operation: what tells one entry of a catalog from the others."""
        return self.service, self.type, self.operation


class Catalog(NamedTuple):
    """A price list, and when it was in force: up to now, and further, where `until` is None."""

    entries: Mapping[Key, Entry]
    since: datetime = FIRST_CATALOG_SINCE
    until: datetime | None = None


def price_list(region: str) -> dict[Key, Entry]:
    """Return the whole catalog of a region, by key; prices in the region's currency, at most 4 decimals."""
    place = REGIONS[region]
    return {entry.key: _priced_in(place, entry) for entry in _eu_west_2() if _sold_in(place, entry)}


def unit_price(entries: Mapping[Key, Entry], key: Key) -> Decimal | None:
    """Return the price of one unit of a key, also of full types which the catalog does not list, or None.

    `BoxUsage:TYPE` is one hour of a VM of that type, and `ProductUsage:TYPE` one hour of a licence on it, as
    consumption names them (OUTSCALE API documentation, ReadUnitPrice).
    """
    service, type_, operation = key
    if entry := entries.get(key):
        return entry.unit_price
    if type_.startswith("BoxUsage:"):
        return _vm_hour(entries, type_.partition(":")[2])
    if type_.startswith("ProductUsage:"):
        licence = entries.get((service, "ProductUsage", operation))
        return licence and _licence_hour(licence, type_.partition(":")[2])
    return None


def _vm_hour(entries: Mapping[Key, Entry], vm_type: str) -> Decimal | None:
    shape = shape_of(vm_type)
    core = shape and entries.get((FCU, shape.core_type, VM))
    memory = entries.get((FCU, "CustomRam", VM))
    if not (shape and core and memory):
        return None
    return shape.vcores * core.unit_price + shape.memory_gib * memory.unit_price


def _licence_hour(licence: Entry, vm_type: str) -> Decimal | None:
    """Windows is billed per two vCores, SQL Server too and for four vCores at least (OUTSCALE price list)."""
    shape = shape_of(vm_type)
    if shape is None:
        return None
    pairs = -(-shape.vcores // 2)
    units = {"0002": pairs, "0008": max(2, pairs), "0009": max(2, pairs)}
    code = licence.operation.removeprefix("RunInstances-").removesuffix("-OD")
    return licence.unit_price * units.get(code, 1)


def _sold_in(region: Region, entry: Entry) -> bool:
    if entry.service == "OKS":
        return region.has_oks
    return region.has_h200 or not entry.type.endswith("nvidia-h200")


def _priced_in(region: Region, entry: Entry) -> Entry:
    if entry.type in _RATES or region.price_factor == 1:
        return entry
    price = (entry.unit_price * region.price_factor).quantize(Decimal("0.0001"), ROUND_HALF_UP)
    return entry._replace(unit_price=price)


def _eu_west_2() -> Iterator[Entry]:
    yield from _cores()
    yield from _gpus()
    yield from _others()
    yield from _control_planes()
    yield from _ports()
    for code, price, title in licences():
        yield Entry(FCU, "ProductUsage", f"RunInstances-{code}-OD", "licence", Decimal(price), title)
    for offer, price, title in subscriptions():
        yield Entry("Marketplace", offer, "Subscription", "licence", Decimal(price), title)


def _cores() -> Iterator[Entry]:
    title = "Instance - On demand - Unite de vCore pour une instance Tina v{} CxRy {} - par heure"
    for generation, prices in _CORES.items():
        for (performance, name), price in zip(_PERFORMANCES, prices.split(), strict=False):
            words = title.format(generation, f"Performance {name}")
            yield Entry(FCU, f"CustomCore:v{generation}-p{performance}", VM, "compute", Decimal(price), words)
    simulation = title.format(7, "de type simulation")
    yield Entry(FCU, "CustomCore:v7-p101", VM, "compute", Decimal("0.043"), simulation)


def _gpus() -> Iterator[Entry]:
    title = "GPU - GPU alloue et {} a une instance - {} - par heure"
    for model, price in _GPUS.items():
        attached = "attachee" if model in _GPUS_SPELT_WITH_E else "attache"
        for use, words in (("allocate", "non attachee"), ("attach", attached)):
            full_title = title.format(words, model)
            yield Entry(FCU, f"Gpu:{use}:{model}", "AllocateGpu", "compute", Decimal(price), full_title)


def _others() -> Iterator[Entry]:
    for service, table in _OTHERS.items():
        for line in table.strip().splitlines():
            type_, operation, category, price, title = line.split("|")
            per_month = category == "storage"
            yield Entry(service, type_, operation, category, Decimal(price), title, per_month)


def _control_planes() -> Iterator[Entry]:
    for size, price, words in _OKS_SIZES:
        title = f"OKS - Plan de contrôle dédié ({words} - par heure"
        yield Entry("OKS", f"dedicated:{size}", "ControlPlane", "licence", Decimal(price), title)


def _ports() -> Iterator[Entry]:
    for service, name, prices in _PORTS:
        for speed, price in prices.items():
            title = f"{name} - Utilisation port {speed} Gbps - par mois"
            port = f"LocatePort:{speed}G"
            yield Entry(service, port, "CreateConnection", "network", Decimal(price), title, per_month=True)
