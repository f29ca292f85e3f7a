"""AEROBLADE: a picture that a latent diffusion model made comes out of its autoencoder as it went in.

Ricker et al., "AEROBLADE: Training-Free Detection of Latent Diffusion Images Using Autoencoder Reconstruction Error",
CVPR 2024 (arXiv 2401.17879). The score is -min over autoencoders of a perceptual distance between the picture and its
reconstruction: the second layer of LPIPS on VGG-16. Nothing is trained; a slope and an offset, which never change the
order of two pictures, make a logit of it.

Offline, `lite0_stage` takes the place of LPIPS: its formula on an early stage of EfficientNet-Lite0, with equal weights
of the channels. It is another distance, and figures by it are not the paper's. The authors' code
(github.com/jonasricker/aeroblade) draws the code from the encoder's posterior and keeps reconstructions as 8-bit files;
here the code is the posterior's mean, so that the score depends on the picture alone, and nothing is rounded.

A picture smaller than the crop is taken whole, and filled up at its right and lower edge alone: a border on all sides
would shift its 8 px grid of JPEG against that of the autoencoder.
"""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import interpolate

from redqueen.detectors.base import FeatureDetector, Pixels, centre_or_random_crop, to_tensor
from redqueen.detectors.diffusion import autoencoder, reconstructed
from redqueen.detectors.perceptual import Perceptual, lite0_stage
from redqueen.errors import UserError
from redqueen.files import digest_of

LEAST = 1e-8  # distance: below it lies the arithmetic


class Falling(nn.Module):
    """Logit = slope * (border - x) with slope > 0: fitting calibrates, and cannot turn the order of pictures round."""

    def __init__(self) -> None:
        super().__init__()
        self.log_slope = nn.Parameter(torch.zeros(()))
        self.border = nn.Parameter(torch.zeros(()))

    def forward(self, values: Tensor) -> Tensor:
        """Logits, (B,), of (B, 1)."""
        slope = (30 * self.log_slope).exp()  # both factors let rates that suit networks move two numbers far enough
        return slope * (300 * self.border - values.squeeze(-1))


class Aeroblade(FeatureDetector):
    """The logarithm of the smallest reconstruction error of some autoencoders.

    Args:
        autoencoders: where they lie, of any class of diffusers, alone or in a pipeline: a folder or
            "hub:OWNER/NAME@COMMIT"; the paper takes those of Stable Diffusion 1.1, 2 and Kandinsky 2.1.
        distance: between a picture and its reconstruction; None: `perceptual.lite0_stage()`. The paper's is
            `perceptual.lpips_vgg`.
        crop: side of the central crop, never resized; a smaller picture is taken whole. The paper takes pictures of
            512 pixels whole.

    Raises:
        UserError: no autoencoder at one of the places.
    """

    paper: ClassVar[str] = "Ricker et al., CVPR 2024, arXiv 2401.17879"
    input: ClassVar[str] = "512 px crop, never resized"
    weights: ClassVar[str] = "the autoencoders'; LPIPS, BSD 2-Clause"

    def __init__(self, autoencoders: Sequence[str], distance: Perceptual | None = None, crop: int = 512) -> None:
        if not autoencoders:
            raise UserError("aeroblade: no autoencoder; set autoencoders=[FOLDER] or [hub:OWNER/NAME@COMMIT]")
        parts = [autoencoder(where) for where in autoencoders]
        super().__init__((1,), Falling())
        self.networks = nn.ModuleList(part.network for part in parts)
        self.factors = [part.factor for part in parts]
        self.digests = [part.digest for part in parts]
        self.distance = distance or lite0_stage()
        self.crop = crop

    @property
    def identity(self) -> str:
        """Autoencoders, distance and crop."""
        return f"aeroblade-{digest_of([self.digests, self.distance.digest])}-{self.crop}-2"

    def train(self, mode: bool = True) -> "Aeroblade":
        """The networks stay in evaluation mode."""
        super().train(mode)
        self.networks.eval()
        return self

    def prepare(self, pixels: Pixels, rng: np.random.Generator | None = None) -> Tensor:  # noqa: ARG002
        """The central crop, (3, H, W) in [-1, 1] with H and W up to `crop`, in training as well.

        Raises UserError for a picture that the autoencoder cannot fill up by reflection.
        """
        height, width = pixels.shape[:2]
        factor = max(self.factors)
        if 2 * min(height, width) <= factor:
            raise UserError(f"aeroblade: a picture of {width} x {height} pixels is too small: factor {factor}")
        return to_tensor(centre_or_random_crop(pixels, self.crop, None)) * 2 - 1

    def features(self, batch: Tensor) -> Tensor:
        """Logarithm of the smallest mean distance, (B, 1)."""
        means = torch.stack([errors.mean(dim=(1, 2)) for errors in self._errors(batch)])  # (autoencoders, B)
        return means.amin(dim=0).clamp(min=LEAST).log()[:, None]

    @torch.no_grad()
    def error_map(self, pixels: Pixels) -> NDArray[np.float32]:
        """Distance at each pixel of the whole picture, (H, W) float32, by the autoencoder that errs least."""
        like = self.distance.mean
        picture = (to_tensor(pixels) * 2 - 1)[None].to(like)
        best = min(self._errors(picture), key=lambda errors: float(errors.mean()))
        found = interpolate(best[:, None], pixels.shape[:2], mode="bilinear")[0, 0]  # as LPIPS's `spatial` does
        return np.asarray(found.cpu().numpy(), np.float32)

    def _errors(self, batch: Tensor) -> list[Tensor]:
        """Distance at each place, (B, h, w), of each autoencoder."""
        pairs = zip(self.networks, self.factors, strict=True)
        return [self.distance(batch, reconstructed(network, factor, batch)) for network, factor in pairs]
