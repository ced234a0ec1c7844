"""The current cost read anew: by one at a time, slice by slice, and what is stored at the end."""

import datetime as dt
import threading
import time
import zlib
from collections import Counter

import pytest
from django.core.cache import cache
from django.db import connection
from django.utils import timezone

from accounts import standing
from accounts.errors import AuthenticationRefused, CloudUnavailable, PermissionRefused, Throttled
from costs import reading, refreshing, snapshots
from costs.freshness import RefreshFailed
from costs.inventory import OBJECTS, SOURCES, Missing
from costs.models import CostReading, CostSnapshot
from costs.refreshing import Progress, ReadingGoesOn, read_on, whole
from sandbox.cloud import DEMO_ACCOUNT, DEMO_KEY, LINKED_KEY, SECOND_DEMO_KEY
from sandbox.expected import expected, total
from tests.costs.readings import gateway

MINUTE = dt.timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _keys_are_known_to_be_good(db):
    cache.clear()
    for key in (DEMO_KEY, SECOND_DEMO_KEY, LINKED_KEY):
        standing.note_accepted(key.access_key)


@pytest.fixture
def short_grace(monkeypatch):
    monkeypatch.setattr(reading, "GRACE_SECONDS", 0.3)


def go_on(key=DEMO_KEY, *, after=0 * MINUTE, with_objects=False, seconds=60):
    return read_on(gateway(key), at=timezone.now() + after, with_objects=with_objects, seconds=seconds)


def left_half_way(outscale, call="ReadVms"):
    """Read everything but one list, as if the cloud were slow with it."""
    outscale.faults.add(call, "latency", 3000)
    progress = go_on(seconds=0.1)
    while progress.open != [call]:  # a busy machine takes more than one slice for the others
        progress = go_on(seconds=0.1)
    outscale.faults.clear()
    outscale.requests.clear()
    return progress


def lists_asked(outscale):
    return Counter(call for call in outscale.requests.calls() if call in SOURCES)


def in_threads(work, count):
    """Do the same in several threads at once, each with a connection of its own; return what came of it."""
    barrier, found = threading.Barrier(count), []

    def run():
        barrier.wait(10)
        try:
            found.append(work())
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    cache.clear()
    assert len(found) == count
    return found


# --- To the end


@pytest.mark.parametrize("with_objects", [False, True])
def test_what_is_read_in_one_slice_is_priced_and_stored(outscale, with_objects):
    stored = go_on(with_objects=with_objects)

    cloud = outscale.cloud
    buckets = cloud.buckets("eu-west-2", DEMO_ACCOUNT.account_id) if with_objects else ()
    owned = cloud.inventory("eu-west-2", DEMO_ACCOUNT.account_id)
    bills = total(expected(owned, cloud.prices("eu-west-2"), buckets).values())
    taken = snapshots.read(CostSnapshot.objects.get())
    assert (stored.is_complete, stored.has_objects, stored.reader) == (
        True,
        with_objects,
        snapshots.reader_of(DEMO_KEY.access_key),
    )
    assert taken.amount.month == bills.per_month
    assert taken.unpriced_count == len(bills.unpriced)
    assert sorted(taken.read) == sorted([*SOURCES, *([OBJECTS] if with_objects else [])])
    assert not CostReading.objects.exists()


def test_a_list_that_fails_makes_the_stored_reading_partial(outscale):
    outscale.faults.add("ReadVolumes", "refuse")

    stored = go_on()

    assert (stored.is_complete, stored.resource_count > 50) == (False, True)
    assert snapshots.read(stored).missing == [Missing("ReadVolumes", "PERMISSION_REFUSED", "4")]


@pytest.mark.parametrize(
    ("faults", "error"),
    [
        (["*=refuse"], PermissionRefused),
        (["*=reset"], CloudUnavailable),
        (["*=throttle"], Throttled),
        (["*=answer:401/1"], AuthenticationRefused),
        (["*=reset", "ReadVolumes=refuse"], PermissionRefused),
    ],
)
def test_when_nothing_can_be_read_the_clouds_error_is_raised_and_nothing_stored(outscale, faults, error):
    for fault in faults:
        outscale.faults.parse(fault)

    with pytest.raises(error):
        go_on()

    assert (CostSnapshot.objects.count(), CostReading.objects.count()) == (0, 0)


def test_without_prices_nothing_is_stored_and_what_was_read_waits_for_them(outscale):
    outscale.faults.add("ReadPublicCatalog", "refuse")
    with pytest.raises(RefreshFailed):
        go_on()
    stored_without = CostSnapshot.objects.count()
    outscale.faults.clear()
    cache.delete("catalog-failure:eu-west-2")
    outscale.requests.clear()

    stored = go_on()

    assert (stored_without, stored.is_complete) == (0, True)
    assert outscale.requests.calls() == ["ReadPublicCatalog"]


def test_a_key_that_nobody_has_proven_is_tried_by_one_call_and_then_left_alone(outscale):
    cache.clear()
    outscale.faults.add("Read*", "answer", "401/1")
    for _ in range(3):
        with pytest.raises(AuthenticationRefused):
            go_on()
    asked = len(outscale.requests)
    outscale.faults.clear()
    standing.note_accepted(DEMO_KEY.access_key)  # as a login does

    assert (asked, go_on().is_complete) == (1, True)


def test_who_waits_is_answered_by_what_another_has_read_and_asks_nothing(outscale):
    first = go_on()
    known = refreshing.latest_id(gateway())
    outscale.requests.clear()

    found = read_on(gateway(), at=timezone.now(), with_objects=False, newer_than=known - 1)
    asked_for_objects = read_on(
        gateway(), at=timezone.now(), with_objects=True, newer_than=known - 1, seconds=60
    )

    assert found == first
    assert (asked_for_objects.has_objects, lists_asked(outscale)) == (True, Counter(list(SOURCES)))


def test_a_failed_reading_leaves_the_one_before(outscale):
    before = go_on()
    outscale.faults.add("*", "refuse")

    with pytest.raises(PermissionRefused):
        go_on()

    assert list(CostSnapshot.objects.all()) == [before]


# --- Slice by slice


def test_what_a_slice_has_read_is_kept_and_not_asked_again(outscale, short_grace):
    progress = left_half_way(outscale)
    stored = go_on()

    assert (progress.open, progress.done, progress.calls) == (["ReadVms"], len(SOURCES) - 1, list(SOURCES))
    owned = outscale.cloud.inventory("eu-west-2", DEMO_ACCOUNT.account_id)
    assert progress.resource_count == len(owned) - len(owned.vms)
    assert lists_asked(outscale) == Counter(["ReadVms"])
    assert snapshots.read(stored).taken_at == progress.started_at
    assert stored.is_complete
    assert not CostReading.objects.exists()


def test_the_object_storage_can_join_a_reading_under_way(outscale, short_grace):
    progress = left_half_way(outscale)
    stored = go_on(with_objects=True)

    assert (progress.with_objects, stored.has_objects) == (False, True)
    assert lists_asked(outscale) == Counter(["ReadVms"])


def test_no_key_is_kept_with_a_reading_under_way(outscale, short_grace):
    left_half_way(outscale)

    content = zlib.decompress(CostReading.objects.get().content).decode()

    assert f'"account_id":"{DEMO_ACCOUNT.account_id}"' in content
    assert DEMO_KEY.access_key not in content
    assert DEMO_KEY.secret_key not in content


def test_an_abandoned_reading_is_begun_anew(outscale, short_grace):
    progress = left_half_way(outscale)

    stored = go_on(after=2 * MINUTE)

    assert lists_asked(outscale) == Counter(list(SOURCES))
    assert stored.taken_at - progress.started_at > MINUTE


def test_a_claim_is_respected_until_it_is_over_and_then_taken_over(outscale, short_grace):
    left_half_way(outscale)
    CostReading.objects.update(claimed_until=timezone.now() + MINUTE / 2)  # whoever had it is gone

    meanwhile = go_on(after=MINUTE * 3 / 4)  # a clock that is ahead ends no claim of another host
    asked_meanwhile = outscale.requests.calls()
    CostReading.objects.update(claimed_until=timezone.now())
    stored = go_on()

    assert isinstance(meanwhile, Progress)
    assert (meanwhile.open, asked_meanwhile) == (["ReadVms"], [])
    assert stored.is_complete
    assert lists_asked(outscale) == Counter(["ReadVms"])


@pytest.mark.parametrize("key", [SECOND_DEMO_KEY, LINKED_KEY])
def test_each_key_has_a_reading_of_its_own(outscale, short_grace, key):
    left_half_way(outscale)

    stored = go_on(key)

    assert lists_asked(outscale) == Counter(list(SOURCES))
    assert (stored.account_id, stored.reader) == (key.account_id, snapshots.reader_of(key.access_key))
    assert [row.reader for row in CostReading.objects.all()] == [snapshots.reader_of(DEMO_KEY.access_key)]
    assert (
        snapshots.latest(DEMO_KEY.account_id, "eu-west-2", snapshots.reader_of(DEMO_KEY.access_key)) is None
    )


# --- Waiting for all of it


def test_the_whole_is_read_in_as_many_slices_as_it_takes(outscale, monkeypatch):
    monkeypatch.setattr(refreshing, "LONGEST_SLICE", 0.01)
    monkeypatch.setattr("accounts.gateway.RESULTS_PER_PAGE", 5)

    stored = whole(gateway(), with_objects=True)

    owned = outscale.cloud.inventory("eu-west-2", DEMO_ACCOUNT.account_id)
    # Two groups are two resources, paid for by one fee; one more is that of dedicated VMs.
    assert stored.resource_count == len(owned) + 3
    assert (stored.is_complete, stored.has_objects) == (True, True)


def test_who_cannot_wait_long_enough_is_told_that_it_goes_on(outscale, short_grace):
    outscale.faults.add("ReadVms", "latency", 10_000)
    started = time.monotonic()

    with pytest.raises(ReadingGoesOn) as told:
        whole(gateway(), with_objects=False, seconds=0.2)

    assert time.monotonic() - started < 10
    assert (told.value.http_status, told.value.retry_after) == (503, 2)
    outscale.faults.clear()
    assert go_on().is_complete


# --- Two at once


@pytest.mark.django_db(transaction=True)
def test_a_second_reader_gets_the_progress_and_sends_no_second_set_of_calls(outscale):
    outscale.faults.add("Read*", "latency", 700)

    found = in_threads(go_on, 5)

    assert lists_asked(outscale) == Counter(list(SOURCES))
    assert Counter(type(one) for one in found) == {CostSnapshot: 1, Progress: 4}
    (progress, *_others) = [one for one in found if isinstance(one, Progress)]
    assert (progress.done, progress.open) == (0, list(SOURCES))
    assert (CostSnapshot.objects.count(), CostReading.objects.count()) == (1, 0)


@pytest.mark.django_db(transaction=True)
def test_all_who_wait_for_the_whole_get_what_one_of_them_reads(outscale):
    outscale.faults.add("Read*", "latency", 600)  # a busy machine may begin a thread late

    found = in_threads(lambda: whole(gateway(), with_objects=False, seconds=20), 4)

    assert lists_asked(outscale) == Counter(list(SOURCES))
    assert set(found) == {CostSnapshot.objects.get()}
