"""Comparisons against definitions written as loops, against each other, and against cases counted by hand."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from redqueen.errors import UserError
from redqueen.metrics.comparison import (
    auroc_difference,
    delong,
    delong_p,
    holm,
    mcnemar,
    minimum_detectable,
    rank_intervals,
)
from redqueen.metrics.statistics import group_weights

P_VALUES = st.lists(st.floats(0, 1), max_size=12)
properties = settings(deadline=None, max_examples=50)


def pair(seed, n=120, shift=(1.0, 1.0)):
    """Two detectors that share half of what they see, singleton groups: scores (2, n), labels, groups, strata."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    scores = rng.normal(size=n) + rng.normal(size=(2, n)) + np.array(shift)[:, None] * labels
    return scores, labels, [f"{i:04d}" for i in range(n)], [f"{label}/x" for label in labels]


def test_every_draw_is_a_difference_of_sklearns():
    (a, b), labels, groups, strata = pair(0)
    groups = [group[:-1] for group in groups]  # ten rows each, of both labels
    index, weights = group_weights(groups, strata, 50, 3)
    drawn = [
        roc_auc_score(labels, a, sample_weight=w[index]) - roc_auc_score(labels, b, sample_weight=w[index])
        for w in weights
    ]
    found = auroc_difference(a, b, labels, groups, strata, 50, 3)
    assert found.interval.value == pytest.approx(roc_auc_score(labels, a) - roc_auc_score(labels, b))
    assert (found.interval.low, found.interval.high) == pytest.approx(tuple(np.quantile(drawn, [0.025, 0.975])))
    assert found.standard_error == pytest.approx(np.std(drawn, ddof=1))
    assert (found.interval.n, found.interval.n_groups) == (120, 12)


def test_turned_round_the_sign_turns_and_p_stays():
    (a, b), *rows = pair(1)
    forth, back = auroc_difference(a, b, *rows, 100), auroc_difference(b, a, *rows, 100)
    assert (forth.interval.low, forth.p) == (pytest.approx(-back.interval.high), back.p)


def test_a_detector_equals_itself():
    (a, _), *rows = pair(2)
    found = auroc_difference(a, 3 * a + 1, *rows, 50)
    assert (found.interval.value, found.interval.low, found.interval.high, found.p) == (0.0, 0.0, 0.0, 1.0)


def test_bootstrap_and_delong_agree_for_singleton_groups():
    for seed, shift in enumerate([(1.0, 1.0), (1.5, 1.0), (2.0, 0.8)]):
        (a, b), labels, groups, strata = pair(seed, 400, shift)
        found = auroc_difference(a, b, labels, groups, strata, 2000)
        _, covariance = delong([a, b], labels)
        variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
        assert found.standard_error == pytest.approx(np.sqrt(variance), rel=0.08)
        assert found.p == pytest.approx(delong_p(a, b, labels), abs=0.05)


def test_a_class_on_one_group_has_no_ends():
    found = auroc_difference([0, 1, 2, 3], [3, 1, 2, 0], [0, 0, 1, 1], list("abcc"), ["0/x"] * 2 + ["1/x"] * 2, 9)
    assert (found.interval.value, found.interval.low, found.p, found.standard_error) == (0.75, None, None, None)


@properties
@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=4, max_size=25), st.integers(2, 23))
def test_delong_is_the_covariance_of_placements(rows, positives):
    scores = np.array(rows, float).T
    m = min(positives, scores.shape[1] - 2)
    labels = np.arange(scores.shape[1]) < m
    won = np.sign(scores[:, :m, None] - scores[:, None, m:]) / 2 + 0.5  # (2, m, n): the definition, pair by pair
    expected = np.cov(won.mean(axis=2)) / m + np.cov(won.mean(axis=1)) / (len(rows) - m)
    aurocs, covariance = delong(scores, labels)
    np.testing.assert_allclose(aurocs, won.mean(axis=(1, 2)), atol=1e-12)
    np.testing.assert_allclose(covariance, expected, atol=1e-12)


def test_delong_is_undefined_without_variance():
    assert delong([[0.0, 1.0, 2.0]], [0, 1, 1]) is None
    assert delong_p([0, 0, 1, 1], [1, 1, 0, 0], [0, 0, 1, 1]) is None
    assert delong_p([0, 0, 1, 1], [0, 1, 2, 3], [0, 0, 1, 1]) == 1.0
    with pytest.raises(UserError, match="k >= 1"):
        delong([1.0, 2.0], [0, 1])


@properties
@given(st.integers(0, 12), st.integers(0, 12), st.integers(0, 5))
def test_mcnemar_equals_the_sum_of_binomials(only_a, only_b, both):
    a = [True] * only_a + [False] * only_b + [True] * both
    b = [False] * only_a + [True] * only_b + [True] * both
    n, tail = only_a + only_b, min(only_a, only_b)
    expected = min(1.0, 2 * sum(math.comb(n, k) for k in range(tail + 1)) / 2**n)
    assert mcnemar(a, b) == pytest.approx(expected)


@properties
@given(P_VALUES, st.floats(0.01, 0.99))
def test_holm_rejects_what_stepping_down_rejects(p, level):
    rejected = set()
    for step, place in enumerate(sorted(range(len(p)), key=lambda at: p[at])):
        if p[place] * (len(p) - step) > level:
            break
        rejected.add(place)
    assert set(np.flatnonzero(holm(p) <= level)) == rejected


@pytest.mark.parametrize("p", [[-0.1], [1.1], [np.nan], [[0.5]]])
def test_holm_refuses_what_is_no_chance(p):
    with pytest.raises(UserError, match="p-values"):
        holm(p)


def test_the_minimum_detectable_difference_is_found_four_times_in_five():
    differences = np.random.default_rng(0).normal(minimum_detectable(0.02), 0.02, 20_000)
    assert (2 * norm.sf(abs(differences) / 0.02) < 0.05).mean() == pytest.approx(0.8, abs=0.01)
    with pytest.raises(UserError, match="power"):
        minimum_detectable(0.1, 1.0)


def test_ranks_and_ties():
    rng = np.random.default_rng(0)
    values = np.array([0.60, 0.90, 0.91, 0.75])
    ranks = rank_intervals(values, values[:, None] + rng.normal(0, 0.01, (4, 1000)))
    assert [(r.rank, r.low, r.high, r.tie_group) for r in ranks] == [
        (4, 4, 4, 3),
        (2, 1, 2, 1),
        (1, 1, 2, 1),
        (3, 3, 3, 2),
    ]


def test_an_uncertain_one_ties_with_the_best_though_a_sure_one_between_them_does_not():
    rng = np.random.default_rng(0)
    values, spread = np.array([0.90, 0.88, 0.87]), np.array([0.002, 0.002, 0.05])
    ranks = rank_intervals(values, values[:, None] + rng.normal(size=(3, 1000)) * spread[:, None])
    assert [(r.low, r.high, r.tie_group) for r in ranks] == [(1, 2, 1), (2, 3, 2), (1, 3, 1)]


def test_what_moves_together_is_told_apart():
    noise = np.random.default_rng(1).normal(0, 0.1, 1000)
    ranks = rank_intervals([0.8, 0.7], [0.8 + noise, 0.7 + noise])
    assert [(r.low, r.high, r.tie_group) for r in ranks] == [(1, 1, 1), (2, 2, 2)]


def test_ranks_need_draws():
    assert rank_intervals([0.8, 0.8], [[0.8, np.nan], [0.8, 0.1]])[1].rank == 1
    with pytest.raises(UserError, match="got none"):
        rank_intervals([0.8], [[np.nan]])
    with pytest.raises(UserError, match="finite value"):
        rank_intervals([0.8], [[0.1], [0.2]])
