"""What the running periods of budgets are expected to cost: worked out once for the same days, and kept.

A list of two hundred budgets needs of each forecast only its end, so that is remembered apart from the
forecast itself, whose days are many.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass

from budgets.ahead import Ahead
from budgets.standing import Expected
from consumption.forecast import Forecast
from consumption.remembering import Memory

_MEMORY = Memory("budget-outlook", version=2)


@dataclass(frozen=True)
class Outlook:
    """What the end of a period is expected to be; without it ``reason`` says why (``Forecast.reason``)."""

    expected: Expected | None
    reason: str = ""


def outlook_of(forecast: Forecast) -> Outlook:
    """Return what a forecast says of its end."""
    if forecast.expected_total is None:
        return Outlook(None, forecast.reason)
    low, high = forecast.total_80
    return Outlook(Expected(forecast.expected_total, low, high, forecast.model, forecast.error_percent))


def outlooks(aheads: Iterable[Ahead], *, seconds: float) -> list[Outlook | None]:
    """Return what each is expected to be; None where that was not known before ``seconds`` had passed."""
    aheads = list(aheads)
    keys = [_MEMORY.name(one.digest) for one in aheads]
    found = _MEMORY.recall(keys)
    new: dict[str, Outlook] = {}
    until = time.monotonic() + seconds
    for key, one in zip(keys, aheads, strict=True):
        if key not in found and key not in new and time.monotonic() < until:
            new[key] = outlook_of(one.forecast)
    _MEMORY.keep(new)
    return [found.get(key) or new.get(key) for key in keys]
