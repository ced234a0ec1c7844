"""Measures where the money is going (``python -m bench trends``): each page over all that is kept."""

import statistics
import sys

from django.core.cache import cache
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bench.consumption import KEYS, MONTHS, measure_size, months, read, warm_up
from bench.figures import milliseconds, p95, show, timed
from bench.readings import store_readings
from consumption.driftforms import MOST_COMPARED_DAYS
from consumption.periods import ONE_DAY, Period, months_later

TRENDS = {
    "12 months by category": "period=last-12-months&group_by=category",
    "24 months by category": "period=last-24-months&group_by=category",
    "24 months by type": "period=last-24-months&group_by=resource_type",
    "24 months by week": "period=last-24-months&granularity=week",
    "24 months by day": "period=last-24-months&granularity=day",
    "24 months by resource": "period=last-24-months&group_by=resource",
    "24 months of storage": "period=last-24-months&category=storage",
}
"""The views of the trends that are measured."""

ANOMALIES = "/consumption/anomalies/"

HORIZONS = ("month", "next-month", "quarter", "year")
"""How far the forecasts look that are measured, the first one with the import of statsmodels."""


def measure_trends(client: Client, times: int) -> None:
    """Time each view of the trends, and the resources behind a mover."""
    for name, question in TRENDS.items():
        measure_page(client, f"trends, {name}", f"/consumption/trends/?{question}", times, goal=200)
    month = months(1)
    question = f"first={month.first}&last={month.last}&category=compute"
    measure_page(client, "trends, behind a mover", f"/consumption/drivers/?{question}", times, goal=200)


def measure_anomalies(client: Client, times: int) -> None:
    """Time the page of the anomalies, one with a row explained, and the answer to a script."""
    period = months(MONTHS)
    days = f"first={period.first}&last={period.last}"
    found = _page(client, f"{ANOMALIES}export/json/?{days}").json()["anomalies"]
    show("anomalies found", str(len(found)), "none")
    addresses = {"anomalies": f"{ANOMALIES}?{days}", "anomalies in JSON": f"{ANOMALIES}export/json/?{days}"}
    if found:
        addresses["anomalies, one explained"] = f"{ANOMALIES}?{days}&anomaly={found[0]['id']}"
    for name, address in addresses.items():
        measure_page(client, name, address, times, goal=200)


def measure_forecast(client: Client, times: int) -> None:
    """Time the forecast of each horizon: with the import of statsmodels, without it, and from the cache."""
    for place, horizon in enumerate(HORIZONS):
        address = f"/consumption/forecast/?horizon={horizon}"
        cache.clear()
        cold = timed(lambda where=address: _page(client, where))
        name = "forecast, cold, with the import of statsmodels" if not place else f"forecast, {horizon}, cold"
        show(name, f"{cold.wall:,.0f} ms ({cold.cpu:,.0f} ms of CPU)", "under 2,000 ms")
        measure_page(client, f"forecast, {horizon}, again", address, times, goal=100)


def measure_drift(client: Client, times: int) -> None:
    """Time the drift over its default period and its longest one, with a reading of each day."""
    today = timezone.now().date()
    longest = Period(today - MOST_COMPARED_DAYS * ONE_DAY, today)
    stored = timed(lambda: store_readings(longest))
    show("storing a reading", f"{stored.wall / longest.length:.0f} ms", "none")
    questions = {
        "30 days": "",
        "30 days by the last reading": "estimate=latest",
        f"{longest.length} days": f"first={longest.first}&last={longest.last}",
    }
    for name, question in questions.items():
        measure_page(client, f"drift, {name}", f"/consumption/drift/?{question}", times, goal=200)


def measure_page(client: Client, name: str, address: str, times: int, *, goal: int) -> None:
    """Time an answer that must hold amounts, and count its queries; ``goal`` is in milliseconds."""
    _page(client, address)
    with CaptureQueriesContext(connection) as queries:
        _page(client, address)
    count = len(queries)  # the next request clears the log
    durations = milliseconds(lambda: _page(client, address), times)
    show(f"{name}, median of {times}", f"{statistics.median(durations):.0f} ms", f"under {goal} ms")
    show(f"{name}, p95 of {times}", f"{p95(durations):.0f} ms", f"under {goal} ms")
    show(f"{name}, queries", str(count), "the same for every size")


def _page(client: Client, address: str) -> HttpResponse:
    response = client.get(address, headers={"HX-Request": "true"})
    if response.status_code != 200 or not any(one.encode() in response.content for one in ("€", "EUR")):
        sys.exit(f"{address} answered {response.status_code}, without figures")
    return response


def keep(period: Period) -> None:
    """Keep a period: each day read from the cloud, as the portal does."""
    warm_up()
    reading = timed(lambda: read(period))
    show(f"keeping {period.length} days", f"{reading.wall / 1000:,.0f} s", "none")


def main() -> None:
    """Measure and print."""
    today = timezone.now().date()
    keep(Period(months_later(today, -MONTHS), today))
    measure_size()
    client = Client(HTTP_HOST="localhost")
    client.post("/login/", KEYS)
    measure_forecast(client, times=20)
    measure_trends(client, times=20)
    measure_anomalies(client, times=20)
    measure_drift(client, times=20)
