"""Measures budgets (``python -m bench budgets``): two hundred of them over all that is kept."""

import statistics
import sys
from collections.abc import Iterator
from decimal import Decimal
from uuid import UUID

from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from bench.consumption import KEYS, MONTHS, measure_size, new_gateway
from bench.figures import milliseconds, p95, show, timed
from bench.trends import keep, measure_page
from budgets.models import Budget
from budgets.periods import PeriodType
from budgets.standing import Standing
from budgets.tracking import standings_of
from consumption.models import Ledger, Meter
from consumption.periods import Period, months_later

COUNTS = (20, 200)
"""How many budgets there are: the queries must be as many for both."""

GOAL_MS = 300


def scopes() -> Iterator[dict[str, list[str]]]:
    """Yield what budgets count: everything, each category, each service, and both together."""
    places = sorted(set(Meter.objects.values_list("category", "service")))
    while True:
        yield {}
        for category, service in places:
            yield {"categories": [category]}
            yield {"services": [service]}
            yield {"categories": [category], "services": [service]}


def make_budgets(owner: User, count: int) -> list[Budget]:
    """Make budgets of every kind, each of which began two years ago."""
    Budget.objects.all().delete()
    now = timezone.now()
    start, found, kinds = months_later(now.date(), -MONTHS), scopes(), list(PeriodType)
    for number in range(count):
        Budget.objects.create(
            owner=owner,
            name=f"Budget {number}",
            currency="EUR",
            amount=Decimal(10_000 + 100 * number),
            growth_percent=Decimal(number % 3),
            period_type=kinds[number % len(kinds)],
            start_date=start,
            scope=next(found),
            created_at=now,
            updated_at=now,
        )
    return list(Budget.objects.select_related("owner"))


def stand(budgets: list[Budget], seconds: float) -> list[Standing]:
    """Return where budgets stand, with all of their periods."""
    ledgers = frozenset(Ledger.objects.values_list("pk", flat=True))
    visible: dict[UUID, frozenset[int]] = {budget.pk: ledgers for budget in budgets}
    found = standings_of(budgets, visible=visible, today=timezone.now().date(), seconds=seconds)
    if not any(period.spent for standing in found for period in standing.periods):
        sys.exit("nothing was spent in any period")
    return found


def measure_standings(budgets: list[Budget], times: int) -> None:
    """Time the status of every period of all budgets: with forecasts worked out, remembered, and awaited."""
    name, now = f"{len(budgets)} budgets", timezone.now().date()
    cache.clear()
    durations = milliseconds(lambda: stand(budgets, seconds=0), times)
    show(
        f"{name}, forecasts awaited, median", f"{statistics.median(durations):.0f} ms", f"under {GOAL_MS} ms"
    )
    cold = timed(lambda: stand(budgets, seconds=600))
    running = sum(standing.running is not None for standing in cold.result)
    show(f"{name}, working out {running} forecasts", f"{cold.wall / running:,.0f} ms each", "none")
    with CaptureQueriesContext(connection) as queries:
        stand(budgets, seconds=0)
    count = len(queries)
    durations = milliseconds(lambda: stand(budgets, seconds=0), times)
    periods = sum(len(standing.periods) for standing in stand(budgets, seconds=0))
    show(
        f"{name}, {periods:,} periods, median of {times}",
        f"{statistics.median(durations):.0f} ms",
        f"under {GOAL_MS} ms",
    )
    show(f"{name}, {periods:,} periods, p95 of {times}", f"{p95(durations):.0f} ms", f"under {GOAL_MS} ms")
    show(f"{name}, queries, on {now}", str(count), "the same for every number")


def measure_pages(client: Client, budgets: list[Budget], times: int) -> None:
    """Time the pages: the list, the longest and the shortest periods, the report and its file."""
    measure_page(client, f"list of {len(budgets)}", "/budgets/", times, goal=GOAL_MS)
    for kind in (PeriodType.WEEKLY, PeriodType.YEARLY):
        budget = next(one for one in budgets if one.period_type == kind)
        measure_page(client, f"a {kind} budget", f"/budgets/{budget.pk}/", times, goal=GOAL_MS)
    measure_page(client, "report", "/budgets/report/", times, goal=1000)
    measure_page(client, "report as CSV", "/budgets/export/csv/", times, goal=2000)


def main() -> None:
    """Measure and print."""
    today = timezone.now().date()
    keep(Period(months_later(today, -MONTHS), today))
    measure_size()
    client = Client(HTTP_HOST="localhost")
    client.post("/login/", KEYS)
    owner = User.objects.for_account(new_gateway().account_id)
    for count in COUNTS:
        budgets = make_budgets(owner, count)
        measure_standings(budgets, times=20)
    measure_pages(client, budgets, times=10)
