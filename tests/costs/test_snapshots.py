"""Which stored readings are kept, and which of them answers."""

import datetime as dt
from decimal import Decimal

import pytest

from costs import snapshots
from costs.inventory import OBJECTS, Inventory, Missing, Volume
from costs.models import CostSnapshot
from costs.snapshots import Snapshot
from tests.costs.pricelists import sandbox_price_list

DAY = dt.date(2026, 3, 2)

pytestmark = pytest.mark.django_db


def at(hour, day=DAY):
    return dt.datetime.combine(day, dt.time(hour), dt.UTC)


def store(
    hour, *, complete=True, objects=True, reader="r", account="1", region="eu-west-2", day=DAY, missing=()
):
    """Store a reading that holds nothing."""
    lacks = list(missing) if complete else [Missing("ReadVolumes", "CLOUD_UNAVAILABLE")]
    snapshot = Snapshot(
        account_id=account,
        region=region,
        taken_at=at(hour, day),
        currency="EUR",
        currency_confirmed=True,
        catalog_version=1,
        catalog_valid_from=at(0),
        read=["ReadVms", OBJECTS] if objects else ["ReadVms"],
        missing=lacks,
        lines=[],
        costs=[],
    )
    return snapshots.store(snapshot, reader)


def kept(**of):
    return [stored.taken_at.hour for stored in CostSnapshot.objects.filter(**of).order_by("taken_at", "pk")]


@pytest.mark.parametrize(
    ("stored", "left"),
    [
        (["complete objects", "complete objects"], [1]),
        (["partial objects", "complete objects"], [1]),
        (["complete objects", "partial objects"], [0, 1]),
        (["complete objects", "partial objects", "partial objects"], [0, 2]),
        (["complete objects", "partial objects", "complete objects"], [2]),
        (["complete objects", "complete"], [0, 1]),
        (["complete objects", "complete", "complete"], [0, 2]),
        (["complete objects", "partial", "complete"], [0, 2]),
        (["complete", "partial"], [0, 1]),
        (["complete", "complete objects"], [1]),
        (["complete", "partial objects"], [0, 1]),
        (["complete", "partial objects", "complete objects"], [2]),
        (["partial objects", "complete", "partial"], [0, 1, 2]),
        (["partial", "partial objects", "partial"], [1, 2]),
    ],
)
def test_of_a_day_the_last_reading_the_last_complete_one_and_the_last_with_objects_are_kept(stored, left):
    for hour, words in enumerate(stored):
        store(hour, complete="complete" in words, objects="objects" in words)

    assert kept() == left


def test_a_reading_that_is_stored_late_takes_nothing_newer_away():
    newer = store(9)
    store(8)

    assert snapshots.latest("1", "eu-west-2", "r") == newer


@pytest.mark.parametrize(
    "other",
    [{"day": DAY - dt.timedelta(days=1)}, {"reader": "s"}, {"account": "2"}, {"region": "us-east-2"}],
    ids=["day", "reader", "account", "region"],
)
def test_a_reading_leaves_those_of_other_days_readers_accounts_and_regions(other):
    theirs = store(8, **other)
    store(8)
    ours = store(9)

    assert set(CostSnapshot.objects.all()) == {theirs, ours}


def test_the_day_of_a_reading_is_that_of_utc():
    paris = dt.timezone(dt.timedelta(hours=1))
    prices = sandbox_price_list()

    stored = snapshots.store(
        snapshots.snapshot_of(
            Inventory(), prices, account_id="1", taken_at=dt.datetime(2026, 3, 3, 0, 30, tzinfo=paris)
        ),
        "r",
    )

    assert stored.day == DAY


def test_what_is_stored_comes_back_as_it_was():
    volumes = [Volume(volume_id="vol-1", volume_type="gp2", size=10), Volume("vol-2", "os1", 1)]
    taken = snapshots.snapshot_of(
        Inventory(volumes=volumes, read=["ReadVolumes"]),
        sandbox_price_list(),
        account_id="1",
        taken_at=at(8),
    )

    stored = CostSnapshot.objects.get(pk=snapshots.store(taken, "r").pk)

    assert snapshots.read(stored) == taken
    assert (stored.resource_count, stored.unpriced_count, stored.currency) == (2, 1, "EUR")
    assert (stored.is_complete, stored.has_objects) == (True, False)
    assert stored.per_month == Decimal("1.1")


def test_a_cost_too_large_for_the_database_is_kept_in_the_lines_only():
    volumes = [Volume(volume_id="vol-1", volume_type="gp2", size=10**12)]
    taken = snapshots.snapshot_of(
        Inventory(volumes=volumes), sandbox_price_list(), account_id="1", taken_at=at(8)
    )

    stored = CostSnapshot.objects.get(pk=snapshots.store(taken, "r").pk)

    assert stored.per_month is None
    assert snapshots.read(stored).amount.month == Decimal(110000000000)


def test_the_latest_reading_is_that_of_the_same_key():
    mine, theirs = store(8, reader="mine"), store(9, reader="theirs")

    assert snapshots.latest("1", "eu-west-2", "mine") == mine
    assert snapshots.latest("1", "eu-west-2", "theirs") == theirs
    assert snapshots.latest("1", "eu-west-2", "nobody") is None
    assert snapshots.latest("1", "us-east-2", "mine") is None
    assert snapshots.latest("2", "eu-west-2", "mine") is None


def test_the_latest_reading_is_whole_although_a_newer_one_takes_its_place():
    store(8)

    latest = snapshots.latest("1", "eu-west-2", "r")
    store(9)

    assert snapshots.read(latest).taken_at == latest.taken_at


def test_each_day_is_answered_by_its_last_complete_reading_newest_day_first():
    before = DAY - dt.timedelta(days=1)
    complete = store(8, day=before)
    store(9, day=before, complete=False)
    store(8, complete=False, reader="s")
    partial = store(9, complete=False)
    store(10, account="2")
    store(11, region="us-east-2")

    found = snapshots.by_day("1", "eu-west-2")

    assert list(found.items()) == [(DAY, partial), (before, complete)]


def test_the_readings_of_all_keys_answer_for_a_day():
    store(8, reader="r")
    theirs = store(9, reader="s")

    assert snapshots.by_day("1", "eu-west-2") == {DAY: theirs}


def test_days_are_read_in_one_query_without_lines(django_assert_num_queries):
    for day in (1, 2, 3):
        store(8, day=dt.date(2026, 3, day))

    with django_assert_num_queries(1):
        found = snapshots.by_day("1", "eu-west-2")

    assert [stored.get_deferred_fields() for stored in found.values()] == [{"content"}] * 3


@pytest.mark.parametrize(("minutes", "is_fresh"), [(0, True), (4.9, True), (5, False), (60, False)])
def test_a_reading_answers_for_a_new_one_while_it_is_young(settings, minutes, is_fresh):
    settings.COST_TTL_MINUTES = 5

    assert snapshots.is_fresh(store(8), at(8) + dt.timedelta(minutes=minutes)) is is_fresh


@pytest.mark.parametrize(
    ("codes", "is_fresh"),
    [
        (["PERMISSION_REFUSED"], True),
        (["CLOUD_TIMEOUT"], False),
        (["PERMISSION_REFUSED", "CLOUD_THROTTLED"], False),
    ],
)
def test_a_list_that_the_cloud_failed_to_give_is_asked_for_again_after_a_minute(codes, is_fresh):
    stored = store(8, missing=[Missing("ReadVolumes", code) for code in codes])

    assert snapshots.is_fresh(stored, at(8) + dt.timedelta(seconds=59)) is True
    assert snapshots.is_fresh(stored, at(8) + dt.timedelta(seconds=60)) is is_fresh


def test_what_stands_for_a_key_tells_keys_apart_and_nothing_of_them():
    readers = {snapshots.reader_of(key) for key in ("SANDBOXA", "SANDBOXB", "SANDBOXA")}

    assert len(readers) == 2
    assert [len(reader) for reader in readers] == [32, 32]
    assert [reader for reader in readers if "sandbox" in reader.lower()] == []
