"""A month of the history as FOCUS 1.2 (FinOps Open Cost and Usage Specification), as CSV.

One row for each day, account, meter and resource. Days are UTC, their ends excluded; amounts exclude tax and
are written whole, never rounded. A day without figures has no rows: FOCUS has no place for it, so the name of
a file of which not every day is complete says so, and ``x_Coverage`` says it of each row.

How FOCUS is filled (focus.finops.org; OUTSCALE ReadConsumptionAccount, ReadPublicCatalog):

- BilledCost and EffectiveCost are the kept price, so that they add up to the total of the portal: commitments
  are not visible in the API. ContractedCost and ListCost are their unit price × PricingQuantity, exactly;
  ``x_PriceRounding`` is BilledCost − ContractedCost: what the rounding of a kept price leaves.
- ListUnitPrice is the price of that day's catalog, ContractedUnitPrice the kept one. An unknown one is null,
  and its cost the BilledCost; ``x_PriceStatus`` says why there is no list price. FOCUS wants both prices for
  usage: this is a known deviation.
- BilledCost may not be null, so a month with a line without a price is refused, unless such lines are to be
  left out: then their days are ``partial``, and the name of the file says that something was left out.
- BillingAccountId is who is billed, as the cloud last said it; the account itself while it has not.
- Tags are those of the last reading of the current cost, at ``x_TagsReadAt``: OUTSCALE tells no tags of the
  past. They are null for a resource that this reading does not know.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from typing import NamedTuple

from django.db.models import QuerySet
from django.utils.formats import date_format
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.errors import PortalError
from consumption.coverage import Coverage, coverage_of_rows
from consumption.focusrows import COLUMNS, Charge, MeterFacts, Payer, Tariff, day_cells, run_cells
from consumption.linked import counted_once
from consumption.models import WITH_FIGURES, DayState, Ledger, ResourceUsage, UsageDay
from consumption.periods import Period, months_later
from consumption.runs import DayFigures
from costs import catalog, snapshots
from costs.exports import csv_writer
from costs.models import CostSnapshot
from costs.pricelist import PriceKey

_RUNS_AT_ONCE = 1000
_MOST_NAMED = 20
_METER_FIELDS = tuple(f"meter__{name}" for name in MeterFacts._fields)
_RUN_FIELDS = ("first_day", "last_day", "account_id", "resource_id", *DayFigures._fields, *_METER_FIELDS)


class NothingKept(PortalError):
    """No day of the month has figures, so there is nothing to write and nothing to say of it."""

    code = "NOTHING_KEPT"
    message = gettext_lazy("No day of this month was read yet. Show it on the page first.")
    http_status = 409


class NotPriced(PortalError):
    """Something was consumed without a known price, which FOCUS has no place for. ``products`` names it."""

    code = "NOT_PRICED"
    http_status = 409

    def __init__(self, month: dt.date, products: Sequence[PriceKey]) -> None:
        super().__init__()
        text = _(
            "FOCUS needs the cost of every line, and something consumed in %(month)s has no known price. "
            "A file without it would look complete, so there is none."
        )
        self.message = text % {"month": date_format(month, "F Y")}
        self.products = [str(key) for key in products]


def focus_months(period: Period) -> list[dt.date]:
    """Return the months that a period has days of, by their first days: each has a file of its own."""
    months = (period.last.year - period.first.year) * 12 + period.last.month - period.first.month
    return [months_later(period.first, passed) for passed in range(months + 1)]


@dataclass(frozen=True)
class Source:
    """A ledger, the names of accounts, and the reading of the current cost that tells names and tags."""

    ledger: Ledger
    names: Mapping[str, str] = field(default_factory=dict)
    reading: CostSnapshot | None = None

    def payer(self, month: Period) -> Payer:
        """Return who is billed in a month, and what is known besides."""
        snapshot = snapshots.read(self.reading) if self.reading else None
        return Payer(
            account_id=self.ledger.paying_account_id or self.ledger.account_id,
            region=self.ledger.region,
            month=month,
            names=self.names,
            resources={line.resource_id: line for line in snapshot.lines} if snapshot else {},
            read_at=snapshot.taken_at if snapshot else None,
        )


class _Day(NamedTuple):
    """What the rows of a day have in common: both ends of their line, and what prices them."""

    start: str
    end: str
    tariff: Tariff


@dataclass(frozen=True)
class FocusMonth:
    """The month that begins on ``first``, of some ledgers.

    ``with_linked``: all accounts billed to them. ``without_unpriced``: leave out what has no price.
    """

    first: dt.date
    sources: Sequence[Source]
    with_linked: bool = False
    without_unpriced: bool = False

    @property
    def period(self) -> Period:
        """The days of the month."""
        return Period(self.first, months_later(self.first, 1))

    @cached_property
    def _rows(self) -> dict[int, list[UsageDay]]:
        """The rows of each ledger in the month (one query)."""
        found: dict[int, list[UsageDay]] = {source.ledger.pk: [] for source in self.sources}
        days = UsageDay.objects.filter(day__gte=self.period.first, day__lt=self.period.end)
        for row in days.filter(ledger__in=found).order_by("day"):
            found[row.ledger_id].append(row)
        return found

    @property
    def coverages(self) -> list[Coverage]:
        """What is known of the month in each ledger."""
        return [self._coverage(source) for source in self.sources]

    def _coverage(self, source: Source) -> Coverage:
        rows = self._rows[source.ledger.pk]
        return coverage_of_rows(rows, 1, self.period, with_linked=self.with_linked)

    @property
    def file_name(self) -> str:
        """The name of the file: accounts, regions, month, and whether something is missing in it."""
        accounts = sorted({source.ledger.account_id for source in self.sources})
        regions = sorted({source.ledger.region for source in self.sources})
        partial = ["partial"] if any(coverage.gaps for coverage in self.coverages) else []
        left_out = ["without unpriced"] if self.unpriced else []
        facts = ["focus", *accounts, *regions, f"{self.first:%Y-%m}", *partial, *left_out]
        return f"{slugify(' '.join(facts))}.csv"

    @cached_property
    def unpriced(self) -> list[PriceKey]:
        """The products of which something has no price, in order."""
        products = ("meter__service", "meter__type", "meter__operation")
        return sorted(
            {
                PriceKey(*key)
                for source in self.sources
                for key in self._runs(source).filter(price=None).values_list(*products).distinct()
            }
        )

    def check(self) -> None:
        """Raise ``NothingKept`` or ``NotPriced`` when there can be no file."""
        if not any(coverage.with_figures for coverage in self.coverages):
            raise NothingKept
        if self.unpriced and not self.without_unpriced:
            raise NotPriced(self.first, self.unpriced[:_MOST_NAMED])

    def lines(self) -> Iterator[str]:
        """Write the file, some lines at a time; ``check`` must have passed.

        Raises ``NotPriced`` when a line without a price has come since: a file that breaks off is none.
        """
        yield csv_writer()(COLUMNS)
        for source in self.sources:
            yield from self._lines(source)

    def _lines(self, source: Source) -> Iterator[str]:
        days, payer, written = self._days(source), source.payer(self.period), csv_writer()
        runs = self._runs(source).order_by("account_id", "resource_id", "meter_id", "first_day")
        for first, last, *facts in runs.values_list(*_RUN_FIELDS).iterator(chunk_size=_RUNS_AT_ONCE):
            charge = _charge(*facts)
            if charge.figures.price is None:
                if self.without_unpriced:
                    continue
                raise NotPriced(self.first, [charge.meter.key])
            held = [days[day] for day in range(first, last + 1) if day in days]
            for tariff, same in groupby(held, key=lambda day: day.tariff):
                middle = written(run_cells(charge, payer, tariff)).rstrip("\r\n")
                yield "".join(f"{day.start},{middle},{day.end}" for day in same)

    def _runs(self, source: Source) -> QuerySet[ResourceUsage]:
        runs = ResourceUsage.objects.filter(ledger=source.ledger).during(self.period.first, self.period.end)
        ledgers = [one.ledger for one in self.sources]
        return counted_once(runs, ledgers, ledger="ledger", with_linked=self.with_linked)

    def _days(self, source: Source) -> dict[int, _Day]:
        """Return the days of a ledger that have figures, by their ordinals, each with what prices it."""
        written, prices_on = csv_writer(), catalog.history_of(source.ledger.region)
        coverage, unpriced, days = self._coverage(source), self._unpriced_days(source), {}
        tariffs: dict[tuple[str, int, bool], Tariff] = {}
        for row in self._rows[source.ledger.pk]:
            if row.state not in WITH_FIGURES:
                continue
            prices = prices_on(row.day)
            is_later = prices is not None and prices.valid_from.astimezone(dt.UTC).date() > row.day
            known = (row.currency, prices.version if prices else 0, is_later)
            if known not in tariffs:
                tariffs[known] = Tariff(row.currency, prices, is_later=is_later)
            start = written(day_cells(row.day)).rstrip("\r\n")
            day = row.day.toordinal()
            state = DayState.PARTIAL if day in unpriced else coverage.on(row.day).state
            days[day] = _Day(start, written([str(state)]), tariffs[known])
        return days

    def _unpriced_days(self, source: Source) -> set[int]:
        """Return the days of which something without a price is left out, by their ordinals."""
        runs = self._runs(source).filter(price=None).values_list("first_day", "last_day").distinct()
        return {day for first, last in runs for day in range(first, last + 1)}


def _charge(account_id: str, resource_id: str, *facts: object) -> Charge:
    width = len(DayFigures._fields)
    return Charge(account_id, resource_id, MeterFacts(*facts[width:]), DayFigures(*facts[:width]))
