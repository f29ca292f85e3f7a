"""Fitting one detector on one set of rows: closed form where the method has one, Lightning otherwise."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytorch_lightning as pl
from numpy.typing import NDArray

from redqueen import resumable
from redqueen.corpus.store import Corpus
from redqueen.detectors.base import Detector, FeatureDetector
from redqueen.detectors.inference import features, logits
from redqueen.errors import UserError
from redqueen.files import seed_from
from redqueen.metrics.functional import best_threshold
from redqueen.perturbations.suite import CLEAN, Suite
from redqueen.training.closed_form import fit_head
from redqueen.training.data import TrainingPictures, loader
from redqueen.training.module import DetectorTraining


@dataclass(frozen=True)
class Recipe:
    """How a detector that has no closed form is trained.

    Args:
        steps: optimiser steps.
        batch_size: pictures a step, even: half of them human-made.
        learning_rate: peak rate.
        weight_decay: of AdamW.
        steps_a_block: steps between two checkpoints: what a kill can cost.
    """

    steps: int = 300
    batch_size: int = 32
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    steps_a_block: int = 20

    def __post_init__(self) -> None:
        """Refuse what cannot be followed."""
        for name in ("steps", "batch_size", "steps_a_block"):
            if getattr(self, name) < 1:
                raise UserError(f"recipe.{name}={getattr(self, name)}: must be at least 1")
        if self.batch_size % 2:
            raise UserError(f"recipe.batch_size={self.batch_size}: must be even, half of a batch is human-made")


@dataclass(frozen=True)
class Rows:
    """Training and validation rows with the labels to learn, which in the shuffled control are not the true ones."""

    corpus: Corpus
    train: NDArray[np.int64]
    val: NDArray[np.int64]
    train_labels: NDArray[np.int64]
    val_labels: NDArray[np.int64]

    @classmethod
    def choose(cls, corpus: Corpus, windows: tuple[str, ...], shuffled: bool, seed: int) -> "Rows":
        """The matched rows of these windows; raises UserError where a class is missing."""
        labels = corpus.column("label").astype(np.int64)
        rows = {split: corpus.rows(split, windows) for split in ("train", "val")}
        for split, chosen in rows.items():
            if len(set(labels[chosen])) < 2:
                raise UserError(
                    f"windows {', '.join(windows)}: the {split} split has {len(chosen)} matched pictures of one class; "
                    "both are needed: widen the windows or change the shares"
                )
        found = {split: labels[chosen] for split, chosen in rows.items()}
        if shuffled:
            for split, values in found.items():
                found[split] = np.random.default_rng(seed_from("shuffle", seed, split)).permutation(values)
        return cls(corpus, rows["train"], rows["val"], found["train"], found["val"])


def fit(
    detector: Detector,
    rows: Rows,
    recipe: Recipe,
    seed: int,
    folder: Path,
    cache: Path,
    trainer: Callable[..., pl.Trainer],
) -> None:
    """Train the detector in place; unfinished work lies in `folder` and is taken up again.

    `trainer` makes the Lightning trainer, logger included, from what `resumable.fit` adds.
    """
    if isinstance(detector, FeatureDetector):
        suite = Suite("none", 1, {CLEAN: []})
        inputs = [features(detector, rows.corpus, part, suite, CLEAN, cache) for part in (rows.train, rows.val)]
        fit_head(detector, (inputs[0], rows.train_labels), (inputs[1], rows.val_labels))
        return
    module = DetectorTraining(detector, recipe.steps, recipe.learning_rate, recipe.weight_decay)
    pictures = TrainingPictures(rows.corpus, rows.train.tolist(), rows.train_labels.tolist(), detector)
    batches = loader(pictures, recipe.batch_size, recipe.steps_a_block, seed)
    resumable.fit(trainer, module, batches, folder, recipe.steps, recipe.steps_a_block)


def threshold(detector: Detector, rows: Rows, cache: Path, identity: str) -> float:
    """The logit that maximises balanced accuracy on the validation rows: fixed here, once, never on test pictures."""
    scores = logits(detector, rows.corpus, rows.val, Suite("none", 1, {CLEAN: []}), CLEAN, cache, identity)
    return best_threshold(scores, rows.val_labels)
