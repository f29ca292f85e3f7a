"""What happens to training pictures before a detector prepares them: pure functions of pixels and a random generator.

An augmentation is named by its `repr`: class and settings. Methods whose paper has an augmentation of its own apply it
in `prepare`; these are for all others.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor
from torchvision.transforms.v2 import functional as vision

from redqueen.errors import UserError
from redqueen.perturbations.chance import window
from redqueen.perturbations.functional import Pixels, jpeg

Rng = np.random.Generator


class Augmentation(Protocol):
    """Changes a picture; the same draw for the same state of the generator."""

    def __call__(self, pixels: Pixels, rng: Rng) -> Pixels:
        """(height, width, 3) uint8 to the same of any size; the picture given is left as it is."""
        ...


@dataclass(frozen=True)
class Untouched:
    """Changes nothing and draws nothing."""

    def __call__(self, pixels: Pixels, rng: Rng) -> Pixels:  # noqa: ARG002
        """The picture."""
        return pixels


@dataclass(frozen=True)
class BlurJpeg:
    """CNNDetection's: a Gaussian blur, then JPEG, each at random.

    Wang et al., CVPR 2020 (arXiv 1912.11035); `data/datasets.py` of PeterWang512/CNNDetection. The authors compress
    with OpenCV or Pillow, chosen at random: both call libjpeg, so Pillow stands for both.

    Args:
        blur: probability of the blur; the authors publish 0.5 and 0.1.
        compression: likewise of JPEG.
        sigma: bounds of the blur's standard deviation, pixels.
        quality: bounds of the JPEG quality, both included.
    """

    blur: float = 0.5
    compression: float = 0.5
    sigma: tuple[float, float] = (0.0, 3.0)
    quality: tuple[int, int] = (30, 100)

    def __post_init__(self) -> None:
        """Refuse what is no probability, deviation or quality."""
        for name in ("blur", "compression"):
            if not 0 <= getattr(self, name) <= 1:
                raise UserError(f"augment.{name}={getattr(self, name)}: a probability is from 0 to 1")
        if not 0 <= self.sigma[0] <= self.sigma[1]:
            raise UserError(f"augment.sigma={list(self.sigma)}: give two deviations from 0, the smaller first")
        if not 1 <= self.quality[0] <= self.quality[1] <= 100:
            raise UserError(f"augment.quality={list(self.quality)}: give two qualities from 1 to 100, the lower first")

    def __call__(self, pixels: Pixels, rng: Rng) -> Pixels:
        """Perhaps blurred, then perhaps compressed."""
        if rng.random() < self.blur:
            pixels = blurred(pixels, rng.uniform(*self.sigma))
        if rng.random() < self.compression:
            pixels = jpeg(pixels, rng, int(rng.integers(self.quality[0], self.quality[1] + 1)))
        return pixels


@dataclass(frozen=True)
class AIGenBench:
    """AI-GenBench's baseline training augmentation.

    Pellegrini et al., IJCNN 2025 (arXiv 2504.20865); `baseline_augmentations.py` of MI-BioLab/AI-GenBench: resized
    crop to 256 px (p 0.2), colour jitter (0.8), greyscale (0.2), one grey hole of up to 48 px (0.2), Gaussian noise
    (0.2), blur (0.5), JPEG (0.5), a quarter turn, a mirror image (0.5). Theirs scales the picture to the network's
    input afterwards; here the detector's own `prepare` follows.
    """

    def __call__(self, pixels: Pixels, rng: Rng) -> Pixels:
        """The chain."""
        for probability, step in _AI_GENBENCH:
            if rng.random() < probability:
                pixels = step(pixels, rng)
        return np.ascontiguousarray(pixels)


def blurred(pixels: Pixels, sigma: float) -> Pixels:
    """Each channel of (H, W, 3) uint8 under a Gaussian of `sigma` pixels, cut at 4 sigma, borders reflected."""
    return np.stack([gaussian_filter(pixels[:, :, channel], sigma) for channel in range(3)], axis=2)


def resized_crop(pixels: Pixels, rng: Rng, size: int = 256, least: float = 0.08, ratio: float = 4 / 3) -> Pixels:
    """A crop of at least `least` of the area and an aspect of 1 / ratio to ratio, scaled to a square (bilinear)."""
    top, left, h, w = window(pixels.shape[0], pixels.shape[1], rng, least, ratio)
    crop = _tensor(pixels[top : top + h, left : left + w])
    return _pixels(vision.resize(crop, [size, size], antialias=True))


def colour_jitter(pixels: Pixels, rng: Rng, strength: float = 0.4, hue: float = 0.1) -> Pixels:
    """Brightness, contrast, saturation times 1 - strength to 1 + strength, hue turned by up to `hue`; in any order."""
    picture = _tensor(pixels)
    factors = rng.uniform(1 - strength, 1 + strength, 3)
    turn = rng.uniform(-hue, hue)
    changes: list[Callable[[Tensor], Tensor]] = [
        lambda one: vision.adjust_brightness(one, factors[0]),
        lambda one: vision.adjust_contrast(one, factors[1]),
        lambda one: vision.adjust_saturation(one, factors[2]),
        lambda one: vision.adjust_hue(one, turn),
    ]
    for number in rng.permutation(4):
        picture = changes[number](picture)
    return _pixels(picture)


def greyscale(pixels: Pixels, rng: Rng) -> Pixels:  # noqa: ARG001  (every step takes a generator)
    """The luma in all three channels."""
    return _pixels(vision.rgb_to_grayscale(_tensor(pixels), num_output_channels=3))


def cutout(pixels: Pixels, rng: Rng, largest: int = 48, fill: int = 128) -> Pixels:
    """One grey rectangle with sides of 1 to `largest` pixels, anywhere within the picture."""
    h, w = (int(rng.integers(1, min(largest, side) + 1)) for side in pixels.shape[:2])
    top, left = int(rng.integers(pixels.shape[0] - h + 1)), int(rng.integers(pixels.shape[1] - w + 1))
    result = pixels.copy()
    result[top : top + h, left : left + w] = fill
    return result


def noise(pixels: Pixels, rng: Rng, least: float = 0.2, most: float = 0.44) -> Pixels:
    """Gaussian noise, each channel its own, of a deviation from `least` to `most` of full scale (albumentations')."""
    values = rng.normal(0, 255 * rng.uniform(least, most), pixels.shape)
    return np.clip(np.rint(pixels + values), 0, 255).astype(np.uint8)


def _blur(pixels: Pixels, rng: Rng) -> Pixels:
    return blurred(pixels, rng.uniform(0.0, 3.0))


def _compress(pixels: Pixels, rng: Rng) -> Pixels:
    return jpeg(pixels, rng, int(rng.integers(30, 101)))


def _turn(pixels: Pixels, rng: Rng) -> Pixels:
    return np.rot90(pixels, int(rng.integers(4)))


def _mirror(pixels: Pixels, rng: Rng) -> Pixels:  # noqa: ARG001
    return pixels[:, ::-1]


_AI_GENBENCH: tuple[tuple[float, Callable[[Pixels, Rng], Pixels]], ...] = (
    (0.2, resized_crop),
    (0.8, colour_jitter),
    (0.2, greyscale),
    (0.2, cutout),
    (0.2, noise),
    (0.5, _blur),
    (0.5, _compress),
    (1.0, _turn),
    (0.5, _mirror),
)


def _tensor(pixels: Pixels) -> Tensor:
    """(H, W, 3) uint8 to (3, H, W) uint8."""
    return torch.from_numpy(np.array(pixels)).permute(2, 0, 1)


def _pixels(picture: Tensor) -> Pixels:
    """The way back."""
    return np.ascontiguousarray(picture.permute(1, 2, 0).numpy())
