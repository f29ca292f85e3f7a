"""NPR: neighbouring pixel relationships.

Tan et al., "Rethinking the Up-Sampling Operations in CNN-based Generative Network for Generalizable Deepfake
Detection", CVPR 2024 (arXiv 2312.10461). The difference between a picture and its nearest-neighbour half-size copy
shows how neighbouring pixels depend on each other after up-sampling. The classifier is a ResNet-50 whose stem has a
3 x 3 convolution and which ends after its second stage; about 1.4 M parameters. Crop, never resize: the authors' code
scales pictures to 256 px before the crop of 224, which for the pictures of their training set changes nothing.
"""

from typing import ClassVar

import numpy as np
import torch
from timm.models.resnet import Bottleneck
from torch import Tensor, nn

from redqueen.detectors import published
from redqueen.detectors.base import Detector, Pixels, centre_or_random_crop, to_tensor
from redqueen.detectors.heat import HeatMap, central_box, of_map
from redqueen.errors import UserError

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's, as the paper's preprocessing
GAIN = 2 / 3  # the paper's code multiplies the residual by 2/3; the text does not mention it
NAMES = {"stem.0": "conv1", "stem.1": "bn1", "stages.0": "layer1", "stages.1": "layer2", "head": "fc1"}  # ours: theirs


class NPR(Detector):
    """A small residual network on the up-sampling residual.

    Args:
        size: side of the crop in evaluation, even.
        train_size: side of the random crop in training, even; the network pools globally, so it may be smaller.
        depths: bottleneck blocks in the two stages (ResNet-50: 3 and 4).
        width: channels of the first stage's bottlenecks (ResNet-50: 64).
        weights: the authors' NPR.pth.
        frozen: use the published weights as they are and train nothing; None: if `weights` are given.
    """

    paper: ClassVar[str] = "Tan et al., CVPR 2024, arXiv 2312.10461"
    input: ClassVar[str] = "224 px crop, never resized"
    weights: ClassVar[str] = "authors': no licence given"

    def __init__(
        self,
        size: int = 224,
        train_size: int = 224,
        depths: tuple[int, int] = (3, 4),
        width: int = 64,
        weights: str | None = None,
        frozen: bool | None = None,
    ) -> None:
        super().__init__()
        if size % 2 or train_size % 2:
            raise UserError(f"npr: size {size} and train_size {train_size} must be even: the residual pairs pixels")
        self.size, self.train_size = size, train_size
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
            published.load(self, published.read(weights, inside="model"), their_name)
        published.freeze(self, weights, frozen)

    def prepare(self, pixels: Pixels, rng: np.random.Generator | None = None) -> Tensor:
        """Normalised crop, (3, size, size): central, or in training random and mirrored at random."""
        crop = _even(centre_or_random_crop(pixels, self.train_size if rng else self.size, rng))
        mean, std = (torch.tensor(values)[:, None, None] for values in (MEAN, STD))
        crop = crop[:, ::-1] if rng is not None and rng.random() < 0.5 else crop
        return to_tensor(crop).sub_(mean).div_(std)

    def forward(self, batch: Tensor) -> Tensor:
        """Logits, (B,), of (B, 3, H, W) with H and W even."""
        return torch.as_tensor(self.head(self._map(batch).mean(dim=(2, 3))).squeeze(-1))

    def _map(self, batch: Tensor) -> Tensor:
        return torch.as_tensor(self.stages(self.stem(residual(batch) * GAIN)))  # (B, 512, H / 8, W / 8)

    def heat_map(self, pixels: Pixels) -> HeatMap | None:
        """Exact: a linear head on the plain mean of a map."""
        picture = self.prepare(pixels)
        with torch.inference_mode():
            return of_map(self._map(picture[None]), self.head, central_box(pixels, *picture.shape[1:]))


def residual(batch: Tensor) -> Tensor:
    """X - up(down(x)) with nearest neighbours, (B, C, H, W): zero at the even rows and columns."""
    return batch - batch[..., ::2, ::2].repeat_interleave(2, dim=-2).repeat_interleave(2, dim=-1)


def _even(crop: Pixels) -> Pixels:
    """Without a last odd row or column; a single one is doubled."""
    for axis in (0, 1):
        crop = crop.repeat(2, axis=axis) if crop.shape[axis] == 1 else crop
    return crop[: crop.shape[0] // 2 * 2, : crop.shape[1] // 2 * 2]


def their_name(key: str) -> str:
    """The authors' name of a tensor of ours."""
    ours = next(prefix for prefix in NAMES if key.startswith(f"{prefix}."))
    return NAMES[ours] + key.removeprefix(ours)


def _stage(inputs: int, planes: int, depth: int, stride: int) -> nn.Sequential:
    """Bottleneck blocks; the first one changes width and resolution."""
    outputs = planes * Bottleneck.expansion
    shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs))
    blocks = [Bottleneck(inputs, planes, stride=stride, downsample=shortcut)]
    blocks += [Bottleneck(outputs, planes) for _ in range(depth - 1)]
    return nn.Sequential(*blocks)
