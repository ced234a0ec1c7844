"""What was expected against what was consumed: amounts to the cent, days, and reasons that the facts show."""

import contextlib
import datetime as dt
import threading
from decimal import Decimal

import msgspec
import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import given as for_any
from hypothesis import strategies as st

from consumption import sync
from consumption.drift import Cause
from consumption.driftlines import all_lines
from consumption.drifttext import lacks_of
from costs import snapshots, timeline
from costs.dailycost import MONTH_LENGTHS, day_amounts
from costs.models import CostSnapshot, ResourceSpan, SpanCost
from costs.pricelist import PriceKey
from costs.pricing import Part, Period
from costs.timeline import OPEN
from sandbox.cloud import LINKED_ACCOUNT, SECOND_DEMO_KEY
from tests.consumption.days import day, entry, gateway, keep, make_ledger
from tests.consumption.drifts import (
    READER,
    answer,
    drift,
    held,
    lines,
    ran,
    read,
    snapshot,
    sums,
    vm,
    volume,
)
from tests.costs.portal_readings import read_now
from tests.costs.pricelists import changed, sandbox_price_list, without

pytestmark = pytest.mark.django_db


@pytest.fixture
def ledger():
    return make_ledger()


# --- Days and months


@pytest.mark.parametrize(("month", "days"), [(2, 28), (3, 31), (4, 30)])
def test_a_month_of_any_length_costs_a_monthly_price_once_on_both_sides(ledger, month, days):
    for number in range(1, days + 1, 7):
        read(day(number, month), volume(300))
    keep(ledger, {day(number, month): [held(300, days)] for number in range(1, days + 1)})
    found = drift(ledger, day(1, month), day(days, month))
    assert sums(found) == ("33.00", "33.00", days)
    assert found.total.difference == 0
    assert lines(found) == {"vol-1": ("33.00", "33.00", [])}


@for_any(
    quantity=st.decimals("0.001", 10_000, places=3),
    price=st.decimals("0.001", 1000, places=4),
    days=st.sampled_from(MONTH_LENGTHS),
)
def test_the_days_of_a_whole_month_come_to_its_price_for_any_quantity(quantity, price, days):
    part = Part(PriceKey("s", "t", "o"), "storage", quantity, price)
    [amounts] = day_amounts([part], Period.MONTH).values()
    month = Decimal(amounts[MONTH_LENGTHS.index(days)] * days).scaleb(-10)
    assert abs(month - quantity * price) <= days * (price + 1) * Decimal("1e-10")
    [hourly] = day_amounts([part], Period.HOUR).values()
    assert set(hourly) == {int((quantity * price * 24).scaleb(10))}


def test_each_day_is_compared_with_its_own_reading(ledger):
    read(day(1), vm("i-1"))
    read(day(2), vm("i-1"), vm("i-2"))
    keep(ledger, {day(1): [ran("i-1")], day(2): [ran("i-1"), ran("i-2")]})
    assert lines(drift(ledger, day(1), day(2))) == {
        "i-1": ("8.64", "8.64", []),
        "i-2": ("4.32", "4.32", []),
    }


def test_a_reading_stands_for_seven_days_and_the_others_are_counted_and_named(ledger):
    read(day(1), vm())
    keep(ledger, {day(number): [ran()] for number in range(1, 13)})
    found = answer(ledger, day(1), day(12))
    assert sums(found.drift) == ("34.56", "34.56", 8)
    assert found.drift.carried_days == 7
    assert not found.drift.is_whole
    said = lacks_of(found)
    assert "4 days have no estimate: no reading of the day or of the 7 days before." in said
    assert "7 days rest on a reading of a day before, 7 days old at most." in said


def test_days_that_are_not_wholly_known_are_not_compared(ledger):
    read(day(1), vm())
    keep(ledger, {day(1): [ran()], day(2): [ran()]})
    keep(ledger, {day(3): [ran()]}, unreadable=1)
    assert sums(drift(ledger, day(1), day(4))) == ("8.64", "8.64", 2)


def test_the_last_reading_of_a_day_counts_and_one_in_another_currency_does_not(ledger):
    read(day(1), vm("i-1"), hour=8)
    read(day(1), vm("i-1"), vm("i-2"), hour=20)
    dollars = sandbox_price_list()
    read(day(1), vm("i-3"), hour=22, prices=type(dollars)(**vars(dollars) | {"currency": "USD"}))
    keep(ledger, {day(1): [ran("i-1"), ran("i-2")]})
    # The later one in dollars took the place of that in euros on this day.
    assert drift(ledger, day(1), day(1)).compared_days == 0
    read(day(1), vm("i-1"), vm("i-2"), hour=23)
    assert sums(drift(ledger, day(1), day(1))) == ("8.64", "8.64", 1)


# --- Reasons


def test_a_vm_that_was_resized_says_so(ledger):
    bigger = "tinav6.c8r16p2"
    read(day(1), vm())
    keep(ledger, {day(1): [ran()], day(2): [ran(vm_type=bigger, price="0.36")]})
    found = drift(ledger, day(1), day(2))
    assert lines(found) == {"i-1": ("8.64", "12.96", ["resized"])}
    [shown] = all_lines(found)
    assert shown.texts("EUR") == [f"Resized since: tinav6.c4r8p2 became {bigger}."]
    read(day(2), vm(vm_type=bigger))
    assert lines(drift(ledger, day(1), day(2))) == {"i-1": ("12.96", "12.96", [])}


def test_a_volume_that_grew_says_how_much(ledger):
    read(day(1), volume(300))
    keep(ledger, {day(1): [held(300, 31)], day(2): [held(500, 31)]})
    found = drift(ledger, day(1), day(2))
    assert lines(found) == {"vol-1": ("2.13", "2.84", ["resized"])}
    [shown] = all_lines(found)
    assert shown.texts("EUR") == ["Resized: expected were 300, consumed were 500 (GiB or IOPS)."]


def test_a_vm_that_was_stopped_since_the_reading_says_when(ledger):
    read(day(1), vm())
    read(day(4), vm(state="stopped"))
    keep(ledger, {day(1): [ran()], **{day(number): [entry()] for number in (2, 3, 4)}})
    found = drift(ledger, day(1), day(4), resource_type="Vm")
    assert lines(found) == {"i-1": ("12.96", "4.32", ["stopped_since"])}
    [shown] = all_lines(found)
    assert shown.texts("EUR") == ["Stopped since: last billed on 1 Mar 2026."]


def test_a_vm_that_was_started_or_created_or_removed_since_says_when(ledger):
    read(day(1), vm("i-off", state="stopped"), vm("i-gone"))
    read(day(4), vm("i-off"), vm("i-new"))
    keep(
        ledger,
        {
            day(1): [ran("i-gone")],
            day(2): [ran("i-gone"), ran("i-off")],
            day(3): [ran("i-off"), ran("i-new")],
            day(4): [ran("i-off"), ran("i-new")],
        },
    )
    found = drift(ledger, day(1), day(4))
    assert lines(found) == {
        "i-off": ("4.32", "12.96", ["started_since"]),
        "i-gone": ("12.96", "8.64", ["removed_since"]),
        "i-new": ("4.32", "8.64", ["created_since"]),
    }
    said = {shown.line.resource_id: shown.texts("EUR")[0] for shown in all_lines(found)}
    assert said["i-gone"] == "Removed since: last consumed on 2 Mar 2026."
    assert said["i-new"] == "Created since: first consumed on 3 Mar 2026."


def test_what_came_and_went_between_two_readings_is_not_called_expected(ledger):
    read(day(1), vm("i-1"))
    keep(ledger, {day(1): [ran("i-1")], day(2): [ran("i-1"), ran("i-2")], day(3): [ran("i-1")]})
    assert lines(drift(ledger, day(1), day(3)))["i-2"] == ("0.00", "4.32", ["created_since", "removed_since"])
    read(day(2), vm("i-1"))
    found = drift(ledger, day(1), day(3))
    assert lines(found)["i-2"] == ("0.00", "4.32", ["not_expected"])


def test_hours_that_a_vm_did_not_run_are_counted(ledger):
    read(day(1), vm())
    keep(ledger, {day(1): [ran()], day(2): [ran(hours="13.5")]})
    found = drift(ledger, day(1), day(2))
    assert lines(found) == {"i-1": ("8.64", "6.75", ["part_of_the_time"])}
    [shown] = all_lines(found)
    assert shown.texts("EUR") == ["It ran for a part of the time: 37.5 of 48 hours."]


def test_a_snapshot_is_an_upper_bound(ledger):
    read(day(1), snapshot(100))
    stored = held(9, 31, price="0.055", volume_id="snap-1", type_="Snapshot:Usage")
    keep(ledger, {day(1): [entry_with(stored, operation="Snapshot")]})
    assert lines(drift(ledger, day(1), day(1))) == {"snap-1": ("0.18", "0.02", ["upper_bound"])}


def entry_with(found, **facts):
    return type(found)(**{name: getattr(found, name) for name in found.__struct_fields__} | facts)


def test_another_price_than_that_of_the_reading_is_named(ledger):
    read(day(1), vm(codes=("0002",)), volume(300))
    licence = entry(
        f"ProductUsage:{'tinav6.c4r8p2'}",
        "5.808",
        operation="RunInstances-0002-OD",
        category="licence",
        resource="i-1",
        unit_price=Decimal("0.242"),
    )
    keep(ledger, {day(1): [ran(price="0.2"), licence, held(300, 31, price="0.12")]})
    found = drift(ledger, day(1), day(1))
    assert lines(found) == {
        "i-1": ("10.13", "10.61", ["price_changed"]),
        "vol-1": ("1.06", "1.16", ["price_changed"]),
    }
    said = {shown.line.resource_id: shown.texts("EUR") for shown in all_lines(found)}
    assert said["i-1"] == ["Price changed: expected at €0.18, billed at €0.20."] or "0.18" in said["i-1"][0]
    assert [(group.key, f"{group.sums.difference:.2f}") for group in found.by_category] == [
        ("compute", "0.48"),
        ("storage", "0.10"),
        ("licence", "0.00"),
    ]


def test_a_difference_that_nothing_explains_has_no_reason(ledger):
    read(day(1), volume(300))
    plain = entry("BSU:VolumeUsage:gp2", "3", operation="CreateVolume", category="storage", resource="vol-1")
    keep(ledger, {day(1): [entry_with(plain, value=Decimal("9.6774193548"))]})
    assert lines(drift(ledger, day(1), day(1))) == {"vol-1": ("1.06", "3.00", [])}


# --- What is not compared


def test_a_list_that_failed_is_no_drift(ledger):
    read(day(1), vm(), missing=["ReadVolumes"])
    keep(ledger, {day(1): [ran(), held(300, 31)]})
    found = answer(ledger, day(1), day(1))
    assert lines(found.drift) == {"i-1": ("4.32", "4.32", [])}
    [apart] = found.drift.apart
    assert (apart.kind, apart.cause, f"{apart.consumed:.2f}") == ("Volume", Cause.KIND_NOT_KNOWN, "1.06")
    assert f"{found.drift.consumed_whole:.2f}" == "5.38"
    assert "Volumes are not compared on 1 day: the estimate does not know them then." in lacks_of(found)
    assert not found.drift.is_whole


def test_each_kind_is_compared_on_the_days_on_which_it_was_read(ledger):
    read(day(1), vm(), missing=["ReadVolumes"])
    read(day(2), vm(), volume(300))
    keep(ledger, {day(1): [ran(), held(300, 31)], day(2): [ran(), held(300, 31)]})
    found = drift(ledger, day(1), day(2))
    assert lines(found) == {"i-1": ("8.64", "8.64", []), "vol-1": ("1.06", "1.06", [])}
    assert [(one.kind, one.days, f"{one.consumed:.2f}") for one in found.apart] == [("Volume", 1, "1.06")]


def test_a_day_whose_reading_lost_a_list_rests_on_the_day_before_for_it(ledger):
    read(day(1), vm(), volume(300))
    read(day(2), vm("i-2"), missing=["ReadVolumes"])
    keep(ledger, {day(1): [ran(), held(300, 31)], day(2): [ran("i-2"), held(300, 31)]})
    found = drift(ledger, day(1), day(2))
    assert lines(found)["vol-1"] == ("2.13", "2.13", [])
    assert found.total.difference == 0


def test_what_has_no_price_on_one_side_stands_apart_from_both_sums(ledger):
    read(day(1), vm("i-1"), vm("i-2", vm_type="tinav9.c4r8p1"))
    keep(
        ledger,
        {day(1): [entry(f"BoxUsage:odd-{number}", None, resource=f"i-{number}") for number in (1, 2)]},
    )
    found = drift(ledger, day(1), day(1))
    assert len(found.lines) == 0
    assert {one.resource_id: one.cause for one in found.apart} == {
        "i-1": Cause.CONSUMED_WITHOUT_PRICE,
        "i-2": Cause.NOT_PRICED,
    }


def test_a_price_that_the_catalog_lacks_is_not_taken_for_zero(ledger):
    read(day(1), volume(300), prices=without(sandbox_price_list(), "BSU:VolumeUsage:gp2"))
    keep(ledger, {day(1): [held(300, 31)]})
    found = drift(ledger, day(1), day(1))
    assert (len(found.lines), found.apart[0].cause) == (0, Cause.NOT_PRICED)


def test_what_no_call_lists_is_shown_and_in_no_sum_but_the_whole(ledger):
    read(day(1), vm())
    oks = entry("dedicated:cp.mono.master", "0.96", service="OKS", operation="ControlPlane", resource="c-1")
    keep(ledger, {day(1): [ran(), oks]})
    found = drift(ledger, day(1), day(1))
    assert sums(found) == ("4.32", "4.32", 1)
    [apart] = found.apart
    assert (apart.kind, apart.cause, apart.consumed) == ("Oks", Cause.NOT_LISTED, Decimal("0.96"))
    assert found.consumed_whole == Decimal("5.28")


def test_kinds_whose_consumption_names_no_resource_are_compared_as_a_whole(ledger):
    read(day(1), vm("i-1"), vm("i-2"))
    keep(ledger, {day(1): [ran("", price="0.37")]})
    assert lines(drift(ledger, day(1), day(1))) == {"Vm": ("8.64", "8.88", ["not_named"])}


# --- Whose


def test_readings_of_another_key_or_account_are_not_seen(ledger):
    read(day(1), vm(), reader=snapshots.reader_of(SECOND_DEMO_KEY.access_key))
    read(day(1), vm(), account=LINKED_ACCOUNT.account_id)
    keep(ledger, {day(1): [ran()]})
    found = answer(ledger, day(1), day(1))
    assert (found.drift.compared_days, found.has_readings) == (0, False)


def test_what_linked_accounts_consumed_is_left_out(ledger):
    read(day(1), vm())
    other = entry_with(ran("i-9"), account_id=LINKED_ACCOUNT.account_id)
    keep(ledger, {day(1): [ran(), other]}, with_linked=True)
    assert lines(drift(ledger, day(1), day(1))) == {"i-1": ("4.32", "4.32", [])}


# --- Filters


def test_filters_narrow_both_sides_alike(ledger):
    read(day(1), vm("i-1", codes=("0002",), tags=["project=portal"]), vm("i-2"), volume(300))
    licence = entry(
        "ProductUsage:tinav6.c4r8p2",
        "5.808",
        operation="RunInstances-0002-OD",
        category="licence",
        resource="i-1",
    )
    keep(ledger, {day(1): [ran("i-1"), licence, ran("i-2"), held(300, 31)]})
    days = (ledger, day(1), day(1))
    assert lines(drift(*days, tag="project=portal")) == {"i-1": ("10.13", "10.13", [])}
    assert lines(drift(*days, category="licence")) == {"i-1": ("5.81", "5.81", [])}
    assert lines(drift(*days, resource="i-2")) == {"i-2": ("4.32", "4.32", [])}
    assert lines(drift(*days, resource_type=["Volume"])) == {"vol-1": ("1.06", "1.06", [])}
    assert lines(drift(*days, resource="i-2", tag="project=portal")) == {}
    by_category = {group.key: f"{group.sums.estimated:.2f}" for group in drift(*days).by_category}
    assert by_category == {"compute": "8.64", "licence": "5.81", "storage": "1.06"}


# --- How readings are kept for it


def spans():
    found = ResourceSpan.objects.order_by("resource_id", "first_day")
    return [(one.resource_id, one.first_day, one.end_day) for one in found]


def test_a_resource_is_kept_once_for_as_long_as_it_stays_the_same(ledger):
    first, second, third = (day(number).toordinal() for number in (1, 2, 3))
    read(day(1), vm(), volume(300))
    read(day(2), vm(), volume(300))
    assert spans() == [("i-1", first, OPEN), ("vol-1", first, OPEN)]
    read(day(2), vm(), volume(500), hour=9)
    read(day(2), vm(), volume(600), hour=10)  # which takes the place of 500
    assert spans() == [("i-1", first, OPEN), ("vol-1", first, second), ("vol-1", second, OPEN)]
    read(day(3), volume(600))
    assert spans()[0] == ("i-1", first, third)
    read(day(3), missing=["ReadVms", "ReadVolumes"], hour=12)  # knows neither: neither is gone
    assert spans()[1:] == [("vol-1", first, second), ("vol-1", second, OPEN)]


@for_any(
    sizes=st.lists(st.sampled_from([None, 10, 20]), min_size=1, max_size=6),
    order=st.randoms(use_true_random=False),
)
def test_readings_may_be_stored_in_any_order(sizes, order):
    ResourceSpan.objects.all().delete()
    CostSnapshot.objects.all().delete()
    numbers = list(range(len(sizes)))
    order.shuffle(numbers)
    for number in numbers:
        read(day(number + 1), *([volume(sizes[number])] if sizes[number] else []))
    for number, size in enumerate(sizes):
        at = day(number + 1).toordinal()
        held = ResourceSpan.objects.filter(first_day__lte=at, end_day__gt=at).values_list("line", flat=True)
        assert [f"gp2, {size} GiB" in line for line in held] == ([True] if size else [])


def test_a_reading_that_is_stored_late_leaves_what_a_later_one_of_its_day_told(ledger):
    read(day(1), vm("i-1"), volume(300), hour=20, missing=["ReadVolumes"])
    read(day(1), vm("i-2"), volume(300), hour=8)
    keep(ledger, {day(1): [ran("i-1"), held(300, 31)]})
    found = lines(drift(ledger, day(1), day(1)))
    assert found == {"i-1": ("4.32", "4.32", []), "vol-1": ("1.06", "1.06", [])}


def at_once(*stores):
    """Store readings at once, each in a thread of its own; return what went wrong."""
    barrier, broken = threading.Barrier(len(stores)), []

    def run(store):
        try:
            connection.ensure_connection()
            barrier.wait(10)
            store()
        except Exception as error:
            broken.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[store]) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return broken


@pytest.mark.django_db(transaction=True)
def test_first_readings_of_a_key_at_once_keep_each_resource_once(monkeypatch):
    both, present = threading.Barrier(2), timeline._present
    read(day(1), vm(), reader="other")  # so that neither waits for the costs that the other one keeps

    def met(*args):
        found = present(*args)
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait(0.5)  # until the other one has looked as well, unless it waits for this one
        return found

    monkeypatch.setattr(timeline, "_present", met)
    assert not at_once(*(lambda hour=hour: read(day(1), vm(), hour=hour) for hour in (8, 9)))
    assert ResourceSpan.objects.filter(reader=READER).count() == 1


@pytest.mark.django_db(transaction=True)
def test_keys_that_meet_the_same_prices_in_another_order_do_not_wait_for_each_other_for_ever():
    volumes = [volume(size, f"vol-{size}") for size in range(1, 2500)]
    assert not at_once(
        lambda: read(day(1), *volumes, reader="first"),
        lambda: read(day(1), *reversed(volumes), reader="second"),
    )
    assert SpanCost.objects.count() == len(volumes)


def test_another_price_on_a_later_day_changes_that_day_only(ledger):
    prices = changed(sandbox_price_list(), "BSU:VolumeUsage:gp2", unit_price=Decimal("0.22"))
    read(day(1), volume(310))
    read(day(2), volume(310), prices=prices)
    keep(ledger, {day(1): [held(310, 31)], day(2): [held(310, 31, price="0.22")]})
    assert lines(drift(ledger, day(1), day(2))) == {"vol-1": ("3.30", "3.30", [])}


# --- The sandbox


def test_what_the_sandbox_runs_drifts_only_where_a_reading_cannot_know_better(logged_in, outscale):
    today = timezone.now().date()
    first = today - dt.timedelta(days=10)
    sync.read_all(gateway(), first=first, end=today)
    stored = read_now(logged_in)
    reading = snapshots.read(stored)
    stored.delete()
    ResourceSpan.objects.all().delete()
    moved = msgspec.structs.replace(reading, taken_at=reading.taken_at - dt.timedelta(days=10))
    snapshots.store(moved, READER)
    page = logged_in.get(f"/consumption/drift/?first={first}")
    found = page.context["drift"]
    assert found.compared_days == 8
    reasons, explained = {}, Decimal(0)
    for shown in all_lines(found):
        if abs(shown.line.sums.difference) < Decimal("0.005"):
            assert shown.line.sums.difference == 0
            continue
        explained += shown.line.sums.difference
        codes = tuple(sorted(reason.code.value for reason in shown.reasons))
        reasons.setdefault((shown.line.kind, codes), []).append(shown.line)
    # Snapshots store less than their volumes; the DirectLink is a hosted one; workers come and go; and the
    # sandbox bills no surplus (sandbox.meters). Nothing else differs, and each is explained.
    assert reasons.keys() <= {
        ("Snapshot", ("upper_bound",)),
        ("DirectLink", ("billed_otherwise",)),
        ("Vm", ("surplus_not_billed",)),
        ("Vm", ("created_since",)),
        ("Vm", ("not_expected",)),
        ("Vm", ("created_since", "removed_since")),
    }
    assert explained == found.total.difference
    inventory = outscale.cloud.inventory("eu-west-2", gateway().account_id)
    assert {line.resource_id for line in reasons["Vm", ("surplus_not_billed",)]} == {
        one.vm_id for one in inventory.vms if one.tenancy != "default" and one.is_billed
    }
    assert len(reasons["Snapshot", ("upper_bound",)]) == len(inventory.snapshots)
    assert {one.kind for one in found.apart} == {"Oks", "Oos"} | {
        one.kind for one in found.apart if one.cause == Cause.CONSUMED_WITHOUT_PRICE
    } | {one.kind for one in found.apart if one.cause == Cause.NOT_PRICED}
    for groups in (found.by_kind, found.by_category):
        assert sum(group.sums.estimated for group in groups) == found.total.estimated
        assert sum(group.sums.consumed for group in groups) == found.total.consumed
