"""What a budget counts of the kept ledgers, and what it lacks: nothing of an account that may not be seen.

A budget that names no accounts counts its owner's, and what is billed to that; never another account of
the session. One that names accounts counts those, each from its own ledger; where that is not to be seen,
from the ledger of the account that it is billed to.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import product

from accounts.regions import assumed_currency
from budgets.models import Budget
from budgets.scope import Scope
from budgets.standing import Lacks, Place
from consumption.daybook import Choice, Daybook
from consumption.models import Ledger


@dataclass(frozen=True)
class Counted:
    """A budget, what it counts of the ledgers that may be seen, and what it lacks."""

    budget: Budget
    choice: Choice
    lacks: Lacks


def counted_in(
    book: Daybook, budget: Budget, *, visible: Collection[int], places: Collection[Place]
) -> Counted:
    """Return what a budget counts in a book of all ledgers that it may be about.

    ``visible`` are the ledgers, by primary key, of which it may be told, ``places`` those of the keys of who
    asks: what belongs to the budget and was never read there is lacking.
    """
    asked = _Asked(book, budget, frozenset(visible), frozenset(places))
    choice, scope = asked.choice, budget.counted
    lacks = Lacks(
        accounts=tuple(sorted(asked.closed_accounts)),
        hidden=asked.hidden,
        unread=asked.unread,
        untagged=_places(one for one in asked.seen if scope.tags and not book.has_all_tags(one.pk)),
        foreign=asked.foreign,
        linked_tags=bool(scope.tags) and book.counts_linked(choice),
    )
    return Counted(budget, choice, lacks)


@dataclass(frozen=True)
class _Asked:
    """What a budget asks of a book."""

    book: Daybook
    budget: Budget
    visible: frozenset[int]
    key_places: frozenset[Place]

    @cached_property
    def scope(self) -> Scope:
        return self.budget.counted

    @property
    def owner(self) -> str:
        return self.budget.owner.account_id

    @cached_property
    def accounts(self) -> frozenset[str]:
        return frozenset(self.scope.accounts or [self.owner])

    @property
    def choice(self) -> Choice:
        """Which rows are counted."""
        lacking = len(self.closed_accounts) + sum(map(len, (self.hidden, self.unread, self.foreign)))
        return Choice(
            frozenset(ledger.pk for ledger in self.seen) | self.with_linked,
            self.budget.currency,
            accounts=frozenset(self.scope.accounts),
            categories=frozenset(self.scope.categories),
            services=frozenset(self.scope.services),
            tags=self.scope.tag_pairs,
            with_linked=self.with_linked,
            unseen=lacking,
        )

    # --- Ledgers

    @cached_property
    def inside(self) -> list[Ledger]:
        """The ledgers of the accounts, whoever may see them."""
        found = self.book.ledgers.values()
        return [one for one in found if one.account_id in self.accounts and self._is_asked(one.region)]

    @cached_property
    def wanted(self) -> list[Ledger]:
        """Those that are billed in the currency of the budget."""
        return [one for one in self.inside if self._is_billed_alike(one)]

    @cached_property
    def seen(self) -> list[Ledger]:
        """Those of them that may be seen."""
        return [one for one in self.wanted if one.pk in self.visible]

    @cached_property
    def with_linked(self) -> frozenset[int]:
        """The ledgers of which accounts count that are billed to theirs."""
        if self.scope.accounts:
            return frozenset(self._counted_elsewhere)
        is_paying = any(ledger.is_paying for ledger in self.seen)
        return frozenset(ledger.pk for ledger in self.seen if is_paying)

    @cached_property
    def _counted_elsewhere(self) -> dict[int, set[Place]]:
        """The places of named accounts that are counted in a ledger of another account, by its key.

        Such a ledger is the owner's, or that of a named account; any other one only serves for an account
        that would not be known at all.
        """
        found: dict[int, set[Place]] = {}
        if not self.scope.accounts:
            return found
        opened, own_places = {one.account_id for one in self.seen}, set(_places(self.seen))
        for ledger in self._visible:
            linked = self._billed_to[ledger.account_id] & self.accounts
            if ledger.account_id not in {self.owner, *self.accounts}:
                linked -= opened
            places = {Place(account, ledger.region) for account in linked} - own_places
            if places:
                found[ledger.pk] = places
        return found

    @cached_property
    def _visible(self) -> list[Ledger]:
        """All ledgers that may be seen, of whatever account, in the regions and currency of the budget."""
        found = (self.book.ledgers[pk] for pk in self.visible if pk in self.book.ledgers)
        return [one for one in found if self._is_asked(one.region) and self._is_billed_alike(one)]

    @cached_property
    def _billed_to(self) -> dict[str, set[str]]:
        """The other accounts that are billed to each account, as its own ledgers and theirs tell."""
        found: dict[str, set[str]] = {one.account_id: set() for one in self._visible}
        for ledger in self._visible:
            found[ledger.account_id] |= self.book.accounts_in(ledger.pk)
        for ledger in self.inside:
            if ledger.paying_account_id in found:
                found[ledger.paying_account_id].add(ledger.account_id)
        return {paying: accounts - {paying} for paying, accounts in found.items()}

    # --- What is lacking

    @cached_property
    def closed_accounts(self) -> frozenset[str]:
        """The accounts of the scope of which nothing can be told, and about which nothing is said."""
        known = {place.account_id for place in self._known | {*self.hidden, *self.unread, *self.foreign}}
        return self._without_key | (frozenset(self.scope.accounts) - known)

    @cached_property
    def _without_key(self) -> frozenset[str]:
        """The accounts that neither a key nor a ledger opens; the owner's own is named by its regions."""
        opened = {place.account_id for place in self._known | self.key_places}
        return self.accounts - opened - {self.owner}

    @cached_property
    def hidden(self) -> tuple[Place, ...]:
        """Places that belong to the budget and may not be seen."""
        return self._of_open(set(_places(self.wanted)) - self._known)

    @cached_property
    def unread(self) -> tuple[Place, ...]:
        """Places of which nothing is kept: of the keys, and where the scope names them."""
        known = self._known | set(_places(self.inside))
        of_keys = {one for one in self.key_places if one.account_id in self.accounts and self._may_count(one)}
        accounts, regions = ({one[part] for one in known | of_keys} for part in (0, 1))
        named = {
            place
            for place in map(Place._make, product(self.accounts, self.scope.regions))
            if place.account_id not in accounts or place.region not in regions
        }
        return self._of_open((of_keys | named) - known)

    @cached_property
    def foreign(self) -> tuple[Place, ...]:
        """Places of named regions, or all those of a named account, that are billed in another currency."""
        inside, wanted = set(_places(self.inside)), set(_places(self.wanted))
        if self.scope.regions:
            return self._of_open(inside - wanted)
        alike = {place.account_id for place in wanted | self._known | {*self.unread}}
        others = inside | self.key_places
        return self._of_open(
            {
                one
                for one in others
                if one.account_id in {*self.scope.accounts} and one.account_id not in alike
            }
        )

    @cached_property
    def _known(self) -> set[Place]:
        """The places that are counted."""
        return set(_places(self.seen)).union(*self._counted_elsewhere.values())

    def _of_open(self, places: Iterable[Place]) -> tuple[Place, ...]:
        return tuple(sorted(one for one in places if one.account_id not in self._without_key))

    def _may_count(self, place: Place) -> bool:
        """Tell whether a place of which nothing is kept belongs to the budget; its currency is assumed."""
        if self.scope.regions:
            return place.region in self.scope.regions
        return assumed_currency(place.region) == self.budget.currency

    def _is_asked(self, region: str) -> bool:
        return not self.scope.regions or region in self.scope.regions

    def _is_billed_alike(self, ledger: Ledger) -> bool:
        currencies = self.book.currencies(ledger.pk) or {assumed_currency(ledger.region)}
        return self.budget.currency in currencies


def _places(ledgers: Iterable[Ledger]) -> tuple[Place, ...]:
    return tuple(sorted({Place(ledger.account_id, ledger.region) for ledger in ledgers}))
