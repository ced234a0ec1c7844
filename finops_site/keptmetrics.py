"""What the database and the cache know, as metrics, looked up whenever somebody asks (five queries).

All hosts of one database tell the same. No account is named.
"""

import datetime as dt
import logging
from collections.abc import Callable, Iterator

from django.contrib.sessions.models import Session
from django.db import connection
from django.db.models import Count, Max
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily

from accounts.models import User
from budgets import lastcheck
from budgets.models import AlertDelivery, BudgetAlert, DeliveryState
from consumption.models import LedgerReader
from finops_site import probing

logger = logging.getLogger(__name__)

READ_LATELY = dt.timedelta(days=30)
"""An account that nobody has read for longer is no longer behind: nobody reads it any more."""

Metrics = Iterator[GaugeMetricFamily]


class KeptMetrics:
    """Collects them; what cannot be looked up is left out, and the rest is told all the same."""

    def collect(self) -> Metrics:
        """Yield the metrics as they are now, and which of the two could be asked."""
        now = timezone.now()
        for name, source in {"database": _of_the_database, "cache": _of_the_cache}.items():
            found, is_up = _asked(name, source, now)
            yield from found
            yield _gauge(f"{name}_up", f"Whether the {name} could be asked for these metrics.", is_up)


def _asked(
    name: str, source: Callable[[dt.datetime], Metrics], now: dt.datetime
) -> tuple[list[GaugeMetricFamily], bool]:
    try:
        return list(source(now)), True
    except Exception as error:  # whatever it is, the metrics of the processes are told all the same
        logger.warning("no metrics of the %s: %s", name, type(error).__name__)
        return [], False


def _of_the_database(now: dt.datetime) -> Metrics:
    with probing.short_queries(connection):
        yield from _sessions_and_users(now)
        yield from _readings(now)
        yield from _alerts(now)


def _sessions_and_users(now: dt.datetime) -> Metrics:
    sessions = Session.objects.filter(expire_date__gt=now).count()
    yield _gauge("sessions", "Sessions that have not expired.", sessions)
    users = User.objects.filter(is_active=True).values_list("is_staff").annotate(Count("pk"))
    counts = {"account": 0, "operator": 0} | {
        "operator" if is_staff else "account": count for is_staff, count in users
    }
    yield _labelled("users", "Users who may log in.", "kind", counts)


def _readings(now: dt.datetime) -> Metrics:
    answered = LedgerReader.objects.filter(refusal="").values("ledger").annotate(last=Max("answered_at"))
    lately = [last for last in answered.values_list("last", flat=True) if now - last < READ_LATELY]
    yield _gauge(
        "synced_accounts", "Accounts in a region whose consumption was read in 30 days.", len(lately)
    )
    if lately:
        longest, shortest = _seconds(now, min(lately)), _seconds(now, max(lately))
        yield _gauge(
            "sync_lag_seconds", "Since the last answer for the account that is longest behind.", longest
        )
        yield _gauge("sync_last_seconds", "Since the last answer for any account.", shortest)


def _alerts(now: dt.datetime) -> Metrics:
    open_ones = AlertDelivery.objects.exclude(state=DeliveryState.SENT).values_list("state")
    counts = {"pending": 0, "failed": 0} | dict(open_ones.annotate(Count("pk")))
    yield _labelled("alert_deliveries", "Deliveries of budget alerts that were not sent.", "state", counts)
    raised = BudgetAlert.objects.filter(raised_at__gt=now - dt.timedelta(days=1)).count()
    yield _gauge("budget_alerts_raised_1d", "Budget alerts that were raised in 24 hours.", raised)


def _of_the_cache(now: dt.datetime) -> Metrics:
    checked_at = lastcheck.last()
    if checked_at is not None:
        seconds = _seconds(now, checked_at)
        yield _gauge("budgets_checked_seconds", "Since all budgets were checked last.", seconds)


def _seconds(now: dt.datetime, then: dt.datetime) -> float:
    return max(0.0, (now - then).total_seconds())


def _gauge(name: str, documentation: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"osc_finops_{name}", documentation, value=value)


def _labelled(name: str, documentation: str, label: str, counts: dict[str, int]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"osc_finops_{name}", documentation, labels=[label])
    for value, count in counts.items():
        family.add_metric([value], count)
    return family
