"""The allocation as a session asks it: by which keys, with the names of what it is about."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from consumption.allocation import Allocation, allocation_of
from consumption.asking import Asked
from consumption.costcentres import centres_of
from consumption.groupnames import Names
from consumption.models import Meter
from consumption.rules import AllocationRule
from consumption.tagkeys import TagKey, keys_seen, usual_key


@dataclass(frozen=True)
class Answer:
    """The allocation, and all tag keys that were ever ``seen``."""

    allocation: Allocation
    seen: Sequence[TagKey]
    shared_services: Sequence[str]
    _asked: Asked

    @cached_property
    def names(self) -> Names:
        """The names of resources."""
        return self._asked.resource_names

    @cached_property
    def meters(self) -> dict[int, Meter]:
        """What was consumed, by primary key."""
        return {meter.pk: meter for meter in self.allocation.history.meters}

    @property
    def unseen_keys(self) -> list[str]:
        """The keys asked for that no resource was ever seen with."""
        if self.allocation.by_centre:
            return []
        known = {one.key for one in self.seen}
        return [key for key in self.allocation.keys if key not in known]

    def like(self, key: str) -> list[str]:
        """Return the keys that were seen and differ from one by case alone."""
        return [one.key for one in self.seen if one.key != key and one.key.casefold() == key.casefold()]


def answer_of(asked: Asked) -> Answer:
    """Return what a session asks, by the usual key when it names none; only of a valid form.

    Cost centres are those that the rules of who asks, and those of the operators, name.
    """
    form, seen = asked.form, keys_seen(asked.access.ledgers)
    services = form.shared_services
    ways = {"sharing": form.way_of_sharing, "shared_services": services}
    if form.by_centre:
        rules = AllocationRule.objects.for_owner(asked.owner)
        return Answer(centres_of(asked.history, rules, **ways).allocation, seen, services, asked)
    usual = usual_key(seen)
    keys = form.tag_keys or ([usual] if usual else [])
    found = allocation_of(asked.history, keys, **ways)
    return Answer(found, seen, services, asked)
