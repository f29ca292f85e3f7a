"""Lightning training that a kill at any moment costs one block of steps, and that ends with the same weights.

What step s sees must depend on (seed, s) alone: see the samplers of `training.data` and `generation.lineage`. A block
is one "epoch" of the loader; the checkpoint at its end is written whole or not at all.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelCheckpoint, RichProgressBar

from redqueen.console import console

LAST = "last.ckpt"


def fit(
    trainer: Callable[..., pl.Trainer],
    module: pl.LightningModule,
    batches: Iterable[Any] | pl.LightningDataModule,
    folder: Path,
    steps: int,
    steps_a_block: int,
    extra: Mapping[str, Any] = MappingProxyType({}),
) -> int:
    """Train up to `steps`, from the last checkpoint in `folder` if there is one; returns how many steps were taken.

    `trainer` makes the Lightning trainer from `max_epochs`, `callbacks`, `enable_progress_bar`, `log_every_n_steps` and
    what is in `extra`; callbacks that a `functools.partial` gives it already are kept, and so are those of `extra`.
    """
    callbacks: list[pl.Callback] = [
        *_given(trainer),
        *extra.get("callbacks", ()),
        _StopAfter(steps),
        ModelCheckpoint(folder, filename="last", save_on_train_epoch_end=True, enable_version_counter=False),
    ]
    if console.is_terminal:
        callbacks.append(RichProgressBar(leave=False))
    settings = {
        **extra,
        "max_epochs": math.ceil(steps / steps_a_block),  # with max_steps Lightning resumes inside the finished block
        "callbacks": callbacks,
        "enable_progress_bar": console.is_terminal,
        "log_every_n_steps": steps_a_block,
    }
    runner = trainer(**settings)
    # under deterministic=true torch fills fresh memory with NaN, at some per cent of the time: nothing here reads it
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    last = folder / LAST
    # our own checkpoint: it holds optimiser state, which torch's weights-only loader refuses
    runner.fit(module, batches, ckpt_path=last if last.exists() else None, weights_only=False)
    return int(runner.global_step)


def forget(folder: Path) -> None:
    """Remove what a finished training could be resumed from: it holds the whole network, frozen or not."""
    (folder / LAST).unlink(missing_ok=True)


def _given(trainer: Callable[..., pl.Trainer]) -> list[pl.Callback]:
    """The callbacks that the settings give the trainer, one or several."""
    given = trainer.keywords.get("callbacks") if isinstance(trainer, partial) else None
    return [given] if isinstance(given, pl.Callback) else list(given or ())


class _StopAfter(pl.Callback):
    """Ends training within the last block where that is longer than what is left."""

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        """Lightning's hook."""
        trainer.should_stop = trainer.should_stop or trainer.global_step >= self.steps
