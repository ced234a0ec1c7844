"""Whose cost centre it is: the first rule that fits each day of each resource, and all of it is the bill."""

from decimal import Decimal
from fnmatch import fnmatchcase
from functools import partial

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from accounts.models import User
from consumption import ruleorder
from consumption.allocation import Sharing
from consumption.costcentres import centres_of
from consumption.history import Question, history_of
from consumption.models import Ledger, ResourceTag
from consumption.periods import ONE_DAY
from consumption.rules import AllocationRule
from tests.consumption.days import day, entry, keep, make_ledger, note_tags_of_vms
from tests.consumption.test_allocation import MARCH, keep_each, vm
from tests.quotes.test_lifecycle import at_once

pytestmark = pytest.mark.django_db


def owner(account_id="100000000001"):
    return User.objects.for_account(account_id)


def rule(cost_centre="R&D", *, of=None, place=None, **conditions):
    """Keep a rule of an owner, of the operators when ``of`` is None."""
    return keep_rule(unsaved(cost_centre, owner=of, **conditions), place=place)


def keep_rule(one, **options):
    return ruleorder.keep(rule=one, at=timezone.now(), **options)


def unsaved(cost_centre="R&D", **facts):
    return AllocationRule(cost_centre=cost_centre, **facts)


def judged(*rules, linked=False, **options):
    ledgers = list(Ledger.objects.order_by("pk"))
    history = history_of(ledgers, Question(MARCH, with_linked=linked), expected=len(ledgers))
    found = centres_of(history, rules, **options)
    assert found.allocation.total == history.total
    return found


def costs(found):
    return {group.values[0]: group.total for group in found.allocation.groups}


# --- What fits


def test_the_first_rule_that_fits_decides_and_what_it_takes_from_the_others_is_known():
    keep_each(ledger := make_ledger(), vm("i-1", "1"), vm("i-2", "2"), vm("i-3", "4"))
    note_tags_of_vms(ledger, day(1), {"i-1": {"project": "imagerie"}, "i-2": {"project": "image-lab"}})
    wide = unsaved("Images", tag_key="project", tag_value="imag*")
    narrow = unsaved("Lab", tag_key="project", tag_value="image-lab")
    found = judged(narrow, wide)
    assert costs(found) == {"Images": 10, "Lab": 20, None: 40}
    assert [(one.cost, one.resources) for one in found.caught] == [(20, 1), (10, 1)]
    assert [(one.cost, one.resources) for one in found.taken] == [(0, 0), (20, 1)]
    assert [(one.resource_id, one.cost) for one in found.allocation.lacking] == [("i-3", 40)]

    turned = judged(wide, narrow)
    assert costs(turned) == {"Images": 30, None: 40}
    assert [one.cost for one in turned.taken] == [0, 20]


def test_values_are_merged_under_one_name_and_a_resource_in_two_rules_counts_once():
    keep_each(ledger := make_ledger(), vm("i-1", "1"))
    note_tags_of_vms(ledger, day(1), {"i-1": {"project": "old"}})
    note_tags_of_vms(ledger, day(4), {"i-1": {"project": "new"}})
    found = judged(
        unsaved("R&D", tag_key="project", tag_value="old"), unsaved("R&D", tag_key="project", tag_value="new")
    )
    assert [(one.values, one.cost, one.resources) for one in found.allocation.groups] == [(("R&D",), 10, 1)]
    assert [one.cost for one in found.caught] == [3, 7]
    assert [place[2] for place, _cost in found.caught[0].dearest] == ["i-1"]


def test_each_day_is_judged_by_the_tags_of_that_day_of_several_keys_and_by_the_name_of_that_day():
    keep_each(ledger := make_ledger(), vm("i-1", "1"))
    note_tags_of_vms(ledger, day(1), {"i-1": {"project": "a", "env": "test", "Name": "web-1"}})
    note_tags_of_vms(ledger, day(3), {"i-1": {"project": "b", "env": "test", "Name": "web-1"}})
    note_tags_of_vms(ledger, day(6), {"i-1": {"owner": "zoé", "Name": "db-1"}})
    found = judged(
        unsaved("A", tag_key="project", tag_value="a"),
        unsaved("Data", name_pattern="db-*"),
        unsaved("Tests", tag_key="env", tag_value="test", name_pattern="web-*"),
    )
    assert costs(found) == {"A": 2, "Tests": 3, "Data": 5}


@pytest.mark.parametrize(
    ("conditions", "fits"),
    [
        ({"name_pattern": "i-1"}, True),
        ({"name_pattern": "i-*"}, True),
        ({"name_pattern": "I-1"}, False),
        ({"name_pattern": "i-"}, False),
        ({"name_pattern": "*[1]*"}, True),
        ({"name_pattern": "web [1]*"}, True),
        ({"name_pattern": "web ?1?*"}, False),
        ({"name_pattern": "*é"}, True),
        ({"name_pattern": "(.*"}, False),
        ({"tag_key": "project", "tag_value": "*"}, True),
        ({"tag_key": "Project", "tag_value": "*"}, False),
        ({"tag_key": "project", "tag_value": "Imagerie"}, False),
        ({"tag_key": "project", "tag_value": "*rie"}, True),
        ({"tag_key": "empty", "tag_value": "*"}, True),
        ({"account_id": "100000000001"}, True),
        ({"account_id": "10000000000"}, False),
        ({"account_id": "100000000001", "tag_key": "project", "tag_value": "other"}, False),
        ({"account_id": "100000000001", "name_pattern": "web*", "tag_key": "empty", "tag_value": "*"}, True),
    ],
)
def test_all_conditions_of_a_rule_must_hold_and_only_the_asterisk_stands_for_anything(conditions, fits):
    keep_each(ledger := make_ledger(), vm("i-1", "1"))
    note_tags_of_vms(ledger, day(1), {"i-1": {"project": "imagerie", "empty": "", "Name": "web [1] café"}})
    assert costs(judged(unsaved("C", **conditions))) == {"C" if fits else None: 10}


def test_a_pattern_as_long_and_as_full_of_asterisks_as_can_be_is_answered_at_once():
    long = "a" * 255
    keep_each(ledger := make_ledger(), vm(long, "1"))
    note_tags_of_vms(ledger, day(1), {long: {"project": long, "Name": "é😀" * 60}})
    hard = "*a" * 126 + "*b"
    found = judged(
        unsaved("Never", tag_key="project", tag_value=hard),
        unsaved("Never", name_pattern=hard),
        unsaved("Long", name_pattern="*a" * 127, tag_key="project", tag_value=long),
    )
    assert costs(found) == {"Long": 10}


def test_a_rule_that_was_changed_since_it_was_read_is_not_replaced():
    one = rule("one", name_pattern="*")
    seen = one.updated_at
    keep_rule(one, seen=seen)
    with pytest.raises(ruleorder.ChangedMeanwhile):
        keep_rule(one, seen=seen)


def test_the_account_of_a_rule_is_the_one_that_consumed():
    paying = make_ledger("100000000000")
    both = (vm("i-1", "1"), vm("i-9", "5", account_id="100000000002"))
    keep(paying, dict.fromkeys(MARCH.days, both), with_linked=True)
    found = judged(unsaved("Branch", account_id="100000000002"), linked=True)
    assert costs(found) == {"Branch": 50, None: 10}


@pytest.mark.parametrize(
    ("sharing", "expected", "apart"),
    [
        (Sharing.APART, {"A": 10, "B": 20, None: 40}, 30),
        (Sharing.PROPORTIONAL, {"A": 20, "B": 40, None: 40}, 0),
        (Sharing.EVEN, {"A": 25, "B": 35, None: 40}, 0),
    ],
)
def test_shared_costs_are_no_rules_business_and_are_spread_over_the_centres(sharing, expected, apart):
    keep_each(
        make_ledger(), vm("i-1", "1"), vm("i-2", "2"), vm("x-3", "4"), entry("Support", "3", resource=None)
    )
    found = judged(unsaved("A", name_pattern="i-1"), unsaved("B", name_pattern="i-*"), sharing=sharing)
    assert (costs(found), found.allocation.shared_apart) == (expected, apart)


def test_lines_without_a_price_are_counted_where_they_belong_and_without_rules_all_is_nobodys():
    keep_each(make_ledger(), entry("Unheard", None, resource="i-1"), vm("i-2", "2"))
    found = judged(unsaved("A", name_pattern="i-1"))
    assert [(one.values, one.unpriced) for one in found.allocation.groups] == [(("A",), 10), ((None,), 0)]
    assert (found.caught[0].unpriced, found.caught[0].cost) == (10, 0)
    assert costs(judged()) == {None: 20}


NAMES = ["i-1", "i-2", "web-1", None]
PATTERNS = st.sampled_from(["*", "a", "A*", "*b", "a*b", "i-*", "*1", "web-1", "é"])
RULES = st.builds(
    unsaved,
    st.sampled_from(["one", "two", "three"]),
    account_id=st.sampled_from(["", "", "100000000001", "100000000002"]),
    name_pattern=st.just("") | PATTERNS,
    tag_key=st.just("project"),
    tag_value=PATTERNS,
) | st.builds(
    unsaved, st.sampled_from(["one", "four"]), tag_key=st.sampled_from(["env", "Name"]), tag_value=PATTERNS
)
RULES |= st.builds(unsaved, st.sampled_from(["one", "five"]), name_pattern=PATTERNS)
TAGS = st.dictionaries(
    st.sampled_from(NAMES[:3]),
    st.dictionaries(
        st.sampled_from(["project", "env", "Name"]),
        st.sampled_from(["a", "ab", "A", "é", "web-1"]),
        max_size=3,
    ),
)


def first_that_fits(rules, resource, tags):
    """Say whose a resource is on a day, rule by rule."""
    for one in rules:
        names = [resource, tags.get("Name")]
        tag = tags.get(one.tag_key)
        if (
            one.account_id in ("", "100000000001")
            and (not one.tag_key or (tag is not None and fnmatchcase(tag, one.tag_value)))
            and (
                not one.name_pattern
                or any(name is not None and fnmatchcase(name, one.name_pattern) for name in names)
            )
        ):
            return one.cost_centre
    return None


def carried(resource, on):
    """Return the tags that are kept of a resource for a day."""
    rows = ResourceTag.objects.filter(
        resource_id=resource, held_from__lte=on.toordinal(), held_until__gt=on.toordinal()
    )
    return dict(rows.values_list("key", "value"))


class AnyRules(TestCase):
    @settings(max_examples=25)
    @given(
        readings=st.dictionaries(st.integers(0, 4), TAGS, max_size=3),
        prices=st.lists(st.integers(-(10**12), 10**12) | st.none(), min_size=20, max_size=20),
        rules=st.lists(RULES, max_size=6),
        sharing=st.sampled_from(Sharing.values),
    )
    def test_centres_nobodys_and_shared_costs_are_the_bill_under_any_tags_and_rules(
        self, readings, prices, rules, sharing
    ):
        ledger = make_ledger()
        for passed, tags in sorted(readings.items()):
            note_tags_of_vms(ledger, MARCH.first + passed * ONE_DAY, tags)
        expected, contents, left = {}, {}, iter(prices)
        for one in list(MARCH.days)[:5]:
            contents[one] = []
            for number, name in enumerate(NAMES):
                raw = next(left)
                price = None if raw is None else Decimal(raw).scaleb(-10)
                # Products of their own: a line without a price takes that of another line of its product.
                facts = {"operation": f"o{number}", "category": f"c{number}"}
                contents[one].append(vm(name, None if raw is None else str(price), **facts))
                if name:
                    centre = first_that_fits(rules, name, carried(name, one))
                    expected[centre] = expected.get(centre, 0) + (price or 0)
        keep(ledger, contents)
        found = judged(*rules, sharing=sharing)
        allocation = found.allocation
        assert {one.values[0]: one.cost for one in allocation.groups} == expected
        assert sum(expected.values()) + allocation.shared_total == allocation.history.total
        assert sum(one.cost for one in found.caught) == sum(expected.values()) - expected.get(None, 0)
        assert sum(one.cost for one in allocation.lacking) == expected.get(None, 0)


# --- The order of rules


def order(of=None):
    return [(one.position, one.cost_centre) for one in AllocationRule.objects.kept_by(of)]


def test_rules_keep_their_order_whatever_is_added_moved_changed_and_deleted():
    alice = owner()
    one, two, three = (rule(name, of=alice, name_pattern="*") for name in ("one", "two", "three"))
    rule("first", of=alice, place=1, name_pattern="*")
    assert order(alice) == [(1, "first"), (2, "one"), (3, "two"), (4, "three")]
    ruleorder.move(rule=three, steps=-1)
    ruleorder.move(rule=one, steps=-5)
    assert order(alice) == [(1, "one"), (2, "first"), (3, "three"), (4, "two")]
    one.cost_centre = "changed"
    keep_rule(one)
    keep_rule(two, place=2)
    ruleorder.delete(rule=three)
    ruleorder.move(rule=one, steps=1)
    ruleorder.move(rule=one, steps=9)
    assert order(alice) == [(1, "two"), (2, "first"), (3, "changed")]
    for change in (
        ruleorder.delete,
        partial(ruleorder.keep, at=timezone.now()),
        partial(ruleorder.move, steps=1),
    ):
        with pytest.raises(AllocationRule.DoesNotExist):
            change(rule=three)
    assert order(alice) == [(1, "two"), (2, "first"), (3, "changed")]


def test_the_rules_of_the_operators_come_after_ones_own_and_nobody_elses_count():
    alice, bob = owner(), owner("100000000002")
    rule("everybody 1", name_pattern="*")
    rule("everybody 2", name_pattern="*")
    rule("bob", of=bob, name_pattern="*")
    rule("alice 2", of=alice, name_pattern="*")
    rule("alice 1", of=alice, place=1, name_pattern="*")
    seen = [one.cost_centre for one in AllocationRule.objects.for_owner(alice)]
    assert seen == ["alice 1", "alice 2", "everybody 1", "everybody 2"]


def test_an_owner_has_a_limited_number_of_rules(monkeypatch):
    monkeypatch.setattr(ruleorder, "MOST_RULES", 2)
    rule(name_pattern="*")
    rule(name_pattern="*")
    rule(of=owner(), name_pattern="*")
    with pytest.raises(ruleorder.TooManyRules):
        rule(name_pattern="*")
    assert [position for position, _name in order()] == [1, 2]


@pytest.mark.parametrize(
    ("constraint", "facts"),
    [
        ("rule_has_cost_centre", {"cost_centre": ""}),
        ("rule_has_condition", {"name_pattern": ""}),
        ("rule_tag_is_whole", {"tag_key": "project"}),
        ("rule_tag_is_whole", {"tag_value": "*"}),
        ("rule_place_from_one", {"position": 0}),
    ],
)
def test_the_database_refuses_a_rule_that_cannot_be(constraint, facts):
    given = {"owner": owner(), "position": 7, "cost_centre": "C", "name_pattern": "*"}
    given |= {"updated_at": timezone.now()} | facts
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        AllocationRule.objects.create(**given)


@pytest.mark.parametrize("of_operators", [True, False])
def test_no_two_rules_of_an_owner_have_the_same_place(of_operators):
    of = None if of_operators else owner()
    facts = {"owner": of, "position": 1, "name_pattern": "*", "updated_at": timezone.now()}
    AllocationRule.objects.create(cost_centre="C", **facts)
    with pytest.raises(IntegrityError), transaction.atomic():
        AllocationRule.objects.create(cost_centre="D", **facts)


@pytest.mark.django_db(transaction=True)
def test_rules_that_are_added_and_moved_at_once_all_have_their_place():
    alice = owner()
    first = rule("0", of=alice, name_pattern="*")
    adding = [lambda name=name: rule(name, of=alice, place=1, name_pattern="*") for name in "abcd"]
    moving = [lambda: ruleorder.move(rule=first, steps=-1)] * 2
    assert at_once(*adding, *moving) == []
    assert [position for position, _name in order(alice)] == [1, 2, 3, 4, 5]
