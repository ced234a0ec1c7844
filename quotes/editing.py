"""Changes to a quote's items, groups and terms. Each is one transaction that locks the quote first.

What was removed meanwhile raises its model's ``DoesNotExist``.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max, QuerySet

from costs.pricelist import PriceList, PriceMissing
from costs.pricing import NotPriceable
from quotes import resources, snapshot
from quotes.models import Quote, QuoteGroup, QuoteItem

MOST_ITEMS = 2000
"""A quote holds at most so many items: beyond, a page of it would be of no use to anybody."""


class ChangedMeanwhile(Exception):
    """What is being edited was changed since it was shown."""


class GroupNameTaken(ValueError):
    """The quote has a group of this name already."""


class QuoteFull(ValueError):
    """The quote holds as many items as it may."""


@dataclass(frozen=True, kw_only=True)
class ItemData:
    """What a customer says of an item; ``parameters`` are checked already (``quotes.itemforms``)."""

    resource_type: str
    region: str
    parameters: dict[str, Any]
    quantity: int
    resource_name: str = ""
    group: QuoteGroup | None = None


def locked(quote_id: object) -> Quote:
    """Return a quote as it is now, locked until the end of the transaction."""
    return Quote.objects.select_for_update(of=("self",)).get(pk=quote_id)


def _lock_with_quote(row: QuoteItem | QuoteGroup) -> Quote:
    """Lock the quote of an item or group, and read the row as it is now."""
    quote = locked(row.quote_id)
    row.refresh_from_db()
    row.quote = quote
    return quote


def _touch(quote: Quote, at: dt.datetime) -> None:
    Quote.objects.filter(pk=quote.pk).update(updated_at=at)
    quote.updated_at = at


def _siblings(item: QuoteItem) -> list[QuoteItem]:
    rows = QuoteItem.objects.filter(quote_id=item.quote_id, group_id=item.group_id)
    return list(rows.only("pk", "display_order").order_by("display_order", "pk"))


def _next_order(rows: QuerySet[QuoteItem] | QuerySet[QuoteGroup]) -> int:
    last = rows.aggregate(last=Max("display_order"))["last"]
    return 0 if last is None else last + 1


def _put_at_end(item: QuoteItem, group: QuoteGroup | None) -> None:
    """Put an item at the end of a group of its quote; raise ``DoesNotExist`` when the group is gone."""
    item.group = group and QuoteGroup.objects.get(pk=group.pk, quote_id=item.quote_id)
    item.display_order = _next_order(QuoteItem.objects.filter(quote_id=item.quote_id, group_id=item.group_id))


def _apply(item: QuoteItem, data: ItemData, prices: PriceList | None) -> None:
    """Let an item say ``data``; it keeps its price while it stays the same resource in the same region."""
    before = (item.resource_type, item.region, item.parameters)
    item.resource_type, item.region, item.parameters = data.resource_type, data.region, data.parameters
    item.resource_name, item.quantity = data.resource_name, data.quantity
    if before != (item.resource_type, item.region, item.parameters):
        if prices is None:  # whoever said so took it for the same resource
            raise ChangedMeanwhile
        price = resources.price_of(item.resource_type, item.parameters, prices)
        item.price = snapshot.write(price, prices)
        item.__dict__.pop("unit_price", None)  # the cached reading of the price that was


@transaction.atomic
def add_item(*, quote: Quote, data: ItemData, prices: PriceList, at: dt.datetime) -> QuoteItem:
    """Add resources to the end of their group, at the price that ``prices`` gives now.

    Raises ``QuoteFull``, and what ``quotes.resources.price_of`` raises when it cannot be priced whole.
    """
    locked(quote.pk)
    if quote.items.count() >= MOST_ITEMS:
        raise QuoteFull
    item = QuoteItem(quote=quote, updated_at=at)
    _apply(item, data, prices)
    _put_at_end(item, data.group)
    item.save(force_insert=True)
    _touch(quote, at)
    return item


@transaction.atomic
def change_item(
    *,
    item: QuoteItem,
    data: ItemData,
    prices: PriceList | None,
    at: dt.datetime,
    seen: dt.datetime | None = None,
) -> QuoteItem:
    """Replace what an item says; in another group it goes to the end.

    It is priced anew by ``prices`` only when it becomes another resource or goes to another region; a price
    that merely changed in the catalog is taken by ``take_new_price``.

    Raises ``ChangedMeanwhile`` when it was changed after ``seen``, the ``updated_at`` it was shown with.
    """
    quote = _lock_with_quote(item)
    if seen is not None and item.updated_at != seen:
        raise ChangedMeanwhile
    _apply(item, data, prices)
    if item.group_id != (data.group.pk if data.group else None):
        _put_at_end(item, data.group)
    item.updated_at = at
    item.save()
    _touch(quote, at)
    return item


@transaction.atomic
def take_new_price(*, item: QuoteItem, prices: PriceList, at: dt.datetime) -> QuoteItem:
    """Price an item by ``prices``, the catalog of now, in place of the one of when it was added."""
    quote = _lock_with_quote(item)
    price = resources.price_of(item.resource_type, item.parameters, prices)
    item.price = snapshot.write(price, prices)
    item.save(update_fields=["price"])  # not when it was changed: whoever edits it is not in the way
    _touch(quote, at)
    return QuoteItem.objects.get(pk=item.pk)


@transaction.atomic
def take_new_prices(*, quote: Quote, prices: Mapping[str, PriceList], at: dt.datetime) -> None:
    """Price every item by the catalog of now; one that cannot be priced any more keeps its price."""
    items = list(locked(quote.pk).items.order_by("pk"))
    for item in items:
        with suppress(PriceMissing, NotPriceable, KeyError):
            now = prices[item.region]
            item.price = snapshot.write(resources.price_of(item.resource_type, item.parameters, now), now)
    QuoteItem.objects.bulk_update(items, ["price"], batch_size=200)
    _touch(quote, at)


@transaction.atomic
def duplicate_item(*, item: QuoteItem, at: dt.datetime) -> QuoteItem:
    """Add an equal item, at the same price, right below; raises ``QuoteFull``."""
    quote = _lock_with_quote(item)
    if quote.items.count() >= MOST_ITEMS:
        raise QuoteFull
    position = [row.pk for row in _siblings(item)].index(item.pk) + 1
    copy = QuoteItem.objects.get(pk=item.pk)
    copy.pk, copy.updated_at = QuoteItem._meta.pk.get_default(), at
    copy.save(force_insert=True)
    _place(copy, position)
    _touch(quote, at)
    return copy


@transaction.atomic
def remove_item(*, item: QuoteItem, at: dt.datetime) -> None:
    """Remove an item from its quote."""
    quote = _lock_with_quote(item)
    item.delete()
    _touch(quote, at)


@transaction.atomic
def move_item(*, item: QuoteItem, position: int, at: dt.datetime) -> None:
    """Put an item at ``position`` (from 0) of its group; beyond the ends means at the end."""
    quote = _lock_with_quote(item)
    _place(item, position)
    _touch(quote, at)


@transaction.atomic
def shift_item(*, item: QuoteItem, by: int, at: dt.datetime) -> None:
    """Move an item ``by`` places down its group; a negative number moves it up."""
    quote = _lock_with_quote(item)
    now = [row.pk for row in _siblings(item)].index(item.pk)
    _place(item, now + by)
    _touch(quote, at)


def _place(item: QuoteItem, position: int) -> None:
    rows = [row for row in _siblings(item) if row.pk != item.pk]
    rows.insert(max(position, 0), item)
    _number(QuoteItem, rows)


def _number(model: type[QuoteItem] | type[QuoteGroup], rows: Sequence[QuoteItem | QuoteGroup]) -> None:
    moved = [(order, row) for order, row in enumerate(rows) if row.display_order != order]
    for order, row in moved:
        row.display_order = order
    model.objects.bulk_update([row for _order, row in moved], ["display_order"], batch_size=500)


@transaction.atomic
def set_terms(
    *,
    quote: Quote,
    duration: int,
    duration_unit: str,
    commitment_period: str,
    global_discount_percent: Decimal,
    at: dt.datetime,
) -> Quote:
    """Set for how long the quote is, the commitment ("" for none) and the discount on all of it."""
    quote = locked(quote.pk)
    quote.duration, quote.duration_unit = duration, duration_unit
    quote.commitment_period, quote.global_discount_percent = commitment_period, global_discount_percent
    quote.updated_at = at
    terms = ["duration", "duration_unit", "commitment_period", "global_discount_percent"]
    quote.save(update_fields=[*terms, "updated_at"])
    return quote


def add_group(*, quote: Quote, name: str, at: dt.datetime) -> QuoteGroup:
    """Add a group at the end; raises ``GroupNameTaken``."""
    try:
        with transaction.atomic():
            quote = locked(quote.pk)
            order = _next_order(quote.groups)
            group = QuoteGroup.objects.create(quote=quote, name=name, display_order=order)
            _touch(quote, at)
    except IntegrityError:
        raise GroupNameTaken(name) from None
    return group


def rename_group(*, group: QuoteGroup, name: str, at: dt.datetime) -> QuoteGroup:
    """Give a group another name; raises ``GroupNameTaken``."""
    try:
        with transaction.atomic():
            quote = _lock_with_quote(group)
            group.name = name
            group.save(update_fields=["name"])
            _touch(quote, at)
    except IntegrityError:
        raise GroupNameTaken(name) from None
    return group


@transaction.atomic
def move_group(*, group: QuoteGroup, position: int, at: dt.datetime) -> None:
    """Put a group at ``position`` (from 0) of its quote; beyond the ends means at the end."""
    quote = _lock_with_quote(group)
    rows = [row for row in _groups(quote) if row.pk != group.pk]
    rows.insert(max(position, 0), group)
    _number(QuoteGroup, rows)
    _touch(quote, at)


@transaction.atomic
def shift_group(*, group: QuoteGroup, by: int, at: dt.datetime) -> None:
    """Move a group ``by`` places down its quote; a negative number moves it up."""
    quote = _lock_with_quote(group)
    now = [row.pk for row in _groups(quote)].index(group.pk)
    move_group(group=group, position=now + by, at=at)


def _groups(quote: Quote) -> list[QuoteGroup]:
    return list(quote.groups.order_by("display_order", "pk"))


@transaction.atomic
def fold_group(*, group: QuoteGroup, collapsed: bool) -> QuoteGroup:
    """Remember whether the items of a group are shown; that is no change of the quote."""
    _lock_with_quote(group)
    group.collapsed = collapsed
    group.save(update_fields=["collapsed"])
    return group


@transaction.atomic
def remove_group(*, group: QuoteGroup, at: dt.datetime) -> None:
    """Remove a group; its items stay, below those that are in no group."""
    quote = _lock_with_quote(group)
    loose = list(quote.items.filter(group=None).order_by("display_order", "pk"))
    freed = list(quote.items.filter(group=group).order_by("display_order", "pk"))
    _number(QuoteItem, [*loose, *freed])
    group.delete()
    _touch(quote, at)
