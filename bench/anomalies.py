"""Measures the anomalies over the kept history: the page, an explanation, and the answer of the JSON API.

To be run by a benchmark that has filled the history (``bench.consumption`` shows how).
"""

import statistics
import sys

from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bench.figures import milliseconds, p95, show
from consumption.periods import Period

PAGE = "/consumption/anomalies/"


def measure_anomalies(client: Client, period: Period, times: int) -> None:
    """Time the page, its rows explained, and the answer to a script, over a period; no call is made."""
    days = f"first={period.first}&last={period.last}"
    found = _answer(client, f"{PAGE}export/json/?{days}").json()["anomalies"]
    addresses = {"anomalies": f"{PAGE}?{days}", "anomalies in JSON": f"{PAGE}export/json/?{days}"}
    if found:
        addresses["anomalies, one explained"] = f"{PAGE}?{days}&anomaly={found[0]['id']}"
    show("anomalies found", str(len(found)), "the step and the spike")
    for name, address in addresses.items():
        with CaptureQueriesContext(connection) as queries:
            _answer(client, address)
        count = len(queries)  # the next request clears the log
        durations = milliseconds(lambda where=address: _answer(client, where), times)
        show(f"{name}, median of {times}", f"{statistics.median(durations):.0f} ms", "under 200 ms")
        show(f"{name}, p95 of {times}", f"{p95(durations):.0f} ms", "under 200 ms")
        show(f"{name}, queries", str(count), "the same for every size")


def _answer(client: Client, address: str) -> HttpResponse:
    response = client.get(address, headers={"HX-Request": "true"})
    if response.status_code != 200:
        sys.exit(f"{address} answered {response.status_code}")
    return response
