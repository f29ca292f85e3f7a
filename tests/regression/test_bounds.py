"""Bounds of a change against scipy's paired t-test, the sign test, and counts by hand."""

import numpy as np
import pytest
from scipy.stats import binom, poisson, ttest_rel

from redqueen.metrics.statistics import group_weights
from redqueen.regression.bounds import bounds, freedom, p_values, standard_error, unchanged


def drawn(values, draws=4000):
    """Draws of the mean of one value a group."""
    _, weights = group_weights([f"{one:04d}" for one in range(len(values))], ["0/x"] * len(values), draws, 0)
    return weights @ values / len(values)


def test_as_a_paired_t_test_where_every_group_changed():
    rng = np.random.default_rng(0)
    before, after = rng.normal(size=(2, 300))
    change = after - before - 0.2
    found = bounds(change.mean(), drawn(change), [300], 0.05)
    theirs = ttest_rel(after - 0.2, before, alternative="less")
    assert found.p == pytest.approx(theirs.pvalue, abs=0.01)
    assert found.high == pytest.approx(theirs.confidence_interval(0.95).high, abs=0.01)
    assert (found.low + found.high) / 2 == pytest.approx(found.change)


def test_changes_in_few_groups_are_judged_about_as_by_tosses_of_a_coin():
    """Over all numbers of groups that may have changed, as few unchanged detectors fail as should."""
    found = 0.0
    for n in range(40):
        for worse in range(n + 1):
            change = (n - 2 * worse) / 200
            error = standard_error_of(n, change)
            p = p_values(change, error, 199) if n else 1.0
            found += poisson.pmf(n, 8) * binom.pmf(worse, n, 0.5) * (p <= 0.05)
    assert 0.03 < found < 0.055


def standard_error_of(n, change, groups=200):
    return np.sqrt(max(n / groups - change**2, 0) / (groups - 1))


def test_the_spread_that_few_groups_hide_is_mended():
    values = np.asarray([0.0, 1.0, 0.0, 1.0])
    found = standard_error(drawn(values, 200_000), 4)
    assert found == pytest.approx(values.std(ddof=1) / 2, rel=0.01)


def test_a_draw_that_is_undefined_is_left_out():
    draws = np.asarray([[0.1, np.nan, 0.3], [np.nan, np.nan, 0.2]])
    found = standard_error(draws, 10)
    assert found[0] == pytest.approx(np.std([0.1, 0.3], ddof=1) * np.sqrt(10 / 9))
    assert found[1] == 0.0


def test_nothing_seen_is_not_nothing():
    found = bounds(0.0, np.zeros(100), [40, 60], 0.05)
    assert found.low == pytest.approx(-(1 - 0.05 ** (1 / 40)))  # three in forty, by the rule of three
    assert found.p == 1.0
    assert unchanged(-0.5, 10, 0.05).p == pytest.approx(0.5**10)


def test_degrees_of_freedom_follow_the_label_that_has_fewer_groups():
    assert freedom([30]) == pytest.approx(29)
    assert freedom([30, 30]) == pytest.approx(58)
    assert 29 < freedom([30, 100_000]) < 29.1
