"""Blur, noise and colour: changes of values, not of places."""

import numpy as np
from PIL import Image, ImageEnhance
from scipy import ndimage

from redqueen.perturbations.functional import Pixels, check_range


def _to_pixels(values: np.ndarray) -> Pixels:
    return np.asarray(values.round().clip(0, 255).astype(np.uint8))


def blur(pixels: Pixels, rng: np.random.Generator, sigma: float) -> Pixels:  # noqa: ARG001
    """Gaussian blur, cut at four sigma, the picture mirrored at its edges.

    Args:
        pixels: (height, width, 3) uint8 RGB.
        rng: unused.
        sigma: in pixels, 0-50; 0 changes nothing.
    """
    check_range("sigma", sigma, 0, 50)
    return _to_pixels(ndimage.gaussian_filter(pixels.astype(np.float32), (sigma, sigma, 0)))


def noise(pixels: Pixels, rng: np.random.Generator, sigma: float) -> Pixels:
    """Gaussian noise, independent for every pixel and channel.

    Args:
        pixels: (height, width, 3) uint8 RGB.
        rng: draws the noise.
        sigma: standard deviation as a share of the whole range of 255, 0-1; 0 changes nothing.
    """
    check_range("sigma", sigma, 0, 1)
    return _to_pixels(pixels + rng.normal(0, 255 * sigma, pixels.shape))


def colour(
    pixels: Pixels, rng: np.random.Generator, brightness: float = 0, contrast: float = 0, saturation: float = 0
) -> Pixels:
    """Brightness, contrast and saturation, in this order, each times a factor drawn from [1 - amount, 1 + amount].

    Args:
        pixels: (height, width, 3) uint8 RGB.
        rng: draws the factors, uniformly.
        brightness: amount, 0-1.
        contrast: amount, 0-1, about the mean of the grey picture.
        saturation: amount, 0-1, about the grey picture.
    """
    picture = Image.fromarray(pixels)
    changes = {
        "brightness": (brightness, ImageEnhance.Brightness),
        "contrast": (contrast, ImageEnhance.Contrast),
        "saturation": (saturation, ImageEnhance.Color),
    }
    for what, (amount, enhancer) in changes.items():
        check_range(what, amount, 0, 1)
        picture = enhancer(picture).enhance(rng.uniform(1 - amount, 1 + amount))
    return np.asarray(picture)


def grayscale(pixels: Pixels, rng: np.random.Generator) -> Pixels:  # noqa: ARG001
    """Luma of ITU-R BT.601 in all three channels: (height, width, 3) uint8."""
    return np.asarray(Image.fromarray(pixels).convert("L").convert("RGB"))
