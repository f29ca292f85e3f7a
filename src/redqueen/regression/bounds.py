"""How far a change of a figure is known: its standard error from paired draws, one-sided bounds and p-values.

Student's t on the bootstrap's standard error, not percentiles, for three reasons. A percentile p-value is never below
1 / (draws + 1), and 200 slices at 5 % ask for 1 in 4,000: with 1,000 draws no slice could ever fail. Percentiles of the
share found at a fixed false positive rate are far too wide for a difference of zero: 1 % of unchanged detectors failed
at 5 %, where t failed 3 to 5 %. And bound and p-value cannot contradict each other.

What it costs: where most groups do not change at all, the tails of such a t are lighter than Student's, so that many
small slices together fail less often than they may. `scripts/simulate_check.py` shows how much.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import t as student

from redqueen.metrics.functional import FloatArray


@dataclass(frozen=True)
class Bounds:
    """A change, oriented so that negative is worse.

    Attributes:
        change: in the sample.
        standard_error: of the change, at least 0.
        low: the truth lies above it with a chance of 1 - alpha.
        high: the truth lies under it with a chance of 1 - alpha.
        p: one-sided, of a change of 0 or better: the chance to see one as bad as this by luck.
    """

    change: float
    standard_error: float
    low: float
    high: float
    p: float


def bounds(change: float, draws: ArrayLike, sizes: Sequence[int], alpha: float) -> Bounds:
    """What paired draws say of a change.

    Args:
        change: in the sample, negative if worse.
        draws: (draws,) of the change, all of one set of group weights; NaN is left out.
        sizes: groups of each label that the figure is of, one or two numbers, at least 2.
        alpha: chance of the truth beyond either bound, in (0, 0.5).
    """
    error, known = float(standard_error(draws, min(sizes))), freedom(sizes)
    if error == 0.0:
        return unchanged(change, min(sizes), alpha)
    reach = float(student.isf(alpha, known)) * error
    return Bounds(change, error, change - reach, change + reach, float(p_values(change, error, known)))


def freedom(sizes: Sequence[int]) -> float:
    """Degrees of freedom of a difference between labels of so many groups: Welch and Satterthwaite, for equal spreads.

    >>> freedom([100, 100]), round(freedom([20, 1000]), 1), round(freedom([50]), 1)
    (198.0, 19.8, 49.0)
    """
    parts = [1 / size for size in sizes]
    return float(sum(parts) ** 2 / sum(part**2 / (size - 1) for part, size in zip(parts, sizes, strict=True)))


def unchanged(change: float, groups: int, alpha: float) -> Bounds:
    """Where no draw differs from another: a share x of groups may hide a change, where (1 - x)^groups = alpha."""
    hidden = 1 - alpha ** (1 / groups)
    return Bounds(change, 0.0, change - hidden, change + hidden, (1 - min(1.0, max(0.0, -change))) ** groups)


def standard_error(draws: ArrayLike, groups: ArrayLike) -> FloatArray:
    """The spread of the draws, mended for the part that a bootstrap over K groups does not show: it shows (K - 1) / K.

    Args:
        draws: (…, draws); NaN is left out.
        groups: (…), of the label that has fewer, at least 2.

    Returns:
        (…); 0 where fewer than two draws are defined, or none differ.
    """
    table, k = np.asarray(draws, np.float64), np.asarray(groups, np.float64)
    defined = ~np.isnan(table)
    count = np.maximum(defined.sum(axis=-1), 1)
    mean = np.where(defined, table, 0.0).sum(axis=-1) / count
    squares = np.where(defined, table - mean[..., np.newaxis], 0.0) ** 2
    found = np.sqrt(squares.sum(axis=-1) / np.maximum(count - 1, 1) * k / (k - 1))
    return np.asarray(np.where(found < 1e-12, 0.0, found), np.float64)  # rounding of figures of order 1


def p_values(change: ArrayLike, error: ArrayLike, known: ArrayLike) -> FloatArray:
    """One-sided p-values of a change of 0 or better, by degrees of freedom; 1 where the error is 0.

    >>> p_values(-0.02, 0.01, 1000).round(3), p_values(0.02, 0.01, 1000).round(3)
    (np.float64(0.023), np.float64(0.977))
    """
    size = np.asarray(error, np.float64)
    ratio = np.divide(change, size, out=np.full(np.shape(size), np.inf), where=size > 0)
    return np.asarray(np.where(size > 0, student.cdf(ratio, np.asarray(known)), 1.0))[()]
