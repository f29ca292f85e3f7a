"""A linear probe on a frozen backbone.

Ojha et al., "Towards Universal Fake Image Detectors that Generalize Across Generative Models", CVPR 2023 (arXiv
2302.10174) showed that a linear head on features never trained for the task generalises better than a trained network.
Their detector, UnivFD, is the probe on CLIP ViT-L/14 with a crop of 224 pixels that is never resized.

The authors blur and compress in training (as CNNDetection does). Here features are computed once and cached, so that
the head is fitted on pictures as they are.
"""

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from redqueen.detectors import published
from redqueen.detectors.backbones import Backbone, looks
from redqueen.detectors.base import FeatureDetector, Pixels, centre_or_random_crop, to_tensor
from redqueen.detectors.crops import black_crop
from redqueen.detectors.heat import HeatMap, central_box, of_network
from redqueen.errors import UserError

HEAD = {"weight": "weight", "bias": "bias"}  # of the authors' fc_weights.pth: (1, 768) and (1,)


class LinearProbe(FeatureDetector):
    """Pooled features of a frozen backbone under a linear head.

    Args:
        backbone: the network, its weights and what it expects of a picture.
        crop: side of the central crop of the picture; None takes the central square of the whole picture, scaled to
            the size and by the interpolation of the backbone.
        resize: side to which the crop is scaled (bilinear, antialiased); None feeds the crop as it is.
        pad: a picture under the crop gets a black border, as the authors' crop does it and as a network of one input
            size needs it; else it is taken whole.
        weights: a published head for this backbone, such as the authors' fc_weights.pth for CLIP ViT-L/14.
        frozen: use the published weights as they are and train nothing; None: if `weights` are given.
    """

    paper: ClassVar[str] = "Ojha et al., CVPR 2023, arXiv 2302.10174"
    input: ClassVar[str] = "224 px crop, or resized, as the backbone wants it"
    weights: ClassVar[str] = "head for CLIP ViT-L/14, authors': MIT"

    def __init__(
        self,
        backbone: Backbone,
        crop: int | None = 224,
        resize: int | None = None,
        pad: bool = False,
        weights: str | None = None,
        frozen: bool | None = None,
    ) -> None:
        super().__init__((backbone.width,))
        if crop is None and (resize is not None or pad):
            raise UserError("crop=null takes the whole picture at the backbone's own size: leave out resize and pad")
        self.backbone = backbone
        self.network = backbone.network.eval().requires_grad_(False)
        self.crop, self.resize, self.pad = crop, resize, pad
        if weights is not None:
            published.load(self.head, published.read(weights), HEAD)
        published.freeze(self, weights, frozen)

    @property
    def identity(self) -> str:
        """Weights and preprocessing."""
        return f"probe-{self.backbone.digest}-{self.crop}-{self.resize}-1" + "-padded" * self.pad

    def train(self, mode: bool = True) -> "LinearProbe":
        """The backbone stays in evaluation mode: its running statistics are not ours to change."""
        super().train(mode)
        self.network.eval()
        return self

    def prepare(self, pixels: Pixels, rng: np.random.Generator | None = None) -> Tensor:
        """Normalised crop, (3, S, S) with S = resize or crop, or the whole picture at the backbone's size."""
        if self.crop is None:
            return self.backbone.prepare(pixels)
        picture = to_tensor((black_crop if self.pad else centre_or_random_crop)(pixels, self.crop, rng))
        if self.resize is not None and picture.shape[1:] != (self.resize, self.resize):
            size = (self.resize, self.resize)
            picture = torch.nn.functional.interpolate(picture[None], size, mode="bilinear", antialias=True)[0]
        return self.backbone.normalise(picture)

    def features(self, batch: Tensor) -> Tensor:
        """Pooled features, (B, width)."""
        found = looks.known(self.backbone.digest, batch)
        return torch.as_tensor(self.network(batch)) if found is None else found

    def heat_map(self, pixels: Pixels) -> HeatMap | None:
        """Exact where the backbone's features are the plain mean of a map."""
        height, width = pixels.shape[:2]
        side = self.crop or min(height, width)
        sides = (side, side) if self.pad or self.crop is None else (min(side, height), min(side, width))
        if not isinstance(self.head, nn.Linear):
            return None
        return of_network(self.network, self.head, self.prepare(pixels), central_box(pixels, *sides))
