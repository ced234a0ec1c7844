"""Files as estimates: what osc-cost and the current cost write is read exactly, what is odd is refused."""

import json
from decimal import Decimal

import pytest

from consumption.estimatefiles import MOST_BYTES, EstimateRefused
from consumption.uploads import given_of
from costs import snapshots
from costs.costfiles import FORMATS
from costs.currentcost import Question, current_cost
from tests.consumption.days import day, keep, make_ledger
from tests.consumption.drifts import answer, drift, entry, held, lines, ran, read, sums, vm, volume

pytestmark = pytest.mark.django_db

# As osc-cost's own README shows it; licences were called products then.
README = """
{"resource_type":"Vm","osc_cost_version":"0.1.0","account_id":"509075394552","read_date_rfc3339":"2022-11-24T11:15:50.665643413+00:00","region":"eu-west-2","resource_id":"i-e51434a6","price_per_hour":0.044,"price_per_month":32.12,"vm_type":"tinav4.c1r1p2","vm_vcpu_gen":"4","vm_core_performance":"high","vm_image":"ami-bb490c7e","vm_vcpu":1,"vm_ram_gb":1,"price_vcpu_per_hour":0.039,"price_ram_gb_per_hour":0.005,"price_box_per_hour":0.0,"price_product_per_ram_gb_per_hour":0.0,"price_product_per_cpu_per_hour":0.0,"price_product_per_vm_per_hour":0.0}
{"resource_type":"Volume","osc_cost_version":"0.1.0","account_id":"509075394552","read_date_rfc3339":"2022-11-24T11:15:50.665643413+00:00","region":"eu-west-2","resource_id":"vol-9e99bad9","price_per_hour":0.02321918,"price_per_month":16.95,"volume_type":"io1","volume_size":15,"volume_iops":1500,"price_gb_per_month":0.13,"price_iops_per_month":0.01}
{"resource_type":"PublicIp","osc_cost_version":"0.1.0","account_id":"509075394552","read_date_rfc3339":"2022-11-24T11:15:50.665643413+00:00","region":"eu-west-2","resource_id":"eipalloc-2e5f8e4f","price_per_hour":0.0,"price_per_month":0.0,"price_non_attached":null,"price_first_ip":0.0,"price_next_ips":null}
"""


def osc_cost(resource_type, resource_id="x-1", **fields):
    """Return a row as the newest osc-cost writes it, without account and region."""
    return {
        "resource_type": resource_type,
        "osc_cost_version": "0.7.0",
        "account_id": None,
        "region": None,
        "read_date_rfc3339": "2026-03-01T08:00:00+00:00",
        "resource_id": resource_id,
        "price_per_hour": None,
        "price_per_month": None,
    } | fields


def given(*rows):
    return given_of("\n".join(map(json.dumps, rows)).encode(), "cost.json")


def amounts(found):
    return {
        line.resource_id: [(part.category, part.quantity, part.unit_price) for part in cost.price.parts]
        for line in found.lines
        for cost in [found.costs[line.cost]]
    }


def test_the_example_of_osc_cost_is_read_exactly():
    found = given_of(README.encode(), "cost.json")
    assert (found.account_id, found.region, found.kinds) == (
        "509075394552",
        "eu-west-2",
        ["PublicIp", "Vm", "Volume"],
    )
    assert found.made_at.date().isoformat() == "2022-11-24"
    assert amounts(found) == {
        "i-e51434a6": [("compute", 1, Decimal("0.044"))],
        "vol-9e99bad9": [("storage", 15, Decimal("0.13")), ("storage", 1500, Decimal("0.01"))],
        "eipalloc-2e5f8e4f": [("network", 1, Decimal("0.0"))],
    }
    as_list = json.dumps([json.loads(line) for line in README.strip().splitlines()])
    assert amounts(given_of(as_list.encode(), "cost.json")) == amounts(found)


def test_a_file_of_osc_cost_is_compared_by_the_days_of_the_month_and_not_by_its_hours():
    ledger = make_ledger()
    keep(ledger, {day(1): [ran(), held(300, 31)], day(2): [ran(), held(300, 31)]})
    found = given(
        osc_cost("Vm", "i-1", price_per_hour=0.18, vm_type="tinav6.c4r8p2"),
        osc_cost("Volume", "vol-1", price_per_hour=0.04520548, price_per_month=33.0),
        osc_cost("Snapshot", "snap-1", price_per_month=5.5, volume_size_gib=100, price_gb_per_month=0.055),
        osc_cost("SomethingNew"),
    )
    compared = answer(ledger, day(1), day(2), given=found)
    assert lines(compared.drift) == {
        "i-1": ("8.64", "8.64", []),
        "vol-1": ("2.13", "2.13", []),
        "snap-1": ("0.35", "0.00", ["upper_bound", "not_consumed"]),
    }
    said = compared.basis.left_out
    assert "Rows of the kind “SomethingNew” are left out, for it is not known: 1." in said
    assert "The file names no currency: its amounts are taken as EUR." in said


def test_what_a_file_has_no_rows_of_stands_apart():
    ledger = make_ledger()
    keep(ledger, {day(1): [ran(), held(300, 31)]})
    found = drift(ledger, day(1), day(1), given=given(osc_cost("Vm", "i-1", price_per_hour=0.18)))
    assert sums(found) == ("4.32", "4.32", 1)
    assert [one.kind for one in found.apart] == ["Volume"]


def test_of_an_aggregate_nobody_knows_what_one_resource_was_expected_to_cost():
    ledger = make_ledger()
    keep(ledger, {day(1): [ran("i-1"), ran("i-2"), held(300, 31)]})
    rows = [
        osc_cost("Aggregate", None, aggregated_resource_type="Vm", count=2, price_per_hour=0.36),
        osc_cost("Volume", "vol-1", price_per_month=33.0),
    ]
    asked = given(*rows)
    narrowed = drift(ledger, day(1), day(1), given=asked, resource=["i-1", "vol-1"])
    assert list(lines(narrowed)) == ["vol-1"]
    [apart] = narrowed.apart
    assert (apart.kind, apart.estimated, f"{apart.consumed:.2f}") == ("Vm", None, "4.32")


def test_aggregates_are_compared_kind_by_kind_with_the_licences_of_a_vm_apart():
    ledger = make_ledger()
    keep(ledger, {day(1): [ran("i-1"), ran("i-2"), held(300, 31)]})
    rows = [
        osc_cost("Aggregate", None, aggregated_resource_type="Vm", count=2, price_per_hour=0.4),
        osc_cost("Aggregate", None, aggregated_resource_type="Volume", count=1, price_per_month=31.0),
    ]
    assert lines(drift(ledger, day(1), day(1), given=given(*rows))) == {
        "Vm": ("9.60", "8.64", ["not_named"]),
        "Volume": ("1.00", "1.06", ["not_named"]),
    }
    [parts] = amounts(
        given(
            osc_cost(
                "Vm",
                price_per_hour=0.242,
                vm_vcpu=2,
                price_license_per_cpu_per_hour=0.1,
                license_codes="0002",
            )
        )
    ).values()
    assert parts == [("compute", 1, Decimal("0.042")), ("licence", 1, Decimal("0.2"))]


def test_our_own_json_is_the_same_estimate_as_the_reading_it_shows():
    ledger = make_ledger()
    stored = read(day(1), vm(codes=("0002",), tenancy="dedicated"), volume(300), missing=["ReadSnapshots"])
    cost = current_cost(snapshots.read(stored), Question())
    content = FORMATS["json"].write(cost, False)
    keep(ledger, {day(1): [ran(), held(300, 31), entry("Snapshot:Usage", "1", operation="Snapshot")]})
    by_file = answer(ledger, day(1), day(1), given=given_of(content, "cost.json"))
    wrapped = json.dumps({"data": json.loads(content), "metadata": {}}).encode()
    assert lines(drift(ledger, day(1), day(1), given=given_of(wrapped, "cost.json"))) == lines(by_file.drift)
    assert lines(by_file.drift) == lines(drift(ledger, day(1), day(1)))
    assert [one.kind for one in by_file.drift.apart] == ["Snapshot"]
    assert "Snapshot is left out: the file does not know all of it." in by_file.basis.left_out
    with pytest.raises(EstimateRefused) as refused:
        given_of(FORMATS["json"].write(cost, True), "cost.json")
    assert "without --aggregate" in str(refused.value.message)


def test_a_file_in_another_currency_or_of_another_account_is_not_compared():
    ledger = make_ledger()
    read(day(1), vm())
    keep(ledger, {day(1): [ran()]})
    content = given(osc_cost("Vm", "i-1", price_per_hour=0.18, account_id="999999999999"))
    other = answer(ledger, day(1), day(1), given=content)
    assert (other.drift.compared_days, len(other.basis.left_out)) == (0, 1)
    assert "999999999999" in other.basis.left_out[0]
    dollars = type(content)(
        **{name: getattr(content, name) for name in content.__struct_fields__}
        | {"account_id": "", "currency": "USD"}
    )
    assert answer(ledger, day(1), day(1), given=dollars).drift.compared_days == 0


ROW = osc_cost("Vm", price_per_hour=1)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"  \n ", "empty"),
        (b"Summary:\n+---+", "Line 1 is no JSON"),
        (b"PK\x03\x04binary", "Line 1 is no JSON"),
        (b"\xff\xfe{\x00", "Line 1 is no JSON"),
        (json.dumps(ROW).encode() + b"\nvm,1,2", "Line 2 is no JSON"),
        (b'{"a": 1}', "neither"),
        (b"[]", "neither"),
        (b"42", "neither"),
        (b"null", "no JSON"),
        (b'{"category":"Vm","osc_cost_price":1.0,"digest_price":2.0,"drift":3}', "drift of osc-cost"),
        (b"[" * 5000, "Line 1 is no JSON"),
        (json.dumps(ROW | {"price_per_hour": "abc"}).encode(), "Row 1: price_per_hour cannot be right."),
        (json.dumps(ROW).replace(": 1,", ": NaN,", 1).encode(), "no JSON"),
        (json.dumps(ROW).replace(": 1,", ": 1e999999,", 1).encode(), "price_per_hour cannot be right"),
        (json.dumps(ROW).replace(": 1,", ": 1e-999999,", 1).encode(), "price_per_hour cannot be right"),
        (json.dumps(ROW | {"price_per_hour": -1}).encode(), "price_per_hour cannot be right"),
        (json.dumps(ROW | {"price_per_hour": True}).encode(), "price_per_hour cannot be right"),
        (json.dumps(ROW | {"price_per_hour": [1]}).encode(), "price_per_hour cannot be right"),
        (json.dumps(ROW | {"resource_id": ""}).encode(), "resource_id cannot be right"),
        (json.dumps(ROW | {"resource_id": 7}).encode(), "resource_id cannot be right"),
        (json.dumps(ROW | {"resource_id": "a\x00b"}).encode(), "resource_id cannot be right"),
        (json.dumps(ROW | {"resource_id": "a" * 300}).encode(), "resource_id cannot be right"),
        (json.dumps([ROW, 7]).encode(), "Row 2 is no JSON object"),
        (json.dumps([ROW, ROW]).encode(), "x-1 stands in the file twice."),
        (
            json.dumps([ROW | {"region": "a"}, ROW | {"region": "b", "resource_id": "y"}]).encode(),
            "several accounts or regions",
        ),
        (b" " * MOST_BYTES + b"{}", "larger than 20 MB"),
    ],
)
def test_a_file_that_is_no_estimate_is_refused_with_the_place_and_the_reason(content, said):
    with pytest.raises(EstimateRefused) as refused:
        given_of(content, "cost.json")
    assert said in str(refused.value.message)


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "soon"])
def test_a_file_that_names_no_moment_in_any_calendar_is_an_estimate_without_one(moment):
    ledger = make_ledger()
    keep(ledger, {day(1): [ran()]})
    row = osc_cost("Vm", "i-1", price_per_hour="0.18", read_date_rfc3339=moment)
    found = answer(ledger, day(1), day(1), given=given(row))
    assert (sums(found.drift), found.basis.made_at) == (("4.32", "4.32", 1), None)


@pytest.mark.parametrize("missing", [[{"call": []}], [{"call": {}}, 7], "ReadVms", {"call": "ReadVms"}])
def test_what_our_own_json_misses_without_naming_a_call_is_passed_over(missing):
    document = {"by_type": [], "read_at": "2026-03-01T08:00:00Z", "resources": [], "missing": missing}
    assert given_of(json.dumps(document).encode(), "cost.json").left_out == []


def test_a_row_without_a_price_is_not_taken_for_free():
    ledger = make_ledger()
    keep(ledger, {day(1): [ran()]})
    found = drift(ledger, day(1), day(1), given=given(osc_cost("Vm", "i-1")))
    assert (len(found.lines), found.apart[0].resource_id, found.apart[0].cause) == (0, "i-1", "not_priced")
