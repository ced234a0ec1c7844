"""The choice of a model, on series whose answer is known and on real ones."""

import numpy as np
import pytest
import statsmodels.api as sm

from consumption.forecasting import outlook_of

WEEK = np.array([13, 12, 12, 12, 10, 4, 3.0])


def co2():
    """Carbon dioxide over Mauna Loa, by month; some months are missing."""
    return sm.datasets.co2.load_pandas().data.co2.resample("MS").mean().to_numpy()


def gdp():
    """Real gross domestic product of the United States, by quarter."""
    return sm.datasets.macrodata.load_pandas().data.realgdp.to_numpy()


def el_nino():
    """Temperature of the sea off Peru, by month."""
    return sm.datasets.elnino.load_pandas().data.drop(columns="YEAR").to_numpy().ravel()


def noisy(days=400, seed=7, level=100):
    """Days that follow the week and a slow drift, with noise."""
    draw = np.random.default_rng(seed)
    drift = np.cumsum(draw.normal(0, 0.2, days))
    return level + 5 * np.resize(WEEK, days) + drift + draw.normal(0, 4, days)


@pytest.mark.parametrize(
    ("series", "season", "steps", "model", "errors"),
    [
        (co2, 12, 12, "exponential", (0.13, 0.45)),
        (gdp, 4, 8, "seasonal", (1.10, 3.67)),
        (el_nino, 12, 12, "linear", (2.94, 4.15)),
    ],
)
def test_on_real_series_the_chosen_model_errs_less_than_the_last_season_repeated(
    series, season, steps, model, errors
):
    ours, naive = errors
    found = outlook_of(series(), season, steps)
    assert found.family == model
    assert found.error_percent == pytest.approx(ours, abs=0.03)
    assert found.naive_error_percent == pytest.approx(naive, abs=0.01)


def held_out(values, season, steps, cuts=6):
    """Forecast the last stretches, none of which the choice of the model has seen, and compare."""
    values, off, repeated, inside, sums = values[~np.isnan(values)], 0, 0, {80: [], 95: []}, []
    for cut in range(steps, steps * (cuts + 1), steps):
        known, came = values[:-cut], values[len(values) - cut :][:steps]
        found = outlook_of(known, season, steps)
        off += abs(came - found.expected).sum()
        repeated += abs(came - np.resize(known[-season:], steps)).sum()
        for percent, held in inside.items():
            held += list(abs(came - found.expected) <= found.half_widths(percent))
        half = found.half_width_of_sum(95, range(steps))
        sums.append(abs(came.sum() - found.expected.sum()) <= half)
    return off, repeated, {percent: np.mean(held) for percent, held in inside.items()}, np.mean(sums)


@pytest.mark.parametrize(
    ("values", "season", "steps"), [(co2()[-200:], 12, 12), (el_nino(), 12, 6), (noisy(), 7, 28)]
)
def test_of_what_came_afterwards_the_intervals_hold_what_they_promise(values, season, steps):
    off, repeated, inside, sums = held_out(values, season, steps)
    assert off < repeated
    assert inside[80] >= 0.7
    assert inside[95] >= 0.85
    assert sums >= 0.8


def test_an_interval_widens_with_the_days_and_with_what_it_promises():
    found = outlook_of(noisy(), 7, 60)
    narrow, wide = found.half_widths(80), found.half_widths(95)
    assert (np.diff(narrow) > 0).all()
    assert (wide > narrow).all()
    assert found.half_width_of_sum(80, range(60)) < found.half_width_of_sum(95, range(60))
    # Some errors cancel out in a sum, so it is surer than its days together; but they lean alike.
    assert found.half_width_of_sum(80, range(60)) < narrow.sum()
    assert found.half_width_of_sum(80, range(60)) > np.sqrt((narrow**2).sum())


def test_days_without_noise_are_told_apart_by_their_shape():
    days = np.arange(120.0)
    line = outlook_of(100 + 2 * days, 7, 30)
    assert (line.family, line.error_percent) == ("linear", pytest.approx(0, abs=1e-6))
    assert line.expected == pytest.approx(100 + 2 * np.arange(120, 150))
    growth = outlook_of(50 * 1.01**days, 7, 30)
    assert (growth.family, growth.error_percent) == ("exponential", pytest.approx(0, abs=1e-6))
    assert growth.expected == pytest.approx(50 * 1.01 ** np.arange(120, 150))
    season = outlook_of(np.resize(WEEK, 120), 7, 30)
    assert season.expected == pytest.approx(np.resize(WEEK, 150)[120:])


def test_no_forecast_is_surer_than_half_a_percent():
    season = outlook_of(np.resize(WEEK, 120), 7, 30)
    share = 1.96 * 0.005
    assert season.half_widths(95)[0] == pytest.approx(share * np.median(season.expected), rel=0.001)
    assert season.half_width_of_sum(95, range(30)) == pytest.approx(share * season.expected.sum(), rel=0.001)
    nothing = outlook_of(np.zeros(120), 7, 30)
    assert nothing.half_widths(95).max() == nothing.half_width_of_sum(95, range(30)) == 0


def test_a_forecast_that_explodes_is_refused():
    doubling = outlook_of(2.0 ** np.arange(40), 7, 30)
    assert np.isfinite(doubling.expected).all()
    assert doubling.expected.max() <= 5 * 2.0**39


def test_a_level_step_is_followed_and_a_spike_is_not():
    step = noisy() + np.where(np.arange(400) < 370, 0, 200)
    assert outlook_of(step, 7, 14).expected.mean() == pytest.approx(step[-28:].mean(), rel=0.03)
    spike = noisy()
    quiet = outlook_of(spike, 7, 14)
    spike[[380, 381, 398]] *= 6
    found = outlook_of(spike, 7, 14)
    assert found.spikes == [380, 381, 398]
    assert found.expected.mean() == pytest.approx(quiet.expected.mean(), rel=0.02)
    assert found.half_widths(95)[-1] < 2 * quiet.half_widths(95)[-1]


@pytest.mark.parametrize("first", [0, 2, 5])
def test_a_spike_in_the_first_days_bends_nothing_either(first):
    values = np.resize(WEEK, 91)
    values[first : first + 3] += 100
    found = outlook_of(values, 7, 30)
    assert found.spikes == [first, first + 1, first + 2]
    assert found.expected == pytest.approx(np.resize(WEEK, 121)[91:])


def test_the_back_test_knows_no_change_that_nobody_could_have_believed_then():
    """The latest of the tests begins two days after a new level, which a forecast believes on the fourth."""
    found = outlook_of(np.where(np.arange(91) < 75, 100.0, 150.0), 7, 14)
    assert found.errors[0] == pytest.approx(np.full(14, 50), rel=0.01)


def test_costs_that_come_in_bursts_are_their_own_rule_and_no_spikes():
    bursts = np.where(np.arange(200) % 11 == 0, 90.0, 0.0)
    found = outlook_of(bursts, 7, 55)
    assert found.spikes == []
    assert found.expected.sum() > 0


def test_gaps_are_no_zeros_and_bend_nothing():
    values = np.resize(WEEK, 120)
    values[[40, 41, 42, 90, 118]] = np.nan
    assert outlook_of(values, 7, 30).expected == pytest.approx(np.resize(WEEK, 150)[120:])
