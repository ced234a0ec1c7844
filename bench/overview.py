"""Measures the overview and the allocation (``python -m bench overview``): three accounts in one session."""

import sys

from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from bench.accounts import add_accounts
from bench.budgets import make_budgets
from bench.consumption import MONTHS, measure_size, months, new_gateway
from bench.figures import show, timed
from bench.trends import keep, measure_page
from consumption.models import ResourceTag
from consumption.periods import Period, months_later
from costs import refreshing

GOAL_MS = 300

BUDGETS = 20

ANSWER = {"HX-Request": "true", "HX-Trigger": "outlooks"}

TAG_KEYS = ("project", "team")


def measure_overview(client: Client, times: int) -> None:
    """Time the page without figures, the figures with every forecast to be worked out, and after that."""
    with CaptureQueriesContext(connection) as queries:
        shell = timed(lambda: client.get("/"))
    show("overview, without its figures", f"{shell.wall:.0f} ms", f"under {GOAL_MS} ms")
    show("overview, without its figures, queries", str(len(queries)), "the same for every size")
    cache.clear()
    first = timed(lambda: client.get("/", headers={"HX-Request": "true"}))
    show("overview, figures, nothing remembered", f"{first.wall:,.0f} ms", "none")
    while b'id="outlooks"' in client.get("/", headers=ANSWER).content:
        pass
    measure_page(client, "overview, figures", "/", times, goal=GOAL_MS)
    show("overview, figures, CPU", f"{_least_cpu(client, '/', times):.0f} ms", f"under {GOAL_MS} ms")


def measure_allocation(client: Client, period: Period, times: int) -> None:
    """Time the allocation by two keys, with its parts to be found, and after that."""
    keys = "&".join(f"tag={key}" for key in TAG_KEYS)
    address = f"/consumption/allocation/?first={period.first}&last={period.last}&{keys}"
    name = f"allocation by two keys, {period.length} days"
    cache.clear()
    cold = timed(lambda: client.get(address, headers={"HX-Request": "true"}))
    show(f"{name}, nothing remembered", f"{cold.wall:,.0f} ms", "none")
    measure_page(client, name, address, times, goal=GOAL_MS)
    show(f"{name}, CPU", f"{_least_cpu(client, address, times):.0f} ms", f"under {GOAL_MS} ms")


def _least_cpu(client: Client, address: str, times: int) -> float:
    """Return the CPU of the fastest of some answers: on a busy machine their time tells of others."""
    runs = [timed(lambda: client.get(address, headers={"HX-Request": "true"})) for _ in range(times)]
    return min(run.cpu for run in runs)


def main() -> None:
    """Measure and print."""
    now = timezone.now()
    keep(Period(months_later(now.date(), -MONTHS), now.date()))
    refreshing.whole(new_gateway(), with_objects=False)
    client = Client(HTTP_HOST="localhost")
    add_accounts(client, now)
    measure_size()
    show("tags of resources", f"{ResourceTag.objects.count():,}", "none")
    if not ResourceTag.objects.filter(key__in=TAG_KEYS).exists():
        sys.exit("no tag was read")
    make_budgets(User.objects.for_account(new_gateway().account_id), BUDGETS)
    measure_overview(client, times=20)
    measure_allocation(client, months(MONTHS), times=20)
