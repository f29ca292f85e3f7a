"""Headline metrics and slices of one detector, each a mean over cutoffs, all from the draws that its cells share.

On the next period every metric, under every view; on what the detector has seen, or all of it, AUROC. Slices are of the
next period, clean: one side of a window is cut down to the slice, the other stays whole, so that figures compare. Under
a protocol of one window, which has no next period, all of this is of the same one.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from redqueen.evaluation.evaluate import Evaluation, Part, Scored
from redqueen.metrics import calibration, ranking, weighted
from redqueen.metrics.functional import balanced_accuracy, false_positive_rate
from redqueen.perturbations.suite import CLEAN
from redqueen.types import HUMAN_KINDS, Generator, Interval, Measure, Window

LIMITS = (0.01, 0.05)  # false positive rates
PREVALENCES = (0.01, 0.0001)  # shares of generated pictures among those that an analyst screens
SHARED = 5  # generators that one prompt must have for its pictures to compare them
FEWEST = 10  # test pictures of a generator that counts in the mean over generators
LOWEST = {"auroc_lost": -1.0, "precision": None}  # of figures that are no shares, as `Evaluation.mean` takes it

Draws = NDArray[np.float64]
Found = tuple[float | None, Draws]
Period = Literal["next", "same", "past", "whole"]
Metric = Callable[[Part, Scored, str], dict[str, Found]]


@dataclass(frozen=True)
class Slice:
    """Test rows that stay when pictures are sliced: those of the other label, and the chosen ones."""

    by: str
    name: str
    rows: NDArray[np.bool_]


class Measures:
    """What is measured of one detector besides its cells.

    Args:
        evaluation: rows, labels, draws.
        generators: what is known of those in the corpus, by their names there.
        styles: named sets of styles that human-made pictures may have in their provenance.
    """

    def __init__(
        self,
        evaluation: Evaluation,
        generators: Mapping[str, Generator],
        styles: Mapping[str, Sequence[str]],
    ) -> None:
        self.evaluation = evaluation
        self.slices = list(slices(evaluation, generators, styles))

    def of(self, scored: Sequence[Scored]) -> tuple[Measure, ...]:
        """All of them; one that is defined nowhere is left out."""
        found: list[Measure] = []
        views = list(scored[0].logits) if scored else []
        main: Period = "next" if self.evaluation.after else "same"
        for view in views:
            for metric in (ranked, at_threshold, calibrated, laundered):
                found += self._means(scored, main, view, metric)
            found += self._means(scored, "past", view, area)
            found += self._means(scored, "whole", view, area)
        if main == "next":
            for metric in (ranked, at_threshold, calibrated):
                found += self._means(scored, "same", CLEAN, metric)
        for one in self.slices:
            found += self._means(scored, main, CLEAN, area, one)
        return (*found, *self._generators(scored, main), *self._windows(scored))

    def _windows(self, scored: Sequence[Scored]) -> Iterator[Measure]:
        """Ranking of each window as it comes out, by the cutoff right before it: what the means are made of."""
        for judge in scored:
            part = self.evaluation.part(rows_of(self.evaluation, judge.cutoff, "next"))
            if _both(part):
                for metric, found in ranked(part, judge, CLEAN).items():
                    name = self.evaluation.after[judge.cutoff.name]
                    yield Measure(metric, "next", CLEAN, "window", name, self._mean([(found, part)]))

    def _generators(self, scored: Sequence[Scored], period: Period) -> Iterator[Measure]:
        """Mean AUROC over generators, each against the human-made pictures of its period, whatever its number is."""
        each: list[tuple[Found, Part]] = []
        for judge in scored:
            rows = rows_of(self.evaluation, judge.cutoff, period)
            makers, human = self.evaluation.makers[rows], self.evaluation.labels[rows] == 0
            for name in sorted(set(makers[~human])):
                part = self.evaluation.part(rows[human | (makers == name)])
                if (makers == name).sum() >= FEWEST and _both(part):
                    each.append((area(part, judge, CLEAN)["auroc"], part))
        if each:
            yield Measure("auroc", period, CLEAN, "generator", "mean", self._mean(each))

    def _means(
        self, scored: Sequence[Scored], period: Period, view: str, metric: Metric, one: Slice | None = None
    ) -> Iterator[Measure]:
        """The mean over cutoffs of each figure that a metric gives."""
        cells: dict[str, list[tuple[Found, Part]]] = {}
        for judge in scored:
            rows = rows_of(self.evaluation, judge.cutoff, period)
            part = self.evaluation.part(rows if one is None else rows[one.rows[rows]])
            if _both(part):
                for name, found in metric(part, judge, view).items():
                    cells.setdefault(name, []).append((found, part))
        for name, each in cells.items():
            figure = self._mean(each, LOWEST.get(name.partition("_at_prevalence")[0], 0.0))
            if figure.value is not None:
                by, sliced = ("all", "all") if one is None else (one.by, one.name)
                yield Measure(name, period, view, by, sliced, figure)

    def _mean(self, each: Sequence[tuple[Found, Part]], lowest: float | None = 0.0) -> Interval:
        rows = np.unique(np.concatenate([part.rows for _, part in each]))
        return self.evaluation.mean([found[0] for found, _ in each], [found[1] for found, _ in each], rows, lowest)


def rows_of(evaluation: Evaluation, cutoff: Window, period: Period) -> NDArray[np.int64]:
    """Test rows of a period; none for the last cutoff, which no window follows, so that all periods compare.

    Of the one window of a protocol, its own.
    """
    cells, following = evaluation.cells, evaluation.after.get(cutoff.name)
    if following is None:
        alone = period == "same" and not evaluation.after
        return cells[cutoff.name] if alone else np.zeros(0, np.int64)
    seen = evaluation.protocol.seen(cutoff)
    names = {"next": (following,), "same": (cutoff.name,), "past": seen, "whole": (*seen, following)}[period]
    return np.unique(np.concatenate([cells[name] for name in names]))


def area(part: Part, judge: Scored, view: str) -> dict[str, Found]:
    """AUROC."""
    interval, draws = part.auroc(judge.logits[view])
    return {"auroc": (interval.value, draws)}


def ranked(part: Part, judge: Scored, view: str) -> dict[str, Found]:
    """AUROC, average precision, equal error rate, and true positive rates at fixed false positive rates."""
    scores, labels = judge.logits[view][part.rows], part.labels
    values = {
        "average_precision": ranking.average_precision(scores, labels),
        "equal_error_rate": ranking.equal_error_rate(scores, labels),
        **{f"tpr_at_fpr_{limit}": ranking.tpr_at_fpr(scores, labels, limit) for limit in LIMITS},
    }
    figures = (weighted.average_precision, weighted.equal_error_rate, *map(weighted.tpr_at_fpr, LIMITS))
    curves = weighted.along_curve(scores, labels, part.weights, part.index, figures)
    found = {name: (value, drawn) for (name, value), drawn in zip(values.items(), curves, strict=True)}
    return area(part, judge, view) | found


def at_threshold(part: Part, judge: Scored, view: str) -> dict[str, Found]:
    """Verdicts at the validation threshold: rates, balanced accuracy, and what an analyst's alarms would be worth."""
    scores, generated = judge.logits[view][part.rows], part.labels == 1
    flagged = scores >= judge.threshold
    tpr, fpr = flagged[generated].mean(), false_positive_rate(scores[~generated], judge.threshold)
    assert fpr is not None, "both classes are there"
    hits, alarms = (weighted.mean_of(flagged[own], part.weights, part.index[own]) for own in (generated, ~generated))
    found = {
        "true_positive_rate": (float(tpr), hits),
        "false_positive_rate": (fpr, alarms),
        "balanced_accuracy": (balanced_accuracy(scores, part.labels, judge.threshold), (hits + 1 - alarms) / 2),
    }
    for prevalence in PREVALENCES:
        value = calibration.precision_at_prevalence(float(tpr), fpr, prevalence)
        name = f"precision_at_prevalence_{prevalence:g}"
        found[name] = (value, weighted.precision_at_prevalence(hits, alarms, prevalence))
    return found


def calibrated(part: Part, judge: Scored, view: str) -> dict[str, Found]:
    """How far calibrated probabilities are to be believed."""
    scores, labels = judge.logits[view][part.rows].astype(np.float64) / judge.temperature, part.labels
    signed = np.where(labels == 1, scores, -scores)
    missed = expit(-signed)  # the probability that was not given to the truth
    ece, drawn = (
        calibration.adaptive_ece(scores, labels),
        weighted.adaptive_ece(scores, labels, part.weights, part.index),
    )
    known = drawn[~np.isnan(drawn)]  # of a few groups a draw may hold none
    # what resampling adds: without it the draws lie about the figure of the sample, and not above it
    noise = known.mean() - (ece or 0.0) if len(known) else 0.0
    return {
        "brier": (calibration.brier(scores, labels), weighted.mean_of(missed**2, part.weights, part.index)),
        "negative_log_likelihood": (
            calibration.negative_log_likelihood(scores, labels),
            weighted.mean_of(np.logaddexp(0, -signed), part.weights, part.index),
        ),
        "adaptive_ece": (ece, np.maximum(drawn - noise, 0.0)),
    }


def laundered(part: Part, judge: Scored, view: str) -> dict[str, Found]:
    """Against the same pictures clean: AUROC lost, and the share of verdicts that flip."""
    if view == CLEAN:
        return {}
    (before, clean), (after, drawn) = (area(part, judge, one)["auroc"] for one in (CLEAN, view))
    flips = (judge.logits[CLEAN] >= judge.threshold)[part.rows] != (judge.logits[view] >= judge.threshold)[part.rows]
    lost = None if before is None or after is None else before - after
    return {
        "auroc_lost": (lost, clean - drawn),
        "verdicts_flipped": (float(flips.mean()), weighted.mean_of(flips, part.weights, part.index)),
    }


def _both(part: Part) -> bool:
    """Whether each class has two groups, without which no variance can be seen."""
    return all(len(np.unique(part.index[part.labels == label])) > 1 for label in (0, 1))


def slices(
    evaluation: Evaluation, generators: Mapping[str, Generator], styles: Mapping[str, Sequence[str]]
) -> Iterator[Slice]:
    """Human-made pictures by kind and style, all by topic, generated ones by family, country and prompt."""
    human = evaluation.labels == 0
    for kind in HUMAN_KINDS:
        yield Slice("kind", kind, ~human | (evaluation.kinds == kind))
    for name, chosen in styles.items():
        yield Slice("style", name, ~human | np.isin(evaluation.styles, list(chosen)))
    for topic in sorted({str(one) for one in evaluation.topics if one is not None}):
        yield Slice("topic", topic, evaluation.topics == topic)
    for by in ("family", "country"):
        known = {name: str(getattr(entry, by)) for name, entry in generators.items()}
        own = np.asarray([known.get(str(name), "") for name in evaluation.makers])
        for value in sorted(set(known.values())):
            yield Slice(by, value, human | (own == value))
    yield Slice("prompt", "shared", human | evaluation.shared(SHARED))
