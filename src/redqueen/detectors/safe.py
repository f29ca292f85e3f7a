"""SAFE: simple preserved and augmented features.

Li et al., "Improving Synthetic Image Detection Towards Generalization: An Image Transformation Perspective", KDD 2025
(arXiv 2408.06741). Pictures are cropped and never scaled, colours, angle and places are varied in training so that
nothing but local detail is left to learn, and the network reads the diagonal detail of one wavelet step. The network is
NPR's: a ResNet-50 with a 3 x 3 stem that ends after its second stage, about 1.44 M parameters. The paper classifies in
two ways; one logit, the difference of the two, says the same.
"""

from typing import ClassVar

import numpy as np
import torch
from PIL import Image, ImageEnhance
from timm.models.resnet import Bottleneck
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, interpolate

from redqueen.detectors import published
from redqueen.detectors.base import Detector, Pixels, to_tensor
from redqueen.detectors.crops import black_crop
from redqueen.errors import UserError

PATCH = 16  # pixels: side of a masked cell
MASKED = 0.75  # of the picture at most
JITTER = 0.5  # brightness, contrast and saturation between 0.5 and 1.5 times
NAMES = {"stem.0": "conv1", "stem.1": "bn1", "stages.0": "layer1", "stages.1": "layer2", "head": "fc1"}  # ours: theirs


class SAFE(Detector):
    """A small residual network on diagonal wavelet detail.

    Args:
        size: side of the crop, even; a smaller picture gets a black border, as in the authors' code.
        mask: probability in training that cells of 16 pixels, up to three quarters of them, turn black.
        smoothing: of the labels in the loss; the authors' code has 0.1, the paper is silent.
        depths: bottleneck blocks in the two stages (ResNet-50: 3 and 4).
        width: channels of the first stage's bottlenecks (ResNet-50: 64).
        weights: the authors' checkpoint.
        frozen: use the published weights as they are and train nothing; None: if `weights` are given.
    """

    paper: ClassVar[str] = "Li et al., KDD 2025, arXiv 2408.06741"
    input: ClassVar[str] = "256 px crop, never resized; in training turned, recoloured and masked"
    weights: ClassVar[str] = "authors': Apache-2.0"

    def __init__(
        self,
        size: int = 256,
        mask: float = 0.5,
        smoothing: float = 0.1,
        depths: tuple[int, int] = (3, 4),
        width: int = 64,
        weights: str | None = None,
        frozen: bool | None = None,
    ) -> None:
        super().__init__()
        if size % 2:
            raise UserError(f"safe: size {size} must be even: the wavelet pairs pixels")
        self.size, self.mask, self.smoothing = size, mask, smoothing
        self.stem = nn.Sequential(
            nn.Conv2d(3, 64, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(64),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2, padding=1),
        )
        first = _stage(64, width, depths[0], stride=1)
        second = _stage(width * Bottleneck.expansion, width * 2, depths[1], stride=2)
        self.stages = nn.Sequential(first, second)
        self.head = nn.Linear(width * 2 * Bottleneck.expansion, 1)
        if weights is not None:
            published.load(self, one_logit(published.read(weights, inside="model")), their_name)
        published.freeze(self, weights, frozen)

    def prepare(self, pixels: Pixels, rng: np.random.Generator | None = None) -> Tensor:
        """Crop in [0, 1], (3, size, size): central, or in training random and augmented as published."""
        crop = black_crop(pixels, self.size, rng)
        if rng is None:
            return to_tensor(crop)
        picture = to_tensor(_recoloured(_turned(crop, rng), rng))
        return picture * _visible(self.size, rng) if rng.random() < self.mask else picture

    def forward(self, batch: Tensor) -> Tensor:
        """Logits, (B,), of (B, 3, H, W) with H and W even."""
        found = interpolate(diagonal_detail(batch), batch.shape[-2:], mode="bilinear")
        hidden = self.stages(self.stem(found))  # (B, 512, H / 8, W / 8)
        return torch.as_tensor(self.head(hidden.mean(dim=(2, 3))).squeeze(-1))

    def loss(self, batch: Tensor, labels: Tensor) -> Tensor:
        """Binary cross-entropy with smoothed labels: cross-entropy over two ways, smoothed, is the same."""
        targets = labels * (1 - self.smoothing) + self.smoothing / 2
        return binary_cross_entropy_with_logits(self(batch), targets)


def diagonal_detail(batch: Tensor) -> Tensor:
    """HH band of one step of the wavelet bior1.3 with symmetric borders: (B, C, H, W) to (B, C, H / 2 + 2, W / 2 + 2).

    The high-pass of bior1.3 has six taps, of which two are not zero: (0, 0, -1, 1, 0, 0) / sqrt(2), Haar's. So the band
    holds (a - b - c + d) / 2 of each 2 x 2 cell (a b; c d), and of the mirrored cells around the picture.
    """
    rows = batch[..., ::2, :] - batch[..., 1::2, :]
    cells = (rows[..., ::2] - rows[..., 1::2]) / 2  # (B, C, H / 2, W / 2)
    cells = torch.cat([-cells[..., :1, :], cells, -cells[..., -1:, :]], dim=-2)
    return torch.cat([-cells[..., :1], cells, -cells[..., -1:]], dim=-1)


def their_name(key: str) -> str:
    """The authors' name of a tensor of ours."""
    ours = next(prefix for prefix in NAMES if key.startswith(f"{prefix}."))
    return NAMES[ours] + key.removeprefix(ours)


def one_logit(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The authors' state with one output, generated less real, in place of the two."""
    layer = {key: value for key, value in state.items() if key.startswith("fc1.") and len(value) == 2}
    return {**state, **{key: value[1:] - value[:1] for key, value in layer.items()}}


def _turned(crop: Pixels, rng: np.random.Generator) -> Image.Image:
    """Mirrored at random and turned by any angle, corners black, pixels taken from the nearest."""
    picture = Image.fromarray(crop)
    if rng.random() < 0.5:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return picture.rotate(float(rng.uniform(-180, 180)), Image.Resampling.NEAREST)


def _recoloured(picture: Image.Image, rng: np.random.Generator) -> Pixels:
    """Brightness, contrast and saturation changed, in random order."""
    ways = (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color)
    for number in rng.permutation(3):
        picture = ways[number](picture).enhance(float(rng.uniform(1 - JITTER, 1 + JITTER)))
    return np.asarray(picture)


def _visible(size: int, rng: np.random.Generator) -> Tensor:
    """1 where a picture stays, 0 in the masked cells: (size, size)."""
    side = size // PATCH
    count = min(int(size**2 * rng.uniform(0, MASKED) / PATCH**2), side**2)
    visible = torch.ones(size, size)
    for cell in rng.choice(side**2, count, replace=False):
        top, left = (int(place) * PATCH for place in divmod(cell, side))
        visible[top : top + PATCH, left : left + PATCH] = 0
    return visible


def _stage(inputs: int, planes: int, depth: int, stride: int) -> nn.Sequential:
    """Bottleneck blocks; the first one changes width and resolution."""
    outputs = planes * Bottleneck.expansion
    shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs))
    blocks = [Bottleneck(inputs, planes, stride=stride, downsample=shortcut)]
    blocks += [Bottleneck(outputs, planes) for _ in range(depth - 1)]
    return nn.Sequential(*blocks)
