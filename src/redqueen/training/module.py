"""The Lightning module that trains any detector by gradient descent."""

import math
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from redqueen.detectors.base import Detector
from redqueen.errors import UserError


class DetectorTraining(pl.LightningModule):
    """Binary cross-entropy, AdamW, linear warm-up over the first 5 % of the steps and cosine decay to zero.

    Args:
        detector: what is trained.
        steps: optimiser steps in all.
        learning_rate: peak rate.
        weight_decay: of AdamW.
    """

    def __init__(self, detector: Detector, steps: int, learning_rate: float, weight_decay: float) -> None:
        super().__init__()
        self.detector = detector
        self.steps, self.learning_rate, self.weight_decay = steps, learning_rate, weight_decay

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:  # noqa: ARG002  (Lightning's hook)
        """Mean loss of a batch of (pictures, labels); raises UserError when it is not finite."""
        pictures, labels = batch
        loss = torch.nn.functional.binary_cross_entropy_with_logits(self.detector(pictures), labels)
        if not torch.isfinite(loss):
            raise UserError(f"the loss is {loss.item()} at step {self.global_step}: lower recipe.learning_rate")
        self.log("train/loss", loss)
        return loss

    def configure_optimizers(self) -> Any:
        """Optimiser and schedule."""
        parameters = [p for p in self.detector.parameters() if p.requires_grad]
        optimizer = torch.optim.AdamW(parameters, lr=self.learning_rate, weight_decay=self.weight_decay)
        warm = max(self.steps // 20, 1)

        def rate(step: int) -> float:
            return min((step + 1) / warm, 1.0) * 0.5 * (1 + math.cos(math.pi * min(step / self.steps, 1.0)))

        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
