"""How old the stored prices of a region are, and how they are fetched anew from the cloud.

Stored prices are always served. A refresh that failed is remembered for a minute, so that a cloud that does
not answer slows one visit and not every one; it is never taken for an answer.
"""

import datetime as dt
import logging
import math
from dataclasses import dataclass
from typing import Any

from axes.helpers import get_client_ip_address
from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import gateway
from accounts.errors import CloudError, PortalError
from costs import catalog, hitmeter
from costs.models import Catalog
from costs.pricelist import PriceList
from costs.publication import PublicationInvalid, read_publication

logger = logging.getLogger(__name__)

FAILURE_REMEMBERED = dt.timedelta(seconds=60)
_REFRESH_AT_MOST = dt.timedelta(seconds=60)
_STRANGER_ASKS_EVERY = dt.timedelta(seconds=60)
_CUSTOMER_ASKS_EVERY = dt.timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why the last refresh failed; ``message`` is for people, ``code`` and ``http_status`` for the API."""

    message: str | Promise
    code: str
    http_status: int
    at: dt.datetime

    @property
    def next_try(self) -> dt.datetime:
        """When the portal asks the cloud again by itself."""
        return self.at + FAILURE_REMEMBERED


class RefreshFailed(PortalError):
    """The cloud gave no usable price list; the stored one stays."""

    def __init__(self, region: str, failure: Failure) -> None:
        super().__init__(f"{failure.code} in {region}", retry_after=int(FAILURE_REMEMBERED.total_seconds()))
        self.code, self.message, self.http_status = failure.code, failure.message, failure.http_status


class TooSoon(PortalError):
    """This visitor asked for a refresh a moment ago; the next is allowed after ``retry_after`` seconds."""

    code = "REFRESHED_A_MOMENT_AGO"
    message = _("The cloud was asked for these prices a moment ago. Please wait a little.")
    http_status = 429


@dataclass(frozen=True, slots=True)
class CatalogStatus:
    """What is known of the prices of a region, and how far it can be trusted."""

    region: str
    prices: PriceList | None
    fetched_at: dt.datetime | None
    currency_confirmed: bool
    stale: bool
    """Older than ``CATALOG_TTL_HOURS``, or not there at all."""
    failure: Failure | None

    @property
    def refreshable(self) -> bool:
        """Tell whether it is time to ask the cloud: the prices are old, and no try failed a moment ago."""
        return self.stale and self.failure is None


def status(region: str, now: dt.datetime) -> CatalogStatus:
    """Return the stored prices of ``region`` and their age, without asking the cloud."""
    newest = catalog.newest_catalog(region)
    if newest is None:
        return CatalogStatus(region, None, None, False, True, recent_failure(region, now))
    stale = now - newest.fetched_at > dt.timedelta(hours=settings.CATALOG_TTL_HOURS)
    return CatalogStatus(
        region=region,
        prices=catalog.price_lists([newest])[0],
        fetched_at=newest.fetched_at,
        currency_confirmed=newest.currency_confirmed,
        stale=stale,
        failure=recent_failure(region, now),
    )


def up_to_date(region: str, now: dt.datetime) -> CatalogStatus:
    """Return the prices of ``region``, fetched anew when they are stale; the old ones when that fails.

    While one visitor's refresh runs, the others get the stored prices.
    """
    known = status(region, now)
    if not known.refreshable or (known.prices is not None and not _take_turn(region)):
        hitmeter.count("catalog", hits=1)
        return known
    hitmeter.count("catalog", misses=1)
    try:
        if status(region, now).refreshable:  # not so when another turn has ended since we looked
            refresh(region, now)
    except RefreshFailed as error:
        logger.warning("catalog not refreshed: %s", error)
    finally:
        cache.delete(_turn_key(region))
    return status(region, now)


def refresh(region: str, now: dt.datetime) -> Catalog:
    """Fetch the prices of ``region`` and store them.

    Raises ``RefreshFailed`` when the cloud gives no usable price list; the stored one stays.
    """
    try:
        answer = gateway.read_public(region, "ReadPublicCatalog")
        entries = read_publication(answer, region=region)
    except CloudError as error:
        failure = Failure(error.message, error.code, _status_of(error), now)
    except PublicationInvalid as error:
        message = gettext("The cloud's price list was refused: %(reason)s") % {"reason": error}
        failure = Failure(message, "CLOUD_ANSWER_INVALID", 502, now)
    else:
        cache.delete(_failure_key(region))
        return catalog.store(entries, region=region, at=now)
    cache.set(_failure_key(region), failure, FAILURE_REMEMBERED.total_seconds())
    raise RefreshFailed(region, failure)


def visitor_of(request: HttpRequest) -> dict[str, Any]:
    """Return who asks for a refresh: a customer by account, anybody else by network address."""
    if request.user.is_authenticated:
        return {"visitor": f"user-{request.user.pk}", "is_customer": True}
    return {"visitor": f"address-{get_client_ip_address(request)}", "is_customer": False}


def ask_for_refresh(region: str, now: dt.datetime, *, visitor: str, is_customer: bool) -> Catalog:
    """Refresh ``region`` because ``visitor`` (a user or an address, as text) pressed the button.

    Raises ``TooSoon`` when the same visitor asked for the same region a moment ago, and ``RefreshFailed``.
    """
    every = _CUSTOMER_ASKS_EVERY if is_customer else _STRANGER_ASKS_EVERY
    key = f"catalog-asked:{region}:{visitor}"
    if not cache.add(key, now + every, every.total_seconds()):
        free_at = cache.get(key, now)
        raise TooSoon(retry_after=max(1, math.ceil((free_at - now).total_seconds())))
    return refresh(region, now)


def recent_failure(region: str, now: dt.datetime) -> Failure | None:
    """Return why the last refresh of ``region`` failed, while that is remembered."""
    failure = cache.get(_failure_key(region))
    return failure if failure and now < failure.next_try else None


def _status_of(error: CloudError) -> int:
    """Return the status of a failed public call: 401 or 403 would speak of the visitor, who sent no key."""
    return error.http_status if error.http_status >= 429 else 502


def _failure_key(region: str) -> str:
    return f"catalog-failure:{region}"


def _take_turn(region: str) -> bool:
    return cache.add(_turn_key(region), True, _REFRESH_AT_MOST.total_seconds())


def _turn_key(region: str) -> str:
    return f"catalog-refreshing:{region}"
