"""A linear probe on a frozen backbone.

Ojha et al., "Towards Universal Fake Image Detectors that Generalize Across Generative Models", CVPR 2023 (arXiv
2302.10174) showed that a linear head on features never trained for the task generalises better than a trained network.
"""

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from redqueen.detectors.backbones import Backbone
from redqueen.detectors.base import FeatureDetector, Pixels, centre_or_random_crop, to_tensor


class LinearProbe(FeatureDetector):
    """Pooled features of a frozen backbone under a linear head.

    Args:
        backbone: the network, its weights and what it expects of a picture.
        crop: side of the central crop of the picture; a smaller picture is taken whole.
        resize: side to which the crop is scaled (bilinear, antialiased); None feeds the crop as it is.
    """

    paper: ClassVar[str] = "Ojha et al., CVPR 2023, arXiv 2302.10174"

    def __init__(self, backbone: Backbone, crop: int = 224, resize: int | None = None) -> None:
        super().__init__(width=backbone.width)
        self.backbone = backbone
        self.network = backbone.network.eval().requires_grad_(False)
        self.crop, self.resize = crop, resize

    @property
    def identity(self) -> str:
        """Weights and preprocessing."""
        return f"probe-{self.backbone.digest}-{self.crop}-{self.resize}-1"

    def train(self, mode: bool = True) -> "LinearProbe":
        """The backbone stays in evaluation mode: its running statistics are not ours to change."""
        super().train(mode)
        self.network.eval()
        return self

    def prepare(self, pixels: Pixels, rng: np.random.Generator | None = None) -> Tensor:
        """Normalised central crop, (3, S, S) with S = resize or crop."""
        picture = to_tensor(centre_or_random_crop(pixels, self.crop, rng))
        if self.resize is not None and picture.shape[1:] != (self.resize, self.resize):
            size = (self.resize, self.resize)
            picture = torch.nn.functional.interpolate(picture[None], size, mode="bilinear", antialias=True)[0]
        mean, std = (torch.tensor(values)[:, None, None] for values in (self.backbone.mean, self.backbone.std))
        return (picture - mean) / std

    def features(self, batch: Tensor) -> Tensor:
        """Pooled features, (B, width)."""
        return torch.as_tensor(self.network(batch))
