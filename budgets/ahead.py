"""A running period of a budget as it is forecast: its days so far, and those before it."""

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

from consumption.daybook import COMPLETE, PARTIAL, Numbers, Series
from consumption.forecast import DayCost, Forecast, forecast_of
from consumption.forecastdays import MONTHS_KEPT
from consumption.periods import Period, months_later
from consumption.wholenumbers import amount_of


@dataclass(frozen=True)
class Ahead:
    """A period that runs, and the days that tell what it will cost, seen from ``today``."""

    series: Series
    period: Period
    today: dt.date

    @cached_property
    def forecast(self) -> Forecast:
        """What the period will cost, worked out now unless it is remembered."""
        return forecast_of(self._costs, self.period, today=self.today)

    @property
    def digest(self) -> str:
        """What stands for the question, and for all days that the answer depends on."""
        digest = sha256(repr((self.today, self.period)).encode())
        for numbers in (self.series.costs, self.series.by_month, self.series.states):
            digest.update(_bytes(numbers[self._begin :]))
        return digest.hexdigest()

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


def _bytes(numbers: Numbers) -> bytes:
    return repr(numbers.tolist()).encode() if numbers.dtype == object else numbers.tobytes()
