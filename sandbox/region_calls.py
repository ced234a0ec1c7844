"""The calls about regions and the VM types offered there."""

from decimal import Decimal

from sandbox.calls import Asked, listing
from sandbox.parameters import BOOLEAN, INTEGERS, NUMBERS, Item, field
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

REGION_CALLS = (
    listing("ReadRegions", "Regions", _regions, is_paginated=False, is_public=True),
    listing("ReadSubregions", "Subregions", _subregions, filters=SUBREGION_FILTERS),
    listing("ReadVmTypes", "VmTypes", _vm_types, filters=VM_TYPE_FILTERS, is_public=True),
)
