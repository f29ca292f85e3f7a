"""What happens to a picture between its maker and its judge: pixels in, pixels out, pure and seeded."""

import io
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]  # (height, width, 3) RGB
Operation = Callable[[Pixels, np.random.Generator], Pixels]


def jpeg(pixels: Pixels, rng: np.random.Generator, quality: int, subsampling: str = "4:2:0") -> Pixels:  # noqa: ARG001
    """Save as JPEG and decode again.

    Args:
        pixels: (height, width, 3) uint8 RGB.
        rng: unused; every operation takes one.
        quality: libjpeg quality, 1-100.
        subsampling: chroma subsampling as Pillow names it.
    """
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality, subsampling=subsampling)
    return np.asarray(Image.open(buffer, formats=("JPEG",)).convert("RGB"))
