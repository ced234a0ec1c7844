"""Which kept history a session may see: that of the accounts and regions of its own keys, once proven."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from django.db.models import OuterRef, Subquery

from accounts import regions
from accounts.errors import kind_of
from accounts.keyring import Key, place_of
from consumption import sync
from consumption.models import Ledger, LedgerReader, UsageDay
from costs.snapshots import reader_of


@dataclass(frozen=True)
class Access:
    """The keys with which a question is asked, and the ledgers that they open.

    A key without ledger was never answered, not lately, or was refused; ``refusals`` says the latter: which
    key, and the message.
    """

    keys: list[Key]
    ledgers: list[Ledger]
    refusals: list[tuple[Key, str]]

    @property
    def is_proven(self) -> bool:
        """Tell whether every key may see what is kept."""
        return len(self.ledgers) == len(self.keys)

    @cached_property
    def by_currency(self) -> dict[str, "Access"]:
        """The keys, and what they open, by the currency in which their places are billed, in their order.

        The currency is that of the last day that has one; a region of which no day is kept is taken to be
        billed as is assumed (``regions.assumed_currency``). One query.
        """
        days = UsageDay.objects.filter(ledger=OuterRef("pk")).exclude(currency="").order_by("-day")
        ledgers = Ledger.objects.filter(pk__in=[ledger.pk for ledger in self.ledgers])
        billed = {
            place_of(account_id, region): currency
            for account_id, region, currency in ledgers.values_list(
                "account_id", "region", Subquery(days.values("currency")[:1])
            )
        }
        found: dict[str, list[Key]] = {}
        for key in self.keys:
            currency = billed.get(key.place) or regions.assumed_currency(key.region)
            found.setdefault(currency, []).append(key)
        return {currency: self.of(keys) for currency, keys in found.items()}

    def of(self, keys: list[Key]) -> "Access":
        """Return the part of it that some of the keys open."""
        places = {key.place for key in keys}
        return Access(
            keys,
            [ledger for ledger in self.ledgers if ledger.place in places],
            [(key, message) for key, message in self.refusals if key.place in places],
        )


def access_of(keys: Iterable[Key], at: dt.datetime) -> Access:
    """Return what these keys may see at a moment (one query, however many they are)."""
    keys = list(keys)
    ledgers, refusals = [], []
    readers = _readers_of(keys)
    for key in keys:
        reader = readers.get((reader_of(key.access_key), key.place))
        if reader is None:
            continue
        if sync.is_proven(reader, at):
            ledgers.append(reader.ledger)
        if reader.refusal:
            refusals.append((key, str(kind_of(reader.refusal)(sync.CALL).message)))
    return Access(keys, ledgers, refusals)


def refused_keys(keys: Iterable[Key]) -> set[Key]:
    """Return the keys that the cloud refused the consumption at its last answer (one query)."""
    keys = list(keys)
    readers = _readers_of(keys)
    return {
        key
        for key in keys
        if (reader := readers.get((reader_of(key.access_key), key.place))) and reader.refusal
    }


def _readers_of(keys: Iterable[Key]) -> dict[tuple[str, str], LedgerReader]:
    """Return what the cloud last answered these keys, by what stands for a key, and its place."""
    known = LedgerReader.objects.filter(reader__in={reader_of(key.access_key) for key in keys})
    return {(one.reader, one.ledger.place): one for one in known.select_related("ledger")}
