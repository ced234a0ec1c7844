"""What was consumed under tags: every day of every resource counts for the tags that it had then, exactly."""

import datetime as dt
from collections import Counter
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consumption import tagged
from consumption.models import Ledger, Meter, ResourceTag, ResourceUsage, TagReading
from consumption.periods import Period
from consumption.tagged import known_tags, tagged_runs
from consumption.tags import Seen, note_tags
from costs.timeline import OPEN
from sandbox.cloud import LINKED_ACCOUNT, PAYING_ACCOUNT
from tests.consumption.days import day, make_ledger

MARCH = Period(day(1), day(1, 4))
KIND = "Vm"

pytestmark = pytest.mark.django_db


def note(ledger, on, tags, *, hour=8, kind=KIND):
    """Note a reading of a day of March: ``{resource: {key: value}}``."""
    at = dt.datetime.combine(on, dt.time(hour), dt.UTC)
    found = {(resource, key): (kind, value) for resource, held in tags.items() for key, value in held.items()}
    note_tags(ledger=ledger, seen=Seen(frozenset({kind}), found), at=at)


def meter(name="BoxUsage"):
    return Meter.objects.get_or_create(service="s", type=name, operation="o", category="compute")[0]


def consume(ledger, resource, first, last, price="1", *, of="BoxUsage", account=None):
    """Let a resource consume from a first to a last day, at a price a day."""
    ResourceUsage.objects.create(
        ledger=ledger,
        account_id=account or ledger.account_id,
        meter=meter(of),
        resource_id=resource,
        first_day=first.toordinal(),
        last_day=last.toordinal(),
        value=Decimal(24),
        price=None if price is None else Decimal(price),
    )


def condition(*tags):
    """Return a condition of tags, each written ``key=value``."""
    return frozenset(tuple(tag.split("=", 1)) for tag in tags)


def told(ledgers, *tags, period=MARCH):
    """Return the runs of a condition in order: first and last day of March, price and lines without one."""
    wanted, begin = condition(*tags), day(1).toordinal() - 1
    runs = tagged_runs(ledgers, period, [wanted])[wanted]
    return sorted((run.first - begin, run.last - begin, run.price / 10**10, run.unpriced) for run in runs)


@pytest.fixture
def ledger(db):
    return make_ledger()


# --- The days on which a tag holds


def test_a_first_reading_tells_of_all_days_before_it(ledger):
    consume(ledger, "i-1", day(1), day(31))
    note(ledger, day(20), {"i-1": {"env": "prod"}})
    assert told([ledger], "env=prod") == [(1, 31, 1, 0)]


def test_what_was_created_between_two_readings_keeps_its_owner_for_all_its_days(ledger):
    consume(ledger, "i-1", day(7), day(31))
    note(ledger, day(5), {"i-0": {"env": "test"}})
    note(ledger, day(10), {"i-0": {"env": "test"}, "i-1": {"env": "prod"}})
    assert told([ledger], "env=prod") == [(7, 31, 1, 0)]


def test_a_tag_that_is_new_on_an_old_resource_reaches_back_to_the_reading_before(ledger):
    consume(ledger, "i-1", day(1), day(31))
    note(ledger, day(5), {"i-1": {"team": "web"}})
    note(ledger, day(10), {"i-1": {"team": "web", "env": "prod"}})
    assert told([ledger], "env=prod") == [(6, 31, 1, 0)]


def test_a_retagged_resource_is_split_at_the_day_the_new_value_was_seen(ledger):
    consume(ledger, "i-1", day(1), day(31))
    note(ledger, day(5), {"i-1": {"env": "test"}})
    note(ledger, day(10), {"i-1": {"env": "prod"}})
    note(ledger, day(20), {"i-1": {"env": "test"}})
    assert told([ledger], "env=test") == [(1, 9, 1, 0), (20, 31, 1, 0)]
    assert told([ledger], "env=prod") == [(10, 19, 1, 0)]
    assert told([ledger], "env=test", "env=prod") == [(1, 31, 1, 0)]


def test_a_tag_that_is_taken_off_ends_the_day_before(ledger):
    consume(ledger, "i-1", day(1), day(31))
    note(ledger, day(5), {"i-1": {"env": "prod", "team": "web"}})
    note(ledger, day(10), {"i-1": {"team": "web"}})
    assert told([ledger], "env=prod") == [(1, 9, 1, 0)]


def test_a_deleted_resource_keeps_its_owner_for_the_day_on_which_it_was_found_gone(ledger):
    consume(ledger, "i-1", day(1), day(10))
    note(ledger, day(5), {"i-1": {"env": "prod"}})
    note(ledger, day(10), {})
    note(ledger, day(11), {})
    assert told([ledger], "env=prod") == [(1, 10, 1, 0)]


def test_the_last_reading_of_a_day_replaces_the_others_of_it(ledger):
    consume(ledger, "i-1", day(1), day(31))
    note(ledger, day(5), {"i-1": {"env": "prod"}})
    for hour, tags in enumerate([{}, {"i-1": {"env": "test"}}, {"i-1": {"team": "web"}}]):
        note(ledger, day(10), tags, hour=hour)
    assert told([ledger], "env=prod") == [(1, 9, 1, 0)]
    assert told([ledger], "env=test") == []
    assert told([ledger], "team=web") == [(6, 31, 1, 0)]
    note(ledger, day(10), {"i-1": {"env": "prod"}}, hour=9)
    assert list(ResourceTag.objects.values_list("key", "value", "end_day")) == [("env", "prod", OPEN)]


def test_keys_and_values_differ_by_case_and_an_empty_value_is_one(ledger):
    for number, tags in enumerate(
        [{"Env": "prod"}, {"env": "Prod"}, {"env": ""}, {"équipe": "données 🚀"}, {"a=b": "c=d"}]
    ):
        consume(ledger, f"i-{number}", day(number + 1), day(number + 1))
        note(ledger, day(20), {f"i-{number}": tags}, kind=f"kind {number}")
    assert told([ledger], "env=prod") == []
    assert told([ledger], "Env=prod") == [(1, 1, 1, 0)]
    assert told([ledger], "env=Prod") == [(2, 2, 1, 0)]
    assert told([ledger], "env=") == [(3, 3, 1, 0)]
    assert told([ledger], "équipe=données 🚀") == [(4, 4, 1, 0)]
    odd = frozenset({("a=b", "c=d")})
    assert len(tagged_runs([ledger], MARCH, [odd])[odd]) == 1


def test_a_kind_that_a_reading_does_not_tell_of_stays_as_it_was(ledger):
    consume(ledger, "web", day(1), day(31))
    note(ledger, day(5), {"web": {"env": "prod"}}, kind="LoadBalancer")
    note(ledger, day(10), {"i-1": {"env": "test"}})
    assert told([ledger], "env=prod") == [(1, 31, 1, 0)]


def test_a_reading_that_comes_late_does_not_undo_a_newer_one(ledger):
    consume(ledger, "i-1", day(1), day(31))
    note(ledger, day(10), {"i-1": {"env": "prod"}})
    note(ledger, day(5), {"i-1": {"env": "test"}})
    note(ledger, day(10), {"i-1": {"env": "test"}}, hour=7)
    assert told([ledger], "env=prod") == [(1, 31, 1, 0)]
    assert told([ledger], "env=test") == []


def test_a_reading_writes_only_what_it_changes(ledger):
    everything = {f"i-{number}": {"env": "prod", "team": "web"} for number in range(50)}
    note(ledger, day(5), everything)
    with CaptureQueriesContext(connection) as queries:
        note(ledger, day(6), everything)
    assert not _writes(queries)
    with CaptureQueriesContext(connection) as queries:
        note(ledger, day(7), everything | {"i-3": {"env": "test", "team": "web"}, "i-4": {"team": "web"}})
    [ended, added] = _writes(queries)
    assert ended.startswith("UPDATE")
    assert added.startswith("1 times: INSERT")
    assert ResourceTag.objects.count() == 101


def _writes(queries):
    tags = [query["sql"] for query in queries if "consumption_resourcetag" in query["sql"]]
    return [sql for sql in tags if not sql.startswith("SELECT")]


# --- What was consumed


def test_different_keys_must_hold_on_the_same_day_and_resources_of_equal_days_are_one_run(ledger):
    for resource in ("i-1", "i-2", "i-3"):
        consume(ledger, resource, day(1), day(31), "1.5")
    consume(ledger, "i-2", day(1), day(31), None, of="Odd")
    note(ledger, day(5), {"i-1": {"env": "prod", "team": "web"}, "i-2": {"env": "prod", "team": "web"}})
    note(ledger, day(10), {"i-1": {"env": "prod", "team": "web"}, "i-2": {"env": "prod", "team": "db"}})
    assert told([ledger], "env=prod", "team=web") == [(1, 9, 0, 1), (1, 9, 1.5, 0), (1, 31, 1.5, 0)]
    assert told([ledger], "env=prod") == [(1, 31, 0, 1), (1, 31, 3, 0)]
    assert (4, 5, 3, 0) in told([ledger], "env=prod", period=Period(day(4), day(6)))
    assert told([ledger], "env=prod", "team=none") == []


def test_equal_names_in_two_accounts_are_two_resources(ledger):
    other = make_ledger(LINKED_ACCOUNT.account_id)
    for number, one in enumerate((ledger, other), start=1):
        consume(one, "web", day(1), day(31), str(number))
        note(one, day(5), {"web": {"env": f"of {number}"}}, kind="LoadBalancer")
    assert told([ledger, other], "env=of 1") == [(1, 31, 1, 0)]
    assert told([ledger, other], "env=of 2") == [(1, 31, 2, 0)]
    assert told([ledger], "env=of 2") == []


def test_what_is_billed_to_an_account_is_not_taken_for_its_own(ledger):
    paying = make_ledger(PAYING_ACCOUNT.account_id)
    consume(paying, "web", day(1), day(31), "1")
    consume(paying, "web", day(1), day(31), "2", account=ledger.account_id)
    consume(ledger, "web", day(1), day(31), "2")
    note(paying, day(5), {"web": {"env": "prod"}})
    assert told([paying], "env=prod") == [(1, 31, 1, 0)]
    assert told([paying, ledger], "env=prod") == [(1, 31, 1, 0)]


def test_sums_beyond_what_a_computer_number_holds_stay_exact(ledger):
    for number in range(1, 121):
        consume(ledger, f"i-{number}", day(1), day(31), f"9999999.{number:010}")
    note(ledger, day(5), {f"i-{number}": {"env": "prod"} for number in range(1, 121)})
    wanted = condition("env=prod")
    [run] = tagged_runs([ledger], MARCH, [wanted])[wanted]
    assert run.price == 120 * 9999999 * 10**10 + sum(range(1, 121)) > 2**63


def test_the_number_of_queries_does_not_grow(ledger, django_assert_num_queries):
    other = make_ledger(LINKED_ACCOUNT.account_id)
    for number in range(1, 6):
        consume(ledger, f"i-{number}", day(number), day(31))
    note(ledger, day(5), {f"i-{number}": {"env": "prod", "n": str(number)} for number in range(1, 6)})
    asked = [condition(f"n={number}", "env=prod") for number in range(1, 6)]
    for ledgers, conditions in (([ledger], asked[:1]), ([ledger, other], asked)):
        with django_assert_num_queries(2):
            assert all(tagged_runs(ledgers, MARCH, conditions).values())
    with django_assert_num_queries(1):
        known_tags([ledger, other])


def test_what_cannot_be_fulfilled_is_nothing_and_a_condition_without_tags_is_refused(ledger):
    nothing = condition("env=prod")
    assert tagged_runs([ledger], MARCH, [nothing]) == {nothing: []}
    assert tagged_runs([], MARCH, [nothing]) == {nothing: []}
    assert tagged_runs([ledger], Period(day(2), day(2)), [nothing]) == {nothing: []}
    assert tagged_runs([ledger], MARCH, []) == {}
    with pytest.raises(ValueError, match="at least one tag"):
        tagged_runs([ledger], MARCH, [frozenset()])


def test_keys_and_values_can_be_chosen_from_all_that_were_ever_seen(ledger, monkeypatch):
    monkeypatch.setattr(tagged, "MOST_VALUES", 3)
    many = {f"i-{number}": {"Name": f"vm {number}"} for number in range(9)}
    note(ledger, day(5), many | {"i-x": {"env": "prod", "Env": ""}})
    note(ledger, day(6), {"i-x": {"env": "Prod"}})
    other = make_ledger(LINKED_ACCOUNT.account_id)
    note(other, day(5), {"i-y": {"env": "other"}})
    assert known_tags([ledger]) == {"Env": [""], "Name": ["vm 0", "vm 1", "vm 2"], "env": ["Prod", "prod"]}
    assert list(known_tags([ledger])) == ["Env", "Name", "env"]
    assert known_tags([ledger, other])["env"] == ["Prod", "other", "prod"]
    assert known_tags([]) == {}


# --- Any tags at all

DAYS, RESOURCES, KEYS, VALUES = range(1, 11), ("i-1", "i-2", "web"), ("env", "Env"), ("a", "A", "")

readings_of_days = st.lists(
    st.tuples(
        st.sampled_from(DAYS),
        st.dictionaries(
            st.sampled_from(RESOURCES),
            st.dictionaries(st.sampled_from(KEYS), st.sampled_from(VALUES), max_size=2),
        ),
    ),
    max_size=6,
).map(lambda found: sorted(found, key=lambda one: one[0]))
prices_of_days = st.dictionaries(
    st.sampled_from(RESOURCES),
    st.lists(st.sampled_from([None, 0, 1, 7]), min_size=len(DAYS), max_size=len(DAYS)),
)
conditions_asked = st.lists(
    st.frozensets(st.tuples(st.sampled_from(KEYS), st.sampled_from(VALUES)), min_size=1, max_size=3),
    min_size=1,
    max_size=4,
)

periods = st.tuples(st.integers(1, 12), st.integers(0, 12)).map(
    lambda found: Period(day(found[0]), day(found[0] + found[1]))
)


def holding(readings, resource, key, on):
    """Return the value of a key that a resource has on a day, told from all readings."""
    last = {number: tags.get(resource, {}) for number, tags in readings}  # the last one of each day
    before = [number for number in sorted(last) if number <= on]
    seen = [number for number in sorted(last) if key in last[number]]
    if before and key in last[before[-1]]:
        return last[before[-1]][key]
    if before and before[-1] == on and not last[on] and len(before) > 1:
        return last[before[-2]].get(key)  # gone on this day
    if seen and seen[0] > on and not [number for number in last if on <= number < seen[0]]:
        return last[seen[0]][key]  # what was first seen reaches back to the reading before
    return None


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(readings_of_days, prices_of_days, conditions_asked, periods)
def test_any_tags_come_to_what_each_day_of_each_resource_comes_to(db, readings, prices, conditions, period):
    Ledger.objects.all().delete()
    ledger = make_ledger()
    for place, (number, tags) in enumerate(readings):
        note(ledger, day(number), tags, hour=place)
    for resource, by_day in prices.items():
        for begin, end, price in equal_days(by_day):
            consume(ledger, resource, day(begin), day(end), price)
    found = tagged_runs([ledger], period, conditions)

    assert found.keys() == set(conditions)
    for wanted, runs in found.items():
        assert len({(run.first, run.last) for run in runs}) == len(runs)
        costs, unpriced = Counter(), Counter()
        for run in runs:
            for ordinal in range(run.first, run.last + 1):
                costs[ordinal] += run.price
                unpriced[ordinal] += run.unpriced
        assert (+costs, +unpriced) == day_by_day(readings, prices, wanted, period)


def equal_days(prices):
    """Part days into runs of equal prices: first and last day, price."""
    found = []
    for number, price in enumerate(prices, start=1):
        if found and found[-1][2] == price:
            found[-1][1] = number
        else:
            found.append([number, number, price])
    return found


def day_by_day(readings, prices, wanted, period):
    """Return what each day costs, and how many lines it has without a price, resource by resource."""
    costs, unpriced = Counter(), Counter()
    for on in period.days:
        for resource, by_day in prices.items():
            keys = {key for key, _value in wanted}
            if on > day(len(DAYS)) or not all(
                (key, holding(readings, resource, key, on.day)) in wanted for key in keys
            ):
                continue
            price = by_day[on.day - 1]
            costs[on.toordinal()] += (price or 0) * 10**10
            unpriced[on.toordinal()] += price is None
    return +costs, +unpriced


# --- What the database refuses


@pytest.mark.parametrize(
    "wrong",
    [
        {"resource_id": ""},
        {"key": ""},
        {"end_day": 5},
        {"held_from": 6},
        {"held_until": 8},
        {},
    ],
)
def test_the_database_refuses_a_tag_that_cannot_be(ledger, wrong):
    good = {
        "ledger": ledger,
        "resource_type": KIND,
        "resource_id": "i-1",
        "key": "env",
        "value": "prod",
        "first_day": 5,
        "end_day": 9,
        "held_from": 1,
        "held_until": 9,
    }
    if not wrong:
        ResourceTag.objects.create(**good)  # the same twice
    with pytest.raises(IntegrityError), transaction.atomic():
        ResourceTag.objects.create(**good | wrong)


def test_the_database_refuses_two_readings_of_a_kind_on_a_day(ledger):
    note(ledger, day(5), {})
    [reading] = TagReading.objects.all()
    reading.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        reading.save()
