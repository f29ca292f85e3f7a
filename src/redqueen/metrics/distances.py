"""Distances between two sets of features: the squared maximum mean discrepancy (MMD) under two kernels, with intervals.

KID is Binkowski et al., "Demystifying MMD GANs", ICLR 2018, arXiv 1801.01401; CMMD is Jayasumana et al., "Rethinking
FID", CVPR 2024, arXiv 2401.09603. Both are taken with the unbiased estimator (Gretton et al., JMLR 2012, lemma 6): it
leaves out the pairs of a row with itself and may be negative. Memory is flat: kernels are computed in blocks.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from redqueen.errors import UserError
from redqueen.metrics.functional import BLOCK, FloatArray
from redqueen.metrics.statistics import IndexArray, Multiplicities, group_weights, percentile_interval
from redqueen.types import Interval

SIGMA = 10.0  # of the Gaussian kernel, https://github.com/google-research/google-research/blob/4c42994/cmmd/distance.py
SCALE = 1000.0  # "to make the metric more human readable", ibid.

Kernel = Callable[[FloatArray, FloatArray], FloatArray]


def kid(features_a: ArrayLike, features_b: ArrayLike) -> float:
    """Kernel Inception Distance: the unbiased squared MMD under the cubic kernel, on all rows; may be negative.

    Published figures are often means over random subsets of 1,000 rows, which estimate the same number with more noise.

    Args:
        features_a: (n_a, d), n_a >= 2.
        features_b: (n_b, d), n_b >= 2.

    Raises:
        UserError: fewer than two rows, widths that differ, or features that are not finite.

    >>> round(kid([[0.0], [0.0]], [[1.0], [1.0]]), 6)  # 1 + 2^3 - 2
    7.0
    """
    return _distance(polynomial_kernel, features_a, features_b)


def cmmd(features_a: ArrayLike, features_b: ArrayLike) -> float:
    """CLIP-MMD: 1,000 times the unbiased squared MMD of directions under the Gaussian kernel; may be negative.

    The paper calls for the unbiased estimator; its reference code has the biased one, whose pairs of a row with itself
    add `(1000 - w_a) / n_a + (1000 - w_b) / n_b`, where w is the mean scaled kernel over pairs of different rows of
    one side: a few units over the number of pictures. Published figures are of CLIP ViT-L/14 at 336 pixels alone.

    Args:
        features_a: (n_a, d), n_a >= 2; of any length over 0, only directions count.
        features_b: (n_b, d), n_b >= 2.

    Raises:
        UserError: as `kid`, or a row of zeros.

    >>> round(cmmd([[2.0, 0.0], [1.0, 0.0]], [[0.0, 1.0], [0.0, 3.0]]), 3)  # 1000 (2 - 2 exp(-2 / 200))
    19.9
    """
    return _distance(gaussian_kernel, features_a, features_b)


def kid_interval(
    features_a: ArrayLike,
    features_b: ArrayLike,
    draws: int = 200,
    seed: int = 0,
    groups_a: Sequence[str] | None = None,
    groups_b: Sequence[str] | None = None,
) -> Interval:
    """KID with its interval; arguments, result and errors as `mmd_interval` and `Side`."""
    a, b = _sides(features_a, features_b, draws, seed, groups_a, groups_b)
    return mmd_interval(polynomial_kernel, a, b)


def cmmd_interval(
    features_a: ArrayLike,
    features_b: ArrayLike,
    draws: int = 200,
    seed: int = 0,
    groups_a: Sequence[str] | None = None,
    groups_b: Sequence[str] | None = None,
) -> Interval:
    """CMMD with its interval; arguments, result and errors as `mmd_interval` and `Side`."""
    a, b = _sides(features_a, features_b, draws, seed, groups_a, groups_b)
    return mmd_interval(gaussian_kernel, a, b)


def polynomial_kernel(x: FloatArray, y: FloatArray) -> FloatArray:
    """k(x, y) = (x.y / d + 1)^3: (n, d) and (m, d) to (n, m); arXiv 1801.01401, section 4."""
    root: FloatArray = x @ y.T / x.shape[1] + 1
    return root * root * root  # several times faster than ** 3


def gaussian_kernel(x: FloatArray, y: FloatArray) -> FloatArray:
    """k(x, y) = 1000 exp(-|u - v|^2 / (2 * 10^2)) of the directions u, v: (n, d), (m, d) to (n, m); arXiv 2401.09603.

    Raises UserError for a row of zeros, which has no direction.
    """
    cosine = _directions(x) @ _directions(y).T
    kernel: FloatArray = SCALE * np.exp((cosine - 1.0) / SIGMA**2)  # |u - v|^2 = 2 - 2 u.v
    return kernel


def _directions(rows: FloatArray) -> FloatArray:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    if not lengths.all():
        raise UserError("CMMD compares directions, got features that are all zero; check the feature extractor")
    directions: FloatArray = rows / lengths
    return directions


def seeds(seed: int) -> tuple[int, int]:
    """Two seeds from one, so that sides of equal size do not get the same draws."""
    first, second = (int(part) for part in np.random.SeedSequence(seed).generate_state(2))
    return first, second


class Side:
    """One of two sets of features, with how often each of its groups is drawn.

    Its part of a distance to itself is kept, so that one side can be compared with many.

    Args:
        features: (n, d), finite.
        groups: (n,), the group of each row; each row its own where None.
        draws: number of resamples.
        seed: of the random numbers; two sides need two seeds.

    Attributes:
        rows: (n, d), those of one group together.
        index: (n,), the number of each row's group, never falling.
        weights: (1 + draws, n_groups), the unweighted sample as the first draw.

    Raises:
        UserError: not one group a row, not a matrix, features that are not finite, or less than one draw.
    """

    def __init__(self, features: ArrayLike, groups: Sequence[str] | None, draws: int, seed: int) -> None:
        rows = _check(np.asarray(features, dtype=np.float64))
        names = [f"{row:09d}" for row in range(len(rows))] if groups is None else groups
        if len(names) != len(rows):
            raise UserError(f"every row of features needs a group, got {len(rows)} rows and {len(names)} groups")
        index, weights = group_weights(names, ["all"] * len(names), draws, seed)
        order = np.argsort(index, kind="stable")
        self.rows, self.index = rows[order], index[order]
        self.weights: Multiplicities = np.concatenate([np.ones((1, weights.shape[1]), np.uint8), weights])
        self._within: dict[Kernel, FloatArray] = {}

    @property
    def n_groups(self) -> int:
        """How many groups there are."""
        return int(self.weights.shape[1])

    def sizes(self) -> FloatArray:
        """Rows of each group, (n_groups,)."""
        return np.bincount(self.index, minlength=self.n_groups).astype(np.float64)

    def masses(self) -> FloatArray:
        """Rows in each draw, (1 + draws,)."""
        sizes = self.sizes()
        return np.concatenate([self.weights[draws] @ sizes for draws in _pieces(self.weights)])

    def within(self, kernel: Kernel) -> FloatArray:
        """Weighted mean of a kernel over the pairs of rows from two different groups: (1 + draws,)."""
        if kernel not in self._within:
            self._within[kernel] = _within(kernel, self)
        return self._within[kernel]


def mmd_interval(kernel: Kernel, a: Side, b: Side) -> Interval:
    """The squared MMD with its interval: both sides are resampled, pairs from one group of one side never count.

    That keeps the draws centred on the estimate. If both sides have the same distribution the interval is too wide
    (about 1.6 times), since the first-order term that the draws show is then absent from the truth.

    Returns:
        None where a side has fewer than two groups.

    Raises:
        UserError: the sides' widths or numbers of draws differ.
    """
    n, n_groups = len(a.rows) + len(b.rows), a.n_groups + b.n_groups
    if a.rows.shape[1] != b.rows.shape[1] or len(a.weights) != len(b.weights):
        raise UserError(
            f"two sides need features of the same d and as many draws, got {a.rows.shape[1]} and {b.rows.shape[1]}, "
            f"{len(a.weights) - 1} and {len(b.weights) - 1}"
        )
    if min(a.n_groups, b.n_groups) < 2:
        return Interval(None, None, None, n, n_groups)
    distances = squared_mmd(kernel, a, b)
    return percentile_interval(float(distances[0]), distances[1:], n, n_groups)


def squared_mmd(kernel: Kernel, a: Side, b: Side) -> FloatArray:
    """The unbiased squared MMD of each draw, (1 + draws,), the sample itself first; NaN where a draw has one group."""
    return a.within(kernel) + b.within(kernel) - 2 * _across(kernel, a, b)


def _across(kernel: Kernel, a: Side, b: Side) -> FloatArray:
    """Weighted mean of a kernel over all pairs of a row of `a` and a row of `b`: (1 + draws,)."""
    total = np.zeros(len(a.weights))
    for groups, sums in _blocks(kernel, a, b):
        total += _weighted(a.weights, groups, sums, b.weights)
    mean: FloatArray = total / (a.masses() * b.masses())
    return mean


def _within(kernel: Kernel, side: Side) -> FloatArray:
    """A row or a group is never paired with itself or its own copy: such pairs would push a squared MMD upwards."""
    total, own = np.zeros(len(side.weights)), np.zeros(side.n_groups)
    for groups, sums in _blocks(kernel, side, side):
        total += _weighted(side.weights, groups, sums, side.weights)
        own[groups] += sums[np.arange(len(groups)), groups]
    sizes = side.sizes()
    pairs = side.masses() ** 2
    for draws in _pieces(side.weights):
        squares = side.weights[draws].astype(np.float64) ** 2
        total[draws] -= squares @ own
        pairs[draws] -= squares @ sizes**2
    mean: FloatArray = np.divide(total, pairs, out=np.full(len(total), np.nan), where=pairs > 0)
    return mean


def _blocks(kernel: Kernel, a: Side, b: Side) -> Iterator[tuple[IndexArray, FloatArray]]:
    """The kernel summed over the rows of each two groups, for some groups of `a` at a time: (g,) and (g, n_groups).

    A group of `a` may come in several pieces.
    """
    starts = np.searchsorted(b.index, np.arange(b.n_groups))
    step = max(1, BLOCK // len(b.rows))
    for top in range(0, len(a.rows), step):
        groups, first = np.unique(a.index[top : top + step], return_index=True)
        part = kernel(a.rows[top : top + step], b.rows)
        yield groups, np.add.reduceat(np.add.reduceat(part, first, axis=0), starts, axis=1)


def _weighted(left: Multiplicities, groups: IndexArray, sums: FloatArray, right: Multiplicities) -> FloatArray:
    """The sum over groups g of `left` and h of `right` of their weights times sums[g, h], per draw."""
    chosen = left[:, groups]
    parts = [np.einsum("dh,dh->d", chosen[draws] @ sums, right[draws]) for draws in _pieces(right)]
    return np.concatenate(parts)


def _pieces(weights: Multiplicities) -> Iterator[slice]:
    """Some draws at a time, so that their weights as float64 stay within one block."""
    step = max(1, BLOCK // weights.shape[1])
    for start in range(0, len(weights), step):
        yield slice(start, start + step)


def _sides(
    features_a: ArrayLike,
    features_b: ArrayLike,
    draws: int,
    seed: int,
    groups_a: Sequence[str] | None = None,
    groups_b: Sequence[str] | None = None,
) -> tuple["Side", "Side"]:
    a, b = _check_pair(features_a, features_b)
    seed_a, seed_b = seeds(seed)
    return Side(a, groups_a, draws, seed_a), Side(b, groups_b, draws, seed_b)


def _distance(kernel: Kernel, features_a: ArrayLike, features_b: ArrayLike) -> float:
    a, b = _sides(features_a, features_b, draws=1, seed=0)
    if min(a.n_groups, b.n_groups) < 2:
        raise UserError(
            f"a distance needs at least 2 rows on each side, got {a.n_groups} and {b.n_groups}; add pictures"
        )
    return float(squared_mmd(kernel, a, b)[0])


def _check_pair(features_a: ArrayLike, features_b: ArrayLike) -> tuple[FloatArray, FloatArray]:
    a, b = np.asarray(features_a, dtype=np.float64), np.asarray(features_b, dtype=np.float64)
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1] or a.shape[1] == 0:
        raise UserError(f"features must be (n_a, d) and (n_b, d) with the same d, got {a.shape} and {b.shape}")
    return a, b


def _check(features: NDArray[np.float64]) -> FloatArray:
    if features.ndim != 2:
        raise UserError(f"features must be (n, d), got {features.shape}")
    if not np.isfinite(features).all():
        raise UserError("features must be finite, got NaN or infinity; check the feature extractor")
    return features
