"""Is one detector better than another? Differences on the same rows and the same draws, and cross-checks.

The bootstrap over groups decides. DeLong's and McNemar's tests take every row as independent, so they are cross-checks
for corpora in which every group is a single row.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binomtest, norm, rankdata

from redqueen.errors import UserError
from redqueen.metrics.functional import FloatArray, auroc, scores_and_labels
from redqueen.metrics.statistics import LEVEL, group_weights, weighted_auroc
from redqueen.types import Interval


@dataclass(frozen=True)
class Difference:
    """Detector A less detector B.

    Attributes:
        interval: the difference with its ends.
        p: two-sided, of no difference; None where the interval has no ends.
        standard_error: of the difference, from the draws; None where the interval has no ends.
    """

    interval: Interval
    p: float | None
    standard_error: float | None


@dataclass(frozen=True)
class Rank:
    """Where a detector stands; 1 is the best, equals share the better rank.

    Attributes:
        rank: in the sample.
        low: the best rank in the middle 95 % of the draws.
        high: the worst rank there.
        tie_group: 1 for the best and those that cannot be told from it, 2 for the best of the rest and its ties, ...
    """

    rank: int
    low: int
    high: int
    tie_group: int


def auroc_difference(
    scores_a: ArrayLike,
    scores_b: ArrayLike,
    labels: ArrayLike,
    groups: Sequence[str],
    strata: Sequence[str],
    draws: int = 1000,
    seed: int = 0,
) -> Difference:
    """AUROC of A less that of B: both on the same rows and the same draws of groups.

    Args:
        scores_a: (n,), finite; higher means AI-generated.
        scores_b: (n,), on any scale of its own.
        labels: (n,), 0 or 1.
        groups: (n,), the group of each row.
        strata: (n,), "<label>/<source>" of each row.
        draws: number of resamples.
        seed: of the random numbers.

    Returns:
        No ends, p or standard error where a class rests on a single group.

    Raises:
        UserError: as `weighted_auroc` and `group_weights`.
    """
    index, weights = group_weights(groups, strata, draws, seed)
    truth = np.asarray(labels).astype(np.int64)
    value_a, value_b = auroc(scores_a, truth), auroc(scores_b, truth)
    value = None if value_a is None or value_b is None else value_a - value_b
    drawn = weighted_auroc(scores_a, truth, weights, index) - weighted_auroc(scores_b, truth, weights, index)
    return difference_from_draws(value, drawn, truth, index)


def difference_from_draws(
    value: float | None, draws: ArrayLike, labels: NDArray[np.int64], index: NDArray[np.intp]
) -> Difference:
    """The difference of two AUROCs whose draws are there already, of one set of group weights.

    The p-value is twice the smaller share of draws on either side of 0, the sample counted as one of them (Davison &
    Hinkley, 1997, section 4.2), so never under 2 / (draws + 1).

    Args:
        value: the difference in the sample; None where undefined.
        draws: (draws,) differences; NaN is left out.
        labels: (n,), 0 or 1.
        index: (n,), the group of each row as a number.

    Returns:
        As `auroc_difference`. Where both detectors part the classes fully in every draw, the ends meet at 0.
    """
    sizes = [len(np.unique(index[labels == label])) for label in (0, 1)]
    n, n_groups = len(labels), len(np.unique(index))
    return paired_difference(value, draws if min(sizes) > 1 else (), n, n_groups)


def paired_difference(value: float | None, draws: ArrayLike, n: int, n_groups: int) -> Difference:
    """The difference of two figures, less being none, from the draws of their difference; p as `difference_from_draws`.

    Args:
        value: the difference in the sample; None where undefined.
        draws: (draws,) differences; NaN is left out. Fewer than two give no ends, p or standard error.
        n: pictures behind it.
        n_groups: groups behind it.
    """
    drawn = np.asarray(draws, np.float64)
    defined = drawn[~np.isnan(drawn)]
    if value is None or len(defined) < 2:
        return Difference(Interval(value, None, None, n, n_groups), None, None)
    low, high = np.quantile(defined, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    one_sided = (1 + min(int((defined <= 0).sum()), int((defined >= 0).sum()))) / (1 + len(defined))
    interval = Interval(value, float(low), float(high), n, n_groups)
    return Difference(interval, min(1.0, 2 * one_sided), float(defined.std(ddof=1)))


def minimum_detectable(standard_error: float, power: float = 0.8) -> float:
    """The smallest true difference that a two-sided test at 5 % finds with a chance of `power` (normal approximation).

    Args:
        standard_error: of the difference, at least 0.
        power: in (0, 1).

    Raises:
        UserError: a negative standard error, or a power outside (0, 1).

    >>> round(minimum_detectable(0.01), 4)
    0.028
    """
    if not standard_error >= 0 or not 0 < power < 1:
        raise UserError(f"needs a standard error of at least 0 and a power in (0, 1), got {standard_error}, {power}")
    return float((norm.ppf((1 + LEVEL) / 2) + norm.ppf(power)) * standard_error)


def delong(scores: ArrayLike, labels: ArrayLike) -> tuple[FloatArray, FloatArray] | None:
    """AUROC of k detectors on the same rows with their covariance, every row independent.

    DeLong, DeLong & Clarke-Pearson, Biometrics 1988, by midranks (Sun & Xu, IEEE Signal Processing Letters 2014).

    Args:
        scores: (k, n), finite.
        labels: (n,), 0 or 1.

    Returns:
        (k,) and (k, k); None where a class has fewer than two rows.

    Raises:
        UserError: shapes differ, scores are not finite, or labels are not 0 or 1.
    """
    table = np.asarray(scores, np.float64)
    if table.ndim != 2 or not len(table):
        raise UserError(f"DeLong's test needs (k, n) scores with k >= 1, got {table.shape}")
    generated = scores_and_labels(table[0], labels)[1]
    for row in table[1:]:
        scores_and_labels(row, labels)
    m, n = int(generated.sum()), int((~generated).sum())
    if min(m, n) < 2:
        return None
    ranks = rankdata(table, axis=1)
    beaten = (ranks[:, generated] - rankdata(table[:, generated], axis=1)) / n  # (k, m): share of negatives under each
    beating = 1 - (ranks[:, ~generated] - rankdata(table[:, ~generated], axis=1)) / m  # (k, n)
    covariance = np.atleast_2d(np.cov(beaten)) / m + np.atleast_2d(np.cov(beating)) / n
    return beaten.mean(axis=1), covariance


def delong_p(scores_a: ArrayLike, scores_b: ArrayLike, labels: ArrayLike) -> float | None:
    """Two-sided p-value of equal AUROCs on the same independent rows; None where the variance cannot be seen.

    Raises UserError as `delong`.
    """
    found = delong(np.stack([np.asarray(scores_a, np.float64), np.asarray(scores_b, np.float64)]), labels)
    if found is None:
        return None
    (a, b), covariance = found
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    if variance <= 1e-15:  # rounding of sums of terms of order 1
        return 1.0 if np.isclose(a, b, atol=1e-12) else None
    return float(2 * norm.sf(abs(a - b) / np.sqrt(variance)))


def mcnemar(correct_a: ArrayLike, correct_b: ArrayLike) -> float:
    """Two-sided exact p-value of equal accuracy on the same independent rows (McNemar, 1947); 1 if they never differ.

    Args:
        correct_a: (n,), bool.
        correct_b: (n,), bool.

    Raises:
        UserError: shapes differ.

    >>> mcnemar([True, True, True, False], [False, False, False, False])  # three rows differ, all one way: 2 / 8
    0.25
    """
    a, b = np.asarray(correct_a, np.bool_), np.asarray(correct_b, np.bool_)
    if a.shape != b.shape or a.ndim != 1:
        raise UserError(f"McNemar's test needs two verdicts a row, got {a.shape} and {b.shape}")
    only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
    return float(binomtest(only_a, only_a + only_b).pvalue) if only_a + only_b else 1.0


def holm(p: ArrayLike) -> FloatArray:
    """P-values adjusted for being many: the chance of any false finding stays under the level (Holm, 1979).

    Args:
        p: (m,), in [0, 1].

    Returns:
        (m,), in the order given.

    Raises:
        UserError: a p-value outside [0, 1].

    >>> holm([0.04, 0.01, 0.03]).round(2).tolist()
    [0.06, 0.03, 0.06]
    """
    values = np.asarray(p, np.float64)
    if values.ndim != 1 or not ((values >= 0) & (values <= 1)).all():
        raise UserError(f"p-values must be (m,) numbers in [0, 1], got {values}")
    order = np.argsort(values, kind="stable")
    stepped = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def rank_intervals(values: ArrayLike, draws: ArrayLike) -> list[Rank]:
    """Ranks with their intervals and ties, from the scores of detectors on the same draws.

    Two detectors are tied unless the middle 95 % of the draws of their difference leave 0 out. Nothing is adjusted for
    the number of pairs.

    Args:
        values: (detectors,), the scores in the sample; higher is better.
        draws: (detectors, draws), of one set of group weights; a draw that is NaN anywhere is left out.

    Returns:
        One for each detector, in the order given.

    Raises:
        UserError: shapes do not fit, a value is not finite, or no draw is defined.
    """
    points, table = np.asarray(values, np.float64), np.asarray(draws, np.float64)
    if points.ndim != 1 or table.ndim != 2 or len(table) != len(points) or not np.isfinite(points).all():
        raise UserError(f"ranks need a finite value and draws of each detector, got {points.shape} and {table.shape}")
    table = table[:, ~np.isnan(table).any(axis=0)]
    if not table.size:
        raise UserError("ranks need a draw in which the score of every detector is defined, got none")
    ends = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    ranks = rankdata(-points, method="min")
    low, high = np.quantile(rankdata(-table, method="min", axis=0), ends, axis=1, method="nearest")
    ties = _tie_groups(np.argsort(-points, kind="stable"), table, ends)
    rows = zip(ranks, low, high, ties, strict=True)
    return [Rank(int(rank), int(best), int(worst), int(group)) for rank, best, worst, group in rows]


def _tie_groups(order: NDArray[np.intp], table: FloatArray, ends: list[float]) -> NDArray[np.intp]:
    groups, number = np.zeros(len(table), np.intp), 0  # 0: of none yet
    for leader in order:
        if not groups[leader]:
            number += 1
            told = np.quantile(table[leader] - table, ends[0], axis=1) > 0
            groups[(groups == 0) & ~told] = number
    return groups
