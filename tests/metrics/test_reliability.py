"""Probabilities against scikit-learn's losses, a second way of binning, and cases counted by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.metrics import brier_score_loss, log_loss, precision_score

from redqueen.errors import UserError
from redqueen.metrics.calibration import (
    adaptive_ece,
    brier,
    negative_log_likelihood,
    precision_at_prevalence,
    reliability,
)

LOGITS = st.lists(st.tuples(st.integers(-40, 40), st.integers(0, 1)), min_size=1, max_size=60)
RATES = st.floats(0, 1)
properties = settings(deadline=None, max_examples=60)


def columns(rows):
    scores, labels = (np.array(column) for column in zip(*rows, strict=True))
    return scores / 8, labels


@properties
@given(LOGITS)
def test_losses_equal_sklearn(rows):
    scores, labels = columns(rows)
    chances = expit(scores)
    assert brier(scores, labels) == pytest.approx(brier_score_loss(labels, chances, pos_label=1), abs=1e-12)
    expected = log_loss(labels, np.stack([1 - chances, chances], axis=1), labels=[0, 1])
    assert negative_log_likelihood(scores, labels) == pytest.approx(expected, abs=1e-9)


@properties
@given(LOGITS, st.integers(1, 20))
def test_bins_hold_every_row_once_and_in_order(rows, bins):
    scores, labels = columns(rows)
    table = reliability(scores, labels, bins)
    assert len(table) <= bins
    assert sum(part.n for part in table) == len(rows)
    assert sum(part.n * part.share for part in table) == pytest.approx(labels.sum())
    assert sum(part.n * part.probability for part in table) == pytest.approx(expit(scores).sum())
    ends = [end for part in table for end in (part.low, part.high)]
    assert ends == sorted(ends)
    assert all(left.high < right.low for left, right in zip(table[:-1], table[1:], strict=True))  # ties stay together


@properties
@given(LOGITS, st.integers(1, 20))
def test_the_order_of_rows_changes_nothing(rows, bins):
    scores, labels = columns(rows)
    turned = adaptive_ece(scores[::-1], labels[::-1], bins)
    assert adaptive_ece(scores, labels, bins) == pytest.approx(turned, abs=1e-12)


@pytest.mark.parametrize(("n", "bins"), [(100, 10), (97, 10), (7, 15), (1000, 15)])
def test_ece_without_ties_is_that_of_equal_parts_of_the_sorted_rows(n, bins):
    rng = np.random.default_rng(n)
    scores = rng.permutation(np.linspace(-3, 3, n))
    labels = rng.integers(0, 2, n)
    order = np.argsort(scores)
    ends = [-(-n * part // bins) for part in range(bins + 1)]  # rounded up
    parts = [order[start:end] for start, end in zip(ends[:-1], ends[1:], strict=True)]
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
    gaps = [abs(sum(1 / (1 + np.exp(-scores[part])) - labels[part])) for part in parts]
    assert adaptive_ece(scores, labels, bins) == pytest.approx(sum(gaps) / n, abs=1e-12)


def test_true_chances_are_calibrated_and_doubled_logits_are_not():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, 20_000)
    labels = rng.random(20_000) < expit(logits)
    assert adaptive_ece(logits, labels) < 0.015
    assert adaptive_ece(2 * logits, labels) > 0.05


@pytest.mark.parametrize("metric", [brier, negative_log_likelihood, adaptive_ece])
def test_no_rows_are_none(metric):
    assert metric([], []) is None
    assert reliability([], []) == []


def test_at_least_one_bin():
    with pytest.raises(UserError, match="got 0"):
        reliability([0.0], [1], 0)


@properties
@given(st.integers(0, 30), st.integers(0, 30), st.integers(1, 30), st.integers(1, 30))
def test_precision_at_the_samples_own_prevalence_is_sklearns(hits, alarms, missed, spared):
    truth = [1] * (hits + missed) + [0] * (alarms + spared)
    said = [1] * hits + [0] * missed + [1] * alarms + [0] * spared
    rates = hits / (hits + missed), alarms / (alarms + spared), (hits + missed) / len(truth)
    expected = precision_score(truth, said, zero_division=np.nan)
    assert precision_at_prevalence(*rates) == (None if np.isnan(expected) else pytest.approx(expected))


@properties
@given(RATES, RATES, RATES)
def test_precision_lies_in_the_unit_interval(tpr, fpr, prevalence):
    found = precision_at_prevalence(tpr, fpr, prevalence)
    assert found is None or 0 <= found <= 1


@pytest.mark.parametrize("rates", [(1.1, 0, 0.5), (0, -0.1, 0.5), (0, 0, np.nan)])
def test_refuses_what_is_no_rate(rates):
    with pytest.raises(UserError, match="must lie in"):
        precision_at_prevalence(*rates)
