"""What resources cost on one day, as the cloud bills it: what is sold by the month by the days of that month.

Elsewhere a month is 730 hours. Where an estimate meets consumption it is not: a day of December costs a
thirty-first of a monthly price, one of February a twenty-eighth (OUTSCALE ReadConsumptionAccount). The cloud
rounds the consumed part of a month to ten decimals, and so does this.
"""

from collections import defaultdict
from collections.abc import Iterable
from decimal import Context, Decimal, localcontext

from costs.money import round_for_display, round_for_storage
from costs.pricing import Part, Period

MONTH_LENGTHS = (28, 29, 30, 31)

HOURS_PER_DAY = 24

_EXACT = Context(prec=100)


def day_amounts(parts: Iterable[Part], period: Period) -> dict[str, tuple[int, ...]]:
    """Return what parts of a price cost on a day of each of ``MONTH_LENGTHS``, by category.

    The amounts are whole numbers of 10⁻¹⁰, as they are stored. What is sold once costs nothing on a day.
    """
    found: dict[str, list[int]] = defaultdict(lambda: [0] * len(MONTH_LENGTHS))
    with localcontext(_EXACT):
        for part in parts:
            amounts = found[part.category]
            for place, days in enumerate(MONTH_LENGTHS):
                amounts[place] += _whole(quantity_on_day(part, period, days) * part.unit_price)
    return {category: tuple(amounts) for category, amounts in found.items()}


def quantity_on_day(part: Part, period: Period, month_length: int) -> Decimal:
    """Return how much of a product is consumed on a day of a month of that length, as the cloud counts."""
    with localcontext(_EXACT):
        if period == Period.HOUR:
            return part.quantity * HOURS_PER_DAY
        if period == Period.MONTH:
            return round_for_display(part.quantity / month_length, 10)
    return Decimal(0)


def _whole(amount: Decimal) -> int:
    return int(round_for_storage(amount).scaleb(10))
