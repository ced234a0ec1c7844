"""Where a budget stands: spent, left and expected in each period, and how much of that is known."""

import datetime as dt
from decimal import Decimal
from functools import partial
from itertools import accumulate

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from budgets.models import PeriodAmount
from budgets.standing import Place, Status
from budgets.tracking import standings_of, steps_of
from consumption.periods import ONE_DAY, Period
from consumption.tagreading import KINDS
from sandbox.cloud import DEMO_ACCOUNT
from tests.budgets.budgets import all_visible, make_budget, owner, standing_of
from tests.consumption.days import LATER, day, entry, keep, make_ledger, note_tags_of_vms

pytestmark = pytest.mark.django_db
ALL_KINDS = frozenset(KINDS.values())


def keep_each(price, first, end, *, at=LATER, ledger=None, **facts):
    """Keep days that cost the same."""
    ledger = ledger or make_ledger()
    keep(ledger, {one: [entry(price=price, **facts)] for one in Period(first, end).days}, at=at)
    return ledger


def regions(places):
    return [place.region for place in places]


def shown(standing):
    return [(str(one.period.first), one.amount, one.spent, one.status) for one in standing.periods]


def test_each_period_counts_its_own_days_and_begins_at_zero():
    keep_each("2", day(1, 1), day(11, 3))
    standing = standing_of(make_budget("62"), day(11, 3))
    assert shown(standing) == [
        ("2026-01-01", 62, 62, Status.ON_TRACK),
        ("2026-02-01", 62, 56, Status.ON_TRACK),
        ("2026-03-01", 62, 20, Status.ON_TRACK),
        ("2026-04-01", 62, None, Status.FUTURE),
    ]
    march = standing.running
    assert (march.remaining, march.counts.over, march.counts.known) == (42, 10, 10)
    assert march.utilisation == Decimal(20) * 100 / 62
    assert (march.expected.total, march.expected.low, march.expected.high)[0] == 62


def test_the_steps_of_a_month_are_its_weeks_and_come_to_what_is_spent():
    keep_each("2", day(1, 1), day(17))
    standing = standing_of(make_budget(), day(17))
    steps = steps_of(standing, standing.running.period)
    assert [(one.period.first.day, one.period.last.day, one.spent, one.cumulative) for one in steps] == [
        (1, 7, 14, 14),
        (8, 14, 14, 28),
        (15, 21, 4, 32),
        (22, 31, None, None),
    ]


@pytest.mark.parametrize(
    ("budget", "status"),
    [("100", Status.ON_TRACK), ("62", Status.ON_TRACK), ("61.99", Status.AT_RISK), ("39", Status.OVER)],
)
def test_a_running_period_is_judged_by_what_it_is_expected_to_cost(budget, status):
    keep_each("2", day(1, 1), day(21))
    standing = standing_of(make_budget(budget), day(21))
    assert standing.running.spent == 40
    assert (standing.status, standing.running.status) == (status, status)


@pytest.mark.parametrize(("price", "status"), [("3", Status.ON_TRACK), ("4", Status.AT_RISK)])
def test_while_too_little_is_known_a_period_is_judged_by_its_pace(price, status):
    keep_each(price, day(1), day(11))
    standing = standing_of(make_budget("93", start=day(1)), day(11))
    assert (standing.running.expected, standing.reason) == (None, "TOO_FEW_DAYS")
    assert standing.status == status


def test_the_pace_is_that_of_the_known_days_for_the_others_are_not_free():
    keep_each("4", day(6), day(11))
    standing = standing_of(make_budget("93", start=day(1)), day(11))
    assert (standing.running.counts.known, standing.running.counts.over) == (5, 10)
    assert standing.status == Status.AT_RISK


def test_a_past_period_that_was_exceeded_is_over_however_little_is_known_of_it():
    keep_each("60", day(1, 1), day(3, 1))
    [january, *_] = standing_of(make_budget("100"), day(10)).periods
    assert (january.status, january.spent, january.lacks_some) == (Status.OVER, 120, True)


def test_a_past_period_with_a_day_that_was_not_read_is_never_called_kept():
    ledger = keep_each("1", day(1, 1), day(20, 1))
    keep_each("1", day(21, 1), day(10), ledger=ledger)
    january, february, *_ = standing_of(make_budget("100"), day(10)).periods
    assert (january.status, january.counts.unknown) == (Status.INCOMPLETE, 1)
    assert february.status == Status.ON_TRACK


def test_a_period_with_a_line_without_a_price_is_judged_by_what_has_one_and_told_as_at_least():
    ledger = keep_each("1", day(1, 1), day(10))
    unpriced = [entry(price="1"), entry("Unheard", None, resource="x")]
    keep(ledger, {day(5, 1): unpriced, day(5): unpriced})
    standing = standing_of(make_budget("100"), day(10))
    january, february, march, _april = standing.periods
    assert (january.status, january.unpriced, january.lacks_some) == (Status.ON_TRACK, 1, True)
    assert (february.status, february.lacks_some) == (Status.ON_TRACK, False)
    assert (march.status, march.expected.total) == (Status.ON_TRACK, 31)
    assert standing_of(make_budget("30"), day(10)).status == Status.AT_RISK


def test_a_past_period_is_not_kept_while_its_last_days_can_still_grow():
    ledger = keep_each("1", day(1, 1), day(27, 2))
    provisional = {one: [entry(price="1")] for one in (day(27, 2), day(28, 2), day(1))}
    keep(ledger, provisional, at=dt.datetime(2026, 3, 2, 8, tzinfo=dt.UTC))
    for amount, status in (("28", Status.INCOMPLETE), ("27", Status.OVER)):
        january, february, *_ = standing_of(make_budget(amount), day(2)).periods
        assert (february.status, february.counts.provisional) == (status, 2)
        assert january.status == Status.OVER
    keep(ledger, {one: [entry(price="1")] for one in provisional})
    assert standing_of(make_budget("28"), day(2)).periods[1].status == Status.ON_TRACK


def test_a_running_period_without_a_forecast_is_not_on_track_by_a_pace_that_lacks_something():
    ledger = keep_each("1", day(1), day(11))
    assert standing_of(make_budget(start=day(1)), day(11)).status == Status.ON_TRACK
    hidden = keep_each("50", day(1), day(11), ledger=make_ledger(region="cloudgouv-eu-west-1"))
    budget = make_budget(start=day(1))
    [standing] = standings_of([budget], visible={budget.pk: frozenset([ledger.pk])}, today=day(11))
    assert (standing.status, standing.running.expected) == (Status.INCOMPLETE, None)
    hidden.delete()
    ledger.days.filter(day=day(4)).delete()
    assert standing_of(make_budget(start=day(1)), day(11)).status == Status.INCOMPLETE
    assert standing_of(make_budget("20", start=day(1)), day(11)).status == Status.AT_RISK


def test_a_budget_of_which_nothing_is_kept_says_so_and_does_not_say_zero():
    standing = standing_of(make_budget(), day(10))
    assert standing.status == Status.NO_DATA
    assert [(one.spent, one.remaining, one.utilisation) for one in standing.periods] == [(None,) * 3] * 4


def test_a_budget_that_begins_later_is_to_come():
    keep_each("1", day(1, 1), day(10))
    standing = standing_of(make_budget(start=day(1, 6)), day(10))
    assert (standing.status, standing.current) == (Status.FUTURE, None)
    assert shown(standing) == [("2026-06-01", 100, None, Status.FUTURE)]


def test_a_budget_that_has_ended_keeps_its_periods_and_has_none_to_come():
    keep_each("1", day(1, 1), day(10))
    standing = standing_of(make_budget(end_date=day(15, 2)), day(10))
    assert (standing.status, standing.current) == (Status.ENDED, None)
    assert shown(standing) == [
        ("2026-01-01", 100, 31, Status.ON_TRACK),
        ("2026-02-01", 100, 15, Status.ON_TRACK),
    ]


def test_a_budget_of_nothing_is_over_as_soon_as_anything_is_spent_and_divides_by_nothing():
    keep_each("0", day(1, 1), day(1, 2))
    keep_each("1", day(1, 2), day(10))
    january, february, march, _april = standing_of(make_budget("0"), day(10)).periods
    assert [one.status for one in (january, february, march)] == [
        Status.ON_TRACK,
        Status.OVER,
        Status.OVER,
    ]
    assert (march.utilisation, march.remaining) == (None, -9)


def test_the_first_day_of_a_period_has_nothing_spent_yet_and_an_expected_end():
    keep_each("2", day(1, 1), day(1))
    march = standing_of(make_budget("50"), day(1)).running
    assert (march.spent, march.counts.over, march.expected.total) == (None, 0, 62)
    assert march.status == Status.AT_RISK


def test_amounts_grow_and_those_of_single_periods_take_their_place():
    budget = make_budget("100", growth_percent=Decimal(10))
    PeriodAmount.objects.create(budget=budget, first_day=day(1, 2), amount=Decimal(150))
    amounts = [one.amount for one in standing_of(budget, day(10)).periods]
    assert amounts == [100, 150, Decimal("121.00"), Decimal("133.10")]


def test_a_scope_counts_what_is_in_all_of_its_lists():
    ledger = make_ledger()
    storage = entry("BSU:VolumeUsage:gp2", "5", category="storage", operation="CreateVolume", resource="v")
    other = entry("Objects", "7", category="storage", service="TinaOS-OOS", operation="Put", resource="b")
    keep(ledger, {day(1): [entry(price="2"), storage, other]})
    spent = {
        name: standing_of(make_budget(start=day(1), scope=scope), day(2)).running.spent
        for name, scope in {
            "all": {},
            "category": {"categories": ["storage"]},
            "both": {"categories": ["storage"], "services": ["TinaOS-FCU"]},
            "either": {"categories": ["storage", "network"]},
            "account": {"accounts": ["999999999999"]},
        }.items()
    }
    assert spent == {"all": 14, "category": 12, "both": 5, "either": 14, "account": None}


def test_a_region_that_may_not_be_seen_leaves_every_day_partial_and_is_named():
    keep_each("1", day(1, 1), day(10))
    hidden = make_ledger(region="cloudgouv-eu-west-1")
    keep_each("1", day(1, 1), day(10), ledger=hidden)
    budget = make_budget()
    visible = {budget.pk: all_visible(budget)[budget.pk] - {hidden.pk}}
    [standing] = standings_of([budget], visible=visible, today=day(10))
    assert regions(standing.lacks.hidden) == ["cloudgouv-eu-west-1"]
    january = standing.periods[0]
    assert (january.spent, january.counts.partial, january.status) == (31, 31, Status.INCOMPLETE)
    assert standing_of(budget, day(10)).periods[0].spent == 62


def test_regions_of_another_currency_are_never_added():
    keep_each("1", day(1, 1), day(10))
    american = make_ledger(region="us-east-2")
    keep(american, {one: [entry(price="5")] for one in Period(day(1, 1), day(10)).days}, currency="USD")
    euros, dollars = make_budget(), make_budget(currency="USD")
    assert standing_of(euros, day(10)).periods[0].spent == 31
    assert standing_of(dollars, day(10)).periods[0].spent == 155


def test_a_region_of_the_scope_of_which_nothing_is_kept_is_named():
    keep_each("1", day(1, 1), day(10))
    budget = make_budget(scope={"regions": ["eu-west-2", "cloudgouv-eu-west-1"]})
    standing = standing_of(budget, day(10))
    assert regions(standing.lacks.unread) == ["cloudgouv-eu-west-1"]
    assert standing.periods[0].status == Status.INCOMPLETE


def test_a_region_that_is_billed_in_another_currency_is_named_and_no_day_is_whole_where_it_is_asked_for():
    keep_each("1", day(1, 1), day(10))
    american = make_ledger(region="us-east-2")
    keep(american, {one: [entry(price="5")] for one in Period(day(1, 1), day(10)).days}, currency="USD")
    everything = standing_of(make_budget(), day(10))
    assert (everything.lacks.foreign, everything.lacks.unread) == ((), ())
    assert everything.periods[0].status == Status.ON_TRACK  # of what is billed in euros it is all
    both = standing_of(make_budget(scope={"regions": ["eu-west-2", "us-east-2"]}), day(10))
    assert (regions(both.lacks.foreign), both.lacks.unread) == (["us-east-2"], ())
    assert (both.periods[0].spent, both.periods[0].status) == (31, Status.INCOMPLETE)
    other = standing_of(make_budget(scope={"regions": ["us-east-2"]}), day(10))
    assert (other.status, other.periods[0].spent) == (Status.NO_DATA, None)


def test_a_region_of_a_key_of_which_nothing_is_kept_leaves_every_day_partial():
    keep_each("1", day(1, 1), day(10))
    held = ["eu-west-2", "cloudgouv-eu-west-1", "us-east-2"]  # the last is billed in dollars
    places = [Place(DEMO_ACCOUNT.account_id, region) for region in held]
    standing = standing_of(make_budget(), day(10), places=places)
    assert regions(standing.lacks.unread) == ["cloudgouv-eu-west-1"]
    assert standing.periods[0].status == Status.INCOMPLETE
    here = standing_of(make_budget(scope={"regions": ["eu-west-2"]}), day(10), places=places)
    assert (here.lacks.unread, here.periods[0].status) == ((), Status.ON_TRACK)


def test_an_account_whose_consumption_was_never_asked_for_is_not_said_to_cost_nothing():
    keep_each("1", day(1, 1), day(10))
    standing = standing_of(make_budget(scope={"accounts": ["200000000002"]}), day(10))
    january = standing.periods[0]
    assert (january.spent, january.status) == (None, Status.NO_DATA)
    assert standing.lacks.accounts == ("200000000002",)


def test_linked_accounts_count_when_they_were_read_and_their_lack_is_told_when_not():
    ledger = make_ledger()
    ledger.is_paying = True
    ledger.save()
    linked = entry(price="5", resource="nat-2", account_id="200000000002")
    keep(ledger, {day(1): [entry(price="2"), linked]}, with_linked=True)
    keep(ledger, {day(2): [entry(price="2")]})
    whole = standing_of(make_budget(start=day(1)), day(3)).running
    assert (whole.spent, whole.counts.partial) == (9, 1)
    own = make_budget(start=day(1), scope={"accounts": [ledger.account_id]})
    assert standing_of(own, day(3)).running.spent == 4
    assert not standing_of(own, day(3)).running.lacks_some


note = partial(note_tags_of_vms, kinds=ALL_KINDS)


def keep_two_vms():
    """Keep February and nine days of March of two VMs, for one and for ten euros a day."""
    ledger = make_ledger()
    vms = [entry("BoxUsage:tinav5", price, resource=name) for name, price in (("i-1", "1"), ("i-2", "10"))]
    keep(ledger, dict.fromkeys(Period(day(1, 2), day(10)).days, vms))
    return ledger


def test_a_scope_of_tags_counts_the_days_on_which_a_resource_carried_them():
    ledger = keep_two_vms()
    note(ledger, day(1, 2), {"i-1": {"env": "production"}, "i-2": {"env": "test", "team": "é=1"}})
    note(ledger, day(5), {"i-1": {"env": "production"}, "i-2": {"env": "production", "team": "é=1"}})
    spent = {
        tags: [
            one.spent
            for one in standing_of(
                make_budget(start=day(1, 2), scope={"tags": tags.split()}), day(10)
            ).periods
        ]
        for tags in (
            "env=production",
            "env=test",
            "env=production team=é=1",
            "env=test env=production",
            "ENV=test",
        )
    }
    assert spent == {
        "env=production": [28, 9 + 50, None],
        "env=test": [280, 40, None],
        "env=production team=é=1": [0, 50, None],
        "env=test env=production": [308, 99, None],
        "ENV=test": [0, 0, None],
    }


def test_a_scope_of_tags_is_unknown_and_not_zero_while_no_tag_was_read():
    keep_two_vms()
    standing = standing_of(make_budget(start=day(1, 2), scope={"tags": ["env=production"]}), day(10))
    assert (standing.status, regions(standing.lacks.untagged)) == (Status.NO_DATA, ["eu-west-2"])
    assert [one.spent for one in standing.periods] == [None] * 3


def test_a_day_is_partial_under_tags_until_those_of_all_kinds_were_read_on_it_or_later():
    ledger = keep_two_vms()
    budget = make_budget("300", start=day(1, 2), scope={"tags": ["env=production"]})
    note(ledger, day(5), {"i-1": {"env": "production"}}, kinds=["Vm"])
    standing = standing_of(budget, day(10))
    february, march, _april = standing.periods
    assert (february.spent, february.counts.partial, february.status) == (28, 28, Status.INCOMPLETE)
    assert (march.spent, march.counts.partial, regions(standing.lacks.untagged)) == (9, 9, ["eu-west-2"])
    note(ledger, day(5), {"i-1": {"env": "production"}})
    standing = standing_of(budget, day(10))
    assert [one.counts.partial for one in standing.periods] == [0, 4, 0]
    assert standing.periods[0].status == Status.ON_TRACK
    assert regions(standing.lacks.untagged) == ["eu-west-2"]
    note(ledger, day(9), {"i-1": {"env": "production"}})
    standing = standing_of(budget, day(10))
    assert ([one.counts.partial for one in standing.periods], standing.lacks.untagged) == ([0, 0, 0], ())


def test_what_linked_accounts_cost_under_tags_is_unknown_and_not_zero():
    ledger = make_ledger()
    ledger.is_paying = True
    ledger.save()
    linked = entry(price="5", resource="i-9", account_id="200000000002")
    days = Period(day(1), day(10)).days
    keep(ledger, {one: [entry(price="2", resource="i-1"), linked] for one in days}, with_linked=True)
    note(ledger, day(9), {"i-1": {"env": "production"}})

    def told(*accounts):
        scope = {"tags": ["env=production"], "accounts": list(accounts)}
        standing = standing_of(make_budget(start=day(1), scope=scope), day(10))
        march = standing.running
        return march.spent, march.counts.partial, march.counts.known, standing.lacks.linked_tags

    own = ledger.account_id
    assert told(own) == (18, 0, 9, False)
    assert told() == told(own, "200000000002") == (18, 9, 9, True)
    assert told("200000000002") == (None, 0, 0, True)


def test_tags_that_another_source_tells_of_an_earlier_moment_are_counted_at_once():
    ledger = keep_two_vms()
    note(ledger, day(9), {}, kinds=["Volume"], hour=12)
    budget = make_budget("300", start=day(1, 2), scope={"tags": ["env=production"]})
    assert standing_of(budget, day(10)).periods[0].spent == 0
    note(ledger, day(9), {"i-1": {"env": "production"}}, kinds=["Vm"], hour=11)
    assert standing_of(budget, day(10)).periods[0].spent == 28


def test_a_scope_of_tags_follows_a_new_reading_of_days_and_of_tags():
    ledger = keep_two_vms()
    note(ledger, day(1, 2), {"i-1": {"env": "production"}})
    budget = make_budget(start=day(1), scope={"tags": ["env=production"], "categories": ["network"]})
    assert standing_of(budget, day(10)).running.spent == 9
    later = LATER + dt.timedelta(hours=1)
    keep(ledger, {day(9): [entry("BoxUsage:tinav5", "3", resource="i-1")]}, at=later)
    assert standing_of(budget, day(10)).running.spent == 11
    note(ledger, day(9), {"i-2": {"env": "production"}})
    # The second VM was not told by the reading before, so it has had its tag since; the first one's ends.
    assert standing_of(budget, day(10)).running.spent == 11 + 10 * 8


def test_the_queries_of_tags_do_not_grow_with_the_budgets():
    ledger = keep_two_vms()
    note(ledger, day(1, 2), {"i-1": {"env": "production"}})
    counts = []
    for number in (1, 10):
        budgets = [make_budget(scope={"tags": [f"env={place}"]}, name=str(place)) for place in range(number)]
        standings_of(budgets, visible=all_visible(*budgets), today=day(10))
        with CaptureQueriesContext(connection) as queries:
            standings_of(budgets, visible=all_visible(*budgets), today=day(10))
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_nobody_else_s_consumption_is_counted():
    keep_each("1", day(1, 1), day(10))
    keep_each("100", day(1, 1), day(10), ledger=make_ledger(account_id="300000000003"))
    assert standing_of(make_budget(), day(10)).periods[0].spent == 31
    stranger = make_budget(owner=owner("300000000003"))
    assert standing_of(stranger, day(10)).periods[0].spent == 3100


def test_the_queries_grow_neither_with_the_budgets_nor_with_their_periods():
    keep_each("1", day(1, 1), day(10))
    counts = []
    for number in (1, 12):
        budgets = [
            make_budget(start=day(1, 1, 2024), period_type=kind, name=f"{number}")
            for kind in ("weekly", "monthly")[:number]
            for _ in range(number)
        ]
        standings_of(budgets, visible=all_visible(*budgets), today=day(10))
        with CaptureQueriesContext(connection) as queries:
            found = standings_of(budgets, visible=all_visible(*budgets), today=day(10), seconds=0)
            assert not any(one.awaits_forecast for one in found)
            assert sum(one.spent is not None for standing in found for one in standing.periods) >= 3
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_a_forecast_that_may_not_be_worked_out_now_is_awaited():
    keep_each("2", day(1, 1), day(21))
    budget = make_budget("62")
    assert standing_of(budget, day(21), seconds=0).awaits_forecast
    assert not standing_of(budget, day(21)).awaits_forecast
    again = standing_of(budget, day(21), seconds=0)
    assert (again.awaits_forecast, again.running.expected.total) == (False, 62)


class AnyHistory(TestCase):
    @settings(max_examples=25)
    @given(
        st.sampled_from(["weekly", "monthly", "quarterly", "yearly"]),
        st.dates(dt.date(2026, 1, 1), dt.date(2026, 5, 31)),
        st.lists(st.none() | st.integers(0, 10**6), min_size=1, max_size=60),
    )
    def test_the_periods_come_to_all_that_is_kept_and_their_steps_to_each(self, kind, start, prices):
        first, ledger = dt.date(2026, 4, 1), make_ledger()
        today = first + len(prices) * ONE_DAY
        costs = {
            first + place * ONE_DAY: Decimal(price).scaleb(-4)
            for place, price in enumerate(prices)
            if price is not None
        }
        keep(ledger, {one: [entry(price=str(cost))] for one, cost in costs.items()})
        standing = standing_of(make_budget(start=start, period_type=kind), today, seconds=0)
        assert sum(one.spent or 0 for one in standing.periods) == sum(
            cost for one, cost in costs.items() if one >= start
        )
        for one in standing.periods:
            steps = steps_of(standing, one.period)
            spent = [step.spent or Decimal(0) for step in steps]
            assert sum(spent) == (one.spent or 0)
            known = [step.cumulative for step in steps if step.counts.over]
            assert [so_far or 0 for so_far in known] == list(accumulate(spent))[: len(known)]
            assert sum(step.counts.unknown for step in steps) == one.counts.unknown
