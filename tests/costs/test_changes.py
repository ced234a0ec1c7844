import datetime as dt
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils.formats import date_format
from hypothesis import given
from hypothesis import strategies as st

from costs import snapshots
from costs.changes import ChangeKind, compare
from costs.inventory import Inventory, Missing, PublicIp, ResourceType, Tag, Unreadable, Volume
from costs.models import CostSnapshot
from costs.snapshots import snapshot_of
from sandbox.cloud import DEMO_KEY, LINKED_KEY, READ_ONLY_KEY
from tests.costs.inventories import taken
from tests.costs.portal_readings import (
    REGION,
    client_of,
    expected_now,
    get,
    make_snapshot,
    make_vm,
    make_volume,
    own,
    read_now,
    text,
    turned_back,
)
from tests.costs.pricelists import sandbox_price_list

pytestmark = pytest.mark.django_db
PAGE = "/costs/changes/"
MEMORY = ("TinaOS-FCU", "CustomRam", "RunInstances-OD")


@pytest.fixture
def days(logged_in, outscale):
    """Reads one estate yesterday and another one today, and returns what changed."""

    def read(before, after, *, objects=(False, False), fault=None):
        own(outscale, **before)
        turned_back(read_now(logged_in, objects=objects[0]), days=1)
        own(outscale, **after)
        if fault:
            outscale.faults.add(*fault)
        read_now(logged_in, objects=objects[1])
        return compared()

    return read


def compared():
    """Compare the oldest and the newest reading."""
    stored = list(CostSnapshot.objects.order_by("taken_at"))
    return compare(snapshots.read(stored[0]), snapshots.read(stored[-1]))


def told(changes):
    return [
        (one.kind.value, one.line.resource_id, f"{one.amount.month.normalize():f}") for one in changes.changes
    ]


def rows(response):
    return [[text(cell) for cell in row.find_all(["th", "td"])] for row in response.soup.select("tbody tr")]


def test_what_was_added_and_removed_costs_its_whole_price(days):
    changes = days(
        {"vms": [make_vm(1), make_vm(2)], "volumes": [make_volume(1)]},
        {"vms": [make_vm(1)], "volumes": [make_volume(1), make_volume(2)]},
    )
    assert told(changes) == [("removed", "i-00000002", "-131.4"), ("added", "vol-00000002", "11")]
    assert changes.not_compared == []


def test_a_larger_volume_and_another_type_of_vm_are_resized(days):
    changes = days(
        {"vms": [make_vm(1)], "volumes": [make_volume(1)]},
        {"vms": [make_vm(1, vm_type="tinav6.c2r4p2")], "volumes": [make_volume(1, size_gib=150)]},
    )
    assert told(changes) == [("resized", "i-00000001", "-65.7"), ("resized", "vol-00000001", "5.5")]


def test_a_stopped_vm_is_in_another_state_and_costs_less(days):
    changes = days({"vms": [make_vm(1)]}, {"vms": [make_vm(1, state="stopped")]})
    (change,) = changes.changes
    assert told(changes) == [("state", "i-00000001", "-131.4")]
    assert (change.before.state, change.after.state) == ("running", "stopped")


def test_a_state_that_costs_the_same_is_no_change(days):
    assert told(days({"vms": [make_vm(1)]}, {"vms": [make_vm(1, state="stopping")]})) == []


def test_new_names_and_tags_are_no_change(days):
    changes = days({"vms": [make_vm(1)]}, {"vms": [make_vm(1, tags=(("Name", "renamed"),))]})
    assert (told(changes), bool(changes.amount)) == ([], False)


def test_another_price_of_the_cloud_is_told_apart(logged_in, outscale):
    own(outscale, vms=[make_vm(1)], volumes=[make_volume(1)])
    turned_back(read_now(logged_in), days=1)
    outscale.cloud.set_price(REGION, MEMORY, "0.006")
    call_command("refresh_catalogs", "--region", REGION, stdout=StringIO())
    read_now(logged_in)
    changes = compared()
    assert told(changes) == [("repriced", "i-00000001", "5.84")]
    assert changes.after.catalog_version == changes.before.catalog_version + 1


def test_a_price_known_in_part_is_said_to_be_so(days):
    changes = days({"vms": [make_vm(1)]}, {"vms": [make_vm(1, product_codes=("0007",))]})
    (change,) = changes.changes
    assert (change.kind, change.is_whole) == (ChangeKind.REPRICED, False)
    assert changes.is_whole is False


def test_the_sum_of_changes_known_in_part_is_said_to_be_so(days, logged_in):
    days({}, {"vms": [make_vm(1, product_codes=("0007",))], "volumes": [make_volume(1)]})
    page = get(logged_in, PAGE)
    assert [row[-1] for row in rows(page)] == ["partly known +€131.40", "+€11.00"]
    assert text(page.soup.select_one("tfoot td")) == "partly known +€142.40"


def test_the_sum_of_whole_changes_is_whole(days):
    assert days({"vms": [make_vm(1)]}, {"vms": [make_vm(2)]}).is_whole is True


def test_the_changes_are_the_difference_between_the_totals(days, outscale, logged_in):
    outscale.cloud.reset()
    estate = outscale.cloud.inventory(REGION, DEMO_KEY.account_id)
    before = {name: value for name, value in vars(estate).items() if isinstance(value, tuple)}
    after = {name: value[1:] for name, value in before.items()} | {"vms": before["vms"][::-1][5:]}
    changes = days(before, after)
    stored = [one.per_month for one in CostSnapshot.objects.order_by("taken_at")]
    assert len(changes.changes) > 10
    assert changes.amount.month == stored[1] - stored[0]
    expected = sum(one.per_month for one in expected_now(outscale).values())
    assert changes.after.amount.month == expected


@pytest.mark.parametrize("fault", ["refuse", "error", "broken-json"])
def test_a_list_that_failed_is_no_removal_and_is_named(days, logged_in, fault):
    changes = days(
        {"vms": [make_vm(1)], "volumes": [make_volume(1)]},
        {"vms": [make_vm(1), make_vm(2)], "volumes": []},
        fault=("ReadVolumes", fault),
    )
    assert told(changes) == [("added", "i-00000002", "131.4")]
    assert changes.not_compared == [ResourceType.VOLUME]
    notice = text(get(logged_in, PAGE).soup.select_one(".notice"))
    assert notice == (
        "Not everything could be compared. These were not read both times, and are left out: Volumes"
    )


def test_the_fee_of_dedicated_hardware_is_not_removed_when_the_vms_could_not_be_read(days):
    dedicated = {"vms": [make_vm(1, tenancy="dedicated")], "volumes": [make_volume(1)]}
    changes = days(dedicated, dedicated, fault=("ReadVms", "refuse"))
    assert told(changes) == []
    assert changes.not_compared == [
        ResourceType.VM,
        ResourceType.PUBLIC_IP,
        ResourceType.DEDICATED_INSTANCE,
    ]


@pytest.mark.parametrize(
    ("objects", "not_compared"),
    [
        ((False, False), []),
        ((True, True), []),
        ((False, True), [ResourceType.OBJECT_STORAGE]),
        ((True, False), [ResourceType.OBJECT_STORAGE]),
    ],
)
def test_the_object_storage_is_compared_only_when_it_was_listed_both_times(days, objects, not_compared):
    changes = days({"vms": [make_vm(1)]}, {"vms": []}, objects=objects)
    assert told(changes) == [("removed", "i-00000001", "-131.4")]
    assert changes.not_compared == not_compared


def test_a_bucket_that_could_not_be_listed_saves_nothing(days, outscale):
    changes = days({}, {}, objects=(True, True), fault=("ListObjectsV2", "refuse", 1))
    (missing,) = changes.after.missing
    assert missing.detail in {bucket.name for bucket in outscale.cloud.buckets(REGION, DEMO_KEY.account_id)}
    assert told(changes) == []
    assert changes.not_compared == [ResourceType.OBJECT_STORAGE]


def test_addresses_are_compared_only_when_the_lists_were_read_that_their_prices_depend_on():
    idle, gone = [PublicIp("192.0.2.7")], [Missing("ReadNatServices", "PERMISSION_REFUSED", "4")]
    changes = compare(taken(1, public_ips=idle), taken(2, public_ips=idle, missing=gone))
    assert told(changes) == []
    assert changes.not_compared == [ResourceType.PUBLIC_IP, ResourceType.NAT_SERVICE]


@pytest.mark.parametrize("odd_days", [(1,), (2,), (1, 2)])
def test_a_kind_with_a_resource_without_an_id_is_not_compared(odd_days):
    odd = {"unreadable": [Unreadable("?", "ReadVolumes", "no id")]}
    volumes = [Volume("vol-1", "gp2", 10)]
    before, after = (
        taken(day, volumes=volumes[: day - 1], **(odd if day in odd_days else {})) for day in (1, 2)
    )
    changes = compare(before, after)
    assert (told(changes), changes.not_compared) == ([], [ResourceType.VOLUME])


# --- The page


def test_the_page_shows_before_now_and_what_it_makes_of_the_cost(days, logged_in, outscale):
    days(
        {"vms": [make_vm(1), make_vm(3)], "snapshots": [make_snapshot(1)]},
        {"vms": [make_vm(1, state="stopped"), make_vm(2, vm_type="tinav6.c8r16p2"), make_vm(3)]},
    )
    outscale.requests.clear()
    page = get(logged_in, PAGE)
    assert rows(page) == [
        ["vm-2 i-00000002 VM", "Added", "", "tinav6.c8r16p2 running", "+€262.80"],
        ["vm-1 i-00000001 VM", "Other state", "tinav6.c4r8p2 running", "tinav6.c4r8p2 stopped", "−€131.40"],
        ["snap-00000001 Snapshot", "Removed", "100 GiB completed", "", "−€5.50"],
    ]
    assert text(page.soup.select_one("tfoot")) == "All changes together, per month +€125.90"
    assert len(outscale.requests) == 0


def test_the_current_cost_says_the_difference_since_the_day_before(days, logged_in):
    days({"vms": [make_vm(1)]}, {"vms": [make_vm(1), make_vm(2)]})
    last = get(logged_in).soup.select(".figures > div")[-1]
    yesterday = CostSnapshot.objects.order_by("taken_at")[0].day
    assert [text(one) for one in last.find_all(["dt", "dd"])] == [
        f"Since {date_format(yesterday, 'j N')}",
        "+€131.40 per month",
        "What changed",
    ]


def test_no_difference_is_said_when_a_reading_lacks_a_list(days, logged_in):
    days({"vms": [make_vm(1)]}, {"vms": []}, fault=("ReadVolumes", "refuse"))
    last = get(logged_in).soup.select(".figures > div")[-1]
    assert text(last.find_all("dd")[0]) == "–"


def test_changes_that_cancel_each_other_out_are_a_known_sum(days, logged_in):
    days({"vms": [make_vm(1)]}, {"vms": [make_vm(2)]})
    page = get(logged_in, PAGE)
    assert [row[-1] for row in rows(page)] == ["−€131.40", "+€131.40"]
    assert text(page.soup.select_one("tfoot td")) == "€0.00"


def test_nothing_changed_is_said(days, logged_in):
    days({"vms": [make_vm(1)]}, {"vms": [make_vm(1)]})
    assert text(get(logged_in, PAGE).soup.select_one("section h3")) == "Nothing changed"


def test_an_earlier_day_can_be_chosen(logged_in, outscale):
    for count, ago in ((1, 3), (2, 2), (3, 0)):
        own(outscale, vms=[make_vm(number) for number in range(1, count + 1)])
        turned_back(read_now(logged_in), days=ago)
    first, second = (one.day for one in CostSnapshot.objects.order_by("taken_at")[:2])
    page = get(logged_in, PAGE)
    options = [option["value"] for option in page.soup.select("option")]
    assert options == [second.isoformat(), first.isoformat()]
    assert page.soup.select_one("option[selected]")["value"] == second.isoformat()
    assert len(rows(page)) == 1
    earlier = get(logged_in, PAGE, {"since": first.isoformat()})
    assert earlier.soup.select_one("option[selected]")["value"] == first.isoformat()
    assert len(rows(earlier)) == 2


@pytest.mark.parametrize(
    ("question", "problem"),
    [
        ({"since": "2001-01-01"}, "No reading of this day is kept."),
        ({"since": "yesterday"}, "Enter a valid date."),
        ({"since": "\x00"}, "Enter a valid date."),
        ({"page": "0"}, "Ensure this value is greater than or equal to 1."),
        ({"page": "x"}, "Enter a whole number."),
        ({"page": "99"}, "There is no such page: the last one is 1."),
    ],
)
def test_a_wrong_day_or_page_is_refused_with_the_reason(days, logged_in, question, problem):
    days({"vms": [make_vm(1)]}, {"vms": [make_vm(2)]})
    page = get(logged_in, PAGE, question)
    assert page.status_code == 422
    assert [text(one) for one in page.soup.select(".invalid-feedback div, .notice li")] == [problem]
    assert rows(page) == []
    assert "Nothing changed" not in text(page.soup.main)


def test_without_a_reading_of_another_day_there_is_nothing_to_compare(logged_in, outscale):
    for _reading in range(2):
        page = get(logged_in, PAGE)
        assert page.status_code == 200
        assert text(page.soup.select_one("section h2")) == "There is nothing to compare with yet"
        read_now(logged_in)
    assert get(logged_in).context["since"] is None


def test_another_account_has_its_own_changes(days, outscale):
    days({"vms": [make_vm(1)]}, {"vms": [make_vm(2)]})
    other = client_of(LINKED_KEY)
    read_now(other)
    assert get(other, PAGE).context["days"] == []


def test_a_key_sees_changes_only_of_what_it_may_read_itself(logged_in, outscale):
    own(outscale, vms=[make_vm(1)], volumes=[make_volume(1, tags=(("Name", "secret-volume"),))])
    turned_back(read_now(logged_in), days=1)
    own(outscale, vms=[make_vm(2)])
    auditor = client_of(READ_ONLY_KEY)
    outscale.faults.add("ReadVolumes", "refuse")
    read_now(auditor)
    page = get(auditor, PAGE)
    assert [row[0] for row in rows(page)] == ["vm-1 i-00000001 VM", "vm-2 i-00000002 VM"]
    assert "secret-volume" not in page.content.decode()


# --- Whatever two readings hold

ESTATES = st.dictionaries(st.sampled_from("abcdef"), st.tuples(st.integers(1, 500), st.sampled_from("xy")))
PRICES = sandbox_price_list()


def snapshot(sizes, day):
    volumes = [
        Volume(f"vol-{name}", "gp2", size, tags=[Tag("Name", label)], state="in-use")
        for name, (size, label) in sizes.items()
    ]
    inventory = Inventory(volumes=volumes, read=["ReadVolumes"])
    taken_at = dt.datetime(2026, 3, day, tzinfo=dt.UTC)
    return snapshot_of(inventory, PRICES, account_id="100000000001", taken_at=taken_at)


@given(ESTATES, ESTATES)
def test_whatever_changes_the_sum_is_the_difference_and_turns_round(old, new):
    before, after = snapshot(old, 1), snapshot(new, 2)
    there, back = compare(before, after), compare(after, before)
    assert there.amount.month == after.amount.month - before.amount.month == -back.amount.month
    sizes = {name: size for name, (size, _label) in old.items()}
    assert {one.line.resource_id for one in there.changes} == {
        f"vol-{name}" for name in {*old, *new} if sizes.get(name) != new.get(name, (None,))[0]
    }
    assert compare(before, before).changes == []
