"""One interface for every detector: prepare a picture, score a batch, say what must be trained and by what loss.

Logits are higher the more a picture looks AI-generated; the sigmoid is applied once, when predictions are written.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, linear

from redqueen.detectors.heat import HeatMap

Pixels = NDArray[np.uint8]


class Detector(nn.Module, ABC):
    """A binary classifier of pictures.

    `prepare` turns one picture into the tensor that `forward` takes a batch of; preprocessing travels with the method.
    A detector whose `reads` is "metadata" gets a row of `corpus.audit.metadata_features` in place of pixels. One
    without a parameter to train is used as it is.

    Attributes:
        turn: at a batch, among detectors that share a pass; what 0 sees on its way is known to 1 (`backbones.looks`).
        reads: what `prepare` is given.
        control: True for what is no candidate: it shows what a result would look like without merit.
        paper: "Author et al., VENUE YEAR, arXiv NNNN.NNNNN".
        input: what the method sees of a picture, such as "256 px crop, never resized".
        weights: the published weights and their licence; empty if there are none.
    """

    turn: ClassVar[int] = 1
    reads: ClassVar[Literal["pixels", "metadata"]] = "pixels"
    control: ClassVar[bool] = False
    paper: ClassVar[str] = ""
    input: ClassVar[str] = ""
    weights: ClassVar[str] = ""

    @abstractmethod
    def prepare(self, pixels: Pixels, rng: np.random.Generator | None = None) -> Tensor:
        """One picture, (height, width, 3) uint8, as the method's input tensor; `rng` is given in training alone."""

    @abstractmethod
    def forward(self, batch: Tensor) -> Tensor:
        """Logits, (B,), of a batch of prepared pictures."""

    def loss(self, batch: Tensor, labels: Tensor) -> Tensor:
        """What training lowers, (): binary cross-entropy of prepared pictures (B, …) with labels (B,) float, 0 or 1."""
        return binary_cross_entropy_with_logits(self(batch), labels)

    def heat_map(self, pixels: Pixels) -> HeatMap | None:  # noqa: ARG002  (most methods have none)
        """Where in a picture, (height, width, 3) uint8, the logit comes from; None where that has no exact answer."""
        return None

    def trained_state(self) -> dict[str, Tensor]:
        """What training changed: the tensors that a checkpoint holds."""
        return dict(self.state_dict())

    def load_trained(self, state: dict[str, Tensor]) -> None:
        """Take up what `trained_state` gave; raises RuntimeError on any missing or unexpected key."""
        self.load_state_dict(state, strict=True)


class FeatureDetector(Detector):
    """A head on features that no training changes: they are computed once and cached, and only the head is trained.

    Args:
        shape: of one picture's features.
        head: maps features, (B, *shape), to logits, (B,) or (B, 1); None: linear, all zeros before training. A head
            that is one `nn.Linear` takes the features flattened and is fitted in closed form; any other is trained by
            gradient descent on the cached features.
    """

    def __init__(self, shape: tuple[int, ...], head: nn.Module | None = None) -> None:
        super().__init__()
        self.shape = shape
        self.head = head or zeros(nn.Linear(math.prod(shape), 1))

    @property
    def width(self) -> int:
        """Numbers a picture."""
        return math.prod(self.shape)

    @property
    @abstractmethod
    def identity(self) -> str:
        """A text that changes whenever the features would: the key of their cache."""

    @abstractmethod
    def features(self, batch: Tensor) -> Tensor:
        """Features, (B, *shape) float32, of a batch of prepared pictures."""

    def forward(self, batch: Tensor) -> Tensor:
        """Logits, (B,)."""
        return self.score(self.features(batch))

    def score(self, features: Tensor) -> Tensor:
        """Logits, (B,), of features, (B, *shape); a linear head in float64, so that the batch size leaves no trace."""
        if isinstance(self.head, nn.Linear):
            weight, bias = self.head.weight.double(), self.head.bias.double()
            return linear(features.flatten(1).double(), weight, bias).squeeze(-1).float()
        return torch.as_tensor(self.head(features)).reshape(len(features))

    def loss(self, batch: Tensor, labels: Tensor) -> Tensor:
        """The head's loss on the features of a batch of prepared pictures."""
        return self.head_loss(self.features(batch), labels)

    def head_loss(self, features: Tensor, labels: Tensor) -> Tensor:
        """What training the head lowers, (): binary cross-entropy of features (B, *shape) with labels (B,) float."""
        return binary_cross_entropy_with_logits(self.score(features), labels)

    def trained_state(self) -> dict[str, Tensor]:
        """The head."""
        return dict(self.head.state_dict())

    def load_trained(self, state: dict[str, Tensor]) -> None:
        """Take up a head."""
        self.head.load_state_dict(state, strict=True)


class JointDetector(Detector):
    """A detector made of others: training fits each of them in its own way, then `join` on validation pictures.

    Inference asks each for its logits, so that features that a part has cached are not computed again.
    """

    @abstractmethod
    def parts(self) -> Mapping[str, Detector]:
        """The detectors that it is made of, by name."""

    @abstractmethod
    def combine(self, logits: Tensor) -> Tensor:
        """Its logits, (B,), of those of the parts, (B, parts) in the order of `parts`; NaN where one is NaN."""

    @abstractmethod
    def join(self, logits: NDArray[np.float32], labels: NDArray[np.int64]) -> None:
        """Fit `combine` to the parts' logits, (n, parts), of validation pictures; a picture that failed is NaN."""


def zeros(layer: nn.Linear) -> nn.Linear:
    """The layer with weights and bias of zero."""
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def centre_or_random_crop(pixels: Pixels, size: int, rng: np.random.Generator | None) -> Pixels:
    """A square of `size` pixels, never resized: random with `rng`, else central; a smaller picture stays as it is."""
    height, width = (min(size, side) for side in pixels.shape[:2])
    spare = pixels.shape[0] - height, pixels.shape[1] - width
    top, left = (int(rng.integers(s + 1)) for s in spare) if rng else (s // 2 for s in spare)
    return pixels[top : top + height, left : left + width]


def to_tensor(pixels: Pixels) -> Tensor:
    """(height, width, 3) uint8 to (3, height, width) float32 in [0, 1], contiguous."""
    return torch.from_numpy(np.array(pixels.transpose(2, 0, 1), order="C")).float().div_(255)
