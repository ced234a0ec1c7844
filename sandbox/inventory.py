"""What an account owns in a region: a small estate, drawn from the seed."""

import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from sandbox.regions import Region

_VM_TYPES = ("tinav6.c2r4p2", "tinav6.c4r8p2", "tinav6.c8r32p1", "tinav5.c2r4p3", "m5.large")
_PROJECTS = ("dossier-patient", "imagerie", "portail", "archives")
_TEAMS = ("plateforme", "données", "web")
_FIRST_DAY = date(2024, 1, 8)
_YEAR_DAYS = 365

Tags = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Vm:
    """One running VM; `product_codes` are the codes of its licences."""

    vm_id: str
    vm_type: str
    product_codes: tuple[str, ...]
    subregion: str
    created: datetime
    tags: Tags


@dataclass(frozen=True)
class Volume:
    """One volume; `iops` is what it performs, billed for io1 only; `vm_id` is the VM it is attached to."""

    volume_id: str
    volume_type: str
    size_gib: int
    iops: int
    subregion: str
    created: datetime
    tags: Tags
    vm_id: str | None
    device: str


@dataclass(frozen=True)
class Snapshot:
    """One snapshot; `stored_gib` is what is billed, which the API never tells."""

    snapshot_id: str
    stored_gib: Decimal
    created: datetime


@dataclass(frozen=True)
class Inventory:
    """Everything of one account in one region; idle addresses and load balancers by id and creation."""

    vms: tuple[Vm, ...]
    volumes: tuple[Volume, ...]
    snapshots: tuple[Snapshot, ...]
    idle_ips: tuple[tuple[str, datetime], ...]
    load_balancers: tuple[tuple[str, datetime], ...]


def build(seed: int, region: Region, account_id: str) -> Inventory:
    """Return the estate of an account in a region: always the same for a seed."""
    draw = _Draw(random.Random(f"{seed}/{region.name}/{account_id}"), region)
    vms = tuple(draw.vm() for _ in range(draw.random.randint(4, 7)))
    system_disks = [draw.volume("gp2", vm) for vm in vms]
    data_disks = [draw.volume(draw.random.choice(("standard", "gp2", "io1")), vm) for vm in vms[::2]]
    unused_disks = [draw.volume(kind, None) for kind in ("standard", "io1")]
    return Inventory(
        vms=vms,
        volumes=(*system_disks, *data_disks, *unused_disks),
        snapshots=tuple(draw.snapshot() for _ in range(3)),
        idle_ips=tuple((draw.id("eipalloc"), draw.moment()) for _ in range(2)),
        load_balancers=tuple((f"lb-{draw.random.choice(_PROJECTS)}-{n}", draw.moment()) for n in (1, 2)),
    )


class _Draw:
    """Draws resources one after another from one generator."""

    def __init__(self, generator: random.Random, region: Region) -> None:
        self.random = generator
        self._region = region

    def id(self, prefix: str) -> str:
        """Return an id of the real form: a prefix and eight hexadecimal digits."""
        return f"{prefix}-{self.random.getrandbits(32):08x}"

    def moment(self) -> datetime:
        """Return when something was made, to the second, within a year from January 2024."""
        start = datetime.combine(_FIRST_DAY, datetime.min.time(), UTC)
        return start + timedelta(days=self.random.randrange(_YEAR_DAYS), seconds=self.random.randrange(86400))

    def vm(self) -> Vm:
        return Vm(
            vm_id=self.id("i"),
            vm_type=self.random.choice(_VM_TYPES),
            product_codes=("0002",) if self.random.random() < 0.25 else ("0001",),
            subregion=self.random.choice(self._region.subregions)[0],
            created=self.moment(),
            tags=self._tags(),
        )

    def volume(self, volume_type: str, vm: Vm | None) -> Volume:
        size = self.random.randrange(10, 510, 10)
        return Volume(
            volume_id=self.id("vol"),
            volume_type=volume_type,
            size_gib=size,
            iops=_iops(volume_type, size),
            subregion=vm.subregion if vm else self._region.subregions[0][0],
            created=vm.created if vm else self.moment(),
            tags=vm.tags if vm else self._tags(),
            vm_id=vm and vm.vm_id,
            device="/dev/sda1" if volume_type == "gp2" else "/dev/xvdb",
        )

    def snapshot(self) -> Snapshot:
        return Snapshot(self.id("snap"), Decimal(self.random.randrange(100, 9000)) / 100, self.moment())

    def _tags(self) -> Tags:
        if self.random.random() < 0.2:
            return ()
        return (("project", self.random.choice(_PROJECTS)), ("team", self.random.choice(_TEAMS)))


def _iops(volume_type: str, size_gib: int) -> int:
    """Return the IOPS that ReadVolumes shows: chosen for io1, 3 a GiB from 100 for gp2, 100 for standard."""
    if volume_type == "io1":
        return size_gib * 10
    return max(100, size_gib * 3) if volume_type == "gp2" else 100
