"""The calls about volumes and snapshots."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sandbox.calls import Asked, listing
from sandbox.errors import ApiError
from sandbox.estates import public_snapshots
from sandbox.inventory import Snapshot, Volume
from sandbox.parameters import BOOLEAN, INTEGERS, TAG_FILTERS, TEXT, Filter, Item, field
from sandbox.regions import REGIONS
from sandbox.shown import by_age, moment, present, tag_list


def _volumes(asked: Asked) -> list[Item]:
    return [_volume(volume) for volume in by_age(asked.inventory.volumes, "volume_id")]


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
        "CreationDate": moment(volume.created),
        "LinkedVolumes": [link] if volume.vm_id else [],
        "Tags": tag_list(volume.tags),
    }


def _snapshots(asked: Asked) -> list[Item]:
    """Return every snapshot that an account may see: its own, those shared with it, and the public ones."""
    return [_snapshot(snapshot) for snapshot in by_age(_visible(asked), "snapshot_id")]


def _visible(asked: Asked) -> Iterator[Snapshot]:
    account_id = asked.account.account_id
    yield from public_snapshots(asked.cloud.seed, REGIONS[asked.region])
    for owner in asked.cloud.accounts:
        for snapshot in asked.cloud.inventory(asked.region, owner).snapshots:
            if owner == account_id or snapshot.is_public or account_id in snapshot.shared_with:
                yield snapshot


def _snapshot(snapshot: Snapshot) -> Item:
    return present(
        SnapshotId=snapshot.snapshot_id,
        VolumeId=snapshot.volume_id,
        VolumeSize=snapshot.volume_size_gib,
        State="completed",
        Progress=100,
        Description=f"Snapshot of {snapshot.volume_id}",
        CreationDate=moment(snapshot.created),
        AccountId=snapshot.account_id,
        AccountAlias=snapshot.account_alias,
        PermissionsToCreateVolume={
            "GlobalPermission": snapshot.is_public,
            "AccountIds": list(snapshot.shared_with),
        },
        Tags=tag_list(snapshot.tags),
    )


@dataclass(frozen=True)
class _CreationFilter(Filter):
    """A filter on one end of the time of creation."""

    holds: Callable[[datetime, datetime], bool]

    def passes(self, item: Item, asked: Any) -> bool:
        """Tell whether an item was created on the right side of the time asked for."""
        return all(self.holds(_time(created), _time(asked)) for created in self.read(item))


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise ApiError("4047", f"{text} is not a date and time.") from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


_CREATION = field("CreationDate").read

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
    "LinkVolumeVmIds": field("LinkedVolumes.VmId"),
    "LinkVolumeDeviceNames": field("LinkedVolumes.DeviceName"),
    "LinkVolumeLinkStates": field("LinkedVolumes.State"),
    "LinkVolumeLinkDates": field("LinkedVolumes.LinkDate"),
    "LinkVolumeDeleteOnVmDeletion": field("LinkedVolumes.DeleteOnVmDeletion", BOOLEAN),
}
SNAPSHOT_FILTERS = {
    **TAG_FILTERS,
    "SnapshotIds": field("SnapshotId"),
    "AccountIds": field("AccountId"),
    "AccountAliases": field("AccountAlias"),
    "ClientTokens": field("ClientToken"),
    "Descriptions": field("Description"),
    "FromCreationDate": _CreationFilter(TEXT, _CREATION, lambda created, bound: created >= bound),
    "ToCreationDate": _CreationFilter(TEXT, _CREATION, lambda created, bound: created <= bound),
    "PermissionsToCreateVolumeAccountIds": field("PermissionsToCreateVolume.AccountIds"),
    "PermissionsToCreateVolumeGlobalPermission": field("PermissionsToCreateVolume.GlobalPermission", BOOLEAN),
    "Progresses": field("Progress", INTEGERS),
    "States": field("State"),
    "VolumeIds": field("VolumeId"),
    "VolumeSizes": field("VolumeSize", INTEGERS),
}

STORAGE_CALLS = (
    listing("ReadVolumes", "Volumes", _volumes, filters=VOLUME_FILTERS),
    listing("ReadSnapshots", "Snapshots", _snapshots, filters=SNAPSHOT_FILTERS),
)
