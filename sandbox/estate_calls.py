"""The calls about regions, VM types and what an account owns."""

from decimal import Decimal

from sandbox.calls import Asked, listing
from sandbox.inventory import Volume
from sandbox.parameters import BOOLEAN, INTEGERS, NUMBERS, TAG_FILTERS, Item, field, nested
from sandbox.regions import REGIONS
from sandbox.vmtypes import AWS_STYLE


def _regions(_asked: Asked) -> list[Item]:
    return [{"RegionName": region.name, "Endpoint": region.endpoint} for region in REGIONS.values()]


def _subregions(asked: Asked) -> list[Item]:
    return [
        {"SubregionName": name, "RegionName": asked.region, "State": "available", "LocationCode": zone}
        for name, zone in REGIONS[asked.region].subregions
    ]


def _vm_types(_asked: Asked) -> list[Item]:
    return [
        {
            "VmTypeName": name,
            "VcoreCount": shape.vcores,
            "MemorySize": Decimal(shape.memory_gib),
            "Gpu": shape.gpus,
            "BsuOptimized": False,
            "MaxPrivateIps": 4 if shape.vcores <= 2 else 15,
            "VolumeCount": 0,
        }
        for name, shape in AWS_STYLE.items()
    ]


def _volumes(asked: Asked) -> list[Item]:
    volumes = asked.cloud.inventory(asked.region, asked.account.account_id).volumes
    return [_volume(volume) for volume in sorted(volumes, key=lambda v: (v.created, v.volume_id))]


def _volume(volume: Volume) -> Item:
    link = {"VolumeId": volume.volume_id, "VmId": volume.vm_id, "DeviceName": volume.device}
    link |= {"State": "attached", "DeleteOnVmDeletion": volume.device == "/dev/sda1"}
    return {
        "VolumeId": volume.volume_id,
        "VolumeType": volume.volume_type,
        "Size": volume.size_gib,
        "Iops": volume.iops,
        "State": "in-use" if volume.vm_id else "available",
        "SubregionName": volume.subregion,
        "CreationDate": f"{volume.created:%Y-%m-%dT%H:%M:%S}.000Z",
        "LinkedVolumes": [link] if volume.vm_id else [],
        "Tags": [{"Key": key, "Value": value} for key, value in volume.tags],
    }


VM_TYPE_FILTERS = {
    "VmTypeNames": field("VmTypeName"),
    "VcoreCounts": field("VcoreCount", INTEGERS),
    "MemorySizes": field("MemorySize", NUMBERS),
    "Gpus": field("Gpu", INTEGERS),
    "BsuOptimized": field("BsuOptimized", BOOLEAN),
    "VolumeCounts": field("VolumeCount", INTEGERS),
    "VolumeSizes": field("VolumeSize", INTEGERS),
    "EphemeralsTypes": field("EphemeralsType"),
    "Eths": field("Eth", INTEGERS),
}
SUBREGION_FILTERS = {
    "SubregionNames": field("SubregionName"),
    "RegionNames": field("RegionName"),
    "States": field("State"),
}
VOLUME_FILTERS = {
    **TAG_FILTERS,
    "VolumeIds": field("VolumeId"),
    "VolumeTypes": field("VolumeType"),
    "VolumeSizes": field("Size", INTEGERS),
    "VolumeStates": field("State"),
    "SubregionNames": field("SubregionName"),
    "SnapshotIds": field("SnapshotId"),
    "CreationDates": field("CreationDate"),
    "ClientTokens": field("ClientToken"),
    "LinkVolumeVmIds": nested("LinkedVolumes", "VmId"),
    "LinkVolumeDeviceNames": nested("LinkedVolumes", "DeviceName"),
    "LinkVolumeLinkStates": nested("LinkedVolumes", "State"),
    "LinkVolumeLinkDates": nested("LinkedVolumes", "LinkDate"),
    "LinkVolumeDeleteOnVmDeletion": nested("LinkedVolumes", "DeleteOnVmDeletion", BOOLEAN),
}

ESTATE_CALLS = (
    listing("ReadRegions", "Regions", _regions, is_paginated=False, is_public=True),
    listing("ReadSubregions", "Subregions", _subregions, filters=SUBREGION_FILTERS),
    listing("ReadVmTypes", "VmTypes", _vm_types, filters=VM_TYPE_FILTERS, is_public=True),
    listing("ReadVolumes", "Volumes", _volumes, filters=VOLUME_FILTERS),
)
