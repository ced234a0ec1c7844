"""A question of the history as a session asks it: with its keys, at a moment, of what it may see."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.http import QueryDict
from django.urls import reverse

from accounts.keyring import Key, Keyring, place_texts
from accounts.models import User
from consumption import reading
from consumption.access import Access, access_of
from consumption.consumed import Consumed, consumed_in
from consumption.forms import ConsumptionFilter
from consumption.groupnames import Names
from consumption.history import CurrencyUnknown, Dimension, History, Question, history_of
from consumption.knowndays import KnownDays
from consumption.reading import Wish
from costs import snapshots
from costs.lines import Line


@dataclass(frozen=True)
class Asked:
    """A form that was sent, the keys of its session, and the moment.

    ``known_access`` is what its keys may see where that was looked up already; ``owner`` is who asks.
    ``picks_currency``: of several accounts together those are asked that are billed as the first one is, when
    no currency is asked for; a page says which, and leads to the others. ``known_days`` are the days that its
    keys may see, where many questions are asked of them; ``remembers``: the sums of this one are remembered
    (``KnownDays``).
    """

    form: ConsumptionFilter
    keyring: Keyring
    now: datetime
    known_access: Access | None = None
    owner: User | None = None
    picks_currency: bool = False
    known_days: KnownDays | None = None
    remembers: bool = False

    @classmethod
    def of(
        cls,
        query: QueryDict,
        keyring: Keyring,
        now: datetime,
        form: type[ConsumptionFilter] = ConsumptionFilter,
        **known: Any,
    ) -> "Asked":
        """Return what an address asks by a ``form`` with the keys of a session; ``known``: more fields."""
        asked = form(query, today=now.date(), regions=keyring.regions, places=keyring.places)
        return cls(asked, keyring, now, picks_currency=True, **known)

    @cached_property
    def keys(self) -> list[Key]:
        """The keys that the question is asked with."""
        return self.access.keys

    @cached_property
    def access(self) -> Access:
        """What these keys may see."""
        if self.known_access is not None or not self.currency:
            return self.known_access or self._whole_access
        return self.by_currency.get(self.currency, self._whole_access)

    @cached_property
    def by_currency(self) -> dict[str, Access]:
        """What can be seen of the places that are asked for, by the currency in which they are billed."""
        return self._whole_access.by_currency

    @cached_property
    def currency(self) -> str:
        """The currency that is asked for, or picked; empty where none has to be chosen."""
        asked = self.form.cleaned_data.get("currency", "")
        if asked or self.known_access is not None or not (self.picks_currency and self.keyring.together):
            return asked
        return next(iter(self.by_currency)) if len(self._whole_access.keys) > 1 else ""

    def check_currency(self) -> None:
        """Raise ``CurrencyUnknown`` where nothing is billed in the currency that is asked for."""
        if self.currency and not self.known_access and self.currency not in self.by_currency:
            raise CurrencyUnknown(self.currency, self.by_currency)

    @cached_property
    def _whole_access(self) -> Access:
        return access_of(keys_of(self.form, self.keyring), self.now)

    @property
    def question(self) -> Question:
        """What is asked; only of a valid form."""
        return self.form.question

    @cached_property
    def history(self) -> History:
        """What answers it; raise ``SeveralCurrencies`` where it cannot be added.

        Raises ``CurrencyUnknown`` where nothing is billed in the currency that is asked for.
        """
        self.check_currency()
        ledgers, expected = self.access.ledgers, len(self.keys)
        known = KnownDays(ledgers) if self.remembers else self.known_days
        return history_of(ledgers, self.question, expected=expected, known=known)

    @cached_property
    def whole(self) -> History:
        """What answers the question without its filters."""
        return self.history.about(self.question.period, filters={})

    @cached_property
    def consumed(self) -> Consumed:
        """What can be asked for."""
        return consumed_in(self.history)

    @cached_property
    def names(self) -> Names:
        """The names of what is asked for; resources have one where they may be among it."""
        question = self.question
        by_resource = question.group_by == Dimension.RESOURCE or question.asks_resources
        return self.names_of(_lines(self.access) if by_resource else {})

    @cached_property
    def resource_names(self) -> Names:
        """The names of resources."""
        return self.names_of(_lines(self.access))

    def names_of(self, lines: Mapping[str, Line]) -> Names:
        """Return the names of everything, with those of the resources in ``lines``."""
        return Names(self.consumed, self.keyring.names, lines)

    @property
    def places(self) -> list[str]:
        """Where it is asked, for people: the regions, with the accounts where there are several."""
        return place_texts(self.keys, with_accounts=len(self.keyring.names) > 1)

    def wish(self, *, compare: bool = False, again: bool = False) -> Wish:
        """Return which days are to be read for the question."""
        period = reading.wanted(self.form.days, compare=compare)
        return Wish(period, self.question.with_linked, again)

    @property
    def has_days_to_read(self) -> bool:
        """Tell whether a reading would ask the cloud for anything."""
        return bool(reading.days_left(self.keys, self.wish(), at=self.now))


def keys_of(form: ConsumptionFilter, keyring: Keyring) -> list[Key]:
    """Return the keys of a session that a form asks with, in whatever currency their places are billed."""
    asked = form.cleaned_data
    if asked.get("place"):
        return keyring.in_places(asked["place"])
    return keyring.in_regions(asked.get("region", []))


def read_url(keys: Iterable[Key], wish: Wish) -> str:
    """Return the address that reads the days of a wish with these keys, whatever page asks for it."""
    address = QueryDict(mutable=True)
    address["first"], address["last"] = wish.period.first.isoformat(), wish.period.last.isoformat()
    address.setlist("at", [key.place for key in keys])
    if wish.with_linked:
        address["linked"] = "1"
    return f"{reverse('consumption:read')}?{address.urlencode()}"


def _lines(access: Access) -> dict[str, Line]:
    """Return the resources, by id, that the last reading of the current cost by each proven key knows."""
    proven = {ledger.place for ledger in access.ledgers}
    found = {}
    for key in access.keys:
        if key.place in proven:
            reader = snapshots.reader_of(key.access_key)
            stored = snapshots.latest(key.account_id, key.region, reader)
            found |= {line.resource_id: line for line in snapshots.read(stored).lines} if stored else {}
    return found
