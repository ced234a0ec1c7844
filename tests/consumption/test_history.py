"""Every way of adding the same days up comes to the same, and what was not read is never zero."""

import datetime as dt
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as HypothesisTestCase

from accounts.errors import CloudTimeout
from consumption import keeping
from consumption.coverage import LINKED_NOT_READ, NOT_READ_EVERYWHERE
from consumption.history import Dimension, Question, SeveralCurrencies, history_of
from consumption.models import DayState, Usage
from consumption.periods import Granularity, Period
from tests.consumption.days import LATER, REGION, day, entry, keep, make_ledger

FIRST, END = dt.date(2026, 2, 25), dt.date(2026, 3, 12)
PERIOD = Period(FIRST, END)
TYPES = ["NatGatewayUsage", "BoxUsage:tinav6.c2r4p2", "Snapshot:Usage"]

lines = st.builds(
    entry,
    st.sampled_from(TYPES),
    st.one_of(st.none(), st.decimals("-5", "99", places=10).map(str)),
    value=st.integers(1, 30).map(str),
    resource=st.sampled_from(["", "i-1", "i-2", "vol-1"]),
    category=st.sampled_from(["compute", "storage"]),
    subregion=st.sampled_from([REGION, "eu-west-2a"]),
)
contents = st.dictionaries(
    st.integers(0, PERIOD.length - 1).map(lambda passed: FIRST + dt.timedelta(days=passed)),
    st.lists(lines, max_size=5),
    max_size=10,
)


def ask(ledger, period=PERIOD, granularity=Granularity.DAY, group_by=Dimension.CATEGORY, **question):
    return history_of([ledger], Question(period, granularity, group_by, **question))


class SumsOfGeneratedDays(HypothesisTestCase):
    """Each example works in a transaction of its own."""

    @settings(max_examples=25, deadline=None)
    @given(contents)
    def test_every_grouping_and_granularity_adds_up_to_the_same_total(self, days):
        ledger = make_ledger()
        keep(ledger, days)
        # A line without a price takes the unit price of its likes; what is left has none.
        whole = sum((price for price in Usage.objects.values_list("price", flat=True) if price), Decimal(0))

        for granularity in Granularity:
            for group_by in Dimension:
                found = ask(ledger, granularity=granularity, group_by=group_by)
                series = found.series([group.key for group in found.groups])
                costs = [cost for row in series.values() for cost in row if cost is not None]
                assert found.total == whole
                assert sum(step.cost for step in found.steps if step.cost is not None) == whole
                assert sum(group.cost for group in found.groups) == whole
                assert sum(costs) == whole
                assert len(found.steps) == len(next(iter(series.values()), found.steps))

    @settings(max_examples=25, deadline=None)
    @given(contents)
    def test_resources_and_what_has_none_add_up_to_the_meters_of_each_day(self, days):
        ledger = make_ledger()
        keep(ledger, days)

        by_type = ask(ledger, group_by=Dimension.TYPE)
        by_resource = ask(ledger, group_by=Dimension.RESOURCE)
        assert [step.cost for step in by_type.steps] == [step.cost for step in by_resource.steps]
        for resource in [group.key for group in by_resource.groups]:
            alone = ask(ledger, group_by=Dimension.TYPE, filters={"resource": frozenset([resource])})
            assert alone.total == next(g.cost for g in by_resource.groups if g.key == resource)
            assert sum(step.cost or 0 for step in alone.steps) == alone.total

    @settings(max_examples=25, deadline=None)
    @given(contents, st.sampled_from(TYPES))
    def test_a_filter_and_what_it_leaves_out_add_up(self, days, chosen):
        ledger = make_ledger()
        keep(ledger, days)

        kept = ask(ledger, filters={"resource_type": frozenset([chosen])})
        left_out = ask(ledger, filters={"resource_type": frozenset(set(TYPES) - {chosen})})
        assert kept.total + left_out.total == ask(ledger).total


@pytest.fixture
def ledger(db):
    return make_ledger()


def test_a_day_that_was_not_read_has_no_cost_and_is_counted(ledger):
    keep(ledger, {FIRST: [entry(price="3")], FIRST + dt.timedelta(days=2): []})
    keeping.note_failure(
        ledger, FIRST + dt.timedelta(days=3), CloudTimeout("ReadConsumptionAccount"), at=LATER
    )

    found = ask(ledger, Period(FIRST, FIRST + dt.timedelta(days=5)))
    assert [step.cost for step in found.steps] == [3, None, 0, None, None]
    assert [step.coverage.state for step in found.steps] == [
        "complete",
        "missing",
        "complete",
        "missing",
        "missing",
    ]
    assert found.coverage.counts == {
        "days": 5,
        "complete": 2,
        "provisional": 0,
        "partial": 0,
        "failed": 1,
        "unread": 2,
    }
    assert [known.state for _day, known in found.coverage.gaps] == ["unread", "failed", "unread"]
    assert not found.coverage.is_whole


def test_a_month_of_which_a_part_was_read_says_which_part(ledger):
    keep(ledger, {day(1): [entry(price="3")], day(2): [entry(price="4")]})

    found = ask(ledger, Period(day(1), day(1, 4)), Granularity.MONTH)
    assert [(step.cost, step.coverage.with_figures) for step in found.steps] == [(7, 2)]


def test_weeks_are_iso_weeks_cut_at_the_ends(ledger):
    found = ask(ledger, Period(dt.date(2025, 12, 30), dt.date(2026, 1, 13)), Granularity.WEEK)

    assert [(step.period.first, step.period.end) for step in found.steps] == [
        (dt.date(2025, 12, 30), dt.date(2026, 1, 5)),
        (dt.date(2026, 1, 5), dt.date(2026, 1, 12)),
        (dt.date(2026, 1, 12), dt.date(2026, 1, 13)),
    ]


def test_a_change_is_told_only_against_a_period_that_was_wholly_read(ledger):
    keep(ledger, {day(10): [entry(price="5"), entry("Gone", "1")], day(11): [entry(price="6")]})
    one_day = Period(day(11), day(12))

    found = ask(ledger, one_day, group_by=Dimension.TYPE)
    assert found.total_before == 6
    assert found.change_percent == 0
    assert [(group.key, group.cost, group.before) for group in found.groups] == [
        ("NatGatewayUsage", 6, 5),
        ("Gone", 0, 1),
    ]
    earlier = ask(ledger, Period(day(10), day(11)))
    assert (earlier.total_before, earlier.groups[0].before) == (None, None)


def test_what_has_no_price_is_counted_and_in_no_total(ledger):
    keep(ledger, {one: [entry("Quantum", None), entry(price="1")] for one in (day(1), day(2))})

    for group_by in (Dimension.TYPE, Dimension.RESOURCE):
        found = ask(ledger, Period(day(1), day(3)), group_by=group_by)
        assert found.total == 2
        assert [(one.type, one.value, one.lines) for one in found.unpriced] == [("Quantum", 48, 2)]
    by_type = ask(ledger, Period(day(1), day(3)), group_by=Dimension.TYPE)
    assert {group.key: group.unpriced for group in by_type.groups} == {"Quantum": 2, "NatGatewayUsage": 0}
    chosen = {"resource": frozenset(["nat-1"])}
    assert ask(ledger, Period(day(1), day(3)), filters=chosen).unpriced[0].value == 48


def test_linked_accounts_count_only_when_they_are_asked_for(ledger):
    own, other = entry(account_id=ledger.account_id, price="1"), entry(account_id="2", price="5")
    keep(ledger, {day(1): [own, other]}, with_linked=True)
    keep(ledger, {day(2): [own]})
    period = Period(day(1), day(3))

    alone = ask(ledger, period)
    assert (alone.total, alone.coverage.is_whole) == (2, True)
    together = ask(ledger, period, with_linked=True, group_by=Dimension.ACCOUNT)
    assert [(group.key, group.cost) for group in together.groups] == [("2", 5), (ledger.account_id, 2)]
    assert [known for _day, known in together.coverage.gaps] == [(DayState.PARTIAL, LINKED_NOT_READ, LATER)]


def test_several_regions_are_added_and_a_day_missing_in_one_is_partial(ledger):
    elsewhere = make_ledger(region="cloudgouv-eu-west-1")
    keep(ledger, {day(1): [entry(price="1")], day(2): [entry(price="1")]})
    keep(elsewhere, {day(1): [entry(price="10")]})

    found = history_of(
        [ledger, elsewhere], Question(Period(day(1), day(4)), group_by=Dimension.REGION), expected=2
    )
    assert [(group.key, group.cost) for group in found.groups] == [("cloudgouv-eu-west-1", 10), (REGION, 2)]
    assert [step.cost for step in found.steps] == [11, 1, None]
    assert found.coverage.on(day(2)).reason == NOT_READ_EVERYWHERE
    alone = history_of([ledger], Question(Period(day(1), day(2))), expected=2)
    assert alone.coverage.counts["partial"] == 1


def test_amounts_in_different_currencies_are_never_added(ledger):
    keep(ledger, {day(1): [entry()]})
    keep(ledger, {day(2): [entry()]}, currency="USD")

    with pytest.raises(SeveralCurrencies, match="SEVERAL_CURRENCIES"):
        ask(ledger, Period(day(1), day(3)))


@pytest.mark.parametrize("group_by", list(Dimension))
def test_the_number_of_queries_does_not_grow_with_what_is_kept(ledger, group_by):
    def queries():
        with CaptureQueriesContext(connection) as asked:
            found = ask(ledger, group_by=group_by)
            assert found.groups
            assert found.steps
            found.series([group.key for group in found.groups])
            assert found.unpriced == []
        return len(asked)

    keep(ledger, {day(1): [entry()]})
    few = queries()
    many = [entry(type_, resource=f"r-{number}") for number in range(5) for type_ in TYPES]
    keep(ledger, {day(number): many for number in range(2, 10)})
    assert queries() == few <= 6
