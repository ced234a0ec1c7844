"""Reading the history for who runs a command: one key after another, whatever goes wrong with one of them."""

import datetime as dt
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from django.db import OperationalError, connection
from django.utils import timezone

from accounts import operatorkeys
from accounts.errors import CloudError
from accounts.gateway import Gateway
from accounts.operatorkeys import OperatorKey
from consumption import sync, tagreading
from consumption.models import Ledger
from consumption.periods import Period
from consumption.sources import Source
from consumption.sync import Progress
from costs import catalog, currency
from costs.snapshots import reader_of

logger = logging.getLogger(__name__)

DATABASE_AWAY_SECONDS = 120
"""For so long after its first failure a database is waited for: a restart is over by then."""

SECONDS_BETWEEN_TRIES = 2


@dataclass(frozen=True)
class Orders:
    """What to read with each key: ``period``, for ``seconds`` at most, ``with_linked`` accounts or without.

    ``tell`` hears after each slice how far the account and region of a gateway is.
    """

    period: Period
    seconds: float
    with_linked: bool = False
    tell: Callable[[Gateway, Progress], None] = lambda _gateway, _progress: None


def read(keys: Iterable[OperatorKey], orders: Orders, *, today: dt.date) -> Iterator[Source]:
    """Read with each key what is missing of a period; yield each account and region once, as it is read.

    What was kept stays when a reading ends early; the source then says why.
    """
    known = set()
    for key in keys:
        try:
            gateway = operatorkeys.proven(key, today=today)
        except CloudError as error:
            yield Source("", key.region, None, f"{key.origin}: {error.message}")
            continue
        if (gateway.account_id, gateway.region) not in known:
            known.add((gateway.account_id, gateway.region))
            yield _read(gateway, orders)


def _read(gateway: Gateway, orders: Orders) -> Source:
    whose = (gateway.account_id, gateway.region)
    if catalog.newest_catalog(gateway.region) is None:
        currency.learn_at_login(gateway=gateway)  # for what the cloud itself gives no price
    try:
        progress = _read_over_restarts(gateway, orders)
    except CloudError as error:
        return Source(*whose, None, str(error.message))
    ledger = sync.ledger_of(*whose)
    tagreading.read_through(gateway, ledger, at=timezone.now(), seconds=orders.seconds)
    problem = str(progress.problem.message) if progress.left and progress.problem else ""
    return Source(*whose, ledger, problem)


def _read_over_restarts(gateway: Gateway, orders: Orders) -> Progress:
    """Read days to the end, and go on when the database is back that was away for a while.

    What was kept stays kept. Raises ``CloudError``, and ``OperationalError`` when the database stays away.
    """
    until = time.monotonic() + orders.seconds
    away_since = None
    while True:
        try:
            return sync.read_all(
                gateway,
                first=orders.period.first,
                end=orders.period.end,
                seconds=max(0.0, until - time.monotonic()),
                with_linked=orders.with_linked,
                again=away_since is None,
                tell=lambda progress: orders.tell(gateway, progress),
            )
        except OperationalError as error:
            now = time.monotonic()
            if away_since is not None and now - away_since > DATABASE_AWAY_SECONDS:
                raise
            away_since = away_since or now
            logger.warning("the database gives no answer, the reading goes on when it does: %s", error)
            connection.close()
            time.sleep(SECONDS_BETWEEN_TRIES)


def kept(keys: Iterable[OperatorKey]) -> Iterator[Source]:
    """Yield what is kept of the accounts that these keys have read before; nothing is asked of the cloud."""
    known = set()
    for key in keys:
        ledgers = Ledger.objects.filter(
            region=key.region, readers__reader=reader_of(key.access_key), readers__refusal=""
        )
        if not ledgers:
            yield Source("", key.region, None, f"{key.origin}: nothing is kept that this key has read")
        for ledger in ledgers:
            if ledger.pk not in known:
                known.add(ledger.pk)
                yield Source(ledger.account_id, ledger.region, ledger)
