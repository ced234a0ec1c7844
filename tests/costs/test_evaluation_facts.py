"""What the cloud says of a resource in a way that its API does not describe: the resource keeps its line."""

import json

import pytest

from costs.evaluation import evaluate
from costs.inventory import SOURCES, VM_TYPES, Inventory
from costs.snapshots import packed, unpacked
from tests.costs.inventories import FREE, known, monthly
from tests.costs.pricelists import sandbox_price_list

VOLUME = {"VolumeId": "vol-1", "VolumeType": "gp2", "Size": 10, "State": "in-use"}
VM = {"VmId": "i-1", "VmType": "tinav6.c2r4p2", "State": "running"}


def noted(call, *items, text=None):
    """Return the inventory of a page as the cloud would send it."""
    inventory = Inventory()
    source = VM_TYPES if call == VM_TYPES.call else SOURCES[call]
    source.note((text or json.dumps(items)).encode(), inventory)
    return inventory


def lines(inventory):
    """Return the lines of an inventory with what each costs, as they come back from the database."""
    found, costs = evaluate(unpacked(packed(inventory), Inventory), sandbox_price_list())
    return [(line, costs[line.cost]) for line in found]


@pytest.mark.parametrize(
    ("call", "item", "resource_id", "problem"),
    [
        ("ReadVms", {"VmId": "i-1", "State": "running"}, "i-1", "Object missing required field `VmType`"),
        (
            "ReadVms",
            {**VM, "ProductCodes": "01"},
            "i-1",
            "Expected `array | null`, got `str` - at `$.ProductCodes`",
        ),
        ("ReadVms", {**VM, "VmId": 7}, "?1", "Expected `str`, got `int` - at `$.VmId`"),
        ("ReadVms", {**VM, "VmId": "", "State": None}, "?1", "Expected `str`, got `null` - at `$.State`"),
        (
            "ReadVms",
            {**VM, "Placement": {"Tenancy": None}},
            "i-1",
            "Expected `str`, got `null` - at `$.Placement.Tenancy`",
        ),
        ("ReadVolumes", {**VOLUME, "Size": "100"}, "vol-1", "Expected `int`, got `str` - at `$.Size`"),
        ("ReadVolumes", {**VOLUME, "Size": 1.5}, "vol-1", "Expected `int`, got `decimal` - at `$.Size`"),
        ("ReadVolumes", {**VOLUME, "Size": True}, "vol-1", "Expected `int`, got `bool` - at `$.Size`"),
        ("ReadVolumes", {**VOLUME, "Size": -1}, "vol-1", "Expected `int` >= 0 - at `$.Size`"),
        *(
            (
                "ReadVolumes",
                {**VOLUME, "Size": size},
                "vol-1",
                "Expected `int` <= 1000000000000 - at `$.Size`",
            )
            for size in (10**12 + 1, 10**30)
        ),
        (
            "ReadVolumes",
            {**VOLUME, "Tags": [{"Value": "no key"}]},
            "vol-1",
            "Object missing required field `Key` - at `$.Tags[0]`",
        ),
        ("ReadVolumes", {"Size": 1}, "?1", "Object missing required field `VolumeId`"),
        ("ReadVolumes", "vol-1", "?1", "Expected `object`, got `str`"),
        ("ReadVolumes", None, "?1", "Expected `object`, got `null`"),
        (
            "ReadLoadBalancers",
            {"LoadBalancerName": 1},
            "?1",
            "Expected `str`, got `int` - at `$.LoadBalancerName`",
        ),
    ],
)
def test_a_resource_that_is_not_understood_keeps_its_line_and_says_why(call, item, resource_id, problem):
    ((line, cost),) = lines(noted(call, item))

    assert (line.resource_id, line.resource_type) == (resource_id, SOURCES[call].resource_type)
    assert cost.is_unknown
    assert known(cost) == (FREE, (), [("not-understood", problem)])


def test_resources_without_a_readable_id_are_told_apart():
    inventory = noted("ReadVolumes", {"Size": 1}, {**VOLUME, "Size": "1"}, None)
    SOURCES["ReadVms"].note(b"[{}]", inventory)

    found = [(line.resource_id, line.resource_type.value) for line, _cost in lines(inventory)]

    assert found == [("?1", "Volume"), ("vol-1", "Volume"), ("?2", "Volume"), ("?3", "Vm")]


def test_the_address_of_a_vm_that_nobody_can_read_is_a_problem_and_not_idle():
    inventory = noted("ReadVms", {**VM, "VmId": 7})
    SOURCES["ReadPublicIps"].note(b'[{"PublicIp": "192.0.2.7", "VmId": "i-1"}]', inventory)

    (_line, cost), _vm = lines(inventory)

    assert known(cost) == (FREE, (), [("needs-list", "i-1")])


def test_the_size_of_a_vm_type_that_is_no_number_is_no_price():
    inventory = noted(
        "ReadVmTypes", text='[{"VmTypeName": "m5.8xlarge", "VcoreCount": 32, "MemorySize": "NaN"}]'
    )
    SOURCES["ReadVms"].note(json.dumps([{**VM, "VmType": "m5.8xlarge"}]).encode(), inventory)

    ((_line, cost),) = lines(inventory)

    assert known(cost) == (FREE, (), [("vm-type-unknown", "m5.8xlarge")])


def test_one_odd_resource_leaves_the_others_of_its_page():
    items = [VOLUME, {**VOLUME, "VolumeId": "vol-2", "Size": "100"}, {**VOLUME, "VolumeId": "vol-3"}]

    found = [(line.resource_id, cost.is_priced) for line, cost in lines(noted("ReadVolumes", *items))]

    assert found == [("vol-1", True), ("vol-3", True), ("vol-2", False)]


def test_the_number_of_resources_noted_counts_the_odd_ones():
    inventory = Inventory()
    page = json.dumps([VOLUME, {**VOLUME, "Size": "100"}]).encode()

    assert SOURCES["ReadVolumes"].note(page, inventory) == 2
    assert (len(inventory.volumes), len(inventory.unreadable)) == (1, 1)


@pytest.mark.parametrize("more", [{"Tags": None}, {"Tags": []}, {"Iops": None}, {"NewIn2030": {"a": [1]}}])
def test_empty_tags_and_fields_of_a_later_version_change_nothing(more):
    ((line, cost),) = lines(noted("ReadVolumes", {**VOLUME, **more}))

    assert (line.resource_id, line.tags, line.name) == ("vol-1", {}, "")
    assert known(cost) == (monthly("1.1"), (), [])


def test_half_a_character_in_a_tag_is_replaced_and_the_resource_is_priced():
    text = json.dumps([VOLUME])[:-2] + r', "Tags": [{"Key": "Name", "Value": "data \ud800"}]}]'

    ((line, cost),) = lines(noted("ReadVolumes", text=text))

    assert (line.name, line.tags) == ("data \ufffd", {"Name": "data \ufffd"})
    assert known(cost) == (monthly("1.1"), (), [])


def test_of_two_tags_with_the_same_key_the_last_one_counts():
    tags = [{"Key": "Name", "Value": "first"}, {"Key": "Name", "Value": "second"}]

    ((line, cost),) = lines(noted("ReadVolumes", {**VOLUME, "Tags": tags}))

    assert (line.name, line.tags, cost.is_priced) == ("second", {"Name": "second"}, True)


@pytest.mark.parametrize("text", ["{}", "null", '"volumes"', "[1e9999999999999999999]", "[" * 100_000])
def test_what_is_no_list_is_refused_whole(text):
    with pytest.raises(ValueError, match=r"this is no|Expecting value|Invalid"):
        noted("ReadVolumes", text=text)


def test_a_vm_size_that_is_not_understood_is_no_resource():
    inventory = noted("ReadVmTypes", {"VmTypeName": "m5.8xlarge", "VcoreCount": "32", "MemorySize": 128})

    assert [(one.call, one.resource_id) for one in inventory.unreadable] == [("ReadVmTypes", "m5.8xlarge")]
    assert lines(inventory) == []


def test_a_vm_size_is_read_exactly():
    text = '[{"VmTypeName": "m5.8xlarge", "VcoreCount": 32, "MemorySize": 128.10000000000000000001}]'

    (size,) = noted("ReadVmTypes", text=text).vm_sizes

    assert str(size.memory_size) == "128.10000000000000000001"


def test_a_line_shows_where_and_what_a_resource_is():
    items = [{**VM, "Placement": {"SubregionName": "eu-west-2b"}, "Tags": [{"Key": "Name", "Value": "web"}]}]
    bare = {"VmId": "i-2", "VmType": "tinav6.c2r4", "State": "stopped", "Performance": "medium"}

    found = [line for line, _cost in lines(noted("ReadVms", *items, bare))]

    assert [(one.name, one.subregion, one.state, one.specification) for one in found] == [
        ("web", "eu-west-2b", "running", "tinav6.c2r4p2"),
        ("", "eu-west-2", "stopped", "tinav6.c2r4 medium"),
    ]
