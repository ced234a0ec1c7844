"""What an answer of ReadConsumptionAccount says: its entries as typed facts, exact to the last decimal.

The dates of an entry are not read: those of real answers differ from the period that was asked. The days are
those of the question.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

import msgspec

from accounts.errors import CloudAnswerInvalid
from costs.pricelist import PriceKey
from costs.products import NO_CATEGORY

CALL = "ReadConsumptionAccount"
_CURRENCY = re.compile(r"[A-Z]{3}")
_MOST = Decimal(900_000_000)  # what the database keeps, with some room
_MOST_COST = Decimal(
    10_000_000
)  # of one line on one day: more is a damaged answer, and many would not add up
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
        place, category = self.subregion_name or "", self.category or NO_CATEGORY
        return (self.service, self.type, self.operation, place, category, _title(self.title or ""))


@dataclass(frozen=True)
class Answer:
    """The entries of one answer, how many could not be understood, and the currency that it names, if any."""

    entries: list[Entry]
    unreadable_count: int
    currency: str


def answer_of(fields: Mapping[str, msgspec.Raw]) -> Answer:
    """Read the fields of an answer; raise ``CloudAnswerInvalid`` when it holds no list of entries."""
    text = bytes(fields.get("ConsumptionEntries", b""))
    found, count = _entries(text)
    may_be_odd = b"\\u" in text  # only an escape can bring what no database takes
    entries = [entry for entry in found if _is_sound(entry, may_be_odd=may_be_odd)]
    return Answer(entries, count - len(entries), _currency(fields.get("Currency", b"null")))


def _entries(text: bytes) -> tuple[list[Entry], int]:
    """Return the entries that have the form of one, and how many there are with the others."""
    try:
        entries = _decoder.decode(text)
    except (ValueError, ArithmeticError, RecursionError):
        return _one_by_one(text)
    return entries, len(entries)


def _one_by_one(text: bytes) -> tuple[list[Entry], int]:
    try:
        raw = msgspec.json.decode(text, type=list[msgspec.Raw])
    except (ValueError, RecursionError) as error:
        raise CloudAnswerInvalid(CALL) from error
    return [entry for entry in map(_entry, raw) if entry], len(raw)


_decoder = msgspec.json.Decoder(list[Entry])


def _entry(text: msgspec.Raw) -> Entry | None:
    """Return an entry, None when a figure or a name in it is none."""
    try:
        return msgspec.json.decode(text, type=Entry)
    except (ValueError, ArithmeticError, RecursionError):
        return None


def _is_sound(entry: Entry, *, may_be_odd: bool) -> bool:
    prices = (entry.unit_price, entry.price)
    names = (entry.service, entry.type, entry.operation)
    places = (entry.subregion_name, entry.category, entry.account_id, entry.paying_account_id)
    resource_id = entry.resource_id
    if not (_is_amount(entry.value, _MOST) and all(_is_amount(one, _MOST_COST) for one in prices)):
        return False
    if not all(names):
        return False
    if max(map(len, names)) > LONGEST_NAME or any(place and len(place) > LONGEST_PLACE for place in places):
        return False
    if resource_id and len(resource_id) > LONGEST_RESOURCE_ID:
        return False
    texts = (*names, *places, resource_id)
    return not (may_be_odd and any(text and _UNSTORABLE.search(text) for text in texts))


def _is_amount(figure: Decimal | None, most: Decimal) -> bool:
    return figure is None or (figure.is_finite() and -most < figure < most)


@lru_cache(maxsize=1024)
def _title(text: str) -> str:
    return _UNSTORABLE.sub("", text)[:LONGEST_NAME]


def _currency(text: msgspec.Raw | bytes) -> str:
    try:
        named = msgspec.json.decode(text)
    except (ValueError, RecursionError):
        return ""
    return named if isinstance(named, str) and _CURRENCY.fullmatch(named) else ""
