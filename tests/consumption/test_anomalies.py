"""Days that leave what was expected are found, on series whose answer is known; quiet ones stay quiet."""

import datetime as dt
import random
from calendar import monthrange
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumption.anomalies import LASTING_DAYS, DailyCost, Kind, Verdict, detect

MONDAY = dt.date(2026, 1, 5)
WEEK = (100, 98, 99, 97, 90, 40, 35)
YEAR = 365


def on(place):
    return MONDAY + dt.timedelta(days=place)


def series(cost, days=120, **changes):
    """Return daily costs: ``cost`` is an amount or a function of the place of the day.

    ``changes`` are other amounts by place (``d40=…``); None is a day that is not known.
    """
    changes = {int(name[1:]): amount for name, amount in changes.items()}
    amounts = [changes.get(place, cost(place) if callable(cost) else cost) for place in range(days)]
    return [
        DailyCost(on(place), None if amount is None else Decimal(str(round(amount, 6))))
        for place, amount in enumerate(amounts)
    ]


def weekly(place):
    return WEEK[place % 7]


def told(costs):
    """Return each anomaly as first and last place, kind, and excess."""
    return [
        ((one.period.first - MONDAY).days, (one.period.last - MONDAY).days, one.kind, one.excess)
        for one in detect(costs).anomalies
    ]


@pytest.mark.parametrize(
    "costs",
    [
        series(100),
        series(0),
        series(-20),
        series(weekly),
        series(lambda place: 100 + place),  # grows by 30 a month
        series(lambda place: 1000 - 2 * place),
        series(lambda place: 100 * 1.1 ** (place / 30), days=YEAR),
        series(lambda place: 5 + place % 3 * 0.2),  # cents
        series(100, days=1),
        series(100, days=0),
        series(None),
    ],
    ids=[
        "constant",
        "zeros",
        "credits",
        "week",
        "linear",
        "falling",
        "exponential",
        "cents",
        "one day",
        "no day",
        "unknown",
    ],
)
def test_what_goes_on_as_before_is_no_anomaly(costs):
    assert told(costs) == []


def test_a_spike_is_told_with_its_size_and_hides_no_later_one():
    costs = series(weekly, d60=400, d67=401)  # both Fridays: the second is compared with the days before both

    assert told(costs) == [(60, 60, Kind.SPIKE, 310), (67, 67, Kind.SPIKE, 311)]
    day = detect(costs).days[67]
    assert (day.reference, day.expected, day.cost, day.excess) == (on(53), 90, 401, 311)
    assert day.low < day.expected < day.high < day.cost


def test_days_next_to_each_other_are_one_anomaly_and_two_with_a_usual_day_between_are_two():
    assert told(series(100, d60=300, d61=320, d63=300)) == [
        (60, 61, Kind.SPIKE, 420),
        (63, 63, Kind.SPIKE, 200),
    ]
    assert told(series(100, d60=300, d61=20)) == [(60, 60, Kind.SPIKE, 200), (61, 61, Kind.SPIKE, -80)]


def test_a_fall_and_a_credit_are_anomalies_too():
    assert told(series(weekly, d61=-500)) == [(61, 61, Kind.SPIKE, -540)]
    assert told(series(100, d60=0)) == [(60, 60, Kind.SPIKE, -100)]


@pytest.mark.parametrize("level", [150, 70, 0])
def test_a_step_is_told_once_since_its_first_day_and_its_level_is_expected_afterwards(level):
    costs = series(lambda place: level if place >= 50 else 100)

    assert told(costs) == [(50, 50 + LASTING_DAYS - 1, Kind.LASTING, (level - 100) * LASTING_DAYS)]
    assert {day.verdict for day in detect(costs).days[64:]} == {Verdict.USUAL}


def test_the_way_back_from_a_lasting_change_is_another_one():
    costs = series(lambda place: 150 if 50 <= place < 80 else 100)

    assert told(costs) == [(50, 63, Kind.LASTING, 700), (80, 93, Kind.LASTING, -700)]


def test_a_change_of_working_days_only_goes_on_over_the_weekends():
    costs = series(lambda place: weekly(place) + (60 if place >= 49 and place % 7 < 5 else 0))

    ((first, _last, kind, excess),) = told(costs)
    assert (first, kind, excess % 60) == (49, Kind.LASTING, 0)


def test_what_reaches_the_last_day_is_still_going_on():
    assert told(series(100, days=60, d58=200, d59=200)) == [(58, 59, Kind.ONGOING, 200)]
    assert told(series(100, days=61, d58=200, d59=200, d60=None)) == [(58, 59, Kind.ONGOING, 200)]
    assert told(series(100, days=61, d58=200, d59=200)) == [(58, 59, Kind.SPIKE, 200)]


def test_a_cost_has_not_come_back_while_no_day_after_it_is_known():
    unknown = {f"d{place}": None for place in range(51, 65)}
    assert told(series(100, days=65, d50=300, **unknown)) == [(50, 50, Kind.ONGOING, 200)]
    assert told(series(100, days=66, d50=300, **unknown)) == [(50, 50, Kind.SPIKE, 200)]
    assert told(series(100, days=66, d50=300, d65=300, **unknown)) == [
        (50, 50, Kind.SPIKE, 200),
        (65, 65, Kind.ONGOING, 200),
    ]


def test_unknown_days_are_no_zeros_and_part_no_anomaly():
    gaps = dict.fromkeys(("d40", "d41", "d54", "d61"))
    costs = series(weekly, **gaps, d60=300, d62=300)

    assert told(costs) == [(60, 62, Kind.SPIKE, Decimal(300 - 90 + 300 - 35))]
    unknown = detect(costs).days[61]
    assert (unknown.verdict, unknown.cost, unknown.expected) == (Verdict.UNKNOWN, None, None)


def test_from_nothing_to_something_is_told_with_no_percentage():
    (found,) = detect(series(lambda place: 50 if place >= 60 else 0)).anomalies

    assert (found.period.first, found.kind, found.percent, found.expected) == (on(60), Kind.LASTING, None, 0)


def test_the_first_four_weeks_are_not_judged_whatever_they_cost():
    days = detect(series(100, days=40, d10=900)).days

    assert {day.verdict for day in days[:28]} == {Verdict.TOO_EARLY}
    assert {day.verdict for day in days[28:]} == {Verdict.USUAL}


def test_a_day_whose_bill_still_grows_may_cost_less_so_far_but_not_more():
    costs = series(100, days=60)
    grown = [DailyCost(one.day, cost, can_grow=True) for one, cost in zip(costs[-2:], (20, 200), strict=True)]
    days = detect(
        [*costs[:-2], *(DailyCost(one.day, Decimal(one.cost), can_grow=True) for one in grown)]
    ).days

    assert [day.verdict for day in days[-2:]] == [Verdict.STILL_GROWS, Verdict.ANOMALOUS]


def test_months_of_other_lengths_are_no_anomaly_of_what_is_sold_by_the_month():
    days = [dt.date(2025, 10, 1) + dt.timedelta(days=place) for place in range(YEAR)]
    shares = [Decimal(3100) / monthrange(day.year, day.month)[1] for day in days]
    by_month = [DailyCost(day, share, monthly=share) for day, share in zip(days, shares, strict=True)]
    unaware = [DailyCost(day, share) for day, share in zip(days, shares, strict=True)]

    assert detect(by_month).anomalies == []
    assert detect(unaware).anomalies  # February, by a tenth


NOISES = {
    "none": lambda draw: 0,
    "even, of 10 %": lambda draw: draw.uniform(-0.1, 0.1),
    "normal, of 1 %": lambda draw: draw.gauss(0, 0.01),
    "normal, of 5 %": lambda draw: draw.gauss(0, 0.05),
    "normal, of 20 %": lambda draw: draw.gauss(0, 0.2),
}


def two_sided(draw):
    """Return a miss whose large values are frequent (a Laplace distribution), of 2 % on average."""
    return draw.expovariate(1) * draw.choice((-0.02, 0.02))


@pytest.mark.parametrize("noise", NOISES)
def test_twelve_quiet_months_raise_at_most_one_false_alarm(noise):
    """Measured over 300 years of each: none at all, but for three years with one of the widest noise."""
    alarms = []
    for seed in range(30):
        draw = random.Random(f"{noise} {seed}")
        costs = series(lambda place, draw=draw: weekly(place) * (1 + NOISES[noise](draw)), days=YEAR + 28)
        alarms.append(len(told(costs)))
    assert max(alarms) <= 1
    assert sum(alarms) <= 1


def test_noise_with_heavy_tails_raises_less_than_one_false_alarm_in_two_years():
    """Measured over 300 years: 0.18 a year, and four years with two."""
    alarms = 0
    for seed in range(30):
        draw = random.Random(seed)
        costs = series(lambda place, draw=draw: 500 * (1 + two_sided(draw)), days=YEAR + 28)
        alarms += len(told(costs))
    assert alarms <= 15


@settings(max_examples=40)
@given(st.lists(st.none() | st.decimals("-1000", "100000", places=2), max_size=90))
def test_whatever_the_days_cost_each_is_judged_and_the_sizes_add_up(amounts):
    found = detect(DailyCost(on(place), amount) for place, amount in enumerate(amounts))

    assert [day.day for day in found.days] == [on(place) for place in range(len(amounts))]
    in_some = [day for one in found.anomalies for day in one.days]
    assert len({day.day for day in in_some}) == len(in_some)
    assert {day.day for day in found.days if day.verdict == Verdict.ANOMALOUS} <= {day.day for day in in_some}
    for one in found.anomalies:
        assert one.actual == one.expected + one.excess
        assert one.excess == sum(day.excess for day in one.days)
        assert one.is_rise == (one.days[0].cost > one.days[0].high)
