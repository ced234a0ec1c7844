"""What the running periods of budgets are expected to cost: worked out once for the same days, and kept.

A list of two hundred budgets needs of each forecast only its end, so that is remembered apart from the
forecast itself, whose days are many.
"""

import datetime as dt
import time
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from django.core.cache import cache

from budgets.standing import Expected
from consumption.daybook import COMPLETE, PARTIAL, Numbers, Series
from consumption.forecast import DayCost, Forecast, forecast_of
from consumption.forecastdays import MONTHS_KEPT
from consumption.moment import after_the_moment
from consumption.periods import Period, months_later
from consumption.sums import amount_of

_KEPT_SECONDS = 2 * 24 * 3600
_VERSION = "1"
"""Changes whenever the same days are forecast otherwise, so that no older answer is found."""


@dataclass(frozen=True)
class Outlook:
    """What the end of a period is expected to be; without it ``reason`` says why (``Forecast.reason``)."""

    expected: Expected | None
    reason: str = ""


@dataclass(frozen=True)
class Ahead:
    """A period that runs, and the days that tell what it will cost, seen from ``today``."""

    series: Series
    period: Period
    today: dt.date

    @property
    def forecast(self) -> Forecast:
        """What the period will cost, worked out now unless it is remembered."""
        return forecast_of(self._costs, self.period, today=self.today)

    @property
    def key(self) -> str:
        """What stands for the question, of today's, and for all days that the answer depends on."""
        question = (_VERSION, dt.datetime.now(dt.UTC).date(), self.today, self.period)
        digest = sha256(repr(question).encode())
        for numbers in (self.series.costs, self.series.by_month, self.series.states):
            digest.update(_bytes(numbers[self._begin :]))
        return f"budget-outlook-{digest.hexdigest()}"

    @property
    def _begin(self) -> int:
        """The place of the first day that is learnt from."""
        return self.series.place_of(min(months_later(self.today, -MONTHS_KEPT), self.period.first))

    @property
    def _costs(self) -> dict[dt.date, DayCost]:
        series, begin = self.series, self._begin
        return {
            day: DayCost(
                amount_of(int(series.costs[place])),
                amount_of(int(series.by_month[place])),
                is_final=bool(series.states[place] == COMPLETE),
            )
            for place, day in enumerate(series.period.days)
            if place >= begin and series.states[place] >= PARTIAL
        }


def outlook_of(forecast: Forecast) -> Outlook:
    """Return what a forecast says of its end."""
    if forecast.expected_total is None:
        return Outlook(None, forecast.reason)
    low, high = forecast.total_80
    return Outlook(Expected(forecast.expected_total, low, high, forecast.model, forecast.error_percent))


def outlooks(aheads: Iterable[Ahead], *, seconds: float) -> list[Outlook | None]:
    """Return what each is expected to be; None where that was not known before ``seconds`` had passed."""
    aheads = list(aheads)
    keys = [one.key for one in aheads]
    found = cache.get_many(keys)
    new: dict[str, Outlook] = {}
    until = time.monotonic() + seconds
    for key, one in zip(keys, aheads, strict=True):
        if key not in found and key not in new and time.monotonic() < until:
            new[key] = outlook_of(one.forecast)
    if new:
        after_the_moment(lambda: cache.set_many(new, _KEPT_SECONDS))
    return [found.get(key) or new.get(key) for key in keys]


def _bytes(numbers: Numbers) -> bytes:
    return repr(numbers.tolist()).encode() if numbers.dtype == object else numbers.tobytes()
