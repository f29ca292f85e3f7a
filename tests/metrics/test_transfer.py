"""Transfer and forgetting against matrices that can be counted by hand."""

import numpy as np
import pytest

from redqueen.errors import UserError
from redqueen.metrics.statistics import percentile_interval
from redqueen.metrics.transfer import backward_transfer, forgetting, forward_transfer
from redqueen.types import Interval

NAN = np.nan
MATRIX = np.array([[0.9, 0.7, 0.6, 0.5], [0.95, 0.9, 0.8, 0.6], [0.85, 0.8, 0.9, 0.7]])  # three cutoffs, four windows


@pytest.mark.parametrize(
    ("measure", "matrix", "expected"),
    [
        (backward_transfer, MATRIX, ((0.85 - 0.9) + (0.8 - 0.9)) / 2),
        (forgetting, MATRIX, ((0.95 - 0.85) + (0.9 - 0.8)) / 2),  # the best on the first window came at the second
        (forward_transfer, MATRIX, (0.7 + 0.8 + 0.7) / 3 - 0.5),
        (forward_transfer, MATRIX[:, :3], (0.7 + 0.8) / 2 - 0.5),  # the last cutoff has no next window
        (backward_transfer, MATRIX[:1], None),
        (forgetting, MATRIX[:1], None),
        (forward_transfer, MATRIX[:1, :1], None),
        (backward_transfer, np.where(MATRIX == 0.8, NAN, MATRIX), 0.85 - 0.9),
        (forgetting, np.where(MATRIX == 0.95, NAN, MATRIX), ((0.9 - 0.85) + (0.9 - 0.8)) / 2),
        (forward_transfer, np.full((3, 4), NAN), None),
        (forgetting, np.full((3, 4), NAN), None),
    ],
)
def test_by_hand(measure, matrix, expected):
    found = measure(matrix, np.empty((0, *matrix.shape)), 40, 20)
    assert found == Interval(found.value, None, None, 40, 20)
    assert found.value == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize("measure", [backward_transfer, forgetting, forward_transfer])
def test_the_ends_are_those_of_the_measure_in_each_draw(measure):
    drawn = np.clip(MATRIX + np.random.default_rng(0).normal(0, 0.05, (50, 3, 4)), 0, 1)
    drawn[7, 1, 1] = NAN  # such a draw is left out wherever that cell is asked for
    nothing = np.empty((0, 3, 4))
    each = [measure(one, nothing, 1, 1).value for one in np.delete(drawn, 7, axis=0)]
    if measure is forward_transfer:
        each.append(measure(drawn[7], nothing, 1, 1).value)
    value = measure(MATRIX, nothing, 1, 1).value
    if measure is forgetting:
        assert np.mean(each) > value  # the best of noisy figures is too high
        each = np.asarray(each) - (np.mean(each) - value)
    found, expected = measure(MATRIX, drawn, 40, 20), percentile_interval(value, each, 40, 20)
    assert found.value == value
    assert (found.low, found.high) == (pytest.approx(expected.low), pytest.approx(expected.high))


def test_the_interval_of_forgetting_holds_its_figure_where_nothing_is_forgotten():
    drawn = np.clip(0.5 + np.random.default_rng(0).normal(0, 0.05, (500, 6, 6)), 0, 1)
    found = forgetting(np.full((6, 6), 0.5), drawn, 40, 20)
    assert found.low < 0 == found.value < found.high


@pytest.mark.parametrize(
    ("values", "draws"), [((3, 2), (5, 3, 2)), ((2, 3), (5, 3, 2)), ((3,), (5, 3)), ((0, 3), (5, 0, 3))]
)
def test_refuses_other_shapes(values, draws):
    with pytest.raises(UserError, match="transfer needs values"):
        forgetting(np.zeros(values), np.zeros(draws), 1, 1)
