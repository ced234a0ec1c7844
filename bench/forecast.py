"""Measures the forecast over 24 months by day: worked out the first time, and asked for again."""

import statistics
import sys

from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from bench.consumption import KEYS, MONTHS, read, warm_up
from bench.figures import milliseconds, p95, show, timed
from consumption.periods import Period, months_later

HORIZONS = ("month", "next-month", "quarter", "year")
COLD, AGAIN = "under 2,000 ms", "under 100 ms"


def measure_forecast(client: Client, times: int) -> None:
    """Time the page of each horizon: with the import of statsmodels, without it, and from the cache."""
    first = timed(lambda: _page(client, HORIZONS[0]))
    show("forecast, cold, with the import of statsmodels", f"{first.wall:,.0f} ms", COLD)
    show("forecast, cold, CPU of it", f"{first.cpu:,.0f} ms", "none")
    for horizon in HORIZONS:
        cache.clear()
        cold = timed(lambda where=horizon: _page(client, where))
        show(f"forecast, {horizon}, cold", f"{cold.wall:,.0f} ms", COLD)
        durations = milliseconds(lambda where=horizon: _page(client, where), times)
        show(
            f"forecast, {horizon}, again, median of {times}", f"{statistics.median(durations):,.0f} ms", AGAIN
        )
        show(f"forecast, {horizon}, again, p95 of {times}", f"{p95(durations):,.0f} ms", AGAIN)


def _page(client: Client, horizon: str) -> None:
    response = client.get(f"/consumption/forecast/?horizon={horizon}", headers={"HX-Request": "true"})
    if response.status_code != 200 or b'id="models"' not in response.content:
        sys.exit(f"the forecast answered {response.status_code}, without a model")


def main() -> None:
    """Read 24 months, measure and print."""
    warm_up()
    today = timezone.now().date()
    read(Period(months_later(today, -MONTHS), today))
    client = Client(HTTP_HOST="localhost")
    client.post("/login/", KEYS)
    measure_forecast(client, times=10)
