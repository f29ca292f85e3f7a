"""What a ranking is worth at the strict end of its ROC curve; undefined is None.

Scores are any finite numbers that grow with "AI-generated"; equal scores are one threshold, so the order of the rows
cannot matter.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from redqueen.errors import UserError
from redqueen.metrics.functional import FloatArray, scores_and_labels


def average_precision(scores: ArrayLike, labels: ArrayLike) -> float | None:
    """Mean precision over the recalls that are reached, without interpolation (Davis & Goadrich, 2006, say why).

    A ranking by chance has the share of generated pictures, so figures of differing shares do not compare.

    Args:
        scores: (n,).
        labels: (n,), 0 or 1.

    Returns:
        In (0, 1]; None where a class is missing.

    Raises:
        UserError: shapes differ, scores are not finite, or labels are not 0 or 1.

    >>> average_precision([4.0, 3.0, 2.0, 1.0], [1, 0, 1, 0])  # (1 / 1 + 2 / 3) / 2
    0.8333333333333333
    """
    curve = _curve(scores, labels)
    if curve is None:
        return None
    hits, alarms = curve
    precision = hits[1:] / (hits[1:] + alarms[1:])
    return float(np.diff(hits) @ precision / hits[-1])


def tpr_at_fpr(scores: ArrayLike, labels: ArrayLike, limit: float) -> float | None:
    """The highest true positive rate at any threshold whose false positive rate is at most `limit`.

    Nothing is interpolated: with fewer than 1 / `limit` human-made pictures no false alarm at all is allowed.

    Args:
        scores: (n,).
        labels: (n,), 0 or 1.
        limit: in [0, 1], for example 0.01.

    Returns:
        In [0, 1]; None where a class is missing.

    Raises:
        UserError: as `average_precision`, or a limit outside [0, 1].

    >>> tpr_at_fpr([4.0, 3.0, 2.0, 2.0, 1.0], [1, 1, 1, 0, 0], limit=0.1)  # the third one is tied with a photograph
    0.6666666666666666
    """
    if not 0 <= limit <= 1:
        raise UserError(f"the limit of the false positive rate must lie in [0, 1], got {limit}")
    curve = _curve(scores, labels)
    if curve is None:
        return None
    hits, alarms = curve
    allowed = alarms / alarms[-1] <= limit
    return float(hits[allowed].max() / hits[-1])


def equal_error_rate(scores: ArrayLike, labels: ArrayLike) -> float | None:
    """The error rate where as large a share of one class is missed as of the other: linear between two thresholds.

    Args:
        scores: (n,).
        labels: (n,), 0 or 1.

    Returns:
        In [0, 1]; None where a class is missing.

    Raises:
        UserError: as `average_precision`.

    >>> equal_error_rate([4.0, 3.0, 2.0, 1.0], [1, 0, 1, 0])
    0.5
    """
    curve = _curve(scores, labels)
    if curve is None:
        return None
    hits, alarms = curve
    missed, alarmed = 1 - hits / hits[-1], alarms / alarms[-1]
    excess = missed - alarmed  # falls from 1 to -1, never level
    after = int(np.argmax(excess <= 0))
    share = excess[after - 1] / (excess[after - 1] - excess[after])
    return float(alarmed[after - 1] + share * (alarmed[after] - alarmed[after - 1]))


def _curve(scores: ArrayLike, labels: ArrayLike) -> tuple[FloatArray, FloatArray] | None:
    """Hits and false alarms at each distinct threshold, the strictest first, from (0, 0) on: (1 + distinct,) each."""
    values, generated = scores_and_labels(scores, labels)
    if generated.all() or not generated.any():
        return None
    order, last = last_of_ties(values)
    hits = np.concatenate([[0.0], np.cumsum(generated[order])[last]])
    return hits, np.concatenate([[0.0], last + 1.0]) - hits


def last_of_ties(values: FloatArray) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows from the highest score down, (n,), and where in them the last row of each distinct score is."""
    order = np.argsort(-values, kind="stable")
    return order, np.append(np.flatnonzero(np.diff(values[order])), len(values) - 1)[: len(values)]
