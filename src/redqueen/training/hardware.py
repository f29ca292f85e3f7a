"""What a device wants of a network: the memory layout of its convolutions, compilation, shared batch statistics."""

from typing import Literal

import pytorch_lightning as pl
import torch
from timm.layers import convert_sync_batchnorm
from torch import nn

Mode = Literal["default", "reduce-overhead", "max-autotune"]


class Hardware(pl.Callback):
    """Lays out and compiles the network before the first step; names and values of its weights stay what they are.

    Args:
        channels_last: weights of convolutions in channels-last order, which tensor cores want; inputs follow them.
        sync_batchnorm: batch statistics over the pictures of all devices; with one device nothing changes. Lightning's
            own setting would drop the activations that timm's layers of batch norm hold.
        compile: mode of `torch.compile`, which takes a minute or more at the start; None does not compile.
    """

    def __init__(self, channels_last: bool = False, compile: Mode | None = None, sync_batchnorm: bool = False) -> None:
        self.channels_last, self.compile, self.sync_batchnorm = channels_last, compile, sync_batchnorm

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:  # noqa: ARG002
        """Lightning's hook, in each process before it wraps the module."""
        for network in pl_module.children():
            if self.sync_batchnorm and trainer.world_size > 1:
                synchronise(network)
            if self.channels_last:
                network.to(memory_format=torch.channels_last)
            if self.compile is not None:
                network.compile(mode=self.compile)  # in place: checkpoints hold the same names


def synchronise(network: nn.Module) -> None:
    """Put synchronised layers in the place of those of batch norm below `network`, under the same names."""
    for name, child in list(network.named_children()):
        setattr(network, name, convert_sync_batchnorm(child))
