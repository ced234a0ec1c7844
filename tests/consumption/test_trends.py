"""The trend of series whose answer is known: growth, averages, comparisons, and what moved."""

import datetime as dt
from decimal import Decimal
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.errors import CloudTimeout
from consumption import keeping
from consumption.coverage import Coverage, KnownDay
from consumption.drivers import drivers_of
from consumption.history import Dimension, Question, Step, history_of
from consumption.models import DayState
from consumption.periods import ONE_DAY, Granularity, Period, steps
from consumption.trends import Trends
from tests.consumption.days import LATER, REGION, day, entry, keep, make_ledger

DAY, WEEK, MONTH = Granularity.DAY, Granularity.WEEK, Granularity.MONTH
MONDAY = dt.date(2026, 3, 2)
COMPUTE = {"category": "compute", "resource": "i-1"}


@pytest.fixture
def ledger(db):
    return make_ledger()


def keep_series(ledger, first, costs):
    """Keep a day for each cost from ``first`` on; None is a day that is not read."""
    days = {first + place * ONE_DAY: cost for place, cost in enumerate(costs)}
    keep(ledger, {one: [entry(price=str(cost))] for one, cost in days.items() if cost is not None})
    return Period(first, first + len(costs) * ONE_DAY)


def trend(ledger, period, granularity=DAY, **question):
    return Trends(history_of([ledger], Question(period, granularity, **question)))


def growths(trends):
    return [
        "new" if point.change.is_new else point.change.percent and round(point.change.percent, 6)
        for point in trends.points
    ]


def averages(trends):
    return [point.moving_average for point in trends.points]


def compared(trends):
    """Return by how many percent the last step differs from each earlier time; None where that is unknown."""
    percents = {one.kind: one.change.percent for one in trends.earlier}
    return {kind: percent and round(percent, 4) for kind, percent in percents.items()}


# --- Series


def test_a_constant_cost_neither_grows_nor_saves_in_a_short_month(ledger):
    trends = trend(ledger, keep_series(ledger, day(1, 1), [10] * 90), MONTH)

    assert [point.cost for point in trends.points] == [310, 280, 310]
    assert growths(trends) == [None, 0, 0]
    assert [round(point.cost_change.percent or 0, 1) for point in trends.points] == [
        0,
        Decimal("-9.7"),
        Decimal("10.7"),
    ]
    assert averages(trends) == [None, None, 300]
    assert (trends.average, trends.compound.percent, trends.slope.per_day) == (300, 0, 0)
    assert compared(trends) == {"average": 0, "month": 0, "year": None}
    assert (trends.movers.up, trends.movers.down, trends.movers.unclear) == ([], [], 0)


def test_a_linear_cost_has_the_slope_of_its_line(ledger):
    trends = trend(ledger, keep_series(ledger, MONDAY, range(10, 38)))

    assert trends.slope.per_day == 1
    assert round(trends.slope.percent, 4) == round(100 / Decimal("23.5"), 4)
    assert averages(trends)[5:8] == [None, 13, 14]
    assert growths(trends)[1] == 10
    assert trends.average == Decimal("23.5")


def test_an_exponential_cost_has_the_compound_growth_of_each_step(ledger):
    costs = [round(100 * Decimal("1.01") ** place, 10) for place in range(30)]
    trends = trend(ledger, keep_series(ledger, MONDAY, costs))

    assert set(growths(trends)[1:]) == {1}
    assert round(trends.compound.percent, 6) == 1
    assert trends.compound.steps == 28  # between two Tuesdays, of which the last day is one


def test_a_week_that_repeats_itself_is_no_growth_whatever_day_it_ends_on(ledger):
    keep_series(ledger, MONDAY, [30, 30, 30, 30, 25, 8, 5] * 5)
    for length in (29, 32, 34):
        trends = trend(ledger, Period(MONDAY, MONDAY + length * ONE_DAY))
        assert (trends.slope.per_day, trends.compound.percent) == (0, 0)
        assert compared(trends)["week"] == 0
        assert set(averages(trends)[6:]) == {Decimal(158) / 7}
    weeks = trend(ledger, Period(MONDAY, MONDAY + 35 * ONE_DAY), WEEK)
    assert growths(weeks) == [None, 0, 0, 0, 0]
    assert averages(weeks) == [None, None, None, 158, 158]


def test_a_step_is_one_growth_and_stands_out_of_the_history(ledger):
    trends = trend(ledger, keep_series(ledger, MONDAY, [10] * 42 + [20] * 7), WEEK)

    assert growths(trends) == [None, 0, 0, 0, 0, 0, 100]
    assert averages(trends)[-2:] == [70, Decimal("87.5")]
    assert compared(trends) == {"average": 100, "week": 100, "month": 100, "year": None}
    assert trends.slope.per_day == 0  # most pairs of weeks are level
    [up] = trends.movers.up
    assert (up.key, up.before, up.after, up.change, up.per_day) == ("network", 70, 140, 70, 10)


def test_one_day_alone_is_compared_with_nothing_and_that_is_no_zero(ledger):
    trends = trend(ledger, keep_series(ledger, day(31), [10]))

    assert (growths(trends), averages(trends)) == ([None], [None])
    assert (trends.average, trends.compound, trends.slope) == (10, None, None)
    assert [(one.kind, one.period.first, one.cost, one.per_day) for one in trends.earlier] == [
        ("week", day(24), None, None),
        ("month", day(28, 2), None, None),  # there is no 31 February
        ("year", day(31, 3, 2025), None, None),
    ]
    assert not trends.movers.is_known


def test_nothing_read_has_no_figure_at_all(ledger):
    trends = trend(ledger, Period(day(1), day(20)), WEEK)

    assert {point.cost for point in trends.points} == {None}
    assert (trends.last, trends.average, trends.compound, trends.slope) == (None,) * 4
    assert (trends.earlier, trends.movers) == ([], None)


def test_zeros_and_credits_have_the_percentages_that_make_sense(ledger):
    trends = trend(ledger, keep_series(ledger, MONDAY, [0, 5, -3, -6, 0, 0, 4, 0]))

    assert growths(trends) == [None, "new", -160, None, None, None, "new", -100]
    assert averages(trends)[6:] == [0, 0]
    assert trends.average == 0
    assert trends.compound is None
    assert [point.change.tone for point in trends.points[1:4]] == ["up", "down", "flat"]


# --- What is not known


def test_days_that_were_not_read_are_compared_with_nothing(ledger):
    period = keep_series(ledger, MONDAY, [10, None, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10])
    keeping.note_failure(ledger, MONDAY + 3 * ONE_DAY, CloudTimeout("ReadConsumptionAccount"), at=LATER)
    keep(ledger, {MONDAY + 5 * ONE_DAY: [entry(price="1")]}, unreadable=1)
    trends = trend(ledger, period)

    assert growths(trends)[:8] == [None, None, None, 0, 0, None, None, 0]
    assert trends.points[5].cost == 1
    assert not trends.points[5].is_whole
    assert averages(trends) == [None] * 12 + [10]
    assert trends.average == 10

    weeks = trend(ledger, period, WEEK)
    assert [(point.is_cut, point.is_whole, point.average_day) for point in weeks.points] == [
        (False, False, None),
        (True, False, 10),
    ]
    assert weeks.last is None


def test_a_month_that_is_not_over_is_not_compared_as_if_it_were(ledger):
    trends = trend(ledger, keep_series(ledger, day(15, 1), [10] * 60), MONTH)

    assert [(point.is_cut, point.cost) for point in trends.points] == [(True, 170), (False, 280), (True, 150)]
    assert growths(trends) == [None, None, None]
    assert trends.last.period.first == day(1, 2)
    assert trends.average == 280


def test_a_day_whose_bill_can_grow_is_compared_like_any_other(ledger):
    keep(ledger, {MONDAY: [entry(price="10")], MONDAY + ONE_DAY: [entry(price="11")]}, at=LATER)
    keep(
        ledger,
        {MONDAY + 2 * ONE_DAY: [entry(price="22")]},
        at=dt.datetime(2026, 3, 5, 8, tzinfo=dt.UTC),
    )
    trends = trend(ledger, Period(MONDAY, MONDAY + 3 * ONE_DAY))

    assert trends.points[-1].step.coverage.state == DayState.PROVISIONAL
    assert growths(trends) == [None, 10, 100]


# --- Earlier times


def test_a_year_before_the_period_is_read_from_what_is_kept(ledger):
    keep_series(ledger, day(1, 3, 2025), [8] * 31)
    keep_series(ledger, day(1, 2, 2026), [5] * 28)
    trends = trend(ledger, keep_series(ledger, day(1), [10] * 31), MONTH)

    assert compared(trends) == {"month": 100, "year": 25}
    [_month, year] = trends.earlier
    assert (year.cost, year.average_day, year.per_day) == (248, 8, 2)
    keep(ledger, {day(7, 3, 2025): [entry(price="8")]}, unreadable=1)
    [_month, year] = trend(ledger, trends.history.question.period, MONTH).earlier
    assert (year.cost, year.average_day, year.change.percent, year.whole_days) == (248, None, None, 30)


def test_a_filter_holds_for_the_earlier_times_too(ledger):
    for month in (2, 3):
        keep(ledger, {day(9, month): [entry(price="4"), entry("Vm", str(month), **COMPUTE)]})
    period = Period(day(9), day(10))

    by_category = trend(ledger, period, filters={"category": frozenset(["compute"])})
    by_resource = trend(ledger, period, filters={"resource": frozenset(["i-1"])}, group_by=Dimension.TYPE)
    assert compared(by_category) == compared(by_resource) == {"week": None, "month": 50, "year": None}


def test_what_was_billed_in_another_currency_is_not_compared(ledger):
    keep(ledger, {day(9, 2): [entry(price="4")]}, currency="USD")
    keep(ledger, {day(9): [entry(price="4")]})
    month = trend(ledger, Period(day(9), day(10))).earlier[1]

    assert (month.cost, month.currency, month.average_day, month.change.percent) == (4, "USD", None, None)
    keep(ledger, {day(1, 1): [entry(price="4")]}, currency="USD")
    keep_series(ledger, day(1, 2), [4] * 29)
    trends = trend(ledger, Period(day(1, 2), day(2)), MONTH)
    assert (trends.last.period.first, trends.movers) == (day(1, 2), None)
    assert compared(trends) == {"month": None, "year": None}


@pytest.mark.parametrize(
    ("last", "granularity", "befores"),
    [
        (dt.date(2028, 2, 29), DAY, ["2028-02-22", "2028-01-29", "2027-02-28"]),
        (dt.date(2026, 3, 15), WEEK, ["2026-03-02", "2026-02-09", "2025-03-10"]),
        (dt.date(2026, 3, 31), MONTH, ["2026-02-01", "2025-03-01"]),
    ],
)
def test_the_same_step_before_begins_on_the_same_date_weekday_or_month(ledger, last, granularity, befores):
    first = last.replace(day=1) if granularity == MONTH else last - 6 * ONE_DAY
    period = Period(first if granularity != DAY else last, last + ONE_DAY)
    keep_series(ledger, period.first, [1] * period.length)

    found = trend(ledger, period, granularity).earlier
    assert [one.period.first.isoformat() for one in found] == befores
    assert {one.period.length for one in found if one.kind != "month"} <= {period.length}


# --- What moved


def test_the_groups_that_moved_are_named_with_both_costs_most_first(ledger):
    def entries(**prices):
        return [entry(f"T-{name}", price, category=name, resource=name) for name, price in prices.items()]

    before = entries(compute="10", storage="5", licence="3", network="-2", even="7")
    after = entries(compute="12", storage="1", network="-4", new="1", even="7")
    keep(ledger, {MONDAY: before, MONDAY + ONE_DAY: after})
    movers = trend(ledger, Period(MONDAY + ONE_DAY, MONDAY + 2 * ONE_DAY)).movers

    assert [(one.key, one.before, one.after, one.change) for one in movers.up] == [
        ("compute", 10, 12, 2),
        ("new", 0, 1, 1),
    ]
    assert [(one.key, one.before, one.after, one.change) for one in movers.down] == [
        ("storage", 5, 1, -4),
        ("licence", 3, 0, -3),
        ("network", -2, -4, -2),  # a larger credit
    ]
    assert [one.percent.percent for one in movers.down] == [-80, -100, None]
    assert movers.up[1].percent.is_new


def test_the_length_of_a_month_moves_nothing(ledger):
    """What costs the same a day and what costs the same a month are both as they were."""

    def entries(month_days):
        volume = Decimal(31 * 28 * 3) / month_days
        return [entry("Vm", "10", **COMPUTE), entry("Vol", str(volume), category="storage", resource="v")]

    keep(ledger, {day(1, 1) + place * ONE_DAY: entries(31) for place in range(31)})
    keep(ledger, {day(1, 2) + place * ONE_DAY: entries(28) for place in range(28)})
    trends = trend(ledger, Period(day(1, 2), day(1)), MONTH)

    assert (trends.movers.up, trends.movers.down, trends.movers.unclear) == ([], [], 1)
    assert drivers_of([ledger], trends.history.question).movers == []


def test_what_has_no_price_in_one_of_the_steps_is_left_out_and_counted(ledger):
    def entries(new, old):
        return [
            entry("New", new, category="new", resource="n"),
            entry("Old", old, category="old", resource="o"),
            entry("Known", "1", category="both", resource="k"),
            entry("Unknown", None, category="both", resource="u"),
        ]

    keep(ledger, {MONDAY: entries(None, "3"), MONDAY + ONE_DAY: entries("3", None)})
    keep(ledger, {MONDAY + 2 * ONE_DAY: [*entries("5", None), entry("Known2", "9", category="both")]})
    period = Period(MONDAY, MONDAY + 3 * ONE_DAY)
    first, last = (trend(ledger, Period(MONDAY, MONDAY + days * ONE_DAY)).movers for days in (2, 3))

    assert (first.up, first.down, first.unknown) == ([], [], 2)
    assert [(one.key, one.lacks) for one in last.up] == [("both", True), ("new", False)]
    assert [point.unpriced for point in trend(ledger, period).points] == [2, 2, 2]


@pytest.mark.parametrize("granularity", [DAY, WEEK])
def test_a_step_of_which_nothing_has_a_price_is_unknown_and_no_fall_to_nothing(ledger, granularity):
    weeks = [Period(MONDAY + start * ONE_DAY, MONDAY + (start + 7) * ONE_DAY) for start in (0, 7, 14)]
    prices = dict(zip(weeks, ("5", None, "5"), strict=True))
    keep(ledger, {one: [entry(price=prices[week])] for week in weeks for one in week.days})
    trends = trend(ledger, Period(MONDAY, weeks[-1].end), granularity)

    lacking = [point for point in trends.points if point.unpriced]
    assert len(lacking) == len(trends.points) / 3
    for point in lacking:
        assert (point.cost, point.average_day, point.is_whole) == (None, None, False)
    assert set(growths(trends)) <= {None, 0}
    assert trends.average == (5 if granularity == DAY else 35)
    assert trends.compound.percent == 0
    assert compared(trends)["week"] is None
    assert [one.lacks for one in trends.earlier if one.kind == "week"] == [True]


def test_movers_are_those_of_any_grouping_and_ten_in_each_direction(ledger):
    entries = [entry(price=str(number), resource=f"nat-{number:02}") for number in range(1, 25)]
    keep(ledger, {MONDAY: [], MONDAY + ONE_DAY: entries})
    period = Period(MONDAY + ONE_DAY, MONDAY + 2 * ONE_DAY)

    by_resource = trend(ledger, period, group_by=Dimension.RESOURCE).movers
    assert [one.key for one in by_resource.up] == [f"nat-{number:02}" for number in range(24, 14, -1)]
    [by_region] = trend(ledger, period, group_by=Dimension.REGION).movers.up
    assert (by_region.key, by_region.after) == (REGION, sum(range(25)))


# --- Arithmetic

COSTS = st.lists(st.none() | st.decimals("-1e6", "1e6", places=4), min_size=1, max_size=40)


def of_costs(costs, granularity=DAY):
    """Return the trend of days that cost so much, without a database."""
    period = Period(MONDAY, MONDAY + len(costs) * ONE_DAY)
    known = {
        one: KnownDay(DayState.COMPLETE)
        for one, cost in zip(period.days, costs, strict=True)
        if cost is not None
    }
    coverage = Coverage(period, known)
    found = []
    for step in steps(period, granularity):
        of_step = [cost for one, cost in zip(period.days, costs, strict=True) if step.first <= one < step.end]
        read = [cost for cost in of_step if cost is not None]
        found.append(Step(step, sum(read) if read else None, coverage.of(step)))
    question = Question(period, granularity)
    return Trends(SimpleNamespace(steps=found, unpriced_by_step=[0] * len(found), question=question))


@settings(max_examples=50)
@given(COSTS, st.sampled_from([DAY, WEEK]))
def test_each_average_is_of_the_steps_before_it_and_unknown_with_one_of_them(costs, granularity):
    trends = of_costs(costs, granularity)
    points = trends.points
    for place, point in enumerate(points):
        window = points[max(0, place + 1 - trends.window) : place + 1]
        if len(window) < trends.window or not all(one.is_whole for one in window):
            assert point.moving_average is None
        else:
            assert point.moving_average == sum(one.cost for one in window) / trends.window


@settings(max_examples=50)
@given(st.lists(st.decimals("0.01", "1e6", places=2), min_size=8, max_size=40))
def test_the_compound_growth_leads_from_the_first_step_to_the_last(costs):
    compound = of_costs(costs).compound
    first, last = costs[(len(costs) - 1) % 7], costs[-1]
    assert float(first) * (1 + float(compound.percent) / 100) ** compound.steps == pytest.approx(float(last))


@settings(max_examples=50)
@given(COSTS)
def test_a_slope_turns_with_its_series(costs):
    slope = of_costs(costs).slope
    turned = of_costs([None if cost is None else -cost for cost in costs]).slope
    assert (slope and slope.per_day) == (turned and -turned.per_day)
