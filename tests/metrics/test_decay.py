"""Half-lives against exponentials known beforehand and against scipy's curve fit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import curve_fit

from redqueen.metrics.decay import fit_exponential, half_life

AGES = np.array([3.0, 9, 20, 31, 5, 16, 27, 8, 19, 6])
SERIES = np.array([0, 0, 0, 0, 1, 1, 1, 2, 2, 3])
STARTS = np.array([0.8, 0.9, 0.7, 0.85])


def skills(half, starts=STARTS, ages=AGES):
    return starts[SERIES] * np.exp2(-ages / half)


def found(values, noise=0.01, draws=400, ages=AGES, seed=0):
    """With draws that scatter independently about the values."""
    drawn = values + np.random.default_rng(seed).normal(0, noise, (draws, len(values)))
    return half_life("clean", ages, SERIES, values, drawn, n=500, n_groups=300)


@pytest.mark.parametrize("half", [4.0, 14.0, 60.0, -30.0])
def test_an_exponential_is_recovered(half):
    fitted = fit_exponential(AGES, SERIES, skills(half))
    assert np.log(2) / fitted.rate[0] == pytest.approx(half, rel=1e-6)
    if half > 0:  # else starts would leave [-1, 1]
        np.testing.assert_allclose(fitted.start[0], STARTS, rtol=1e-6)


def test_noisy_cells_against_scipy():
    noisy = skills(18.0) + np.random.default_rng(3).normal(0, 0.05, len(AGES))

    def curve(at, rate, *starts):
        return np.asarray(starts)[at[1].astype(int)] * np.exp(-rate * at[0])

    start, ends = [0.02, 0.8, 0.8, 0.8, 0.8], ([-1.0] * 5, [1.0] * 5)
    (rate, *starts), _ = curve_fit(curve, np.stack([AGES, SERIES]), noisy, p0=start, bounds=ends)
    fitted = fit_exponential(AGES, SERIES, noisy)
    assert fitted.rate[0] == pytest.approx(rate, rel=1e-4)
    np.testing.assert_allclose(fitted.start[0], starts, rtol=1e-4)


def test_a_decay_has_an_interval_that_holds_it():
    one = found((1 + skills(14.0)) / 2)
    assert one.months == pytest.approx(14.0, rel=1e-5)
    assert one.detectable
    assert 10 < one.low < 14 < one.high < 20
    assert one.skill.value == pytest.approx(STARTS.mean(), rel=1e-5)
    assert one.skill.low < one.skill.value < one.skill.high
    assert one.slope.high < 0
    assert (one.cells, one.span, one.skill.n, one.skill.n_groups) == (10, 31.0, 500, 300)


def test_without_decay_there_is_a_bound():
    one = found((1 + STARTS[SERIES]) / 2)
    assert (one.high, one.detectable) == (None, False)
    assert one.low > 50
    assert one.slope.low < 0 < one.slope.high


def test_without_skill_there_is_nothing_to_lose():
    one = found(np.full(len(AGES), 0.5), noise=0.02)
    assert (one.low, one.high, one.detectable) == (None, None, False)


def test_the_slope_by_hand():
    """Two parallel lines, of different length, that fall by 0.01 a month."""
    ages, series = np.array([1.0, 2, 3, 1, 3]), np.array([0, 0, 0, 1, 1])
    values = np.array([0.9, 0.6])[series] - 0.01 * ages
    one = half_life("clean", ages, series, values, np.stack([values, values]), 9, 9)
    assert one.slope.value == pytest.approx(-0.12)
    assert (one.slope.low, one.slope.high) == (pytest.approx(-0.12), pytest.approx(-0.12))


def test_undefined_cells_and_draws_are_left_out():
    values = (1 + skills(14.0)) / 2
    whole = found(values)
    holed = np.append(values, np.nan)
    drawn = values + np.random.default_rng(0).normal(0, 0.01, (400, len(values)))
    wide = np.concatenate([np.append(drawn, np.full((400, 1), np.nan), axis=1), np.full((3, len(holed)), np.nan)])
    one = half_life("clean", np.append(AGES, 5.0), np.append(SERIES, 4), holed, wide, n=500, n_groups=300)
    assert one == whole


@pytest.mark.parametrize("cells", [0, 1, 3])
def test_one_age_a_cutoff_says_nothing(cells):
    """Three cutoffs with a cell each, and fewer: a fall over time is not told from better training."""
    values = np.full(cells, 0.8)
    one = half_life("clean", np.arange(1.0, cells + 1), np.arange(cells), values, np.tile(values, (5, 1)), 9, 9)
    assert (one.months, one.low, one.high, one.detectable) == (None, None, None, False)
    assert (one.slope.value, one.skill.value, one.cells) == (None, None, cells)


@given(st.floats(0.1, 50), st.floats(3, 200))
def test_it_is_measured_in_the_unit_of_age(scale, half):
    values = (1 + skills(half)) / 2
    drawn = np.stack([values, values + 0.001])
    plain, scaled = (half_life("v", AGES * by, SERIES, values, drawn, 9, 9) for by in (1.0, scale))
    assert scaled.months == pytest.approx(plain.months * scale, rel=1e-4)
