"""What a budget is about: which accounts, regions, categories, services and tags; nothing chosen is all."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

TAG_SEPARATOR = "="


@dataclass(frozen=True)
class Scope:
    """What a budget counts: all of it that is in every one of these lists; an empty list leaves nothing out.

    ``tags`` are ``key=value``: values of the same key are alternatives, of different keys all must be there.
    """

    accounts: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> "Scope":
        """Return what ``stored`` of a budget, or sent to the API, says."""
        return cls(**{one.name: tuple(stored.get(one.name, ())) for one in fields(cls)})

    @property
    def stored(self) -> dict[str, list[str]]:
        """The lists as a budget keeps them."""
        return {name: list(values) for name, values in asdict(self).items()}

    @property
    def tag_pairs(self) -> frozenset[tuple[str, str]]:
        """The tags by key and value."""
        return frozenset(tuple(tag.split(TAG_SEPARATOR, 1)) for tag in self.tags)
