import datetime as dt
import threading
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from costs import catalog
from costs.models import Catalog, CatalogEntry
from costs.pricelist import PriceKey
from costs.publication import read_publication
from tests.costs.catalogs import NOW, REGION, answer_of, raw_entry, store
from tests.reference import real_answer

pytestmark = pytest.mark.django_db
LATER = NOW + dt.timedelta(days=1)
RAM = PriceKey("TinaOS-FCU", "CustomRam", "RunInstances-OD")


@pytest.fixture(autouse=True)
def _empty_memory():
    catalog._price_lists.clear()


def test_the_first_catalog_is_version_one_in_the_assumed_currency():
    stored = store(region="us-east-2")
    assert (stored.version, stored.valid_from, stored.fetched_at) == (1, NOW, NOW)
    assert (stored.currency, stored.currency_confirmed) == ("USD", False)


def test_the_same_content_only_moves_the_date_whatever_the_order_and_the_zeros():
    store(raw_entry(), raw_entry("CustomCore:v7-p1", "0.043"))
    again = store(raw_entry("CustomCore:v7-p1", "0.0430"), raw_entry(price="0.005000"), at=LATER)
    assert (again.version, again.valid_from, again.fetched_at) == (1, NOW, LATER)
    assert CatalogEntry.objects.count() == 2


@pytest.mark.parametrize(
    "change",
    [
        {"price": "0.006"},
        {"Title": "other"},
        {"Category": "licence"},
        {"Flags": "PER_MONTH"},
        {"Operation": "o"},
    ],
)
def test_any_change_of_content_becomes_a_new_version_and_the_old_one_stays(change):
    store()
    assert store(raw_entry(**change), at=LATER).version == 2
    assert list(Catalog.objects.order_by("version").values_list("valid_from", flat=True)) == [NOW, LATER]
    assert CatalogEntry.objects.get(catalog__version=1).unit_price == Decimal("0.005")


def test_prices_that_come_back_are_a_third_version():
    store()
    store(raw_entry(price="0.006"), at=LATER)
    assert store(at=LATER + dt.timedelta(days=1)).version == 3


def test_an_answer_that_was_overtaken_by_a_newer_one_changes_nothing():
    store(raw_entry(price="0.006"), at=LATER)
    assert store(at=NOW).fetched_at == LATER
    assert catalog.latest(REGION).entries[RAM].unit_price == Decimal("0.006")


def test_regions_count_their_versions_apart():
    store()
    assert store(region="us-west-1").version == 1


def test_latest_is_one_query_and_reads_the_entries_only_once(django_assert_num_queries):
    store()
    with django_assert_num_queries(2):
        catalog.latest(REGION)
    with django_assert_num_queries(1):
        prices = catalog.latest(REGION)
    assert (prices.version, prices.currency, len(prices.entries)) == (1, "EUR", 1)


def test_latest_of_takes_as_many_queries_for_three_regions_as_for_one(django_assert_num_queries):
    names = ["eu-west-2", "us-east-2", "us-west-1"]
    for name in names:
        store(region=name)
        store(raw_entry(price="0.006"), region=name, at=LATER)
    for asked in (names[:1], names):
        catalog._price_lists.clear()
        with django_assert_num_queries(2):
            prices = catalog.latest_of(asked)
        assert {name: each.version for name, each in prices.items()} == dict.fromkeys(asked, 2)


def test_a_region_without_prices_is_none_and_not_an_empty_list():
    assert catalog.latest(REGION) is None
    assert catalog.latest_of([REGION, "mars"]) == {}


def test_a_corrected_currency_is_seen_although_the_entries_are_in_memory():
    store()
    assert catalog.latest(REGION).currency == "EUR"
    Catalog.objects.update(currency="CHF")
    assert catalog.latest(REGION).currency == "CHF"


def test_memory_does_not_grow_with_the_versions():
    for price in range(1, 100):
        store(raw_entry(price=price), at=NOW + dt.timedelta(hours=price))
        catalog.latest(REGION)
    assert len(catalog._price_lists) <= catalog._KEPT_IN_MEMORY + 1


def test_the_real_answer_comes_back_from_the_database_exactly():
    answer = real_answer("catalog-eu-west-2.json")
    catalog.store(read_publication(answer, region=REGION), region=REGION, at=NOW)
    prices = catalog.latest(REGION)
    stored = {key: entry.unit_price for key, entry in prices.entries.items()}
    real = {(e["Service"], e["Type"], e["Operation"]): e["UnitPrice"] for e in answer["Catalog"]["Entries"]}
    assert stored == real
    assert sum(stored.values()) == sum(real.values())


@pytest.mark.parametrize(
    "fields",
    [
        {"version": 1},
        {"version": 0},
        {"region": ""},
        {"currency": "E1R"},
        {"currency": ""},
        {"currency": "eur"},
        {"fetched_at": NOW - dt.timedelta(seconds=1)},
    ],
)
def test_the_database_refuses_a_catalog_that_cannot_be(fields):
    store()
    good = {"region": REGION, "version": 2, "currency": "EUR", "valid_from": NOW, "fetched_at": NOW}
    with pytest.raises(IntegrityError), transaction.atomic():
        Catalog.objects.create(**good | fields)


@pytest.mark.parametrize(
    "fields",
    [{}, {"service": ""}, {"type": ""}, {"operation": ""}, {"category": ""}, {"unit_price": Decimal(-1)}],
)
def test_the_database_refuses_an_entry_that_cannot_be(fields):
    entry = store().entries.get()
    entry.pk = None
    entry.type = "" if fields else entry.type  # without a change, it is the same key twice
    if fields and "type" not in fields:
        entry.type = "Other"
    for name, value in fields.items():
        setattr(entry, name, value)
    with pytest.raises(IntegrityError), transaction.atomic():
        entry.save()


def in_threads(count, work):
    """Run ``work(number)`` in that many threads at the same moment, each on its own connection."""
    barrier, failures = threading.Barrier(count), []

    def run(number):
        try:
            barrier.wait(10)
            work(number)
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[number]) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failures == []


@pytest.mark.django_db(transaction=True)
def test_refreshes_at_the_same_moment_create_one_version():
    entries = read_publication(answer_of(raw_entry(), raw_entry("CustomCore:v7-p1")), region=REGION)
    in_threads(8, lambda _number: catalog.store(entries, region=REGION, at=NOW))
    assert list(Catalog.objects.values_list("version", flat=True)) == [1]
    assert CatalogEntry.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_changed_prices_that_two_refreshes_bring_create_one_new_version():
    store()
    in_threads(4, lambda _number: store(raw_entry(price="0.006"), at=LATER))
    assert list(Catalog.objects.order_by("version").values_list("version", flat=True)) == [1, 2]
