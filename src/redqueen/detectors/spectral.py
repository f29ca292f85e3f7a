"""Radial power spectrum and logistic regression.

Durall et al., "Watch your Up-Convolution", CVPR 2020 (arXiv 2003.01826): upsampling in a generator leaves its mark in
the azimuthally averaged power spectrum. Their classifier is linear as well; they resize nothing.
"""

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from redqueen.detectors.base import FeatureDetector, Pixels, centre_or_random_crop, to_tensor
from redqueen.errors import UserError

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601


class Spectral(FeatureDetector):
    """Log power at each radius of the spectrum of the luma, up to the Nyquist frequency.

    Args:
        size: side of the central crop, even; a smaller picture is an error.
    """

    paper: ClassVar[str] = "Durall et al., CVPR 2020, arXiv 2003.01826"
    input: ClassVar[str] = "256 px crop, never resized"
    radius: Tensor

    def __init__(self, size: int = 256) -> None:
        super().__init__((size // 2,))
        self.size = size
        frequency = torch.fft.fftfreq(size) * size
        distance = torch.sqrt(frequency[:, None] ** 2 + frequency[None, :] ** 2)
        # (size, size): the ring of each coefficient; corners beyond the Nyquist frequency go to a last ring, left out
        self.register_buffer("radius", distance.round().long().clamp(max=size // 2), persistent=False)

    @property
    def identity(self) -> str:
        """Crop size and version of the formula."""
        return f"spectral-{self.size}-1"

    def prepare(self, pixels: Pixels, rng: np.random.Generator | None = None) -> Tensor:  # noqa: ARG002
        """Luma of the central crop, (size, size) in [0, 1]."""
        crop = to_tensor(centre_or_random_crop(pixels, self.size, None))
        if crop.shape[1:] != (self.size, self.size):
            raise UserError(
                f"spectral: a picture of {pixels.shape[1]} x {pixels.shape[0]} pixels is smaller than its crop of "
                f"{self.size}: lower the detector's size"
            )
        return torch.einsum("chw,c->hw", crop, torch.tensor(LUMA))

    def features(self, batch: Tensor) -> Tensor:
        """Mean log power in each ring, (B, size / 2)."""
        power = torch.fft.fft2(batch - batch.mean(dim=(1, 2), keepdim=True), norm="ortho").abs() ** 2
        rings = self.radius.flatten().expand(len(batch), -1)  # (B, size * size)
        total = torch.zeros(len(batch), self.size // 2 + 1, device=batch.device)
        total.scatter_add_(1, rings, torch.log(power.flatten(1) + 1e-8))
        count = torch.bincount(self.radius.flatten(), minlength=self.size // 2 + 1)
        return (total / count)[:, : self.width]
