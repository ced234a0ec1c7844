"""What changed between the versions of a region's prices."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from django.core.paginator import Page

from costs import products
from costs.catalog import price_lists
from costs.models import Catalog
from costs.money import round_for_display
from costs.pricelist import PriceEntry, PriceKey, PriceList

_WORTH_A_COLOUR = 5


@dataclass(frozen=True, slots=True)
class PriceChange:
    """An entry before and after; ``before`` is None for a new one, ``after`` for a removed one."""

    key: PriceKey
    before: PriceEntry | None
    after: PriceEntry | None

    @property
    def name(self) -> str:
        """Our name of the product."""
        return products.name(self.key)

    @property
    def unit_name(self) -> str:
        """What one unit buys, after the change where there is an after."""
        return products.unit_name((self.after or self.before).unit)

    @property
    def percent(self) -> Decimal | None:
        """The change in percent of the old price, to one decimal; None without an old price above zero."""
        if not (self.before and self.after and self.before.unit_price):
            return None
        return round_for_display((self.after.unit_price / self.before.unit_price - 1) * 100, 1)

    @property
    def direction(self) -> str:
        """Return ``up`` or ``down`` for a change worth a colour, from 5 % on, else nothing."""
        if self.percent is None or abs(self.percent) < _WORTH_A_COLOUR:
            return ""
        return "up" if self.percent > 0 else "down"

    @property
    def is_new_price(self) -> bool:
        """Tell whether the product was there before and after, at two prices."""
        return bool(self.before and self.after) and self.before.unit_price != self.after.unit_price


@dataclass(frozen=True, slots=True)
class VersionChanges:
    """A stored version, and what it changed; ``changes`` is None for the first one, which changed nothing."""

    catalog: Catalog
    entry_count: int
    changes: list[PriceChange] | None
    currency_before: str | None

    @property
    def is_first(self) -> bool:
        """Tell the first version that was kept from one that changed no entry."""
        return self.changes is None


def changes_of(catalogs: Iterable[Catalog]) -> list[VersionChanges]:
    """Compare each catalog with the next of the sequence, which runs from newest to oldest (one query)."""
    catalogs = list(catalogs)
    if not catalogs:
        return []
    lists = price_lists(catalogs)
    compared = [
        VersionChanges(catalog, len(after.entries), changes_between(before, after), before.currency)
        for catalog, (after, before) in zip(catalogs, pairwise(lists), strict=False)
    ]
    return [*compared, VersionChanges(catalogs[-1], len(lists[-1].entries), None, None)]


def changes_on(page: Page) -> list[VersionChanges]:
    """Return the catalogs on ``page``, which run from newest to oldest, each with what it changed."""
    start, end = max(page.start_index() - 1, 0), page.end_index()
    and_the_one_before = page.paginator.object_list[start : end + 1]
    return changes_of(and_the_one_before)[: end - start]


def changes_between(before: PriceList, after: PriceList) -> list[PriceChange]:
    """Return the entries that were added, removed or changed, in the order of their keys."""
    keys = sorted(before.entries.keys() | after.entries.keys())
    changes = (PriceChange(key, before.entries.get(key), after.entries.get(key)) for key in keys)
    return [change for change in changes if change.before != change.after]
