"""What an answer of ReadConsumptionAccount says: its entries as typed facts, exact to the last decimal.

The dates of an entry are not read: those of real answers differ from the period that was asked. The days are
those of the question.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import msgspec

from accounts.errors import CloudAnswerInvalid
from costs.money import storable
from costs.pricelist import PriceKey
from costs.products import NO_CATEGORY

CALL = "ReadConsumptionAccount"
_CURRENCY = re.compile(r"[A-Z]{3}")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")  # PostgreSQL keeps neither
LONGEST_NAME = 128
LONGEST_PLACE = 64
LONGEST_RESOURCE_ID = 255


class Entry(msgspec.Struct, rename="pascal", gc=False):
    """One line of the answer. ``value`` is in the unit of its price, prices exclude tax.

    ``subregion_name`` is a subregion for VMs, licences and volumes, else the region. ``unit_price`` and
    ``price`` are there when the cloud was asked for prices and knows this one.
    """

    service: str
    type: str
    operation: str
    value: Decimal
    subregion_name: str | None = None
    category: str | None = None
    title: str | None = None
    account_id: str | None = None
    paying_account_id: str | None = None
    resource_id: str | None = None
    unit_price: Decimal | None = None
    price: Decimal | None = None

    @property
    def key(self) -> PriceKey:
        """What identifies the product."""
        return PriceKey(self.service, self.type, self.operation)

    @property
    def meter(self) -> tuple[str, ...]:
        """What is measured, as ``consumption.models.Meter`` keeps it."""
        title = _UNSTORABLE.sub("", self.title or "")[:LONGEST_NAME]
        return (*self.key, self.subregion_name or "", self.category or NO_CATEGORY, title)


@dataclass(frozen=True)
class Answer:
    """The entries of one answer, how many could not be understood, and the currency that it names, if any."""

    entries: list[Entry]
    unreadable_count: int
    currency: str


def answer_of(fields: Mapping[str, msgspec.Raw]) -> Answer:
    """Read the fields of an answer; raise ``CloudAnswerInvalid`` when it holds no list of entries."""
    try:
        raw = msgspec.json.decode(fields.get("ConsumptionEntries", b""), type=list[msgspec.Raw])
    except (msgspec.DecodeError, RecursionError) as error:
        raise CloudAnswerInvalid(CALL) from error
    entries = [entry for entry in map(_entry, raw) if entry]
    return Answer(entries, len(raw) - len(entries), _currency(fields.get("Currency", b"null")))


def _entry(text: msgspec.Raw) -> Entry | None:
    """Return an entry, None when a figure or a name in it is none."""
    try:
        entry = msgspec.json.decode(text, type=Entry)
    except (msgspec.DecodeError, ArithmeticError, RecursionError):
        return None
    return entry if _is_sound(entry) else None


def _is_sound(entry: Entry) -> bool:
    figures = (entry.value, entry.unit_price, entry.price)
    if any(figure is not None and (not figure.is_finite() or storable(figure) is None) for figure in figures):
        return False
    places = (entry.subregion_name, entry.category, entry.account_id, entry.paying_account_id)
    return (
        all(name and _is_text(name, LONGEST_NAME) for name in entry.key)
        and all(_is_text(place, LONGEST_PLACE) for place in places)
        and _is_text(entry.resource_id, LONGEST_RESOURCE_ID)
    )


def _is_text(text: str | None, longest: int) -> bool:
    return not text or (len(text) <= longest and not _UNSTORABLE.search(text))


def _currency(text: msgspec.Raw | bytes) -> str:
    try:
        named = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return ""
    return named if isinstance(named, str) and _CURRENCY.fullmatch(named) else ""
