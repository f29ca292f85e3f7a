"""What is looked at after training: the ROC on validation pictures, the worst errors among them, the curves."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from redqueen.corpus.store import Corpus
from redqueen.metrics.functional import auroc, balanced_accuracy
from redqueen.report.canvas import ACCENT, FAINT, MUTED, STYLE
from redqueen.report.contact_sheet import Picture, Strip
from redqueen.training.rows import Rows

SHOWN = 12  # pictures a strip


@dataclass(frozen=True)
class Validation:
    """What a trained detector makes of the validation pictures; those that it failed on are left out.

    Attributes:
        corpus: where they lie.
        rows: of its table, (n,).
        labels: that were to be learned, (n,), 0 or 1.
        logits: (n,), finite.
        threshold: on the logit.
    """

    corpus: Corpus
    rows: NDArray[np.int64]
    labels: NDArray[np.int64]
    logits: NDArray[np.float32]
    threshold: float

    @classmethod
    def of(cls, rows: Rows, logits: NDArray[np.float32], threshold: float) -> "Validation":
        """Validation rows and their logits, (n,), without those that are not finite: pictures that failed."""
        good = np.isfinite(logits)
        return cls(rows.corpus, rows.val[good], rows.val_labels[good], logits[good], threshold)

    def figures(self) -> dict[str, float]:
        """AUROC, balanced accuracy at the threshold, and the threshold."""
        found = {
            "final/auroc": auroc(self.logits, self.labels),
            "final/balanced_accuracy": balanced_accuracy(self.logits, self.labels, self.threshold),
            "final/threshold": self.threshold,
        }
        return {name: value for name, value in found.items() if value is not None}


def roc_points(
    scores: NDArray[np.floating], labels: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """False and true positive rate at every threshold, from none flagged to all flagged; equal scores are one step.

    >>> roc_points(np.array([0.1, 0.4, 0.4, 0.8]), np.array([0, 0, 1, 1]))
    (array([0. , 0. , 0.5, 1. ]), array([0. , 0.5, 1. , 1. ]))
    """
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    hits = np.cumsum(labels[order])[ends]
    alarms = ends + 1 - hits
    return np.append(0, alarms) / (labels == 0).sum(), np.append(0, hits) / (labels == 1).sum()


def roc(found: Validation, name: str) -> Figure:
    """The ROC curve with the chosen threshold marked."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(4.2, 4.4))
        axes = figure.add_axes((0.13, 0.11, 0.83, 0.79))
        _frame(axes, "false positive rate (human-made pictures)", "true positive rate (generated pictures)")
        axes.plot((0, 1), (0, 1), color=FAINT, linewidth=0.8)
        axes.plot(*roc_points(found.logits, found.labels), color=ACCENT, linewidth=1.4)
        flagged = found.logits >= found.threshold
        at = float(flagged[found.labels == 0].mean()), float(flagged[found.labels == 1].mean())
        axes.plot(*at, "o", color=ACCENT, markersize=5)
        axes.annotate(f"threshold {found.threshold:.2f}", at, (8, -12), textcoords="offset points", color=MUTED)
        area = auroc(found.logits, found.labels)
        axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
        axes.set_title(f"{name}: AUROC {area:.3f} on {len(found.rows):,} validation pictures", loc="left")
    return figure


def curves(series: Mapping[str, Sequence[tuple[int, float]]], name: str) -> Figure:
    """Each logged figure against the step, one panel below the other."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(6.4, 0.7 + 1.5 * len(series)))
        panels = figure.subplots(len(series), 1, sharex=True, squeeze=False)[:, 0]
        for axes, (key, points) in zip(panels, sorted(series.items()), strict=True):
            _frame(axes, "", key)
            axes.plot(*zip(*points, strict=True), color=ACCENT, linewidth=1.2, marker="o" if len(points) < 3 else "")
        panels[-1].set_xlabel("step")
        panels[0].set_title(name, loc="left")
        figure.tight_layout()
    return figure


def worst_errors(found: Validation, may_show: Callable[[str], bool] | None = None, n: int = SHOWN) -> list[Strip]:
    """The errors furthest from the threshold: human-made pictures that look generated, and the other way round.

    Args:
        found: the validation pictures.
        may_show: whether pictures under this licence may be shown, the others are counted and passed over; None: all.
        n: pictures a strip.
    """
    over = found.logits - found.threshold
    alarms, misses = (found.labels == 0) & (over >= 0), (found.labels == 1) & (over < 0)
    names = "human-made, called AI-generated", "AI-generated, called human-made"
    counts = [int((found.labels == label).sum()) for label in (0, 1)]
    orders = [np.argsort(side, kind="stable") for side in (-over, over)]
    licences = found.corpus.column("licence")[found.rows]
    allowed = np.array([may_show is None or may_show(str(licence)) for licence in licences], bool)
    return [
        _strip(found, name, order[wrong[order]], allowed, count, n)
        for name, order, wrong, count in zip(names, orders, (alarms, misses), counts, strict=True)
    ]


def _strip(
    found: Validation, name: str, worst: NDArray[np.intp], allowed: NDArray[np.bool_], count: int, n: int
) -> Strip:
    shown = worst[allowed[worst]]
    hidden = len(worst) - len(shown)
    notes = (f"{len(worst):,} of {count:,} pictures", *([f"{hidden:,} not shown: licence"] if hidden else []))
    return Strip(name, notes, tuple(_picture(found, int(at)) for at in shown[:n]))


def _picture(found: Validation, at: int) -> Picture:
    row = int(found.rows[at])
    said = {name: found.corpus.column(name)[row] for name in ("kind", "generator", "image_id", "label")}
    caption = f"{said['generator'] or said['kind']}, logit {found.logits[at]:.2f}"
    return Picture(row, bool(said["label"] == 1), caption, str(said["image_id"])[:8])


def _frame(axes: Axes, across: str, up: str) -> None:
    axes.set(xlabel=across, ylabel=up)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
