"""Sums of stored costs, as whole numbers of 10⁻¹⁰: they add exactly, and fast.

The consumption by meter answers wherever it can: it has a row for each meter and day, and they are added in
one pass. What is asked by resource is answered from runs of days: their totals are added in the database, and
only the runs of groups whose series is wanted are parted into steps.
"""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any, NamedTuple

from django.db.models import BigIntegerField, CharField, Count, ExpressionWrapper, F, Q, QuerySet, Sum, Value
from django.db.models.functions import Cast, Greatest, Least, Substr

from consumption import periods
from consumption.linked import counted_once
from consumption.models import Ledger, Meter, ResourceUsage, Usage
from consumption.periods import Granularity, Period
from consumption.questions import Dimension, Question
from consumption.remembering import Memory
from consumption.wholenumbers import WholeSum, amount_of, whole_number

_ROWS_AT_ONCE = 10_000
_MEMORY = Memory("sums", version=1)

_METER_FIELD = {
    Dimension.CATEGORY: "category",
    Dimension.SERVICE: "service",
    Dimension.TYPE: "type",
    Dimension.SUBREGION: "subregion",
}
_FILTER = {dimension: f"meter__{field}" for dimension, field in _METER_FIELD.items()} | {
    Dimension.ACCOUNT: "account_id",
    Dimension.RESOURCE: "resource_id",
}
_RESOURCE_FIELD = _FILTER | {Dimension.REGION: "ledger__region"}


@dataclass(frozen=True)
class Unpriced:
    """What was consumed and has no price, so that no total holds it."""

    service: str
    type: str
    operation: str
    value: Decimal
    lines: int


@dataclass(frozen=True)
class Span:
    """Some meters, by their primary keys, from a first to a last day, both included."""

    first: dt.date
    last: dt.date
    meters: frozenset[int]


class Run(NamedTuple):
    """A run of days on each of which a resource consumed the same; days are ordinals, both included.

    ``value`` and ``price`` are those of a day, as whole numbers of 10⁻¹⁰; ``price`` is None without one.
    """

    meter: int
    resource_id: str
    first: int
    last: int
    value: int
    price: int | None


@dataclass
class _Sums:
    """The cost of each step of each group, and how many of its lines have no price."""

    steps: dict[str, list[int]]
    unpriced: Counter[str]


class Costs:
    """What the days of some ledgers come to for one question, and for the equal period ``before`` it.

    ``days`` are the ledger rows of both periods, of which ``pk``, ``day`` and ``read_at`` are asked for. With
    ``remembers`` what is added up by meter is remembered until one of them is read again.
    """

    def __init__(
        self,
        ledgers: Sequence[Ledger],
        question: Question,
        before: Period,
        days: Iterable[Any],
        *,
        remembers: bool = False,
    ) -> None:
        self._ledgers = ledgers
        self._question = question
        self._before = before
        self._days = {day.pk: day for day in days}
        self._remembers = remembers
        self.steps = periods.steps(question.period, question.granularity)

    @property
    def _by_resource(self) -> bool:
        return self._question.asks_resources or self._question.group_by == Dimension.RESOURCE

    @cached_property
    def by_step(self) -> list[int]:
        """The cost of each step."""
        if self._question.asks_resources:
            rows = self._resources(self._question.period).values_list(
                "first_day", "last_day", whole_number("price")
            )
            return self._parted((None, first, last, whole or 0) for first, last, whole in rows)[None]
        if self._question.totals_only or self._question.group_by == Dimension.RESOURCE:
            return self._recalled("by step", self._whole_by_step)
        return [sum(costs) for costs in zip(self._zeros(), *self._sums.steps.values(), strict=True)]

    def by_step_with_part(self, meters: Iterable[int]) -> tuple[list[int], list[int]]:
        """Return the cost of each step, and the part of it that is of some meters, by primary key."""
        meters = frozenset(meters)
        if self._question.asks_resources:
            runs = self._resources(self._question.period)
            rows = runs.values_list("meter_id", "first_day", "last_day", whole_number("price"))
            found = self._parted((meter in meters, *days, whole or 0) for meter, *days, whole in rows)
            return [sum(both) for both in zip(found[True], found[False], strict=True)], found[True]
        return self._recalled(f"by step with {sorted(meters)}", lambda: self._whole_with_part(meters))

    def _whole_by_step(self) -> list[int]:
        days = self._usages(self._question.period).values_list("day_id")
        costs = days.annotate(whole=Sum(whole_number("price"))).order_by()
        return self._placed((None, day, int(whole or 0)) for day, whole in costs)[None]

    def _whole_with_part(self, meters: frozenset[int]) -> tuple[list[int], list[int]]:
        price = whole_number("price")
        days = self._usages(self._question.period).values_list("day_id").order_by()
        days = list(days.annotate(whole=Sum(price), part=Sum(price, filter=Q(meter__in=meters))))
        whole, part = (
            self._placed((None, day, int(costs[place] or 0)) for day, *costs in days)[None]
            for place in (0, 1)
        )
        return whole, part

    @cached_property
    def by_group(self) -> dict[str, tuple[int, int]]:
        """The cost of each group, and how many of its lines have no price."""
        if self._by_resource:
            return self._totals_of_runs(self._question.period)
        return {key: (sum(costs), self._sums.unpriced[key]) for key, costs in self._sums.steps.items()}

    @cached_property
    def by_group_before(self) -> dict[str, tuple[int, int]]:
        """The cost of each group in the period before, and how many of its lines have no price."""
        if self._by_resource:
            return self._totals_of_runs(self._before)
        one_step = _Sums(
            *self._recalled("before", lambda: self._added(self._grouped(self._before, Value(0)), {0: 0}, 1))
        )
        return {key: (cost, one_step.unpriced[key]) for key, [cost] in one_step.steps.items()}

    @cached_property
    def before(self) -> dict[str, int]:
        """The cost of each group in the period before."""
        return {key: cost for key, (cost, _unpriced) in self.by_group_before.items()}

    def series(self, keys: Iterable[str]) -> dict[str, list[int]]:
        """Return the cost of each step of some groups."""
        keys = list(keys)
        if not self._by_resource:
            return {key: self._sums.steps.get(key, self._zeros()) for key in keys}
        group = _RESOURCE_FIELD[Dimension(self._question.group_by)]
        runs = self._resources(self._question.period).filter(**{f"{group}__in": keys})
        rows = runs.values_list(group, "first_day", "last_day", whole_number("price"))
        parted = self._parted((key, first, last, whole or 0) for key, first, last, whole in rows)
        return {key: parted[key] for key in keys}

    def unpriced_lines(self, keys: Iterable[str]) -> dict[str, list[int]]:
        """Return how many lines without a price some groups have in each step."""
        keys = list(keys)
        if self._by_resource:
            group = _RESOURCE_FIELD[Dimension(self._question.group_by)]
            runs = self._resources(self._question.period).filter(price=None, **{f"{group}__in": keys})
            found = self._parted((*run, 1) for run in runs.values_list(group, "first_day", "last_day"))
        else:
            rows = self._usages(self._question.period).filter(price=None)
            lines = rows.values_list("day_id", self._column)
            found = self._placed((self._key_of(value), day, 1) for day, value in lines)
        return {key: found[key] for key in keys}

    @cached_property
    def unpriced_by_step(self) -> list[int]:
        """How many lines without a price each step has; each day of each counts."""
        if self._question.asks_resources:
            runs = self._resources(self._question.period).filter(price=None)
            return self._parted((None, *run, 1) for run in runs.values_list("first_day", "last_day"))[None]
        days = self._usages(self._question.period).filter(price=None).values_list("day_id", flat=True)
        return self._placed((None, day, 1) for day in days)[None]

    def unpriced(self) -> list[Unpriced]:
        """Return what has no price, product by product."""
        return self._recalled("unpriced", self._found_unpriced)

    def _found_unpriced(self) -> list[Unpriced]:
        if self._question.asks_resources:
            rows, value = self._resources(self._question.period), _run_sum(self._question.period, "value")
        else:
            rows, value = self._usages(self._question.period), Sum(whole_number("value"))
        product = ("meter__service", "meter__type", "meter__operation")
        found = rows.filter(price=None).values_list(*product).annotate(value=value, lines=Count("pk"))
        return [
            Unpriced(*key, amount_of(int(whole)), lines) for *key, whole, lines in found.order_by(*product)
        ]

    # --- By meter

    @cached_property
    def meters(self) -> list[Meter]:
        """What was consumed in either period at all, whatever is filtered."""
        used = self._recalled("meters", self._used_meters)
        return list(Meter.objects.filter(pk__in=used).order_by("type", "pk"))

    def _used_meters(self) -> list[int]:
        both = self._all_usages(Period(self._before.first, self._question.period.end))
        return list(both.order_by().values_list("meter_id", flat=True).distinct())

    @cached_property
    def accounts(self) -> list[str]:
        """The accounts that consumed anything in either period, as far as they are asked for."""
        if not self._question.with_linked:
            return sorted({ledger.account_id for ledger in self._ledgers})
        both = self._all_usages(Period(self._before.first, self._question.period.end))
        return sorted(both.order_by().values_list("account_id", flat=True).distinct())

    @cached_property
    def _sums(self) -> _Sums:
        """The sums of each step."""
        return _Sums(*self._recalled("sums", self._added_up))

    def _added_up(self) -> tuple[dict[str, list[int]], Counter[str]]:
        """Add up each step: months in the database, shorter ones here."""
        period = self._question.period
        if self._question.granularity == Granularity.MONTH:
            return self._added(self._grouped(period, _MONTH), self._place_of_month, len(self.steps))
        place_of_day = {
            pk: self._step_of_day[day.day] for pk, day in self._days.items() if day.day in self._step_of_day
        }
        rows = self._usages(period).values_list("day_id", self._column, whole_number("price")).order_by()
        by_day = (
            (day, value, whole, whole is None)
            for day, value, whole in rows.iterator(chunk_size=_ROWS_AT_ONCE)
        )
        return self._added(by_day, place_of_day, len(self.steps))

    @property
    def _column(self) -> str:
        """The column of a row by meter that tells its group."""
        columns = {Dimension.ACCOUNT: "account_id", Dimension.REGION: "day__ledger_id"}
        return columns.get(Dimension(self._question.group_by), "meter_id")

    @cached_property
    def _key_of(self) -> Callable[[Any], str]:
        """What tells the group of a row of either period from its ``_column``."""
        group_by = Dimension(self._question.group_by)
        if group_by == Dimension.ACCOUNT:
            return str
        if group_by == Dimension.REGION:
            return {ledger.pk: ledger.region for ledger in self._ledgers}.__getitem__
        return {meter.pk: getattr(meter, _METER_FIELD[group_by]) for meter in self.meters}.__getitem__

    def _grouped(self, period: Period, step: Any) -> Iterable[tuple[Any, Any, int | None, int]]:
        """Yield step, column, cost and lines without a price, added in the database."""
        unpriced = Count("pk", filter=Q(price=None))
        rows = self._usages(period).values_list(step, self._column)
        return rows.annotate(cost=Sum(whole_number("price")), unpriced=unpriced).order_by()

    def _added(
        self, rows: Iterable[tuple[Any, Any, int | None, int]], place_of: Mapping[Any, int], count: int
    ) -> tuple[dict[str, list[int]], Counter[str]]:
        """Return the cost of each step of each group, and how many of its lines have no price."""
        key_of = self._key_of
        steps: dict[str, list[int]] = defaultdict(lambda: [0] * count)
        unpriced: Counter[str] = Counter()
        for step, value, whole, lines in rows:
            if step not in place_of:  # kept since the days were looked up, outside of one moment
                continue
            key = key_of(value)
            steps[key][place_of[step]] += int(whole or 0)
            if lines:
                unpriced[key] += lines
        return dict(steps), unpriced

    @cached_property
    def _place_of_month(self) -> dict[str, int]:
        return {f"{step.first:%Y-%m}": place for place, step in enumerate(self.steps)}

    def _usages(self, period: Period) -> QuerySet[Usage]:
        return self._filtered(self._all_usages(period))

    def _all_usages(self, period: Period) -> QuerySet[Usage]:
        rows = Usage.objects.filter(
            day__ledger__in=self._ledgers, day__day__gte=period.first, day__day__lt=period.end
        )
        return self._owned(rows, "day__ledger")

    def _placed(self, rows: Iterable[tuple[Any, int, int]]) -> dict[Any, list[int]]:
        """Add numbers of days into steps, key by key."""
        found: dict[Any, list[int]] = defaultdict(self._zeros)
        for key, day, whole in rows:
            if day in self._days:
                found[key][self._step_of_day[self._days[day].day]] += whole
        return found

    # --- By resource

    def _totals_of_runs(self, period: Period) -> dict[str, tuple[int, int]]:
        key = _RESOURCE_FIELD[Dimension(self._question.group_by)]
        unpriced = Count("pk", filter=Q(price=None))
        rows = self._resources(period).values_list(key)
        found = rows.annotate(cost=_run_sum(period, "price"), unpriced=unpriced).order_by()
        return {name: (int(whole or 0), lines) for name, whole, lines in found}

    def runs(self, spans: Iterable[Span]) -> Iterator[Run]:
        """Yield the runs with a day in one of ``spans`` that do not fill it from first to last day."""
        spans = list(spans)
        if not spans:
            return
        wanted = Q()
        for span in spans:
            first, last = span.first.toordinal(), span.last.toordinal()
            wanted |= Q(first_day__lte=last, last_day__gte=first, meter__in=span.meters) & (
                Q(first_day__gt=first) | Q(last_day__lt=last)
            )
        # What all spans have in common is found by an index, which no "or" is.
        whole = Period(min(span.first for span in spans), max(span.last for span in spans) + periods.ONE_DAY)
        meters = frozenset().union(*(span.meters for span in spans))
        rows = self._resources(whole).filter(wanted, meter__in=meters).order_by()
        columns = (
            "meter_id",
            "resource_id",
            "first_day",
            "last_day",
            whole_number("value"),
            whole_number("price"),
        )
        for row in rows.values_list(*columns).iterator(chunk_size=_ROWS_AT_ONCE):
            yield Run(*row)

    def resource_runs(self) -> Iterator[tuple[int, str, str, int, int, int, int | None]]:
        """Yield every run with a day in the period: ledger, account, resource, meter, first, last, price.

        Days are ordinals within the period, both included; the price is that of a day, None without one.
        """
        period = self._question.period
        first, last = period.first.toordinal(), period.last.toordinal()
        columns = ("ledger_id", "account_id", "resource_id", "meter_id", "first_day", "last_day")
        rows = self._resources(period).values_list(*columns, whole_number("price")).order_by()
        for *run, begin, end, price in rows.iterator(chunk_size=_ROWS_AT_ONCE):
            yield *run, max(begin, first), min(end, last), price

    def _resources(self, period: Period) -> QuerySet[ResourceUsage]:
        rows = ResourceUsage.objects.filter(ledger__in=self._ledgers).during(period.first, period.end)
        return self._filtered(self._owned(rows, "ledger"))

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

    # --- Both

    def _recalled(self, kind: str, find: Callable[[], Any]) -> Any:
        """Return what is remembered of these days as ``kind``, else what is found."""
        if not self._remembers:
            return find()
        name = _MEMORY.name(kind, self._facts)
        known = _MEMORY.recall([name]).get(name)
        if known is None:
            known = find()
            _MEMORY.keep({name: known})
        return known

    @cached_property
    def _facts(self) -> str:
        """All that the sums depend on: the question, and when each of the days was read."""
        question = self._question
        filters = [(name, sorted(values)) for name, values in sorted(question.filters.items())]
        asked = (question.period, question.granularity, question.group_by, question.totals_only)
        days = sorted((pk, day.read_at.timestamp() if day.read_at else 0) for pk, day in self._days.items())
        ledgers = sorted(ledger.pk for ledger in self._ledgers)
        return repr((*asked, question.with_linked, filters, self._before, ledgers, days))

    def _owned(self, rows: QuerySet, ledger: str) -> QuerySet:
        return counted_once(rows, self._ledgers, ledger=ledger, with_linked=self._question.with_linked)

    def _filtered(self, rows: QuerySet) -> QuerySet:
        for name, values in self._question.filters.items():
            rows = rows.filter(**{f"{_FILTER[Dimension(name)]}__in": values})
        return rows

    @cached_property
    def _step_of_day(self) -> dict[dt.date, int]:
        return {day: place for place, step in enumerate(self.steps) for day in step.days}

    def _zeros(self) -> list[int]:
        return [0] * len(self.steps)


_MONTH = Substr(Cast("day__day", CharField()), 1, 7)
"""The month of a row, as 2026-10; Django's own function for it is Python, and slow, in SQLite."""


def _run_sum(period: Period, name: str) -> Sum:
    """Return the sum of a figure over the days that runs have in a period."""
    last = Least(F("last_day"), period.last.toordinal())
    first = Greatest(F("first_day"), period.first.toordinal())
    days = ExpressionWrapper(last - first + 1, output_field=BigIntegerField())
    return WholeSum(ExpressionWrapper(whole_number(name) * days, output_field=BigIntegerField()))
