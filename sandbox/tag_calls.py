"""The call about tags, whatever they are on."""

from collections.abc import Iterator
from typing import Any

from sandbox.calls import Asked, listing
from sandbox.inventory import Inventory
from sandbox.parameters import Item, field
from sandbox.shown import by_age

# Resources by their name in Inventory -> the type that tags know them by, and the name of their id. Load
# balancers have a call of their own for their tags.
_TAGGED = {
    "vms": ("instance", "vm_id"),
    "volumes": ("volume", "volume_id"),
    "snapshots": ("snapshot", "snapshot_id"),
    "public_ips": ("public-ip", "public_ip_id"),
    "nat_services": ("natgateway", "nat_service_id"),
    "vpn_connections": ("vpn-connection", "vpn_connection_id"),
    "flexible_gpus": ("flexible-gpu", "flexible_gpu_id"),
}


def _tags(asked: Asked) -> Iterator[Item]:
    for type_, id_name, resource in _tagged(asked.inventory):
        for key, value in resource.tags:
            id_ = getattr(resource, id_name)
            yield {"Key": key, "Value": value, "ResourceId": id_, "ResourceType": type_}


def _tagged(inventory: Inventory) -> Iterator[tuple[str, str, Any]]:
    for name, (type_, id_name) in _TAGGED.items():
        for resource in by_age(getattr(inventory, name), id_name):
            yield type_, id_name, resource


TAG_CALLS = (
    listing(
        "ReadTags",
        "Tags",
        _tags,
        filters={
            "Keys": field("Key"),
            "Values": field("Value"),
            "ResourceIds": field("ResourceId"),
            "ResourceTypes": field("ResourceType"),
        },
    ),
)
