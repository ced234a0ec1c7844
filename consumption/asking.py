"""A question of the history as a session asks it: with its keys, at a moment, of what it may see."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.http import QueryDict
from django.urls import reverse

from accounts.keyring import Key, Keyring
from accounts.models import User
from consumption import reading
from consumption.access import Access, access_of, keys_for
from consumption.consumed import Consumed, consumed_in
from consumption.forms import ConsumptionFilter
from consumption.groupnames import Names
from consumption.history import Dimension, History, Question, history_of
from consumption.reading import Wish
from costs import snapshots
from costs.lines import Line


@dataclass(frozen=True)
class Asked:
    """A form that was sent, the keys of its session, and the moment.

    ``known_access`` is what its keys may see where that was looked up already; ``owner`` is who asks.
    """

    form: ConsumptionFilter
    keyring: Keyring
    now: datetime
    known_access: Access | None = None
    owner: User | None = None

    @classmethod
    def of(
        cls,
        query: QueryDict,
        keyring: Keyring,
        now: datetime,
        form: type[ConsumptionFilter] = ConsumptionFilter,
        *,
        known_access: Access | None = None,
        owner: User | None = None,
    ) -> "Asked":
        """Return what an address asks by a ``form``; the regions are those of the session's keys."""
        regions = {key.region for key in keyring.keys}
        return cls(form(query, today=now.date(), regions=regions), keyring, now, known_access, owner)

    @cached_property
    def keys(self) -> list[Key]:
        """The keys that the question is asked with."""
        return keys_for(self.keyring, self.form.cleaned_data.get("region", []))

    @cached_property
    def access(self) -> Access:
        """What these keys may see."""
        return self.known_access or access_of(self.keys, self.now)

    @property
    def question(self) -> Question:
        """What is asked; only of a valid form."""
        return self.form.question

    @cached_property
    def history(self) -> History:
        """What answers it; raise ``SeveralCurrencies`` where it cannot be added."""
        return history_of(self.access.ledgers, self.question, expected=len(self.keys))

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
        return Names(self.consumed, {key.account_id: key.name for key in self.keyring.keys}, lines)

    def wish(self, *, compare: bool = False, again: bool = False) -> Wish:
        """Return which days are to be read for the question."""
        period = reading.wanted(self.form.days, compare=compare)
        return Wish(period, self.question.with_linked, again)

    @property
    def has_days_to_read(self) -> bool:
        """Tell whether a reading would ask the cloud for anything."""
        return bool(reading.days_left(self.keys, self.wish(), at=self.now))


def read_url(keys: Iterable[Key], wish: Wish) -> str:
    """Return the address that reads the days of a wish with these keys, whatever page asks for it."""
    address = QueryDict(mutable=True)
    address["first"], address["last"] = wish.period.first.isoformat(), wish.period.last.isoformat()
    address.setlist("region", [key.region for key in keys])
    if wish.with_linked:
        address["linked"] = "1"
    return f"{reverse('consumption:read')}?{address.urlencode()}"


def _lines(access: Access) -> dict[str, Line]:
    """Return the resources, by id, that the last reading of the current cost by each proven key knows."""
    proven = {(ledger.account_id, ledger.region) for ledger in access.ledgers}
    found = {}
    for key in access.keys:
        if (key.account_id, key.region) in proven:
            reader = snapshots.reader_of(key.access_key)
            stored = snapshots.latest(key.account_id, key.region, reader)
            found |= {line.resource_id: line for line in snapshots.read(stored).lines} if stored else {}
    return found
