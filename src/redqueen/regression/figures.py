"""Figures of one table of scores with their draws."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from redqueen.evaluation.evaluate import Scored
from redqueen.evaluation.measures import Metric as Measuring
from redqueen.evaluation.measures import area, at_threshold, calibrated, ranked
from redqueen.regression.policy import Period
from redqueen.regression.sliced import Slice, Sliced

Draws = NDArray[np.float64]


@dataclass(frozen=True)
class Metric:
    """What can be gated.

    Attributes:
        title: as a reader knows it.
        of: gives it, with its draws, under its name.
        higher: whether higher is better.
        label: of the pictures that it is about, if of one label alone.
    """

    title: str
    of: Measuring
    higher: bool = True
    label: int | None = None


METRICS: Mapping[str, Metric] = {
    "auroc": Metric("AUROC", area),
    "average_precision": Metric("average precision", ranked),
    "equal_error_rate": Metric("equal error rate", ranked, higher=False),
    "tpr_at_fpr_0.01": Metric("TPR@1%FPR", ranked),
    "tpr_at_fpr_0.05": Metric("TPR@5%FPR", ranked),
    "balanced_accuracy": Metric("balanced accuracy", at_threshold),
    "false_positive_rate": Metric("false positive rate", at_threshold, higher=False, label=0),
    "brier": Metric("Brier score", calibrated, higher=False),
    "adaptive_ece": Metric("calibration error", calibrated, higher=False),
}


@dataclass(frozen=True)
class Figure:
    """A figure in the sample and in every draw: the mean over the cutoffs that have it."""

    value: float
    draws: Draws = field(repr=False)


@dataclass(frozen=True)
class Size:
    """What stands behind a figure: pictures and groups of a slice, and groups of each label that the figure is of."""

    pictures: int
    groups: int
    labels: tuple[int, ...]


class Measured:
    """The figures of one detector, each computed once.

    Args:
        scored: its scores at every cutoff.
        sliced: the test rows.
    """

    def __init__(self, scored: Sequence[Scored], sliced: Sliced) -> None:
        self.scored, self.sliced = list(scored), sliced
        self._found: dict[tuple[object, ...], dict[str, Figure]] = {}

    def figure(self, metric: str, period: Period, view: str, chosen: Slice) -> Figure | None:
        """One figure; None where it is defined at no cutoff."""
        of = METRICS[metric].of
        key = (of, period, view, chosen.by, chosen.name)
        if key not in self._found:
            self._found[key] = self._figures(of, period, view, chosen)
        return self._found[key].get(metric)

    def _figures(self, of: Measuring, period: Period, view: str, chosen: Slice) -> dict[str, Figure]:
        cells: dict[str, list[tuple[float, Draws]]] = {}
        for judge in self.scored:
            part = self.sliced.part(judge.cutoff, period, chosen)
            for name, (value, draws) in of(part, judge, view).items() if part is not None else ():
                if value is not None:
                    cells.setdefault(name, []).append((value, draws))
        return {
            name: Figure(float(np.mean([v for v, _ in each])), np.mean([d for _, d in each], axis=0))
            for name, each in cells.items()
        }

    @cached_property
    def verdicts(self) -> dict[tuple[str, str], NDArray[np.bool_]]:
        """Which test pictures each cutoff's detector flags under each view, by (cutoff, view)."""
        return {
            (one.cutoff.name, view): np.asarray(logits >= one.threshold)
            for one in self.scored
            for view, logits in one.logits.items()
        }


def size(sliced: Sliced, cutoffs: Sequence[Scored], period: Period, chosen: Slice, label: int | None) -> Size | None:
    """What stands behind a figure of a slice, over all cutoffs; None where no cutoff has it."""
    each_cutoff = [rows for one in cutoffs if (rows := sliced.rows(one.cutoff, period, chosen)) is not None]
    if not each_cutoff:
        return None
    rows = np.unique(np.concatenate(each_cutoff))
    labels, groups = sliced.evaluation.labels[rows], sliced.evaluation.index[rows]
    each = {one: len(np.unique(groups[labels == one])) for one in (0, 1)}
    about = next((one for one in (label, chosen.label) if one is not None), None)
    own = np.ones(len(rows), bool) if about is None else labels == about
    sizes = tuple(each.values()) if label is None else (each[label],)
    return Size(int(own.sum()), len(np.unique(groups[own])), sizes)


def same_order(before: Measured, after: Measured, metric: str, place: tuple[Period, str, Slice]) -> bool:
    """Whether a figure reads nothing but the order of the scores, and that is the same at every cutoff."""
    period, view, chosen = place
    if METRICS[metric].of not in (area, ranked):
        return False
    for old, new in zip(before.scored, after.scored, strict=True):
        rows = before.sliced.rows(old.cutoff, period, chosen)
        if rows is not None and (rankdata(old.logits[view][rows]) != rankdata(new.logits[view][rows])).any():
            return False
    return True


def flipped(before: Measured, after: Measured, metric: str, place: tuple[Period, str, Slice]) -> float | None:
    """The share of verdicts that differ, mean over cutoffs and labels; None for a figure that reads no verdicts."""
    period, view, chosen = place
    if METRICS[metric].of is not at_threshold:
        return None
    shares = []
    for old, new in zip(before.scored, after.scored, strict=True):
        rows = before.sliced.rows(old.cutoff, period, chosen)
        if rows is not None:
            labels = before.sliced.evaluation.labels[rows]
            differ = (old.logits[view][rows] >= old.threshold) != (new.logits[view][rows] >= new.threshold)
            about = METRICS[metric].label
            shares += [differ[labels == one].mean() for one in ((0, 1) if about is None else (about,))]
    return float(np.mean(shares)) if shares else None
