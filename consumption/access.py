"""Which kept history a session may see: that of the accounts and regions of its own keys, once proven."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from accounts.errors import kind_of
from accounts.keyring import Key, Keyring
from consumption import sync
from consumption.models import Ledger, LedgerReader
from costs.snapshots import reader_of


@dataclass(frozen=True)
class Access:
    """The keys with which a question is asked, and the ledgers that they open.

    A key without ledger was never answered, not lately, or was refused; ``refusals`` says the latter, as
    region and message.
    """

    keys: list[Key]
    ledgers: list[Ledger]
    refusals: list[tuple[str, str]]

    @property
    def is_proven(self) -> bool:
        """Tell whether every key may see what is kept."""
        return len(self.ledgers) == len(self.keys)


def keys_for(keyring: Keyring, regions: Iterable[str]) -> list[Key]:
    """Return the session's key for each of ``regions``, the one in use when none is named."""
    keys = [keyring.for_region(region) for region in regions] or [keyring.current]
    return [key for key in keys if key is not None]


def access_of(keys: Iterable[Key], at: dt.datetime) -> Access:
    """Return what these keys may see at a moment."""
    keys = list(keys)
    ledgers = [ledger for key in keys if (ledger := visible_ledger(key, at))]
    refusals = [(key.region, message) for key in keys if (message := _refusal(key))]
    return Access(keys, ledgers, refusals)


def visible_ledger(key: Key, at: dt.datetime) -> Ledger | None:
    """Return the ledger that a key may see, None when there is none or the key is not proven for it."""
    ledger = sync.ledger_of(key.account_id, key.region)
    return ledger if sync.may_see(ledger, key.access_key, at) else None


def _refusal(key: Key) -> str:
    """Return why the cloud refused this key the consumption at its last answer, empty when it did not."""
    readers = LedgerReader.objects.filter(
        ledger__account_id=key.account_id, ledger__region=key.region, reader=reader_of(key.access_key)
    )
    code = readers.exclude(refusal="").values_list("refusal", flat=True).first()
    return str(kind_of(code)(sync.CALL).message) if code else ""
