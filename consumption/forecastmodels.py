"""Models that continue a series of equal steps, such as days with a season of a week.

Each takes what is known, without gaps, and tells what may follow. They compute with binary fractions: what
they tell is an expectation, no amount that was billed. This module imports statsmodels, which takes a second:
only ``consumption.forecast`` imports it, when a forecast is worked out.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from statsmodels.tools.sm_exceptions import ConvergenceWarning
from statsmodels.tsa.holtwinters import ExponentialSmoothing

Series = np.ndarray
Known = Any
"""What a model has learnt of a series once, to go on from any point of it."""

NAIVE, LINEAR, EXPONENTIAL, SEASONAL = "naive", "linear", "exponential", "seasonal"

_SHORT, _LONG = 8, 26
"""How many seasons a trend, and a smoothing, look back: what was before says little of what comes."""

_LEAST_LONG = 60
"""How many steps a smoothing looks back at least, where a season is a step or two."""


@dataclass(frozen=True)
class Model:
    """A way to continue a series: ``learn`` (series, season), ``go_on`` (series, season, steps, learnt).

    Models of one ``family`` differ in how far they look back, or in their trend. ``needs`` is how many
    seasons there must be, ``is_positive`` that every step must be above zero.
    """

    family: str
    learn: Callable[[Series, int], Known]
    go_on: Callable[[Series, int, int, Known], Series]
    needs: int = 1
    is_positive: bool = False

    def suits(self, count: int, season: int, least: float) -> bool:
        """Tell whether the model can say anything of ``count`` steps, the smallest of which is ``least``."""
        return count >= max(self.needs * season, 10 * (self.needs > 1)) and (
            least > 0 or not self.is_positive
        )


def _nothing(_series: Series, _season: int) -> Known:
    return None


def _repeat(series: Series, season: int, steps: int, _known: Known) -> Series:
    return np.resize(series[-season:], steps)


def _regression(seasons: int) -> Callable[[Series, int, int, Known], Series]:
    """Return a straight line through the last ``seasons``, with the mean step of each place of the season."""

    def go_on(series: Series, season: int, steps: int, _known: Known) -> Series:
        recent = series[-max(seasons * season, 12) :]
        count = len(recent)
        places = np.arange(count + steps)
        columns = [places - count, np.ones(count + steps)]
        if season > 1 and count >= 3 * season:
            columns += [(places % season == place).astype(float) for place in range(1, season)]
        known = np.column_stack(columns)
        weights, *_rest = np.linalg.lstsq(known[:count], recent, rcond=None)
        return known[count:] @ weights

    return go_on


def _growth(seasons: int) -> Callable[[Series, int, int, Known], Series]:
    """Return a growth of the same percentage in every step, with a season: a line through the logarithms."""
    line = _regression(seasons)

    def go_on(series: Series, season: int, steps: int, known: Known) -> Series:
        with np.errstate(over="ignore"):
            return np.exp(line(np.log(series[-max(seasons * season, 12) :]), season, steps, known))

    return go_on


def _smoothing(*, trend: bool) -> Model:
    """Return Holt-Winters: a level, a season, and with ``trend`` a slope that fades away."""

    def model_of(series: Series, season: int) -> ExponentialSmoothing:
        return ExponentialSmoothing(
            series[-max(_LONG * season, _LEAST_LONG) :],
            trend="add" if trend else None,
            damped_trend=trend,
            seasonal="add" if season > 1 else None,
            seasonal_periods=season if season > 1 else None,
            initialization_method="heuristic",
        )

    def learn(series: Series, season: int) -> Known:
        # A fit that does not converge is judged by the back-test, as all are. The filter is for the process:
        # one that is set and taken back would leak between threads.
        warnings.simplefilter("ignore", ConvergenceWarning)
        with np.errstate(all="ignore"):
            found = model_of(series, season).fit().params
        names = ["smoothing_level"]
        names += ["smoothing_trend", "damping_trend"] if trend else []
        names += ["smoothing_seasonal"] if season > 1 else []
        return {name: float(found[name]) for name in names}

    def go_on(series: Series, season: int, steps: int, known: Known) -> Series:
        with np.errstate(all="ignore"):
            return np.asarray(model_of(series, season).fit(**known, optimized=False).forecast(steps))

    return Model(SEASONAL, learn, go_on, needs=4)


REPEATED = Model(NAIVE, _nothing, _repeat)
"""What other tools do: the last season again, the last step where there is no season. Our yardstick."""

FALLBACK = Model(NAIVE, _nothing, _repeat)
"""The same of the series without spikes: what is expected when no model errs less than the yardstick."""

MODELS = (
    _smoothing(trend=False),
    _smoothing(trend=True),
    Model(LINEAR, _nothing, _regression(_SHORT), needs=2),
    Model(LINEAR, _nothing, _regression(_LONG), needs=_SHORT + 1),
    Model(EXPONENTIAL, _nothing, _growth(_SHORT), needs=2, is_positive=True),
    Model(EXPONENTIAL, _nothing, _growth(_LONG), needs=_SHORT + 1, is_positive=True),
)
"""The models that are tried, the first of equals preferred."""
