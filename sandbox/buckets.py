"""What an account keeps in the object storage (OOS) of a region, drawn from the seed."""

import random
from dataclasses import dataclass
from datetime import datetime

from sandbox.draw import Draw
from sandbox.regions import Region

_BLOCK = 4096  # Sizes are whole blocks, so that a price per GiB is exact within 28 digits.
_ODD_KEYS = (
    "rapports/été 2025/données.csv",
    "signes/a&b <c> \"d\" 'e'.txt",
    "signes/plus+pour cent%20.txt",
    "アーカイブ/📦.tar",
)
_BACKUPS = 2300


@dataclass(frozen=True)
class Bucket:
    """One bucket, and the keys and sizes in bytes of its objects, in the order of the keys."""

    name: str
    created: datetime
    objects: tuple[tuple[str, int], ...]

    @property
    def size(self) -> int:
        """The bytes of all its objects."""
        return sum(size for _, size in self.objects)


def build_buckets(seed: int, region: Region, account_id: str) -> tuple[Bucket, ...]:
    """Return the buckets of an account, by name: one of several pages, one with odd keys, one empty."""
    draw = Draw(random.Random(f"{seed}/{region.name}/{account_id}/buckets"), region)
    backups = [f"sauvegardes/{number:05}.tar.gz" for number in range(_BACKUPS)]
    drawn = (("documents", _ODD_KEYS), ("sauvegardes", backups), ("vide", ()))
    return tuple(
        Bucket(
            draw.id(name), draw.moment(), tuple((key, _size(draw)) for key in sorted(keys, key=str.encode))
        )
        for name, keys in drawn
    )


def _size(draw: Draw) -> int:
    return draw.random.randrange(1, 50_000) * _BLOCK
