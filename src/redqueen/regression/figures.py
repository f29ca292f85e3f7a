"""Figures of one table of scores with their draws, and how far two tables differ in what a figure reads."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

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
        reads: what it depends on: the order of the scores, the verdicts, or the scores themselves.
        higher: whether higher is better.
        label: of the pictures that it is about, if of one label alone.
    """

    title: str
    of: Measuring
    reads: Literal["order", "verdicts", "scores"]
    higher: bool = True
    label: int | None = None


METRICS: Mapping[str, Metric] = {
    "auroc": Metric("AUROC", area, "order"),
    "average_precision": Metric("average precision", ranked, "order"),
    "tpr_at_fpr_0.01": Metric("TPR@1%FPR", ranked, "order"),
    "tpr_at_fpr_0.05": Metric("TPR@5%FPR", ranked, "order"),
    "balanced_accuracy": Metric("balanced accuracy", at_threshold, "verdicts"),
    "false_positive_rate": Metric("false positive rate", at_threshold, "verdicts", higher=False, label=0),
    "brier": Metric("Brier score", calibrated, "scores", higher=False),
    "adaptive_ece": Metric("calibration error", calibrated, "scores", higher=False),
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


@dataclass(frozen=True)
class Changed:
    """How far two detectors differ in what a figure reads: groups in which anything does, and the share of pictures."""

    groups: int
    share: float


def changed(before: Measured, after: Measured, metric: str, place: tuple[Period, str, Slice]) -> Changed:
    """Where anything changed that the figure reads; the share is the mean over cutoffs and labels."""
    period, view, chosen = place
    groups: set[int] = set()
    shares = []
    for old, new in zip(before.scored, after.scored, strict=True):
        rows = before.sliced.rows(old.cutoff, period, chosen)
        if rows is None:
            continue
        about, labels = METRICS[metric].label, before.sliced.evaluation.labels[rows]
        differ = _read(metric, old, view, rows) != _read(metric, new, view, rows)
        differ &= (labels == about) if about is not None else True
        groups.update(before.sliced.evaluation.index[rows[differ]].tolist())
        shares += [differ[labels == one].mean() for one in ((0, 1) if about is None else (about,))]
    return Changed(len(groups), float(np.mean(shares)) if shares else 0.0)


def _read(metric: str, judge: Scored, view: str, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    logits = np.asarray(judge.logits[view][rows], np.float64)
    reads: Mapping[str, Callable[[], NDArray[np.float64]]] = {
        "order": lambda: np.asarray(rankdata(logits), np.float64),
        "verdicts": lambda: (logits >= judge.threshold).astype(np.float64),
        "scores": lambda: logits,
    }
    return reads[METRICS[metric].reads]()
