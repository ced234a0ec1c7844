"""The anomalies of the kept history: what answers a question about them, for page, files and API alike.

The days before the period are compared with too, as far as they are kept: an anomaly that began before it,
and reaches into it, is among those found.
"""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from functools import cached_property

from consumption.anomalies import (
    OLDEST_DAYS,
    Anomaly,
    DailyCost,
    Detection,
    JudgedDay,
    Verdict,
    detect,
    share_of_month,
)
from consumption.anomalymarks import Scope, mark_of
from consumption.history import Dimension, History, Question, SeveralCurrencies, history_of
from consumption.meters import is_by_month
from consumption.models import DayState, ExpectedAnomaly, Ledger, Meter
from consumption.periods import Granularity, Period

_KNOWN = (DayState.COMPLETE, DayState.PROVISIONAL)


class State(StrEnum):
    """Whether somebody has said that an anomaly is expected."""

    OPEN = "open"
    EXPECTED = "expected"


@dataclass(frozen=True)
class Found:
    """An anomaly, and the mark that calls it expected."""

    anomaly: Anomaly
    mark: ExpectedAnomaly | None

    @property
    def state(self) -> State:
        """Whether it is open or expected."""
        return State.EXPECTED if self.mark else State.OPEN


@dataclass(frozen=True)
class TypeCost:
    """What a type cost on the days of an anomaly, and what was expected of it."""

    key: str
    actual: Decimal
    expected: Decimal

    @property
    def excess(self) -> Decimal:
        """How much more than expected it cost."""
        return self.actual - self.expected


@dataclass(frozen=True)
class Findings:
    """What answers a question about anomalies.

    ``history`` is that of the period by type and day, ``earlier`` that of the days before it. ``state``
    chooses which of the anomalies are shown, empty for all.
    """

    history: History
    earlier: History
    scope: Scope
    state: str = ""

    @cached_property
    def detection(self) -> Detection:
        """Every day before the period and in it, judged."""
        return detect(self._daily_costs())

    @cached_property
    def days(self) -> list[JudgedDay]:
        """The days of the period, judged."""
        return self.detection.days[len(self.earlier.steps) :]

    @cached_property
    def verdicts(self) -> Counter[Verdict]:
        """How many days of the period there are of each verdict."""
        return Counter(day.verdict for day in self.days)

    @property
    def judged(self) -> int:
        """How many days of the period could be judged."""
        return self.verdicts[Verdict.USUAL] + self.verdicts[Verdict.ANOMALOUS]

    @cached_property
    def all(self) -> list[Found]:
        """The anomalies that have a day in the period, newest first."""
        period = self.history.question.period
        reaching = [one for one in self.detection.anomalies if one.period.end > period.first]
        marks = self.scope.marks(Period(reaching[0].period.first, period.end)) if reaching else []
        return [Found(one, mark_of(one, marks)) for one in reversed(reaching)]

    @cached_property
    def shown(self) -> list[Found]:
        """Those of them in the state that is asked for."""
        return [found for found in self.all if self.state in ("", found.state)]

    def of(self, key: str) -> Found | None:
        """Return the anomaly with a key, in whatever state; None when there is none."""
        return next((found for found in self.all if found.anomaly.key == key), None)

    def types_of(self, anomaly: Anomaly) -> list[TypeCost]:
        """Part an anomaly by type, largest part first: together they are its cost, and what was expected."""
        actual: dict[str, Decimal] = defaultdict(Decimal)
        expected: dict[str, Decimal] = defaultdict(Decimal)
        for day in anomaly.days:
            for key, cost in self._costs_on(day.day).items():
                actual[key] += cost
            for key, cost in self._costs_on(day.reference).items():
                by_month = key in self._by_month
                expected[key] += share_of_month(cost, day.reference, day.day) if by_month else cost
        found = [TypeCost(key, actual[key], expected[key]) for key in actual.keys() | expected.keys()]
        found.sort(key=lambda one: (-abs(one.excess), one.key))
        # A share of a month is rounded type by type here, and once for a day: the largest takes what is left.
        left = anomaly.expected - sum(one.expected for one in found)
        return [replace(found[0], expected=found[0].expected + left), *found[1:]]

    def main_type_of(self, anomaly: Anomaly) -> str:
        """Return the type that moved the cost most in the direction of the whole anomaly."""
        sign = 1 if anomaly.excess > 0 else -1
        return max(self.types_of(anomaly), key=lambda one: one.excess * sign).key

    def is_by_month(self, key: str) -> bool:
        """Tell whether a type is sold by the month."""
        return key in self._by_month

    @cached_property
    def meters(self) -> dict[str, list[Meter]]:
        """What was consumed, by type."""
        found: dict[str, list[Meter]] = {}
        meters = self.history.meters  # those of an equal period before it are among them
        if self.history.question.period.length < OLDEST_DAYS:
            meters = {meter.pk: meter for meter in (*meters, *self.earlier.meters)}.values()
        for meter in meters:
            found.setdefault(meter.type, []).append(meter)
        return found

    @cached_property
    def _by_month(self) -> set[str]:
        return {key for key, meters in self.meters.items() if all(is_by_month(one.key) for one in meters)}

    # --- The series

    def _daily_costs(self) -> Iterable[DailyCost]:
        incomparable = self._incomparable
        for history in (self.earlier, self.history):
            monthly = self._monthly(history)
            is_known = history.currency in ("", self.history.currency)  # what is billed in another is not
            for place, step in enumerate(history.steps):
                day = step.period.first
                if is_known and step.coverage.state in _KNOWN and day not in incomparable:
                    grows = step.coverage.state == DayState.PROVISIONAL
                    yield DailyCost(day, step.cost, monthly[place], grows)
                else:
                    yield DailyCost(day, None)

    def _monthly(self, history: History) -> list[Decimal]:
        """Return what is sold by the month of the cost of each day."""
        keys = [key for key in history.billed_keys if key in self._by_month]
        costs = history.series(keys).values()
        return [
            sum(filter(None, day), Decimal()) for day in zip([None] * len(history.steps), *costs, strict=True)
        ]

    @cached_property
    def _incomparable(self) -> set[dt.date]:
        """The days on which a type lacks the price that it has on others.

        What never has a price is in no cost, on any day, so that days can be compared without it.
        """
        both = (self.earlier, self.history)
        keys = sorted({one.type for history in both for one in history.unpriced})
        priced: set[str] = set()
        lacking: dict[str, set[dt.date]] = {key: set() for key in keys}
        for history in both if keys else ():
            lines, costs = history.unpriced_lines(keys), history.series(keys)
            for key in keys:
                for step, count, cost in zip(history.steps, lines[key], costs[key], strict=True):
                    if count:
                        lacking[key].add(step.period.first)
                    elif cost:
                        priced.add(key)
        return set().union(*(days for key, days in lacking.items() if key in priced))

    def _costs_on(self, day: dt.date) -> dict[str, Decimal]:
        history = self.history if day >= self.history.question.period.first else self.earlier
        return history.costs_in((day - history.question.period.first).days)


def findings_of(
    ledgers: Iterable[Ledger], history: History, scope: Scope, *, expected: int, state: str = ""
) -> Findings:
    """Return the anomalies of a period whose history, by type and day, is known already.

    ``expected`` is how many ledgers there should be, ``state`` which anomalies are asked for.
    """
    first = history.question.period.first
    before = Period(first - dt.timedelta(days=OLDEST_DAYS), first)
    question = replace(history.question, period=before)
    try:
        earlier = history_of(ledgers, question, expected=expected, known=history.known)
    except SeveralCurrencies:  # also of days that are not asked for: nothing is compared with them
        earlier = history_of([], question, expected=expected, known=history.known)
    return Findings(history, earlier, scope, state)


def asked_by_day(question: Question) -> Question:
    """Return a question as anomalies are looked for: by type and day."""
    return replace(question, granularity=Granularity.DAY, group_by=Dimension.TYPE)
