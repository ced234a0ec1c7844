"""The tag keys that were ever seen in some ledgers, and the one that most likely tells who owns."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from django.db.models import Count

from consumption.models import Ledger, ResourceTag
from consumption.remembering import Memory
from consumption.tags import last_readings

_MEMORY = Memory("tag-keys", version=1)


class TagKey(NamedTuple):
    """A key, how many resources were seen with it, and how many values it has."""

    key: str
    resources: int
    values: int

    @property
    def tells_apart(self) -> bool:
        """Tell whether nearly every resource has a value of its own, as with ``Name``: no owner has that."""
        return self.values * 5 > self.resources * 4


def keys_seen(ledgers: Iterable[Ledger]) -> list[TagKey]:
    """Return all keys in the order in which they are offered: those of most resources first.

    Keys that tell resources apart come last. They are remembered until tags are read again.
    """
    owners = sorted(ledger.pk for ledger in ledgers)
    name = _MEMORY.name(owners, last_readings(owners))
    known = _MEMORY.recall([name]).get(name)
    if known is None:
        known = [tuple(one) for one in _counted(owners)]
        _MEMORY.keep({name: known})
    return [TagKey(*one) for one in known]


def _counted(ledgers: Sequence[int]) -> list[TagKey]:
    rows = ResourceTag.objects.filter(ledger__in=ledgers).order_by().values_list("key")
    counted = rows.annotate(
        resources=Count("resource_id", distinct=True), values_of_it=Count("value", distinct=True)
    )
    found = [TagKey(*row) for row in counted]
    return sorted(found, key=lambda one: (one.tells_apart, -one.resources, one.key))


def usual_key(seen: Sequence[TagKey]) -> str:
    """Return the key that most resources carry, of those that tell no resources apart if there is one.

    Empty when no key was ever seen.
    """
    return seen[0].key if seen else ""
