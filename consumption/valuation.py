"""What a consumed amount costs: at the cloud's own price where it gives one, else by our price rules.

The rules are those of quotes and of the current cost (``costs.pricing``). A consumed value is in the unit of
its price already: VM-hours, and for what is sold by the month the part of a month (OUTSCALE
ReadConsumptionAccount).
"""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal

from consumption.entries import Entry
from consumption.runs import DayFigures
from costs import pricing
from costs.money import round_for_storage, storable
from costs.pricelist import FCU, PriceKey, PriceList, PriceMissing, Unit, product_code
from costs.vmtypes import UnknownVmType, VmShape, shape_of

_VM_OPERATION = "RunInstances-OD"


def figures_of(entry: Entry, prices: PriceList | None) -> DayFigures:
    """Return what an entry comes to; ``prices`` are those of its day, None when there are none.

    The amount is value × unit price, rounded once to 10⁻¹⁰. Without a price the entry is kept unpriced.
    """
    value = round_for_storage(entry.value)
    unit_price = entry.unit_price
    if not is_priced(entry) and prices is not None:
        unit_price = unit_price_of(entry.key, prices)
    if entry.price is not None:
        price = entry.price
    else:
        price = None if unit_price is None else entry.value * unit_price
    stored_price = None if price is None else storable(price)
    return DayFigures(value, None if unit_price is None else storable(unit_price), stored_price)


class Valuation:
    """Prices the entries of some days; equal ones once, for most resources consume the same every day.

    ``prices_on`` tells the prices of a day.
    """

    def __init__(self, prices_on: Callable[[dt.date], PriceList | None]) -> None:
        self.prices_on = prices_on
        self._known: dict[tuple, DayFigures] = {}

    def figures_of(self, entry: Entry, prices: PriceList | None) -> DayFigures:
        """Return what an entry comes to at the prices of its day."""
        version = None if is_priced(entry) or prices is None else prices.version
        facts = (
            entry.service,
            entry.type,
            entry.operation,
            entry.value,
            entry.unit_price,
            entry.price,
            version,
        )
        known = self._known.get(facts)
        if known is None:
            known = self._known[facts] = figures_of(entry, prices)
        return known


def is_priced(entry: Entry) -> bool:
    """Tell whether the cloud itself gave a price for an entry."""
    return entry.unit_price is not None or entry.price is not None


def unit_price_of(key: PriceKey, prices: PriceList) -> Decimal | None:
    """Return the price of one unit of what is consumed under ``key``; None when no rule finds one.

    Exactly the catalog's entry where it has one; a VM by its cores and memory; the licence of a VM by its
    cores. A surplus is a factor on other prices, and no price (OUTSCALE price catalog).
    """
    listed = prices.entries.get(key)
    if listed is not None:
        return None if listed.unit is Unit.SURPLUS else listed.unit_price
    try:
        return _composed(key, prices)
    except (PriceMissing, pricing.NotPriceable, UnknownVmType):
        return None


def _composed(key: PriceKey, prices: PriceList) -> Decimal | None:
    family, _separator, vm_type = key.type.partition(":")
    code = product_code(key)
    if family == "ProductUsage" and code:
        vcores = shape_of(vm_type).vcores if pricing.depends_on_cores(code) else 0
        return pricing.licence(code, vcores, prices).amount
    if key.service == FCU and family == "BoxUsage" and key.operation == _VM_OPERATION:
        return _vm_price(shape_of(vm_type), prices)
    return None


def _vm_price(shape: VmShape, prices: PriceList) -> Decimal:
    return pricing.joined([pricing.vcores(shape, prices), pricing.memory(shape, prices)]).amount
