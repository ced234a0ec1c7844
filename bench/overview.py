"""Measures the overview (``python -m bench overview``): over all that is kept, with budgets and a reading."""

from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from bench.budgets import make_budgets
from bench.consumption import KEYS, MONTHS, measure_size, new_gateway
from bench.figures import show, timed
from bench.trends import keep, measure_page
from consumption.periods import Period, months_later
from costs import refreshing

GOAL_MS = 300

BUDGETS = 20

ANSWER = {"HX-Request": "true", "HX-Trigger": "outlooks"}


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


def main() -> None:
    """Measure and print."""
    today = timezone.now().date()
    keep(Period(months_later(today, -MONTHS), today))
    measure_size()
    refreshing.whole(new_gateway(), with_objects=False)
    client = Client(HTTP_HOST="localhost")
    client.post("/login/", KEYS)
    make_budgets(User.objects.for_account(new_gateway().account_id), BUDGETS)
    measure_overview(client, times=20)
