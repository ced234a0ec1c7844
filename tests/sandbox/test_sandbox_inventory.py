from dataclasses import replace

import pytest

from sandbox.__main__ import main
from sandbox.cloud import DEMO_ACCOUNT, DEMO_KEY, EMPTY_KEY, LINKED_KEY, PAYING_ACCOUNT, PAYING_KEY
from sandbox.estates import OUTSCALE_ACCOUNT_ID
from sandbox.inventory import Inventory
from sandbox.regions import REGIONS
from sandbox.server import running

LISTS = {
    "ReadVms": ("Vms", "VmId"),
    "ReadVolumes": ("Volumes", "VolumeId"),
    "ReadSnapshots": ("Snapshots", "SnapshotId"),
    "ReadPublicIps": ("PublicIps", "PublicIpId"),
    "ReadNatServices": ("NatServices", "NatServiceId"),
    "ReadLoadBalancers": ("LoadBalancers", "LoadBalancerName"),
    "ReadVpnConnections": ("VpnConnections", "VpnConnectionId"),
    "ReadFlexibleGpus": ("FlexibleGpus", "FlexibleGpuId"),
    "ReadDedicatedGroups": ("DedicatedGroups", "DedicatedGroupId"),
    "ReadDirectLinks": ("DirectLinks", "DirectLinkId"),
}


@pytest.fixture
def read(sdk):
    """A function that returns the whole list of a call."""

    def whole(call, key=DEMO_KEY, region="eu-west-2", **filters):
        name = LISTS[call][0] if call in LISTS else call.removeprefix("Read")
        parameters = {"Filters": filters} if filters else {}
        client = sdk(key, region)
        page = client.api(call, **parameters)
        items = page[name]
        while "NextPageToken" in page:
            page = client.api(call, **parameters, NextPageToken=page["NextPageToken"])
            items += page[name]
        return items

    return whole


@pytest.fixture
def named(read):
    """A function that returns the VM with a name."""
    return lambda name: next(vm for vm in read("ReadVms") if {"Key": "Name", "Value": name} in vm["Tags"])


def ids(call, items):
    return [item[LISTS[call][1]] for item in items]


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("key", [DEMO_KEY, LINKED_KEY, PAYING_KEY])
def test_every_account_has_some_of_everything_in_every_region(read, key, region):
    for call in (*LISTS, "ReadTags"):
        assert len(read(call, key, region)) >= 2


def test_an_account_without_resources_sees_public_snapshots_and_nothing_else(read):
    found = {call: read(call, EMPTY_KEY) for call in (*LISTS, "ReadTags")}

    snapshots = found.pop("ReadSnapshots")
    owners = {OUTSCALE_ACCOUNT_ID, DEMO_ACCOUNT.account_id, LINKED_KEY.account_id}
    assert {snapshot["AccountId"] for snapshot in snapshots} == owners
    assert all(snapshot["PermissionsToCreateVolume"]["GlobalPermission"] for snapshot in snapshots)
    assert not any(found.values())


@pytest.mark.parametrize("call", LISTS)
def test_each_resource_is_listed_once_under_an_id_of_its_own(read, call):
    found = ids(call, read(call))

    assert len(set(found)) == len(found)


@pytest.mark.parametrize("call", ["ReadLoadBalancers", "ReadFlexibleGpus"])
def test_lists_that_outscale_does_not_paginate_refuse_the_size_of_a_page(sdk, refusal, call):
    assert refusal(sdk().api, call, ResultsPerPage=100) == (400, "3001")


@pytest.mark.parametrize("call", ["ReadLoadBalancers", "ReadDirectLinks", "ReadDedicatedGroups"])
def test_lists_that_outscale_does_not_filter_by_tag_refuse_a_tag(sdk, refusal, call):
    assert refusal(sdk().api, call, Filters={"TagKeys": ["project"]}) == (400, "3001")


def test_vms_are_in_every_state_and_the_terminated_one_has_neither_address_nor_volume(read):
    vms = {vm["State"]: vm for vm in read("ReadVms")}

    assert set(vms) == {
        "running",
        "stopped",
        "stopping",
        "pending",
        "shutting-down",
        "terminated",
        "quarantine",
    }
    gone = vms["terminated"]
    assert not {"PrivateIp", "PublicIp", "NetId"} & gone.keys()
    assert gone["Nics"] == gone["BlockDeviceMappings"] == []


@pytest.mark.parametrize(
    ("name", "vm_type", "performance"),
    [
        ("with-p", "tinav6.c4r8p1", "highest"),
        ("without-p-medium", "tinav5.c2r4", "medium"),
        ("without-p-nor-field", "tinav3.c2r4", None),
        ("p-against-field", "tinav4.c2r4p1", "medium"),
        ("simulation", "tinav7.c8r16p101", None),
        ("aws-t2", "t2.small", "medium"),
        ("aws-with-gpu", "g2.2xlarge", "highest"),
        ("unknown-type", "x1.32xlarge", "high"),
    ],
)
def test_vm_types_come_in_every_form(named, name, vm_type, performance):
    vm = named(name)

    assert (vm["VmType"], vm.get("Performance")) == (vm_type, performance)


def test_vms_carry_every_kind_of_product_code(read):
    codes = {tuple(vm["ProductCodes"]) for vm in read("ReadVms")}

    assert {(), ("0001",), ("0002",), ("0002", "0008"), ("0002", "0009"), ("0005",), ("0006",)} <= codes
    assert {("0007",), ("pty-8e0f3937",), ("pty-9e378c04",)} <= codes


def test_a_dedicated_group_lists_the_vms_whose_tenancy_it_is(read):
    vms = read("ReadVms")
    groups = {group["DedicatedGroupId"]: group["VmIds"] for group in read("ReadDedicatedGroups")}

    tenancies = {vm["Placement"]["Tenancy"] for vm in vms}
    used, empty = sorted(groups, key=lambda group: not groups[group])
    assert tenancies == {"default", "dedicated", used}
    assert set(groups[used]) == {vm["VmId"] for vm in vms if vm["Placement"]["Tenancy"] == used}
    assert groups[empty] == []


def test_volumes_are_of_every_type_used_and_unused_and_gp2_shows_iops_that_are_not_billed(read):
    volumes = read("ReadVolumes")

    kinds = {(volume["VolumeType"], volume["State"]) for volume in volumes}
    assert kinds >= {(kind, "available") for kind in ("standard", "gp2", "io1")}
    assert ("gp2", "in-use") in kinds
    assert all(volume["Iops"] >= 100 for volume in volumes if volume["VolumeType"] == "gp2")


def test_snapshots_are_ones_own_shared_ones_and_public_ones_unless_an_account_is_asked_for(read):
    own = [DEMO_ACCOUNT.account_id]
    visible = read("ReadSnapshots")

    owners = {snapshot["AccountId"] for snapshot in visible}
    assert {*own, PAYING_ACCOUNT.account_id, OUTSCALE_ACCOUNT_ID} <= owners
    mine = read("ReadSnapshots", AccountIds=own)
    assert mine == [snapshot for snapshot in visible if snapshot["AccountId"] in own]
    shared = read("ReadSnapshots", AccountIds=[PAYING_ACCOUNT.account_id])
    assert [snapshot["PermissionsToCreateVolume"]["AccountIds"] for snapshot in shared] == [own]
    aliases = {s["AccountAlias"] for s in read("ReadSnapshots", AccountIds=[OUTSCALE_ACCOUNT_ID])}
    assert aliases == {"Outscale"}


def test_snapshots_are_found_by_the_time_they_were_made(read, sdk, refusal):
    times = sorted(snapshot["CreationDate"] for snapshot in read("ReadSnapshots"))

    later = read("ReadSnapshots", FromCreationDate=times[3])
    earlier = read("ReadSnapshots", ToCreationDate=times[3])

    assert [snapshot["CreationDate"] for snapshot in earlier] == times[:4]
    assert [snapshot["CreationDate"] for snapshot in later] == times[3:]
    assert refusal(sdk().api, "ReadSnapshots", Filters={"FromCreationDate": "soon"}) == (400, "4047")


def test_public_ips_are_used_in_every_way(read, named):
    addresses = read("ReadPublicIps")
    of_vm = {vm["VmId"]: vm for vm in read("ReadVms")}
    balancers = {balancer.get("PublicIp") for balancer in read("ReadLoadBalancers")}

    def use(address):
        if vm := of_vm.get(address.get("VmId")):
            place = "net" if "LinkPublicIpId" in address else "public"
            first = "first" if vm.get("PublicIp") == address["PublicIp"] else "additional"
            return f"{vm['State']} {place} {first}"
        if address["NatServiceId"]:
            return "nat"
        if "NicId" in address:
            return "balancer" if address["PublicIp"] in balancers else "nic"
        return "idle"

    assert {use(address) for address in addresses} == {
        "running net first",
        "running net additional",
        "running public first",
        "stopped net first",
        "nat",
        "balancer",
        "nic",
        "idle",
    }
    private_ips = named("windows")["Nics"][0]["PrivateIps"]
    assert [ip["IsPrimary"] for ip in private_ips] == [True, False, False]
    assert len({ip["LinkPublicIp"]["PublicIp"] for ip in private_ips}) == 3


def test_a_nat_service_and_its_address_name_each_other(read):
    (address,) = [address for address in read("ReadPublicIps") if address["NatServiceId"]]
    (nat,) = read("ReadNatServices", NatServiceIds=[address["NatServiceId"]])

    assert nat["PublicIps"] == [{"PublicIpId": address["PublicIpId"], "PublicIp": address["PublicIp"]}]


@pytest.mark.parametrize("call", ["ReadNatServices", "ReadVpnConnections", "ReadLoadBalancers"])
def test_deleted_and_deleting_services_are_still_listed(read, call):
    assert {"deleting", "deleted"} <= {service["State"] for service in read(call)}


def test_flexible_gpus_are_in_every_state_and_one_is_on_a_stopped_vm(read, named):
    gpus = read("ReadFlexibleGpus")

    assert {gpu["State"] for gpu in gpus} == {"allocated", "attached", "attaching", "detaching"}
    assert [gpu for gpu in gpus if gpu.get("VmId") == named("stopped")["VmId"]]
    assert all("VmId" in gpu for gpu in gpus if gpu["State"] != "allocated")


def test_flexible_gpus_are_found_by_tags_that_are_objects(read, sdk, refusal):
    tagged = next(gpu for gpu in read("ReadFlexibleGpus") if gpu["Tags"])
    tag = {name: tagged["Tags"][0][name] for name in ("Key", "Value")}

    assert tagged in read("ReadFlexibleGpus", Tags=[tag])
    assert read("ReadFlexibleGpus", Tags=[{**tag, "Value": "nothing"}]) == []
    assert refusal(sdk().api, "ReadFlexibleGpus", Filters={"Tags": ["a=b"]}) == (400, "3001")


def test_directlinks_do_not_tell_whether_they_are_hosted(sandbox, read):
    links = read("ReadDirectLinks")

    assert {(link["Bandwidth"], link["State"]) for link in links} == {
        ("1Gbps", "available"),
        ("10Gbps", "available"),
        ("1Gbps", "deleted"),
    }
    owned = sandbox.cloud.inventory("eu-west-2", DEMO_ACCOUNT.account_id).direct_links
    assert {link.is_hosted for link in owned} == {True, False}


def test_tags_are_missing_foreign_many_empty_and_alike_but_for_case(read):
    tags = [vm["Tags"] for vm in read("ReadVms")]
    pairs = [{tag["Key"]: tag["Value"] for tag in of_one} for of_one in tags]

    assert [] in tags
    assert max(map(len, tags)) == 50
    assert any({"Project", "project", "PROJECT"} <= pair.keys() for pair in pairs)
    assert any("🚀" in value for pair in pairs for value in pair.values())
    assert any(pair.get("empty") == "" and pair["a=b"] == "c=d=e" for pair in pairs)


def test_a_tag_with_an_equals_sign_in_its_key_is_found_as_a_whole(read):
    (vm,) = read("ReadVms", Tags=["a=b=c=d=e"])

    assert {"Key": "a=b", "Value": "c=d=e"} in vm["Tags"]


def test_the_list_of_tags_has_those_of_all_resources_but_load_balancers(read):
    listed = {(tag["ResourceId"], tag["Key"], tag["Value"]) for tag in read("ReadTags")}
    tagged = (
        *("ReadVms", "ReadVolumes", "ReadPublicIps", "ReadNatServices"),
        *("ReadVpnConnections", "ReadFlexibleGpus"),
    )

    own = {call: read(call) for call in tagged}
    own["ReadSnapshots"] = read("ReadSnapshots", AccountIds=[DEMO_ACCOUNT.account_id])
    assert listed == {
        (item[LISTS[call][1]], tag["Key"], tag["Value"])
        for call, items in own.items()
        for item in items
        for tag in item["Tags"]
    }
    assert {tag["ResourceType"] for tag in read("ReadTags", Keys=["Name"])} == {"instance", "volume"}


@pytest.mark.parametrize(
    ("filters", "name"),
    [
        ({"Tenancies": ["dedicated"], "VmStateNames": ["stopped"]}, "dedicated-stopped"),
        ({"ProductCodes": ["0008"]}, "sql-standard"),
        ({"VmStateCodes": [64]}, "stopping"),
        ({"VmTypes": ["x1.32xlarge"]}, "unknown-type"),
    ],
)
def test_vms_are_found_by_what_they_are(read, filters, name):
    (vm,) = read("ReadVms", **filters)

    assert {"Key": "Name", "Value": name} in vm["Tags"]


def test_vms_are_found_by_what_is_in_a_list_of_a_list(read, named):
    vm = named("windows")
    last = vm["Nics"][0]["PrivateIps"][-1]

    assert read("ReadVms", NicPrivateIpsPrivateIps=[last["PrivateIp"]]) == [vm]
    assert read("ReadVms", NicLinkPublicIpPublicIps=[vm["PublicIp"]]) == [vm]


def test_a_changed_inventory_is_answered_until_the_reset(sandbox, read, sdk):
    cloud = sandbox.cloud
    before = read("ReadVms")
    inventory = cloud.inventory("eu-west-2", DEMO_ACCOUNT.account_id)
    resized = replace(inventory.vms[0], vm_type="tinav7.c64r256p1")

    cloud.set_inventory(replace(inventory, vms=(resized, *inventory.vms[2:])))
    after = read("ReadVms")

    assert len(after) == len(before) - 1
    assert [vm["VmId"] for vm in after if vm["VmType"] == "tinav7.c64r256p1"] == [resized.vm_id]
    period = {"FromDate": "2025-10-01", "ToDate": "2025-10-02"}
    consumed = sdk().api("ReadConsumptionAccount", **period)["ConsumptionEntries"]
    assert "BoxUsage:tinav7.c64r256p1" in {entry["Type"] for entry in consumed}
    sandbox.reset()
    assert read("ReadVms") == before


def test_an_account_may_lose_everything(sandbox, read):
    sandbox.cloud.set_inventory(Inventory("eu-west-2", DEMO_ACCOUNT.account_id))

    assert read("ReadVms") == []


@pytest.mark.parametrize("size", [0, 1, 100, 1500])
def test_the_demo_account_has_as_many_resources_as_asked_for(size):
    with running(size=size) as first, running(size=size) as second:
        inventory = first.cloud.inventory("us-west-1", DEMO_ACCOUNT.account_id)

        assert len(inventory) == size
        assert second.cloud.inventory("us-west-1", DEMO_ACCOUNT.account_id) == inventory
        assert len(first.cloud.inventory("us-west-1", LINKED_KEY.account_id)) < 200


def test_a_large_inventory_has_the_special_cases_and_no_id_twice():
    with running(size=10_000) as sandbox:
        inventory = sandbox.cloud.inventory("eu-west-2", DEMO_ACCOUNT.account_id)

    assert {vm.state for vm in inventory.vms} >= {"terminated", "quarantine"}
    assert len({vm.vm_id for vm in inventory.vms}) == len(inventory.vms)
    assert len({ip.address for ip in inventory.public_ips}) == len(inventory.public_ips)
    assert len({balancer.name for balancer in inventory.load_balancers}) == len(inventory.load_balancers)


@pytest.mark.parametrize("size", ["many", "-1", "1.5", "²"])
def test_the_command_explains_a_size_it_does_not_understand(size, capsys):
    with pytest.raises(SystemExit) as caught:
        main([f"--size={size}"])

    assert caught.value.code == 2
    assert "--size" in capsys.readouterr().err
