"""Fitting one detector on one set of rows: in closed form, by its head on cached features, or as a whole network."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
from numpy.typing import NDArray
from torch import nn
from torch.utils.data import Dataset

from redqueen import resumable
from redqueen.detectors import inference
from redqueen.detectors.base import Detector, FeatureDetector, JointDetector
from redqueen.detectors.digests import of_weights
from redqueen.detectors.inference import Judge, features, logits, part_logits, rows_digest
from redqueen.errors import UserError
from redqueen.files import digest_of
from redqueen.metrics.calibration import temperature
from redqueen.metrics.functional import auroc, best_threshold
from redqueen.perturbations.suite import CLEAN, Suite
from redqueen.training import balance
from redqueen.training.augment import Untouched
from redqueen.training.canvas import Canvas
from redqueen.training.closed_form import fit_head
from redqueen.training.data import Features, Item, Loading, Pictures, TrainingData
from redqueen.training.failures import told, unreadable
from redqueen.training.module import DetectorTraining, Task
from redqueen.training.patience import Patience
from redqueen.training.recipe import Recipe
from redqueen.training.rows import Rows

__all__ = ["Machine", "Recipe", "Rows", "by_descent", "calibrated", "fit"]

_CLEAN = Suite("none", 1, {CLEAN: []})


@dataclass(frozen=True)
class Machine:
    """What training runs on.

    Attributes:
        trainer: makes the Lightning trainer, logger included, from what `resumable.fit` adds.
        loading: how pictures get to the device.
    """

    trainer: Callable[..., pl.Trainer]
    loading: Loading = Loading()


def by_descent(detector: Detector) -> bool:
    """Whether training needs a machine: there is something to train, and no closed form for it."""
    if isinstance(detector, JointDetector):
        return any(by_descent(part) for part in detector.parts().values())
    closed = isinstance(detector, FeatureDetector) and isinstance(detector.head, nn.Linear)
    return not closed and any(parameter.requires_grad for parameter in detector.parameters())


def fit(
    detector: Detector,
    rows: Rows,
    recipe: Recipe,
    seed: int,
    folder: Path,
    cache: Path,
    machine: Machine | None = None,
) -> int:
    """Train the detector in place, from unfinished work in `folder` if there is some; returns the steps of descent.

    A detector without a parameter to train stays as it is; only one that is trained `by_descent` needs a machine. Of a
    detector made of others each is fitted, then what joins them.
    """
    if isinstance(detector, JointDetector):
        parts = detector.parts().items()
        steps = [fit(part, rows, recipe, seed, folder / name, cache, machine) for name, part in parts]
        identity = f"{folder.name}-{of_weights(detector)}"
        found = part_logits(detector, identity, inference.Pictures(rows.corpus, rows.val, _CLEAN, cache), CLEAN)
        detector.join(found, rows.val_labels)
        return sum(steps)
    if by_descent(detector):
        assert machine is not None, "by_descent says who needs one"
        return _descend(detector, rows, recipe, seed, folder, cache, machine)
    if isinstance(detector, FeatureDetector) and any(one.requires_grad for one in detector.parameters()):
        train, val = _features(detector, rows, recipe, cache)
        weighted = recipe.balance == "generator" or recipe.balance_by == "weights"
        weights = balance.weights(rows.train_labels, rows.makers, recipe.balance) if weighted else None
        fit_head(detector, (train, rows.train_labels), (val, rows.val_labels), weights=weights)
    return 0


def _descend(
    detector: Detector, rows: Rows, recipe: Recipe, seed: int, folder: Path, cache: Path, machine: Machine
) -> int:
    """Gradient descent: of the head on cached features, or of the whole network."""
    cached = isinstance(detector, FeatureDetector)
    train, val = _items(detector, rows, recipe, cache, machine.loading)
    draws = balance.draws(rows.train_labels, rows.makers, recipe.balance, recipe.balance_by, seed)
    ids = rows.corpus.column("image_id")[rows.train]
    task = Task(ids, rows.val_labels, folder, seed, _weights(detector, rows, recipe))
    module = DetectorTraining(detector.train(), recipe, task, cached)
    data = TrainingData(train, val, draws, recipe, machine.loading)
    with told(recipe, data):
        steps = (recipe.steps, recipe.steps_a_block)
        return resumable.fit(machine.trainer, module, data, folder, *steps, _extra(detector, recipe))


def _items(
    detector: Detector, rows: Rows, recipe: Recipe, cache: Path, loading: Loading
) -> tuple[Dataset[Item], Dataset[Item]]:
    """What is trained on, and what is validated on."""
    if isinstance(detector, FeatureDetector):
        train, val = _features(detector, rows, recipe, cache)
        return Features(train, rows.train_labels), Features(val, rows.val_labels)
    wanted = rows.train if recipe.patience is None else np.concatenate([rows.train, rows.val])
    decoded = loading.decoded if detector.reads == "pixels" else 0.0
    canvas = Canvas.opened(rows.corpus, wanted, cache.with_name("decoded"), decoded, os.cpu_count() or 1)
    pictures = Pictures(rows.corpus, rows.train, rows.train_labels, detector, recipe.augment, canvas)
    return pictures, Pictures(rows.corpus, rows.val, rows.val_labels, detector, None, canvas)


def _features(
    detector: FeatureDetector, rows: Rows, recipe: Recipe, cache: Path
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Cached features of training rows, of one draw of the augmentation for each picture, and of validation rows.

    Raises UserError if a picture has none.
    """
    view = CLEAN if recipe.augment == Untouched() else digest_of(repr(recipe.augment))[:12]
    suite = Suite("augment", 1, {CLEAN: [], **({} if view == CLEAN else {view: [recipe.augment]})})
    found = (
        features(detector, rows.corpus, rows.train, suite, view, cache),
        features(detector, rows.corpus, rows.val, _CLEAN, CLEAN, cache),
    )
    failed = [row for part, which in zip(found, (rows.train, rows.val), strict=True) for row in which[_nan(part)]]
    if failed:
        image_id, name = str(rows.corpus.column("image_id")[failed[0]]), type(detector).__name__
        raise unreadable(rows.corpus.folder, image_id, f"{name} has no features of it", len(failed) - 1)
    return found


def _nan(found: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which pictures failed, (n,), by their features, (n, *shape)."""
    return np.asarray(np.isnan(found).reshape(len(found), -1).any(axis=1))


def _weights(detector: Detector, rows: Rows, recipe: Recipe) -> NDArray[np.float64] | None:
    """What each training row's loss weighs; UserError for a detector whose loss is no sum over pictures."""
    if recipe.balance == "none" or recipe.balance_by == "sampling":
        return None
    plain = type(detector).loss in (Detector.loss, FeatureDetector.loss)
    if not plain or (isinstance(detector, FeatureDetector) and type(detector).head_loss != FeatureDetector.head_loss):
        raise UserError(
            f"recipe.balance_by=weights: {type(detector).__name__} has a loss of its own, whose pictures cannot be "
            "weighed one by one; use recipe.balance_by=sampling"
        )
    return balance.weights(rows.train_labels, rows.makers, recipe.balance)


def _extra(detector: Detector, recipe: Recipe) -> Mapping[str, Any]:
    """What the recipe tells the Lightning trainer."""
    extra: dict[str, Any] = {"num_sanity_val_steps": 0, "use_distributed_sampler": False}
    if recipe.patience is None:
        extra["limit_val_batches"] = 0
    else:
        extra["callbacks"] = [Patience(detector, recipe.patience)]
    if recipe.accumulate > 1:
        extra["accumulate_grad_batches"] = recipe.accumulate
    if recipe.clip is not None:
        extra["gradient_clip_val"] = recipe.clip
    return extra


def validation_logits(detector: Detector, rows: Rows, cache: Path, identity: str) -> NDArray[np.float32]:
    """Logits of the validation rows, (n,), computed once; NaN for a picture that failed."""
    return logits(Judge(detector, identity), inference.Pictures(rows.corpus, rows.val, _CLEAN, cache), CLEAN)


def calibrated(detector: Detector, rows: Rows, cache: Path, identity: str) -> Mapping[str, Any]:
    """Threshold and temperature, fitted once, on the validation rows, never on test pictures; and on which rows.

    The threshold is the logit that maximises balanced accuracy; the temperature divides logits before the sigmoid.
    """
    scores = validation_logits(detector, rows, cache, identity)
    good = np.isfinite(scores)
    found, labels = scores[good], rows.val_labels[good]
    if len(set(labels)) < 2:
        raise UserError(
            f"{type(detector).__name__}: of {len(scores)} validation pictures only {len(found)} could be scored, and "
            "those are of one class: threshold and temperature cannot be fitted"
        )
    return {
        "threshold": best_threshold(found, labels),
        "temperature": temperature(found, labels),
        "val_auroc": auroc(found, labels),
        "fitted_on": {
            "split": "val",
            "pictures": len(found),
            "generated": int(labels.sum()),
            "rows": rows_digest(rows.corpus, rows.val[good]),
        },
    }
