"""Skill over time as numbers: cells by the age of the training, and the decay that was fitted to them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from redqueen.evaluation.decay import age
from redqueen.report.finding import CHANCE, cells_of, cutoffs
from redqueen.types import HalfLife, Result, Window

Curve = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Cells:
    """One cutoff's cells from its last training period on; `points` is (4, windows): age, AUROC, low and high ends."""

    cutoff: Window
    tested: Sequence[Window]
    points: Curve


def cells_by_age(result: Result, view: str) -> Iterator[Cells]:
    """Each cutoff's cells, aged by the months from the end of the cutoff to the middle of the window; defined ones."""
    cells = cells_of(result, view)
    for cutoff in cutoffs([result]):
        known = [
            (window, one)
            for window in result.windows[result.windows.index(cutoff) :]
            if (one := cells.get((cutoff.name, window.name))) is not None and one.value is not None
        ]
        rows = [(age(cutoff, window), one.value, one.low, one.high) for window, one in known]
        points = np.array(rows, dtype=np.float64).reshape(-1, 4).T
        yield Cells(cutoff, [window for window, _ in known], points)


def fitted(found: HalfLife, months: Curve) -> tuple[Curve | None, Curve | None, Curve | None]:
    """AUROC by age of the fitted decay, and its lower and upper ends, each of the ends of skill and half-life together.

    A half-life without an upper end is no decay at all; without a lower end there is no band.
    """
    skill = found.skill
    if skill.value is None:
        return None, None, None
    curve = _decayed(skill.value, found.months, months)
    if skill.low is None or skill.high is None or found.low is None:
        return curve, None, None
    low, high = _decayed(skill.low, found.low, months), _decayed(skill.high, found.high, months)
    return curve, low, high


def _decayed(skill: float, half: float | None, months: Curve) -> Curve:
    """AUROC of a skill at the cutoff that halves each `half` months; None: it stays."""
    left = np.ones_like(months) if half is None else 2.0 ** (-months / half)
    return np.minimum(CHANCE + skill / 2 * left, 1.0)
