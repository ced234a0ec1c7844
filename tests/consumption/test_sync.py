"""Reading the history: one call a day, once, by one at a time, and what a failing cloud leaves behind."""

import datetime as dt
import json
import threading
import time
from collections import Counter
from decimal import Decimal

import pytest
from django.core.cache import cache
from django.db import connection
from django.db.models import Sum
from django.utils import timezone

from accounts import standing
from accounts.errors import AuthenticationRefused, KeyLocked, PermissionRefused
from accounts.gateway import Gateway
from consumption import keeping, sync
from consumption.entries import CALL
from consumption.models import DayState, Ledger, ResourceUsage, Usage, UsageDay
from consumption.periods import ONE_DAY, Period
from costs import freshness
from sandbox.cloud import (
    CONSUMPTION_ONLY_KEY,
    DEMO_ACCOUNT,
    DEMO_KEY,
    EMPTY_KEY,
    LINKED_ACCOUNT,
    PAYING_ACCOUNT,
    PAYING_KEY,
    READ_ONLY_KEY,
    REFUSED_KEY,
)
from tests.consumption.days import LATER, REGION, gateway, make_ledger

OLD = Period(dt.date(2026, 2, 26), dt.date(2026, 3, 3))

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _keys_are_known_to_be_good(db):
    cache.clear()
    for key in (DEMO_KEY, PAYING_KEY, EMPTY_KEY, REFUSED_KEY, CONSUMPTION_ONLY_KEY):
        standing.note_accepted(key.access_key)


def today():
    return timezone.now().date()


def week():
    """Return the last seven days that are over."""
    return Period(today() - 7 * ONE_DAY, today())


def go_on(key=DEMO_KEY, period=OLD, *, at=None, seconds=30, **wants):
    at = at or timezone.now()
    return sync.read_on(gateway(key), first=period.first, end=period.end, at=at, seconds=seconds, **wants)


def asked(outscale):
    """Return how often each day was asked for."""
    calls = [one for one in outscale.requests if one.call == CALL]
    return Counter(dt.date.fromisoformat(one.parameters["FromDate"]) for one in calls)


def states():
    return dict(UsageDay.objects.values_list("day", "state"))


def of_the_cloud(key, day, **flags):
    """Return what the cloud itself answers for a day, line by line."""
    answer = gateway(key).read(
        CALL, FromDate=day.isoformat(), ToDate=(day + ONE_DAY).isoformat(), ShowPrice=True, **flags
    )
    return answer["ConsumptionEntries"]


# --- What is read


def test_each_day_is_asked_for_once_and_kept(outscale):
    progress = go_on()

    assert (progress.left, progress.done, progress.total) == ([], 5, 5)
    assert asked(outscale) == Counter(dict.fromkeys(OLD.days, 1))
    assert states() == dict.fromkeys(OLD.days, DayState.COMPLETE)
    outscale.requests.clear()
    assert go_on().left == []
    assert not asked(outscale)


def test_what_is_kept_of_a_day_equals_the_clouds_own_answer_line_by_line(outscale):
    go_on()

    for day in OLD.days:
        lines = of_the_cloud(DEMO_KEY, day)
        told = {(one["Service"], one["Type"], one["Operation"], one["SubregionName"]): one for one in lines}
        kept = {
            (*usage.meter.key, usage.meter.subregion): usage
            for usage in Usage.objects.filter(day__day=day).select_related("meter")
        }
        assert kept.keys() == told.keys()
        for key, usage in kept.items():
            assert usage.value == pytest.approx(told[key]["Value"], abs=Decimal("1e-8"))
            if "Price" in told[key]:
                assert usage.price == pytest.approx(told[key]["Price"], abs=Decimal("1e-8"))
        detailed = of_the_cloud(DEMO_KEY, day, ShowResourceDetails=True)
        exact = sum(round(one["Price"], 10) for one in detailed if "Price" in one)
        assert Usage.objects.filter(day__day=day).aggregate(sum=Sum("price"))["sum"] == exact


def test_without_prices_of_the_cloud_the_portals_own_come_to_the_same(outscale):
    go_on()
    with_prices = Usage.objects.aggregate(sum=Sum("price"))["sum"]
    Ledger.objects.all().delete()

    freshness.refresh(REGION, timezone.now())
    outscale.faults.add(CALL, "without-prices")
    go_on(at=timezone.now())

    assert Usage.objects.aggregate(sum=Sum("price"))["sum"] == pytest.approx(with_prices, abs=Decimal("1e-6"))
    assert set(UsageDay.objects.values_list("currency", flat=True)) == {"EUR"}


def test_the_newest_days_are_read_first_and_the_rest_in_the_next_slice(outscale):
    outscale.faults.add(CALL, "latency", 60)
    period = Period(OLD.end - 40 * ONE_DAY, OLD.end)

    progress = go_on(period=period, seconds=0.1)
    assert 0 < len(progress.read) < 40
    assert progress.goes_on
    assert progress.seconds_left > 0
    assert max(progress.left) < min(progress.read)
    assert progress.left == sorted(progress.left, reverse=True)
    while progress.goes_on:
        progress = go_on(period=period, seconds=0.5)
    assert set(asked(outscale).values()) <= {1, 2}  # what was under way at the end of a slice is asked again
    assert UsageDay.objects.count() == 40


def test_a_slice_ends_after_two_seconds_though_the_cloud_hangs(outscale):
    middle = OLD.first + 2 * ONE_DAY
    outscale.faults.add(f"{CALL}@{middle}", "latency", 4000)

    begun = time.monotonic()
    progress = go_on(seconds=1)
    assert time.monotonic() - begun < 2.5
    assert progress.left == [middle]
    assert UsageDay.objects.count() == 4


# --- Days that are not final


def test_the_last_three_days_are_read_again_after_an_hour_and_stay_once_they_are_old(outscale):
    now = timezone.now()
    go_on(period=week(), at=now)
    young = [today() - days * ONE_DAY for days in (1, 2, 3)]
    assert [states()[day] for day in young] == [DayState.PROVISIONAL] * 3
    assert Counter(states().values()) == {DayState.COMPLETE: 4, DayState.PROVISIONAL: 3}

    ledger = Ledger.objects.get()
    due = [
        sync.days_to_read(ledger, week().first, week().end, at=now + dt.timedelta(minutes=minutes))
        for minutes in (59, 60)
    ]
    assert due == [[], young]
    assert sync.days_to_read(ledger, week().first, week().end, at=now + dt.timedelta(days=4)) == young


def test_a_day_whose_answer_changes_later_is_corrected_while_it_is_young(outscale):
    yesterday = today() - ONE_DAY
    go_on(period=week())
    before = Usage.objects.filter(day__day=yesterday).aggregate(sum=Sum("price"))["sum"]
    outscale.cloud.correct(REGION, DEMO_ACCOUNT.account_id, yesterday, 2)
    go_on(period=week(), at=timezone.now() + dt.timedelta(hours=2))

    after = Usage.objects.filter(day__day=yesterday).aggregate(sum=Sum("price"))["sum"]
    assert after == pytest.approx(2 * before, abs=Decimal("1e-6"))
    of_runs = ResourceUsage.objects.during(yesterday, today()).aggregate(sum=Sum("price"))["sum"]
    assert of_runs == after


def test_a_day_that_is_not_consolidated_is_no_zero_and_is_asked_for_again_after_an_hour(outscale):
    outscale.cloud.consolidated_after_days = 2
    now = timezone.now()
    go_on(period=week(), at=now)

    failed = UsageDay.objects.filter(state=DayState.FAILED)
    assert set(failed.values_list("reason", flat=True)) == {keeping.NOT_CONSOLIDATED}
    assert failed.count() == 2
    ledger = Ledger.objects.get()
    later = [now + dt.timedelta(minutes=minutes) for minutes in (30, 61)]
    assert [len(sync.days_to_read(ledger, week().first, week().end, at=at)) for at in later] == [0, 3]


def test_an_account_that_owns_nothing_costs_nothing(outscale):
    progress = go_on(EMPTY_KEY)

    assert progress.left == []
    assert states() == dict.fromkeys(OLD.days, DayState.COMPLETE)
    assert not Usage.objects.exists()


# --- Accounts that are billed together


def test_a_paying_account_reads_the_linked_ones_when_they_are_asked_for(outscale):
    go_on(PAYING_KEY)
    assert set(Usage.objects.values_list("account_id", flat=True)) == {PAYING_ACCOUNT.account_id}
    assert Ledger.objects.get().is_paying is True

    outscale.requests.clear()
    go_on(PAYING_KEY, with_linked=True)
    together = {PAYING_ACCOUNT.account_id, DEMO_ACCOUNT.account_id, LINKED_ACCOUNT.account_id}
    assert set(Usage.objects.values_list("account_id", flat=True)) == together
    assert set(asked(outscale).values()) == {1}
    outscale.requests.clear()
    go_on(PAYING_KEY, Period(OLD.first - ONE_DAY, OLD.end))
    assert set(Usage.objects.filter(day__day=OLD.first - ONE_DAY).values_list("account_id", flat=True)) == (
        together
    )


def test_a_linked_account_that_asks_for_all_is_answered_with_its_own(outscale):
    go_on(DEMO_KEY, with_linked=True)

    assert Ledger.objects.get().is_paying is False
    assert set(Usage.objects.values_list("account_id", flat=True)) == {DEMO_ACCOUNT.account_id}
    assert set(UsageDay.objects.values_list("with_linked", "state")) == {(True, DayState.COMPLETE)}
    outscale.requests.clear()
    assert go_on(DEMO_KEY, with_linked=True).left == []
    assert not asked(outscale)


# --- What a failing cloud leaves


def test_a_refused_right_ends_the_reading_and_nothing_is_shown_to_this_key(outscale):
    go_on()
    with pytest.raises(PermissionRefused):
        go_on(REFUSED_KEY)
    ledger = Ledger.objects.get()
    assert sync.may_see(ledger, DEMO_KEY.access_key, timezone.now())
    assert not sync.may_see(ledger, REFUSED_KEY.access_key, timezone.now())
    assert states() == dict.fromkeys(OLD.days, DayState.COMPLETE)


def test_another_key_of_the_account_sees_what_is_kept_once_the_cloud_has_answered_it(outscale):
    go_on()
    outscale.requests.clear()
    ledger, now = Ledger.objects.get(), timezone.now()
    assert not sync.may_see(ledger, CONSUMPTION_ONLY_KEY.access_key, now)
    go_on(CONSUMPTION_ONLY_KEY)

    assert asked(outscale) == {OLD.end - ONE_DAY: 1}
    assert sync.may_see(ledger, CONSUMPTION_ONLY_KEY.access_key, now)
    assert not sync.may_see(ledger, CONSUMPTION_ONLY_KEY.access_key, now + dt.timedelta(hours=25))


def test_a_right_that_is_taken_away_hides_what_is_kept(outscale):
    go_on(CONSUMPTION_ONLY_KEY)
    outscale.faults.add(CALL, "refuse")
    with pytest.raises(PermissionRefused):
        go_on(CONSUMPTION_ONLY_KEY, Period(OLD.first - ONE_DAY, OLD.end))

    assert not sync.may_see(Ledger.objects.get(), CONSUMPTION_ONLY_KEY.access_key, timezone.now())


def test_a_wrong_key_is_tried_by_one_call_and_then_left_alone(outscale):
    cache.clear()
    wrong = Gateway(READ_ONLY_KEY.access_key, "WRONG", REGION, DEMO_ACCOUNT.account_id)
    for _turn in range(2):
        with pytest.raises(AuthenticationRefused):
            sync.read_on(wrong, first=OLD.first, end=OLD.end, at=timezone.now())

    assert sum(asked(outscale).values()) == 1
    assert not UsageDay.objects.exists()


def test_a_key_that_expires_half_way_ends_the_reading_and_what_was_read_stays(outscale):
    outscale.faults.add(f"{CALL}@{OLD.first + ONE_DAY}", "answer", "401/13")
    with pytest.raises(KeyLocked):
        go_on()

    assert 0 < UsageDay.objects.count() < 5
    assert set(states().values()) == {DayState.COMPLETE}
    assert Ledger.objects.get().claimed_until <= timezone.now()


def test_throttling_ends_the_slice_says_so_and_reading_goes_on_later(outscale):
    outscale.faults.add(CALL, "throttle")
    progress = go_on()
    assert (progress.problem.code, progress.goes_on, len(progress.left)) == ("CLOUD_THROTTLED", True, 5)
    assert progress.goes_on_after > 0
    assert not UsageDay.objects.exists()

    outscale.faults.clear()
    assert go_on().left == []


@pytest.mark.parametrize(
    ("fault", "code"),
    [("error", "CLOUD_UNAVAILABLE"), ("broken-json", "CLOUD_ANSWER_INVALID"), ("reset", "CLOUD_UNAVAILABLE")],
)
def test_one_day_that_fails_is_noted_and_the_others_are_read(outscale, fault, code):
    middle = OLD.first + 2 * ONE_DAY
    outscale.faults.add(f"{CALL}@{middle}", fault)
    now = timezone.now()
    progress = go_on(at=now)

    assert (progress.left, progress.problem, len(progress.read)) == ([], None, 4)
    assert states()[middle] == DayState.FAILED
    assert UsageDay.objects.get(day=middle).reason == code
    ledger, soon = Ledger.objects.get(), now + dt.timedelta(minutes=9)
    due = {"first": OLD.first, "end": OLD.end}
    assert sync.days_to_read(ledger, **due, at=soon) == []
    assert sync.days_to_read(ledger, **due, at=soon, again=True) == [middle]
    assert sync.days_to_read(ledger, **due, at=now + dt.timedelta(minutes=10)) == [middle]
    outscale.faults.clear()
    go_on(again=True)
    assert set(states().values()) == {DayState.COMPLETE}


def test_a_cloud_that_is_down_is_left_alone_after_a_few_days(outscale):
    outscale.faults.add(CALL, "reset")
    progress = go_on(period=Period(OLD.end - 60 * ONE_DAY, OLD.end))

    assert progress.problem.code == "CLOUD_UNAVAILABLE"
    assert not progress.goes_on
    assert len(progress.left) >= 45
    assert set(states().values()) == {DayState.FAILED}


def test_an_answer_without_a_list_is_no_zero(outscale, monkeypatch):
    monkeypatch.setattr(Gateway, "read_raw", lambda *_args, **_params: {"ConsumptionEntries": b"null"})
    go_on()
    assert set(UsageDay.objects.values_list("state", "reason")) == {(DayState.FAILED, "CLOUD_ANSWER_INVALID")}


def test_a_month_and_a_year_end_lose_and_double_no_day(outscale):
    period = Period(dt.date(2025, 12, 30), dt.date(2026, 1, 3))
    go_on(period=period)
    february = Period(dt.date(2026, 2, 27), dt.date(2026, 3, 2))
    go_on(period=february)

    assert sorted(states()) == [*period.days, *february.days]
    assert len(list(february.days)) == 3


# --- At once


def test_while_somebody_reads_nobody_reads_the_same(outscale):
    Ledger.objects.create(
        account_id=DEMO_ACCOUNT.account_id,
        region=REGION,
        claimed_until=timezone.now() + dt.timedelta(seconds=20),
    )
    progress = go_on()

    assert (progress.is_ours, progress.goes_on, len(progress.left)) == (False, True, 5)
    assert not asked(outscale)
    Ledger.objects.update(claimed_until=timezone.now())  # whoever had it is gone
    assert go_on().left == []


@pytest.mark.django_db(transaction=True)
def test_two_tabs_that_read_at_once_leave_each_day_once(outscale):
    barrier, broken = threading.Barrier(3), []

    def tab():
        try:
            barrier.wait(10)
            for _turn in range(100):
                if not go_on(seconds=0.2).goes_on:
                    return
                time.sleep(0.02)
            broken.append("it never ended")
        except Exception as error:
            broken.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=tab) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    cache.clear()

    assert broken == []
    assert states() == dict.fromkeys(OLD.days, DayState.COMPLETE)
    cost = Usage.objects.aggregate(sum=Sum("price"))["sum"]
    exact = sum(
        round(one["Price"], 10)
        for day in OLD.days
        for one in of_the_cloud(DEMO_KEY, day, ShowResourceDetails=True)
        if "Price" in one
    )
    assert cost == exact


def test_the_keys_leave_no_trace_in_what_is_kept(outscale):
    go_on()
    rows = json.dumps(
        [list(model.objects.values()) for model in (Ledger, UsageDay, ResourceUsage)], default=str
    )
    assert DEMO_KEY.access_key not in rows
    assert DEMO_KEY.secret_key not in rows


def test_young_days_that_are_refused_do_not_keep_the_older_ones_from_being_read(outscale):
    for back in (1, 2, 3):
        outscale.faults.add(f"{CALL}@{today() - back * ONE_DAY}", "answer", "400/3001")
    progress = go_on(period=week())

    assert (progress.left, progress.problem) == ([], None)
    assert Counter(states().values()) == {DayState.COMPLETE: 4, DayState.FAILED: 3}


def test_a_key_that_is_refused_is_not_shown_what_is_kept(outscale):
    go_on()
    outscale.faults.add(CALL, "answer", "401/1")
    with pytest.raises(AuthenticationRefused):
        go_on(period=Period(OLD.first - ONE_DAY, OLD.end))
    assert not sync.may_see(Ledger.objects.get(), DEMO_KEY.access_key, timezone.now())


@pytest.mark.django_db
def test_a_slice_whose_claim_is_over_does_not_free_that_of_the_next(outscale, monkeypatch):
    begun = make_ledger()
    Ledger.objects.filter(pk=begun.pk).update(claimed_until=LATER - dt.timedelta(days=999))
    theirs = timezone.now() + dt.timedelta(hours=1)

    def taken(_self, _due, *, seconds):
        Ledger.objects.filter(pk=begun.pk).update(claimed_until=theirs)

    monkeypatch.setattr("consumption.sync.Slice.read", taken)
    today = timezone.now().date()
    sync.read_on(gateway(), first=today - 2 * ONE_DAY, end=today, at=timezone.now())
    assert Ledger.objects.get(pk=begun.pk).claimed_until == theirs
