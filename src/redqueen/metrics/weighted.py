"""The same metrics under many weightings of the same rows: what a bootstrap over groups asks for, without a loop.

Each function is the weighted form of one in `ranking` or `calibration`, and equal to it where every weight is 1.
Weights are (draws, n_groups), and `index` says which column is a row's; a draw in which a figure is undefined is NaN.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from redqueen.metrics.calibration import BINS, bins_of
from redqueen.metrics.functional import BLOCK, FloatArray, scores_and_labels
from redqueen.metrics.ranking import last_of_ties

Index = NDArray[np.intp]
Weights = NDArray[np.generic]
# weight of the hits and of the false alarms at each distinct threshold, (draws, 1 + distinct) each -> (draws,)
OfCurve = Callable[[FloatArray, FloatArray], FloatArray]


def mean_of(values: ArrayLike, weights: Weights, index: Index) -> FloatArray:
    """Weighted mean of a number that each row has, such as its squared error, or 1 where it is a false alarm.

    Args:
        values: (n,).
        weights: (draws, n_groups), at least 0.
        index: (n,).

    Returns:
        (draws,); NaN where the rows weigh nothing.

    >>> mean_of([0.0, 1.0], np.array([[1, 1], [1, 3], [0, 0]]), np.array([0, 1]))
    array([0.5 , 0.75,  nan])
    """
    groups = weights.shape[1]
    sums = np.bincount(index, np.asarray(values, np.float64), groups), np.bincount(index, minlength=groups)
    total, rows = (weights.astype(np.float64) @ one for one in sums)
    return _divided(total, rows)


def along_curve(
    scores: ArrayLike, labels: ArrayLike, weights: Weights, index: Index, figures: Sequence[OfCurve]
) -> FloatArray:
    """Figures of the ROC curve of each draw, (figures, draws): one curve serves them all."""
    blocks = [np.stack([figure(*curve) for figure in figures]) for curve in _curves(scores, labels, weights, index)]
    return np.concatenate(blocks, axis=1)


def tpr_at_fpr(limit: float) -> OfCurve:
    """`ranking.tpr_at_fpr` of each draw, for `along_curve`."""

    def found(hits: FloatArray, alarms: FloatArray) -> FloatArray:
        shares = alarms / np.maximum(alarms[:, -1:], 1e-300)
        reached = (shares <= limit).sum(axis=1) - 1  # shares do not fall, and the first is 0
        return _divided(hits[np.arange(len(hits)), reached], _defined(hits, alarms))

    return found


def average_precision(hits: FloatArray, alarms: FloatArray) -> FloatArray:
    """`ranking.average_precision` of each draw, for `along_curve`."""
    precision = _divided(hits[:, 1:], hits[:, 1:] + alarms[:, 1:], 0.0)  # before the first row nothing is added
    return _divided((np.diff(hits, axis=1) * precision).sum(axis=1), _defined(hits, alarms))


def equal_error_rate(hits: FloatArray, alarms: FloatArray) -> FloatArray:
    """`ranking.equal_error_rate` of each draw, for `along_curve`."""
    missed = 1 - hits / np.maximum(hits[:, -1:], 1e-300)
    alarmed = alarms / np.maximum(alarms[:, -1:], 1e-300)
    excess = missed - alarmed  # of a draw that is defined, falls from 1 to -1
    after = np.maximum((excess <= 0).argmax(axis=1), 1)
    each = np.arange(len(hits))
    share = _divided(excess[each, after - 1], excess[each, after - 1] - excess[each, after])
    found = alarmed[each, after - 1] + share * (alarmed[each, after] - alarmed[each, after - 1])
    return np.where(_defined(hits, alarms) > 0, found, np.nan)


def adaptive_ece(scores: ArrayLike, labels: ArrayLike, weights: Weights, index: Index, bins: int = BINS) -> FloatArray:
    """`calibration.adaptive_ece` of each draw, (draws,), over the bins of the sample.

    Noise makes the figure larger, and a draw has the noise of the sample and its own: its draws lie above it.
    """
    values, generated = scores_and_labels(scores, labels)
    off, groups = expit(values) - generated, weights.shape[1]
    member = bins_of(values, bins)
    sums = np.zeros((groups, member.max(initial=-1) + 1))
    np.add.at(sums, (index, member), off)
    table = weights.astype(np.float64)
    return _divided(np.abs(table @ sums).sum(axis=1), table @ np.bincount(index, minlength=groups))


def precision_at_prevalence(tpr: FloatArray, fpr: FloatArray, prevalence: float) -> FloatArray:
    """`calibration.precision_at_prevalence` of each draw, (draws,)."""
    hits, alarms = tpr * prevalence, fpr * (1 - prevalence)
    return _divided(hits, hits + alarms)


def _curves(
    scores: ArrayLike, labels: ArrayLike, weights: Weights, index: Index
) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Weight of the hits and of the false alarms at each distinct threshold, from none on, for blocks of draws."""
    values, generated = scores_and_labels(scores, labels)
    order, last = last_of_ties(values)
    truth, columns = generated[order], index[order]
    step = max(1, BLOCK // max(1, len(values)))
    for start in range(0, len(weights), step):
        drawn = np.take(weights[start : start + step], columns, axis=1).astype(np.float64)
        hits, both = np.cumsum(drawn * truth, axis=1)[:, last], np.cumsum(drawn, axis=1)[:, last]
        nothing = np.zeros((len(drawn), 1))
        yield np.concatenate([nothing, hits], axis=1), np.concatenate([nothing, both - hits], axis=1)


def _defined(hits: FloatArray, alarms: FloatArray) -> FloatArray:
    """Weight of the generated rows; 0 where one of the classes weighs nothing."""
    return hits[:, -1] * (alarms[:, -1] > 0)


def _divided(above: FloatArray, below: FloatArray, otherwise: float = np.nan) -> FloatArray:
    out: FloatArray = np.full(above.shape, otherwise)
    np.divide(above, below, out=out, where=below > 0)
    return out
