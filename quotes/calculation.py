"""The arithmetic of a quote: quantity × unit price × duration, commitment discount, global discount.

Amounts exclude tax and are exact until they are shown; amounts in different currencies are never added, so a
quote over regions of two currencies has two sums.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from costs.money import HOURS_PER_MONTH, MONTHS_PER_YEAR
from costs.pricelist import PriceKey
from costs.pricing import Part, Period, Price, for_hours
from quotes.models import Quote, QuoteItem

PERCENT = Decimal(100)
Rates = Mapping[str, Decimal]
"""The commitment discount in percent of each category that has one."""


@dataclass
class Sums:
    """Amounts of some parts for the whole duration; ``monthly`` is their recurring cost in 730 hours."""

    base: Decimal = Decimal(0)
    commitment_discount: Decimal = Decimal(0)
    monthly: Decimal = Decimal(0)

    @property
    def total(self) -> Decimal:
        """The cost after the commitment discount, before the global one."""
        return self.base - self.commitment_discount

    @property
    def commitment_discount_percent(self) -> Decimal:
        """The commitment discount on all of it together, in percent; zero when there is nothing to pay."""
        return self.commitment_discount * PERCENT / self.base if self.base else Decimal(0)

    def add(self, other: "Sums") -> None:
        """Take the amounts of ``other`` in."""
        self.base += other.base
        self.commitment_discount += other.commitment_discount
        self.monthly += other.monthly


@dataclass
class CurrencyTotals:
    """All that a quote comes to in one currency: the groups and the fees together are the subtotal."""

    currency: str
    global_discount_percent: Decimal
    sums: Sums = field(default_factory=Sums)
    by_category: dict[str, Sums] = field(default_factory=dict)
    by_group: dict[object, Sums] = field(default_factory=dict)
    fees: list["SharedFee"] = field(default_factory=list)

    @property
    def categories(self) -> list[tuple[str, Sums]]:
        """The categories that cost something, the dearest first."""
        paid = [(name, sums) for name, sums in self.by_category.items() if sums.base]
        return sorted(paid, key=lambda row: (-row[1].total, row[0]))

    @property
    def commitment_change(self) -> Decimal:
        """The commitment discount as it changes the total: zero or below."""
        return -self.sums.commitment_discount

    @property
    def global_change(self) -> Decimal:
        """The global discount as it changes the total: zero or below."""
        return -self.global_discount

    @property
    def global_discount(self) -> Decimal:
        """What the global discount takes off the subtotal."""
        return self.sums.total * self.global_discount_percent / PERCENT

    @property
    def total(self) -> Decimal:
        """What is to pay for the whole duration."""
        return self.sums.total - self.global_discount

    @property
    def monthly(self) -> Decimal:
        """What recurs in a month of 730 hours, all discounts off."""
        return self.sums.monthly - self.sums.monthly * self.global_discount_percent / PERCENT

    @property
    def yearly(self) -> Decimal:
        """What recurs in twelve months, all discounts off."""
        return self.monthly * MONTHS_PER_YEAR


@dataclass(frozen=True)
class SharedFee:
    """A part charged once for a region, however many items of the quote make it due."""

    region: str
    currency: str
    period: Period
    part: Part
    sums: Sums


@dataclass(frozen=True)
class Calculation:
    """The result: the sums of each item by its id, and the totals of each currency."""

    items: dict[object, Sums]
    totals: dict[str, CurrencyTotals]

    @property
    def fees(self) -> list[SharedFee]:
        """The fees charged once for a region, of all currencies."""
        return [fee for totals in self.totals.values() for fee in totals.fees]

    @property
    def single(self) -> CurrencyTotals | None:
        """The totals when there is one currency, else None."""
        return next(iter(self.totals.values())) if len(self.totals) == 1 else None


def calculate(quote: Quote, items: Iterable[QuoteItem], rates: Rates, *, currency: str) -> Calculation:
    """Calculate ``quote`` over its ``items``; ``currency`` is that of an empty quote.

    ``rates`` are the discounts of the quote's commitment (``costs.models.CommitmentRate``).
    """
    calculator = _Calculator(quote, rates)
    for item in items:
        calculator.add_item(item)
    calculator.add_fees()
    if not calculator.totals:
        calculator.totals_in(currency)
    return Calculation(calculator.items, dict(sorted(calculator.totals.items())))


class _Calculator:
    """Takes one item after the other in."""

    def __init__(self, quote: Quote, rates: Rates) -> None:
        self.hours = quote.hours
        self.global_discount_percent = quote.global_discount_percent
        self.rates = rates
        self.items: dict[object, Sums] = {}
        self.totals: dict[str, CurrencyTotals] = {}
        self._due: dict[tuple[str, str, PriceKey], tuple[int, Decimal, Price, Part]] = {}

    def add_item(self, item: QuoteItem) -> None:
        price = item.unit_price
        sums = [self._sums(part, price.period, item.quantity) for part in price.parts]
        self.items[item.pk] = self._add(price.currency, price.parts, sums)
        self.totals_in(price.currency).by_group.setdefault(item.group_id, Sums()).add(self.items[item.pk])
        for part in price.shared:
            self._note_due(item, price, part)

    def _note_due(self, item: QuoteItem, price: Price, part: Part) -> None:
        """Keep a shared part once for its region: at the price of the newest catalog that any item has."""
        key = (item.region, price.currency, part.key)
        due = (item.price["catalog"]["version"], part.amount, price, part)
        if key not in self._due or due[:2] > self._due[key][:2]:
            self._due[key] = due

    def add_fees(self) -> None:
        for (region, currency, _key), (_version, _amount, price, part) in self._due.items():
            sums = self._add(currency, [part], [self._sums(part, price.period, 1)])
            self.totals_in(currency).fees.append(SharedFee(region, currency, price.period, part, sums))

    def totals_in(self, currency: str) -> CurrencyTotals:
        return self.totals.setdefault(currency, CurrencyTotals(currency, self.global_discount_percent))

    def _add(self, currency: str, parts: Iterable[Part], sums: Iterable[Sums]) -> Sums:
        totals, together = self.totals_in(currency), Sums()
        for part, part_sums in zip(parts, sums, strict=True):
            totals.by_category.setdefault(part.category, Sums()).add(part_sums)
            together.add(part_sums)
        totals.sums.add(together)
        return together

    def _sums(self, part: Part, period: Period, quantity: int) -> Sums:
        amount = part.amount * quantity
        rate = self.rates.get(part.category, Decimal(0))
        base = for_hours(amount, period, self.hours)
        month = Decimal(0) if period == Period.ONCE else for_hours(amount, period, HOURS_PER_MONTH)
        return Sums(base, base * rate / PERCENT, month - month * rate / PERCENT)
