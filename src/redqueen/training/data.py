"""Training and validation pictures as Lightning loads them, by any number of processes, for any number of devices.

A global batch is what one optimiser step sees. It is cut into equal pieces, one for each device and each part that
gradients are accumulated over: all of them together see what one device would see at once.
"""

import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler, default_collate

from redqueen.corpus.store import Corpus
from redqueen.detectors.base import Detector
from redqueen.detectors.one_pass import check_sizes, what_it_reads
from redqueen.errors import RejectedPictureError, UserError
from redqueen.training.augment import Augmentation
from redqueen.training.balance import Draw, Draws, Positions
from redqueen.training.canvas import Canvas
from redqueen.training.failures import unreadable
from redqueen.training.recipe import Recipe

_MOST_WORKERS = 16

Item = tuple[Tensor, Tensor, Tensor]  # prepared picture or features, label () float32, position () int64


@dataclass(frozen=True)
class Loading:
    """How pictures get to the device; changes the speed and nothing else.

    Args:
        workers: processes a device that decode, augment and prepare; 0 does it in the training process. None: one a
            core, at most 16, if there is CUDA, else 0.
        prefetch: batches that each worker has ready.
        decoded: gibibytes of decoded pictures to keep on disk at most; where they take more, each picture is decoded
            whenever it is drawn, as with 0.
    """

    workers: int | None = None
    prefetch: int = 2
    decoded: float = 16.0

    def __post_init__(self) -> None:
        """Refuse what is no number of processes."""
        if (self.workers or 0) < 0 or self.prefetch < 1:
            raise UserError(f"loading: workers={self.workers} must be at least 0, prefetch={self.prefetch} at least 1")
        if self.decoded < 0:
            raise UserError(f"loading.decoded={self.decoded}: must be at least 0")

    def __call__(self, items: Dataset[Item], sampler: Sampler[Draw], batch_size: int) -> DataLoader[Item]:
        """Batches of the items in the sampler's order."""
        cuda = torch.cuda.is_available()
        workers = min(os.cpu_count() or 1, _MOST_WORKERS) * cuda if self.workers is None else self.workers
        return DataLoader(
            items,
            batch_size=batch_size,
            sampler=sampler,
            collate_fn=items.batch if isinstance(items, Pictures) else None,
            num_workers=workers,
            prefetch_factor=self.prefetch if workers else None,
            persistent_workers=workers > 0,
            pin_memory=cuda,
            generator=torch.Generator(),  # its own: the seeds that it deals out must not be taken from the network's
        )


class Pictures(Dataset[Item]):
    """Rows of a corpus as the detector wants them.

    Args:
        corpus: where the pictures lie.
        rows: indices into its table.
        labels: 0 or 1 for each of `rows`.
        detector: its `prepare` is applied.
        augment: applied before; None: this is no training, so that `prepare` gets no random generator either.
        canvas: the same pictures decoded, for a detector that reads pixels.
    """

    def __init__(
        self,
        corpus: Corpus,
        rows: Positions,
        labels: Positions,
        detector: Detector,
        augment: Augmentation | None,
        canvas: Canvas | None = None,
    ) -> None:
        self.corpus, self.rows, self.labels = corpus, rows, labels
        self.detector, self.augment, self.canvas = detector, augment, canvas

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self.rows)

    def __getitem__(self, draw: Draw) -> Item:
        """The prepared picture, its label and its position; raises UserError if it cannot be read."""
        given = self._read(int(self.rows[draw.position]))
        rng = None if self.augment is None else np.random.default_rng(draw.seed)
        if self.augment is not None and rng is not None and self.detector.reads == "pixels":
            given = self.augment(given, rng)
        label = torch.tensor(float(self.labels[draw.position]))
        return self.detector.prepare(given, rng), label, torch.tensor(draw.position)

    def batch(self, items: Sequence[Item]) -> list[Tensor]:
        """Items as one batch; raises UserError if they are of several sizes."""
        check_sizes(self.detector, [prepared for prepared, _, _ in items])
        return list(default_collate(list(items)))

    def _read(self, row: int) -> NDArray[Any]:
        try:
            return self.canvas.pixels(row) if self.canvas else what_it_reads(self.detector, self.corpus, row)
        except RejectedPictureError as error:
            image_id = str(self.corpus.column("image_id")[row])
            raise unreadable(self.corpus.folder, image_id, str(error)) from None


class Features(Dataset[Item]):
    """Cached features of rows, (n, *shape), with labels (n,): what a head alone is trained on."""

    def __init__(self, features: NDArray[np.float32], labels: Positions) -> None:
        self.features, self.labels = torch.from_numpy(features), labels

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self.features)

    def __getitem__(self, draw: Draw) -> Item:
        """Features, label, position."""
        label = torch.tensor(float(self.labels[draw.position]))
        return self.features[draw.position], label, torch.tensor(draw.position)


class Share(Sampler[Draw]):
    """One device's draws of a block, a piece of a global batch after the other.

    Args:
        draws: the sequence that all devices share.
        batch_size: of a global batch.
        steps: optimiser steps a block ("epoch" to Lightning).
        parts: pieces a device and step.
        rank: of this device.
        world: devices in all.
    """

    def __init__(self, draws: Draws, batch_size: int, steps: int, parts: int, rank: int, world: int) -> None:
        if batch_size % (parts * world):
            raise UserError(
                f"recipe.batch_size={batch_size}: {world} device(s) with {parts} part(s) each cannot share it evenly; "
                f"give a multiple of {math.lcm(parts * world, 2)}"
            )
        self.draws, self.batch_size, self.steps, self.parts = draws, batch_size, steps, parts
        self.rank, self.world, self.block = rank, world, 0

    @property
    def piece(self) -> int:
        """Pictures that the device has at a time."""
        return self.batch_size // (self.parts * self.world)

    def set_epoch(self, epoch: int) -> None:
        """Lightning calls this at the start of each block."""
        self.block = epoch

    def __len__(self) -> int:
        """Draws a block."""
        return self.piece * self.parts * self.steps

    def __iter__(self) -> Iterator[Draw]:
        """The block's draws; with one device and one part all of them, in their order."""
        for step in range(self.block * self.steps, (self.block + 1) * self.steps):
            for part in range(self.parts):
                first = step * self.batch_size + (part * self.world + self.rank) * self.piece
                yield from self.draws.between(first, first + self.piece)


class Once(Sampler[Draw]):
    """Every position once, dealt out over the devices; some get a first position again, so that all have as many.

    Args:
        count: positions.
        rank: of this device.
        world: devices in all.
    """

    def __init__(self, count: int, rank: int, world: int) -> None:
        padded = -(-count // world) * world
        self.positions = [number % count for number in range(rank, padded, world)]

    def __len__(self) -> int:
        """Positions of this device."""
        return len(self.positions)

    def __iter__(self) -> Iterator[Draw]:
        """The positions in ascending order; there is nothing random to seed."""
        return iter(Draw(position, 0) for position in self.positions)


class TrainingData(pl.LightningDataModule):
    """What Lightning asks for the batches of (inputs (B, …), labels (B,), positions (B,)).

    Args:
        train: training items.
        val: validation items.
        draws: the order of the training items.
        recipe: batch size and length of a block.
        loading: how the items get to the device.
    """

    def __init__(
        self, train: Dataset[Item], val: Dataset[Item], draws: Draws, recipe: Recipe, loading: Loading
    ) -> None:
        super().__init__()
        self.train, self.val, self.draws, self.recipe, self.loading = train, val, draws, recipe, loading

    def train_dataloader(self) -> DataLoader[Item]:
        """A block of this device's pieces of the global batches."""
        share = self._share()
        # worker processes start on the first block before Lightning has told the sampler which one it is
        progress: Any = self._trainer.fit_loop.epoch_progress.current
        share.set_epoch(progress.processed)
        return self.loading(self.train, share, share.piece)

    def val_dataloader(self) -> DataLoader[Item]:
        """All validation items once, this device's part of them."""
        once = Once(len(self.val), self._trainer.global_rank, self._trainer.world_size)  # type: ignore[arg-type]
        return self.loading(self.val, once, self._share().piece)

    def _share(self) -> Share:
        trainer = self._trainer
        parts, rank, world = trainer.accumulate_grad_batches, trainer.global_rank, trainer.world_size
        return Share(self.draws, self.recipe.batch_size, self.recipe.steps_a_block, parts, rank, world)

    @property
    def _trainer(self) -> pl.Trainer:
        assert self.trainer is not None, "Lightning attaches it before it asks for batches"
        return self.trainer
