"""What runs at several places together: each place by its own reading, and all of one currency as one.

A place is an account in a region. Different currencies are never added, and a place that was not read is
named beside the total that lacks it.
"""

import datetime as dt
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import msgspec

from accounts import regions, standing
from accounts.errors import CloudError
from accounts.keyring import Key
from costs import snapshots
from costs.amounts import Amount, total
from costs.currentcost import CurrentCost, Group, Grouping, Question, current_cost
from costs.lines import Line
from costs.models import Catalog, CostSnapshot
from costs.snapshots import Snapshot


@dataclass(frozen=True)
class Place:
    """An account in a region: its last reading, and what of it answers the question; None when never read.

    ``currency`` is that of the reading, else that of the region's prices. ``refusal`` is with what the cloud
    refused the key a moment ago, if it did.
    """

    key: Key
    currency: str
    stored: CostSnapshot | None
    cost: CurrentCost | None = field(repr=False)
    is_fresh: bool
    refusal: CloudError | None

    @property
    def lacks(self) -> bool:
        """Tell whether a total that holds this place lacks something of it."""
        return self.cost is None or self.cost.lacks


@dataclass(frozen=True)
class CurrencyTotal:
    """What the places of one currency cost together, as far as it is known; ``count``: their resources."""

    currency: str
    places: Sequence[Place]

    @property
    def amount(self) -> Amount:
        """What is known of the cost."""
        return total((place.cost.amount, 1) for place in self.places if place.cost)

    @property
    def count(self) -> int:
        """How many resources are known."""
        return sum(len(place.cost.lines) for place in self.places if place.cost)

    @property
    def unread(self) -> list[Place]:
        """The places of which nothing is known."""
        return [place for place in self.places if place.cost is None]

    @property
    def is_known(self) -> bool:
        """Tell whether any place was read."""
        return len(self.unread) < len(self.places)

    @property
    def lacks(self) -> bool:
        """Tell whether the amount lacks something."""
        return any(place.lacks for place in self.places)


@dataclass(frozen=True)
class MergedCost(CurrentCost):
    """The current cost of several places of one currency, as one; ``unread`` are those that it lacks.

    Its snapshot is of no account, region, moment or catalog of its own: ``parts`` are.
    """

    parts: Sequence[Place] = ()
    unread: Sequence[Place] = ()

    @property
    def lacks(self) -> bool:
        """Tell whether the totals lack a place, a list, or the price of a resource."""
        return bool(self.unread) or super().lacks

    @cached_property
    def groups(self) -> list[Group]:
        """The totals by the question's grouping; one lacks something that was read at some places only."""
        failed = {group.key for part in self.parts for group in part.cost.by_type() if group.missing}
        by_type = self.question.grouping == Grouping.TYPE

        def is_whole(group: Group) -> bool:
            return not self.unread and not (group.key in failed if by_type else self.missing)

        return [replace(group, is_whole=is_whole(group)) for group in super().groups]

    @cached_property
    def _ends(self) -> list[int]:
        """Where the costs of each part end among all."""
        ends, end = [], 0
        for part in self.parts:
            end += len(part.cost.snapshot.costs)
            ends.append(end)
        return ends

    def place_of(self, line: Line) -> Place:
        """Return where a resource is."""
        return self.parts[bisect_right(self._ends, line.cost)]


@dataclass(frozen=True)
class Together:
    """The places of a session, as far as they were read."""

    places: Sequence[Place]
    question: Question

    @cached_property
    def totals(self) -> list[CurrencyTotal]:
        """The totals of each currency, in the order of the places."""
        by_currency: dict[str, list[Place]] = {}
        for place in self.places:
            by_currency.setdefault(place.currency, []).append(place)
        return [CurrencyTotal(currency, found) for currency, found in by_currency.items()]

    def merged(self, currency: str) -> MergedCost | None:
        """Return the resources of the places of one currency as one list; None when none was read."""
        places = [place for place in self.places if place.currency == currency]
        parts = [place for place in places if place.cost]
        if not parts:
            return None
        unread = [place for place in places if place.cost is None]
        merged = current_cost(_as_one([part.cost.snapshot for part in parts]), self.question)
        return MergedCost(merged.snapshot, merged.question, merged.lines, parts=parts, unread=unread)


def together(keys: Iterable[Key], question: Question, now: dt.datetime) -> Together:
    """Return what runs at the places of some keys, from their last readings; the cloud is not asked."""
    keys = list(keys)
    asked = {key: (key.account_id, key.region, snapshots.reader_of(key.access_key)) for key in keys}
    stored = snapshots.latest_of(asked.values())
    newest = Catalog.objects.newest_of(key.region for key in keys)
    priced_in = {catalog.region: catalog.currency for catalog in newest}
    refusals = standing.refusals_of(key.access_key for key in keys)
    places = []
    for key in keys:
        last = stored.get(asked[key])
        usual = priced_in.get(key.region) or regions.assumed_currency(key.region)
        place = Place(
            key=key,
            currency=last.currency if last else usual,
            stored=last,
            cost=current_cost(snapshots.read(last), question) if last else None,
            is_fresh=bool(last) and snapshots.is_fresh(last, now),
            refusal=refusals.get(key.access_key),
        )
        places.append(place)
    return Together(places, question)


def _as_one(parts: Sequence[Snapshot]) -> Snapshot:
    """Return several readings of one currency as one: what is in ``read`` was read everywhere."""
    lines, costs = [], []
    for part in parts:
        begin = len(costs)
        costs += part.costs
        lines += [msgspec.structs.replace(line, cost=line.cost + begin) for line in part.lines]
    return Snapshot(
        account_id="",
        region="",
        taken_at=min(part.taken_at for part in parts),
        currency=parts[0].currency,
        currency_confirmed=all(part.currency_confirmed for part in parts),
        catalog_version=0,
        catalog_valid_from=min(part.catalog_valid_from for part in parts),
        read=[call for call in parts[0].read if all(call in part.read for part in parts)],
        missing=[one for part in parts for one in part.missing],
        lines=lines,
        costs=costs,
    )
