"""Weighted metrics against the unweighted ones on rows that are really repeated."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from redqueen.metrics import calibration, ranking, weighted

LIMITS = (0.0, 0.01, 0.05, 0.3)


@st.composite
def samples(draw):
    """Scores with ties, both classes, groups, and how often each group is drawn."""
    n = draw(st.integers(2, 30))
    scores = draw(arrays(np.float64, n, elements=st.integers(-4, 4)))
    labels = np.array([0, 1, *draw(st.lists(st.integers(0, 1), min_size=n - 2, max_size=n - 2))])
    index = draw(arrays(np.intp, n, elements=st.integers(0, 4)))
    return scores, labels, index, draw(arrays(np.uint8, (3, 5), elements=st.integers(0, 3)))


def repeated(values, index, row):
    return np.repeat(values, row[index])


def same(found, expected):
    np.testing.assert_allclose(found, [np.nan if one is None else one for one in expected], atol=1e-12)


@given(samples())
def test_a_weight_is_a_repetition(sample):
    scores, labels, index, weights = sample
    drawn = [(repeated(scores, index, row), repeated(labels, index, row)) for row in weights]
    plain = [
        ranking.average_precision,
        ranking.equal_error_rate,
        *(partial(ranking.tpr_at_fpr, limit=x) for x in LIMITS),
    ]
    figures = [weighted.average_precision, weighted.equal_error_rate, *map(weighted.tpr_at_fpr, LIMITS)]
    found = weighted.along_curve(scores, labels, weights, index, figures)
    assert found.shape == (len(figures), len(weights))
    for each, of_one in zip(found, plain, strict=True):
        same(each, [of_one(*one) for one in drawn])
    means = [one[0].mean() if len(one[0]) else None for one in drawn]
    same(weighted.mean_of(scores, weights, index), means)


@given(samples())
def test_weights_of_one_give_the_plain_error_of_calibration(sample):
    scores, labels, index, _ = sample
    found = weighted.adaptive_ece(scores, labels, np.ones((2, 5)), index, bins=4)
    same(found, [calibration.adaptive_ece(scores, labels, bins=4)] * 2)


def test_calibration_error_by_hand():
    """Two bins, at 50 % and at nearly 100 %; the first draw has the generated picture of the first bin twice."""
    scores, labels, index = np.array([0.0, 0.0, 50.0, 50.0]), np.array([0, 1, 1, 0]), np.arange(4)
    found = weighted.adaptive_ece(scores, labels, np.array([[1, 2, 1, 1], [1, 1, 1, 0]]), index, bins=2)
    same(found, [(abs(1.5 - 2) + abs(2 - 1)) / 5, 0])


def test_precision_of_each_draw():
    tpr, fpr = np.array([0.9, 0.5, 0.0]), np.array([0.01, 0.0, 0.0])
    expected = [calibration.precision_at_prevalence(t, f, 1e-4) for t, f in zip(tpr, fpr, strict=True)]
    same(weighted.precision_at_prevalence(tpr, fpr, 1e-4), expected)
    assert expected == [pytest.approx(0.0089, abs=1e-4), 1.0, None]


def test_no_rows_are_undefined():
    none = np.zeros(0)
    assert np.isnan(weighted.mean_of(none, np.ones((2, 3)), none.astype(int))).all()
