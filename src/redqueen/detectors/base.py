"""One interface for every detector: prepare a picture, score a batch, say what must be trained.

Logits are higher the more a picture looks AI-generated; the sigmoid is applied once, when predictions are written.
"""

from abc import ABC, abstractmethod
from typing import ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

Pixels = NDArray[np.uint8]


class Detector(nn.Module, ABC):
    """A binary classifier of pictures.

    `prepare` turns one picture into the tensor that `forward` takes a batch of; preprocessing travels with the method.
    A detector whose `reads` is "metadata" gets a row of `corpus.audit.metadata_features` in place of pixels.
    """

    reads: ClassVar[Literal["pixels", "metadata"]] = "pixels"
    control: ClassVar[bool] = False  # a control is no candidate: it shows what a result would look like without merit
    paper: ClassVar[str] = ""

    @abstractmethod
    def prepare(self, pixels: Pixels, rng: np.random.Generator | None = None) -> Tensor:
        """One picture, (height, width, 3) uint8, as the method's input tensor; `rng` is given in training alone."""

    @abstractmethod
    def forward(self, batch: Tensor) -> Tensor:
        """Logits, (B,), of a batch of prepared pictures."""

    def trained_state(self) -> dict[str, Tensor]:
        """What training changed: the tensors that a checkpoint holds."""
        return dict(self.state_dict())

    def load_trained(self, state: dict[str, Tensor]) -> None:
        """Take up what `trained_state` gave; raises RuntimeError on any missing or unexpected key."""
        self.load_state_dict(state, strict=True)


class FeatureDetector(Detector):
    """A linear head on features that no training changes: they are computed once and cached, the head is closed-form.

    Subclasses set `width` and `features`; `identity` names everything that the features depend on.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.head = nn.Linear(width, 1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    @property
    @abstractmethod
    def identity(self) -> str:
        """A text that changes whenever the features would: the key of their cache."""

    @abstractmethod
    def features(self, batch: Tensor) -> Tensor:
        """Features, (B, width) float32, of a batch of prepared pictures."""

    def forward(self, batch: Tensor) -> Tensor:
        """Logits, (B,)."""
        return self.score(self.features(batch))

    def score(self, features: Tensor) -> Tensor:
        """Logits, (B,), of features, (B, width); in float64, so that the batch size leaves no trace."""
        weight, bias = self.head.weight.double(), self.head.bias.double()
        return torch.nn.functional.linear(features.double(), weight, bias).squeeze(-1).float()

    def trained_state(self) -> dict[str, Tensor]:
        """The head."""
        return dict(self.head.state_dict())

    def load_trained(self, state: dict[str, Tensor]) -> None:
        """Take up a head."""
        self.head.load_state_dict(state, strict=True)


def centre_or_random_crop(pixels: Pixels, size: int, rng: np.random.Generator | None) -> Pixels:
    """A square of `size` pixels, never resized: random with `rng`, else central; a smaller picture stays as it is."""
    height, width = (min(size, side) for side in pixels.shape[:2])
    spare = pixels.shape[0] - height, pixels.shape[1] - width
    top, left = (int(rng.integers(s + 1)) for s in spare) if rng else (s // 2 for s in spare)
    return pixels[top : top + height, left : left + width]


def to_tensor(pixels: Pixels) -> Tensor:
    """(height, width, 3) uint8 to (3, height, width) float32 in [0, 1]."""
    return torch.from_numpy(np.array(pixels)).permute(2, 0, 1).float() / 255
