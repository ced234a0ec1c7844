"""Budgets as a session asks for them: with its keys, of what those may see."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from accounts.keyring import Key, Keyring, place_texts
from accounts.models import User
from budgets.models import Budget
from budgets.standing import Place, Standing
from budgets.tracking import Visible, standings_of
from consumption import reading
from consumption.access import Access, access_of
from consumption.asking import read_url
from consumption.models import Ledger
from consumption.periods import ONE_DAY, Period
from consumption.reading import Wish

LEARNT_DAYS = 90
"""How many days are read at least: a forecast learns from them."""


@dataclass(frozen=True)
class Asking:
    """Some budgets of an owner, the keys of the session, and the moment."""

    owner: User
    budgets: list[Budget]
    keyring: Keyring
    now: dt.datetime

    @property
    def today(self) -> dt.date:
        """The UTC day, which is not over."""
        return self.now.date()

    @cached_property
    def keys(self) -> list[Key]:
        """The keys with which the budgets are counted, whichever account is in use, in their regions.

        Those of the owner's account and of the accounts that they name; where no key opens such an account,
        those of paying accounts, too, whose ledgers may hold it.
        """
        return [key for key in self.keyring.keys if any(self._serves(key, one) for one in self.budgets)]

    def _serves(self, key: Key, budget: Budget) -> bool:
        scope = budget.counted
        if scope.regions and key.region not in scope.regions:
            return False
        if key.account_id in {self.owner.account_id, *scope.accounts}:
            return True
        return key.account_id in self._paying and not {*scope.accounts} <= self.keyring.names.keys()

    @cached_property
    def _paying(self) -> set[str]:
        """The accounts of the session to which others are billed (one query)."""
        found = Ledger.objects.filter(account_id__in=self.keyring.names, is_paying=True)
        return set(found.values_list("account_id", flat=True))

    @cached_property
    def access(self) -> Access:
        """What these keys may see."""
        return access_of(self.keys, self.now)

    @property
    def visible(self) -> Visible:
        """The ledgers of which the budgets may be told."""
        ledgers = frozenset(ledger.pk for ledger in self.access.ledgers)
        return {budget.pk: ledgers for budget in self.budgets}

    def standings(self, *, seconds: float) -> list[Standing]:
        """Return where the budgets stand, as ``tracking.standings_of`` does."""
        return standings_of(
            self.budgets,
            visible=self.visible,
            today=self.today,
            seconds=seconds,
            places={Place(key.account_id, key.region) for key in self.keyring.keys},
        )

    def reading_of(self, standings: Iterable[Standing]) -> dict[str, Any]:
        """Return what the reading of missing days needs on a page of budgets (``_reading.html``)."""
        wish = self._wish(standings)
        has_any = bool(self.keys and self.budgets)
        return {
            "read_url": read_url(self.keys, wish),
            "begins": has_any and bool(reading.days_left(self.keys, wish, at=self.now)),
            "regions": self.place_texts,
            "refusals": self.access.refusals,
        }

    def _wish(self, standings: Iterable[Standing]) -> Wish:
        """Return which days are to be read: those of running periods, and those a forecast learns from."""
        firsts = [standing.running.period.first for standing in standings if standing.running]
        first = min([self.today - LEARNT_DAYS * ONE_DAY, *firsts])
        return Wish(Period(first, self.today), self.with_linked)

    @property
    def place_texts(self) -> list[str]:
        """Where the days of the budgets are read, for people (``keyring.place_texts``)."""
        return place_texts(self.keys, with_accounts=len({key.account_id for key in self.keys}) > 1)

    @property
    def with_linked(self) -> bool:
        """Tell whether some budget counts accounts that are billed to another one, and have no key there."""
        paying = [ledger for ledger in self.access.ledgers if ledger.is_paying]
        return any(self._lacks_key(ledger, budget) for ledger in paying for budget in self.budgets)

    def _lacks_key(self, ledger: Ledger, budget: Budget) -> bool:
        """Tell whether a budget may count accounts in the ledger of a paying one."""
        if not budget.counted.accounts:
            return ledger.account_id == self.owner.account_id
        with_key = {key.account_id for key in self.keys if key.region == ledger.region}
        return bool({*budget.counted.accounts} - with_key)
