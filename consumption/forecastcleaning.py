"""What keeps a series of days from bending a forecast: gaps, spikes, and what comes before the first cost.

A spike is left out of what a model learns, never out of what was spent. A change that lasts is a new level,
which a forecast must follow: only a change of at most ``LONGEST_SPIKE`` steps is a spike.
"""

from statistics import median

import numpy as np

LONGEST_SPIKE = 3
"""What lasts longer is a new level; so a change is believed on its fourth day."""

_WINDOW = 7
_DEVIATIONS = 6
_LEAST_SHARE = 0.1
"""A change below this share of the level bends nothing, however quiet the series is."""

_MOST_SPIKES = 0.05
"""Where more of the steps would be spikes, they are the nature of the series, and none is one."""

_NEAREST = 3


def filled(values: np.ndarray, season: int) -> np.ndarray:
    """Return a series with each gap (NaN) filled from the nearest steps at the same place of the season.

    There must be a known step at some place.
    """
    found, known = values.copy(), np.flatnonzero(~np.isnan(values))
    for gap in np.flatnonzero(np.isnan(values)):
        alike = known[(known - gap) % season == 0]
        near = alike if alike.size else known
        nearest = near[np.argsort(abs(near - gap), kind="stable")[:_NEAREST]]
        found[gap] = np.median(values[nearest])
    return found


def season_of(values: np.ndarray, season: int) -> np.ndarray:
    """Return how much each step usually differs from the level around it, by its place in the season."""
    if season == 1 or len(values) < 2 * season:
        return np.zeros(len(values))
    reach = season // 2
    padded = np.pad(values, reach, mode="reflect")
    level = np.median(np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1), axis=1)
    usual = np.array([np.median((values - level)[place::season]) for place in range(season)])
    return np.resize(usual, len(values))


def spikes_of(values: np.ndarray, season: int) -> dict[int, float]:
    """Return the places of spikes, each with what would have been usual there.

    A change at the end that is too young to be told from a spike is taken for one.
    """
    usual = season_of(values, season)
    level = (values - usual).tolist()
    if len(level) <= _WINDOW:
        return {}
    wobble = median(
        abs(level[place] - median(level[place - _WINDOW : place])) for place in range(_WINDOW, len(level))
    )
    spikes, last = _short_runs(level, _DEVIATIONS * wobble), len(level) - 1
    # The first steps have none before them to differ from: they are compared with those that follow.
    backwards = _short_runs(level[::-1], _DEVIATIONS * wobble)
    spikes |= {last - place: base for place, base in backwards.items() if last - place < _WINDOW}
    if len(spikes) > _MOST_SPIKES * len(level):
        return {}
    return {place: base + usual[place] for place, base in spikes.items()}


def _short_runs(level: list[float], least: float) -> dict[int, float]:
    """Return the places that leave the level before them for a few steps only, each with that level."""
    spikes: dict[int, float] = {}
    before, run = level[:_WINDOW], []
    for place in range(_WINDOW, len(level)):
        base = median(before)
        difference = level[place] - base
        leaves = abs(difference) > max(least, _LEAST_SHARE * abs(base), 1e-9)
        if leaves and (not run or (difference > 0) == (level[run[-1]] > base)):
            run.append(place)
            if len(run) <= LONGEST_SPIKE:
                continue
            before, run = [level[one] for one in run], []
            continue
        spikes |= dict.fromkeys(run, base)
        run = [place] if leaves else []
        if not leaves:
            before = [*before, level[place]][-_WINDOW:]
    return spikes | dict.fromkeys(run, median(before))
