"""What a resource costs, by the rules of OUTSCALE's price list: parts of quantity × catalog price.

One rule for quotes, current cost and consumption. Amounts are exact, exclude tax, and are in the currency of
the price list. Rules that OUTSCALE's documents leave open are applied here, each in one place, and named in
the price as an ``Assumption``. An absent catalog entry raises ``PriceMissing``; zero is a price.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from costs.assumptions import Assumption
from costs.money import HOURS_PER_MONTH
from costs.pricelist import FCU, PER_TWO_VCORES, PriceEntry, PriceKey, PriceList, Unit, licence_key, unit_of
from costs.vmtypes import VmShape

LINUX = "0001"
WINDOWS_10 = "0005"
DEDICATED_SURPLUS = PriceKey(FCU, "DedicatedInstanceSurplus", "RunInstances")
DEDICATED_GROUP_SURPLUS = PriceKey(FCU, "DedicatedGroupsInstanceSurplus", "RunInstances")
SQL_SERVER = frozenset({"0007", "0008", "0009"})
SQL_SERVER_LEAST_UNITS = 2
"""SQL Server is licensed for at least four cores, that is two units of two cores (OUTSCALE price list)."""


class Period(TextChoices):
    """The time that an amount is for."""

    HOUR = "hour", _("per hour")
    MONTH = "month", _("per month")
    ONCE = "once", _("once")


class Tenancy(TextChoices):
    """Where a VM runs (OUTSCALE ``Placement.Tenancy``)."""

    DEFAULT = "default", _("Shared")
    DEDICATED = "dedicated", _("Dedicated")


class NotPriceable(ValueError):
    """The catalog entry is not a price by itself, or nobody knows what its price is for."""

    def __init__(self, entry: PriceEntry) -> None:
        super().__init__(f"{entry.key} cannot be priced: it is sold by {entry.unit}")
        self.key = entry.key
        self.is_surplus = entry.unit is Unit.SURPLUS


@dataclass(frozen=True, slots=True)
class Part:
    """One product in a price: ``quantity`` × ``unit_price`` of the catalog entry ``key``.

    The dedicated surplus is the one part whose ``unit_price`` is not the catalog's: a factor on the
    ``quantity``, which is the price of cores and memory.
    """

    key: PriceKey
    category: str
    quantity: Decimal
    unit_price: Decimal

    @property
    def amount(self) -> Decimal:
        """The cost of this part for the period of its price."""
        return self.quantity * self.unit_price

    @property
    def surplus_percent(self) -> Decimal | None:
        """What a surplus adds to the price that is its ``quantity``, in percent; None for all other parts."""
        is_surplus = unit_of(self.key, per_month=False) is Unit.SURPLUS
        return self.unit_price * 100 if is_surplus else None


@dataclass(frozen=True, slots=True)
class Price:
    """What one resource costs for each ``period``, part by part.

    ``shared`` parts are charged once for each account and region, however many such resources there are.
    """

    period: Period
    currency: str
    parts: tuple[Part, ...]
    assumptions: tuple[Assumption, ...] = ()
    shared: tuple[Part, ...] = ()

    @property
    def amount(self) -> Decimal:
        """The cost of one resource for one period, without the shared parts."""
        return sum((part.amount for part in self.parts), Decimal(0))

    @property
    def per_month(self) -> Decimal:
        """The recurring cost of one resource in a month of 730 hours, without the shared parts."""
        recurs = self.period != Period.ONCE
        return for_hours(self.amount, self.period, HOURS_PER_MONTH) if recurs else Decimal(0)


def for_hours(amount: Decimal, period: Period, hours: int) -> Decimal:
    """Return what ``amount`` for each ``period`` comes to in ``hours``; a month is 730 hours.

    The division comes last, so that whole months are exact.
    """
    match period:
        case Period.HOUR:
            return amount * hours
        case Period.MONTH:
            return amount * hours / HOURS_PER_MONTH
        case Period.ONCE:
            return amount


_PERIOD_OF_UNIT = {
    **dict.fromkeys(
        (Unit.VCORE_HOUR, Unit.GIB_HOUR, Unit.HOUR, Unit.TWO_VCORES_HOUR, Unit.VM_HOUR), Period.HOUR
    ),
    **dict.fromkeys((Unit.GIB_MONTH, Unit.IOPS_MONTH, Unit.MONTH), Period.MONTH),
    **dict.fromkeys((Unit.GIB, Unit.GBPS, Unit.REQUEST, Unit.REMAP), Period.MONTH),
    Unit.SUBSCRIPTION: Period.ONCE,
}
_NOTE_OF_UNIT = {
    **dict.fromkeys((Unit.GIB, Unit.GBPS, Unit.REQUEST, Unit.REMAP), (Assumption.USAGE_PER_MONTH,)),
    Unit.SUBSCRIPTION: (Assumption.SUBSCRIPTION_ONCE,),
}


def is_quotable(entry: PriceEntry) -> bool:
    """Tell whether an entry is a price by itself, for a known time."""
    return entry.unit in _PERIOD_OF_UNIT


def _priced(
    prices: PriceList,
    *used: tuple[PriceEntry, Decimal | int],
    assumptions: tuple[Assumption, ...] = (),
    period: Period | None = None,
) -> Price:
    """Return the price of the quantities ``used``, for ``period`` when it is known what it must be.

    Raises ``NotPriceable`` for the first entry that is priced for no period, or for another one.
    """
    for entry, _quantity in used:
        found = _PERIOD_OF_UNIT.get(entry.unit)
        if found is None or found != (period := period or found):
            raise NotPriceable(entry)
    parts = tuple(
        Part(entry.key, entry.category, Decimal(quantity), entry.unit_price) for entry, quantity in used
    )
    return Price(period, prices.currency, parts, assumptions)


def vm(
    shape: VmShape,
    prices: PriceList,
    *,
    product_codes: Iterable[str] = (LINUX,),
    tenancy: Tenancy = Tenancy.DEFAULT,
) -> Price:
    """Price a running VM for an hour: cores, memory, dedicated surplus, licences.

    ``product_codes`` are the codes of its image (``Vm.ProductCodes``); all of them are charged. A dedicated
    VM also makes the fee for the dedicated service due, once for each account and region.
    """
    compute = [vcores(shape, prices), memory(shape, prices)]
    licences = [licence(code, shape.vcores, prices) for code in product_codes]
    if tenancy != Tenancy.DEDICATED:
        return joined([*compute, *licences])
    compute.append(dedicated_surplus(joined(compute), prices, key=DEDICATED_SURPLUS))
    return replace(joined([*compute, *licences]), shared=use_of_dedicated(prices).parts)


def vcores(shape: VmShape, prices: PriceList) -> Price:
    """Price the cores of a running VM for an hour; a GPU that its type brings along is billed apart."""
    entry = prices.entry(FCU, shape.core_type, "RunInstances-OD")
    notes = (Assumption.GPU_BILLED_APART,) if shape.gpus else ()
    return _priced(prices, (entry, shape.vcores), assumptions=notes, period=Period.HOUR)


def memory(shape: VmShape, prices: PriceList) -> Price:
    """Price the memory of a running VM for an hour; it costs the same in every generation."""
    entry = prices.entry(FCU, "CustomRam", "RunInstances-OD")
    return _priced(prices, (entry, shape.ram_gib), period=Period.HOUR)


def licence(code: str, vcores: int, prices: PriceList) -> Price:
    """Price the licence ``code`` of a running VM of ``vcores`` cores for an hour."""
    entry = prices.entry(*licence_key(code))
    notes = tuple(_notes_on(code, entry))
    return _priced(prices, (entry, licence_units(code, vcores)), assumptions=notes, period=Period.HOUR)


def dedicated_surplus(compute: Price, prices: PriceList, *, key: PriceKey) -> Price:
    """Price what dedicated hardware adds to ``compute``, the price of cores and memory.

    ``key`` is that of the surplus for a dedicated VM or for one in a dedicated group. The 0.01 of the catalog
    means 10 %: OUTSCALE's older price lists state 0.1 and thousandths of ten.
    """
    entry = prices.entry(*key)
    part = Part(entry.key, entry.category, compute.amount, entry.unit_price * 10)
    return Price(compute.period, prices.currency, (part,), (Assumption.DEDICATED_SURPLUS,))


def use_of_dedicated(prices: PriceList) -> Price:
    """Price the dedicated service for an hour, charged once for each account and region."""
    entry = prices.entry(FCU, "UseDedicated", "RunDedicatedInstances")
    return _priced(prices, (entry, 1), period=Period.HOUR)


def use_of_dedicated_groups(prices: PriceList) -> Price:
    """Price the service of dedicated groups for an hour, as charged once for each account and region."""
    entry = prices.entry(FCU, "UseDedicatedGroups", "RunDedicatedGroupsInstances")
    return _priced(prices, (entry, 1), assumptions=(Assumption.GROUP_FEE_ONCE,), period=Period.HOUR)


def joined(prices: Iterable[Price]) -> Price:
    """Return the price of a resource that is made of several, all for the same period."""
    prices = list(prices)
    return replace(
        prices[0],
        parts=tuple(part for price in prices for part in price.parts),
        assumptions=tuple(dict.fromkeys(note for price in prices for note in price.assumptions)),
    )


def licence_units(code: str, vcores: int) -> int:
    """Return how many units of the licence ``code`` a VM of ``vcores`` cores needs (OUTSCALE price list)."""
    if code not in PER_TWO_VCORES:
        return 1
    units = -(-vcores // 2)
    return max(SQL_SERVER_LEAST_UNITS, units) if code in SQL_SERVER else units


def depends_on_cores(code: str) -> bool:
    """Tell whether the price of the licence ``code`` depends on the number of cores."""
    return code in PER_TWO_VCORES


def _notes_on(code: str, licence: PriceEntry) -> Iterable[Assumption]:
    if licence.unit_price and code not in PER_TWO_VCORES and code != WINDOWS_10:
        yield Assumption.LICENCE_PER_VM
    if code in SQL_SERVER:
        yield Assumption.SQL_SERVER_MINIMUM


def volume(volume_type: str, size_gib: Decimal, prices: PriceList, *, iops: int | None = None) -> Price:
    """Price a volume for a month, used or not; ``iops`` count for io1 only (gp2's are a free baseline)."""
    size = volume_size(volume_type, size_gib, prices)
    return size if volume_type != "io1" else joined([size, provisioned_iops(iops or 0, prices)])


def volume_size(volume_type: str, size_gib: Decimal, prices: PriceList) -> Price:
    """Price the size of a volume for a month."""
    entry = prices.entry(FCU, f"BSU:VolumeUsage:{volume_type}", "CreateVolume")
    return _priced(prices, (entry, size_gib), period=Period.MONTH)


def provisioned_iops(iops: int, prices: PriceList) -> Price:
    """Price the IOPS of an io1 volume for a month."""
    entry = prices.entry(FCU, "BSU:VolumeIOPS:io1", "CreateVolume")
    return _priced(prices, (entry, iops), period=Period.MONTH)


def snapshot(size_gib: Decimal, prices: PriceList) -> Price:
    """Price ``size_gib`` GiB of snapshot for a month."""
    entry = prices.entry(FCU, "Snapshot:Usage", "Snapshot")
    return _priced(prices, (entry, size_gib), assumptions=(Assumption.SNAPSHOT_UPPER_BOUND,))


def additional_public_ip(prices: PriceList) -> Price:
    """Price, for an hour, a public IP that is not the free first address of a running VM."""
    entry = prices.entry(FCU, "ElasticIP:AdditionalAddress", "AssociateAddressVPC")
    return _priced(prices, (entry, 1), assumptions=(Assumption.ADDRESS_ADDITIONAL,))


class GpuState(StrEnum):
    """What a flexible GPU is billed as (OUTSCALE "Flexible GPUs FAQ")."""

    ALLOCATED = "allocate"
    ATTACHED = "attach"


def public_ip(key: PriceKey, prices: PriceList) -> Price:
    """Price, for an hour, a public IP that is sold under ``key``: idle or additional, in a Net or not."""
    return _priced(prices, (prices.entry(*key), 1), period=Period.HOUR)


def flexible_gpu(model: str, prices: PriceList, *, state: GpuState = GpuState.ATTACHED) -> Price:
    """Price a flexible GPU for an hour."""
    return _priced(prices, (prices.entry(FCU, f"Gpu:{state.value}:{model}", "AllocateGpu"), 1))


def nat_service(prices: PriceList) -> Price:
    """Price a NAT service for an hour."""
    return _priced(prices, (prices.entry(FCU, "NatGatewayUsage", "CreateNatGateway"), 1))


def load_balancer(prices: PriceList) -> Price:
    """Price a load balancer for an hour."""
    return _priced(prices, (prices.entry("TinaOS-LBU", "LBU:Usage", "CreateLoadBalancer"), 1))


def vpn_connection(prices: PriceList) -> Price:
    """Price a VPN connection for an hour."""
    return _priced(prices, (prices.entry(FCU, "ConnectionUsage", "CreateVpnConnection"), 1))


def direct_link(bandwidth: str, prices: PriceList, *, hosted: bool) -> Price:
    """Price the port of a DirectLink (``1G``, ``10G``) for a month: own, or hosted by OUTSCALE's partner."""
    service = "TinaOS-HostedDirectLink" if hosted else "TinaOS-DirectLink"
    return _priced(prices, (prices.entry(service, f"LocatePort:{bandwidth}", "CreateConnection"), 1))


def object_storage(size_gib: Decimal, prices: PriceList) -> Price:
    """Price ``size_gib`` GiB in OUTSCALE Object Storage for a month."""
    return _priced(prices, (prices.entry("TinaOS-OOS", "enterprise", "OOSStorage"), size_gib))


def oks_control_plane(size: str, prices: PriceList) -> Price:
    """Price the control plane of a Kubernetes cluster (``cp.mono.master`` …) for an hour; nodes are VMs."""
    return _priced(prices, (prices.entry("OKS", f"dedicated:{size}", "ControlPlane"), 1))


def catalog_entry(key: PriceKey, prices: PriceList) -> Price:
    """Price one unit of any catalog entry.

    Raises ``PriceMissing`` when there is no such entry, ``NotPriceable`` for a surplus (a factor on other
    prices) and for an entry of which nobody knows whether it is charged by hour, month or piece.
    """
    entry = prices.entry(*key)
    return _priced(prices, (entry, 1), assumptions=_NOTE_OF_UNIT.get(entry.unit, ()))
