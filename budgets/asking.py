"""Budgets as a session asks for them: with its keys, of what those may see."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from accounts.keyring import Key, Keyring
from accounts.models import User
from budgets.models import Budget
from budgets.standing import Standing
from budgets.tracking import Visible, standings_of
from consumption import reading
from consumption.access import Access, access_of
from consumption.asking import read_url
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

    @property
    def keys(self) -> list[Key]:
        """The keys of the owner's account for the regions that the budgets count."""
        scopes = [budget.counted.regions for budget in self.budgets]
        regions = {region for scope in scopes for region in scope} if all(scopes) else None
        return [
            key
            for key in self.keyring.keys
            if key.account_id == self.owner.account_id and (regions is None or key.region in regions)
        ]

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
            regions={key.region for key in self.keys},
        )

    def reading_of(self, standings: Iterable[Standing]) -> dict[str, Any]:
        """Return what the reading of missing days needs on a page of budgets (``_reading.html``)."""
        wish = self._wish(standings)
        has_any = bool(self.keys and self.budgets)
        return {
            "read_url": read_url(self.keys, wish),
            "begins": has_any and bool(reading.days_left(self.keys, wish, at=self.now)),
            "regions": [key.region for key in self.keys],
            "refusals": self.access.refusals,
        }

    def _wish(self, standings: Iterable[Standing]) -> Wish:
        """Return which days are to be read: those of running periods, and those a forecast learns from."""
        firsts = [standing.running.period.first for standing in standings if standing.running]
        first = min([self.today - LEARNT_DAYS * ONE_DAY, *firsts])
        return Wish(Period(first, self.today), self.with_linked)

    @property
    def with_linked(self) -> bool:
        """Tell whether some budget counts accounts that are billed to this one."""
        own = {self.owner.account_id}
        wants = any(set(budget.counted.accounts or ["any"]) - own for budget in self.budgets)
        return wants and any(ledger.is_paying for ledger in self.access.ledgers)
