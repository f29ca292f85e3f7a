"""Numbers from arrays: the one place where each formula stands. numpy in, plain numbers out; undefined is None.

Scores are logits, or any other finite number that grows with "AI-generated"; labels are 1 = AI-generated, 0 = not.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from redqueen.errors import UserError

# Elements of one (draws, rows) block: 32 MB as float64, so that memory stays flat however many draws there are.
BLOCK = 4_000_000

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


def auroc(scores: ArrayLike, labels: ArrayLike, weights: ArrayLike | None = None) -> float | None:
    """Area under the ROC curve: the chance that a generated picture outscores a human-made one; ties count half.

    Args:
        scores: (n,).
        labels: (n,), 0 or 1.
        weights: (n,), at least 0; 1 each where None.

    Returns:
        In [0, 1]; None where a class is missing or weighs nothing.

    Raises:
        UserError: shapes differ, scores are not finite, labels are not 0 or 1, or weights are negative.

    >>> auroc([0.1, 0.4, 0.4, 0.8], [0, 0, 1, 1])  # of four pairs three are won and one is tied
    0.875
    """
    each = np.ones((1, np.size(scores))) if weights is None else np.asarray(weights)[np.newaxis]
    area = float(weighted_auroc(scores, labels, each)[0])
    return None if np.isnan(area) else area


def weighted_auroc(
    scores: ArrayLike, labels: ArrayLike, weights: ArrayLike, group_index: NDArray[np.intp] | None = None
) -> FloatArray:
    """AUROC under many weightings of the same rows: sorts once, then one cumulative sum per draw; ties count half.

    Exact for whole-number weights, so the order of the rows cannot matter.

    Args:
        scores: (n,).
        labels: (n,), 0 or 1.
        weights: (draws, n), or (draws, n_groups) together with `group_index`; at least 0.
        group_index: (n,), the column of `weights` that each row takes; the rows may be some of the groups' rows only.

    Returns:
        (draws,), in [0, 1]; NaN for a draw in which a class has vanished.

    Raises:
        UserError: shapes differ, scores are not finite, labels are not 0 or 1, or weights are negative.

    >>> weighted_auroc([0.1, 0.4, 0.8], [0, 1, 0], [[1, 1, 1], [3, 1, 1], [1, 0, 1]])
    array([0.5 , 0.75,  nan])
    """
    values, generated = scores_and_labels(scores, labels)
    table = np.asarray(weights)
    columns = np.arange(len(values)) if group_index is None else np.asarray(group_index, dtype=np.intp)
    _check_weights(table, columns, len(values), grouped=group_index is not None)

    order = np.argsort(values, kind="stable")
    positives, negatives = order[generated[order]], order[~generated[order]]
    below = np.searchsorted(values[negatives], values[positives], side="left")  # (n_pos,) negatives under each positive
    upto = np.searchsorted(values[negatives], values[positives], side="right")  # the same plus its ties
    aurocs = np.empty(len(table))
    step = max(1, BLOCK // max(1, len(values)))
    for start in range(0, len(table), step):
        block = table[start : start + step]  # (d, n or n_groups)
        passed = np.zeros((len(block), len(negatives) + 1))
        np.cumsum(np.take(block, columns[negatives], axis=1), axis=1, out=passed[:, 1:])
        won_twice = np.take(passed, below, axis=1)  # (d, n_pos): half a win for a tie, times two
        won_twice += np.take(passed, upto, axis=1)
        weight = np.take(block, columns[positives], axis=1).astype(np.float64)
        pairs = weight.sum(axis=1) * passed[:, -1]
        won = np.einsum("dp,dp->d", weight, won_twice) / 2
        aurocs[start : start + step] = np.divide(won, pairs, out=np.full(len(block), np.nan), where=pairs > 0)
    return aurocs


def balanced_accuracy(scores: ArrayLike, labels: ArrayLike, threshold: float) -> float | None:
    """Mean of the true positive and the true negative rate; a score at or over `threshold` means AI-generated.

    Args:
        scores: (n,).
        labels: (n,), 0 or 1.
        threshold: on the scale of the scores, fitted on validation data.

    Returns:
        In [0, 1]; None where a class is missing.

    Raises:
        UserError: shapes differ, scores or threshold are not finite, or labels are not 0 or 1.

    >>> balanced_accuracy([-2.0, 1.0, 3.0, 4.0], [0, 0, 1, 1], threshold=2.0)
    1.0
    """
    values, generated = scores_and_labels(scores, labels)
    flagged = _flagged(values, threshold)
    if generated.all() or not generated.any():
        return None
    return float(flagged[generated].mean() + (~flagged[~generated]).mean()) / 2


def best_threshold(scores: ArrayLike, labels: ArrayLike) -> float:
    """The threshold of highest balanced accuracy, for validation data only: on test data it would be an oracle.

    Candidates are one below all scores, the midpoints between neighbouring distinct scores, and one above all scores;
    among the best the median is taken (the lower one of two).

    Args:
        scores: (n,).
        labels: (n,), 0 or 1.

    Returns:
        A finite number on the scale of the scores.

    Raises:
        UserError: a class is missing, shapes differ, scores are not finite, or labels are not 0 or 1.

    >>> best_threshold([-2.0, 1.0, 3.0, 4.0], [0, 0, 1, 1])
    2.0
    """
    values, generated = scores_and_labels(scores, labels)
    if generated.all() or not generated.any():
        raise UserError(
            f"a threshold needs both classes, got {generated.sum()} generated and {(~generated).sum()} human-made "
            "pictures; add the missing ones to the validation split"
        )
    distinct = np.unique(values)
    lower, upper = distinct[:-1], distinct[1:]
    middle = lower / 2 + upper / 2
    middle = np.where(middle > lower, middle, upper)  # neighbours one rounding step apart have no midpoint
    candidates = np.concatenate(
        [[distinct[0] - 1], middle, [max(distinct[-1] + 1, np.nextafter(distinct[-1], np.inf))]]
    )
    positives, negatives = np.sort(values[generated]), np.sort(values[~generated])
    hits = len(positives) - np.searchsorted(positives, candidates, side="left")
    rejections = np.searchsorted(negatives, candidates, side="left")
    quality = hits * len(negatives) + rejections * len(positives)  # balanced accuracy in whole numbers: ties are exact
    best = candidates[quality == quality.max()]
    return float(best[(len(best) - 1) // 2])


def false_positive_rate(scores: ArrayLike, threshold: float) -> float | None:
    """Share of human-made pictures at or over `threshold`.

    Args:
        scores: (n,), of human-made pictures alone.
        threshold: on the scale of the scores, fitted on validation data.

    Returns:
        In [0, 1]; None where there are no pictures.

    Raises:
        UserError: scores or threshold are not finite.

    >>> false_positive_rate([-1.0, 0.0, 0.5, 2.0], threshold=0.5)
    0.5
    """
    flagged = _flagged(_finite_scores(scores), threshold)
    return float(flagged.mean()) if len(flagged) else None


def _finite_scores(scores: ArrayLike) -> FloatArray:
    values = np.asarray(scores, dtype=np.float64)
    if values.ndim != 1:
        raise UserError(f"scores must have shape (n,), got {values.shape}")
    bad = len(values) - int(np.isfinite(values).sum())
    if bad:
        raise UserError(f"scores must be finite, got {bad} of {len(values)} NaN or infinite; did the training diverge?")
    return values


def scores_and_labels(scores: ArrayLike, labels: ArrayLike) -> tuple[FloatArray, BoolArray]:
    """Scores as float64 and whether each row is AI-generated, (n,) each; UserError for other input."""
    values, truth = _finite_scores(scores), np.asarray(labels)
    if truth.shape != values.shape:
        raise UserError(f"labels must have the shape of the scores, {values.shape}, got {truth.shape}")
    generated = truth == 1
    if not (generated | (truth == 0)).all():
        wrong = truth[~(generated | (truth == 0))][0]
        raise UserError(f"labels must be 0 (human-made) or 1 (AI-generated), got {wrong}")
    return values, generated


def _check_weights(table: NDArray[np.generic], columns: NDArray[np.intp], n: int, *, grouped: bool) -> None:
    if columns.shape != (n,) or table.ndim != 2 or not (grouped or table.shape[1] == n):
        raise UserError(f"weights must give one number to each of {n} rows, got {table.shape} for {columns.shape}")
    if n and not 0 <= columns.min() <= columns.max() < table.shape[1]:
        raise UserError(f"group_index must lie in 0..{table.shape[1] - 1}, got {columns.min()}..{columns.max()}")
    if table.size and not 0 <= table.min() <= table.max() < np.inf:  # also false for NaN, and makes no copy
        raise UserError(f"weights must be finite and at least 0, got {table.min()} to {table.max()}")


def _flagged(values: FloatArray, threshold: float) -> BoolArray:
    if not np.isfinite(threshold):
        raise UserError(f"threshold must be finite, got {threshold}; fit it on validation data")
    return values >= threshold
