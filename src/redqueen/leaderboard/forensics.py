"""What scores give away about where they come from: a table of contents of everything that is looked for."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import rankdata

from redqueen.corpus.audit import metadata_features
from redqueen.evaluation import scores as tables
from redqueen.evaluation.benchmark import Benchmark
from redqueen.evaluation.evaluate import Scored
from redqueen.leaderboard import canaries, copies, fingerprint, revisions
from redqueen.leaderboard import rivals as others
from redqueen.leaderboard.explained import explained
from redqueen.leaderboard.findings import Check, Outcome
from redqueen.leaderboard.schema import Submission, predictions
from redqueen.metrics.functional import auroc
from redqueen.perturbations.suite import CLEAN

METADATA = 0.5  # of the variance of ranks; on `field` five detectors had at most 0.02, a probe of metadata 0.99
PERFECT = 0.999
ROW, SIGMAS = 0.2, 5.0  # ids say nothing of a picture: a correlation has a standard error of 1 / sqrt(n)


def check(folder: Path, card: Submission, benchmark: Benchmark, rivals: Sequence[Path]) -> list[Check]:
    """Everything that is looked for, on scores that `predictions.check` has found whole.

    Args:
        folder: of the bundle.
        card: its `submission.json`.
        benchmark: which it was measured on.
        rivals: folders of other bundles, and of published results with a log; those that lie beside the benchmark are
            always compared with.

    Raises:
        UserError: the scores do not fit the benchmark.
    """
    scored = tables.scored(tables.read(folder / predictions(benchmark.card.suite)), benchmark)
    known, checks = others.read(rivals, benchmark)
    return [
        *checks,
        *copies.check(card, scored, benchmark, known),
        revisions.check(card, scored, benchmark, known),
        *canaries.check(scored, benchmark),
        _rows(scored, benchmark),
        _metadata(card, scored, benchmark),
        _perfect(scored, benchmark),
        fingerprint.note(scored, benchmark),
    ]


def _rows(scored: Sequence[Scored], benchmark: Benchmark) -> Check:
    """Scores against the order of the ids, which is that of the rows, within each origin: truth plays no part."""
    data = benchmark.evaluation
    origin = np.where(data.labels == 1, data.makers, data.kinds).astype(str)
    place = _within(np.arange(len(origin), dtype=np.float64), origin)
    worst, where = 0.0, ""
    for one in scored:
        for view, logits in one.logits.items():
            ranks = _within(rankdata(logits), origin)
            spread = float(np.sqrt((ranks**2).sum() * (place**2).sum()))
            found = float((ranks * place).sum()) / spread if spread else 0.0
            if abs(found) > abs(worst):
                worst, where = found, f" (cutoff {one.cutoff.name}, view {view})"
    message = f"correlation of scores with the order of ids: {worst:.3f}{where}"
    fix = "a score must depend on the picture alone: no id, no order"
    if abs(worst) >= ROW and abs(worst) * np.sqrt(len(origin)) >= SIGMAS:
        return Check("forensics.rows", "rejected" if abs(worst) > 0.9 else "review", message, fix)
    return Check("forensics.rows", "passed", message)


def _within(values: NDArray[np.float64], origin: NDArray[np.str_]) -> NDArray[np.float64]:
    """Values less the mean of their origin."""
    places = np.unique(origin, return_inverse=True)[1]
    return np.asarray(values - (np.bincount(places, values) / np.bincount(places))[places])


def _metadata(card: Submission, scored: Sequence[Scored], benchmark: Benchmark) -> Check:
    """How much of the scores, clean, trees explain that see size, format, quality and resampling alone."""
    real = np.flatnonzero(~benchmark.column("canary").astype(bool))
    seen, data = metadata_features(benchmark.table)[real], benchmark.evaluation
    scores = np.stack([expit(one.logits[CLEAN][real]) for one in scored])
    each = explained(scores, seen, data.labels[real], data.groups[real])
    found = [(told, one) for told, one in zip(each, scored, strict=True) if told is not None]
    if not found:
        return Check("forensics.metadata", "skipped", "metadata or scores do not vary, or there are too few groups")
    worst, judge = max(found, key=lambda pair: pair[0].share)
    area = auroc(judge.logits[CLEAN][real], data.labels[real])
    message = (
        f"cutoff {judge.cutoff.name}, clean: metadata explain {max(worst.share, 0):.0%} of the scores (limit "
        f"{METADATA:.0%}); AUROC {_number(area)}, of metadata alone {_number(worst.metadata)}, among pictures of like "
        f"metadata {_number(worst.within)}"
    )
    if worst.share < METADATA:
        return Check("forensics.metadata", "passed", message)
    outcome: Outcome = "noted" if card.detector.control else "review"
    return Check("forensics.metadata", outcome, message, "read pixels alone, not size, format, quality or resampling")


def _perfect(scored: Sequence[Scored], benchmark: Benchmark) -> Check:
    """The worst block on the window that is new to it: nobody is perfect there."""
    data, after = benchmark.evaluation, benchmark.evaluation.after
    real = ~benchmark.column("canary").astype(bool)
    found = []
    for one in scored:
        window = after.get(one.cutoff.name, one.cutoff.name if not after else None)
        if window is not None:
            rows = data.cells[window][real[data.cells[window]]]
            found += [(auroc(logits[rows], data.labels[rows]), view) for view, logits in one.logits.items()]
    known = [(area, view) for area, view in found if area is not None]
    if not known:
        return Check("forensics.perfect", "skipped", "no window is new to a detector")
    area, view = min(known)
    message = f"lowest AUROC on a next period: {area:.4f} (view {view})"
    if area >= PERFECT:
        return Check("forensics.perfect", "review", message, "say how every picture is told under every view")
    return Check("forensics.perfect", "passed", message)


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"
