"""From logits to probabilities: one number, fitted on validation rows."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize_scalar

from redqueen.errors import UserError

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
        return float(np.logaddexp(0, -signed / np.exp(log_temperature)).mean())

    found = minimize_scalar(loss, bounds=(np.log(LOWEST), np.log(HIGHEST)), method="bounded", options={"xatol": 1e-8})
    return float(np.exp(found.x))
