import pytest

from sandbox.api import CALLS
from sandbox.cloud import DEMO_KEY, LINKED_KEY
from sandbox.regions import REGIONS
from sandbox.server import running
from sandbox.vmtypes import AWS_STYLE, shape_of


def names_of(page):
    return [vm_type["VmTypeName"] for vm_type in page["VmTypes"]]


def pages_of(client, call, **parameters):
    page = client.api(call, **parameters)
    yield page
    while "NextPageToken" in page:
        page = client.api(call, **{**parameters, "NextPageToken": page["NextPageToken"]})
        yield page


def test_pages_together_hold_every_item_once_and_in_the_same_order(sdk):
    whole = names_of(sdk().api("ReadVmTypes"))

    pages = [names_of(page) for page in pages_of(sdk(), "ReadVmTypes", ResultsPerPage=50)]

    assert [len(page) for page in pages] == [50, 50, 15]
    assert [name for page in pages for name in page] == whole == list(AWS_STYLE)


@pytest.mark.parametrize("size", [115, 1000])
def test_the_last_page_has_no_token(sdk, size):
    assert "NextPageToken" not in sdk().api("ReadVmTypes", ResultsPerPage=size)


def test_a_token_alone_keeps_the_size_of_the_page_before(sdk):
    first = sdk().api("ReadVmTypes", ResultsPerPage=40)

    assert len(names_of(sdk().api("ReadVmTypes", NextPageToken=first["NextPageToken"]))) == 40


@pytest.mark.parametrize("size", [0, -1, 1001])
def test_a_page_of_none_or_more_than_a_thousand_is_refused(sdk, refusal, size):
    assert refusal(sdk().api, "ReadVmTypes", ResultsPerPage=size) == (400, "4047")


def test_a_token_is_good_only_for_its_own_question(sdk, refusal):
    token = sdk().api("ReadVmTypes", ResultsPerPage=1)["NextPageToken"]

    assert refusal(sdk().api, "ReadSubregions", NextPageToken=token) == (400, "4047")
    assert refusal(sdk().api, "ReadVmTypes", NextPageToken=token, Filters={"VcoreCounts": [2]}) == (
        400,
        "4047",
    )
    assert refusal(sdk().api, "ReadVmTypes", NextPageToken="bm9uc2Vuc2U=") == (400, "4047")


def test_exactly_the_calls_which_outscale_paginates_are_paginated():
    paginated = {name for name, call in CALLS.items() if "ResultsPerPage" in call.accepted}

    assert paginated == {
        "ReadSubregions",
        "ReadVmTypes",
        "ReadVms",
        "ReadVolumes",
        "ReadSnapshots",
        "ReadPublicIps",
        "ReadNatServices",
        "ReadVpnConnections",
        "ReadDedicatedGroups",
        "ReadDirectLinks",
        "ReadTags",
    }


def test_filters_narrow_a_list_and_combine(sdk):
    filters = {"VcoreCounts": [8], "MemorySizes": [15, 16.0], "Gpus": [0]}

    found = names_of(sdk().api("ReadVmTypes", Filters=filters))

    assert found == ["c3.2xlarge", "c4.2xlarge", "c5.2xlarge"]


def test_an_empty_filter_asks_for_everything_and_one_on_an_absent_field_finds_nothing(sdk):
    assert len(names_of(sdk().api("ReadVmTypes", Filters={"VmTypeNames": []}))) == 115
    assert names_of(sdk().api("ReadVmTypes", Filters={"EphemeralsTypes": ["ssd"]})) == []


def test_vm_types_have_whole_numbers_of_gib_written_as_floats(post):
    assert '"VmTypeName":"m5.2xlarge","VcoreCount":8,"MemorySize":33.0,"Gpu":0' in post("ReadVmTypes").text


def test_subregions_are_those_of_the_region_asked(sdk):
    for name, region in REGIONS.items():
        subregions = sdk(region=name).api("ReadSubregions")["Subregions"]
        assert [subregion["SubregionName"] for subregion in subregions] == [
            sub for sub, _ in region.subregions
        ]


def test_volumes_are_found_by_tag_key_tag_value_and_whole_tag(sdk):
    volumes = sdk().api("ReadVolumes")["Volumes"]
    tagged = next(volume for volume in volumes if volume["Tags"])
    tag = tagged["Tags"][0]

    def found(**filters):
        return [volume["VolumeId"] for volume in sdk().api("ReadVolumes", Filters=filters)["Volumes"]]

    with_key = [v["VolumeId"] for v in volumes if tag["Key"] in {t["Key"] for t in v["Tags"]}]
    with_tag = [v["VolumeId"] for v in volumes if tag in v["Tags"]]
    assert 0 < len(with_tag) < len(volumes)
    assert found(TagKeys=[tag["Key"]]) == with_key
    assert found(TagValues=[tag["Value"]]) == with_tag
    assert found(Tags=[f"{tag['Key']}={tag['Value']}"]) == with_tag
    assert found(Tags=[f"{tag['Key']}=*"]) == []


def test_volumes_are_found_by_the_vm_they_are_attached_to(sdk):
    volumes = sdk().api("ReadVolumes")["Volumes"]
    vm_id = next(link["VmId"] for volume in volumes for link in volume["LinkedVolumes"])

    found = sdk().api("ReadVolumes", Filters={"LinkVolumeVmIds": [vm_id]})["Volumes"]

    assert {link["VmId"] for volume in found for link in volume["LinkedVolumes"]} == {vm_id}
    assert sdk().api("ReadVolumes", Filters={"LinkVolumeDeleteOnVmDeletion": False})["Volumes"]


def test_each_account_and_region_has_an_estate_of_its_own(sdk):
    estates = [
        {volume["VolumeId"] for volume in sdk(key, region).api("ReadVolumes")["Volumes"]}
        for key in (DEMO_KEY, LINKED_KEY)
        for region in REGIONS
    ]

    assert len(set.union(*estates)) == sum(map(len, estates))


def test_a_seed_always_gives_the_same_estate_and_another_seed_another():
    def estate(seed):
        with running(seed=seed) as sandbox:
            return sandbox.cloud.inventory("eu-west-2", DEMO_KEY.account_id)

    assert estate(7) == estate(7)
    assert estate(7) != estate(8)


@pytest.mark.parametrize(
    ("vm_type", "shape"),
    [
        ("tinav104.c36r492p1", (104, 36, 492, 1, 0)),
        ("tinav5.c2r4", (5, 2, 4, 2, 0)),
        ("t2.small", (2, 1, 2, 3, 0)),
        ("g2.8xlarge", (2, 32, 60, 1, 4)),
        ("tina.c2r4", None),
        ("m5.huge", None),
    ],
)
def test_vm_types_are_read_as_outscale_converts_them(vm_type, shape):
    assert shape_of(vm_type) == shape
