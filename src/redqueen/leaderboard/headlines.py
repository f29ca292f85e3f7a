"""The bootstrap draws behind the figures that a leaderboard compares: draw i is the same resampled world for all."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from redqueen.evaluation.decay import age
from redqueen.evaluation.evaluate import Evaluation, Matrix, Scored
from redqueen.metrics.decay import fit_exponential
from redqueen.metrics.weighted import mean_of
from redqueen.perturbations.suite import CLEAN
from redqueen.types import HUMAN_KINDS

FEWEST = 10  # test pictures of a generator that may be named as the worst

FloatArray = NDArray[np.float64]
Draws = Mapping[str, FloatArray]


def headlines(evaluation: Evaluation, scored: Sequence[Scored], matrix: Matrix) -> Draws:
    """Name -> (draws,); NaN where a draw has no figure, and a figure that no draw has is left out.

    `auroc/next/VIEW`, `auroc/same/VIEW`: means over cutoffs. `auroc_lost/next/VIEW`: clean less that view.
    `auroc/worst_generator/clean`: of generators as they come out, the lowest of each draw.
    `false_positive_rate/KIND/clean`: at the threshold of the last cutoff.
    `decay_rate/clean`: per month, of skill; ln 2 over it is the half-life.
    """
    found = {
        **_periods(evaluation, scored, matrix),
        "auroc/worst_generator/clean": _worst(evaluation, scored),
        **_alarms(evaluation, scored[-1]),
        "decay_rate/clean": _rates(evaluation, matrix),
    }
    return {name: draws for name, draws in found.items() if not np.isnan(draws).all()}


def _periods(evaluation: Evaluation, scored: Sequence[Scored], matrix: Matrix) -> dict[str, FloatArray]:
    """Means over the cutoffs that a window follows; of a protocol of one window, that window."""
    after = evaluation.after
    names = [one.cutoff.name for one in scored if one.cutoff.name in after or not after]
    found: dict[str, FloatArray] = {}
    tested: tuple[tuple[str, Callable[[str], str | None]], ...] = (("next", after.get), ("same", str))
    for view in scored[0].logits:
        for part, window in tested:
            cells = [matrix.draws[view, name, other] for name in names if (other := window(name)) is not None]
            kept = [draws for draws in cells if not np.isnan(draws).all()]
            found[f"auroc/{part}/{view}"] = np.mean(kept, axis=0) if kept else np.full(evaluation.draws, np.nan)
        if view != CLEAN:
            found[f"auroc_lost/next/{view}"] = found[f"auroc/next/{CLEAN}"] - found[f"auroc/next/{view}"]
    return found


def _worst(evaluation: Evaluation, scored: Sequence[Scored]) -> FloatArray:
    each = list(
        new.part.auroc(new.judge.logits[CLEAN])[1] for new in evaluation.newcomers(scored) if len(new.rows) >= FEWEST
    )
    if not each:
        return np.full(evaluation.draws, np.nan)
    table = np.stack(each)
    known = ~np.isnan(table)
    return np.where(known.any(axis=0), np.where(known, table, np.inf).min(axis=0), np.nan)


def _alarms(evaluation: Evaluation, last: Scored) -> dict[str, FloatArray]:
    """Share of each human-made kind over the threshold."""
    found = {}
    for kind in HUMAN_KINDS:
        part = evaluation.part(np.flatnonzero(evaluation.kinds == kind))
        if len(part.rows):
            hits = last.logits[CLEAN][part.rows] >= last.threshold
            found[f"false_positive_rate/{kind}/clean"] = mean_of(hits, part.weights, part.index)
    return found


def _rates(evaluation: Evaluation, matrix: Matrix) -> FloatArray:
    """The rate at which skill falls, in each draw that has all cells."""
    order = {window.name: place for place, window in enumerate(evaluation.protocol.windows)}
    windows = {window.name: window for window in evaluation.protocol.windows}
    cells = [
        one
        for one in matrix.cells
        if one.view == CLEAN and order[one.tested_on] > order[one.trained_up_to] and one.auroc.value is not None
    ]
    months = np.asarray([age(windows[one.trained_up_to], windows[one.tested_on]) for one in cells])
    series = np.asarray([order[one.trained_up_to] for one in cells], np.intp)
    rates = np.full(evaluation.draws, np.nan)
    if not any(len(np.unique(months[series == one])) > 1 for one in np.unique(series)):
        return rates
    table = np.stack([matrix.draws[CLEAN, one.trained_up_to, one.tested_on] for one in cells], axis=1)
    whole = ~np.isnan(table).any(axis=1)
    if whole.any():
        rates[whole] = fit_exponential(months, series, 2 * table[whole] - 1).rate
    return rates
