"""When all budgets were checked last: for who watches that the timer runs."""

import datetime as dt
import logging

from django.core.cache import cache

logger = logging.getLogger(__name__)

_NAME = "budgets-checked-at"


def note(*, at: dt.datetime) -> None:
    """Note that all budgets were checked at a moment; without a cache that answers it stays unknown."""
    try:
        cache.set(_NAME, at, timeout=None)
    except (
        Exception
    ) as error:  # a check is none the worse for it, and each kind of cache fails in its own way
        logger.warning("when budgets were checked is not noted: %s", type(error).__name__)


def last() -> dt.datetime | None:
    """Return when all budgets were checked last, None when that is not known."""
    return cache.get(_NAME)
