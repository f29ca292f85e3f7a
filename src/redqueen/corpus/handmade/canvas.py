"""Shares of a canvas in pixels, rough outlines, and masks: what the painters share."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from redqueen.corpus.handmade.recipe import Box, Point, Shadow

_SMOOTH = 3  # a smooth mask is drawn that many times as large


def pixels_of(canvas: Image.Image, box: Box) -> tuple[int, int, int, int]:
    """The box in pixels, at least one wide and high."""
    left, top, right, bottom = (
        round(share * side) for share, side in zip(box, (*canvas.size, *canvas.size), strict=True)
    )
    return left, top, max(right, left + 1), max(bottom, top + 1)


def length_of(canvas: Image.Image, share: float) -> int:
    """A share of the short side in pixels, at least one."""
    return max(1, round(share * min(canvas.size)))


def outline(size: tuple[int, int], points: list[Point], smooth: bool = True) -> Image.Image:
    """The mask (mode L) of a polygon in pixels."""
    times = _SMOOTH if smooth else 1
    mask = Image.new("L", (size[0] * times, size[1] * times))
    ImageDraw.Draw(mask).polygon([(x * times, y * times) for x, y in points], fill=255)
    return mask.reduce(times) if times > 1 else mask


def rough(count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """An irregular line: `count` heights in about -1..1, coarse and fine."""
    ends = np.linspace(0, 1, count)
    waves = [
        np.interp(ends, np.linspace(0, 1, knots), rng.uniform(-1, 1, knots)) / weight
        for knots, weight in ((5, 1.5), (14, 3.0), (60, 5.0))
    ]
    return np.asarray(np.sum(waves, axis=0))


def torn(size: tuple[int, int], depth: float, rng: np.random.Generator, sides: str = "tblr") -> Image.Image:
    """The mask of a sheet whose sides (t, b, l, r) are torn up to `depth` pixels deep."""
    width, height = size
    count = 90
    across, down = np.linspace(0, width, count), np.linspace(0, height, count)
    bite = {side: depth * (0.5 + 0.5 * rough(count, rng)).clip(0, 1) * (side in sides) for side in "tblr"}
    points = [
        *zip(across, bite["t"], strict=True),
        *zip(width - bite["r"], down, strict=True),
        *zip(across[::-1], height - bite["b"], strict=True),
        *zip(bite["l"], down[::-1], strict=True),
    ]
    return outline(size, [(float(x), float(y)) for x, y in points])


def grown(mask: Image.Image, reach: float) -> Image.Image:
    """The mask made larger by about `reach` pixels all around; smaller for a negative reach."""
    threshold = 32 if reach > 0 else 224
    return mask.filter(ImageFilter.GaussianBlur(abs(reach))).point(
        lambda v: min(max((v - threshold) * 8 + 128, 0), 255)
    )


def cast(canvas: Image.Image, mask: Image.Image, at: tuple[int, int], shadow: Shadow) -> None:
    """Darken the canvas under a mask that is to be pasted at `at`."""
    distance, turn = length_of(canvas, shadow.distance), np.deg2rad(shadow.angle)
    spread = length_of(canvas, shadow.blur)
    roomy = Image.new("L", (mask.width + 4 * spread, mask.height + 4 * spread))
    roomy.paste(mask, (2 * spread, 2 * spread))
    soft = roomy.filter(ImageFilter.GaussianBlur(spread)).point(lambda v: round(v * shadow.opacity))
    x = at[0] - 2 * spread + round(distance * float(np.cos(turn)))
    y = at[1] - 2 * spread - round(distance * float(np.sin(turn)))
    canvas.paste("black", (x, y, x + soft.width, y + soft.height), soft)
