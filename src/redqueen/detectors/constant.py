"""Control: the same score for every picture. Whatever exceeds its figures is the method's merit, or a leak."""

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from redqueen.detectors.base import FeatureDetector, Pixels


class Constant(FeatureDetector):
    """Knows the base rate of the training rows and nothing else: AUROC 0.5 by construction."""

    control: ClassVar[bool] = True
    input: ClassVar[str] = "nothing"

    def __init__(self) -> None:
        super().__init__((1,))

    @property
    def identity(self) -> str:
        """Nothing to depend on."""
        return "constant"

    def prepare(self, pixels: Pixels, rng: np.random.Generator | None = None) -> Tensor:  # noqa: ARG002
        """Nothing is read."""
        return torch.zeros(1)

    def features(self, batch: Tensor) -> Tensor:
        """Zeros, (B, 1): the head's bias decides."""
        return batch
