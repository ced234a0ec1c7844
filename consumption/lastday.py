"""What the last consumed day tells of what no call lists, for the current cost (``costs.unlisted``)."""

import datetime as dt
from collections import defaultdict

from consumption import sync
from consumption.models import WITH_FIGURES, Usage, UsageDay
from costs.pricelist import PriceKey
from costs.unlisted import Consumed, Unlisted, is_unlisted

_LATEST = dt.timedelta(days=7)
"""An older day says little of what runs now."""


def unlisted_on_last_day(account_id: str, region: str, access_key: str, at: dt.datetime) -> Unlisted | None:
    """Return what was consumed on the last kept day without being listed by any call.

    None when no day of the last week is kept, or when the key may not see it.
    """
    ledger = sync.ledger_of(account_id, region)
    if not sync.may_see(ledger, access_key, at):
        return None
    days = UsageDay.objects.filter(ledger=ledger, state__in=WITH_FIGURES, day__gte=at.date() - _LATEST)
    last = days.order_by("-day").first()
    if last is None:
        return None
    found = defaultdict(list)
    for usage in Usage.objects.filter(day=last, account_id=account_id).select_related("meter"):
        if is_unlisted(usage.meter.key):
            found[usage.meter.key, usage.meter.category].append(usage)
    lines = [_consumed(key, category, usages) for (key, category), usages in found.items()]
    return Unlisted(last.day, last.currency, sorted(lines, key=lambda line: (-(line.price or 0), line.key)))


def _consumed(key: PriceKey, category: str, usages: list[Usage]) -> Consumed:
    prices = [usage.price for usage in usages]
    price = None if None in prices else sum(prices)
    return Consumed(key, category, sum(usage.value for usage in usages), price)
