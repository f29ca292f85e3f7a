"""What learning one window after another gives and costs: transfer backward and forward, and forgetting.

All three read a matrix of AUROC whose row i is the detector trained up to window i and whose column j is window j, with
its draws of one set of group weights. Cells that are NaN in the matrix are left out.
"""

import numpy as np
from numpy.typing import ArrayLike

from redqueen.errors import UserError
from redqueen.metrics.functional import FloatArray
from redqueen.metrics.statistics import percentile_interval
from redqueen.types import Interval

CHANCE = 0.5  # AUROC of a detector that has learned nothing


def backward_transfer(values: ArrayLike, draws: ArrayLike, n: int, n_groups: int) -> Interval:
    """Mean over past windows of AUROC at the last cutoff less AUROC when the window was the newest: negative if lost.

    Lopez-Paz & Ranzato, "Gradient Episodic Memory", NeurIPS 2017 (arXiv 1706.08840), equation 3.

    Args:
        values: (cutoffs, windows), as many windows as cutoffs or more.
        draws: (draws, cutoffs, windows).
        n: pictures behind the figure.
        n_groups: groups behind the figure.

    Returns:
        In [-1, 1]; None where no past window has both cells.

    Raises:
        UserError: shapes differ, or there are more cutoffs than windows.
    """
    table = _table(values, draws)
    last, past = table.shape[1] - 1, np.arange(max(0, table.shape[1] - 1))
    return _mean(table[:, last, past] - table[:, past, past], n, n_groups)


def forgetting(values: ArrayLike, draws: ArrayLike, n: int, n_groups: int) -> Interval:
    """Mean over past windows of the best AUROC at any earlier cutoff less that at the last one.

    Chaudhry et al., "Riemannian Walk for Incremental Learning", ECCV 2018 (arXiv 1801.10112), section 3. The best of
    several noisy figures is too high, the more so the fewer the groups: read it beside `backward_transfer`, which has
    no such bias. In a draw it is too high once more: what resampling adds on average is taken off, so that the interval
    lies about the figure.

    Arguments, None and errors as `backward_transfer`.
    """
    table = _table(values, draws)
    last = max(0, table.shape[1] - 1)
    earlier = table[:, :last, :last]
    defined = ~np.isnan(earlier[0])
    best = np.where(defined, earlier, -np.inf).max(axis=1, initial=-np.inf)
    best[:, ~defined.any(axis=0)] = np.nan
    return _mean(best - table[:, -1, :last], n, n_groups, centred=True)


def forward_transfer(values: ArrayLike, draws: ArrayLike, n: int, n_groups: int) -> Interval:
    """Mean over cutoffs of AUROC on the next window less that of a detector that has learned nothing, 0.5.

    Lopez-Paz & Ranzato, 2017, equation 4. Arguments, None and errors as `backward_transfer`.
    """
    table = _table(values, draws)
    cutoffs = np.arange(min(table.shape[1], table.shape[2] - 1))
    return _mean(table[:, cutoffs, cutoffs + 1] - CHANCE, n, n_groups)


def _table(values: ArrayLike, draws: ArrayLike) -> FloatArray:
    """The matrix, then its draws: (1 + draws, cutoffs, windows)."""
    point, drawn = np.asarray(values, np.float64), np.asarray(draws, np.float64)
    if point.ndim != 2 or point.shape != drawn.shape[1:] or not 0 < point.shape[0] <= point.shape[1]:
        raise UserError(
            f"transfer needs values of (cutoffs, windows), no more cutoffs than windows, and draws of (draws, cutoffs, "
            f"windows), got {point.shape} and {drawn.shape}"
        )
    return np.concatenate([point[np.newaxis], drawn])


def _mean(changes: FloatArray, n: int, n_groups: int, centred: bool = False) -> Interval:
    """Mean over the columns that are defined in the first row, with the interval of the other rows.

    `centred` lowers the other rows by what their mean is over the first one.
    """
    kept = changes[:, ~np.isnan(changes[0])]
    if not kept.shape[1]:
        return Interval(None, None, None, n, n_groups)
    means = kept.mean(axis=1)
    drawn = means[1:][~np.isnan(means[1:])]
    added = max(0.0, float(drawn.mean() - means[0])) if centred and len(drawn) else 0.0
    return percentile_interval(float(means[0]), drawn - added, n, n_groups)
