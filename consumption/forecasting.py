"""Which model continues a series best, as what it would have said of the last steps tells, and how it errs.

Every model is asked at several points of the recent past (rolling origins) for as many steps as are wanted
now, and compared with what came. What it erred by then makes the intervals now. Only
``consumption.forecast`` imports this module, when a forecast is worked out: numpy and statsmodels take a
second to load.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy.stats import norm as normal
from scipy.stats import t as student

from consumption.forecastcleaning import LONGEST_SPIKE, filled, spikes_of
from consumption.forecastmodels import FALLBACK, MODELS, NAIVE, REPEATED, Known, Model, Series

_ORIGINS = 8
_LONGEST_TEST = 91
_LEAST_ROOM = 4
_LEAST_APART, _OVERLAP = 5, 3
"""How many steps lie between two origins: at least so many, and the tested ones divided by the latter."""

_LEAST_DEVIATION = 0.005
"""No forecast is surer than half a percent, however right it was: what runs can change tomorrow."""

_EXPLODES = 5
"""A forecast that leaves what was known by so many times its largest step is refused."""

_LEAST_GROWTH, _WANDERING, _MOST_GROWTH = 0.25, 0.5, 1.0
"""How fast an interval grows with the step ``k``, as the power of ``k``."""


class Candidate(NamedTuple):
    """A family of models, and how far its best one erred in the back-test; None: it says nothing here."""

    family: str
    error_percent: float | None


class _Test(NamedTuple):
    """A model, what it had learnt, and its errors: a row for each origin, a column for each step."""

    model: Model
    error: float
    errors: np.ndarray


@dataclass(frozen=True)
class Outlook:
    """What is expected of the steps that follow a series.

    ``whole`` is the series without gaps and spikes, ``spikes`` are the places of the latter. ``errors`` holds
    what the chosen model erred by in the back-test: a row for each origin, a column for each step, NaN where
    nothing is known to compare with. Those rows are worth ``independent`` ones.
    """

    family: str
    candidates: list[Candidate]
    expected: Series
    whole: Series
    spikes: list[int]
    errors: np.ndarray
    independent: float

    @property
    def error_percent(self) -> float | None:
        """How far the chosen model erred, in percent of what came; None where nothing came."""
        return next(one.error_percent for one in self.candidates if one.family == self.family)

    @property
    def naive_error_percent(self) -> float | None:
        """How far the repeated last season erred."""
        return next(one.error_percent for one in self.candidates if one.family == NAIVE)

    def half_widths(self, percent: int) -> Series:
        """Return how far each expected step may be off either way, in ``percent`` of the cases."""
        return self._scale(percent) * self._growth(np.arange(1, len(self.expected) + 1))

    def half_width_of_sum(self, percent: int, steps: Iterable[int]) -> float:
        """Return how far the sum of some of the steps (from 0 on) may be off: errors of steps lean alike."""
        steps = [step for step in steps if step < len(self.expected)]
        if not steps:
            return 0.0
        tested, reach = self.errors.shape[1], max(steps) + 1
        compared = [step for step in steps if step < tested] or range(tested)
        sums = np.nansum(self.errors[:, list(compared)], axis=1)
        longer = len(steps) / len(compared) * float(max(1.0, self._growth(reach) / self._growth(tested)))
        told = max(self.independent - 1, 1)  # the choice of the model has used one up
        found = _widened(percent, told) * np.sqrt(np.mean(sums**2)) * longer
        return float(max(found, _least_share(percent) * abs(self.expected[steps]).sum()))

    def _scale(self, percent: int) -> float:
        """Return the half width at the first step, wider where few origins tell how large errors are."""
        sizes = self.errors / self._growth(np.arange(1, self.errors.shape[1] + 1))
        found = _widened(percent, len(self.errors)) * _mean(sizes**2) ** 0.5
        return max(found, _least_share(percent) * float(np.median(abs(self.expected))))

    def _growth(self, step: Series | int) -> Series:
        """Return how many times as large an error at a step is as at the first.

        Beyond the tested steps it grows no faster than that of a level that wanders.
        """
        tested, beyond = self.errors.shape[1], min(self._power, _WANDERING)
        return np.minimum(step, tested) ** self._power * np.maximum(step / tested, 1) ** beyond

    @cached_property
    def _power(self) -> float:
        """With which power of the step the errors of the back-test grow."""
        sizes = abs(self.errors)
        halves = np.array_split(np.arange(sizes.shape[1]), 2)
        means = [_mean(sizes[:, half]) for half in halves]
        if not all(means):
            return _LEAST_GROWTH
        near, far = (np.mean(half) + 1 for half in halves)
        found = np.log(means[1] / means[0]) / np.log(far / near)
        return float(np.clip(found, _LEAST_GROWTH, _MOST_GROWTH))


def outlook_of(
    values: Series, season: int, steps: int, *, scale: Series | None = None, tested: int = 0
) -> Outlook:
    """Return what is expected of the ``steps`` after ``values``, in which NaN is unknown.

    ``scale`` says for each step, known and to come, by how much its value stands above or below an equal
    one elsewhere (a month's price is parted into more or fewer days). ``tested`` is over how many steps the
    models are compared: by default ``steps``, at least a season, as far as the series allows. There must be
    at least two seasons, and a known step.
    """
    scale = np.ones(len(values) + steps) if scale is None else scale
    count = len(values)
    level = filled(values / scale[:count], season)
    spikes = spikes_of(level, season)
    whole = level.copy()
    whole[list(spikes)] = list(spikes.values())
    trial = _Trial(
        values, filled(values, season), level, whole, scale, season, _length(count, season, tested or steps)
    )
    naive = trial.of(REPEATED)
    tests = [found for model in MODELS if (found := trial.of(model))]
    best = sorted((test for test in tests if _beats(test, naive)), key=lambda test: round(test.error, 2))
    for test in [*best, trial.of(FALLBACK)]:
        expected = _continued(test.model, whole, season, steps, scale=scale)
        if expected is not None:
            break
    if np.nanmin(values) >= 0:
        expected = np.maximum(expected, 0)
    candidates = _candidates(naive, tests)
    return Outlook(
        test.model.family,
        candidates,
        expected,
        whole * scale[:count],
        sorted(spikes),
        test.errors,
        trial.independent,
    )


@dataclass(frozen=True)
class _Trial:
    """Asks models at several origins: ``actual`` is compared with, NaN where it is unknown.

    ``level`` is the series without gaps, ``whole`` the same without spikes.
    """

    actual: Series
    raw: Series
    level: Series
    whole: Series
    scale: Series
    season: int
    length: int

    @property
    def origins(self) -> list[int]:
        """How many steps are known at each origin, the latest first."""
        last = len(self.actual) - self.length
        # The earliest leaves four seasons to learn from, as the models need them, if there are as many.
        room = last - max(self.season, min(4 * self.season, last - _LEAST_ROOM))
        count = min(_ORIGINS, room + 1)
        if count == 1:
            return [last]
        apart = max(self.season + 1, _LEAST_APART, self.length // _OVERLAP)
        apart += self.season > 1 and apart % self.season == 0  # else all begin at the same weekday
        return [last - place * min(apart, room // (count - 1)) for place in range(count)]

    @property
    def independent(self) -> float:
        """How many tests the origins are worth: where they overlap, they see the same days come."""
        origins = self.origins
        return min(len(origins), (origins[0] - origins[-1] + self.length) / self.length)

    @cached_property
    def _known(self) -> dict[int, Series]:
        """What a model knows at each origin: a change that was too young then is no new level yet."""
        known = {}
        for origin in self.origins:
            known[origin] = self.whole[:origin].copy()
            spikes = spikes_of(self.level[:origin], self.season)
            for place in range(origin - LONGEST_SPIKE, origin):
                known[origin][place] = spikes.get(place, known[origin][place])
        return known

    def of(self, model: Model) -> _Test | None:
        """Return how far a model errs, None when it says nothing at some origin."""
        earliest = self._known[self.origins[-1]]
        if not model.suits(len(earliest), self.season, self.whole.min()):
            return None
        known = model.learn(earliest, self.season)  # once, and of nothing that is compared with
        found = [self._at(model, origin, known) for origin in self.origins]
        if any(one is None for one in found):
            return None
        errors, usual = (np.array(rows) for rows in zip(*found, strict=True))
        compared = np.array([self.actual[origin : origin + self.length] for origin in self.origins])
        total, off = np.nansum(abs(compared)), np.nansum(abs(errors))
        percent = float(off / total * 100) if total else 0.0 if off < 1e-9 else np.inf
        return _Test(model, percent, usual)

    def _at(self, model: Model, origin: int, known: Known) -> tuple[Series, Series] | None:
        """Return what a model errs by from an origin on, and the same where spikes are set aside."""
        part = slice(origin, origin + self.length)
        if model is REPEATED:
            expected = _repeated(self.raw[:origin], self.season, self.length)
        else:
            whole, scale = self._known[origin], self.scale[: part.stop]
            expected = _continued(model, whole, self.season, self.length, scale=scale, known=known)
        if expected is None:
            return None
        usual = self.whole[part] * self.scale[part]
        return self.actual[part] - expected, np.where(np.isnan(self.actual[part]), np.nan, usual - expected)


def _length(count: int, season: int, steps: int) -> int:
    """Return over how many steps models are compared: as many as are wanted, and as there is room for."""
    return max(1, min(max(steps, season), _LONGEST_TEST, (count - season) // 2))


def _continued(
    model: Model, whole: Series, season: int, steps: int, *, scale: Series, known: Known = None
) -> Series | None:
    """Return how a model goes on; None when it explodes."""
    learnt = model.learn(whole, season) if known is None else known
    found = model.go_on(whole, season, steps, learnt)
    bound = _EXPLODES * max(abs(whole).max(), 1e-9)
    if not (np.isfinite(found).all() and abs(found).max() <= bound):
        return None
    return found * scale[len(whole) : len(whole) + steps]


def _repeated(raw: Series, season: int, steps: int) -> Series:
    return REPEATED.go_on(raw, season, steps, None)


def _beats(test: _Test, naive: _Test) -> bool:
    return np.isfinite(test.error) and round(test.error, 2) < round(naive.error, 2)


def _candidates(naive: _Test, tests: list[_Test]) -> list[Candidate]:
    """Return each family with its smallest error, the yardstick last."""
    families = list(dict.fromkeys(model.family for model in MODELS))
    found = {family: [one.error for one in tests if one.model.family == family] for family in families}
    found[NAIVE] = [naive.error]
    smallest = {family: min(errors, default=np.inf) for family, errors in found.items()}
    return [Candidate(name, error if np.isfinite(error) else None) for name, error in smallest.items()]


def _least_share(percent: int) -> float:
    """Return within which part of the expected an interval of ``percent`` never is narrower."""
    return float(normal.ppf(0.5 + percent / 200)) * _LEAST_DEVIATION


def _widened(percent: int, origins: float) -> float:
    """Return how many deviations hold ``percent`` of the cases, when so many origins tell the deviation."""
    return float(student.ppf(0.5 + percent / 200, origins))


def _mean(sizes: np.ndarray) -> float:
    known = sizes[~np.isnan(sizes)]
    return float(known.mean()) if known.size else 0.0
