"""Alerts: which percentages of a budget are reached, each told once in a period."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from budgets.models import (
    LARGEST_AMOUNT,
    AlertDelivery,
    Budget,
    BudgetAlert,
    Channel,
    DeliveryState,
    Measure,
)
from budgets.standing import PeriodStanding, Standing
from costs.money import round_for_storage

WATCHED_DAYS = 7
"""A period is watched for so many days after its end: what its last days have cost is known late."""


@dataclass(frozen=True)
class _Reading:
    """What is compared with the amount of a period now; ``percents`` are told of when they are reached."""

    period: PeriodStanding
    measure: str
    percents: list[int]
    figure: Decimal
    low: Decimal | None = None
    high: Decimal | None = None
    is_lower_bound: bool = False

    @property
    def key(self) -> tuple[dt.date, str]:
        return self.period.period.first, self.measure


def raise_alerts(standing: Standing, *, at: dt.datetime) -> list[BudgetAlert]:
    """Record each percentage that is newly reached, with what is to be sent; return those alerts.

    Two that check a budget at once raise each alert once. Nothing is raised when the budget was changed or
    deleted since it was loaded: the next check sees it as it is.

    An alert of before a change of the budget that is not reached any more, or is about another period or
    currency, is marked as superseded: what of it was not sent yet is not sent, and it is raised anew when it
    is reached.
    """
    budget, readings = standing.budget, list(_readings(standing, at.date()))
    at = max(at, budget.updated_at)  # a check that has run for long: this is no alert of before the change
    if not any(_decided(standing, readings, at)):
        return []
    with transaction.atomic():
        unchanged = Budget.objects.select_for_update().filter(pk=budget.pk, updated_at=budget.updated_at)
        if not unchanged.values_list("pk").first():
            return []
        raised, superseded = _decided(standing, readings, at)
        _supersede(superseded, budget, at)
        BudgetAlert.objects.bulk_create(raised)
        AlertDelivery.objects.bulk_create(
            AlertDelivery(alert=alert, channel=channel, next_attempt_at=at, claimed_until=at)
            for alert in raised
            for channel in channels_of(budget)
        )
    return raised


def due_alerts(standing: Standing, *, at: dt.datetime) -> list[BudgetAlert]:
    """Return what ``raise_alerts`` would raise, and record nothing."""
    return _decided(standing, list(_readings(standing, at.date())), at)[0]


def channels_of(budget: Budget) -> list[str]:
    """Return how the alerts of a budget are told; without any they are only recorded."""
    chosen = [(Channel.EMAIL, budget.emails), (Channel.WEBHOOK, budget.webhook_url)]
    return [channel for channel, address in chosen if address]


def _decided(
    standing: Standing, readings: list[_Reading], at: dt.datetime
) -> tuple[list[BudgetAlert], list[BudgetAlert]]:
    """Return the alerts to raise, and those to supersede, beside what is recorded at this moment."""
    budget = standing.budget
    firsts = {reading.period.period.first for reading in readings}
    recorded = BudgetAlert.objects.filter(budget=budget, period_first__in=firsts, is_superseded=False)
    now = {reading.key: reading for reading in readings}
    superseded = [
        alert
        for alert in recorded
        if (reading := now.get((alert.period_first, alert.measure))) and _is_undone(alert, reading, budget)
    ]
    told = {(one.period_first, one.measure, one.percent) for one in recorded if one not in superseded}
    raised = [
        _alert(standing, reading, percent, at)
        for reading in readings
        for percent in sorted(set(reading.percents))
        if (*reading.key, percent) not in told and reading.period.reaches(percent, reading.figure)
    ]
    return raised, superseded


def _is_undone(alert: BudgetAlert, reading: _Reading, budget: Budget) -> bool:
    """Tell whether a change of the budget has made an alert one of something else, or of what is not so."""
    period = reading.period
    if (alert.period_end, alert.currency) != (period.period.end, budget.currency):
        return True
    is_changed = alert.amount != period.amount or alert.raised_at < budget.updated_at
    return is_changed and not period.reaches(alert.percent, reading.figure)


def _readings(standing: Standing, today: dt.date) -> Iterator[_Reading]:
    budget = standing.budget
    for period in _watched(standing, today):
        if period.spent is not None:
            percents = budget.thresholds_of(Measure.ACTUAL)
            yield _Reading(period, Measure.ACTUAL, percents, period.spent, is_lower_bound=period.lacks_some)
    running = standing.running
    if running is not None and (expected := running.expected) is not None:
        yield _Reading(
            running,
            Measure.FORECAST,
            budget.thresholds_of(Measure.FORECAST),
            expected.total,
            expected.low,
            expected.high,
            # A day that is not wholly known counts as it is expected, a line without a price with nothing.
            is_lower_bound=bool(running.unpriced),
        )


def _watched(standing: Standing, today: dt.date) -> list[PeriodStanding]:
    """Return the running period, and those that are over and watched, if the budget was there at their end.

    A week of which the end of the budget has left a day is over soon, and the one before it still watched.
    """
    running = [] if standing.running is None else [standing.running]
    over = standing.over[-2:]
    made = standing.budget.created_at.date()
    return running + [
        one
        for one in over
        if made < one.period.end and today - one.period.end <= dt.timedelta(days=WATCHED_DAYS)
    ]


def _alert(standing: Standing, reading: _Reading, percent: int, at: dt.datetime) -> BudgetAlert:
    budget = standing.budget
    return BudgetAlert(
        budget=budget,
        period_first=reading.period.period.first,
        period_end=reading.period.period.end,
        measure=reading.measure,
        percent=percent,
        currency=budget.currency,
        amount=reading.period.amount,
        figure=_kept(reading.figure),
        low=None if reading.low is None else _kept(reading.low),
        high=None if reading.high is None else _kept(reading.high),
        is_lower_bound=reading.is_lower_bound,
        ledgers=sorted(standing.ledgers),
        raised_at=at,
    )


def _kept(figure: Decimal) -> Decimal:
    """Return a figure as the database can keep it."""
    return round_for_storage(max(-LARGEST_AMOUNT, min(figure, LARGEST_AMOUNT)))


def _supersede(alerts: list[BudgetAlert], budget: Budget, at: dt.datetime) -> None:
    if not alerts:
        return
    pks = [alert.pk for alert in alerts]
    BudgetAlert.objects.filter(pk__in=pks).update(is_superseded=True)
    with translation.override(budget.language):
        problem = _("The budget was changed before this was sent.")
    AlertDelivery.objects.filter(alert__in=pks, state=DeliveryState.PENDING, claimed_until__lte=at).update(
        state=DeliveryState.FAILED, problem=problem
    )
