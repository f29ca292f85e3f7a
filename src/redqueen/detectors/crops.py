"""Square crops that change no pixel, for networks that want pictures of one size."""

import numpy as np

from redqueen.detectors.base import Pixels, centre_or_random_crop


def reflected_crop(pixels: Pixels, size: int, rng: np.random.Generator | None) -> Pixels:
    """`size` x `size` pixels: random with `rng`, else central; a smaller picture is first continued by reflection."""
    return centre_or_random_crop(_padded(pixels, size, "reflect"), size, rng)


def black_crop(pixels: Pixels, size: int, rng: np.random.Generator | None) -> Pixels:
    """As `reflected_crop`, but a smaller picture gets a black border, as torchvision's crops give it."""
    return centre_or_random_crop(_padded(pixels, size, "constant"), size, rng)


def _padded(pixels: Pixels, size: int, mode: str) -> Pixels:
    short = [max(size - side, 0) for side in pixels.shape[:2]]
    if not any(short):
        return pixels
    borders = [(less // 2, less - less // 2) for less in short]
    padded: Pixels = np.pad(pixels, [*borders, (0, 0)], mode=mode)  # type: ignore[call-overload]
    return padded
