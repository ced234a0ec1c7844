"""What costs money and no call lists: Kubernetes control planes, marketplace subscriptions, traffic.

Only the consumption tells them, which a floor above this one keeps: it registers here what it knows of the
last consumed day. What they cost stands beside the totals of what is listed, and is in none of them.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext

from costs import products
from costs.amounts import Amount
from costs.pricelist import PriceKey, Unit, unit_of

_HOURS_A_DAY = 24
_EXACT = Context(prec=100)
_SERVICES = frozenset({"OKS", "Marketplace"})
_UNITS = frozenset({Unit.GIB, Unit.GBPS, Unit.REQUEST, Unit.REMAP, Unit.SUBSCRIPTION})


@dataclass(frozen=True, slots=True)
class Consumed:
    """What was consumed of a product on the day: ``value`` in the unit of its price, ``price`` of the day.

    ``price`` is None when nobody knows it.
    """

    key: PriceKey
    category: str
    value: Decimal
    price: Decimal | None

    @property
    def name(self) -> str:
        """Our name of the product."""
        return products.name(self.key)

    @property
    def amount(self) -> Amount:
        """What it costs while every day is like this one; an hour is a part of twenty-four of the day."""
        with localcontext(_EXACT):
            return Amount(hourly=(self.price or Decimal(0)) / _HOURS_A_DAY)


@dataclass(frozen=True)
class Unlisted:
    """What was consumed on the last ``day`` that is known, and that no call lists."""

    day: dt.date
    currency: str
    lines: Sequence[Consumed]

    @property
    def amount(self) -> Amount:
        """What is known of the cost, while every day is like this one."""
        with localcontext(_EXACT):
            whole = sum((line.price for line in self.lines if line.price), Decimal(0))
            return Amount(hourly=whole / _HOURS_A_DAY)

    @property
    def unpriced_count(self) -> int:
        """How many products have no known price."""
        return sum(line.price is None for line in self.lines)


Source = Callable[[str, str, str, dt.datetime], Unlisted | None]
"""What tells it for an account, a region and an access key, which must be allowed to read it, at a moment."""

_sources: list[Source] = []


def register(source: Source) -> None:
    """Take another source; the first one that knows a day is believed."""
    if source not in _sources:
        _sources.append(source)


def unlisted_of(account_id: str, region: str, access_key: str, at: dt.datetime) -> Unlisted | None:
    """Return what is known of the last consumed day; None when no day is kept, or not for this key."""
    found = (source(account_id, region, access_key, at) for source in _sources)
    return next((known for known in found if known), None)


def is_unlisted(key: PriceKey) -> bool:
    """Tell whether no call lists what is sold under ``key`` (OUTSCALE API documentation)."""
    return key.service in _SERVICES or unit_of(key, per_month=False) in _UNITS
