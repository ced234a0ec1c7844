"""A quote as it is read: its items by group with their sums, its totals, and the prices that changed since.

One function feeds the builder's page, the JSON API and the exports, so that they cannot disagree.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from accounts import regions
from costs import catalog
from costs.models import CommitmentRate
from costs.pricelist import PriceList, PriceMissing
from costs.pricing import NotPriceable, Price
from quotes import resources
from quotes.calculation import Calculation, Sums, calculate
from quotes.models import Quote, QuoteGroup, QuoteItem
from quotes.resources import ResourceType


@dataclass(frozen=True)
class PriceChange:
    """The catalog of now prices an item otherwise than the one of when it was added.

    ``price`` is None when the catalog of now cannot price it any more.
    """

    price: Price | None


@dataclass(frozen=True)
class Row:
    """An item with its sums over the duration; ``change`` is None while its price stands."""

    item: QuoteItem
    sums: Sums
    change: PriceChange | None

    @property
    def price(self) -> Price:
        """The price of one of it."""
        return self.item.unit_price

    @property
    def key(self) -> str:
        """What the page calls this row."""
        return str(self.item.pk)

    @property
    def title(self) -> str:
        """The name that its owner gave it, else what it is."""
        if self.item.resource_name or self.item.resource_type != ResourceType.CATALOG_ENTRY:
            return str(self.item)
        return self.details

    @property
    def code(self) -> str:
        """The cloud's own code of the resource."""
        return resources.code_of(self.item.resource_type, self.item.parameters, self.price)

    @property
    def details(self) -> str:
        """What the resource is, in words."""
        return resources.details_of(self.item.resource_type, self.item.parameters, self.price)


@dataclass(frozen=True)
class Section:
    """A group with its rows, or the rows that are in none (``group`` is None); sums by currency."""

    group: QuoteGroup | None
    rows: list[Row]
    sums: dict[str, Sums]

    @property
    def key(self) -> str:
        """What the page calls this section."""
        return str(self.group.pk) if self.group else "none"


@dataclass(frozen=True)
class Sheet:
    """All that is shown of a quote."""

    quote: Quote
    sections: list[Section]
    calculation: Calculation
    rates: Mapping[str, CommitmentRate]
    prices: Mapping[str, PriceList]

    @property
    def rows(self) -> list[Row]:
        """The rows of all sections, in the order of the page."""
        return [row for section in self.sections for row in section.rows]

    @property
    def regions_of_assumed_currency(self) -> list[str]:
        """The regions of this quote whose currency the API has not named yet."""
        used = {row.item.region for row in self.rows}
        return sorted(name for name in used & self.prices.keys() if not self.prices[name].currency_confirmed)

    @property
    def categories_of_unconfirmed_rates(self) -> list[str]:
        """The categories whose commitment discount nobody has checked against OUTSCALE's price list yet."""
        return sorted(category for category, rate in self.rates.items() if not rate.confirmed)

    @property
    def changed_rows(self) -> list[Row]:
        """The rows whose price changed."""
        return [row for row in self.rows if row.change]

    def row_of(self, item_id: object) -> Row:
        """Return the row of an item; raise ``QuoteItem.DoesNotExist`` when the quote has it no more."""
        return self._place_of(item_id)[1]

    def section_of(self, item_id: object) -> Section:
        """Return the section in which an item stands; raises as ``row_of`` does."""
        return self._place_of(item_id)[0]

    def _place_of(self, item_id: object) -> tuple[Section, Row]:
        for section in self.sections:
            for row in section.rows:
                if row.item.pk == item_id:
                    return section, row
        raise QuoteItem.DoesNotExist


def sheet_of(quote: Quote, *, at: dt.datetime) -> Sheet:
    """Read ``quote`` and calculate it with the commitment rates that are valid ``at`` that moment.

    Five queries at most, however many items it has; the cloud is not asked.
    """
    items = list(quote.items.order_by("display_order", "pk"))
    for item in items:
        item.quote = quote
    groups = list(quote.groups.order_by("display_order", "pk"))
    names = regions.names()
    prices = catalog.latest_of({item.region for item in items} or {names[0]})
    rates = _rates(quote, at.date())
    percents = {category: rate.percent for category, rate in rates.items()}
    calculation = calculate(quote, items, percents, currency=_currency(prices))
    rows = [Row(item, calculation.items[item.pk], _change(item, prices.get(item.region))) for item in items]
    return Sheet(quote, _sections(groups, rows, calculation), calculation, rates, prices)


def _rates(quote: Quote, day: dt.date) -> dict[str, CommitmentRate]:
    period = quote.commitment_period
    return CommitmentRate.objects.valid_on(day, period) if period else {}


def _currency(prices: Mapping[str, PriceList]) -> str:
    """Return the currency of a quote without items: that of the first region."""
    first = regions.names()[0]
    return prices[first].currency if first in prices else regions.assumed_currency(first)


def _sections(groups: Iterable[QuoteGroup], rows: list[Row], calculation: Calculation) -> list[Section]:
    def section(group: QuoteGroup | None) -> Section:
        key = group.pk if group else None
        totals = calculation.totals.values()
        sums = {total.currency: total.by_group[key] for total in totals if key in total.by_group}
        return Section(group, [row for row in rows if row.item.group_id == key], sums)

    return [section(None), *(section(group) for group in groups)]


def _change(item: QuoteItem, prices: PriceList | None) -> PriceChange | None:
    if prices is None or _is_from(item, prices):
        return None
    try:
        now = resources.price_of(item.resource_type, item.parameters, prices)
    except (PriceMissing, NotPriceable):
        return PriceChange(None)
    same = _charged(now) == _charged(item.unit_price)
    return None if same else PriceChange(now)


def _is_from(item: QuoteItem, prices: PriceList) -> bool:
    return (item.price["catalog"]["version"], item.price["currency"]) == (prices.version, prices.currency)


def _charged(price: Price) -> tuple[object, ...]:
    return (
        price.currency,
        price.period,
        price.amount,
        sum((part.amount for part in price.shared), Decimal(0)),
    )
