"""Figures of a ranking against scikit-learn's curves, a search over thresholds, and cases counted by hand."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from sklearn.metrics import average_precision_score, roc_curve

from redqueen.errors import UserError
from redqueen.metrics.ranking import average_precision, equal_error_rate, tpr_at_fpr

SCORED = st.lists(st.tuples(st.integers(-4, 4), st.integers(0, 1)), min_size=2, max_size=40)
ALL = [average_precision, equal_error_rate, lambda scores, labels: tpr_at_fpr(scores, labels, 0.05)]
properties = settings(deadline=None, max_examples=60)


def columns(rows):
    scores, labels = (np.array(column) for column in zip(*rows, strict=True))
    assume(0 < labels.sum() < len(labels))
    return scores.astype(float), labels


@properties
@given(SCORED)
def test_average_precision_equals_sklearn(rows):
    scores, labels = columns(rows)
    assert average_precision(scores, labels) == pytest.approx(average_precision_score(labels, scores), abs=1e-12)


@properties
@given(SCORED, st.sampled_from([0.0, 0.01, 0.05, 0.1, 0.29, 0.5, 1.0]))
def test_tpr_at_fpr_equals_a_search_over_thresholds(rows, limit):
    scores, labels = columns(rows)
    rates = [0.0]
    for threshold in set(scores):
        if (scores[labels == 0] >= threshold).mean() <= limit:
            rates.append((scores[labels == 1] >= threshold).mean())
    assert tpr_at_fpr(scores, labels, limit) == pytest.approx(max(rates), abs=1e-12)


@properties
@given(SCORED)
def test_equal_error_rate_is_the_root_on_sklearns_curve(rows):
    scores, labels = columns(rows)
    alarmed, hit, _ = roc_curve(labels, scores, drop_intermediate=False)
    along = np.arange(len(hit))  # a vertical step has no value over the false positive rate
    place = brentq(lambda at: 1 - np.interp(at, along, hit) - np.interp(at, along, alarmed), 0, along[-1], xtol=1e-13)
    assert equal_error_rate(scores, labels) == pytest.approx(np.interp(place, along, alarmed), abs=1e-9)


@properties
@given(SCORED)
def test_a_rising_transform_and_another_order_change_nothing(rows):
    scores, labels = columns(rows)
    for metric in ALL:
        assert metric(scores, labels) == metric(np.exp(scores[::-1]), labels[::-1])


@properties
@given(SCORED)
def test_turned_scores_turn_the_equal_error_rate(rows):
    scores, labels = columns(rows)
    assert equal_error_rate(-scores, labels) == pytest.approx(1 - equal_error_rate(scores, labels), abs=1e-12)


def test_exactly_the_limit_is_allowed():
    scores = np.append(np.arange(100.0), 99.0 - 29 + 0.5)
    assert tpr_at_fpr(scores, [0] * 100 + [1], 0.29) == 1.0  # 29 of 100, though 0.29 * 100 < 29 in floats
    assert tpr_at_fpr(scores, [0] * 100 + [1], 0.28) == 0.0


def test_a_perfect_ranking():
    assert [metric([1, 2, 3, 4], [0, 0, 1, 1]) for metric in ALL] == [1.0, 0.0, 1.0]


@pytest.mark.parametrize("labels", [[], [0, 0], [1, 1]])
def test_a_missing_class_is_none(labels):
    assert [metric(np.zeros(len(labels)), labels) for metric in ALL] == [None, None, None]


@pytest.mark.parametrize("limit", [-0.1, 1.1, np.nan])
def test_refuses_a_limit_that_is_no_rate(limit):
    with pytest.raises(UserError, match="must lie in"):
        tpr_at_fpr([0.0, 1.0], [0, 1], limit)
