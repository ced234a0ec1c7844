"""The calls about VMs, flexible GPUs and dedicated groups."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.calls import Asked, listing
from sandbox.inventory import FlexibleGpu, PublicIp, Vm, Volume
from sandbox.parameters import BOOLEAN, INTEGERS, OBJECTS, TAG_FILTERS, Filter, Item, field
from sandbox.shown import SECURITY_GROUP, by_age, moment, present, tag_list

_STATE_REASONS = {
    "stopped": "Client.UserInitiatedShutdown: User initiated shutdown",
    "terminated": "Client.UserInitiatedTerminate: User initiated terminate",
}


def _vms(asked: Asked) -> list[Item]:
    inventory = asked.inventory
    volumes = _by_vm(inventory.volumes)
    addresses = _by_vm(inventory.public_ips)
    return [_vm(vm, volumes[vm.vm_id], addresses[vm.vm_id], asked) for vm in by_age(inventory.vms, "vm_id")]


def _by_vm(resources: Sequence[Any]) -> Mapping[str, list[Any]]:
    found = defaultdict(list)
    for resource in resources:
        found[resource.vm_id].append(resource)
    return found


def _vm(vm: Vm, volumes: list[Volume], addresses: list[PublicIp], asked: Asked) -> Item:
    is_there = vm.state != "terminated"
    is_windows = "0002" in vm.product_codes
    return present(
        VmId=vm.vm_id,
        VmType=vm.vm_type,
        Performance=vm.performance,
        State=vm.state,
        StateReason=_STATE_REASONS.get(vm.state, ""),
        ProductCodes=list(vm.product_codes),
        Placement={"SubregionName": vm.subregion, "Tenancy": vm.tenancy},
        CreationDate=moment(vm.created),
        PrivateIp=vm.private_ip if is_there else None,
        PrivateDnsName=_private_name(vm.private_ip, asked.region) if is_there else None,
        PublicIp=vm.public_ip,
        NetId=vm.net_id if is_there else None,
        SubnetId=vm.subnet_id if is_there else None,
        Nics=[_nic(vm, addresses, asked)] if is_there and vm.net_id else [],
        BlockDeviceMappings=[_block_device(volume) for volume in volumes],
        RootDeviceName="/dev/sda1",
        RootDeviceType="ebs",
        SecurityGroups=[SECURITY_GROUP] if is_there else [],
        OsFamily="windows" if is_windows else "linux",
        Architecture="x86_64",
        Hypervisor="xen",
        BootMode="legacy",
        ImageId=f"ami-{vm.vm_id[2:]}",
        KeypairName="operations",
        ReservationId=f"r-{vm.vm_id[2:]}",
        LaunchNumber=0,
        ClientToken="",
        UserData="",
        BsuOptimized=False,
        DeletionProtection=False,
        IsSourceDestChecked=True,
        NestedVirtualization=False,
        TpmEnabled=False,
        VmInitiatedShutdownBehavior="stop",
        Tags=tag_list(vm.tags),
    )


def _nic(vm: Vm, addresses: list[PublicIp], asked: Asked) -> Item:
    account_id = asked.account.account_id
    links = {
        address.private_ip: {"PublicIp": address.address, "PublicIpAccountId": account_id}
        for address in addresses
    }
    # Each further public IP is on a private IP of its own.
    private_ips = dict.fromkeys((vm.private_ip, *links))
    link = {"DeleteOnVmDeletion": True, "DeviceNumber": 0, "State": "attached"}
    return present(
        NicId=vm.nic_id,
        AccountId=account_id,
        Description="Primary network interface",
        State="in-use",
        IsSourceDestChecked=True,
        MacAddress=f"AA:00:{vm.nic_id[4:6]}:{vm.nic_id[6:8]}:{vm.nic_id[8:10]}:{vm.nic_id[10:]}".upper(),
        NetId=vm.net_id,
        SubnetId=vm.subnet_id,
        LinkNic={"LinkNicId": f"eni-attach-{vm.nic_id[4:]}", **link},
        LinkPublicIp=links.get(vm.private_ip),
        PrivateDnsName=_private_name(vm.private_ip, asked.region),
        PrivateIps=[
            present(
                PrivateIp=private_ip,
                IsPrimary=private_ip == vm.private_ip,
                PrivateDnsName=_private_name(private_ip, asked.region),
                LinkPublicIp=links.get(private_ip),
            )
            for private_ip in private_ips
        ],
        SecurityGroups=[SECURITY_GROUP],
    )


def _private_name(private_ip: str, region: str) -> str:
    return f"ip-{private_ip.replace('.', '-')}.{region}.compute.internal"


def _block_device(volume: Volume) -> Item:
    bsu = {"VolumeId": volume.volume_id, "State": "attached", "LinkDate": moment(volume.created)}
    return {
        "DeviceName": volume.device,
        "Bsu": {**bsu, "DeleteOnVmDeletion": volume.device == "/dev/sda1"},
    }


def _flexible_gpus(asked: Asked) -> list[Item]:
    return [_flexible_gpu(gpu) for gpu in by_age(asked.inventory.flexible_gpus, "flexible_gpu_id")]


def _flexible_gpu(gpu: FlexibleGpu) -> Item:
    owner = {"ResourceId": gpu.flexible_gpu_id, "ResourceType": "flexible-gpu"}
    return present(
        FlexibleGpuId=gpu.flexible_gpu_id,
        ModelName=gpu.model,
        Generation=gpu.generation,
        State=gpu.state,
        SubregionName=gpu.subregion,
        DeleteOnVmDeletion=False,
        VmId=gpu.vm_id,
        Tags=[{**tag, **owner} for tag in tag_list(gpu.tags)],
    )


def _dedicated_groups(asked: Asked) -> list[Item]:
    vms = [vm for vm in asked.inventory.vms if vm.state != "terminated"]
    return [
        {
            "DedicatedGroupId": group.dedicated_group_id,
            "Name": group.name,
            "AccountId": asked.account.account_id,
            "CpuGeneration": group.cpu_generation,
            "SubregionName": group.subregion,
            "VmIds": [vm.vm_id for vm in vms if vm.tenancy == group.dedicated_group_id],
            "NetIds": [],
        }
        for group in by_age(asked.inventory.dedicated_groups, "dedicated_group_id")
    ]


class _TagObjects(Filter):
    """The only tag filter that takes objects: a tag passes that has all that one of them says."""

    def passes(self, item: Item, asked: list[Item]) -> bool:
        """Tell whether a resource has one of the tags asked for."""
        wanted = [tag.items() for tag in asked]
        return not wanted or any(some <= tag.items() for some in wanted for tag in self.read(item))


_STATE_CODES = {
    "pending": 0,
    "running": 16,
    "shutting-down": 32,
    "terminated": 48,
    "stopping": 64,
    "stopped": 80,
}

VM_FILTERS = {
    **TAG_FILTERS,
    "VmIds": field("VmId"),
    "VmTypes": field("VmType"),
    "VmStateNames": field("State"),
    "VmStateCodes": Filter(INTEGERS, lambda vm: [_STATE_CODES.get(vm["State"])]),
    "StateReasons": field("StateReason"),
    "StateReasonMessages": field("StateReason"),
    "StateReasonCodes": field("StateReasonCode", INTEGERS),
    "Tenancies": field("Placement.Tenancy"),
    "SubregionNames": field("Placement.SubregionName"),
    "CreationDates": field("CreationDate"),
    "ProductCodes": field("ProductCodes"),
    "Architectures": field("Architecture"),
    "BootModes": field("BootMode"),
    "ClientTokens": field("ClientToken"),
    "ImageIds": field("ImageId"),
    "IsSourceDestChecked": field("IsSourceDestChecked", BOOLEAN),
    "KeypairNames": field("KeypairName"),
    "LaunchNumbers": field("LaunchNumber", INTEGERS),
    "Lifecycles": field("Lifecycle"),
    "Platforms": field("OsFamily"),
    "ReservationIds": field("ReservationId"),
    "RootDeviceNames": field("RootDeviceName"),
    "RootDeviceTypes": field("RootDeviceType"),
    "TpmEnabled": field("TpmEnabled", BOOLEAN),
    "NetIds": field("NetId"),
    "SubnetIds": field("SubnetId"),
    "PrivateIps": field("PrivateIp"),
    "PublicIps": field("PublicIp"),
    "SecurityGroupIds": field("SecurityGroups.SecurityGroupId"),
    "SecurityGroupNames": field("SecurityGroups.SecurityGroupName"),
    "VmSecurityGroupIds": field("SecurityGroups.SecurityGroupId"),
    "VmSecurityGroupNames": field("SecurityGroups.SecurityGroupName"),
    "BlockDeviceMappingDeleteOnVmDeletion": field("BlockDeviceMappings.Bsu.DeleteOnVmDeletion", BOOLEAN),
    "BlockDeviceMappingDeviceNames": field("BlockDeviceMappings.DeviceName"),
    "BlockDeviceMappingLinkDates": field("BlockDeviceMappings.Bsu.LinkDate"),
    "BlockDeviceMappingStates": field("BlockDeviceMappings.Bsu.State"),
    "BlockDeviceMappingVolumeIds": field("BlockDeviceMappings.Bsu.VolumeId"),
    "NicNicIds": field("Nics.NicId"),
    "NicAccountIds": field("Nics.AccountId"),
    "NicDescriptions": field("Nics.Description"),
    "NicIsSourceDestChecked": field("Nics.IsSourceDestChecked", BOOLEAN),
    "NicMacAddresses": field("Nics.MacAddress"),
    "NicNetIds": field("Nics.NetId"),
    "NicStates": field("Nics.State"),
    "NicSubnetIds": field("Nics.SubnetId"),
    "NicSubregionNames": field("Nics.SubregionName"),
    "NicSecurityGroupIds": field("Nics.SecurityGroups.SecurityGroupId"),
    "NicSecurityGroupNames": field("Nics.SecurityGroups.SecurityGroupName"),
    "NicLinkNicDeleteOnVmDeletion": field("Nics.LinkNic.DeleteOnVmDeletion", BOOLEAN),
    "NicLinkNicDeviceNumbers": field("Nics.LinkNic.DeviceNumber", INTEGERS),
    "NicLinkNicLinkNicDates": field("Nics.LinkNic.LinkNicDate"),
    "NicLinkNicLinkNicIds": field("Nics.LinkNic.LinkNicId"),
    "NicLinkNicStates": field("Nics.LinkNic.State"),
    "NicLinkNicVmAccountIds": field("Nics.LinkNic.VmAccountId"),
    "NicLinkNicVmIds": field("Nics.LinkNic.VmId"),
    "NicLinkPublicIpAccountIds": field("Nics.LinkPublicIp.PublicIpAccountId"),
    "NicLinkPublicIpLinkPublicIpIds": field("Nics.LinkPublicIp.LinkPublicIpId"),
    "NicLinkPublicIpPublicIpIds": field("Nics.LinkPublicIp.PublicIpId"),
    "NicLinkPublicIpPublicIps": field("Nics.LinkPublicIp.PublicIp"),
    "NicPrivateIpsLinkPublicIpAccountIds": field("Nics.PrivateIps.LinkPublicIp.PublicIpAccountId"),
    "NicPrivateIpsLinkPublicIpIds": field("Nics.PrivateIps.LinkPublicIp.PublicIpId"),
    "NicPrivateIpsPrimaryIp": field("Nics.PrivateIps.IsPrimary", BOOLEAN),
    "NicPrivateIpsPrivateIps": field("Nics.PrivateIps.PrivateIp"),
}
FLEXIBLE_GPU_FILTERS = {
    "FlexibleGpuIds": field("FlexibleGpuId"),
    "ModelNames": field("ModelName"),
    "Generations": field("Generation"),
    "States": field("State"),
    "SubregionNames": field("SubregionName"),
    "VmIds": field("VmId"),
    "DeleteOnVmDeletion": field("DeleteOnVmDeletion", BOOLEAN),
    "Tags": _TagObjects(OBJECTS, lambda gpu: gpu["Tags"]),
}
DEDICATED_GROUP_FILTERS = {
    "DedicatedGroupIds": field("DedicatedGroupId"),
    "Names": field("Name"),
    "CpuGenerations": field("CpuGeneration", INTEGERS),
    "SubregionNames": field("SubregionName"),
}


COMPUTE_CALLS = (
    listing("ReadVms", "Vms", _vms, filters=VM_FILTERS),
    listing(
        "ReadFlexibleGpus",
        "FlexibleGpus",
        _flexible_gpus,
        filters=FLEXIBLE_GPU_FILTERS,
        is_paginated=False,
    ),
    listing("ReadDedicatedGroups", "DedicatedGroups", _dedicated_groups, filters=DEDICATED_GROUP_FILTERS),
)
