"""What the consumed values of a meter count.

A consumed value is in the unit of its price (OUTSCALE ReadConsumptionAccount). VMs and their licences are
metered by VM type, which no catalog entry names: both count hours of whole VMs.
"""

from django.utils.translation import gettext_lazy

from costs.pricelist import PriceKey, Unit, unit_of_family

_VM = "BoxUsage"
_LICENCE = "ProductUsage"

_BY_MONTH = {Unit.GIB_MONTH, Unit.IOPS_MONTH, Unit.MONTH}

_COUNTED = {
    Unit.VCORE_HOUR: gettext_lazy("vCore-hours"),
    Unit.GIB_HOUR: gettext_lazy("GiB-hours"),
    Unit.HOUR: gettext_lazy("hours"),
    Unit.VM_HOUR: gettext_lazy("VM-hours"),
    Unit.GIB_MONTH: gettext_lazy("GiB-months"),
    Unit.IOPS_MONTH: gettext_lazy("IOPS-months"),
    Unit.MONTH: gettext_lazy("months"),
    Unit.GIB: gettext_lazy("GiB"),
    Unit.GBPS: gettext_lazy("Gbps"),
    Unit.REQUEST: gettext_lazy("requests"),
    Unit.REMAP: gettext_lazy("moves"),
    Unit.SUBSCRIPTION: gettext_lazy("subscriptions"),
}


def unit_of(key: PriceKey) -> Unit:
    """Return in what the values of a meter are counted; ``UNKNOWN`` where no source tells."""
    if key.type.partition(":")[0] in (_VM, _LICENCE):
        return Unit.VM_HOUR
    return unit_of_family(key)


def is_by_month(key: PriceKey) -> bool:
    """Tell whether a whole month of a product costs the same whatever its length, so that its days do not."""
    return unit_of(key) in _BY_MONTH


def unit_words(unit: Unit) -> str:
    """Return what a quantity counts, such as ``GiB-months``; empty where no source tells."""
    return str(_COUNTED.get(unit, ""))
