"""How an inventory is read: page after page, in slices, and what is left when a list fails."""

import itertools
import json
import time
from collections import Counter

import pytest

from accounts import gateway as gateway_module
from costs.inventory import OBJECTS, SOURCES, Missing, ResourceType, calls_for
from costs.reading import Reading, advance
from costs.snapshots import packed, unpacked
from sandbox.cloud import CONSUMPTION_ONLY_KEY, DEMO_ACCOUNT, EMPTY_KEY
from tests.costs.readings import (
    EVERYTHING,
    STARTED_AT,
    begin,
    cloud_that_says,
    cloud_that_turns,
    counted,
    gateway,
    lists,
    read,
)

NOT_PAGINATED = {"ReadLoadBalancers", "ReadFlexibleGpus"}
PAGE = 7


@pytest.fixture
def small_pages(monkeypatch):
    monkeypatch.setattr(gateway_module, "RESULTS_PER_PAGE", PAGE)


def owned(outscale, account=DEMO_ACCOUNT, region="eu-west-2"):
    """Return how many resources of each list the account owns, its own snapshots only."""
    inventory = outscale.cloud.inventory(region, account.account_id)
    fields = [source.field for source in SOURCES.values()]
    buckets = outscale.cloud.buckets(region, account.account_id)
    return {name: len(getattr(inventory, name)) for name in fields} | {"buckets": len(buckets)}


# --- What is asked


def test_every_list_is_asked_once_with_its_pages_where_it_has_pages(outscale):
    reading = read()

    asked = {received.call: received.parameters for received in outscale.requests if received.call in SOURCES}
    assert Counter(outscale.requests.calls()) == Counter({*SOURCES, "ListBuckets"}) + Counter(ListObjectsV2=5)
    assert asked == {
        call: {}
        if call in NOT_PAGINATED
        else {"ResultsPerPage": 1000, **({"Filters": filters} if call == "ReadSnapshots" else {})}
        for call, filters in ((call, {"AccountIds": [DEMO_ACCOUNT.account_id]}) for call in SOURCES)
    }
    assert counted(reading.inventory) == owned(outscale)
    assert reading.is_finished
    assert sorted(reading.inventory.read) == sorted(EVERYTHING)


def test_several_pages_are_followed_to_the_last_one(outscale, small_pages):
    reading = read()

    pages = {
        call: -(-owned(outscale)[source.field] // PAGE) or 1
        for call, source in SOURCES.items()
        if source.is_paginated
    }
    assert {call: outscale.requests.count(call) for call in pages} == pages
    assert max(pages.values()) > 3
    assert counted(reading.inventory) == owned(outscale)
    snapshots = [one.parameters for one in outscale.requests if one.call == "ReadSnapshots"]
    assert [one["Filters"] for one in snapshots] == [{"AccountIds": [DEMO_ACCOUNT.account_id]}] * len(
        snapshots
    )


def test_snapshots_of_others_are_not_among_ones_own(outscale):
    snapshots = read(calls=["ReadSnapshots"]).inventory.snapshots

    assert {one.account_id for one in snapshots} == {DEMO_ACCOUNT.account_id}


def test_an_account_that_owns_nothing_is_read_whole(outscale):
    reading = read(EMPTY_KEY)

    assert counted(reading.inventory) == dict.fromkeys(counted(reading.inventory), 0)
    assert (sorted(reading.inventory.read), reading.inventory.missing) == (sorted(EVERYTHING), [])


def test_vm_types_are_read_only_for_a_type_whose_size_is_not_known(settings):
    vms = [{"VmId": "i-1", "VmType": vm_type, "State": "running"} for vm_type in ("m5.large", "m5.8xlarge")]
    sizes = [{"VmTypeName": "m5.8xlarge", "VcoreCount": 32, "MemorySize": 128.5}]
    found = []
    for some in (vms[:1], vms):
        body = json.dumps({"Vms": some, "VmTypes": sizes}).encode()
        with cloud_that_says(settings, lambda _call, _token, body=body: body) as asked:
            found.append((read(calls=["ReadVms"]), asked))

    (known, asked_once), (unknown, asked_twice) = found
    assert (known.inventory.vm_sizes, asked_once) == ([], ["ReadVms"])
    assert [str(one.memory_size) for one in unknown.inventory.vm_sizes] == ["128.5"]
    assert (unknown.inventory.read, unknown.is_finished, asked_twice) == (
        ["ReadVms"],
        True,
        ["ReadVms", "ReadVmTypes"],
    )


def test_kinds_that_are_skipped_are_not_read_unless_another_price_needs_them():
    kinds = set(ResourceType)

    assert calls_for([]) == list(EVERYTHING)
    assert calls_for(kinds) == []
    assert calls_for([ResourceType.OBJECT_STORAGE]) == list(SOURCES)
    assert calls_for(kinds - {ResourceType.VOLUME}) == ["ReadVolumes"]
    assert calls_for(kinds - {ResourceType.VM}) == ["ReadVms"]
    assert calls_for(kinds - {ResourceType.PUBLIC_IP}) == ["ReadVms", "ReadPublicIps", "ReadNatServices"]
    assert calls_for(kinds - {ResourceType.DEDICATED_INSTANCE}) == ["ReadVms", "ReadDedicatedGroups"]
    assert calls_for(kinds - {ResourceType.NAT_SERVICE}) == ["ReadNatServices"]


def test_only_the_lists_of_a_reading_are_asked(outscale):
    reading = read(calls=["ReadVpnConnections"])

    assert outscale.requests.calls() == ["ReadVpnConnections"]
    assert (reading.calls, reading.inventory.read) == (["ReadVpnConnections"], ["ReadVpnConnections"])


def test_a_list_included_later_is_read_once(outscale):
    reading = read(calls=SOURCES)
    reading.include("ReadVms")
    reading.include(OBJECTS)
    assert list(reading.open) == [OBJECTS]

    advance(reading, gateway())

    assert outscale.requests.count("ReadVms") == 1
    assert counted(reading.inventory) == owned(outscale)


# --- Slices


@pytest.mark.parametrize("seconds", [0, 0.001])
def test_a_reading_in_many_slices_is_the_same_as_one_at_once(outscale, small_pages, monkeypatch, seconds):
    monkeypatch.setattr("costs.reading.GRACE_SECONDS", 0)
    whole = read()
    reading, slices = begin(), 0
    while not reading.is_finished:
        before = packed(reading)
        advance(reading, gateway(), seconds=seconds)
        assert packed(reading) != before  # or it would never end
        reading, slices = unpacked(packed(reading), Reading), slices + 1
        assert slices < 200

    assert slices > 1
    assert lists(reading.inventory) == lists(whole.inventory)
    assert (reading.account_id, reading.region, reading.started_at) == (
        DEMO_ACCOUNT.account_id,
        "eu-west-2",
        STARTED_AT,
    )


def test_a_finished_reading_asks_nothing_more(outscale):
    reading = read()
    outscale.requests.clear()

    advance(reading, gateway())

    assert outscale.requests.calls() == []


def test_one_list_that_hangs_does_not_keep_the_others_out_of_the_first_slice(outscale, settings):
    settings.OUTSCALE_TIMEOUT_SECONDS = 12
    read()  # the sandbox has everything at hand
    outscale.faults.add("ReadVms", "hang")
    reading, started = begin(), time.monotonic()

    advance(reading, gateway(), seconds=0.6)

    assert time.monotonic() - started < 12
    assert (list(reading.open), reading.inventory.missing) == (["ReadVms", OBJECTS], [])
    assert counted(reading.inventory) == owned(outscale) | {"vms": 0, "buckets": 0}
    outscale.faults.clear()
    advance(reading, gateway(), seconds=5)
    assert counted(reading.inventory) == owned(outscale)


def test_a_slice_waits_for_one_page_however_long_that_takes(outscale):
    outscale.faults.add("*", "latency", 300)
    reading = begin(calls=["ReadVms"])

    advance(reading, gateway(), seconds=0)

    assert reading.inventory.read == ["ReadVms"]


# --- Keys


def test_keys_that_stop_working_half_way_end_the_reading_at_once(settings, small_pages):
    count = itertools.count(1)

    def turn(sandbox, _call):
        if next(count) == 2:
            sandbox.faults.add("*", "answer", "401/1")

    with cloud_that_turns(settings, turn) as sandbox:
        settings.OUTSCALE_REQUESTS_PER_SECOND = 3
        reading = read(calls=SOURCES, seconds=30)
        asked = len(sandbox.requests)

    assert reading.is_finished
    # Three lists are read at a time: those under way come to their end, and no other one is begun.
    assert asked < len(SOURCES)
    missing = reading.inventory.missing
    assert {(one.code, one.cloud_code) for one in missing} == {("AUTHENTICATION_REFUSED", "1")}
    assert sorted([one.call for one in missing] + reading.inventory.read) == sorted(SOURCES)
    given_up = {SOURCES[one.call].field for one in missing}
    assert {
        name: size for name, size in counted(reading.inventory).items() if name in given_up and size
    } == {}


def test_keys_that_stop_working_leave_no_half_bucket(settings):
    def turn(sandbox, call):
        if call == "ListObjectsV2" and sandbox.requests.count(call) == 3:
            sandbox.faults.add("*", "answer", "403/InvalidAccessKeyId")

    with cloud_that_turns(settings, turn):
        reading = read(calls=[OBJECTS])

    assert reading.inventory.missing == [Missing(OBJECTS, "AUTHENTICATION_REFUSED", "InvalidAccessKeyId")]
    assert (reading.inventory.buckets, reading.inventory.read) == ([], [])


def test_a_key_that_may_read_nothing_is_refused_each_list_by_itself(outscale):
    reading = read(CONSUMPTION_ONLY_KEY)

    assert counted(reading.inventory) == dict.fromkeys(counted(reading.inventory), 0)
    assert {(one.call, one.code) for one in reading.inventory.missing} == {
        (call, "PERMISSION_REFUSED") for call in EVERYTHING
    }
    assert len(outscale.requests) == len(EVERYTHING)
