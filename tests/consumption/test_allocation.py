"""Whose money it is: every day of every resource belongs to somebody, and all of it is the bill."""

import datetime as dt
from collections import Counter
from decimal import Decimal

import pytest
from django.core.cache import cache
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from consumption.allocation import Sharing, allocation_of
from consumption.history import Question, history_of
from consumption.models import Ledger
from consumption.moment import one_moment
from consumption.periods import ONE_DAY, Period
from tests.consumption.days import day, entry, keep, make_ledger, note_tags_of_vms

pytestmark = pytest.mark.django_db
MARCH = Period(day(1), day(11))


def vm(name, price, **facts):
    return entry("BoxUsage:tinav5", price, resource=name, **facts)


def keep_each(ledger, *entries, period=MARCH):
    keep(ledger, dict.fromkeys(period.days, entries))


def allocated(*keys, period=MARCH, linked=False, **options):
    ledgers = list(Ledger.objects.order_by("pk"))
    history = history_of(ledgers, Question(period, with_linked=linked), expected=len(ledgers))
    found = allocation_of(history, keys, **options)
    assert found.total == history.total
    return found


def costs(found):
    return {group.values: group.total for group in found.groups}


def test_each_value_has_what_its_resources_cost_and_what_carries_none_is_shown():
    ledger = make_ledger()
    keep_each(ledger, vm("i-1", "1"), vm("i-2", "2"), vm("i-3", "4"))
    note_tags_of_vms(ledger, day(1), {"i-1": {"project": "imagerie"}, "i-2": {"project": "Imagerie"}})
    found = allocated("project")
    assert costs(found) == {("imagerie",): 10, ("Imagerie",): 20, (None,): 40}
    assert [(one.resource_id, one.cost) for one in found.lacking] == [("i-3", 40)]
    assert found.covered_percent == Decimal(30) * 100 / 70


def test_two_keys_meet_on_each_day():
    ledger = make_ledger()
    keep_each(ledger, vm("i-1", "1"), vm("i-2", "2"), vm("i-3", "4"))
    tags = {"i-1": {"project": "a", "env": "test"}, "i-2": {"project": "a"}, "i-3": {"env": "test"}}
    note_tags_of_vms(ledger, day(1), tags)
    note_tags_of_vms(ledger, day(6), tags | {"i-1": {"project": "a", "env": "production"}})
    assert costs(allocated("project", "env")) == {
        ("a", "test"): 5,
        ("a", "production"): 5,
        ("a", None): 20,
        (None, "test"): 40,
    }
    assert costs(allocated("env")) == {("test",): 45, ("production",): 5, (None,): 20}


def test_a_retagged_resource_is_split_at_the_day():
    ledger = make_ledger()
    keep_each(ledger, vm("i-1", "1"))
    note_tags_of_vms(ledger, day(1), {"i-1": {"project": "old"}})
    note_tags_of_vms(ledger, day(4), {"i-1": {"project": "new"}})
    assert costs(allocated("project")) == {("old",): 3, ("new",): 7}


def test_what_belongs_to_no_resource_is_shared_and_left_apart():
    ledger = make_ledger()
    keep_each(ledger, vm("i-1", "1"), entry("Support", "3", resource=None))
    note_tags_of_vms(ledger, day(1), {"i-1": {"project": "a"}})
    found = allocated("project")
    assert (costs(found), found.shared_apart, found.shared_total) == ({("a",): 10}, 30, 30)
    assert found.covered_percent == 100


@pytest.mark.parametrize(
    ("sharing", "expected"),
    [
        (Sharing.PROPORTIONAL, {("a",): 10 + 10, ("b",): 20 + 20, (None,): 40}),
        (Sharing.EVEN, {("a",): 10 + 15, ("b",): 20 + 15, (None,): 40}),
    ],
)
def test_shared_costs_are_spread_over_those_that_own_something(sharing, expected):
    ledger = make_ledger()
    keep_each(ledger, vm("i-1", "1"), vm("i-2", "2"), vm("i-3", "4"), entry("Support", "3", resource=None))
    note_tags_of_vms(ledger, day(1), {"i-1": {"project": "a"}, "i-2": {"project": "b"}})
    found = allocated("project", sharing=sharing)
    assert (costs(found), found.shared_apart) == (expected, 0)


def test_a_chosen_service_is_shared_whatever_its_resources_carry():
    ledger = make_ledger()
    keep_each(ledger, vm("i-1", "1"), vm("i-2", "2", service="TinaOS-LBU"))
    note_tags_of_vms(ledger, day(1), {"i-1": {"project": "a"}, "i-2": {"project": "b"}})
    found = allocated("project", shared_services=["TinaOS-LBU"])
    assert (costs(found), found.shared_apart) == ({("a",): 10}, 20)


def test_shared_costs_stay_apart_where_nobody_owns_anything():
    keep_each(make_ledger(), vm("i-1", "1"), entry("Support", "3", resource=None))
    found = allocated("project", sharing=Sharing.PROPORTIONAL)
    assert (costs(found), found.shared_apart) == ({(None,): 10}, 30)
    assert [ledger.region for ledger in found.untagged_ledgers] == ["eu-west-2"]


def test_lines_without_a_price_are_counted_where_they_belong():
    ledger = make_ledger()
    keep_each(ledger, entry("Unheard", None, resource="i-1"), vm("i-2", "2"))
    note_tags_of_vms(ledger, day(1), {"i-1": {"project": "a"}})
    found = allocated("project")
    assert [(group.values, group.cost, group.unpriced) for group in found.groups] == [
        (("a",), 0, 10),
        ((None,), 20, 0),
    ]


def test_a_resource_of_a_linked_account_has_the_tags_that_its_own_ledger_knows():
    paying, linked = make_ledger("500000000005"), make_ledger("600000000006")
    both = (vm("i-1", "1"), vm("i-9", "5", account_id="600000000006"))
    keep(paying, dict.fromkeys(MARCH.days, both), with_linked=True)
    note_tags_of_vms(linked, day(1), {"i-9": {"project": "branch"}})
    history = history_of([paying, linked], Question(MARCH, with_linked=True), expected=2)
    assert costs(allocation_of(history, ["project"])) == {("branch",): 50, (None,): 10}


TAGS = st.dictionaries(
    st.sampled_from(["i-1", "i-2", "i-3"]),
    st.dictionaries(st.sampled_from(["project", "env"]), st.sampled_from(["a", "b", "A", "é"]), max_size=2),
)


class AnyTags(TestCase):
    @settings(max_examples=40)
    @given(
        readings=st.dictionaries(st.integers(0, 9), TAGS, max_size=4),
        prices=st.lists(st.integers(-(10**12), 10**12) | st.none(), min_size=40, max_size=40),
        keys=st.sampled_from([("project",), ("project", "env")]),
        sharing=st.sampled_from(Sharing.values),
    )
    def test_groups_and_shared_costs_are_the_bill_under_any_tags(self, readings, prices, keys, sharing):
        ledger = make_ledger()
        names = ["i-1", "i-2", "i-3", None]
        contents = {}
        for place, one in enumerate(MARCH.days):
            lines = [
                vm(name, None if price is None else str(Decimal(price).scaleb(-10)), category=f"c{number}")
                for number, (name, price) in enumerate(
                    zip(names, prices[4 * place : 4 * place + 4], strict=True)
                )
            ]
            contents[one] = lines
        keep(ledger, contents)
        for passed, tags in sorted(readings.items()):
            note_tags_of_vms(ledger, MARCH.first + passed * ONE_DAY, tags)
        found = allocated(*keys, sharing=sharing)
        by_resource = sum(group.cost for group in found.groups)
        assert by_resource + found.shared_total == found.history.total
        lacking = sum(group.cost for group in found.groups if not group.is_whole)
        assert sum(one.cost for one in found.lacking) == lacking == found.lacking_total
        spread = Counter({group.values: group.shared for group in found.groups})
        assert sum(spread.values()) in (0, found.shared_total)


@pytest.mark.django_db(transaction=True)
def test_a_remembered_allocation_can_be_asked_for_in_one_moment_after_it_has_expired(monkeypatch):
    cache.clear()
    ledger = make_ledger()
    keep_each(ledger, vm("i-1", "1"))
    note_tags_of_vms(ledger, day(1), {"i-1": {"project": "a"}})
    now = timezone.now()
    for days in range(20):
        later = now + dt.timedelta(days=days)
        monkeypatch.setattr("django.utils.timezone.now", lambda at=later: at)
        monkeypatch.setattr("django.core.cache.backends.db.tz_now", lambda at=later: at)
        with one_moment():  # in which an expired entry that is found cannot be deleted
            assert costs(allocated("project")) == {("a",): 10}
