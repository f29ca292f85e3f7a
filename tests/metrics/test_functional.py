"""Every formula against a second implementation, against a loop over pairs, or against a case counted by hand."""

import itertools

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from redqueen.errors import UserError
from redqueen.metrics.functional import (
    auroc,
    balanced_accuracy,
    best_threshold,
    false_positive_rate,
    weighted_auroc,
)

# Few distinct values, so that ties are common.
SCORED = st.lists(st.tuples(st.integers(-4, 4), st.integers(0, 1), st.integers(0, 3)), min_size=2, max_size=40)


def both_classes(rows):
    scores, labels, weights = (np.array(column) for column in zip(*rows, strict=True))
    assume(0 < labels.sum() < len(labels))
    return scores.astype(float), labels, weights


def auroc_by_pairs(scores, labels, weights):
    """The definition, as a loop over all pairs."""
    won = pairs = 0.0
    for i, j in itertools.product(range(len(scores)), repeat=2):
        if labels[i] == 1 and labels[j] == 0:
            pairs += weights[i] * weights[j]
            won += weights[i] * weights[j] * ((scores[i] > scores[j]) + (scores[i] == scores[j]) / 2)
    return won / pairs if pairs else None


class TestAuroc:
    @pytest.mark.parametrize(
        ("scores", "labels", "expected"),
        [
            ([0, 1], [0, 1], 1.0),
            ([1, 0], [0, 1], 0.0),
            ([1, 1], [0, 1], 0.5),
            ([1, 2, 2, 3], [0, 0, 1, 1], 3.5 / 4),
            ([5, 5, 5, 5, 5], [0, 0, 1, 1, 1], 0.5),
        ],
    )
    def test_counted_by_hand(self, scores, labels, expected):
        assert auroc(scores, labels) == expected

    @pytest.mark.parametrize("decimals", [0, 1, 8])
    @pytest.mark.parametrize("share", [0.02, 0.5])
    def test_equals_sklearn(self, decimals, share):
        rng = np.random.default_rng(0)
        labels = (rng.random(2000) < share).astype(int)
        scores = (rng.normal(size=2000) + labels).round(decimals)
        weights = rng.random(2000)
        assert auroc(scores, labels) == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)
        weighted = roc_auc_score(labels, scores, sample_weight=weights)
        assert auroc(scores, labels, weights) == pytest.approx(weighted, abs=1e-12)

    @given(SCORED)
    def test_equals_the_loop_over_pairs(self, rows):
        scores, labels, weights = both_classes(rows)
        expected = auroc_by_pairs(scores, labels, weights)
        assert auroc(scores, labels, weights) == (None if expected is None else pytest.approx(expected, abs=1e-12))

    @given(SCORED)
    def test_a_rising_transform_changes_nothing(self, rows):
        scores, labels, _ = both_classes(rows)
        assert auroc(scores, labels) == auroc(np.exp(scores) * 3 - 7, labels)

    @given(SCORED)
    def test_flipped_labels_or_scores_give_the_complement(self, rows):
        scores, labels, _ = both_classes(rows)
        assert auroc(scores, 1 - labels) == pytest.approx(1 - auroc(scores, labels), abs=1e-12)
        assert auroc(-scores, labels) == pytest.approx(1 - auroc(scores, labels), abs=1e-12)

    @given(SCORED)
    def test_weights_of_one_change_nothing(self, rows):
        scores, labels, _ = both_classes(rows)
        assert auroc(scores, labels, np.ones(len(scores))) == auroc(scores, labels)

    @given(SCORED)
    def test_a_whole_weight_is_a_repeated_row(self, rows):
        scores, labels, weights = both_classes(rows)
        assert auroc(scores, labels, weights) == auroc(np.repeat(scores, weights), np.repeat(labels, weights))

    @pytest.mark.parametrize(
        ("labels", "weights"), [([1, 1], None), ([0, 0], None), ([0, 1], [1, 0]), ([0, 1], [0.0, 2.0])]
    )
    def test_a_missing_class_is_none_and_not_zero(self, labels, weights):
        assert auroc([1.0, 2.0], labels, weights) is None

    def test_no_rows_are_none(self):
        assert auroc([], []) is None

    @pytest.mark.parametrize("dtype", [bool, np.int8, np.float32])
    def test_takes_labels_of_any_type(self, dtype):
        assert auroc(np.array([1, 2, 3], dtype=np.float32), np.array([0, 1, 1], dtype=dtype)) == 1.0

    def test_leaves_its_arguments_alone(self):
        scores, labels, weights = np.array([3.0, 1.0, 2.0]), np.array([1, 0, 1]), np.array([1, 2, 3], dtype=np.uint8)
        kept = scores.copy(), labels.copy(), weights.copy()
        auroc(scores, labels, weights)
        for before, after in zip(kept, (scores, labels, weights), strict=True):
            np.testing.assert_array_equal(before, after)


def test_weights_in_bytes_do_not_overflow():
    weights = np.full((1, 600), 255, dtype=np.uint8)
    scores, labels = np.arange(600.0), np.arange(600) % 2
    assert weighted_auroc(scores, labels, weights)[0] == roc_auc_score(labels, scores)


@pytest.mark.parametrize(
    ("scores", "labels", "weights", "message"),
    [
        ([np.nan, 1.0], [0, 1], None, "1 of 2 NaN or infinite"),
        ([np.inf, 1.0], [0, 1], None, "1 of 2 NaN or infinite"),
        ([[0.0, 1.0]], [0, 1], None, r"shape \(n,\)"),
        ([0.0, 1.0], [0, 1, 1], None, "shape of the scores"),
        ([0.0, 1.0], [0, 2], None, "got 2"),
        ([0.0, 1.0], [-1, 1], None, "got -1"),
        ([0.0, 1.0], [0.0, np.nan], None, "got nan"),
        ([0.0, 1.0], [0, 1], [1, 1, 1], "one number to each of 2 rows"),
        ([0.0, 1.0], [0, 1], [1, -1], "at least 0, got -1"),
        ([0.0, 1.0], [0, 1], [1, np.nan], "weights must be finite"),
        ([0.0, 1.0], [0, 1], [1, np.inf], "weights must be finite"),
    ],
)
def test_auroc_refuses_bad_input_in_one_line(scores, labels, weights, message):
    with pytest.raises(UserError, match=message) as error:
        auroc(scores, labels, weights)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("column", [-1, 2])
def test_a_group_without_a_weight_is_refused(column):
    with pytest.raises(UserError, match="group_index must lie in 0..1"):
        weighted_auroc([0.0, 1.0], [0, 1], [[1, 1]], np.array([0, column]))


class TestThresholds:
    @given(SCORED, st.integers(-5, 5))
    def test_balanced_accuracy_equals_sklearn(self, rows, threshold):
        scores, labels, _ = both_classes(rows)
        expected = balanced_accuracy_score(labels, scores >= threshold)
        assert balanced_accuracy(scores, labels, threshold) == pytest.approx(expected, abs=1e-12)

    def test_a_score_on_the_threshold_means_generated(self):
        assert balanced_accuracy([1.0, 2.0], [0, 1], threshold=2.0) == 1.0
        assert false_positive_rate([1.0, 2.0], threshold=2.0) == 0.5

    @pytest.mark.parametrize("labels", [[0, 0], [1, 1]])
    def test_a_missing_class_is_none_and_not_zero(self, labels):
        assert balanced_accuracy([1.0, 2.0], labels, threshold=0.0) is None

    def test_no_human_made_pictures_have_no_rate(self):
        assert false_positive_rate([], threshold=0.0) is None

    @pytest.mark.parametrize("threshold", [np.nan, np.inf])
    def test_a_threshold_must_be_finite(self, threshold):
        with pytest.raises(UserError, match="threshold must be finite"):
            false_positive_rate([0.0], threshold)
        with pytest.raises(UserError, match="threshold must be finite"):
            balanced_accuracy([0.0, 1.0], [0, 1], threshold)

    def test_scores_must_be_finite(self):
        with pytest.raises(UserError, match="1 of 1 NaN"):
            false_positive_rate([np.nan], threshold=0.0)

    @pytest.mark.parametrize(
        ("scores", "labels", "expected"),
        [
            ([0, 1, 4, 5], [0, 0, 1, 1], 2.5),  # separable: the middle of the gap
            ([0, 1], [1, 0], -1.0),  # reversed: all-in and all-out are equally good, the lower one is taken
            ([3, 3], [0, 1], 2.0),  # one score: likewise
            ([0, 1, 2, 3, 4], [0, 1, 0, 1, 1], 2.5),  # 0.5 gives (1 + 1/2) / 2, 2.5 gives (2/3 + 1) / 2
            ([0, 1, 2, 3], [0, 1, 0, 1], 0.5),  # 0.5 and 2.5 are equally good
            ([0, 1, 2, 3, 4, 5], [0, 1, 0, 1, 0, 1], 2.5),  # 0.5, 2.5 and 4.5 are
        ],
    )
    def test_best_counted_by_hand(self, scores, labels, expected):
        assert best_threshold(scores, labels) == expected

    @given(SCORED)
    def test_no_threshold_beats_the_best(self, rows):
        scores, labels, _ = both_classes(rows)
        found = balanced_accuracy(scores, labels, best_threshold(scores, labels))
        rivals = [balanced_accuracy(scores, labels, threshold) for threshold in np.arange(-5.5, 6)]
        assert found == pytest.approx(max(rivals), abs=1e-12)

    @given(SCORED, st.randoms(use_true_random=False))
    def test_best_ignores_the_order_of_rows(self, rows, random):
        scores, labels, _ = both_classes(rows)
        order = random.sample(range(len(scores)), len(scores))
        assert best_threshold(scores[order], labels[order]) == best_threshold(scores, labels)

    @pytest.mark.parametrize("low", [1.0, -1.0, 0.0, 1e300, 1e16, np.float32(0.1)])
    def test_best_splits_scores_one_rounding_step_apart(self, low):
        high = np.nextafter(low, np.asarray(np.inf, dtype=np.asarray(low).dtype))
        threshold = best_threshold(np.array([low, high]), [0, 1])
        assert balanced_accuracy(np.array([low, high]), [0, 1], threshold) == 1.0

    @pytest.mark.parametrize("labels", [[0, 0], [1, 1]])
    def test_best_needs_both_classes(self, labels):
        with pytest.raises(UserError, match="both classes"):
            best_threshold([0.0, 1.0], labels)

    def test_best_needs_finite_scores(self):
        with pytest.raises(UserError, match="1 of 2 NaN"):
            best_threshold([0.0, np.nan], [0, 1])
