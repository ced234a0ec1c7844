"""The kept history as people ask for it: by period and group, filtered, each total with its coverage.

One query function feeds page, files and API, so that they cannot disagree. Nothing here asks the cloud.
Amounts exclude tax, are exact sums of what is stored, and are in the one currency of the days.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.errors import PortalError
from consumption import periods
from consumption.coverage import DAY_FACTS, Coverage, coverage_of_rows
from consumption.knowndays import KnownDays
from consumption.models import Ledger, Meter, UsageDay
from consumption.periods import Period
from consumption.questions import Dimension, Question
from consumption.sums import Costs, Run, Span, Unpriced
from consumption.wholenumbers import amount_of

_NOTHING = (0, 0)

__all__ = ["Dimension", "Group", "History", "Question", "Step", "Unpriced", "history_of"]


class SeveralCurrencies(PortalError):
    """The days asked for are billed in several currencies, which are never added."""

    code = "SEVERAL_CURRENCIES"
    http_status = 400

    def __init__(self, currencies: Iterable[str]) -> None:
        super().__init__()
        listed = ", ".join(sorted(currencies))
        text = _(
            "These days are billed in %(currencies)s, which cannot be added. Choose one region or currency."
        )
        self.message = text % {"currencies": listed}


class CurrencyUnknown(SeveralCurrencies):
    """Nothing that is asked for is billed in the currency that is asked for."""

    code = "CURRENCY_UNKNOWN"

    def __init__(self, currency: str, known: Iterable[str]) -> None:
        super().__init__(known)
        text = _("Nothing here is billed in %(currency)s, but in %(currencies)s.")
        self.message = text % {"currency": currency, "currencies": ", ".join(sorted(known))}


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
class Groups(Sequence[Group]):
    """The groups of a history in their order, each made when it is asked for: there may be ten thousand."""

    keys: list[str]
    _make: Callable[[str], Group] = field(repr=False)

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, place: int | slice) -> Any:
        if isinstance(place, slice):
            return [self._make(key) for key in self.keys[place]]
        return self._make(self.keys[place])


@dataclass(frozen=True)
class History:
    """What answers a question about the kept days of some ledgers."""

    ledgers: Sequence[Ledger]
    question: Question
    coverage: Coverage
    coverage_before: Coverage
    currency: str
    _costs: Costs = field(repr=False)
    _expected: int = field(repr=False)
    known: KnownDays | None = field(repr=False, default=None)

    def about(self, period: Period, **changes: Any) -> "History":
        """Return what answers the same question about another period, with other ``changes`` to it."""
        question = replace(self.question, period=period, **changes)
        return history_of(self.ledgers, question, expected=self._expected, known=self.known)

    @cached_property
    def steps(self) -> list[Step]:
        """The series: one step after another."""
        costs = self._costs.by_step
        return [
            Step(period, amount_of(costs[place]) if covered.with_figures else None, covered)
            for place, period in enumerate(self._costs.steps)
            for covered in [self.coverage.of(period)]
        ]

    def step_costs_with_part(self, meters: Iterable[int]) -> Iterable[tuple[Decimal, Decimal]]:
        """Yield what is known of each step's cost, and the part of it of some meters, by primary key."""
        both = zip(*self._costs.by_step_with_part(meters), strict=True)
        return ((amount_of(whole), amount_of(part)) for whole, part in both)

    @cached_property
    def total(self) -> Decimal:
        """What is known of the cost of the whole period."""
        return amount_of(sum(self._costs.by_step))

    @cached_property
    def total_before(self) -> Decimal | None:
        """The cost of the equal period before; None while that is not wholly read."""
        return amount_of(sum(self._costs.before.values())) if self.coverage_before.is_whole else None

    @property
    def change_percent(self) -> Decimal | None:
        """The change of the total against the period before, in percent; None without a cost there."""
        return (self.total / self.total_before - 1) * 100 if self.total_before else None

    @cached_property
    def whole_costs(self) -> dict[str, tuple[int, int | None]]:
        """The cost of each group, and in the period before, as whole numbers of 10⁻¹⁰: to sort by.

        The latter is None while that period is not wholly read.
        """
        if not self.coverage_before.is_whole:
            return {key: (cost, None) for key, (cost, _unpriced) in self._costs.by_group.items()}
        before, now = self._costs.before, self._costs.by_group
        return {key: (now.get(key, _NOTHING)[0], before.get(key, 0)) for key in now.keys() | before.keys()}

    @property
    def has_costs(self) -> bool:
        """Tell whether anything cost something, even where credits make the total nothing."""
        return any(step.cost for step in self.steps) or any(now for now, _ in self.whole_costs.values())

    @cached_property
    def groups(self) -> "Groups":
        """What each value of the grouping cost, dearest first."""
        costs = self.whole_costs
        return Groups(sorted(costs, key=lambda key: (-costs[key][0], key)), self.group)

    @cached_property
    def billed_keys(self) -> list[str]:
        """The groups that cost something or have lines without a price, dearest first."""
        now = self._costs.by_group
        return [key for key in self.groups.keys if any(now.get(key, _NOTHING))]

    def unpriced_count(self, keys: Iterable[str]) -> int:
        """Return how many lines of some groups have no price."""
        return sum(self._costs.by_group.get(key, _NOTHING)[1] for key in keys)

    def unpriced_count_before(self, key: str) -> int:
        """Return how many lines of a group have no price in the period before."""
        return self._costs.by_group_before.get(key, _NOTHING)[1]

    @cached_property
    def unpriced_by_step(self) -> list[int]:
        """How many lines of each step have no price; each day of each counts."""
        return self._costs.unpriced_by_step if self.unpriced else [0] * len(self._costs.steps)

    def group(self, key: str) -> Group:
        """Return what one value of the grouping cost."""
        whole, before = self.whole_costs[key]
        cost = amount_of(whole)
        return Group(
            key,
            cost,
            self.unpriced_count([key]),
            cost * 100 / self.total if self.total else None,
            None if before is None else amount_of(before),
        )

    def series(self, keys: Iterable[str]) -> dict[str, list[Decimal | None]]:
        """Return the costs of some groups step by step; None where no day of the step was read."""
        costs = self._costs.series(keys)
        has_figures = [step.cost is not None for step in self.steps]
        return {
            key: [amount_of(raw) if read else None for raw, read in zip(found, has_figures, strict=True)]
            for key, found in costs.items()
        }

    def costs_in(self, place: int) -> dict[str, Decimal]:
        """Return what each group cost in the step at a place of ``steps``, as far as it is known."""
        return {key: amount_of(costs[place]) for key, costs in self._whole_series.items() if costs[place]}

    @cached_property
    def _whole_series(self) -> dict[str, list[int]]:
        return self._costs.series(self._costs.by_group)

    def runs(self, spans: Iterable[Span]) -> Iterable[Run]:
        """Yield the runs of days of resources that changed within one of ``spans``: begun, ended, or both.

        The days may lie outside of the period; the filters of the question hold (one query).
        """
        return self._costs.runs(spans)

    def resource_runs(self) -> Iterable[tuple[int, str, str, int, int, int, int | None]]:
        """Yield the runs of days of all resources with a day in the period (``Costs.resource_runs``)."""
        return self._costs.resource_runs()

    def unpriced_lines(self, keys: Iterable[str]) -> dict[str, list[int]]:
        """Return how many lines of some groups have no price, step by step; each day of each counts."""
        return self._costs.unpriced_lines(keys)

    @property
    def meters(self) -> list[Meter]:
        """What was consumed in this period or the one before, whatever is filtered."""
        return self._costs.meters

    @property
    def accounts(self) -> list[str]:
        """The accounts that consumed anything in this period or the one before."""
        return self._costs.accounts

    @cached_property
    def unpriced(self) -> list[Unpriced]:
        """What was consumed without a price, product by product."""
        return self._costs.unpriced()


def history_of(
    ledgers: Iterable[Ledger], question: Question, *, expected: int = 1, known: KnownDays | None = None
) -> History:
    """Return what is kept in ``ledgers`` for a question; raise ``SeveralCurrencies`` where they differ.

    ``expected`` is how many ledgers there should be: what is in one that is not there yet is not read. With
    ``known`` days these are not looked up again, and the sums are remembered.
    """
    ledgers = list(ledgers)
    earlier = periods.before(question.period)
    if known:
        rows = known.rows(ledgers, earlier.first, question.period.end)
    else:
        days = UsageDay.objects.filter(
            ledger__in=ledgers, day__gte=earlier.first, day__lt=question.period.end
        )
        rows = list(days.values_list("pk", *DAY_FACTS, "currency", named=True))
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
    costs = Costs(ledgers, question, earlier, rows, remembers=known is not None)
    return History(ledgers, question, coverage, coverage_before, currency, costs, expected, known)
