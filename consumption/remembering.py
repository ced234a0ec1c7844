"""What was worked out from the kept days and is remembered, also where a moment is looked at.

To find an expired entry in a cache of the database deletes it, and nothing may be written while a moment is
looked at (``consumption.moment``). So a name holds the stretch of days in which it is asked for, and its
entry outlives that: what has expired is never asked for.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from django.core.cache import cache
from django.utils import timezone

from consumption.moment import after_the_moment
from costs import hitmeter

_DAY_SECONDS = 24 * 3600


@dataclass(frozen=True)
class Memory:
    """Answers of a ``kind``, each remembered under all that it depends on, for ``days`` to two times as long.

    ``version`` changes whenever the same facts are answered otherwise, so that no older answer is found.
    """

    kind: str
    version: int
    days: int = 1

    def name(self, *facts: Any) -> str:
        """Return what stands for these facts now; their ``repr`` tells all that an answer depends on."""
        stretch = timezone.now().date().toordinal() // self.days
        return f"{self.kind}-{sha256(repr((self.version, stretch, *facts)).encode()).hexdigest()}"

    def recall(self, names: Iterable[str]) -> dict[str, Any]:
        """Return what is remembered under names (one query at most)."""
        asked = set(names)
        found = cache.get_many(asked)
        hitmeter.count(self.kind, hits=len(found), misses=len(asked) - len(found))
        return found

    def keep(self, answers: Mapping[str, Any]) -> None:
        """Remember answers by their names, once the moment that is looked at has ended."""
        if answers:
            after_the_moment(lambda: cache.set_many(dict(answers), (self.days + 1) * _DAY_SECONDS))
