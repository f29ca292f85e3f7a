"""CNNDetection: a plain ResNet-50 that sees blurred and compressed pictures in training.

Wang et al., "CNN-generated images are surprisingly easy to spot... for now", CVPR 2020 (arXiv 1912.11035). The paper's
point is the augmentation: blur and JPEG, each with a probability of 0.5 or 0.1, let a detector trained on one generator
find others. Pictures are augmented whole, then cropped and never scaled; a picture under the crop is continued by
reflection. The authors compress with OpenCV or Pillow, chosen at random: both call libjpeg, so Pillow stands for both.
"""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from torch import Tensor, nn

from redqueen.detectors import published
from redqueen.detectors.base import Detector, Pixels, to_tensor
from redqueen.detectors.crops import reflected_crop
from redqueen.detectors.residual import DEPTHS, IMAGENET_MEAN, IMAGENET_STD, WIDTH, residual_network
from redqueen.perturbations.functional import jpeg

SIGMA = (0.0, 3.0)  # pixels: standard deviation of the blur
QUALITY = (30, 100)  # of libjpeg, both included


class CNNDetection(Detector):
    """ResNet-50 with one logit.

    Args:
        size: side of the crop; the network pools globally.
        blur: probability in training of a Gaussian blur (the authors publish 0.5 and 0.1).
        compression: likewise of JPEG.
        depths: bottleneck blocks in each stage.
        width: channels of the first stage's bottlenecks.
        imagenet: weights of an ImageNet classifier under torchvision's names, from which the authors start; None:
            random ones.
        weights: the authors' blur_jpg_prob0.5.pth or blur_jpg_prob0.1.pth.
        frozen: use the published weights as they are and train nothing; None: if `weights` are given.
    """

    paper: ClassVar[str] = "Wang et al., CVPR 2020, arXiv 1912.11035"
    input: ClassVar[str] = "224 px crop, never resized; in training blurred and compressed"
    weights: ClassVar[str] = "authors': CC BY-NC-SA 4.0"

    def __init__(  # noqa: PLR0913, PLR0917  (what the paper varies)
        self,
        size: int = 224,
        blur: float = 0.5,
        compression: float = 0.5,
        depths: Sequence[int] = DEPTHS,
        width: int = WIDTH,
        imagenet: str | None = None,
        weights: str | None = None,
        frozen: bool | None = None,
    ) -> None:
        super().__init__()
        self.size, self.blur, self.compression = size, blur, compression
        self.network = residual_network(3, 1, depths, width, imagenet)
        nn.init.normal_(self.network.fc.weight, std=0.02)  # as the authors' code
        if weights is not None:
            published.load(self.network, published.read(weights, inside="model"), str)
        published.freeze(self, weights, frozen)

    def prepare(self, pixels: Pixels, rng: np.random.Generator | None = None) -> Tensor:
        """Normalised crop, (3, size, size): central, or in training blurred, compressed, random and mirrored."""
        if rng is not None:
            pixels = self._augmented(pixels, rng)
        crop = to_tensor(reflected_crop(pixels, self.size, rng))
        mean, std = (torch.tensor(values)[:, None, None] for values in (IMAGENET_MEAN, IMAGENET_STD))
        picture = (crop - mean) / std
        return picture.flip(-1) if rng is not None and rng.random() < 0.5 else picture

    def forward(self, batch: Tensor) -> Tensor:
        """Logits, (B,), of (B, 3, H, W)."""
        return torch.as_tensor(self.network(batch).squeeze(-1))

    def _augmented(self, pixels: Pixels, rng: np.random.Generator) -> Pixels:
        if rng.random() < self.blur:
            pixels = blurred(pixels, float(rng.uniform(*SIGMA)))
        if rng.random() < self.compression:
            pixels = jpeg(pixels, rng, int(rng.integers(QUALITY[0], QUALITY[1] + 1)))
        return pixels


def blurred(pixels: Pixels, sigma: float) -> Pixels:
    """(H, W, 3) uint8 under a Gaussian of `sigma` pixels, cut at 4 sigma, borders repeated.

    Rounded at the end; the authors' call to the same function truncates after each axis, up to two levels less.
    """
    found: NDArray[np.float64] = gaussian_filter(pixels.astype(np.float64), (sigma, sigma, 0))
    return found.round().astype(np.uint8)
