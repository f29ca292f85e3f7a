"""How a detector is trained: everything that changes its weights, and nothing that only changes the speed."""

from dataclasses import dataclass
from typing import Literal

from redqueen.errors import UserError
from redqueen.training.augment import Augmentation, Untouched

Balance = Literal["class", "generator", "none"]
BalanceBy = Literal["sampling", "weights"]


@dataclass(frozen=True)
class Recipe:
    """How a detector is trained.

    A head with a closed form takes `balance` and `augment` alone: it sees every row once, weighted where `balance` is
    "generator" or `balance_by` is "weights".

    Args:
        steps: optimiser steps, at most.
        batch_size: pictures an optimiser step, over all devices and parts; even where classes are balanced.
        learning_rate: peak rate.
        weight_decay: of AdamW.
        steps_a_block: steps between two checkpoints: what a kill can cost.
        balance: "class": as many human-made as generated pictures; "generator": moreover every generator equally often
            within the generated half, every kind of picture within the human-made half; "none": as the rows are.
        balance_by: "sampling" draws so; "weights" draws every row equally often and weighs its loss.
        accumulate: parts that each device's share of a batch is worked off in, one after the other, where memory is
            short; 1 leaves it to the trainer's `accumulate_grad_batches`. The gradient is that of the whole batch
            unless the network normalises over a batch or the loss compares pictures of a batch.
        clip: largest norm of the gradient; None leaves it to the trainer's `gradient_clip_val`.
        patience: blocks without a better AUROC on validation after which training stops; the best block's weights are
            kept. None: all steps, the last weights.
        augment: changes a training picture before the detector prepares it.
    """

    steps: int = 300
    batch_size: int = 32
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    steps_a_block: int = 20
    balance: Balance = "class"
    balance_by: BalanceBy = "sampling"
    accumulate: int = 1
    clip: float | None = None
    patience: int | None = None
    augment: Augmentation = Untouched()

    def __post_init__(self) -> None:
        """Refuse what cannot be followed."""
        for name in ("steps", "batch_size", "steps_a_block", "accumulate", "patience"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise UserError(f"recipe.{name}={value}: must be at least 1")
        if self.clip is not None and self.clip <= 0:
            raise UserError(f"recipe.clip={self.clip}: must be over 0, or null for no clipping")
        if self.sampled and self.batch_size % 2:
            raise UserError(
                f"recipe.batch_size={self.batch_size}: must be even, half of a batch is human-made; "
                "or set recipe.balance=none or recipe.balance_by=weights"
            )

    @property
    def sampled(self) -> bool:
        """Whether classes are balanced within each batch."""
        return self.balance != "none" and self.balance_by == "sampling"
