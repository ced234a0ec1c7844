"""In which currency a region's prices are: named by the API, or assumed from the settings until then.

No catalog entry carries a currency; ReadUnitPrice, which needs keys, names it. So the first login in a region
settles the question for everybody.
"""

import datetime as dt
import logging
import re
from typing import Any

from django.core.cache import cache
from django.db import transaction
from django.utils import timezone

from accounts import changes
from accounts.errors import CloudError, PermissionRefused
from accounts.gateway import Gateway
from costs import catalog, freshness
from costs.models import Catalog
from costs.pricelist import FCU

logger = logging.getLogger(__name__)

CONFIRMED_FOR = dt.timedelta(hours=24)
FAILURE_REMEMBERED = dt.timedelta(minutes=5)
_ASKED_FOR = {"Service": FCU, "Type": "CustomRam", "Operation": "RunInstances-OD"}


class CurrencyNotNamed(ValueError):
    """ReadUnitPrice answered without an ISO 4217 code."""


def confirm_currency(gateway: Gateway, region: str, at: dt.datetime) -> str:
    """Ask the API for the currency of ``region``, note it on the stored catalogs, and return it.

    Raises ``CloudError`` when the cloud does not answer and ``CurrencyNotNamed`` when it names none.
    """
    answer = gateway.read("ReadUnitPrice", **_ASKED_FOR)
    entry = answer.get("UnitPriceEntry")
    named = entry.get("Currency") if isinstance(entry, dict) else None
    if not isinstance(named, str) or not re.fullmatch("[A-Z]{3}", named):
        raise CurrencyNotNamed(region)
    note_currency(region, named, at)
    return named


@transaction.atomic
def note_currency(region: str, currency: str, at: dt.datetime) -> None:
    """Note that the API named ``currency`` for ``region`` at ``at``.

    Versions whose currency was only assumed are corrected. A confirmed version is history and keeps its
    currency: when the API names another one, the same prices continue as a new version.
    """
    assumed = Catalog.objects.filter(region=region, currency_confirmed_at=None)
    if assumed.update(currency=currency, currency_confirmed_at=at):
        changes.note(changes.EVERYBODY)
    newest = catalog.newest_catalog(region)
    if newest is None:
        return
    if newest.currency != currency:
        catalog.continue_in_currency(newest, currency, at)
    else:
        newest.currency_confirmed_at = at
        newest.save(update_fields=["currency_confirmed_at"])


def learn_at_login(*, gateway: Gateway, **_kwargs: Any) -> None:
    """Confirm the currency of the region whose keys were just proven, at most once a day.

    Receives ``accounts.signals.keys_proven``. A region without stored prices gets them first, which a quote
    will need next. A login never fails because of it; while the cloud hangs, one login in
    ``FAILURE_REMEMBERED`` waits for it, and no other.
    """
    now, region = timezone.now(), gateway.region
    newest = catalog.newest_catalog(region)
    confirmed = newest and newest.currency_confirmed_at
    if confirmed and now - confirmed < CONFIRMED_FOR:
        return
    if newest is None and freshness.recent_failure(region, now):
        return
    if not cache.add(_turn_key(region), True, FAILURE_REMEMBERED.total_seconds()):
        return
    try:
        if newest is None:
            freshness.refresh(region, now)
        confirm_currency(gateway, region, now)
    except (CloudError, freshness.RefreshFailed, CurrencyNotNamed) as error:
        logger.warning("currency of %s not confirmed: %s", region, error)
        if not isinstance(error, PermissionRefused):  # which tells of this key only, and is answered at once
            return
    cache.delete(_turn_key(region))


def _turn_key(region: str) -> str:
    return f"currency-asked:{region}"
