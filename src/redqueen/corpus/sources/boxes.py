"""Square crops of one photograph that differ in size and place and show more than a plain sky."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Box = tuple[int, int, int]  # x, y, side, in pixels of the photograph

_TRIES = 24
_SHARED = 0.5  # of two boxes, intersection over union at most
_CELLS = 32  # a side
_LEAST = 10.0  # grey levels of 255


def spread(  # noqa: PLR0913  (a photograph has two sides)
    width: int, height: int, size: int, count: int, rng: np.random.Generator, cells: NDArray[Any] | None = None
) -> list[Box]:
    """At most `count` squares, none smaller than `size`, no two of which share most of their pixels.

    Sides are drawn log-uniformly between `size` and the short side, one from each of `count` equal parts of that
    range; each square goes to the place, out of 24, that shares least with those before it, the largest first. A
    photograph that is small, or hardly larger than `size`, gives fewer; one that is smaller gives none. With `cells`,
    those of `detail`, no square is chosen whose contrast is below 10 grey levels of 255.
    """
    short = min(width, height)
    if short < size or count < 1:
        return []
    parts = (np.arange(count) + rng.random(count)) / count
    chosen: list[Box] = []
    for side in sorted((round(size * (short / size) ** part) for part in parts.tolist()), reverse=True):
        xs, ys = (rng.integers(0, space - side + 1, _TRIES) for space in (width, height))
        tries = np.stack([xs, ys, np.full(_TRIES, side)], axis=1)
        worst = overlap(tries[:, None], np.array(chosen)).max(axis=1) if chosen else np.zeros(_TRIES)
        if cells is not None:
            worst[[contrast(cells, width, height, box) < _LEAST for box in tries.tolist()]] = np.inf
        best = int(np.argmin(worst))
        if worst[best] <= _SHARED:
            x, y, _ = tries[best].tolist()
            chosen.append((x, y, side))
    return chosen


def overlap(a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.float64]:
    """Intersection over union of squares: (..., 3) with (..., 3), x, y and side, gives (...) in [0, 1].

    >>> square = np.array([0, 0, 2])
    >>> [float(overlap(square, np.array(other))) for other in ([0, 0, 2], [2, 0, 2], [0, 0, 1])]
    [1.0, 0.0, 0.25]
    """
    ends = np.minimum(a[..., :2] + a[..., 2:], b[..., :2] + b[..., 2:])
    shared = np.clip(ends - np.maximum(a[..., :2], b[..., :2]), 0, None).prod(axis=-1)
    return np.asarray(shared / (a[..., 2] ** 2 + b[..., 2] ** 2 - shared))


def detail(grey: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Mean and mean square of a picture's grey levels in 32 x 32 cells: (height, width) gives (2, 32, 32)."""
    levels = grey.astype(np.float64)
    rows, columns = (np.linspace(0, side, _CELLS + 1).astype(int)[:-1] for side in grey.shape)
    sums = [np.add.reduceat(np.add.reduceat(part, rows, 0), columns, 1) for part in (levels, levels**2)]
    counts = np.outer(np.diff([*rows, grey.shape[0]]), np.diff([*columns, grey.shape[1]]))
    return np.asarray(np.stack(sums) / counts)


def contrast(cells: NDArray[Any], width: int, height: int, box: Box) -> float:
    """Standard deviation, in grey levels, over the cells that a square touches."""
    x, y, side = box
    rows = slice(y * _CELLS // height, (y + side - 1) * _CELLS // height + 1)
    columns = slice(x * _CELLS // width, (x + side - 1) * _CELLS // width + 1)
    mean, square = cells[:, rows, columns].mean(axis=(1, 2))
    return float(np.sqrt(max(square - mean**2, 0.0)))
