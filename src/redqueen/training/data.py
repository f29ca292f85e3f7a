"""Training pictures, drawn so that what step s sees depends on (seed, s) alone: a resumed run sees the same."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from redqueen.corpus.store import Corpus
from redqueen.detectors.base import Detector
from redqueen.files import seed_from


class Draw(NamedTuple):
    """Which row to take, and the seed of its augmentation."""

    position: int
    seed: int


class TrainingPictures(Dataset[tuple[Tensor, Tensor]]):
    """Rows of a corpus as the detector wants them in training, with float labels.

    Args:
        corpus: where the pictures lie.
        rows: indices into its table.
        labels: 0 or 1 for each of `rows`.
        detector: its `prepare` is applied, with a random generator.
    """

    def __init__(self, corpus: Corpus, rows: Sequence[int], labels: Sequence[int], detector: Detector) -> None:
        self.corpus, self.rows, self.labels, self.detector = corpus, list(rows), list(labels), detector

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self.rows)

    def __getitem__(self, draw: Draw) -> tuple[Tensor, Tensor]:
        """The prepared picture and its label, () float32."""
        rng = np.random.default_rng(draw.seed)
        pixels = self.corpus.pixels(self.rows[draw.position])
        return self.detector.prepare(pixels, rng), torch.tensor(float(self.labels[draw.position]))


class BalancedDraws(Sampler[Draw]):
    """As many human-made as generated pictures, each class reshuffled whenever it is used up; blocks of equal length.

    Args:
        labels: 0 or 1 for each position.
        per_block: draws a block ("epoch" to Lightning), even.
        seed: of everything random.
    """

    def __init__(self, labels: Sequence[int], per_block: int, seed: int) -> None:
        self.positions = [np.flatnonzero(np.asarray(labels) == label) for label in (0, 1)]
        self.per_block, self.seed, self.block = per_block, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Lightning calls this at the start of each block."""
        self.block = epoch

    def __len__(self) -> int:
        """Draws a block."""
        return self.per_block

    def __iter__(self) -> Iterator[Draw]:
        """Yield the block's draws, human-made and generated in turn."""
        half = self.per_block // 2
        start = self.block * half
        for number in range(start, start + half):
            for label, positions in enumerate(self.positions):
                turn, place = divmod(number, len(positions))
                order = self._order(label, turn, positions)
                yield Draw(int(order[place]), seed_from("augment", self.seed, label, number))

    def _order(self, label: int, turn: int, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        key = (label, turn)
        if getattr(self, "_kept", {}).get(label, (None,))[0] != key:
            order = np.random.default_rng(seed_from("order", self.seed, *key)).permutation(positions)
            self._kept = {**getattr(self, "_kept", {}), label: (key, order)}
        return np.asarray(self._kept[label][1])


def loader(
    pictures: TrainingPictures, batch_size: int, steps_a_block: int, seed: int
) -> DataLoader[tuple[Tensor, Tensor]]:
    """Batches of (pictures (B, …), labels (B,)), `steps_a_block` of them an "epoch"."""
    draws = BalancedDraws(pictures.labels, batch_size * steps_a_block, seed)
    return DataLoader(pictures, batch_size=batch_size, sampler=draws)
