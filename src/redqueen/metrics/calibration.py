"""From logits to probabilities, and how far those are to be believed; undefined is None."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar
from scipy.special import expit

from redqueen.errors import UserError
from redqueen.metrics.functional import FloatArray, scores_and_labels

BINS = 15  # of a reliability table
LOWEST, HIGHEST = 0.01, 100.0  # logits that separate the classes would ask for 0, logits that say nothing for infinity


def temperature(scores: ArrayLike, labels: ArrayLike) -> float:
    """The T in [0.01, 100] under which sigmoid(score / T) has the least negative log-likelihood.

    Guo et al., "On Calibration of Modern Neural Networks", ICML 2017 (arXiv 1706.04599). It changes no ranking and no
    decision at logit 0.

    Args:
        scores: (n,) logits.
        labels: (n,), 0 or 1.

    Raises:
        UserError: shapes differ, there is no row, or scores are not finite.

    >>> round(temperature([4.0, 4.0, 4.0, -4.0, -4.0, -4.0], [1, 1, 0, 0, 0, 1]), 2)  # right two times in three
    5.77
    """
    values, truth = np.asarray(scores, np.float64), np.asarray(labels)
    if values.shape != truth.shape or not values.size or not np.isfinite(values).all():
        raise UserError(f"temperature: {values.shape} scores, {truth.shape} labels; one finite score a label is needed")
    signed = np.where(truth == 1, values, -values)

    def loss(log_temperature: float) -> float:
        return _log_loss(signed / np.exp(log_temperature))

    found = minimize_scalar(loss, bounds=(np.log(LOWEST), np.log(HIGHEST)), method="bounded", options={"xatol": 1e-8})
    return float(np.exp(found.x))


def brier(scores: ArrayLike, labels: ArrayLike) -> float | None:
    """Mean squared distance of probability from truth (Brier, 1950): 0 is perfect, 0.25 is always saying 50 %.

    Args:
        scores: (n,) logits, finite.
        labels: (n,), 0 or 1.

    Returns:
        In [0, 1]; None where there are no rows.

    Raises:
        UserError: shapes differ, scores are not finite, or labels are not 0 or 1.

    >>> brier([0.0, 0.0], [0, 1])
    0.25
    """
    values, generated = scores_and_labels(scores, labels)
    return float(((expit(values) - generated) ** 2).mean()) if len(values) else None


def negative_log_likelihood(scores: ArrayLike, labels: ArrayLike) -> float | None:
    """Mean of -log(probability of the truth), in nats, from logits, so that it never overflows.

    Args:
        scores: (n,) logits, finite.
        labels: (n,), 0 or 1.

    Returns:
        At least 0; None where there are no rows.

    Raises:
        UserError: as `brier`.

    >>> negative_log_likelihood([1000.0], [0])
    1000.0
    """
    values, generated = scores_and_labels(scores, labels)
    return _log_loss(np.where(generated, values, -values)) if len(values) else None


@dataclass(frozen=True)
class ReliabilityBin:
    """Rows of like probability: one point of a reliability diagram.

    Attributes:
        low: the lowest probability inside.
        high: the highest probability inside.
        probability: the mean probability.
        share: the share that is AI-generated.
        n: rows, at least 1.
    """

    low: float
    high: float
    probability: float
    share: float
    n: int


def reliability(scores: ArrayLike, labels: ArrayLike, bins: int = BINS) -> list[ReliabilityBin]:
    """What detectors say against what is so, over bins of as equal a number of rows as ties allow.

    Rows of one score are never parted, so their order cannot matter; a bin that ties leave empty is left out.

    Args:
        scores: (n,) logits, finite.
        labels: (n,), 0 or 1.
        bins: at least 1.

    Returns:
        At most `bins`, from the lowest probability to the highest; none where there are no rows.

    Raises:
        UserError: as `brier`, or less than one bin.
    """
    values, generated = scores_and_labels(scores, labels)
    if bins < 1:
        raise UserError(f"a reliability table needs at least 1 bin, got {bins}")
    member, chances = bins_of(values, bins), expit(values)
    return [
        ReliabilityBin(float(p.min()), float(p.max()), float(p.mean()), float(t.mean()), len(p))
        for p, t in ((chances[member == one], generated[member == one]) for one in range(member.max(initial=-1) + 1))
    ]


def bins_of(values: FloatArray, bins: int = BINS) -> NDArray[np.intp]:
    """The bin of each row, (n,), from 0 for the lowest scores, without a gap: as `reliability` says."""
    lower = np.searchsorted(np.sort(values), values, side="left")  # rows with a lower score
    return np.unique(lower * bins // max(1, len(values)), return_inverse=True)[1]


def adaptive_ece(scores: ArrayLike, labels: ArrayLike, bins: int = BINS) -> float | None:
    """Expected calibration error over bins of equal counts: the mean distance of probability from share, by rows.

    Nguyen & O'Connor, EMNLP 2015, and Nixon et al., 2019 (arXiv 1904.01685), "adaptive". Noise alone makes it
    positive, by up to 0.4 sqrt(bins / n), so figures with differing numbers of rows do not compare.

    Args:
        scores: (n,) logits, finite.
        labels: (n,), 0 or 1.
        bins: at least 1.

    Returns:
        In [0, 1]; None where there are no rows.

    Raises:
        UserError: as `reliability`.

    >>> adaptive_ece([0.0, 0.0, 0.0, 0.0], [1, 1, 1, 0])
    0.25
    """
    table = reliability(scores, labels, bins)
    rows = sum(part.n for part in table)
    return sum(part.n * abs(part.probability - part.share) for part in table) / rows if rows else None


def precision_at_prevalence(tpr: float, fpr: float, prevalence: float) -> float | None:
    """The share of flagged pictures that are AI-generated, were `prevalence` of all pictures so (Bayes' rule).

    Args:
        tpr: true positive rate, in [0, 1].
        fpr: false positive rate, in [0, 1].
        prevalence: share of AI-generated pictures among those screened, in [0, 1].

    Returns:
        In [0, 1]; None where nothing would be flagged.

    Raises:
        UserError: a number outside [0, 1].

    >>> round(precision_at_prevalence(tpr=0.9, fpr=0.01, prevalence=1 / 10_000), 4)  # 111 false alarms for each hit
    0.0089
    """
    for name, number in {"tpr": tpr, "fpr": fpr, "prevalence": prevalence}.items():
        if not 0 <= number <= 1:
            raise UserError(f"{name} must lie in [0, 1], got {number}")
    hits, alarms = tpr * prevalence, fpr * (1 - prevalence)
    return hits / (hits + alarms) if hits + alarms else None


def _log_loss(signed: FloatArray) -> float:
    """Mean of -log sigmoid(x) over logits that are positive where they are right."""
    return float(np.logaddexp(0, -signed).mean())
