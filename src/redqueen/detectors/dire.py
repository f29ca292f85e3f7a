"""DIRE, the negative control: its published 99 % came from the file format, not from what it measures.

Wang et al., "DIRE for Diffusion-Generated Image Detection", ICCV 2023 (arXiv 2303.09295). A picture goes by DDIM to the
noise that an unconditional diffusion model would make it from, and back; the absolute difference of the two pictures,
the "diffusion reconstruction error", is classified by a ResNet-50.

In the authors' data real pictures were JPEG files and generated ones PNG, and the accuracy goes once all are saved
alike. Whoever sees this detector do well should look for a leak in the corpus: hence `control`.

The authors resize to 256 pixels and use ADM, trained on bedrooms, with 20 steps, of which inversion and generation
count the noise levels differently by one; here both take the same levels, so that a perfect model would give zero.
They train a ResNet-50 that starts from ImageNet's weights, on maps that are cropped and mirrored at random; here it
starts at random, and the maps are computed once and cached, so that it sees each of them whole and as it is.
"""

from typing import ClassVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from redqueen.detectors import ddim
from redqueen.detectors.base import FeatureDetector, Pixels, to_tensor
from redqueen.detectors.diffusion import denoiser, scheduler
from redqueen.detectors.residual import DEPTHS, IMAGENET_MEAN, IMAGENET_STD, WIDTH, residual_network


class DIRE(FeatureDetector):
    """A ResNet on the error of reconstruction by an unconditional diffusion model.

    Args:
        pipeline: where the model lies, in diffusers' layout: a folder, "hub:OWNER/NAME@COMMIT" or "package:FOLDER".
        steps: of inversion, and as many of generation.
        size: side to which the central square is scaled; None: the side that the model was trained on.
        depths: bottleneck blocks in each stage of the ResNet.
        width: channels of its first stage's bottlenecks.

    Raises:
        UserError: no unconditional pipeline on pixels there.
    """

    paper: ClassVar[str] = "Wang et al., ICCV 2023, arXiv 2303.09295"
    input: ClassVar[str] = "whole picture, scaled to the model's size"
    weights: ClassVar[str] = "the diffusion model's"
    control: ClassVar[bool] = True

    def __init__(
        self,
        pipeline: str,
        steps: int = 20,
        size: int | None = None,
        depths: tuple[int, int, int, int] = DEPTHS,
        width: int = WIDTH,
    ) -> None:
        part = denoiser(pipeline)
        side = size or int(part.network.config.sample_size)
        head = nn.Sequential(Standardise(), residual_network(3, 1, depths, width))
        super().__init__((3, side, side), head)
        self.network, self.digest, self.size = part.network, part.digest, side
        self.schedule = ddim.Schedule.of(scheduler(pipeline), steps)

    @property
    def identity(self) -> str:
        """Model, schedule and size."""
        kept = ",".join(f"{level:.6f}" for level in self.schedule.kept.tolist())
        return f"dire-{self.digest}-{self.schedule.prediction}-{kept}-{self.size}-1"

    def train(self, mode: bool = True) -> "DIRE":
        """The diffusion model stays in evaluation mode."""
        super().train(mode)
        self.network.eval()
        return self

    def prepare(self, pixels: Pixels, rng: np.random.Generator | None = None) -> Tensor:  # noqa: ARG002
        """The central square, scaled (bicubic, antialiased), (3, size, size) in [-1, 1], in training as well."""
        side = min(pixels.shape[:2])
        top, left = ((length - side) // 2 for length in pixels.shape[:2])
        square = Image.fromarray(np.ascontiguousarray(pixels[top : top + side, left : left + side]))
        return to_tensor(np.asarray(square.resize((self.size, self.size), Image.Resampling.BICUBIC))) * 2 - 1

    @torch.no_grad()
    def features(self, batch: Tensor) -> Tensor:
        """Half the absolute difference of each picture and its reconstruction, (B, 3, size, size) in [0, 1]."""
        noise = ddim.invert(self._predict, batch, self.schedule)
        return (batch - ddim.generate(self._predict, noise, self.schedule)).abs() / 2

    def _predict(self, pictures: Tensor, time: Tensor) -> Tensor:
        return torch.as_tensor(self.network(pictures, time).sample)


class Standardise(nn.Module):
    """Pictures in [0, 1] less ImageNet's mean, by its standard deviation, as the authors' classifier takes them."""

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN)[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD)[:, None, None], persistent=False)

    def forward(self, pictures: Tensor) -> Tensor:
        """Standardised, of the same shape."""
        return (pictures - self.mean) / self.std
