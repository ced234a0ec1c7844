"""Measures quotes (``python -m bench quotes``): the calculation, one edit on the page, and the login."""

import statistics
import sys
import time

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from bench.figures import milliseconds, p95, show
from costs import freshness
from costs.models import CommitmentRate
from quotes import editing, lifecycle
from quotes.calculation import calculate
from quotes.models import Quote
from quotes.sheet import sheet_of
from sandbox.cloud import DEMO_KEY

KEYS = {"access_key": DEMO_KEY.access_key, "secret_key": DEMO_KEY.secret_key, "region": "eu-west-2"}
KINDS = [
    ("vm", {"vm_type": "tinav6.c4r8p2", "product_codes": ["0002"], "tenancy": "default"}),
    ("volume", {"volume_type": "io1", "size_gib": 500, "iops": 5000}),
]


EDITED_VM = {
    "region": "eu-west-2",
    "vm_type": "tinav6.c8r16p1",
    "product_codes": "0002",
    "tenancy": "default",
}
"""What the form of a VM sends, without its quantity."""


def make_quote(owner: User, items: int) -> Quote:
    """Return a quote of VMs and volumes of a user."""
    prices = freshness.up_to_date("eu-west-2", timezone.now()).prices
    quote = lifecycle.create(owner=owner, name=f"{items} items", at=timezone.now())
    for number in range(items):
        resource_type, parameters = KINDS[number % 2]
        data = editing.ItemData(
            resource_type=resource_type, region="eu-west-2", parameters=parameters, quantity=1 + number % 9
        )
        editing.add_item(quote=quote, data=data, prices=prices, at=timezone.now())
    return quote


def measure_calculation(quote: Quote) -> None:
    """Time a calculation, from the rows in memory and from the database."""
    items = list(quote.items.order_by("display_order"))
    found = CommitmentRate.objects.valid_on(timezone.now().date(), "1year")
    rates = {category: rate.percent for category, rate in found.items()}

    def work() -> None:
        for item in items:
            item.__dict__.pop("unit_price", None)  # read each kept price anew
        calculate(quote, items, rates, currency="EUR")

    name = f"calculation of a {len(items)}-item quote"
    show(f"{name}, median", f"{statistics.median(milliseconds(work, 20)):.1f} ms", "under 20 ms")
    whole = statistics.median(milliseconds(lambda: sheet_of(quote, at=timezone.now()), 20))
    show(f"{name} with its reading", f"{whole:.1f} ms", "none")


def measure_edit(client: Client, quote: Quote) -> None:
    """Time one edit through the view, as htmx sends it, and count its queries."""
    item = quote.items.order_by("display_order")[10]
    quantities = iter(range(1, 10_000))

    def edit() -> None:
        path = f"/quotes/{quote.pk}/items/{item.pk}/"
        data = EDITED_VM | {"quantity": next(quantities)}
        response = client.post(path, data, headers={"HX-Request": "true"})
        if response.status_code != 200:
            sys.exit(f"the edit answered {response.status_code}")

    milliseconds(edit, 5)
    with CaptureQueriesContext(connection) as queries:
        edit()
    count = len(queries)  # the next request clears the log
    name = f"one edit of a {quote.items.count()}-item quote"
    show(f"{name}, p95 of 100", f"{p95(milliseconds(edit, 100)):.1f} ms", "under 40 ms")
    show(f"{name}, queries", str(count), "does not grow with the items")


def measure_login() -> None:
    """Time logins: the wall and the CPU of this process, which does not hold the sandbox."""
    client = Client(HTTP_HOST="localhost")

    def log_in() -> tuple[float, float]:
        client.cookies.clear()
        wall, cpu = time.perf_counter(), time.process_time()
        if client.post("/login/", KEYS).status_code != 302:
            sys.exit("the login was refused")
        return (time.perf_counter() - wall) * 1000, (time.process_time() - cpu) * 1000

    client.get("/healthz")  # the middleware is loaded with the first request of a process
    first, *later = [log_in() for _ in range(21)]
    walls, cpus = zip(*later, strict=True)
    show("the first login, 40 ms cloud", f"{first[0]:.0f} ms", "under 250 ms")
    show("login, 40 ms cloud, p95 of the next 20", f"{p95(list(walls)):.0f} ms", "under 250 ms")
    show("CPU of a login after the first, p95", f"{p95(list(cpus)):.0f} ms", "under 60 ms")


def main() -> None:
    """Measure and print."""
    measure_login()
    client = Client(HTTP_HOST="localhost")
    client.post("/login/", KEYS)
    owner = User.objects.for_account(DEMO_KEY.account_id)
    measure_calculation(make_quote(owner, 500))
    measure_edit(client, make_quote(owner, 20))
    measure_edit(client, make_quote(owner, 100))
