"""What a detector says against what is so: the points of a reliability diagram, with their intervals."""

from collections.abc import Sequence

import numpy as np

from redqueen.evaluation.evaluate import Evaluation, Scored
from redqueen.metrics import calibration
from redqueen.metrics.statistics import rate_interval
from redqueen.perturbations.suite import CLEAN
from redqueen.types import Reliability


def reliability(evaluation: Evaluation, scored: Sequence[Scored]) -> tuple[Reliability, ...]:
    """Calibrated probabilities, clean, on the window after each cutoff, pooled, or on the one window of a protocol."""
    tested = evaluation.after or {one.cutoff.name: one.cutoff.name for one in scored}
    parts = [(one, evaluation.cells[tested[one.cutoff.name]]) for one in scored if one.cutoff.name in tested]
    if not parts:
        return ()
    rows = np.concatenate([cell for _, cell in parts])
    logits = np.concatenate([one.logits[CLEAN][cell].astype(np.float64) / one.temperature for one, cell in parts])
    labels, groups = evaluation.labels[rows], evaluation.groups[rows]
    member = calibration.bins_of(logits)
    return tuple(
        Reliability(
            view=CLEAN,
            low=point.low,
            high=point.high,
            probability=point.probability,
            share=rate_interval(labels[member == at] == 1, groups[member == at], evaluation.draws, evaluation.seed),
        )
        for at, point in enumerate(calibration.reliability(logits, labels))
    )
