import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from sandbox.cloud import (
    ACCOUNTS,
    CONSUMPTION_ONLY_KEY,
    DEMO_ACCOUNT,
    DEMO_KEY,
    EMPTY_ACCOUNT,
    LINKED_KEY,
    PAYING_KEY,
)
from sandbox.prices import FCU, VM, price_list, unit_price

OCTOBER = {"FromDate": "2025-10-01", "ToDate": "2025-11-01"}


@pytest.fixture
def consumed(post):
    def ask(key=DEMO_KEY, region="eu-west-2", **parameters):
        body = {"FromDate": "2025-10-01", "ToDate": "2025-10-02", **parameters}
        response = post("ReadConsumptionAccount", body, key, region=region)
        assert response.status_code == 200, response.text
        return json.loads(response.content, parse_float=Decimal)

    return ask


def total(answer):
    return sum(entry.get("Price", 0) for entry in answer["ConsumptionEntries"])


def key_of(entry):
    return entry["Service"], entry["Type"], entry["Operation"]


def test_entries_tell_whose_they_are_and_the_period_asked(consumed):
    for entry in consumed(**OCTOBER)["ConsumptionEntries"]:
        assert entry["AccountId"] == DEMO_ACCOUNT.account_id
        assert entry["PayingAccountId"] == "100000000000"
        assert (entry["FromDate"], entry["ToDate"]) == (
            "2025-10-01T00:00:00.000+0000",
            "2025-11-01T00:00:00.000+0000",
        )


def test_there_is_one_entry_for_each_product_and_place(consumed):
    entries = consumed()["ConsumptionEntries"]
    places = [(key_of(entry), entry["SubregionName"]) for entry in entries]

    assert len(places) == len(set(places)) > 8
    assert {entry["Category"] for entry in entries} == {"compute", "licence", "storage", "network"}
    assert all(entry["Title"] for entry in entries)


def test_prices_and_currency_come_only_when_asked_for(consumed):
    bare, priced = consumed(), consumed(ShowPrice=True)

    assert "Currency" not in bare
    assert not any({"UnitPrice", "Price"} & entry.keys() for entry in bare["ConsumptionEntries"])
    assert priced["Currency"] == "EUR"
    assert consumed(region="us-west-1", ShowPrice=True)["Currency"] == "USD"


def test_a_price_is_the_value_times_the_price_of_the_catalog(consumed):
    for entry in consumed(ShowPrice=True)["ConsumptionEntries"]:
        assert entry.get("UnitPrice") == unit_price(price_list("eu-west-2"), key_of(entry))
        assert "UnitPrice" not in entry or entry["Price"] == entry["Value"] * entry["UnitPrice"]


def test_only_what_the_catalog_does_not_know_is_consumed_without_a_price(consumed):
    entries = consumed(ShowPrice=True)["ConsumptionEntries"]

    assert {(entry["Type"], entry["Operation"]) for entry in entries if "Price" not in entry} == {
        ("BoxUsage:tinav9.c4r8p1", VM),
        ("BoxUsage:x1.32xlarge", VM),
        ("ProductUsage:x1.32xlarge", "RunInstances-0001-OD"),
        ("ProductUsage:tinav6.c4r16p2", "RunInstances-0007-OD"),
    }


def test_a_product_without_a_price_is_consumed_all_the_same(sandbox, consumed):
    sandbox.cloud.remove_price("eu-west-2", (FCU, "CustomRam", VM))

    entries = consumed(ShowPrice=True)["ConsumptionEntries"]

    vms = [entry for entry in entries if entry["Type"].startswith("BoxUsage:")]
    assert vms
    assert not any({"UnitPrice", "Price"} & entry.keys() for entry in vms)


def test_storage_held_for_a_whole_month_is_billed_as_its_quantity(sandbox, consumed):
    volumes = sandbox.cloud.inventory("eu-west-2", DEMO_ACCOUNT.account_id).volumes
    sizes = defaultdict(int)
    for volume in volumes:
        sizes[f"BSU:VolumeUsage:{volume.volume_type}", volume.subregion] += volume.size_gib

    entries = consumed(**OCTOBER)["ConsumptionEntries"]

    month = {(entry["Type"], entry["SubregionName"]): entry["Value"] for entry in entries}
    assert {place: value for place, value in month.items() if place[0].startswith("BSU:VolumeUsage")} == sizes


def test_one_day_of_storage_is_a_fraction_of_the_month_with_ten_decimals(sandbox, consumed):
    stored = sum(
        s.stored_gib for s in sandbox.cloud.inventory("eu-west-2", DEMO_ACCOUNT.account_id).snapshots
    )

    day = {entry["Type"]: entry["Value"] for entry in consumed()["ConsumptionEntries"]}
    february = consumed(FromDate="2025-02-01", ToDate="2025-02-02")["ConsumptionEntries"]

    assert day["Snapshot:Usage"] == round(stored / 31, 10)
    assert {entry["Type"]: entry["Value"] for entry in february}["Snapshot:Usage"] == round(stored / 28, 10)


def test_the_days_of_a_month_add_up_to_the_month(consumed):
    days = [f"2025-10-{day:02}" for day in range(1, 32)] + ["2025-11-01"]

    daily = sum(total(consumed(FromDate=first, ToDate=end, ShowPrice=True)) for first, end in pairwise(days))

    # Each day is rounded to ten decimals, and then multiplied by prices of up to 4950 a month.
    assert abs(daily - total(consumed(**OCTOBER, ShowPrice=True))) < Decimal("1e-5")


def test_details_are_per_resource_and_add_up_to_the_same(consumed):
    whole = consumed(**OCTOBER, ShowPrice=True)
    details = consumed(**OCTOBER, ShowPrice=True, ShowResourceDetails=True)

    assert not any("ResourceId" in entry for entry in whole["ConsumptionEntries"])
    assert all(entry.get("ResourceId", "none") for entry in details["ConsumptionEntries"])
    assert abs(total(details) - total(whole)) < Decimal("1e-7")


def test_every_value_in_the_details_adds_up_to_the_one_of_its_product_and_place(consumed):
    def values(**parameters):
        sums = defaultdict(Decimal)
        for entry in consumed(**parameters)["ConsumptionEntries"]:
            sums[key_of(entry), entry["SubregionName"]] += entry["Value"]
        return sums

    day = {"FromDate": "2026-07-01", "ToDate": "2026-07-02"}
    for period in (day, OCTOBER):
        whole, details = values(**period), values(**period, ShowResourceDetails=True)

        assert whole.keys() == details.keys()
        # Each resource is rounded to ten decimals.
        assert max(abs(whole[place] - details[place]) for place in whole) < Decimal("1e-8")


def test_only_the_traffic_is_of_no_resource(consumed):
    details = consumed(ShowResourceDetails=True)["ConsumptionEntries"]

    assert [entry["Type"] for entry in details if "ResourceId" not in entry] == ["DataTransfer-Internet:out"]


def test_volumes_in_the_details_are_those_of_the_inventory(consumed, sdk):
    details = consumed(ShowResourceDetails=True)["ConsumptionEntries"]
    billed = {entry["ResourceId"] for entry in details if entry["Type"].startswith("BSU:VolumeUsage")}

    assert billed == {volume["VolumeId"] for volume in sdk().api("ReadVolumes")["Volumes"]}


def test_overall_gives_a_paying_account_all_accounts_and_a_linked_one_nothing(consumed):
    def accounts(key, **parameters):
        return {entry["AccountId"] for entry in consumed(key, **parameters)["ConsumptionEntries"]}

    assert accounts(PAYING_KEY, Overall=True) == set(ACCOUNTS) - {EMPTY_ACCOUNT.account_id}
    assert accounts(PAYING_KEY) == {PAYING_KEY.account_id}
    assert accounts(LINKED_KEY, Overall=True) == set()


def test_a_key_that_may_read_nothing_else_learns_its_account_from_yesterday(consumed):
    today = datetime.now(UTC).date()

    entries = consumed(CONSUMPTION_ONLY_KEY, FromDate=str(today - timedelta(days=1)), ToDate=str(today))

    assert {entry["AccountId"] for entry in entries["ConsumptionEntries"]} == {DEMO_ACCOUNT.account_id}


def test_no_day_is_told_before_it_is_over(sandbox, consumed):
    today = datetime.now(UTC).date()
    coming = {"FromDate": str(today), "ToDate": str(today + timedelta(days=30))}

    assert consumed(**coming)["ConsumptionEntries"] == []
    assert consumed(FromDate="2020-01-01", ToDate="2020-02-01")["ConsumptionEntries"] == []


@pytest.mark.parametrize("first", ["2025-10-01T00:00:00.000Z", "2025-10-01T00:00:00Z", "2025-10-01T00:00:00"])
def test_midnight_is_accepted_for_a_date(consumed, first):
    assert consumed(FromDate=first)["ConsumptionEntries"] == consumed()["ConsumptionEntries"]


@pytest.mark.parametrize(
    ("first", "end", "code"),
    [
        ("2025-10-02", "2025-10-02", "4118"),
        ("2025-10-03", "2025-10-02", "4118"),
        ("01/10/2025", "2025-10-02", "4047"),
        ("20251001", "2025-10-02", "4047"),
        ("2025-W40-3", "2025-10-02", "4047"),
        ("2025-02-30", "2025-10-02", "4047"),
        ("2025-10-01T12:00:00Z", "2025-10-02", "4047"),
        ("", "2025-10-02", "4047"),
    ],
)
def test_a_period_that_is_none_is_refused(sdk, refusal, first, end, code):
    client = sdk()

    assert refusal(client.api, "ReadConsumptionAccount", FromDate=first, ToDate=end) == (400, code)
