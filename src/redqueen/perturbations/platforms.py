"""What a platform does to an upload: metadata gone, the long side capped, saved anew."""

import numpy as np

from redqueen.errors import UserError, unknown
from redqueen.perturbations.codecs import avif, webp
from redqueen.perturbations.functional import Pixels, check_range, jpeg
from redqueen.perturbations.geometry import resize

CODECS = ("JPEG", "WEBP", "AVIF")


def capped(pixels: Pixels, side: int) -> Pixels:
    """The picture with its long side at most `side` pixels (Lanczos); smaller ones are left as they are."""
    check_range("side", side, 16, 65_535)
    height, width = pixels.shape[:2]
    if max(height, width) <= side:
        return pixels
    factor = side / max(height, width)
    return resize(pixels, max(1, round(height * factor)), max(1, round(width * factor)), "lanczos")


def launder(
    pixels: Pixels,
    rng: np.random.Generator,
    side: int,
    quality: int,
    subsampling: str = "4:2:0",
    codec: str = "JPEG",
) -> Pixels:
    """Cap the long side, then save and decode again; the figures of each platform stand in `configs/suite/`.

    Args:
        pixels: (height, width, 3) uint8 RGB.
        rng: unused.
        side: pixels that the long side may have, 16-65535; nothing is enlarged.
        quality: of the codec, 1-100 (0-100 for WebP and AVIF).
        subsampling: of the chroma; WebP knows 4:2:0 alone.
        codec: one of `CODECS`.
    """
    small = capped(pixels, side)
    if codec == "JPEG":
        return jpeg(small, rng, quality, subsampling)
    if codec == "AVIF":
        return avif(small, rng, quality, subsampling)
    if codec != "WEBP":
        raise unknown("codec", codec, CODECS)
    if subsampling != "4:2:0":
        raise UserError(f"chroma subsampling '{subsampling}' is not allowed: WebP knows 4:2:0 alone")
    return webp(small, rng, quality)
