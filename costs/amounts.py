"""Sums of what recurs: exact, whether it is priced by the hour or by the month."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext

from costs.money import HOURS_PER_MONTH, MONTHS_PER_YEAR
from costs.pricing import Part, Period

_EXACT = Context(prec=100)
"""Enough digits for every product and sum of a reading: bytes in GiB alone may have thirty decimals."""


@dataclass(frozen=True, slots=True)
class Amount:
    """What something costs: the part priced by the hour and the part priced by the month.

    Both are exact and in one currency, which stands beside. Only the hour of what is priced by the month is a
    division, to a hundred digits.
    """

    hourly: Decimal = Decimal(0)
    monthly: Decimal = Decimal(0)

    @property
    def hour(self) -> Decimal:
        """The cost of an hour; a month has 730."""
        with localcontext(_EXACT):
            return self.hourly + self.monthly / HOURS_PER_MONTH

    @property
    def month(self) -> Decimal:
        """The cost of a month of 730 hours."""
        with localcontext(_EXACT):
            return self.hourly * HOURS_PER_MONTH + self.monthly

    @property
    def year(self) -> Decimal:
        """The cost of twelve such months."""
        with localcontext(_EXACT):
            return self.month * MONTHS_PER_YEAR

    def __bool__(self) -> bool:
        return bool(self.hourly or self.monthly)

    def __sub__(self, other: "Amount") -> "Amount":
        with localcontext(_EXACT):
            return Amount(self.hourly - other.hourly, self.monthly - other.monthly)


def amount_of(parts: Iterable[Part], period: Period) -> Amount:
    """Return what ``parts``, each for one ``period``, cost together."""
    with localcontext(_EXACT):
        known = sum((part.amount for part in parts), Decimal(0))
    return Amount(hourly=known) if period == Period.HOUR else Amount(monthly=known)


def total(counted: Iterable[tuple[Amount, int]]) -> Amount:
    """Return the sum of amounts, each taken as often as the number beside it says."""
    hourly = monthly = Decimal(0)
    with localcontext(_EXACT):
        for amount, count in counted:
            hourly += amount.hourly * count
            monthly += amount.monthly * count
    return Amount(hourly, monthly)
