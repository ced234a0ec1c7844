"""The kept history as people ask for it: by period and group, filtered, each total with its coverage.

One query function feeds page, files and API, so that they cannot disagree. Nothing here asks the cloud.
Amounts exclude tax, are exact sums of what is stored, and are in the one currency of the days.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.db.models import BigIntegerField, Count, ExpressionWrapper, F, Q, QuerySet, Sum, TextChoices
from django.db.models.functions import Greatest, Least
from django.utils.translation import gettext_lazy as _

from accounts.errors import PortalError
from consumption import periods
from consumption.coverage import Coverage, coverage_of_rows
from consumption.models import Ledger, ResourceUsage, Usage, UsageDay
from consumption.periods import Granularity, Period
from costs.money import STORED_STEP


class Dimension(TextChoices):
    """What consumption can be grouped and filtered by."""

    CATEGORY = "category", _("Category")
    SERVICE = "service", _("Service")
    TYPE = "resource_type", _("Type")
    SUBREGION = "subregion", _("Subregion")
    REGION = "region", _("Region")
    ACCOUNT = "account", _("Account")
    RESOURCE = "resource", _("Resource")


_METER_FIELD = {
    Dimension.CATEGORY: "meter__category",
    Dimension.SERVICE: "meter__service",
    Dimension.TYPE: "meter__type",
    Dimension.SUBREGION: "meter__subregion",
}
_USAGE_FIELD = _METER_FIELD | {Dimension.REGION: "day__ledger__region", Dimension.ACCOUNT: "account_id"}
_RESOURCE_FIELD = _METER_FIELD | {
    Dimension.REGION: "ledger__region",
    Dimension.ACCOUNT: "account_id",
    Dimension.RESOURCE: "resource_id",
}


class SeveralCurrencies(PortalError):
    """The days asked for are billed in several currencies, which are never added."""

    code = "SEVERAL_CURRENCIES"
    http_status = 400

    def __init__(self, currencies: Iterable[str]) -> None:
        super().__init__()
        listed = ", ".join(sorted(currencies))
        text = _("These days are billed in %(currencies)s, which cannot be added. Choose one region.")
        self.message = text % {"currencies": listed}


@dataclass(frozen=True)
class Question:
    """What to show of the history.

    ``filters`` holds the accepted values of a dimension; all filters must hold. ``with_linked``: also the
    accounts that are billed to this one.
    """

    period: Period
    granularity: str = Granularity.DAY
    group_by: str = Dimension.CATEGORY
    filters: Mapping[str, frozenset[str]] = field(default_factory=dict)
    with_linked: bool = False

    @property
    def asks_resources(self) -> bool:
        """Tell whether a resource is chosen, so that only the consumption by resource can answer."""
        return Dimension.RESOURCE in self.filters


@dataclass(frozen=True)
class Step:
    """A step of the series; ``cost`` is what is known of it, None when none of its days was read."""

    period: Period
    cost: Decimal | None
    coverage: Coverage


@dataclass(frozen=True)
class Group:
    """What one value of the grouping cost; ``unpriced`` counts its lines without a price.

    ``share`` is in percent of the total, None without one; ``before`` is the cost in the equal period before,
    None while that is not wholly read.
    """

    key: str
    cost: Decimal
    unpriced: int
    share: Decimal | None
    before: Decimal | None

    @property
    def change_percent(self) -> Decimal | None:
        """The change against the period before, in percent; None without a cost there."""
        return (self.cost / self.before - 1) * 100 if self.before else None


@dataclass(frozen=True)
class Unpriced:
    """What was consumed and has no price, so that no total holds it."""

    service: str
    type: str
    operation: str
    value: Decimal
    lines: int


@dataclass(frozen=True)
class History:
    """What answers a question about the kept days of some ledgers."""

    ledgers: Sequence[Ledger]
    question: Question
    coverage: Coverage
    coverage_before: Coverage
    currency: str
    _costs: "_Costs" = field(repr=False)

    @cached_property
    def steps(self) -> list[Step]:
        """The series: one step after another."""
        costs = self._costs.by_step
        return [
            Step(period, _amount(costs[place]) if covered.with_figures else None, covered)
            for place, period in enumerate(self._costs.steps)
            for covered in [self.coverage.of(period)]
        ]

    @cached_property
    def total(self) -> Decimal:
        """What is known of the cost of the whole period."""
        return _amount(sum(self._costs.by_step))

    @cached_property
    def total_before(self) -> Decimal | None:
        """The cost of the equal period before; None while that is not wholly read."""
        return _amount(sum(self._costs.before.values())) if self.coverage_before.is_whole else None

    @property
    def change_percent(self) -> Decimal | None:
        """The change of the total against the period before, in percent; None without a cost there."""
        return (self.total / self.total_before - 1) * 100 if self.total_before else None

    @cached_property
    def groups(self) -> list[Group]:
        """What each value of the grouping cost, dearest first."""
        before = self._costs.before if self.coverage_before.is_whole else None
        keys = self._costs.by_group.keys() | (before or {}).keys()
        groups = [self._group(key, before) for key in keys]
        return sorted(groups, key=lambda group: (-group.cost, group.key))

    def _group(self, key: str, before: Mapping[str, int] | None) -> Group:
        raw, unpriced = self._costs.by_group.get(key, (0, 0))
        cost = _amount(raw)
        return Group(
            key,
            cost,
            unpriced,
            cost * 100 / self.total if self.total else None,
            None if before is None else _amount(before.get(key, 0)),
        )

    def series(self, keys: Iterable[str]) -> dict[str, list[Decimal | None]]:
        """Return the costs of some groups step by step; None where no day of the step was read."""
        costs = self._costs.series(keys)
        has_figures = [step.cost is not None for step in self.steps]
        return {
            key: [_amount(raw) if read else None for raw, read in zip(found, has_figures, strict=True)]
            for key, found in costs.items()
        }

    def unpriced_lines(self, keys: Iterable[str]) -> dict[str, list[int]]:
        """Return how many lines of some groups have no price, step by step; each day of each counts."""
        return self._costs.unpriced_lines(keys)

    @cached_property
    def unpriced(self) -> list[Unpriced]:
        """What was consumed without a price, product by product."""
        return self._costs.unpriced()


def history_of(ledgers: Iterable[Ledger], question: Question, *, expected: int = 1) -> History:
    """Return what is kept in ``ledgers`` for a question; raise ``SeveralCurrencies`` where they differ.

    ``expected`` is how many ledgers there should be: what is in one that is not there yet is not read.
    """
    ledgers = list(ledgers)
    earlier = periods.before(question.period)
    rows = list(
        UsageDay.objects.filter(ledger__in=ledgers, day__gte=earlier.first, day__lt=question.period.end)
    )
    currencies = {row.currency for row in rows if row.currency}
    if len(currencies) > 1:
        raise SeveralCurrencies(currencies)
    coverage, coverage_before = (
        coverage_of_rows(
            [row for row in rows if period.first <= row.day < period.end],
            expected,
            period,
            with_linked=question.with_linked,
        )
        for period in (question.period, earlier)
    )
    currency = next(iter(currencies), "")
    return History(ledgers, question, coverage, coverage_before, currency, _Costs(ledgers, question, earlier))


def _raw(amount: Decimal | None) -> int:
    """Return a stored amount as the whole number of 10⁻¹⁰ that it is, 0 where there is none."""
    return int(amount.scaleb(10)) if amount else 0


def _amount(raw: int) -> Decimal:
    """Turn a sum of stored whole numbers into the amount that it is."""
    return raw * STORED_STEP


class _Costs:
    """Sums of stored costs, as whole numbers of 10⁻¹⁰: they add exactly, and fast, in the database.

    The consumption by meter answers wherever it can: it has a row for each day. What is asked by resource is
    answered from runs of days: their totals are added in the database too, and only the runs of groups whose
    series is wanted are parted into steps here.
    """

    def __init__(self, ledgers: Sequence[Ledger], question: Question, before: Period) -> None:
        self._ledgers = ledgers
        self._question = question
        self._before = before
        self.steps = periods.steps(question.period, question.granularity)

    @property
    def _by_resource(self) -> bool:
        return self._question.asks_resources or self._question.group_by == Dimension.RESOURCE

    @cached_property
    def by_step(self) -> list[int]:
        """The cost of each step."""
        if self._question.asks_resources:
            rows = self._resources(self._question.period).values_list("first_day", "last_day", "price")
            return self._parted((None, first, last, _raw(price)) for first, last, price in rows)[None]
        if self._question.group_by == Dimension.RESOURCE:
            days = self._usages(self._question.period).values_list("day__day").annotate(cost=_COST)
            return self._added((None, *row) for row in days)[None]
        return [sum(costs) for costs in zip(*self._by_day_and_group.values(), strict=True)] or self._zeros()

    @cached_property
    def by_group(self) -> dict[str, tuple[int, int]]:
        """The cost of each group, and how many of its lines have no price."""
        return self._totals(self._question.period)

    @cached_property
    def before(self) -> dict[str, int]:
        """The cost of each group in the period before."""
        return {key: cost for key, (cost, _unpriced) in self._totals(self._before).items()}

    def series(self, keys: Iterable[str]) -> dict[str, list[int]]:
        """Return the cost of each step of some groups."""
        keys = list(keys)
        if not self._by_resource:
            return {key: self._by_day_and_group.get(key, self._zeros()) for key in keys}
        group = _RESOURCE_FIELD[Dimension(self._question.group_by)]
        runs = self._resources(self._question.period).filter(**{f"{group}__in": keys})
        rows = runs.values_list(group, "first_day", "last_day", "price")
        parted = self._parted((key, first, last, _raw(price)) for key, first, last, price in rows)
        return {key: parted[key] for key in keys}

    def unpriced_lines(self, keys: Iterable[str]) -> dict[str, list[int]]:
        """Return how many lines without a price some groups have in each step."""
        keys, period = list(keys), self._question.period
        if self._by_resource:
            group, rows = _RESOURCE_FIELD[Dimension(self._question.group_by)], self._resources(period)
            runs = rows.filter(price=None, **{f"{group}__in": keys})
            found = self._parted((*run, 1) for run in runs.values_list(group, "first_day", "last_day"))
        else:
            group, rows = _USAGE_FIELD[Dimension(self._question.group_by)], self._usages(period)
            lines = rows.filter(price=None, **{f"{group}__in": keys})
            found = self._added(lines.values_list(group, "day__day").annotate(Count("pk")).order_by())
        return {key: found[key] for key in keys}

    def unpriced(self) -> list[Unpriced]:
        """Return what has no price, product by product."""
        if self._by_resource and self._question.asks_resources:
            rows, value = self._resources(self._question.period), _run_sum(self._question.period, "value")
        else:
            rows, value = self._usages(self._question.period), Sum(_whole("value"))
        product = ("meter__service", "meter__type", "meter__operation")
        found = rows.filter(price=None).values_list(*product).annotate(value=value, lines=Count("pk"))
        return [Unpriced(*key, _amount(int(whole)), lines) for *key, whole, lines in found.order_by(*product)]

    def _totals(self, period: Period) -> dict[str, tuple[int, int]]:
        group_by = Dimension(self._question.group_by)
        unpriced = Count("pk", filter=Q(price=None))
        if self._by_resource:
            key, cost, rows = _RESOURCE_FIELD[group_by], _run_sum(period, "price"), self._resources(period)
        else:
            key, cost, rows = _USAGE_FIELD[group_by], _COST, self._usages(period)
        found = rows.values_list(key).annotate(cost=cost, unpriced=unpriced).order_by()
        return {name: (int(whole or 0), lines) for name, whole, lines in found}

    @cached_property
    def _by_day_and_group(self) -> dict[str, list[int]]:
        key = _USAGE_FIELD[Dimension(self._question.group_by)]
        rows = self._usages(self._question.period).values_list(key, "day__day").annotate(cost=_COST)
        return self._added(rows.order_by())

    def _usages(self, period: Period) -> QuerySet[Usage]:
        rows = Usage.objects.filter(
            day__ledger__in=self._ledgers, day__day__gte=period.first, day__day__lt=period.end
        )
        return self._filtered(rows, _USAGE_FIELD, own=F("day__ledger__account_id"))

    def _resources(self, period: Period) -> QuerySet[ResourceUsage]:
        rows = ResourceUsage.objects.filter(ledger__in=self._ledgers).during(period.first, period.end)
        return self._filtered(rows, _RESOURCE_FIELD, own=F("ledger__account_id"))

    def _filtered(self, rows: QuerySet, fields: Mapping[Dimension, str], own: F) -> QuerySet:
        if not self._question.with_linked:
            rows = rows.filter(account_id=own)
        for name, values in self._question.filters.items():
            rows = rows.filter(**{f"{fields[Dimension(name)]}__in": values})
        return rows

    @cached_property
    def _step_of_day(self) -> dict[dt.date, int]:
        return {day: place for place, step in enumerate(self.steps) for day in step.days}

    def _zeros(self) -> list[int]:
        return [0] * len(self.steps)

    def _added(self, rows: Iterable[tuple[Any, dt.date, int | None]]) -> dict[Any, list[int]]:
        """Add costs of days into steps, key by key."""
        found: dict[Any, list[int]] = defaultdict(self._zeros)
        for key, day, cost in rows:
            found[key][self._step_of_day[day]] += int(cost or 0)
        return found

    def _parted(self, rows: Iterable[tuple[Any, int, int, int]]) -> dict[Any, list[int]]:
        """Part runs of equal days into steps, key by key."""
        found: dict[Any, list[int]] = defaultdict(self._zeros)
        bounds = [(step.first.toordinal(), step.last.toordinal()) for step in self.steps]
        for key, first, last, whole in rows:
            for place, (begin, end) in enumerate(bounds):
                days = min(last, end) - max(first, begin) + 1
                if days > 0:
                    found[key][place] += whole * days
        return found


def _whole(name: str) -> ExpressionWrapper:
    """Return a stored figure as the whole number of 10⁻¹⁰ that it is."""
    return ExpressionWrapper(F(name), output_field=BigIntegerField())


_COST = Sum(_whole("price"))


def _run_sum(period: Period, name: str) -> Sum:
    """Return the sum of a figure over the days that runs have in a period."""
    last = Least(F("last_day"), period.last.toordinal())
    first = Greatest(F("first_day"), period.first.toordinal())
    days = ExpressionWrapper(last - first + 1, output_field=BigIntegerField())
    return Sum(ExpressionWrapper(_whole(name) * days, output_field=BigIntegerField()))
