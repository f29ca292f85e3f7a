"""Early stopping that a kill does not disturb: what it knows, best weights included, lies in Lightning's checkpoint."""

from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.strategies import FSDPStrategy, ModelParallelStrategy
from torch import Tensor

from redqueen.detectors.base import Detector
from redqueen.errors import UserError
from redqueen.training.module import AUROC


class Patience(pl.Callback):
    """Stops when validation AUROC has not risen for some blocks; leaves the best block's weights in the detector.

    Args:
        detector: what is trained.
        blocks: in a row without a new best, after which training stops.
    """

    def __init__(self, detector: Detector, blocks: int) -> None:
        self.detector, self.blocks = detector, blocks
        self.best, self.waited = -1.0, 0
        self.weights: dict[str, Tensor] = {}

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:  # noqa: ARG002
        """Refuse a strategy under which no process holds the whole network."""
        if isinstance(trainer.strategy, FSDPStrategy | ModelParallelStrategy):
            raise UserError("recipe.patience: weights in shards are not kept aside; set it to null or take trainer=ddp")

    def state_dict(self) -> dict[str, Any]:
        """What goes on where it stopped."""
        return {"best": self.best, "waited": self.waited, "weights": self.weights}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take it up."""
        self.best, self.waited, self.weights = (state_dict[name] for name in ("best", "waited", "weights"))

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002
        """A run that was killed after its last block has nothing more to do."""
        trainer.should_stop = trainer.should_stop or self.waited >= self.blocks

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002
        """Compare."""
        value = float(trainer.callback_metrics[AUROC])
        if value > self.best:
            self.best, self.waited = value, 0
            self.weights = {name: one.detach().cpu().clone() for name, one in self.detector.trained_state().items()}
        else:
            self.waited += 1
            trainer.should_stop = trainer.should_stop or self.waited >= self.blocks

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002
        """Go back to the best weights."""
        if self.weights:
            self.detector.load_trained(self.weights)
