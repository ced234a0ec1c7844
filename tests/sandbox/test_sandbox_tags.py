"""The tags of the three accounts of a group: in all their states, and one that changes."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta

import pytest

from sandbox.api import CALLS
from sandbox.calls import Asked
from sandbox.cloud import ACCOUNTS, DEMO_KEY, LINKED_KEY, PAYING_ACCOUNT, PAYING_KEY, Cloud
from sandbox.draw import PROJECTS
from sandbox.handovers import project_of, week_of
from sandbox.regions import REGIONS

GROUP = [PAYING_KEY, DEMO_KEY, LINKED_KEY]
DAY = 86400


def test_one_account_pays_for_the_two_others():
    payers = {ACCOUNTS[key.account_id].paying_account_id for key in GROUP}

    assert payers == {PAYING_ACCOUNT.account_id}
    assert len({key.account_id for key in GROUP}) == 3


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("key", GROUP)
def test_what_each_account_consumes_carries_tags_in_all_their_states(sdk, key, region):
    client = sdk(key, region)
    tags, values = defaultdict(dict), defaultdict(set)
    page = client.api("ReadTags", ResultsPerPage=1000)
    for tag in page["Tags"]:
        tags[tag["ResourceId"]][tag["Key"]] = tag["Value"]
        values[tag["Key"]].add(tag["Value"])
    assert "NextPageToken" not in page
    period = {"FromDate": "2025-10-01", "ToDate": "2025-10-02", "ShowResourceDetails": True}
    entries = client.api("ReadConsumptionAccount", **period)["ConsumptionEntries"]
    consuming = {entry["ResourceId"] for entry in entries if entry["Type"].startswith("BoxUsage:")}
    tagged = [tags.get(resource, {}) for resource in consuming]

    assert {} in tagged, "without any tag"
    assert any(one and "project" not in one for one in tagged), "with others than the one asked for"
    assert any(one.get("équipe") == "données – 数据 🚀" and one["проект"] == "архив" for one in tagged)
    assert any(len(one) == 50 for one in tagged), "all that a resource may have"
    assert any(
        {one.get(name) for name in ("project", "Project", "PROJECT")} == {"portail", "imagerie", "archives"}
        for one in tagged
    ), "keys that differ by case only"
    assert any(one.get("empty") == "" and one["formula"] == "=1+1" for one in tagged)
    assert values["project"] == set(PROJECTS)
    assert len(values["Name"]) > 25, "a key of which nearly every resource has a value of its own"


def cloud_on_a_wednesday():
    """Return a cloud whose week does not turn while a test runs."""
    cloud = Cloud()
    cloud.clock.shift((2 - cloud.clock.now().weekday()) * DAY)
    return cloud


def vms_of(cloud, key, region="eu-west-2"):
    return {vm.vm_id: vm for vm in cloud.inventory(region, key.account_id).vms}


@pytest.mark.parametrize("key", GROUP)
def test_a_vm_passes_to_the_next_project_each_monday_and_nothing_else_changes(key):
    cloud = cloud_on_a_wednesday()
    before = vms_of(cloud, key)
    volumes = cloud.inventory("eu-west-2", key.account_id).volumes
    seen = [before]
    for _week in range(4):
        cloud.clock.shift(7 * DAY)
        seen.append(vms_of(cloud, key))

    [changed] = [vm_id for vm_id in before if seen[1][vm_id] != before[vm_id]]
    assert seen[1] == before | {changed: seen[1][changed]}
    projects = [dict(vms[changed].tags)["project"] for vms in seen]
    assert set(projects[:4]) == set(PROJECTS)
    assert (projects[0], len(before[changed].tags)) == (projects[4], len(seen[1][changed].tags))
    assert cloud.inventory("eu-west-2", key.account_id).volumes == volumes


def test_the_handover_is_at_midnight_utc_before_monday():
    sunday, monday = datetime(2026, 3, 1, 23, 59, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)

    assert [moment.weekday() for moment in (sunday, monday)] == [6, 0]
    assert week_of(monday.date()) == week_of(sunday.date()) + 1
    assert week_of(monday.date()) == week_of((monday + timedelta(days=6)).date())
    assert project_of(week_of(monday.date())) != project_of(week_of(sunday.date()))


@pytest.mark.parametrize("call", ["ReadTags", "ReadVms"])
def test_the_calls_tell_the_tags_of_this_week_and_the_same_ones_when_the_week_is_back(call):
    cloud = cloud_on_a_wednesday()
    asked = Asked(cloud, "eu-west-2", DEMO_KEY, {"ResultsPerPage": 1000})
    this_week = CALLS[call].fields(asked)
    cloud.clock.shift(7 * DAY)
    next_week = CALLS[call].fields(asked)
    cloud.clock.shift(-7 * DAY)
    other = cloud_on_a_wednesday()

    assert next_week != this_week
    assert CALLS[call].fields(asked) == this_week
    assert CALLS[call].fields(Asked(other, "eu-west-2", DEMO_KEY, asked.parameters)) == this_week
