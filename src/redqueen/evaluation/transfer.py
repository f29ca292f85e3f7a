"""What training after training gives and costs, of the cells of a detector that was trained at every window."""

from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from redqueen.evaluation.evaluate import Evaluation
from redqueen.metrics.transfer import backward_transfer, forgetting, forward_transfer
from redqueen.types import Cell, Interval, Measure

Transfer = Callable[[ArrayLike, ArrayLike, int, int], Interval]

METRICS: tuple[tuple[str, Literal["past", "next"], Transfer], ...] = (
    ("backward_transfer", "past", backward_transfer),
    ("forgetting", "past", forgetting),
    ("forward_transfer", "next", forward_transfer),
)


def transfers(
    evaluation: Evaluation, cells: tuple[Cell, ...], draws: Mapping[tuple[str, str, str], NDArray[np.float64]]
) -> tuple[Measure, ...]:
    """Backward and forward transfer and forgetting under each view; none unless every window is a cutoff."""
    names = [window.name for window in evaluation.protocol.windows]
    if {cell.trained_up_to for cell in cells} != set(names):
        return ()
    rows = np.unique(np.concatenate(list(evaluation.cells.values())))
    counts = len(rows), len(set(evaluation.groups[rows]))
    found = []
    for view in dict.fromkeys(cell.view for cell in cells):
        known = {(cell.trained_up_to, cell.tested_on): cell.auroc.value for cell in cells if cell.view == view}
        values = np.asarray([[known[a, b] for b in names] for a in names], np.float64)  # None becomes NaN
        drawn = np.stack([np.stack([draws[view, a, b] for b in names], axis=1) for a in names], axis=1)
        for metric, part, transfer in METRICS:
            figure = transfer(values, drawn, *counts)
            if figure.value is not None:
                found.append(Measure(metric, part, view, "all", "all", figure))
    return tuple(found)
