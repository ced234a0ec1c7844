"""Standings and alerts made by hand, and threads that do the same at once."""

import datetime as dt
import threading
from decimal import Decimal

from django.db import connection

from budgets.models import AlertDelivery, BudgetAlert
from budgets.standing import DayCounts, Expected, PeriodStanding, Standing, Status
from consumption.periods import Period
from tests.budgets.budgets import make_budget

AT = dt.datetime(2026, 3, 20, 8, tzinfo=dt.UTC)
FEBRUARY = Period(dt.date(2026, 2, 1), dt.date(2026, 3, 1))
MARCH = Period(dt.date(2026, 3, 1), dt.date(2026, 4, 1))


def period_of(spent, *, period=MARCH, amount="100", expected=None, over=None, unknown=0, unpriced=0):
    over = period.length if over is None else over
    return PeriodStanding(
        period,
        None if spent is None else Decimal(spent),
        unpriced,
        DayCounts(period.length, over, over - unknown, 0, 0),
        amount=Decimal(amount),
        expected=expected and Expected(*map(Decimal, expected), "mean", None),
    )


def standing(budget, spent, *, before=None, **facts):
    """Return a standing in March 2026; ``before`` is February, which is over."""
    march = period_of(spent, over=19, **facts)
    periods = [march] if before is None else [before, march]
    return Standing(budget, periods, len(periods) - 1, Status.ON_TRACK)


def make_alert(percent=90, channels=(), *, at=AT, **facts):
    """Return an alert of a budget, with what is to be sent of it."""
    alert_facts = {
        name: facts.pop(name) for name in ("is_lower_bound", "measure", "low", "high") if name in facts
    }
    budget = make_budget(**facts)
    alert = BudgetAlert.objects.create(
        budget=budget,
        period_first=MARCH.first,
        period_end=MARCH.end,
        measure=alert_facts.pop("measure", "actual"),
        percent=percent,
        currency=budget.currency,
        amount=budget.amount,
        figure=Decimal("912.345"),
        raised_at=at,
        **alert_facts,
    )
    for channel in channels:
        AlertDelivery.objects.create(alert=alert, channel=channel, next_attempt_at=at, claimed_until=at)
    return alert


def at_once(call, times=2):
    """Call in several threads at once, each with a connection of its own; return what each call returned."""
    barrier, found, broken = threading.Barrier(times), [], []

    def run():
        try:
            barrier.wait(10)
            found.append(call())
        except Exception as error:
            broken.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not broken
    return found
