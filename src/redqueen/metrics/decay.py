"""How long a detector stays right: the half-life of its skill, and the slope of its AUROC, over many cutoffs.

Skill is 2 AUROC - 1. That it falls by the same share a month, whatever the cutoff, is a model: it gives one figure to
many cells, and an interval that says how well they bear it.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from redqueen.metrics.functional import FloatArray
from redqueen.metrics.statistics import LEVEL, percentile_interval
from redqueen.types import HalfLife

REACH = 20.0  # fitted rates lie within +-REACH / span: skill may change by a factor of e^20 over the span
GRID = 320  # rates tried first: steps of REACH / 160, fine beside the width of the optimum
ZOOM = 13  # rounds of nine rates each between the neighbours of the best, each four times finer: 1e-9 in the end


class Fitted(NamedTuple):
    """Exponentials through the same cells, one a row of skills.

    Attributes:
        rate: (k,) per month; negative where skill grows.
        start: (k, series), the skill at each cutoff.
    """

    rate: FloatArray
    start: FloatArray


def half_life(  # noqa: PLR0913, PLR0917  (cells, their draws, and what they rest on)
    view: str,
    ages: ArrayLike,
    series: ArrayLike,
    values: ArrayLike,
    draws: ArrayLike,
    n: int,
    n_groups: int,
) -> HalfLife:
    """The half-life of a detector under a view, from its cells on windows after the end of its training.

    The interval is that of the rate 1 / half-life, turned over: a rate of 0, at which nothing is lost, is a number like
    any other.

    Args:
        view: of the suite.
        ages: (m,), months from the end of training to the middle of the window, > 0.
        series: (m,), the cutoff of each cell.
        values: (m,), AUROC; NaN for a cell that is undefined, which is left out.
        draws: (draws, m), AUROC of the same cells in draws of one set of group weights; a draw that is NaN anywhere is
            left out.
        n: pictures behind the cells.
        n_groups: groups behind them.

    Returns:
        Nothing but the counts where no cutoff has cells of two ages.
    """
    months, which, sample, table = _defined(ages, series, values, draws)
    span = float(months.max(initial=0.0))
    undefined = percentile_interval(None, [], n, n_groups)
    if not _two_ages(months, which) or not len(table):
        return HalfLife(view, None, None, None, False, undefined, undefined, len(months), span)
    fit, drawn = (fit_exponential(months, which, 2 * one - 1) for one in (sample, table))
    slope = percentile_interval(float(_slope(months, which, sample)[0]), _slope(months, which, table), n, n_groups)
    skill = percentile_interval(float(fit.start.mean()), drawn.start.mean(axis=1), n, n_groups)
    slowest, fastest = np.quantile(drawn.rate, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    has_skill = skill.low is not None and skill.low > 0
    low, high = (_months(rate) if has_skill else None for rate in (fastest, slowest))
    value = _months(fit.rate[0]) if fit.start.mean() > 0 else None
    return HalfLife(view, value, low, high, high is not None, slope, skill, len(months), span)


def fit_exponential(ages: ArrayLike, series: ArrayLike, skills: ArrayLike) -> Fitted:
    """Least squares of skill = start(series) exp(-rate age), with start in [-1, 1] and one rate for all series.

    For a given rate each start is a ratio of sums, so that only the rate is searched: on a grid, then ever finer.

    Args:
        ages: (m,), months, > 0.
        series: (m,), which series a cell is of.
        skills: (k, m), finite; a fit for each row.
    """
    table, months = np.atleast_2d(np.asarray(skills, np.float64)), np.asarray(ages, np.float64)
    member = (np.asarray(series)[:, np.newaxis] == np.unique(series)).astype(np.float64)  # (m, series)
    end = REACH / months.max()
    grid = np.linspace(-end, end, GRID + 1)[np.newaxis]
    gains = [_profile(block, months, member, table)[0] for block in np.array_split(grid, GRID // 16, axis=1)]
    rate, step = grid[0, np.concatenate(gains, axis=1).argmax(axis=1)], 2 * end / GRID
    for _ in range(ZOOM):
        near = np.clip(rate[:, np.newaxis] + step * np.linspace(-1, 1, 9), -end, end)
        rate = near[np.arange(len(near)), _profile(near, months, member, table)[0].argmax(axis=1)]
        step /= 4
    return Fitted(rate, _profile(rate[:, np.newaxis], months, member, table)[1][:, 0])


def _profile(
    rates: FloatArray, ages: FloatArray, member: FloatArray, skills: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """What each rate (k or 1, r) takes off the sum of squares, (k, r), and its best starts, (k, r, series)."""
    left = np.exp(-rates[..., np.newaxis] * ages)  # (k or 1, r, m)
    product, square = (left * skills[:, np.newaxis]) @ member, left**2 @ member
    start = np.clip(product / square, -1, 1)
    return (start * (2 * product - start * square)).sum(axis=-1), start


def _defined(
    ages: ArrayLike, series: ArrayLike, values: ArrayLike, draws: ArrayLike
) -> tuple[FloatArray, NDArray[np.intp], FloatArray, FloatArray]:
    """The cells that have a value, (1, m) of the sample, and the draws in which all of them do."""
    sample, table = np.asarray(values, np.float64), np.asarray(draws, np.float64)
    known = ~np.isnan(sample)
    table = table[:, known]
    kept = table[~np.isnan(table).any(axis=1)] if table.shape[1] else table[:0]
    return np.asarray(ages, np.float64)[known], np.asarray(series, np.intp)[known], sample[np.newaxis, known], kept


def _two_ages(ages: FloatArray, series: NDArray[np.intp]) -> bool:
    return any(len(np.unique(ages[series == one])) > 1 for one in np.unique(series))


def _months(rate: float) -> float | None:
    """Half-life at a rate per month; None where skill does not fall."""
    return float(np.log(2) / rate) if rate > 0 else None


def _slope(ages: FloatArray, series: NDArray[np.intp], aurocs: FloatArray) -> FloatArray:
    """AUROC per year, (k,), of parallel lines, one a series, through each row of cells, (k, m)."""
    member = (series[:, np.newaxis] == np.unique(series)).astype(np.float64)
    average = member / member.sum(axis=0)  # (m, series)
    centred = ages - (ages @ average) @ member.T
    rise = (aurocs - (aurocs @ average) @ member.T) @ centred
    return np.asarray(np.round(12 * rise / (centred @ centred), 12))  # level cells shall be level
