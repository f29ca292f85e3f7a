"""The Lightning module that trains any detector, or the head of one on cached features, by gradient descent."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from redqueen.detectors.base import Detector, FeatureDetector
from redqueen.files import seed_from
from redqueen.metrics.functional import auroc
from redqueen.training.failures import check_gradients, not_finite
from redqueen.training.recipe import Recipe

AUROC = "val/auroc"

Batch = tuple[Tensor, Tensor, Tensor]  # inputs (B, …), labels (B,) float, positions (B,)


@dataclass(frozen=True)
class Task:
    """What training must know of the rows.

    Attributes:
        image_ids: of the training rows, by position.
        val_labels: labels of the validation rows, by position.
        folder: where the pictures of a batch that went wrong are listed.
        seed: of dropout and the like.
        weights: what the loss of each training row weighs, by position; None: all the same, as the detector's own loss.
    """

    image_ids: NDArray[np.object_]
    val_labels: NDArray[np.int64]
    folder: Path
    seed: int
    weights: NDArray[np.float64] | None = None


class DetectorTraining(pl.LightningModule):
    """The detector's loss, AdamW, linear warm-up over the first 5 % of the steps and cosine decay to zero.

    Args:
        detector: what is trained.
        recipe: steps, rate and decay.
        task: the rows.
        cached: inputs are features of a `FeatureDetector`, not prepared pictures.
    """

    def __init__(self, detector: Detector, recipe: Recipe, task: Task, cached: bool = False) -> None:
        super().__init__()
        self.detector, self.recipe, self.task, self.cached = detector, recipe, task, cached
        self._weights = None if task.weights is None else torch.from_numpy(task.weights).float()
        self._last: tuple[int, Tensor, Tensor] | None = None  # step, loss, positions of the batch before
        self._gradients_checked = False
        self._scores = torch.zeros(0)  # (2, validation rows): sum of logits, how many

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Mean loss of a batch; what is random in the network depends on (seed, step, part, device) alone."""
        self._check_loss()
        torch.manual_seed(seed_from("step", self.task.seed, self.global_step, batch_idx, self.global_rank))
        loss = self._loss(*batch)
        self._last = (self.global_step, loss.detach(), batch[2])
        self.log("train/loss", loss)
        return loss

    def on_after_backward(self) -> None:
        """Lightning's hook; looks at the first gradients alone."""
        if not self._gradients_checked:
            check_gradients(self.detector)
            self._gradients_checked = True

    def on_train_epoch_end(self) -> None:
        """Lightning's hook, before the block's checkpoint is written."""
        self._check_loss()

    def on_validation_epoch_start(self) -> None:
        """Lightning's hook."""
        self._scores = torch.zeros(2, len(self.task.val_labels), device=self.device)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:  # noqa: ARG002  (Lightning's hook)
        """Keep the logits."""
        found = self._score(batch[0]).float()
        self._scores.index_add_(1, batch[2], torch.stack([found, torch.ones_like(found)]))

    def on_validation_epoch_end(self) -> None:
        """AUROC over the validation rows of all devices."""
        total: Any = self.trainer.strategy.reduce(self._scores, reduce_op="sum")
        scores = (total[0] / total[1]).cpu().numpy()
        value = auroc(scores, self.task.val_labels)
        assert value is not None, "Rows.choose refuses validation rows of one class"
        self.log(AUROC, value, rank_zero_only=False)

    def configure_optimizers(self) -> Any:
        """Optimiser and schedule."""
        parameters = [p for p in self.detector.parameters() if p.requires_grad]
        optimizer = torch.optim.AdamW(parameters, lr=self.recipe.learning_rate, weight_decay=self.recipe.weight_decay)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, self._rate)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def _rate(self, step: int) -> float:
        """Share of the peak rate."""
        steps = self.recipe.steps
        return min((step + 1) / max(steps // 20, 1), 1.0) * 0.5 * (1 + math.cos(math.pi * min(step / steps, 1.0)))

    def _loss(self, inputs: Tensor, labels: Tensor, positions: Tensor) -> Tensor:
        if self._weights is not None:
            weights = self._weights[positions.cpu()].to(labels.device)
            return binary_cross_entropy_with_logits(self._score(inputs), labels, weights)
        if self.cached and isinstance(self.detector, FeatureDetector):
            return self.detector.head_loss(inputs, labels)
        return self.detector.loss(inputs, labels)

    def _score(self, inputs: Tensor) -> Tensor:
        if self.cached and isinstance(self.detector, FeatureDetector):
            return self.detector.score(inputs)
        return torch.as_tensor(self.detector(inputs))

    def _check_loss(self) -> None:
        """Look at the loss of the batch before: waiting for that of this one would keep a GPU idle."""
        if self._last is not None and not torch.isfinite(self._last[1]):
            step, loss, positions = self._last
            ids = [str(one) for one in self.task.image_ids[positions.cpu().numpy()]]
            raise not_finite(loss.item(), step, ids, self.task.folder)
