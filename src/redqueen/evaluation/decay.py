"""How long a detector lasts: its cells after each cutoff, by their age, and what is fitted to them."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from redqueen.evaluation.evaluate import Evaluation
from redqueen.metrics.decay import half_life
from redqueen.types import Cell, HalfLife, Window


def half_lives(
    evaluation: Evaluation, cells: tuple[Cell, ...], draws: Mapping[tuple[str, str, str], NDArray[np.float64]]
) -> tuple[HalfLife, ...]:
    """The half-life of a detector under each view, from all its cells on windows after their cutoff."""
    order = {window.name: number for number, window in enumerate(evaluation.protocol.windows)}
    later = [cell for cell in cells if order[cell.tested_on] > order[cell.trained_up_to]]
    return tuple(
        _half_life(evaluation, [cell for cell in later if cell.view == view], draws)
        for view in dict.fromkeys(cell.view for cell in later)
    )


def age(cutoff: Window, tested: Window) -> float:
    """Months from the end of a cutoff's last month (or day) to the middle of a window.

    >>> age(Window("a", "2026-01", "2026-01"), Window("b", "2026-03", "2026-04"))
    2.0
    """
    return (_span(tested.start)[0] + _span(tested.end)[1]) / 2 - _span(cutoff.end)[1]


def _span(date: str) -> tuple[float, float]:
    """Beginning and end of "YYYY-MM" or of "YYYY-MM-DD", in months since year 0."""
    month = int(date[:4]) * 12 + int(date[5:7]) - 1
    day = int(date[8:10]) if len(date) > len("YYYY-MM") else None
    return (month, month + 1) if day is None else (month + (day - 1) / 31, month + day / 31)


def _half_life(
    evaluation: Evaluation, cells: list[Cell], draws: Mapping[tuple[str, str, str], NDArray[np.float64]]
) -> HalfLife:
    windows = {window.name: window for window in evaluation.protocol.windows}
    cutoffs = list(dict.fromkeys(cell.trained_up_to for cell in cells))
    rows = np.unique(np.concatenate([evaluation.cells[cell.tested_on] for cell in cells]))
    return half_life(
        cells[0].view,
        np.asarray([age(windows[cell.trained_up_to], windows[cell.tested_on]) for cell in cells]),
        np.asarray([cutoffs.index(cell.trained_up_to) for cell in cells]),
        np.asarray([np.nan if cell.auroc.value is None else cell.auroc.value for cell in cells]),
        np.stack([draws[cell.view, cell.trained_up_to, cell.tested_on] for cell in cells], axis=1),
        len(rows),
        len(set(evaluation.groups[rows])),
    )
