"""How much of a detector's scores the files' metadata explains, without a pixel."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.model_selection import GroupKFold

from redqueen.metrics.functional import auroc, weighted_auroc

FloatArray = NDArray[np.float64]

FOLDS, TREES, LEAF = 5, 30, 3
STRATA = 10
_SAME = 1e-9  # a smaller spread is rounding


@dataclass(frozen=True)
class Explained:
    """What metadata says of scores, by trees that were grown on other groups.

    Attributes:
        share: of the variance of the scores' ranks, at most 1; 0 or less where metadata says nothing.
        metadata: AUROC of what metadata alone would have scored; None where a class is missing.
        within: AUROC of the scores among pictures of like metadata; None where no such picture has both labels.
    """

    share: float
    metadata: float | None
    within: float | None


def explained(
    scores: FloatArray, metadata: FloatArray, labels: NDArray[np.int64], groups: NDArray[np.str_], seed: int = 0
) -> list[Explained | None]:
    """Grow trees from metadata to ranks on four fifths of the groups, and ask them about the last fifth, five times.

    Args:
        scores: (k, n): k detectors, of which the same trees tell all.
        metadata: (n, d).
        labels: (n,), 0 or 1.
        groups: (n,).
        seed: of the trees.

    Returns:
        For each detector; None where metadata or its scores do not vary, or there are fewer groups than folds.
    """
    varied = metadata[:, np.ptp(metadata, axis=0) > _SAME]
    if not varied.shape[1] or len(np.unique(groups)) < FOLDS:
        return [None] * len(scores)
    ranks = rankdata(scores, axis=1).T / scores.shape[1]  # (n, k)
    told = np.zeros(ranks.shape)
    for fit, held in GroupKFold(FOLDS).split(varied, groups=groups):
        trees = ExtraTreesRegressor(TREES, min_samples_leaf=LEAF, random_state=seed)
        told[held] = (
            trees.fit(varied[fit], ranks[fit] if len(scores) > 1 else ranks[fit, 0])
            .predict(varied[held])
            .reshape(-1, len(scores))
        )
    return [_explained(*columns, labels) for columns in zip(scores, ranks.T, told.T, strict=True)]


def _explained(scores: FloatArray, ranks: FloatArray, told: FloatArray, labels: NDArray[np.int64]) -> Explained | None:
    total = float(((ranks - ranks.mean()) ** 2).sum())
    if not np.ptp(scores):
        return None
    share = 1 - float(((ranks - told) ** 2).sum()) / total
    return Explained(share, auroc(told, labels), _within(scores, told, labels))


def _within(scores: FloatArray, told: FloatArray, labels: NDArray[np.int64]) -> float | None:
    """AUROC over pairs of one stratum: pictures that metadata alone would have scored alike."""
    stratum = (rankdata(told, "min") - 1) * STRATA // len(told)
    won = pairs = 0.0
    for one in np.unique(stratum):
        own = stratum == one
        count = int((labels[own] == 1).sum()) * int((labels[own] == 0).sum())
        if count:
            won += count * float(weighted_auroc(scores[own], labels[own], np.ones((1, own.sum())))[0])
            pairs += count
    return won / pairs if pairs else None
