"""Lossy codecs besides one plain JPEG: what the web serves instead, and what a second upload does."""

import io

import numpy as np
from PIL import Image

from redqueen.errors import unknown
from redqueen.perturbations.functional import SUBSAMPLINGS, Pixels, check_range, jpeg

BLOCK = 8  # pixels a side of a JPEG block


def webp(pixels: Pixels, rng: np.random.Generator, quality: int) -> Pixels:  # noqa: ARG001
    """Save as lossy WebP, whose chroma is always 4:2:0, and decode again.

    Args:
        pixels: (height, width, 3) uint8 RGB.
        rng: unused.
        quality: libwebp quality, 0-100.
    """
    check_range("WebP quality", quality, 0, 100)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "WEBP", quality=quality)
    return np.asarray(Image.open(buffer, formats=("WEBP",)).convert("RGB"))


def avif(pixels: Pixels, rng: np.random.Generator, quality: int, subsampling: str = "4:2:0") -> Pixels:  # noqa: ARG001
    """Save as AVIF and decode again, on one thread, so that the bytes do not depend on the machine's cores.

    Args:
        pixels: (height, width, 3) uint8 RGB.
        rng: unused.
        quality: libavif quality, 0-100.
        subsampling: chroma subsampling, one of `SUBSAMPLINGS`.
    """
    check_range("AVIF quality", quality, 0, 100)
    if subsampling not in SUBSAMPLINGS:
        raise unknown("chroma subsampling", subsampling, SUBSAMPLINGS)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "AVIF", quality=quality, subsampling=subsampling, max_threads=1)
    return np.asarray(Image.open(buffer, formats=("AVIF",)).convert("RGB"))


def double_jpeg(
    pixels: Pixels, rng: np.random.Generator, first: int, second: int, subsampling: str = "4:2:0"
) -> Pixels:
    """JPEG twice, the second on a grid that is shifted against the first, as after a crop between two uploads.

    The first grid begins outside the picture, where the edge is repeated, so that the size stays.

    Args:
        pixels: (height, width, 3) uint8 RGB.
        rng: draws the shift, 1-7 pixels down and across.
        first: libjpeg quality of the first file, 1-100.
        second: libjpeg quality of the second file, 1-100.
        subsampling: of both, one of `SUBSAMPLINGS`.
    """
    down, across = (int(shift) for shift in rng.integers(1, BLOCK, 2))
    larger = np.pad(pixels, ((down, 0), (across, 0), (0, 0)), mode="edge")
    once = np.ascontiguousarray(jpeg(larger, rng, first, subsampling)[down:, across:])
    return jpeg(once, rng, second, subsampling)
