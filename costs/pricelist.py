"""A price list: the catalog of one region at one moment, as plain values with exact lookups.

The key of a price is (Service, Type, Operation), compared for equality: ``CustomCore:v7-p1`` is a prefix of
``CustomCore:v7-p101``. ``SubregionName`` is the region in every entry and takes no part (OUTSCALE
ReadPublicCatalog).
"""

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Any, NamedTuple

FCU = "TinaOS-FCU"


class PriceKey(NamedTuple):
    """What identifies a price in the catalog."""

    service: str
    type: str
    operation: str

    def __str__(self) -> str:
        return " / ".join(self)


class Unit(StrEnum):
    """What one unit of a catalog price buys. Only the French titles say it; we know it by family."""

    VCORE_HOUR = "vcore-hour"
    GIB_HOUR = "gib-hour"
    HOUR = "hour"
    TWO_VCORES_HOUR = "two-vcores-hour"
    VM_HOUR = "vm-hour"
    GIB_MONTH = "gib-month"
    IOPS_MONTH = "iops-month"
    MONTH = "month"
    GIB = "gib"
    GBPS = "gbps"
    REQUEST = "request"
    REMAP = "remap"
    SUBSCRIPTION = "subscription"
    SURPLUS = "surplus"
    """A factor on other prices (dedicated tenancy), no price by itself."""
    UNKNOWN = "unknown"
    """A family that we do not know: hour, month or piece; never guessed."""


_BY_TYPE = {
    (FCU, "CustomRam"): Unit.GIB_HOUR,
    (FCU, "DedicatedInstanceSurplus"): Unit.SURPLUS,
    (FCU, "DedicatedGroupsInstanceSurplus"): Unit.SURPLUS,
    (FCU, "UseDedicated"): Unit.HOUR,
    (FCU, "UseDedicatedGroups"): Unit.HOUR,
    (FCU, "BSU:VolumeIOPS:io1"): Unit.IOPS_MONTH,
    (FCU, "Snapshot:Usage"): Unit.GIB_MONTH,
    (FCU, "ElasticIP:IdleAddress"): Unit.HOUR,
    (FCU, "ElasticIP:AdditionalAddress"): Unit.HOUR,
    (FCU, "ElasticIP:Remap"): Unit.REMAP,
    (FCU, "NatGatewayUsage"): Unit.HOUR,
    (FCU, "ConnectionUsage"): Unit.HOUR,
    (FCU, "StorageBandwidth"): Unit.GBPS,
    ("TinaOS-LBU", "LBU:Usage"): Unit.HOUR,
    ("OKS", "Project:STD"): Unit.HOUR,
}
_BY_FAMILY = (
    (FCU, "CustomCore:", Unit.VCORE_HOUR),
    (FCU, "Gpu:", Unit.HOUR),
    (FCU, "BSU:VolumeUsage:", Unit.GIB_MONTH),
    (FCU, "DataTransfer-", Unit.GIB),
    ("TinaOS-LBU", "DataTransfer-", Unit.GIB),
    ("TinaOS-DirectLink", "LocatePort:", Unit.MONTH),
    ("TinaOS-HostedDirectLink", "LocatePort:", Unit.MONTH),
    ("OKS", "dedicated:", Unit.HOUR),
    ("Marketplace", "pof-", Unit.SUBSCRIPTION),
)
_OBJECT_STORAGE = {"OOSStorage": Unit.GIB_MONTH, "OOSDataTransfer": Unit.GIB, "OOSRequest": Unit.REQUEST}
_MONTHLY = {Unit.GIB_MONTH, Unit.IOPS_MONTH, Unit.MONTH}
PER_TWO_VCORES = frozenset({"0002", "0007", "0008", "0009"})
"""Product codes licensed for every two cores: Windows Server and SQL Server (OUTSCALE price list)."""


def product_code(key: PriceKey) -> str | None:
    """Return the product code of a licence entry (``0002`` of ``RunInstances-0002-OD``), else None."""
    is_licence = key.type == "ProductUsage" or key.type.startswith("ProductUsage:")
    prefix, suffix = "RunInstances-", "-OD"
    if is_licence and key.operation.startswith(prefix) and key.operation.endswith(suffix):
        return key.operation.removeprefix(prefix).removesuffix(suffix)
    return None


def licence_key(code: str) -> PriceKey:
    """Return the key under which the licence with a product code is sold."""
    return PriceKey(FCU, "ProductUsage", f"RunInstances-{code}-OD")


def unit_of_family(key: PriceKey) -> Unit:
    """Return what one unit of a product's price buys by our own table, ``UNKNOWN`` for a family not in it."""
    code = product_code(key)
    if code is not None:
        return Unit.TWO_VCORES_HOUR if code in PER_TWO_VCORES else Unit.VM_HOUR
    if key.service == "TinaOS-OOS":
        return _OBJECT_STORAGE.get(key.operation, Unit.UNKNOWN)
    known = _BY_TYPE.get((key.service, key.type))
    families = (
        unit
        for service, start, unit in _BY_FAMILY
        if (key.service, True) == (service, key.type.startswith(start))
    )
    return known or next(families, Unit.UNKNOWN)


def unit_of(key: PriceKey, *, per_month: bool) -> Unit:
    """Return what one unit of the price ``key`` buys.

    The flag ``PER_MONTH`` of the answer outweighs our table: where the two disagree about hour and month,
    the family is not the one that we know, and a flagged price is at least known to be monthly.
    """
    unit = unit_of_family(key)
    if per_month == (unit in _MONTHLY):
        return unit
    return Unit.MONTH if per_month else Unit.UNKNOWN


@dataclass(frozen=True, slots=True)
class PriceEntry:
    """One line of the catalog; ``unit_price`` excludes tax, in the currency of its list. Zero is a price."""

    key: PriceKey
    unit_price: Decimal
    category: str
    title: str
    per_month: bool

    @property
    def unit(self) -> Unit:
        """What one unit buys."""
        return unit_of(self.key, per_month=self.per_month)


class PriceMissing(LookupError):
    """The catalog has no entry for what should be priced. Never the same as a price of zero."""

    def __init__(self, key: PriceKey, region: str) -> None:
        super().__init__(f"the catalog of {region} has no price for {key}")
        self.key = key
        self.region = region


@dataclass(frozen=True)
class PriceList:
    """The prices of one region: ``version`` counts from 1, ``valid_from`` is when they were first seen.

    ``currency_confirmed`` is false while the currency is assumed because the API has not named it.
    """

    region: str
    currency: str
    version: int
    valid_from: dt.datetime
    entries: Mapping[PriceKey, PriceEntry] = field(repr=False)
    currency_confirmed: bool = True

    @classmethod
    def of(cls, entries: Iterable[PriceEntry], **facts: Any) -> "PriceList":
        """Build a list from its entries and the other fields."""
        return cls(entries={entry.key: entry for entry in entries}, **facts)

    def entry(self, service: str, type_: str, operation: str) -> PriceEntry:
        """Return the entry with exactly this key; raise ``PriceMissing`` when there is none."""
        key = PriceKey(service, type_, operation)
        try:
            return self.entries[key]
        except KeyError:
            raise PriceMissing(key, self.region) from None

    @cached_property
    def core_levels(self) -> set[tuple[int, int]]:
        """The pairs of VM generation and performance flag that have a price."""
        names = (re.fullmatch(r"v(\d+)-p(\d+)", name) for name in self._rest_of(FCU, "CustomCore:"))
        return {(int(match[1]), int(match[2])) for match in names if match}

    @cached_property
    def gpu_models(self) -> list[str]:
        """The flexible GPU models that can be attached, sorted."""
        return self._rest_of(FCU, "Gpu:attach:")

    @cached_property
    def control_plane_sizes(self) -> list[str]:
        """The OKS control plane sizes, sorted."""
        return self._rest_of("OKS", "dedicated:")

    @cached_property
    def licences(self) -> list[str]:
        """The product codes that have a price, numbers first."""
        codes = {product_code(key) for key in self.entries}
        return sorted(code for code in codes if code is not None)

    def _rest_of(self, service: str, start: str) -> list[str]:
        types = (key.type for key in self.entries if key.service == service)
        return sorted(name.removeprefix(start) for name in types if name.startswith(start))
