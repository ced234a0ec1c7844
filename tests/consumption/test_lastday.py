"""What no call lists stands beside the current cost, as it was consumed on the last known day."""

import csv
import datetime as dt
import io
import json
from decimal import Decimal

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.utils import timezone

from consumption import sync
from consumption.lastday import unlisted_on_last_day
from consumption.models import Ledger
from consumption.periods import ONE_DAY
from costs import refreshing
from costs.costdocuments import document_of, resource_table
from costs.currentcost import Question, current_cost
from costs.pricelist import PriceKey
from costs.unlisted import is_unlisted, unlisted_of
from sandbox.cloud import DEMO_ACCOUNT, DEMO_KEY, READ_ONLY_KEY
from tests.consumption.days import REGION, day, entry, gateway, keep, make_ledger

NOW = dt.datetime(2026, 3, 10, 4, tzinfo=dt.UTC)
CONTROL_PLANE = {"service": "OKS", "operation": "ControlPlane", "category": "licence"}

pytestmark = pytest.mark.django_db


def on_last_day(at=NOW, key=DEMO_KEY):
    return unlisted_on_last_day(DEMO_ACCOUNT.account_id, REGION, key.access_key, at)


@pytest.mark.parametrize(
    ("key", "found"),
    [
        (("OKS", "dedicated:cp.mono.master", "ControlPlane"), True),
        (("OKS", "something:new", "Whatever"), True),
        (("Marketplace", "pof-1", "Subscription"), True),
        (("TinaOS-FCU", "DataTransfer-Internet:out", "RunInstances"), True),
        (("TinaOS-OOS", "enterprise:default", "OOSRequest"), True),
        (("TinaOS-OOS", "enterprise", "OOSStorage"), False),
        (("TinaOS-FCU", "BoxUsage:tinav6.c2r4p2", "RunInstances-OD"), False),
        (("TinaOS-FCU", "NatGatewayUsage", "CreateNatGateway"), False),
    ],
)
def test_only_what_no_call_lists_is_taken_from_the_consumption(key, found):
    assert is_unlisted(PriceKey(*key)) is found


def test_the_last_day_with_figures_tells_it():
    ledger = make_ledger(at=NOW)
    control_plane = entry("dedicated:cp.mono.master", "0.96", **CONTROL_PLANE)
    keep(ledger, {day(6): [control_plane], day(8): [control_plane, control_plane, entry()]}, at=NOW)
    keep(ledger, {day(9): []}, at=NOW)  # not consolidated yet

    found = on_last_day()
    assert (found.day, found.currency) == (day(8), "EUR")
    [line] = found.lines
    assert (line.name, line.value, line.price) == (
        "Kubernetes control plane, 1 master",
        48,
        Decimal("1.92"),
    )
    assert (line.amount.hour, line.amount.month) == (Decimal("0.08"), Decimal("58.4"))
    assert found.amount.month == Decimal("58.4")


def test_what_has_no_price_is_counted_and_never_zero():
    keep(make_ledger(at=NOW), {day(8): [entry("new:thing", None, **CONTROL_PLANE)]}, at=NOW)

    found = on_last_day()
    assert (found.unpriced_count, found.lines[0].price, found.amount.hour) == (1, None, 0)


def test_a_day_of_long_ago_and_a_key_that_was_not_answered_tell_nothing():
    ledger = make_ledger(at=NOW)
    keep(ledger, {day(1): [entry("dedicated:cp.mono.master", "0.96", **CONTROL_PLANE)]}, at=NOW)

    assert on_last_day(at=NOW) is None
    assert on_last_day(at=NOW - 5 * ONE_DAY) is not None
    assert on_last_day(at=NOW - 5 * ONE_DAY, key=READ_ONLY_KEY) is None
    Ledger.objects.all().delete()
    assert on_last_day() is None


@pytest.fixture
def consumed(outscale):
    """The last days of the demo account, read from the sandbox."""
    cache.clear()
    today = timezone.now().date()
    sync.read_all(gateway(), first=today - 2 * ONE_DAY, end=today)
    return outscale


def test_it_stands_beside_the_totals_and_in_none_of_them(consumed):
    stored = refreshing.whole(gateway(), with_objects=False)
    snapshot = refreshing.snapshots.read(stored)
    unlisted = unlisted_of(DEMO_ACCOUNT.account_id, REGION, DEMO_KEY.access_key, timezone.now())
    without = document_of(current_cost(snapshot, Question()))
    cost = current_cost(snapshot, Question(), unlisted=unlisted)
    document = document_of(cost)

    assert without["unlisted"] is None
    assert document["totals"] == without["totals"]
    products = {one["type"]: one for one in document["unlisted"]["products"]}
    assert products["dedicated:cp.3.masters.small"]["price_per_hour"] == "0.13"
    assert products["DataTransfer-Internet:out"]["price_per_month"] == "0"
    assert Decimal(document["unlisted"]["totals"]["hour"]) == Decimal("0.13")
    rows = list(resource_table(cost).rows)
    assert [row[2] for row in rows if row[0] == "unlisted"] == [
        one["type"] for one in document["unlisted"]["products"]
    ]
    narrowed = current_cost(snapshot, Question(types=frozenset(["Vm"])), unlisted=unlisted)
    assert narrowed.unlisted is None


def test_page_files_and_api_tell_it(consumed, client):
    client.post(
        "/login/",
        {"access_key": DEMO_KEY.access_key, "secret_key": DEMO_KEY.secret_key, "region": REGION},
    )
    client.post("/costs/read/")
    page = client.get("/costs/").content.decode()
    assert "Not listed by any call" in page
    assert "Kubernetes control plane, 3 masters, small" in page
    file = client.get("/costs/export/csv/").content.decode()
    rows = list(csv.DictReader(io.StringIO(file)))
    listed = sum(Decimal(row["price_per_month"]) for row in rows if row["row"] == "resource")
    assert round(listed, 6) == round(
        next(Decimal(row["price_per_month"]) for row in rows if row["row"] == "total"), 6
    )
    assert "dedicated:cp.3.masters.small" in {row["resource_id"] for row in rows if row["row"] == "unlisted"}
    assert "Kubernetes control plane" in client.get("/costs/export/human/").content.decode()
    assert "outscale_cost_unlisted_per_hour" in client.get("/costs/export/prometheus/").content.decode()
    assert client.get("/api/cost/current").json()["data"]["unlisted"]["totals"]["hour"] == "0.13"


def test_the_command_tells_it_too(consumed, monkeypatch):
    environment = {"ACCESS_KEY": DEMO_KEY.access_key, "SECRET_KEY": DEMO_KEY.secret_key, "REGION": REGION}
    for name, value in environment.items():
        monkeypatch.setenv(f"OSC_{name}", value)
    written = io.StringIO()
    call_command("current_cost", format="json", stdout=written, stderr=io.StringIO())

    assert json.loads(written.getvalue())["unlisted"]["totals"]["hour"] == "0.13"
