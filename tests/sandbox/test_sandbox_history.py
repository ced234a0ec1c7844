"""What the sandbox tells of the past: resources that are gone by now, and clusters that no call lists."""

import json
from datetime import date, timedelta
from decimal import Decimal

import pytest

from sandbox.cloud import DEMO_ACCOUNT, DEMO_KEY, EMPTY_KEY, LINKED_KEY, PAYING_KEY
from sandbox.history import (
    CAMPAIGN_GPU,
    CAMPAIGN_TYPE,
    PLATFORM_TYPE,
    WORKER_TYPE,
    WORKING_HOURS,
    spike_days,
    step_day,
)
from sandbox.server import running

ALL = {"ShowPrice": True, "ShowResourceDetails": True}


@pytest.fixture
def today(sandbox):
    return sandbox.cloud.clock.now().date()


@pytest.fixture
def consumed(post):
    def ask(first, end=None, key=DEMO_KEY, region="eu-west-2", **parameters):
        body = {"FromDate": str(first), "ToDate": str(end or first + timedelta(days=1)), **parameters}
        response = post("ReadConsumptionAccount", body, key, region=region)
        assert response.status_code == 200, response.text
        return json.loads(response.content, parse_float=Decimal)["ConsumptionEntries"]

    return ask


def cost(entries):
    return sum(entry.get("Price", 0) for entry in entries)


def hours(entries, type_):
    return sum(entry["Value"] for entry in entries if entry["Type"] == type_)


def quiet_monday(today):
    """Return the first Monday of the month after the campaign, in which nothing happens but the week."""
    first = (spike_days(today)[0] + timedelta(days=31)).replace(day=1)
    return first + timedelta(days=-first.weekday() % 7)


def test_workers_run_on_weekdays_only_and_shortest_on_fridays(consumed, today):
    monday = quiet_monday(today)

    week = [hours(consumed(monday + timedelta(days=n)), f"BoxUsage:{WORKER_TYPE}") / 16 for n in range(7)]

    assert week == list(WORKING_HOURS)
    assert week[0] > week[4] > week[5] == week[6] == 0


def test_a_quiet_week_costs_what_the_week_before_it_cost_day_by_day(consumed, today):
    monday = quiet_monday(today)

    weeks = [
        [cost(consumed(monday + timedelta(days=7 * week + n), ShowPrice=True)) for n in range(7)]
        for week in range(3)
    ]

    assert weeks[0] == weeks[1] == weeks[2]
    # The season is what tells the days apart: about an eighth of a day.
    assert Decimal("1.1") < weeks[0][0] / weeks[0][6] < Decimal("1.3")


def test_the_account_costs_less_from_the_day_its_old_platform_was_deleted(consumed, today):
    step = step_day(today)
    # The same weekday in one month, for months differ in length.
    week = timedelta(days=7)
    before, after, later = step - week, step, step + week

    costs = [cost(consumed(day, ShowPrice=True)) for day in (before - week, before, after, later)]
    platform = [hours(consumed(day), f"BoxUsage:{PLATFORM_TYPE}") for day in (step - timedelta(days=1), step)]

    assert platform == [6 * 24, 0]
    assert costs[0] == costs[1]
    assert costs[2] == costs[3]
    assert costs[1] - costs[2] > 250


def test_a_campaign_changes_nothing_but_its_three_days(consumed, today):
    spike = spike_days(today)
    days = [spike[0] - timedelta(days=1), *spike, spike[-1] + timedelta(days=1)]
    types = {f"BoxUsage:{CAMPAIGN_TYPE}", f"Gpu:attach:{CAMPAIGN_GPU}"}

    answers = [consumed(day, **ALL) for day in days]

    campaign = [cost(entry for entry in entries if entry["Type"] in types) for entries in answers]
    assert campaign == [0, *[Decimal("1075.2")] * 3, 0]
    week_after = [cost(consumed(day + timedelta(days=7), **ALL)) for day in spike]
    assert [cost(entries) for entries in answers[1:4]] == [usual + campaign[1] for usual in week_after]


@pytest.mark.parametrize(
    ("today", "step", "spike"),
    [
        (date(2026, 11, 26), date(2026, 5, 1), date(2026, 8, 9)),
        (date(2026, 11, 1), date(2026, 5, 1), date(2026, 8, 9)),
        (date(2026, 3, 31), date(2025, 9, 1), date(2025, 12, 9)),
        (date(2028, 2, 29), date(2027, 8, 1), date(2027, 11, 9)),
    ],
)
def test_step_and_spike_move_on_with_the_month(today, step, spike):
    assert step_day(today) == step
    assert spike_days(today) == (spike, spike + timedelta(days=1), spike + timedelta(days=2))


def test_a_day_asked_twice_is_the_same_also_later_in_the_month(sandbox, today):
    past = sandbox.cloud.past("eu-west-2", DEMO_ACCOUNT.account_id)
    days = (step_day(today) - timedelta(days=40), today.replace(day=1))

    def told(asked_on):
        return list(past.uses(*days, asked_on))

    assert told(today.replace(day=2)) == told(today.replace(day=28))


def test_the_same_seed_tells_the_same_past_and_another_seed_has_other_resources():
    def uses(seed):
        with running(seed) as sandbox:
            past = sandbox.cloud.past("eu-west-2", DEMO_ACCOUNT.account_id)
        return list(past.uses(date(2026, 6, 1), date(2026, 7, 1), date(2026, 11, 26)))

    assert uses(1) == uses(1) != uses(2)


def test_what_is_gone_is_in_no_inventory_and_keeps_its_ids_for_a_month(consumed, sdk, today):
    monday = quiet_monday(today)
    weeks = [
        {entry["ResourceId"] for entry in consumed(day, **ALL) if entry["Type"] == f"BoxUsage:{WORKER_TYPE}"}
        for day in (monday, monday + timedelta(days=14), monday + timedelta(days=42))
    ]

    listed = {vm["VmId"] for vm in sdk().api("ReadVms", ResultsPerPage=1000)["Vms"]}
    assert weeks[0] == weeks[1]
    assert len(weeks[0]) == 16
    assert not weeks[0] & (weeks[2] | listed)


def test_traffic_follows_the_week_and_costs_nothing(consumed, today):
    monday = quiet_monday(today)

    traffic = [
        entry
        for n in range(7)
        for entry in consumed(monday + timedelta(days=n), **ALL)
        if entry["Type"] == "DataTransfer-Internet:out"
    ]

    assert len(traffic) == 7
    assert {(entry["UnitPrice"], entry["Price"]) for entry in traffic} == {(0, 0)}
    values = [entry["Value"] for entry in traffic]
    assert min(values[:5]) > 2 * max(values[5:])


def test_a_cluster_is_told_by_consumption_alone_with_its_control_plane_and_its_project(consumed, today):
    entries = consumed(quiet_monday(today), **ALL)

    told = {
        (e["Type"], e["Operation"], e["Value"], e["UnitPrice"], e["ResourceId"])
        for e in entries
        if e["Service"] == "OKS"
    }

    ids = {cluster_id for *_, cluster_id in told}
    assert len(ids) == 1
    assert told == {
        ("dedicated:cp.3.masters.small", "ControlPlane", 24, Decimal("0.13"), *ids),
        ("Project:STD", "Project", 24, 0, *ids),
    }


def test_other_accounts_and_regions_have_a_week_but_no_cluster_step_or_spike(consumed, today):
    days = (step_day(today) - timedelta(days=1), spike_days(today)[0], quiet_monday(today))
    special = (PLATFORM_TYPE, CAMPAIGN_TYPE, CAMPAIGN_GPU, "ControlPlane")

    for key, region in ((PAYING_KEY, "eu-west-2"), (LINKED_KEY, "eu-west-2"), (DEMO_KEY, "us-west-1")):
        entries = [entry for day in days for entry in consumed(day, key=key, region=region)]
        assert hours(entries, f"BoxUsage:{WORKER_TYPE}")
        assert not [entry for entry in entries if (entry["Type"] + entry["Operation"]).endswith(special)]


def test_an_empty_account_has_no_past_either(consumed, today):
    assert consumed(date(2024, 1, 1), today, key=EMPTY_KEY) == []


def test_two_years_of_days_are_there(consumed, today):
    first = today - timedelta(days=730)

    assert all(consumed(first + timedelta(days=n), **ALL) for n in range(0, 730, 73))


def test_the_days_of_a_month_with_a_past_add_up_to_the_month(consumed, today):
    first = spike_days(today)[0].replace(day=1)
    end = (first + timedelta(days=31)).replace(day=1)
    days = [first + timedelta(days=n) for n in range((end - first).days)]

    month, daily = consumed(first, end, ShowPrice=True), [consumed(day, ShowPrice=True) for day in days]

    assert abs(cost(month) - sum(map(cost, daily))) < Decimal("1e-5")
    assert hours(month, "DataTransfer-Internet:out") == pytest.approx(
        sum(hours(day, "DataTransfer-Internet:out") for day in daily), abs=Decimal("1e-8")
    )


def test_overall_is_the_sum_of_the_accounts(consumed, today):
    day = spike_days(today)[1]

    overall = consumed(day, key=PAYING_KEY, Overall=True, **ALL)

    own = [entry for key in (PAYING_KEY, DEMO_KEY, LINKED_KEY) for entry in consumed(day, key=key, **ALL)]
    assert overall == own


@pytest.mark.parametrize("details", [False, True])
def test_a_day_can_be_corrected_later_and_no_other_day_changes(sandbox, consumed, details):
    day = date(2026, 6, 10)
    shown = {"ShowPrice": True, "ShowResourceDetails": details}
    around = [day - timedelta(days=1), day + timedelta(days=1)]
    before, quiet = consumed(day, **shown), [consumed(other, **shown) for other in around]
    month = consumed(date(2026, 6, 1), date(2026, 7, 1), **shown)

    sandbox.cloud.correct("eu-west-2", DEMO_ACCOUNT.account_id, day, "1.5")
    after = consumed(day, **shown)

    assert [entry["Value"] for entry in after] == [
        pytest.approx(entry["Value"] * Decimal("1.5"), abs=Decimal("1e-9")) for entry in before
    ]
    assert [consumed(other, **shown) for other in around] == quiet
    corrected = consumed(date(2026, 6, 1), date(2026, 7, 1), **shown)
    assert abs(cost(corrected) - cost(month) - (cost(after) - cost(before))) < Decimal("1e-5")
    sandbox.reset()
    assert consumed(day, **shown) == before


def test_a_correction_is_of_one_account_and_takes_the_place_of_an_earlier_one(sandbox, consumed):
    day = date(2026, 6, 10)
    before = consumed(day, ShowPrice=True)
    linked = consumed(day, key=LINKED_KEY)

    sandbox.cloud.correct("eu-west-2", DEMO_ACCOUNT.account_id, day, "0")
    assert consumed(day) == []
    sandbox.cloud.correct("eu-west-2", DEMO_ACCOUNT.account_id, day, 2)

    assert cost(consumed(day, ShowPrice=True)) == pytest.approx(2 * cost(before))
    assert consumed(day, key=LINKED_KEY) == linked


def test_days_not_consolidated_yet_are_refused_until_they_are(sandbox, sdk, refusal, today):
    def ask(ago, days=1):
        first = today - timedelta(days=ago)
        return {"FromDate": str(first), "ToDate": str(first + timedelta(days=days))}

    client = sdk()
    sandbox.cloud.consolidated_after_days = 2

    assert client.api("ReadConsumptionAccount", **ask(3))["ConsumptionEntries"]
    for question in (ask(2), ask(1), ask(0), ask(31, days=30)):
        assert refusal(client.api, "ReadConsumptionAccount", **question) == (400, "3001")
    sandbox.reset()
    assert client.api("ReadConsumptionAccount", **ask(1))["ConsumptionEntries"]
