"""Do better generators evade a detector, or merely newer ones? AUROC on each as it comes out, by date and quality.

A straight line by least squares through generators, each weighing as its test pictures do: over the release date, over
the distance of its pictures to photographs (CMMD, standardised: a better generator lies lower), and over both, where
each slope holds the other fixed. Intervals are of the draws that all figures share, each over generators drawn again:
without that the scatter of generators about the line would be taken for knowledge. Distances are taken as known.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redqueen.evaluation.evaluate import Evaluation, Scored
from redqueen.metrics.statistics import group_weights, percentile_interval
from redqueen.perturbations.suite import CLEAN
from redqueen.types import Measure

LEAST_PICTURES, LEAST_GENERATORS = 5, 10

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class _Point:
    """One generator: its figure in the sample and in each draw, when it came out, how far it is from photographs."""

    auroc: float
    draws: Floats
    years: float
    distance: float
    rows: NDArray[np.int64]


def distances(card: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """CMMD by backbone and generator, as `redqueen corpus quality` has written them into a corpus's card."""
    return {
        str(one["backbone"]): {
            name: float(found["cmmd"]["value"]) for name, found in one["generators"].items() if found["cmmd"]
        }
        for _, one in sorted(card.get("quality", {}).items())
    }


def against_quality(
    evaluation: Evaluation, scored: Sequence[Scored], known: Mapping[str, Mapping[str, float]]
) -> tuple[Measure, ...]:
    """Slopes of AUROC on the next period over generators; none where fewer than `LEAST_GENERATORS` can be compared."""
    return tuple(
        measure
        for backbone, distance in known.items()
        for measure in _slopes(list(_points(evaluation, scored, distance)), backbone, evaluation)
    )


def _points(evaluation: Evaluation, scored: Sequence[Scored], distance: Mapping[str, float]) -> Iterator[_Point]:
    for judge in scored:
        window = evaluation.after.get(judge.cutoff.name)
        rows = evaluation.cells[window] if window else np.zeros(0, np.int64)
        made = evaluation.labels[rows] == 1
        for name in sorted(set(evaluation.makers[rows[made]]) & distance.keys()):
            own = evaluation.makers[rows] == name
            part = evaluation.part(rows[~made | own])
            interval, draws = part.auroc(judge.logits[CLEAN])
            if own.sum() >= LEAST_PICTURES and interval.value is not None:
                month = str(evaluation.released[rows[own]][0])
                years = int(month[:4]) + (int(month[5:7]) - 1) / 12
                yield _Point(interval.value, draws, years, distance[name], rows[own])


def _slopes(points: Sequence[_Point], backbone: str, evaluation: Evaluation) -> Iterator[Measure]:
    if len(points) < LEAST_GENERATORS:
        return
    years, distance = (np.asarray([getattr(one, name) for one in points]) for name in ("years", "distance"))
    if not years.std() or not distance.std():
        return
    years, standard = years - years.mean(), (distance - distance.mean()) / distance.std()
    rows = np.concatenate([one.rows for one in points])
    counts = len(rows), len(set(evaluation.groups[rows]))
    sample = np.asarray([[one.auroc for one in points]])
    draws = np.stack([one.draws for one in points], axis=1)
    weights = np.asarray([[len(one.rows) for one in points]], np.float64)
    _, times = group_weights([str(n) for n in range(len(points))], ["all"] * len(points), len(draws), evaluation.seed)
    date, quality = "auroc_per_year", "auroc_per_sd_of_cmmd"
    for columns, names in (
        ([years], [(date, "date alone")]),
        ([standard], [(quality, f"quality alone, {backbone}")]),
        ([years, standard], [(date, f"at equal quality, {backbone}"), (quality, f"at equal date, {backbone}")]),
    ):
        value, drawn = _least_squares(columns, sample, weights), _least_squares(columns, draws, weights * times)
        for number, (metric, name) in enumerate(names):
            figure = percentile_interval(float(value[0, number]), drawn[:, number], *counts)
            yield Measure(metric, "next", CLEAN, "generator", name, figure)


def _least_squares(columns: Sequence[Floats], table: Floats, weights: Floats) -> Floats:
    """Slopes, (k, columns), of a table and its weights, (k, points) each; NaN for a row with an undefined point."""
    design = np.stack([np.ones(table.shape[1]), *columns], axis=1)
    moments = np.einsum("kp,pa,pb->kab", weights, design, design)
    heights = np.einsum("kp,kp,pa->ka", weights, table, design)
    found: Floats = np.einsum("kab,kb->ka", np.linalg.pinv(moments, hermitian=True), heights)
    return np.round(found[:, 1:], 12) + 0.0  # level lines shall be level, and 0 has no sign
