"""Resampling, screenshots, crops and rotations. All but `resize` keep the picture's size.

A detector that takes pictures whole needs one size a batch; and what is measured is the resampling, not the share of
the picture that a fixed crop then sees.
"""

import numpy as np
from PIL import Image
from scipy import ndimage

from redqueen.errors import unknown
from redqueen.perturbations.functional import Pixels, check_range

KERNELS = {
    name: Image.Resampling[name.upper()] for name in ("nearest", "bilinear", "bicubic", "lanczos", "box")
}  # Pillow's; all but `nearest` widen with the factor when they shrink, which is antialiasing
SMALLEST, LARGEST = 0.05, 8.0  # factors


def resize(pixels: Pixels, height: int, width: int, kernel: str) -> Pixels:
    """The whole picture at another size: (height, width, 3) uint8; `kernel` is one of `KERNELS`."""
    if kernel not in KERNELS:
        raise unknown("kernel", kernel, KERNELS)
    return np.asarray(Image.fromarray(pixels).resize((width, height), KERNELS[kernel]))


def _scaled(side: int, factor: float) -> int:
    return max(1, round(side * factor))


def resample(pixels: Pixels, rng: np.random.Generator, factor: float, kernel: str = "bicubic") -> Pixels:  # noqa: ARG001
    """Resize by a factor and back to the size that it had, both with the same kernel.

    Args:
        pixels: (height, width, 3) uint8 RGB.
        rng: unused.
        factor: of each side, 0.05-8; 1 changes nothing.
        kernel: one of `KERNELS`.
    """
    check_range("factor", factor, SMALLEST, LARGEST)
    height, width = pixels.shape[:2]
    there = resize(pixels, _scaled(height, factor), _scaled(width, factor), kernel)
    return resize(there, height, width, kernel)


def screenshot(pixels: Pixels, rng: np.random.Generator, scale: float) -> Pixels:
    """Show at an odd scale, bilinear and off the pixel grid, capture, and bring back to the size that it had.

    Args:
        pixels: (height, width, 3) uint8 RGB, at least 2 pixels a side.
        rng: draws where the picture's corner lies within a pixel.
        scale: of the screen to the picture, 0.05-8.
    """
    check_range("scale", scale, SMALLEST, LARGEST)
    height, width = pixels.shape[:2]
    down, across = rng.random(2)
    screen = (_scaled(width, scale), _scaled(height, scale))
    seen = (across, down, width - 1 + across, height - 1 + down)
    shown = Image.fromarray(pixels).resize(screen, Image.Resampling.BILINEAR, box=seen)
    return resize(np.asarray(shown), height, width, "lanczos")


def crop(pixels: Pixels, rng: np.random.Generator, share: float) -> Pixels:
    """Keep a window and enlarge it (bicubic) to the size that the picture had.

    Args:
        pixels: (height, width, 3) uint8 RGB.
        rng: draws where the window lies.
        share: of each side that is kept, 0.05-1; 1 changes nothing.
    """
    check_range("share", share, SMALLEST, 1)
    height, width = pixels.shape[:2]
    tall, wide = _scaled(height, share), _scaled(width, share)
    top, left = int(rng.integers(height - tall + 1)), int(rng.integers(width - wide + 1))
    window = np.ascontiguousarray(pixels[top : top + tall, left : left + wide])
    return resize(window, height, width, "bicubic")


def rotate(pixels: Pixels, rng: np.random.Generator, degrees: float) -> Pixels:  # noqa: ARG001
    """Turn about the centre (bilinear); the corners mirror the picture, since black ones would be a sign of their own.

    Args:
        pixels: (height, width, 3) uint8 RGB.
        rng: unused.
        degrees: anticlockwise, -45 to 45; 0 changes nothing.
    """
    check_range("degrees", degrees, -45, 45)
    turned = ndimage.rotate(pixels.astype(np.float32), degrees, reshape=False, order=1, mode="mirror")
    return np.asarray(turned.round().clip(0, 255).astype(np.uint8))
