"""What was consumed on some days, resource by resource, as whole numbers of 10⁻¹⁰."""

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from django.db.models import BigIntegerField, Count, ExpressionWrapper, F, Q, QuerySet, Sum, Value
from django.db.models.functions import Greatest, Least

from consumption.daytext import stretches
from consumption.models import Ledger, ResourceUsage
from consumption.periods import ONE_DAY, Period

ConsumedSum = tuple[str, int, int | Decimal | None, int]
"""A resource, a meter, what it consumed of it (None: nothing with a price), and how often without a price.

It is the row of the database as it comes: there are twenty thousand of them.
"""


class ConsumedRun(NamedTuple):
    """Equal days of a resource and meter, both included; ``value`` and ``price`` are those of one day."""

    resource_id: str
    meter_id: int
    first: dt.date
    last: dt.date
    value: int
    unit_price: int | None
    price: int | None


def own_usage(ledger: Ledger, days: Iterable[dt.date]) -> QuerySet[ResourceUsage]:
    """Return what the account of a ledger itself consumed between the first and the last of some days."""
    days = list(days)
    runs = ResourceUsage.objects.filter(ledger=ledger, account_id=ledger.account_id)
    return runs.during(min(days), max(days) + ONE_DAY)


def consumed_sums(
    ledger: Ledger, meters: Iterable[int], days: Iterable[dt.date], resources: Iterable[str] | None = None
) -> list[ConsumedSum]:
    """Return what resources consumed on exactly these days, for those meters of which it cost anything."""
    days = list(days)
    runs = own_usage(ledger, days).exclude(price=0).filter(meter__in=list(meters))
    if resources is not None:
        runs = runs.filter(resource_id__in=list(resources))
    parts = [_days_in(stretch) for stretch in stretches(days)]
    if len(parts) > 1:  # a run that overlaps all of them together may still miss some
        parts = [Greatest(part, Value(0), output_field=BigIntegerField()) for part in parts]
    counted = sum(parts[1:], parts[0])
    cost = ExpressionWrapper(F("price") * counted, output_field=BigIntegerField())
    found = runs.values_list("resource_id", "meter_id")
    found = found.annotate(whole=Sum(cost), unpriced=Count("pk", filter=Q(price=None)))
    return list(found.order_by())


def consumed_runs(
    ledger: Ledger, resources: Iterable[str], days: Iterable[dt.date], meters: Iterable[int]
) -> list[ConsumedRun]:
    """Return the runs of some resources that have any of these days, in order."""
    runs = own_usage(ledger, days).filter(resource_id__in=list(resources), meter__in=list(meters))
    figures = map(_whole, ("value", "unit_price", "price"))
    rows = runs.order_by("resource_id", "first_day", "meter_id").values_list(
        "resource_id", "meter_id", "first_day", "last_day", *figures
    )
    return [
        ConsumedRun(resource, meter, dt.date.fromordinal(first), dt.date.fromordinal(last), *rest)
        for resource, meter, first, last, *rest in rows
    ]


def _whole(name: str) -> ExpressionWrapper:
    return ExpressionWrapper(F(name), output_field=BigIntegerField())


def _days_in(stretch: Period) -> ExpressionWrapper:
    """Return how many days of a run lie in a stretch of days; below zero when none does."""
    last = Least(F("last_day"), stretch.last.toordinal())
    first = Greatest(F("first_day"), stretch.first.toordinal())
    return ExpressionWrapper(last - first + 1, output_field=BigIntegerField())
