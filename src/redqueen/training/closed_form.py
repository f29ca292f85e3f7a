"""The head of a feature detector: standardised logistic regression, its strength chosen on validation."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from torch import nn

from redqueen.detectors.base import FeatureDetector
from redqueen.errors import UserError
from redqueen.metrics.functional import auroc

STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)  # inverse of the L2 penalty
MAX_ITERATIONS = 2000

Features = NDArray[np.float32]
Labels = NDArray[np.int64]


def fit_head(
    detector: FeatureDetector,
    train: tuple[Features, Labels],
    val: tuple[Features, Labels],
    strengths: Sequence[float] = STRENGTHS,
    weights: NDArray[np.float64] | None = None,
) -> float:
    """Fit a linear head on train = (features (n, *shape), labels (n,)); returns the strength that validates best.

    Of equal strengths the smallest wins, the most regularised. Features are standardised by the training rows; that
    scaling is folded into the head, so that the detector takes raw features. `weights`, (n,), are the training rows'.
    """
    head = detector.head
    if not isinstance(head, nn.Linear):
        raise UserError(f"{type(detector).__name__} has a head that is not linear: it has no closed form")
    train, val = ((part[0].reshape(len(part[0]), -1), part[1]) for part in (train, val))
    mean = train[0].mean(axis=0, dtype=np.float64)
    scale = train[0].std(axis=0, dtype=np.float64)
    scale[scale < 1e-12 + 1e-6 * np.abs(mean)] = np.inf  # a constant feature says nothing: its weight becomes 0
    inputs = (train[0] - mean) / scale
    held = (val[0] - mean) / scale
    best, chosen = -1.0, (strengths[0], np.zeros(inputs.shape[1]), 0.0)
    for strength in strengths:
        model = LogisticRegression(C=strength, max_iter=MAX_ITERATIONS, tol=1e-6).fit(inputs, train[1], weights)
        score = auroc(model.decision_function(held), val[1]) or 0.0
        if score > best + 1e-9:
            best, chosen = score, (strength, model.coef_[0], float(model.intercept_[0]))
    weight = chosen[1] / scale
    with torch.no_grad():
        head.weight.copy_(torch.from_numpy(weight[None]))
        head.bias.fill_(chosen[2] - float(weight @ np.where(np.isfinite(scale), mean, 0.0)))
    return float(chosen[0])
