"""What a device wants of a network: the memory layout of its convolutions, and compilation."""

from typing import Literal

import pytorch_lightning as pl
import torch

Mode = Literal["default", "reduce-overhead", "max-autotune"]


class Hardware(pl.Callback):
    """Lays out and compiles the network before the first step; names and values of its weights stay what they are.

    Args:
        channels_last: weights of convolutions in channels-last order, which tensor cores want; inputs follow them.
        compile: mode of `torch.compile`, which takes a minute or more at the start; None does not compile.
    """

    def __init__(self, channels_last: bool = False, compile: Mode | None = None) -> None:
        self.channels_last, self.compile = channels_last, compile

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:  # noqa: ARG002
        """Lightning's hook, in each process before it wraps the module."""
        for network in pl_module.children():
            if self.channels_last:
                network.to(memory_format=torch.channels_last)
            if self.compile is not None:
                network.compile(mode=self.compile)  # in place: checkpoints hold the same names
