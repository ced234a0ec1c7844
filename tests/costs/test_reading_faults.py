"""What is left of a reading when the cloud fails on one of its lists, or on all of them."""

import itertools
import threading

import pytest

from accounts import gateway as gateway_module
from costs.evaluation import evaluate
from costs.inventory import OBJECTS, SOURCES, Bucket, Missing, ResourceType
from costs.reading import advance
from sandbox.cloud import DEMO_ACCOUNT
from sandbox.expected import expected
from tests.costs.pricelists import sandbox_price_list
from tests.costs.readings import (
    EVERYTHING,
    begin,
    cloud_that_says,
    cloud_that_turns,
    counted,
    gateway,
    lists,
    read,
)

FAULTS = {
    "throttle": ("CLOUD_THROTTLED", "24"),
    "error": ("CLOUD_UNAVAILABLE", "2000"),
    "unavailable": ("CLOUD_THROTTLED", "6"),
    "refuse": ("PERMISSION_REFUSED", "4"),
    "broken-json": ("CLOUD_ANSWER_INVALID", ""),
    "broken-500": ("CLOUD_UNAVAILABLE", ""),
    "list-error": ("CLOUD_ANSWER_INVALID", ""),
    "reset": ("CLOUD_UNAVAILABLE", ""),
    "answer:400/3001": ("CALL_REFUSED", "3001"),
    "answer:401/15": ("CLOCK_OFF", "15"),
}
"""The faults of the sandbox, and what the portal makes of each: its own code, and OUTSCALE's."""


def without_list(whole, call):
    """Return what a reading holds when one list is missing."""
    return counted(whole.inventory) | {SOURCES[call].field: 0}


def says(settings, *bodies):
    """A cloud that answers one body after the other, and the last one for ever."""
    left = itertools.chain(bodies, itertools.repeat(bodies[-1]))
    return cloud_that_says(settings, lambda _call, _token: next(left))


# --- One list


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("call", ["ReadVolumes", "ReadLoadBalancers"])
def test_a_fault_on_one_list_leaves_exactly_that_list_out(outscale, call, fault):
    whole = read(calls=SOURCES)
    outscale.faults.parse(f"{call}={fault}")

    reading = read(calls=SOURCES)

    assert reading.inventory.missing == [Missing(call, *FAULTS[fault])]
    assert sorted(reading.inventory.read) == sorted(set(SOURCES) - {call})
    assert counted(reading.inventory) == without_list(whole, call)


@pytest.mark.parametrize("kind", ["throttle", "error", "unavailable", "broken-500", "reset"])
def test_a_fault_that_passes_leaves_nothing_out(outscale, kind):
    whole = read()
    outscale.faults.add("ReadVolumes", kind, 2)

    assert lists(read().inventory) == lists(whole.inventory)


@pytest.mark.parametrize("call", ["ReadVms", "ReadFlexibleGpus"])
def test_a_list_that_hangs_is_left_out_after_the_timeout(outscale, settings, call):
    whole = read()
    settings.OUTSCALE_TIMEOUT_SECONDS = 2
    outscale.faults.add(call, "hang")

    reading = read()

    assert reading.inventory.missing == [Missing(call, "CLOUD_TIMEOUT")]
    assert counted(reading.inventory) == without_list(whole, call)


@pytest.mark.parametrize("kind", ["error", "refuse", "broken-json"])
def test_the_pages_of_a_list_that_fails_half_way_are_dropped(settings, monkeypatch, kind):
    monkeypatch.setattr(gateway_module, "RESULTS_PER_PAGE", 7)
    monkeypatch.setattr("accounts.retrying.BACKOFF_SECONDS", 0.001)

    def turn(sandbox, call):
        if call == "ReadVolumes" and sandbox.requests.count(call) == 3:
            sandbox.faults.add("ReadVolumes", kind)

    with cloud_that_turns(settings, turn) as sandbox:
        reading = read(calls=SOURCES)
        asked = sandbox.requests.count("ReadVolumes")
        owned = sandbox.cloud.inventory("eu-west-2", DEMO_ACCOUNT.account_id)

    assert asked > 3
    assert [one.call for one in reading.inventory.missing] == ["ReadVolumes"]
    assert reading.inventory.volumes == []
    assert (len(reading.inventory.vms), len(reading.inventory.snapshots)) == (
        len(owned.vms),
        len(owned.snapshots),
    )


def test_odd_resources_of_a_list_that_fails_half_way_are_dropped_with_it(settings):
    odd = b'{"Vms": [{"VmId": "i-1"}], "NextPageToken": "a"}'

    with says(settings, odd, b"nothing"):
        reading = read(calls=["ReadVms"])

    assert (reading.inventory.vms, reading.inventory.unreadable) == ([], [])
    assert reading.inventory.missing == [Missing("ReadVms", "CLOUD_ANSWER_INVALID")]


# --- Answers that no list should give


@pytest.mark.parametrize(
    "body",
    [
        b'{"Vms": {}}',
        b'{"Vms": null}',
        b'{"Vms": "i-1"}',
        b"{}",
        b"[]",
        b'{"Vms": [], "NextPageToken": 7}',
        b'{"Vms": [1e9999999999999999999]}',
        b'{"Vms": [{"VmId": "\xff"}]}',
        b'{"Vms": [' + b"[" * 100_000 + b"]" * 100_000 + b"]}",
    ],
    ids=["object", "null", "text", "nothing", "list", "odd token", "exponent", "bytes", "depth"],
)
def test_a_list_that_is_none_is_missing(settings, body):
    with says(settings, body):
        reading = read(calls=["ReadVms"])

    assert reading.is_finished
    assert reading.inventory.missing == [Missing("ReadVms", "CLOUD_ANSWER_INVALID")]
    assert (reading.inventory.vms, reading.inventory.unreadable, reading.inventory.read) == ([], [], [])


def test_pages_after_one_that_is_no_list_change_nothing(settings):
    vm = b'{"VmId": "i-1", "VmType": "m5.large", "State": "running"}'
    pages = {
        "": b'{"Vms": [1e9999999999999999999], "NextPageToken": "a"}',
        "a": b'{"Vms": [%s], "NextPageToken": "b"}' % vm,
        "b": b'{"Vms": [%s]}' % vm,
    }
    last_is_asked = threading.Event()

    def say(call, token):
        if call == "ReadVms":
            if token == "b":
                last_is_asked.set()
            return pages[token]
        last_is_asked.wait(timeout=5)  # another list that is still being read meanwhile
        return b'{"Volumes": []}'

    with cloud_that_says(settings, say):
        reading = read(calls=["ReadVms", "ReadVolumes"])

    assert reading.inventory.missing == [Missing("ReadVms", "CLOUD_ANSWER_INVALID")]
    assert (reading.inventory.vms, reading.inventory.read) == ([], ["ReadVolumes"])


@pytest.mark.parametrize("tokens", [["a", "a"], ["a", "b", "a"]])
def test_a_page_token_that_comes_again_ends_the_list(settings, tokens):
    pages = [b'{"Vms": [], "NextPageToken": "%s"}' % token.encode() for token in tokens]

    with says(settings, *pages, b'{"Vms": []}') as asked:
        reading = read(calls=["ReadVms"])

    assert reading.inventory.missing == [Missing("ReadVms", "CLOUD_ANSWER_INVALID")]
    assert asked == ["ReadVms"] * len(tokens)


def test_a_page_token_that_comes_again_in_another_slice_ends_the_list(settings):
    with says(settings, b'{"Vms": [], "NextPageToken": "a"}'):
        reading = begin(calls=["ReadVms"])
        slices = 0
        while not reading.is_finished:
            advance(reading, gateway(), seconds=0)
            slices += 1

    assert slices <= 2
    assert reading.inventory.missing == [Missing("ReadVms", "CLOUD_ANSWER_INVALID")]


def test_vm_sizes_that_cannot_be_read_leave_the_vms(settings):
    vms = b'{"Vms": [{"VmId": "i-1", "VmType": "m5.8xlarge", "State": "running"}]}'

    with cloud_that_says(settings, lambda call, _token: vms if call == "ReadVms" else b"nothing"):
        reading = read(calls=["ReadVms"])

    assert reading.inventory.missing == [Missing("ReadVmTypes", "CLOUD_ANSWER_INVALID")]
    assert reading.inventory.read == ["ReadVms"]
    _lines, (cost,) = evaluate(reading.inventory, sandbox_price_list())
    assert [problem.kind for problem in cost.problems] == ["vm-type-unknown"]


# --- Every list


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("throttle", "CLOUD_THROTTLED"),
        ("reset", "CLOUD_UNAVAILABLE"),
        ("refuse", "PERMISSION_REFUSED"),
    ],
)
def test_a_fault_on_every_call_leaves_every_list_missing(outscale, kind, code):
    outscale.faults.add("*", kind)

    reading = read()

    assert reading.is_finished
    assert sorted((one.call, one.code) for one in reading.inventory.missing) == sorted(
        (call, code) for call in EVERYTHING
    )
    assert counted(reading.inventory) == dict.fromkeys(counted(reading.inventory), 0)


def test_throttling_now_and_then_is_waited_for(outscale):
    whole = read()
    for call in EVERYTHING:
        outscale.faults.add("ListBuckets" if call == OBJECTS else call, "throttle", 1)

    assert lists(read().inventory) == lists(whole.inventory)


# --- The object storage


def test_buckets_that_cannot_be_named_are_missing_and_nothing_else(outscale):
    outscale.faults.add("ListBuckets", "refuse")

    reading = read()

    assert reading.inventory.missing == [Missing(OBJECTS, "PERMISSION_REFUSED", "AccessDenied")]
    assert reading.inventory.buckets == []
    assert sorted(reading.inventory.read) == sorted(SOURCES)


def test_a_bucket_that_cannot_be_listed_is_named_and_the_others_are_priced(settings):
    def turn(sandbox, call):
        # One page of the first bucket, then two of the three of the second.
        if call == "ListObjectsV2" and sandbox.requests.count(call) == 3:
            sandbox.faults.add("ListObjectsV2", "refuse", 1)

    with cloud_that_turns(settings, turn) as sandbox:
        reading = read(calls=[OBJECTS])
        first, second, third = sandbox.cloud.buckets("eu-west-2", DEMO_ACCOUNT.account_id)
        inventory = sandbox.cloud.inventory("eu-west-2", DEMO_ACCOUNT.account_id)
        bills = expected(inventory, sandbox.cloud.prices("eu-west-2"), [first, third])

    assert reading.inventory.buckets == [
        Bucket(name=first.name, objects=len(first.objects), size=first.size),
        Bucket(name=second.name, problem="PERMISSION_REFUSED"),
        Bucket(name=third.name),
    ]
    assert reading.inventory.missing == [Missing(OBJECTS, "PERMISSION_REFUSED", "AccessDenied", second.name)]
    assert reading.inventory.read == [OBJECTS]
    lines, costs = evaluate(reading.inventory, sandbox_price_list())
    assert {line.resource_type for line in lines} == {ResourceType.OBJECT_STORAGE}
    amounts = {line.resource_id: costs[line.cost].amount.monthly for line in lines}
    assert amounts == {
        first.name: bills[first.name].monthly,
        second.name: 0,
        third.name: 0,
    }
    assert [costs[line.cost].is_priced for line in lines] == [True, False, True]


def test_buckets_are_listed_in_slices_page_by_page(outscale):
    reading = begin(calls=[OBJECTS])
    whole = read(calls=[OBJECTS])
    outscale.faults.add("*", "latency", 20)
    outscale.requests.clear()
    while not reading.is_finished:
        advance(reading, gateway(), seconds=0)

    assert lists(reading.inventory) == lists(whole.inventory)
    assert outscale.requests.count("ListBuckets") == 1
