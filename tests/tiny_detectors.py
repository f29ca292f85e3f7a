"""Detectors of a few hundred weights, one for each way in which a detector can be fitted."""

from typing import Any

import torch
from torch import nn

from redqueen.detectors.base import Detector, FeatureDetector, to_tensor
from redqueen.errors import UserError


class Convolutions(Detector):
    """Trained as a whole; nothing in it looks at the rest of the batch."""

    def __init__(self, dropout=0.0):
        super().__init__()
        self.network = nn.Sequential(
            nn.Conv2d(3, 8, 3, stride=2), nn.GroupNorm(2, 8), nn.SiLU(), nn.Conv2d(8, 8, 3, stride=2), nn.SiLU()
        )
        self.dropout, self.head = nn.Dropout(dropout), nn.Linear(8, 1)

    def prepare(self, pixels, rng=None):
        picture = to_tensor(pixels)
        return picture.flip(-1) if rng is not None and rng.random() < 0.5 else picture

    def forward(self, batch):
        return self.head(self.dropout(self.network(batch - 0.5).mean(dim=(2, 3)))).squeeze(-1)


class Contrastive(Convolutions):
    """A loss of its own: cross-entropy, and a term that pulls pictures of one class together."""

    def loss(self, batch, labels):
        hidden = nn.functional.normalize(self.network(batch - 0.5).mean(dim=(2, 3)))
        same = (labels[:, None] == labels[None]).float() * 2 - 1
        return super().loss(batch, labels) - 0.1 * (hidden @ hidden.T * same).mean()


class Grid(FeatureDetector):
    """Frozen features (2, 8), of rows and of columns, under a head that is not linear."""

    def __init__(self, dropout=0.0):
        super().__init__(
            (2, 8),
            nn.Sequential(
                nn.Flatten(), nn.LayerNorm(16), nn.Dropout(dropout), nn.Linear(16, 8), nn.SiLU(), nn.Linear(8, 1)
            ),
        )

    identity = "grid-1"

    def prepare(self, pixels, rng=None):
        return to_tensor(pixels).mean(dim=0)

    def features(self, batch):
        steps = [batch.diff(dim=dim).abs().mean(dim=(3 - dim)) for dim in (1, 2)]
        return torch.stack(
            [nn.functional.adaptive_avg_pool1d(step[:, :30:2] - step[:, 1:31:2], 8) for step in steps], 1
        )


class Repetition(Detector):
    """Nothing to train: how much every second column repeats the one before it."""

    def prepare(self, pixels, rng=None):
        return to_tensor(pixels)

    def forward(self, batch):
        steps = batch.diff(dim=-1).abs().mean(dim=(1, 2))
        return 10 * (steps[:, 1::2].mean(dim=1) - steps[:, ::2].mean(dim=1))


def refuse(pixels: Any) -> Any:
    """In place of `prepare`."""
    raise UserError("this picture is refused")
