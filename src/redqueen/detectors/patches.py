"""Small squares of a picture and how much goes on in them, as PatchCraft and SSP measure it."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from redqueen.detectors.base import Pixels

_EVALUATION_SEED = 0  # the authors draw anew in tests; with one seed a picture gets one score


def padded(pixels: Pixels, size: int) -> Pixels:
    """The picture, (height, width, 3), mirrored at its bottom and right edges until both sides are at least `size`."""
    missing = [(0, max(size - side, 0)) for side in pixels.shape[:2]]
    return np.pad(pixels, [*missing, (0, 0)], mode="reflect") if any(m[1] for m in missing) else pixels


def random_patches(pixels: Pixels, size: int, count: int, rng: np.random.Generator | None) -> Pixels:
    """Squares at random places, which may overlap, (count, size, size, 3); without `rng` always at the same places.

    A picture smaller than a square is mirrored at its edges.
    """
    picture, rng = padded(pixels, size), rng or np.random.default_rng(_EVALUATION_SEED)
    tops, lefts = (rng.integers(side - size + 1, size=count) for side in picture.shape[:2])
    windows = sliding_window_view(picture, (size, size), axis=(0, 1))  # (rows, columns, 3, size, size), a view
    return windows[tops, lefts].transpose(0, 2, 3, 1)


def texture(patches: Pixels) -> NDArray[np.int64]:
    """Texture diversity of each patch, (count,), of (count, size, size, 3) uint8.

    The sum of absolute differences between neighbours, across, down and along both diagonals, over all colours: l_div
    of Zhong et al., arXiv 2311.12397.
    """
    values = patches.astype(np.int16)
    across = _differences(values[:, :, 1:], values[:, :, :-1])
    down = _differences(values[:, 1:], values[:, :-1])
    diagonal = _differences(values[:, 1:, 1:], values[:, :-1, :-1])
    other_diagonal = _differences(values[:, 1:, :-1], values[:, :-1, 1:])
    return across + down + diagonal + other_diagonal


def _differences(one: NDArray[np.int16], other: NDArray[np.int16]) -> NDArray[np.int64]:
    return np.asarray(np.abs(one - other).sum(axis=(1, 2, 3), dtype=np.int64))
