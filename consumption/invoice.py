"""The draft invoice: what accounts consumed in a period, meter by meter, with quantity, unit price and cost.

Costs are exact sums of what is stored of each day, exclude tax, and are never added across currencies. It is
informative: only the invoices of OUTSCALE bind. Nothing here asks the cloud.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.db.models import Count, Max, Min, Q, Sum

from consumption import meters, sources
from consumption.coverage import Coverage, coverage_of_rows
from consumption.linked import counted_once
from consumption.models import Ledger, Usage, UsageDay
from consumption.moment import one_moment
from consumption.periods import Period
from consumption.sources import Source
from costs import products
from costs.pricelist import PriceKey, Unit

ZERO = Decimal(0)


@dataclass(frozen=True)
class Line:
    """What an account consumed of a meter in a region on the days of the invoice, ``days`` of them.

    ``told_by`` is the account whose ledger says so: itself, or the one that it is billed to. ``quantity`` is
    the sum of the values of these days, in ``unit``. ``lowest`` and ``highest`` are their unit prices, None
    where a day has none. Without ``cost`` it is unpriced, which is not zero: what is unpriced on some days
    only stands in a line of its own.
    """

    account_id: str
    region: str
    told_by: str
    currency: str
    key: PriceKey
    subregion: str
    category: str
    title: str
    quantity: Decimal
    lowest: Decimal | None
    highest: Decimal | None
    cost: Decimal | None
    days: int

    @property
    def product(self) -> str:
        """Our name of the product, in the reader's language."""
        return products.name(self.key)

    @property
    def unit(self) -> Unit:
        """What the quantity counts."""
        return meters.unit_of(self.key)

    @property
    def unit_words(self) -> str:
        """What the quantity counts, for people; empty where no source tells."""
        return meters.unit_words(self.unit)

    @property
    def unit_price(self) -> Decimal | None:
        """The price of one unit, None unless all days have the same."""
        return self.lowest if self.lowest == self.highest else None

    @property
    def has_several_unit_prices(self) -> bool:
        """Tell whether the unit price changed within the period."""
        return self.lowest != self.highest


@dataclass(frozen=True)
class Subtotal:
    """What some lines of one currency come to; an empty field stands for all of its kind.

    ``lacks_days``: a day of a source that it stands for is not wholly known.
    """

    currency: str
    lines: Sequence[Line]
    lacks_days: bool
    account_id: str = ""
    region: str = ""
    category: str = ""

    @cached_property
    def cost(self) -> Decimal:
        """What is known of the cost: the sum of the lines that have one."""
        return sum((line.cost for line in self.lines if line.cost is not None), ZERO)

    @cached_property
    def unpriced(self) -> list[Line]:
        """The lines without a price, which the cost leaves out."""
        return [line for line in self.lines if line.cost is None]

    @property
    def lacks(self) -> bool:
        """Tell whether the cost is only what is known of it: days or prices are missing."""
        return self.lacks_days or bool(self.unpriced)

    def share_of(self, part: "Subtotal") -> Decimal | None:
        """Return the share of a part in percent; None without a cost to share."""
        return part.cost * 100 / self.cost if self.cost else None


@dataclass(frozen=True)
class Part:
    """A source with how much of the period is known of it; ``currencies`` are those of its days."""

    source: Source
    coverage: Coverage
    currencies: frozenset[str]

    @property
    def is_whole(self) -> bool:
        """Tell whether every day of the period is known, be it provisional."""
        return self.coverage.is_whole and not self.source.problem

    @property
    def days_read(self) -> int:
        """How many days of the period have figures."""
        return self.coverage.with_figures

    @property
    def days_asked(self) -> int:
        """How many days the period has."""
        return self.coverage.period.length

    @property
    def missing(self) -> list[str]:
        """What it lacks, one sentence for each cause."""
        return sources.missing_of(self.source, self.coverage)

    def lacks_days_of(self, currency: str) -> bool:
        """Tell whether days may be missing whose amounts are in ``currency``."""
        return not self.is_whole and (currency in self.currencies or not self.currencies)


@dataclass(frozen=True)
class Section:
    """What one account consumed in one region, category by category, with the coverage of its source."""

    part: Part
    total: Subtotal
    categories: list[Subtotal]


@dataclass(frozen=True)
class Invoice:
    """The draft invoice of some sources for a period, both as asked for; made on the UTC day ``issued_on``.

    ``with_linked``: also the accounts that are billed to one of them. ``lines`` are ordered by account,
    region, category, and within it by cost.
    """

    period: Period
    issued_on: dt.date
    with_linked: bool
    parts: list[Part]
    lines: list[Line]

    @cached_property
    def totals(self) -> list[Subtotal]:
        """The total of each currency; none at all when no day of any source is known."""
        known = {currency: [] for part in self.parts for currency in sorted(part.currencies)}
        for line in self.lines:
            known[line.currency].append(line)
        return [Subtotal(currency, known[currency], self._lacks_days(currency)) for currency in sorted(known)]

    @cached_property
    def by_account(self) -> list[Subtotal]:
        """What each account comes to, in each currency."""
        return self._subtotals("account_id")

    @cached_property
    def by_region(self) -> list[Subtotal]:
        """What each region comes to, in each currency."""
        return self._subtotals("region")

    @cached_property
    def by_category(self) -> list[Subtotal]:
        """What each category comes to, in each currency, in the order in which categories are shown."""
        return sorted(self._subtotals("category"), key=lambda one: (one.currency, _rank(one.category)))

    def _subtotals(self, name: str) -> list[Subtotal]:
        found: dict[tuple[str, str], list[Line]] = defaultdict(list)
        for line in self.lines:
            found[line.currency, getattr(line, name)].append(line)
        subtotals = [
            Subtotal(currency, lines, self._lacks_days(currency, **{name: value}), **{name: value})
            for (currency, value), lines in found.items()
        ]
        return sorted(subtotals, key=lambda one: one.currency)

    def _lacks_days(
        self, currency: str, *, account_id: str = "", region: str = "", category: str = ""
    ) -> bool:
        """Tell whether days may be missing from a sum; a category is of all sources."""
        told_by = {line.told_by for line in self.lines if line.account_id == account_id}
        return any(
            part.lacks_days_of(currency)
            for part in self.parts
            if region in ("", part.source.region)
            and (not account_id or part.source.account_id in {account_id, "", *told_by})
        )

    @cached_property
    def sections(self) -> list[Section]:
        """What each account consumed in each region; a source of which nothing is known has an empty one."""
        return [section for part in self.parts for section in self._sections_of(part)]

    def _sections_of(self, part: Part) -> Iterator[Section]:
        source = part.source
        found = {(source.account_id, currency): [] for currency in sorted(part.currencies) or [""]}
        for line in self.lines:
            if (line.told_by, line.region) == (source.account_id, source.region):
                found.setdefault((line.account_id, line.currency), []).append(line)
        for (account_id, currency), lines in found.items():
            lacks = not part.is_whole
            whose = {"account_id": account_id, "region": source.region}
            by_category: dict[str, list[Line]] = defaultdict(list)
            for line in lines:
                by_category[line.category].append(line)
            categories = [
                Subtotal(currency, own, lacks, category=name, **whose) for name, own in by_category.items()
            ]
            yield Section(part, Subtotal(currency, lines, lacks, **whose), categories)

    @property
    def unpriced(self) -> list[Line]:
        """The lines without a price, which no total holds."""
        return [line for line in self.lines if line.cost is None]

    @cached_property
    def missing(self) -> list[str]:
        """What the totals lack, one sentence for each source and cause; lines without a price not counted."""
        return [sentence for part in self.parts for sentence in part.missing]

    @cached_property
    def provisional(self) -> list[str]:
        """Which days can still grow, one sentence for each source that has any."""
        said = (sources.provisional_of(part.source, part.coverage) for part in self.parts)
        return [sentence for sentence in said if sentence]

    @property
    def is_known(self) -> bool:
        """Tell whether at least one day of one source is known."""
        return any(part.days_read for part in self.parts)

    @property
    def lacks(self) -> bool:
        """Tell whether something is missing from the totals: days, accounts, or a price."""
        return bool(self.missing or self.unpriced)


@one_moment()
def invoice_of(
    asked: Iterable[Source], period: Period, *, issued_on: dt.date, with_linked: bool = False
) -> Invoice:
    """Return the draft invoice of sources for the days of ``period``, from what is kept (two queries).

    An account that is a source itself, with its own ledger, is not counted again among those that are billed
    to another one.
    """
    asked = list(asked)
    ledgers = [source.ledger for source in asked if source.ledger]
    rows = defaultdict(list)
    for row in UsageDay.objects.filter(ledger__in=ledgers, day__gte=period.first, day__lt=period.end):
        rows[row.ledger_id].append(row)
    parts = [_part(source, rows, period, with_linked=with_linked) for source in asked]
    lines = _lines(ledgers, period, with_linked=with_linked)
    return Invoice(period, issued_on, with_linked, parts, sorted(lines, key=_order_of(parts)))


def _part(source: Source, rows: dict[int, list[UsageDay]], period: Period, *, with_linked: bool) -> Part:
    own = rows[source.ledger.pk] if source.ledger else []
    coverage = coverage_of_rows(own, 1, period, with_linked=with_linked)
    return Part(source, coverage, frozenset(row.currency for row in own if row.currency))


def _order_of(parts: list[Part]) -> Callable[[Line], tuple]:
    """Return what sorts lines: sources as they were asked for, then the accounts billed to them."""
    places = {(part.source.account_id, part.source.region): place for place, part in enumerate(parts)}

    def order(line: Line) -> tuple:
        is_linked = line.account_id != line.told_by
        whose = (places[line.told_by, line.region], is_linked, line.account_id, line.currency)
        by_cost = (line.cost is None, -(line.cost or ZERO))
        return (*whose, _rank(line.category), *by_cost, line.key, line.subregion, line.title)

    return order


def _rank(category: str) -> tuple[int, str]:
    known = products.CATEGORIES
    return (known.index(category) if category in known else len(known), category)


_METER = ("service", "type", "operation", "subregion", "category", "title")


def _lines(ledgers: Sequence[Ledger], period: Period, *, with_linked: bool) -> list[Line]:
    whose = ("account_id", "day__ledger__region", "day__ledger__account_id", "day__currency")
    usages = Usage.objects.filter(
        day__ledger__in=ledgers, day__day__gte=period.first, day__day__lt=period.end
    )
    found = (
        counted_once(usages, ledgers, ledger="day__ledger", with_linked=with_linked)
        .annotate(is_priced=Q(price__isnull=False))
        .values_list(*whose, *(f"meter__{name}" for name in _METER), "is_priced")
        .annotate(
            quantity=Sum("value"),
            lowest=Min("unit_price"),
            highest=Max("unit_price"),
            cost=Sum("price"),
            with_unit_price=Count("unit_price"),
            days=Count("pk"),
        )
        .order_by()
    )
    return [_line(*facts) for facts in found]


def _line(account_id: str, region: str, told_by: str, currency: str, *facts: Any) -> Line:
    *key, subregion, category, title, _is_priced, quantity, low, high, cost, with_unit_price, days = facts
    has_unit_prices = with_unit_price == days
    return Line(
        account_id=account_id,
        region=region,
        told_by=told_by,
        currency=currency,
        key=PriceKey(*key),
        subregion=subregion,
        category=category,
        title=title,
        quantity=quantity,
        lowest=low if has_unit_prices else None,
        highest=high if has_unit_prices else None,
        cost=cost,
        days=days,
    )
