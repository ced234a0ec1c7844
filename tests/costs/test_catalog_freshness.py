import datetime as dt
import threading
from decimal import Decimal

import pytest
from django.core.cache import cache
from django.db import connection

from costs import catalog, freshness
from costs.models import Catalog
from tests.costs.catalogs import NOW, REGION, raw_entry, store

pytestmark = pytest.mark.django_db
CALL = "ReadPublicCatalog"
RAM = ("TinaOS-FCU", "CustomRam", "RunInstances-OD")


def calls(outscale):
    return [request for request in outscale.requests if request.call == CALL]


def hours(count):
    return NOW + dt.timedelta(hours=count)


def test_a_refresh_stores_what_the_cloud_publishes(outscale):
    stored = freshness.refresh(REGION, NOW)
    prices = catalog.latest(REGION)
    published = outscale.cloud.prices(REGION)
    assert (stored.version, stored.fetched_at) == (1, NOW)
    assert {key: entry.unit_price for key, entry in prices.entries.items()} == {
        key: entry.unit_price for key, entry in published.items()
    }


def test_a_changed_price_is_a_new_version_and_an_unchanged_catalog_is_not(outscale):
    freshness.refresh(REGION, NOW)
    assert freshness.refresh(REGION, hours(1)).version == 1
    outscale.cloud.set_price(REGION, RAM, "0.006")
    assert freshness.refresh(REGION, hours(2)).version == 2
    assert catalog.latest(REGION).entries[RAM].unit_price == Decimal("0.006")


def test_prices_within_their_lifetime_are_served_without_a_call(outscale):
    store()
    status = freshness.up_to_date(REGION, hours(24))
    assert (status.stale, status.fetched_at, calls(outscale)) == (False, NOW, [])


def test_stale_prices_are_fetched_anew(outscale):
    store()
    assert freshness.status(REGION, hours(24.1)).refreshable
    status = freshness.up_to_date(REGION, hours(24.1))
    assert (status.stale, status.prices.version, status.fetched_at) == (False, 2, hours(24.1))
    assert len(calls(outscale)) == 1


FAULTS = {
    "unavailable": ("CLOUD_THROTTLED", 429),
    "error": ("CLOUD_UNAVAILABLE", 503),
    "throttle": ("CLOUD_THROTTLED", 429),
    "broken-json": ("CLOUD_ANSWER_INVALID", 502),
    "broken-500": ("CLOUD_UNAVAILABLE", 503),
    "reset": ("CLOUD_UNAVAILABLE", 503),
    "refuse": ("PERMISSION_REFUSED", 502),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_when_the_cloud_fails_the_last_prices_are_served_and_the_reason_is_said(outscale, settings, fault):
    settings.OUTSCALE_TIMEOUT_SECONDS = 0.5
    store()
    outscale.faults.add(CALL, fault)
    status = freshness.up_to_date(REGION, hours(30))
    assert (status.prices.version, status.fetched_at, status.stale) == (1, NOW, True)
    assert (status.failure.code, status.failure.http_status) == FAULTS[fault]
    assert str(status.failure.message).endswith((".", ")."))
    assert status.failure.next_try == hours(30) + dt.timedelta(seconds=60)


def test_a_cloud_that_hangs_costs_no_more_than_its_deadline_and_keeps_the_prices(outscale, settings):
    settings.OUTSCALE_TIMEOUT_SECONDS = 0.2
    store()
    outscale.faults.add(CALL, "hang")
    status = freshness.up_to_date(REGION, hours(30))
    assert (status.failure.code, status.failure.http_status) == ("CLOUD_TIMEOUT", 504)
    assert status.prices is not None


def test_a_failure_is_remembered_for_a_minute_and_then_tried_again(outscale):
    outscale.faults.add(CALL, "broken-json")
    freshness.up_to_date(REGION, NOW)
    asked = len(calls(outscale))
    outscale.faults.clear()
    assert freshness.up_to_date(REGION, NOW + dt.timedelta(seconds=59)).failure is not None
    assert len(calls(outscale)) == asked
    status = freshness.up_to_date(REGION, NOW + dt.timedelta(seconds=60))
    assert (status.failure, status.stale) == (None, False)


def test_a_failure_of_one_region_is_none_of_another(outscale):
    outscale.faults.add(f"us-west-1/{CALL}", "unavailable")
    assert freshness.up_to_date("us-west-1", NOW).prices is None
    assert freshness.up_to_date("us-east-2", NOW).prices is not None


def test_a_success_forgets_the_failure_before_it(outscale):
    outscale.faults.add(CALL, "broken-json")
    with pytest.raises(freshness.RefreshFailed):
        freshness.refresh(REGION, NOW)
    outscale.faults.clear()
    freshness.refresh(REGION, NOW)
    assert freshness.status(REGION, NOW).failure is None


def test_an_answer_that_is_no_price_list_is_refused_whole(outscale):
    store()
    outscale.cloud.set_price(REGION, RAM, "-1")
    with pytest.raises(freshness.RefreshFailed) as failed:
        freshness.refresh(REGION, hours(1))
    assert failed.value.message.startswith("The cloud's price list was refused: Entry ")
    assert failed.value.message.endswith(" has a price that cannot be right: -1.0.")
    assert (failed.value.code, failed.value.http_status) == ("CLOUD_ANSWER_INVALID", 502)
    assert Catalog.objects.get().fetched_at == NOW


def test_while_one_visitor_refreshes_the_others_get_the_stored_prices(outscale):
    store()
    assert freshness._take_turn(REGION)
    status = freshness.up_to_date(REGION, hours(30))
    assert (status.prices.version, status.stale, calls(outscale)) == (1, True, [])


def test_the_turn_is_given_back_after_a_failure(outscale):
    store()
    outscale.faults.add(CALL, "broken-json")
    freshness.up_to_date(REGION, hours(30))
    assert freshness._take_turn(REGION)


@pytest.mark.django_db(transaction=True)
def test_twenty_visitors_of_a_stale_page_cost_the_cloud_one_call(outscale):
    store()
    outscale.faults.add(CALL, "latency", 300)
    barrier, seen = threading.Barrier(20), []

    def visit():
        barrier.wait(10)
        seen.append(freshness.up_to_date(REGION, hours(30)))
        connection.close()

    threads = [threading.Thread(target=visit) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    cache.clear()
    assert len(seen) == 20
    assert all(status.prices for status in seen)
    assert len(calls(outscale)) == 1
    assert Catalog.objects.count() == 2


def ask(visitor="address-192.0.2.1", at=NOW, *, is_customer=False, region=REGION):
    return freshness.ask_for_refresh(region, at, visitor=visitor, is_customer=is_customer)


def test_a_stranger_may_refresh_a_region_once_a_minute(outscale):
    ask()
    with pytest.raises(freshness.TooSoon) as refused:
        ask(at=NOW + dt.timedelta(seconds=20))
    assert refused.value.retry_after == 40
    ask(region="us-east-2")
    ask(visitor="address-192.0.2.2")
    assert len(calls(outscale)) == 3


def test_a_customer_waits_ten_seconds_only(outscale):
    ask("user-1", is_customer=True)
    with pytest.raises(freshness.TooSoon) as refused:
        ask("user-1", is_customer=True)
    assert refused.value.retry_after == 10


def test_a_refused_entry_leaves_no_half_catalog(outscale):
    outscale.cloud.set_price(REGION, RAM, "99999999")
    with pytest.raises(freshness.RefreshFailed):
        freshness.refresh(REGION, NOW)
    assert not Catalog.objects.exists()
    assert freshness.status(REGION, NOW).prices is None


def test_the_unknown_price_of_yesterday_is_kept_when_today_it_has_one():
    store(raw_entry())
    store(raw_entry(), raw_entry("CustomCore:v9-p1"), at=hours(1))
    assert len(catalog.price_lists(Catalog.objects.filter(version=1))[0].entries) == 1
