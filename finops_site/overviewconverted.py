"""What bills in several currencies come to together, where an operator has set the rates that it takes."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from costs.exchangemodel import ExchangeRate
from costs.money import show_number
from finops_site.overviewfigures import Tile


@dataclass(frozen=True)
class Sum:
    """The figures of the same name of all bills together; ``lacks``: some of it is unknown."""

    name: str
    title: str
    amount: Decimal | None
    lacks: bool
    unit: str


@dataclass(frozen=True)
class Converted:
    """The figures of all bills in the ``currency`` of the first one; ``rates`` say how they got there."""

    currency: str
    sums: list[Sum]
    rates: list[str]


def converted_of(bills: list[dict[str, Any]]) -> Converted | None:
    """Return what the shown ``bills`` come to together; None of one bill, or where a rate is not set.

    Only rates into the currency of the first bill count, none is turned round (one query at most).
    """
    if len(bills) < 2:
        return None
    into, *others = [bill["currency"] for bill in bills]
    rates = ExchangeRate.objects.into(into, others)
    if rates.keys() != set(others):
        return None
    factors = [Decimal(1), *(rates[currency].rate for currency in others)]
    sums = [_sum(tiles, factors) for tiles in zip(*(bill["tiles"] for bill in bills), strict=True)]
    return Converted(into, sums, [_text(rates[currency]) for currency in others])


def _sum(tiles: Iterable[Tile], factors: Iterable[Decimal]) -> Sum:
    tiles = list(tiles)
    known = [
        (tile, tile.amount * factor)
        for tile, factor in zip(tiles, factors, strict=True)
        if tile.amount is not None
    ]
    lacks = len(known) < len(tiles) or any(tile.lacks or not tile.is_whole for tile, _amount in known)
    amount = sum((amount for _tile, amount in known), Decimal(0)) if known else None
    return Sum(tiles[0].name, tiles[0].title, amount, lacks, tiles[0].unit or tiles[-1].unit)


def _text(rate: ExchangeRate) -> str:
    return _("1 %(currency)s = %(rate)s %(into)s, set on %(day)s by the operator") % {
        "currency": rate.currency,
        "rate": show_number(rate.rate.normalize()),
        "into": rate.into,
        "day": date_format(rate.set_at, "j F Y"),
    }
