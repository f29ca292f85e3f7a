"""The probe against scikit-learn's ridge regression, and its intervals on labels that mean nothing."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from redqueen.corpus.ridge_probe import RIDGE, Sample, _fitted, refitted_auroc
from redqueen.metrics.statistics import group_weights


def sample(n, draws, seed, labels=None):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, n) if labels is None else labels
    splits = rng.choice(["test", "train", "val"], n)
    index, weights = group_weights([f"g{i}" for i in range(n)], [str(one) for one in labels], draws, seed)
    return Sample(labels, splits, index, np.concatenate([np.ones((1, n), np.uint8), weights]))


def test_fits_as_scikit_learn_does():
    rng = np.random.default_rng(0)
    x, labels, weight = rng.normal(size=(60, 5)), rng.integers(0, 2, 60), rng.integers(0, 3, (1, 60)).astype(float)
    balanced = np.where(labels == 1, weight / weight[:, labels == 1].sum(), weight / weight[:, labels == 0].sum()) / 2
    other = Ridge(alpha=RIDGE, fit_intercept=False).fit(x, 2 * labels - 1, sample_weight=balanced[0])
    np.testing.assert_allclose(_fitted(x, labels, weight)[0], other.coef_, rtol=1e-8)


def test_sees_what_is_there_and_compares_within_splits_alone():
    one = sample(300, 4, 1)
    features = one.labels[:, np.newaxis] + np.random.default_rng(2).normal(0, 0.1, (300, 3))
    assert refitted_auroc(features, one) == pytest.approx(1.0)
    offset = features + 100 * (one.splits == "val")[:, np.newaxis]  # would spoil a pooled comparison
    np.testing.assert_allclose(refitted_auroc(offset, one), refitted_auroc(features, one), atol=1e-6)


def test_a_draw_is_the_same_as_the_sample_that_it_drew():
    one = sample(120, 3, 3)
    features = np.random.default_rng(4).normal(size=(120, 4)) + 0.5 * one.labels[:, np.newaxis]
    features = (features - features.mean(0)) / features.std(0)
    copied = np.repeat(np.arange(120), one.weights[1][one.index])
    drawn = Sample(one.labels[copied], one.splits[copied], np.arange(len(copied)), np.ones((1, len(copied)), np.uint8))
    expected = refitted_auroc(features[copied], drawn)[0]
    assert refitted_auroc(features, one)[1] == pytest.approx(expected, abs=0.02)  # standardised over other rows


def test_nothing_to_compare_is_nan():
    one = sample(30, 2, 5, labels=np.zeros(30, np.int64))
    assert np.isnan(refitted_auroc(np.random.default_rng(0).normal(size=(30, 2)), one)).all()


@pytest.mark.parametrize("features", [np.ones((30, 2)), np.empty((30, 0))])
def test_nothing_to_see_is_nan(features):
    assert np.isnan(refitted_auroc(features, sample(30, 2, 5))).all()


def test_intervals_hold_chance_where_labels_mean_nothing():
    """The reason for the probe: of a probe that is fitted once, one interval in five excludes the truth."""
    excluded = 0
    for seed in range(40):
        one = sample(150, 60, seed)
        features = np.random.default_rng([9, seed]).normal(size=(150, 25))
        low, high = np.quantile(refitted_auroc(features, one)[1:], [0.025, 0.975])
        excluded += not low <= 0.5 <= high
    assert excluded <= 4
