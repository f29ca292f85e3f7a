"""What happens to a picture between its maker and its judge: pixels in, pixels out, pure and seeded."""

import io
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from redqueen.errors import UserError, unknown

Pixels = NDArray[np.uint8]  # (height, width, 3) RGB
Operation = Callable[[Pixels, np.random.Generator], Pixels]

SUBSAMPLINGS = ("4:4:4", "4:2:2", "4:2:0")


def check_range(what: str, value: float, low: float, high: float) -> None:
    """Raise UserError unless `low <= value <= high`.

    >>> check_range("quality", 101, 1, 100)
    Traceback (most recent call last):
    redqueen.errors.UserError: quality 101 is not allowed: give a number from 1 to 100
    """
    if not low <= value <= high:
        raise UserError(f"{what} {value} is not allowed: give a number from {low} to {high}")


def jpeg(pixels: Pixels, rng: np.random.Generator, quality: int, subsampling: str = "4:2:0") -> Pixels:  # noqa: ARG001
    """Save as JPEG and decode again.

    Args:
        pixels: (height, width, 3) uint8 RGB.
        rng: unused; every operation takes one.
        quality: libjpeg quality, 1-100.
        subsampling: chroma subsampling, one of `SUBSAMPLINGS`.
    """
    check_range("JPEG quality", quality, 1, 100)
    if subsampling not in SUBSAMPLINGS:
        raise unknown("chroma subsampling", subsampling, SUBSAMPLINGS)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality, subsampling=subsampling)
    return np.asarray(Image.open(buffer, formats=("JPEG",)).convert("RGB"))
