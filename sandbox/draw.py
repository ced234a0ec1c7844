"""Single facts drawn from one generator: ids, addresses, times, tags, snapshots."""

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from sandbox.inventory import Snapshot, Tags, Volume
from sandbox.regions import Region

PROJECTS = ("dossier-patient", "imagerie", "portail", "archives")
_TEAMS = ("plateforme", "données", "web")
FIRST_DAY = date(2024, 1, 8)
"""The first day on which a resource may have been made."""
_YEAR_DAYS = 365


class Draw:
    """Draws facts one after another from one generator."""

    def __init__(self, generator: random.Random, region: Region) -> None:
        self.random = generator
        self._region = region
        self._ids: set[str] = set()
        self._addresses = 0
        self._private_addresses = 0

    def id(self, prefix: str) -> str:
        """Return a new id of the real form: a prefix and eight hexadecimal digits."""
        while (drawn := f"{prefix}-{self.random.getrandbits(32):08x}") in self._ids:
            pass
        self._ids.add(drawn)
        return drawn

    def moment(self) -> datetime:
        """Return when something was made, to the second, within a year from January 2024."""
        start = datetime.combine(FIRST_DAY, datetime.min.time(), UTC)
        return start + timedelta(days=self.random.randrange(_YEAR_DAYS), seconds=self.random.randrange(86400))

    def subregion(self) -> str:
        """Return the name of a subregion."""
        return self.random.choice(self._region.subregions)[0]

    def address(self) -> str:
        """Return the next address of the range that is reserved for benchmarks."""
        self._addresses += 1
        return f"198.{18 + self._addresses // 65536}.{self._addresses // 256 % 256}.{self._addresses % 256}"

    def private_address(self) -> str:
        """Return the next address of a private range."""
        self._private_addresses += 1
        number = self._private_addresses + 3
        return f"10.{number // 65536}.{number // 256 % 256}.{number % 256}"

    def tags(self) -> Tags:
        """Return a project and a team, mostly."""
        if self.random.random() < 0.2:
            return ()
        return (("project", self.random.choice(PROJECTS)), ("team", self.random.choice(_TEAMS)))

    def snapshot(self, account_id: str, volume: Volume | None = None) -> Snapshot:
        """Return a snapshot of a volume, of one that was deleted since where none is given."""
        stored = Decimal(self.random.randrange(100, 9000)) / 100
        return Snapshot(
            snapshot_id=self.id("snap"),
            stored_gib=min(stored, Decimal(volume.size_gib)) if volume else stored,
            created=self.moment(),
            account_id=account_id,
            volume_id=volume.volume_id if volume else self.id("vol"),
            volume_size_gib=volume.size_gib if volume else self.random.randrange(90, 510, 10),
            tags=volume.tags if volume else self.tags(),
        )
