"""How alike two detectors score the same pictures, whatever the truth has to do with it.

Two good detectors agree because both are right. So only pictures of one label are compared with each other: what is
left is whether they find the same pictures hard, in the same order.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression
from scipy.stats import rankdata

FloatArray = NDArray[np.float64]

ENOUGH = 20  # different scores that both must give: verdicts alone can agree by being right
EXACT = 1e-12  # root mean square that is left of a copy


@dataclass(frozen=True)
class Kinship:
    """What two lists of scores share.

    Attributes:
        order: Spearman's correlation within labels, in [-1, 1].
        shape: share of the variance within labels that the best rising map of one list explains of the other, at
            most 1; the larger one of both directions.
        residue: root mean square of what that map leaves, on the scale of the scores: 0 for a rising transform.
    """

    order: float
    shape: float
    residue: float

    @property
    def same(self) -> bool:
        """Whether one list is the other, transformed by a map that never falls: nothing of its own is in it."""
        return self.residue < EXACT


def kinship(one: FloatArray, other: FloatArray, labels: NDArray[np.int64]) -> Kinship | None:
    """Compare two lists of scores, (n,), of pictures with these labels; None where there is nothing to compare.

    A list of few different scores, or one that varies in neither class, is like many others for no reason.
    """
    if min(len(np.unique(one)), len(np.unique(other))) < ENOUGH:
        return None
    ranks = [_centred(rankdata(scores), labels) for scores in (one, other)]
    spread = float(np.sqrt((ranks[0] ** 2).sum() * (ranks[1] ** 2).sum()))
    explained = [fit for fit in (_explained(one, other, labels), _explained(other, one, labels)) if fit is not None]
    if not spread or not explained:
        return None
    shape, residue = max(fit[0] for fit in explained), min(fit[1] for fit in explained)
    return Kinship(float((ranks[0] * ranks[1]).sum()) / spread, shape, residue)


def _explained(source: FloatArray, target: FloatArray, labels: NDArray[np.int64]) -> tuple[float, float] | None:
    """Share of the variance, and root mean square of the rest, by the best map of `source` to `target` that rises."""
    total = float((_centred(target, labels) ** 2).sum())
    if total < len(target) * EXACT**2:
        return None
    places, counts = np.unique(source, return_inverse=True, return_counts=True)[1:]
    rising = isotonic_regression(np.bincount(places, target) / counts, weights=counts).x
    rest = target - rising[places]
    left = float((rest**2).sum())
    return 1 - left / total, float(np.sqrt(left / len(target)))


def _centred(values: FloatArray, labels: NDArray[np.int64]) -> FloatArray:
    """Values less the mean of their label."""
    found = values.astype(np.float64).copy()
    for label in np.unique(labels):
        found[labels == label] -= found[labels == label].mean()
    return found
