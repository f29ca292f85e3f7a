"""Bounds of a change against scipy's paired t-test, the sign test, and counts by hand."""

import numpy as np
import pytest
from scipy.stats import binom, ttest_rel

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
    found = bounds(change.mean(), drawn(change), [300], 300, 0.05)
    theirs = ttest_rel(after - 0.2, before, alternative="less")
    assert found.p == pytest.approx(theirs.pvalue, abs=0.01)
    assert found.high == pytest.approx(theirs.confidence_interval(0.95).high, abs=0.01)
    assert (found.low + found.high) / 2 == pytest.approx(found.change)


@pytest.mark.parametrize("n", [3, 5, 8])
def test_few_groups_that_all_got_worse_are_judged_as_by_tosses_of_a_coin(n):
    values = np.zeros(400)
    values[:n] = -1.0
    found = bounds(values.mean(), drawn(values), [400], n, 0.05)
    exact = binom.cdf(0, n, 0.5)
    assert 0.3 * exact < found.p < 1.2 * exact + 0.02
    plain = p_values(values.mean(), drawn(values).std(ddof=1), 399)
    assert plain < 0.7 * exact  # what the draws alone would say


def test_the_spread_that_few_groups_hide_is_mended():
    values = np.asarray([0.0, 1.0, 0.0, 1.0])
    found = standard_error(drawn(values, 200_000), 4, 1_000_000)
    assert found == pytest.approx(values.std(ddof=1) / 2, rel=0.01)


def test_a_draw_that_is_undefined_is_left_out():
    draws = np.asarray([[0.1, np.nan, 0.3], [np.nan, np.nan, 0.2]])
    found = standard_error(draws, 10, 10)
    assert found[0] == pytest.approx(np.std([0.1, 0.3], ddof=1) * np.sqrt(10 / 9 * 1.2))
    assert found[1] == 0.0


def test_nothing_seen_is_not_nothing():
    found = bounds(0.0, np.zeros(100), [40, 60], 0, 0.05)
    assert found.low == pytest.approx(-(1 - 0.05 ** (1 / 40)))  # three in forty, by the rule of three
    assert found.p == 1.0
    assert unchanged(-0.5, 10, 0.05).p == pytest.approx(0.5**10)


def test_degrees_of_freedom_follow_the_label_that_has_fewer_groups():
    assert freedom([30]) == pytest.approx(29)
    assert freedom([30, 30]) == pytest.approx(58)
    assert 29 < freedom([30, 100_000]) < 29.1
