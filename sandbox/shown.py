"""How the API writes what resources have in common."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, TypeVar

from sandbox.inventory import Tags

SECURITY_GROUP = {"SecurityGroupId": "sg-5a4db0ec", "SecurityGroupName": "default"}

T = TypeVar("T")


def by_age(resources: Iterable[T], id_name: str) -> list[T]:
    """Return resources in the order of the API: by creation, then by id."""
    return sorted(resources, key=lambda resource: (resource.created, getattr(resource, id_name)))


def moment(time: datetime) -> str:
    """Return a time as the API writes it."""
    return f"{time:%Y-%m-%dT%H:%M:%S}.000Z"


def billing_moment(time: datetime) -> str:
    """Return a time in UTC as consumption and price lists write it."""
    return f"{time:%Y-%m-%dT%H:%M:%S}.{time.microsecond // 1000:03}+0000"


def tag_list(tags: Tags) -> list[dict[str, str]]:
    """Return the tags of one resource."""
    return [{"Key": key, "Value": value} for key, value in tags]


def present(**fields: Any) -> dict[str, Any]:
    """Return the fields that are not None: what does not apply is left out of an answer."""
    return {name: value for name, value in fields.items() if value is not None}
