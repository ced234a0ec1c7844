"""Reading the history for who runs a command: one key after another, whatever goes wrong with one of them."""

import datetime as dt
import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

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
        progress = sync.read_all(
            gateway,
            first=orders.period.first,
            end=orders.period.end,
            seconds=orders.seconds,
            with_linked=orders.with_linked,
            again=True,
            tell=lambda progress: orders.tell(gateway, progress),
        )
    except CloudError as error:
        return Source(*whose, None, str(error.message))
    ledger = sync.ledger_of(*whose)
    tagreading.read_through(gateway, ledger, at=timezone.now(), seconds=orders.seconds)
    problem = str(progress.problem.message) if progress.left and progress.problem else ""
    return Source(*whose, ledger, problem)


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
