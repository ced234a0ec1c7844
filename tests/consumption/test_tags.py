"""Reading tags: beside the days, once an hour, all or nothing, and never in the way of the consumption."""

import datetime as dt
import json
import time
from dataclasses import replace

import pytest
from django.core.cache import cache
from django.utils import timezone

from accounts import standing
from accounts.errors import AuthenticationRefused, PermissionRefused
from accounts.gateway import Gateway
from consumption import sync, tagreading
from consumption.models import DayState, Ledger, ResourceTag, ResourceUsage, TagReading, UsageDay
from consumption.periods import ONE_DAY, Period
from consumption.tagged import known_tags, tagged_runs
from consumption.tagreading import CALL
from costs import freshness, refreshing
from costs.inventory import ResourceType
from costs.models import CostSnapshot
from costs.timeline import OPEN
from sandbox.cloud import (
    CONSUMPTION_ONLY_KEY,
    DEMO_ACCOUNT,
    DEMO_KEY,
    EMPTY_KEY,
    READ_ONLY_KEY,
    REFUSED_KEY,
)
from sandbox.handovers import as_of, project_of, week_of
from tests.consumption.commands import Shell, run
from tests.consumption.days import REGION, gateway

OLD = Period(dt.date(2026, 2, 26), dt.date(2026, 3, 3))
HOUR = dt.timedelta(hours=1)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _keys_are_known_to_be_good(db):
    cache.clear()
    for key in (DEMO_KEY, EMPTY_KEY, READ_ONLY_KEY, REFUSED_KEY, CONSUMPTION_ONLY_KEY):
        standing.note_accepted(key.access_key)


@pytest.fixture
def now():
    return timezone.now()


def go_on(key=DEMO_KEY, *, at, period=OLD, seconds=5):
    return sync.read_on(gateway(key), first=period.first, end=period.end, at=at, seconds=seconds)


def kept(**facts):
    """Return the tags that are seen: ``{(resource, key): value}``."""
    rows = ResourceTag.objects.filter(end_day=OPEN, **facts)
    return {(row.resource_id, row.key): row.value for row in rows}


def of_the_cloud(outscale, *lists):
    """Return the tags of some lists of the demo account's inventory."""
    inventory = outscale.cloud.inventory(REGION, DEMO_ACCOUNT.account_id)
    ids = {"vms": "vm_id", "load_balancers": "name", "public_ips": "public_ip_id"}
    return {
        (getattr(one, ids.get(name, f"{name[:-1]}_id")), key): value
        for name in lists or LISTS
        for one in getattr(inventory, name)
        for key, value in one.tags
    }


LISTS = (
    "vms", "volumes", "snapshots", "public_ips", "nat_services", "vpn_connections", "flexible_gpus"
)  # fmt: skip


def retag(outscale, change):
    """Change the VMs of the demo account: ``change`` takes each and returns it, or None to delete it."""
    inventory = outscale.cloud.inventory(REGION, DEMO_ACCOUNT.account_id)
    vms = tuple(vm for vm in map(change, inventory.vms) if vm)
    outscale.cloud.set_inventory(replace(inventory, vms=vms))


def days_are_whole():
    return set(UsageDay.objects.values_list("state", flat=True)) == {DayState.COMPLETE}


# --- What is read


def test_a_sync_keeps_every_tag_of_the_cloud_as_it_is_written(outscale, now):
    go_on(at=now)

    assert kept() == of_the_cloud(outscale)
    values = known_tags(Ledger.objects.all())
    assert {"Project", "project", "PROJECT", "équipe", "проект", "a=b"} <= values.keys()
    assert (values["empty"], values["équipe"]) == ([""], ["données – 数据 🚀"])
    ledger = Ledger.objects.get()
    assert (ledger.tags_read_at, ledger.tags_tried_at, ledger.tags_refusal) == (now, now, "")
    tagged = {resource for resource, _key in kept(resource_type="Vm")}
    assert tagged & set(ResourceUsage.objects.values_list("resource_id", flat=True))


def test_what_resources_with_a_tag_cost_is_what_the_history_has_of_them(outscale, now):
    go_on(at=now)
    owned = [resource for (resource, key), value in kept().items() if (key, value) == ("Project", "imagerie")]
    wanted = frozenset({("Project", "imagerie")})

    runs = tagged_runs(Ledger.objects.all(), OLD, [wanted])[wanted]
    consumed = ResourceUsage.objects.filter(resource_id__in=owned)
    assert owned
    assert sum(run.price * (run.last - run.first + 1) for run in runs) == sum(
        int(row.price * 10**10) * (row.last_day - row.first_day + 1) for row in consumed if row.price
    )
    assert sum(run.unpriced for run in runs) == consumed.filter(price=None).count()


def test_tags_are_asked_for_once_an_hour_and_not_by_a_sync_that_has_nothing_to_do(outscale, now):
    go_on(at=now)
    go_on(at=now + 59 * HOUR / 60, period=Period(OLD.first - ONE_DAY, OLD.end))
    assert outscale.requests.count(CALL) == 1

    outscale.requests.clear()
    go_on(at=now + HOUR)
    go_on(at=now + HOUR)
    assert outscale.requests.calls() == [CALL]


def test_a_vm_that_another_project_takes_over_on_monday_belongs_to_each_for_its_days(outscale, now):
    inventory = outscale.cloud.inventory(REGION, DEMO_ACCOUNT.account_id)
    this_week, next_week = (as_of(inventory, week_of(now.date()) + weeks) for weeks in (0, 1))
    [handed_over] = {vm.vm_id for vm in {*next_week.vms} - {*this_week.vms}}
    outscale.cloud.set_inventory(this_week)
    go_on(at=now)
    outscale.cloud.set_inventory(next_week)
    later = now + 7 * 24 * HOUR
    go_on(at=later)

    first, second = ResourceTag.objects.filter(resource_id=handed_over, key="project").order_by("first_day")
    assert (first.value, second.value) == tuple(project_of(week_of(at.date())) for at in (now, later))
    assert (first.held_from, first.held_until, second.held_from) == (0, later.toordinal(), later.toordinal())
    assert ResourceTag.objects.filter(end_day__lt=OPEN).count() == 1


def test_a_tag_that_changes_or_goes_with_its_resource_is_noted_at_the_next_reading(outscale, now):
    go_on(at=now)
    retagged, deleted, *_others = [
        vm for vm in outscale.cloud.inventory(REGION, DEMO_ACCOUNT.account_id).vms if vm.tags
    ]

    def change(vm):
        if vm == deleted:
            return None
        return replace(vm, tags=(("env", "new"),)) if vm == retagged else vm

    retag(outscale, change)
    go_on(at=now + 24 * HOUR)
    tomorrow = (now + 24 * HOUR).toordinal()
    assert kept() == of_the_cloud(outscale)
    assert kept(resource_id=retagged.vm_id) == {(retagged.vm_id, "env"): "new"}
    gone = ResourceTag.objects.filter(resource_id=deleted.vm_id)
    assert set(gone.values_list("end_day", "held_until")) == {(tomorrow, tomorrow + 1)}
    split = ResourceTag.objects.filter(resource_id=retagged.vm_id, first_day__lt=tomorrow)
    assert set(split.values_list("end_day", "held_until")) == {(tomorrow, tomorrow)}


def test_an_account_without_resources_has_no_tags_and_that_is_known(outscale, now):
    go_on(EMPTY_KEY, at=now)
    assert not ResourceTag.objects.exists()
    assert TagReading.objects.count() == len(tagreading.KINDS)


# --- What the inventory tells


def test_load_balancers_have_the_tags_of_the_last_reading_of_the_current_cost(outscale, now):
    freshness.refresh(REGION, timezone.now())
    refreshing.whole(gateway(), with_objects=False)
    balancers = of_the_cloud(outscale, "load_balancers")
    go_on(at=now)

    assert kept(resource_type=ResourceType.LOAD_BALANCER) == balancers != {}
    assert kept() == of_the_cloud(outscale, *LISTS, "load_balancers")
    CostSnapshot.objects.all().delete()
    go_on(at=now + 24 * HOUR)
    assert kept(resource_type=ResourceType.LOAD_BALANCER) == balancers


def test_without_the_right_to_read_tags_those_of_the_inventory_are_kept(outscale, now):
    freshness.refresh(REGION, timezone.now())
    outscale.faults.add(CALL, "refuse")
    refreshing.whole(gateway(), with_objects=False)
    go_on(at=now)

    assert kept() == of_the_cloud(outscale, *LISTS, "load_balancers")
    assert Ledger.objects.get().tags_refusal == "PERMISSION_REFUSED"


def test_the_inventory_of_a_key_that_has_never_read_the_consumption_tells_no_tags(outscale, now):
    freshness.refresh(REGION, timezone.now())
    refreshing.whole(gateway(READ_ONLY_KEY), with_objects=False)
    go_on(CONSUMPTION_ONLY_KEY, at=now)
    assert not ResourceTag.objects.exists()


# --- What a cloud that does not answer leaves


def test_a_key_without_the_right_reads_the_days_and_another_key_may_read_the_tags_at_once(outscale, now):
    assert go_on(CONSUMPTION_ONLY_KEY, at=now).left == []
    ledger = Ledger.objects.get()
    assert (ledger.tags_refusal, ledger.tags_read_at, ledger.tags_tried_at) == (
        "PERMISSION_REFUSED",
        None,
        now,
    )
    assert days_are_whole()
    assert not ResourceTag.objects.exists()

    go_on(CONSUMPTION_ONLY_KEY, at=timezone.now())
    assert outscale.requests.count(CALL) == 1
    go_on(DEMO_KEY, at=timezone.now())
    assert kept() == of_the_cloud(outscale)
    assert Ledger.objects.get().tags_refusal == ""


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("throttle", "CLOUD_THROTTLED"),
        ("error", "CLOUD_UNAVAILABLE"),
        ("reset", "CLOUD_UNAVAILABLE"),
        ("broken-json", "CLOUD_ANSWER_INVALID"),
    ],
)
def test_a_cloud_that_fails_to_tell_the_tags_does_not_keep_the_days_from_being_read(
    outscale, now, fault, code
):
    go_on(at=now)
    before = kept()
    outscale.faults.add(CALL, fault)
    progress = go_on(at=now + HOUR, period=Period(OLD.first - 3 * ONE_DAY, OLD.end))

    assert (progress.left, progress.problem, progress.failure) == ([], None, None)
    assert days_are_whole()
    ledger = Ledger.objects.get()
    assert (ledger.tags_refusal, ledger.tags_read_at) == (code, now)
    assert kept() == before
    outscale.faults.clear()
    assert not tagreading.is_due(ledger, DEMO_KEY.access_key, now + 1.5 * HOUR)
    go_on(at=now + 2 * HOUR)
    assert Ledger.objects.get().tags_refusal == ""


def test_a_slice_ends_after_two_seconds_though_the_tags_never_come(outscale, now):
    go_on(at=now - 2 * HOUR)
    outscale.faults.add(CALL, "latency", 6000)
    begun = time.monotonic()
    progress = go_on(at=timezone.now(), period=Period(OLD.first - ONE_DAY, OLD.end), seconds=0.5)

    assert time.monotonic() - begun < 2
    assert (progress.left, len(progress.read)) == ([], 1)
    assert progress.seconds < 1  # the tags do not count for the pace of the days
    assert Ledger.objects.get().tags_refusal == "CLOUD_TIMEOUT"


def test_tags_of_many_pages_are_read_on_by_the_next_slices_and_noted_when_they_are_whole(
    outscale, monkeypatch
):
    monkeypatch.setattr("accounts.gateway.RESULTS_PER_PAGE", 25)
    monkeypatch.setattr("consumption.sync.GRACE_SECONDS", 0)
    outscale.faults.add(CALL, "latency", 60)
    slices, is_whole = 0, False
    while not is_whole and slices < 100:
        assert not ResourceTag.objects.exists()
        go_on(at=timezone.now(), seconds=0.3)
        slices, is_whole = slices + 1, Ledger.objects.get().tags_read_at is not None

    assert kept() == of_the_cloud(outscale)
    pages = -(-len(kept()) // 25)
    assert slices > 1
    assert pages <= outscale.requests.count(CALL) <= pages + slices


def test_pages_without_end_are_no_answer(outscale, now, monkeypatch):
    monkeypatch.setattr(Gateway, "read_page", lambda *_args, **_params: (b"[]", "again"))
    go_on(at=now)
    assert Ledger.objects.get().tags_refusal == "CLOUD_ANSWER_INVALID"


@pytest.mark.parametrize(
    "tag",
    [
        {"Key": "", "Value": "v", "ResourceId": "i-1", "ResourceType": "instance"},
        {"Key": "k" * 256, "Value": "v", "ResourceId": "i-1", "ResourceType": "instance"},
        {"Key": "k", "Value": "v\0", "ResourceId": "i-1", "ResourceType": "instance"},
        {"Key": "k", "Value": 1, "ResourceId": "i-1", "ResourceType": "instance"},
        {"Key": "k", "Value": "v", "ResourceId": "", "ResourceType": "instance"},
        {"Key": "k", "ResourceId": "i-1"},
    ],
)
def test_a_tag_that_cannot_be_kept_leaves_everything_as_it_was(outscale, now, monkeypatch, tag):
    go_on(at=now)
    before = kept()
    answer(monkeypatch, tag)
    go_on(at=now + HOUR)
    assert Ledger.objects.get().tags_refusal == "CLOUD_ANSWER_INVALID"
    assert kept() == before


def test_a_tag_without_value_has_an_empty_one_and_other_kinds_of_resource_are_left_out(
    outscale, now, monkeypatch
):
    answer(
        monkeypatch,
        {"Key": "k", "Value": None, "ResourceId": "i-1", "ResourceType": "instance"},
        {"Key": "k", "Value": "half \ud83d", "ResourceId": "i-2", "ResourceType": "instance"},
        {"Key": "k", "Value": "v", "ResourceId": "vpc-1", "ResourceType": "vpc"},
    )
    go_on(at=now)
    assert kept() == {("i-1", "k"): "", ("i-2", "k"): "half �"}


def answer(monkeypatch, *tags):
    """Let the cloud answer these tags."""
    page = json.dumps(tags).encode()
    monkeypatch.setattr(Gateway, "read_page", lambda *_args, **_params: (page, ""))


def test_a_refused_key_writes_nothing(outscale, now):
    cache.clear()
    wrong = Gateway(READ_ONLY_KEY.access_key, "WRONG", REGION, DEMO_ACCOUNT.account_id)
    with pytest.raises(AuthenticationRefused):
        sync.read_on(wrong, first=OLD.first, end=OLD.end, at=now)
    with pytest.raises(PermissionRefused):
        go_on(REFUSED_KEY, at=timezone.now())
    assert not ResourceTag.objects.exists()
    assert not TagReading.objects.exists()
    assert Ledger.objects.get().tags_read_at is None


def test_a_key_that_nobody_has_proven_asks_for_a_day_alone_before_it_asks_for_tags(outscale, now):
    cache.clear()
    go_on(at=now)
    calls = outscale.requests.calls()
    assert calls[0] == "ReadConsumptionAccount"
    assert CALL in calls
    assert kept() == of_the_cloud(outscale)


# --- Where people meet it


def test_the_page_reads_the_tags_with_the_days_and_shows_the_same_without_the_right(logged_in, outscale):
    outscale.faults.add(CALL, "refuse")
    refused = read_page(logged_in)
    assert Ledger.objects.get().tags_refusal == "PERMISSION_REFUSED"
    assert 'data-figure="total"' in refused

    Ledger.objects.all().delete()
    outscale.faults.clear()
    allowed = read_page(logged_in)
    assert kept() == of_the_cloud(outscale)
    assert figure(allowed) == figure(refused)


def read_page(client):
    """Read the last 30 days without JavaScript, and return the page that shows them."""
    client.post("/consumption/read/", {"period": "last-30-days"})
    return client.get("/consumption/?period=last-30-days").content.decode()


def figure(page):
    return page.partition('data-figure="total"')[2].partition("</")[0]


def test_the_command_reads_tags_that_are_too_slow_for_a_slice(tmp_path, monkeypatch, outscale):
    monkeypatch.setattr("consumption.sync.SLICE_SECONDS", 0)
    Shell(tmp_path, monkeypatch).use()
    outscale.faults.add(CALL, "latency", 1500)
    _out, _err, failure = run("sync_consumption", "--from", OLD.first, "--to", OLD.last)
    assert failure == ""
    assert kept() == of_the_cloud(outscale)


def test_the_keys_leave_no_trace_beside_the_tags(outscale, now):
    go_on(at=now)
    rows = str([list(model.objects.values()) for model in (Ledger, TagReading, ResourceTag)])
    assert DEMO_KEY.access_key not in rows
    assert DEMO_KEY.secret_key not in rows
