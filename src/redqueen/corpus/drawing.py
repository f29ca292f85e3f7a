"""Drawings made from photographs: flat posterised colour, or dark lines on a light or flat-coloured ground."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter, ImageOps
from scipy import ndimage

STYLES = ("posterised", "edge-drawn")
GROUNDS = ("paper", "flat")

_PAPERS = ((250, 248, 240), (255, 255, 255), (252, 240, 205), (222, 234, 246), (238, 226, 226))
_INKS = ((20, 20, 24), (34, 28, 70), (60, 24, 20))
_MEDIAN_SIDE = 160  # Pillow's median takes 5 s on a picture of 512 x 512 with a window to match


def draw(picture: Image.Image, rng: np.random.Generator) -> tuple[Image.Image, dict[str, Any]]:
    """Turn an RGB picture into a drawing of the same size.

    Returns:
        The drawing, and its recipe as JSON-serialisable data.
    """
    style = str(rng.choice(STYLES))
    drawing, recipe = _posterise(picture, rng) if style == "posterised" else _edges(picture, rng)
    return drawing, {"style": style, **recipe}


def _posterise(picture: Image.Image, rng: np.random.Generator) -> tuple[Image.Image, dict[str, Any]]:
    colours = int(rng.integers(4, 9))
    saturation = round(float(rng.uniform(1.1, 1.9)), 3)
    return _flatten(picture, colours, saturation), {"colours": colours, "saturation": saturation}


def _edges(picture: Image.Image, rng: np.random.Generator) -> tuple[Image.Image, dict[str, Any]]:
    ground, ink = str(rng.choice(GROUNDS)), _INKS[rng.integers(len(_INKS))]
    inked = round(float(rng.uniform(0.1, 0.18)), 3)
    if ground == "paper":
        sheet = Image.new("RGB", picture.size, _PAPERS[rng.integers(len(_PAPERS))])
    else:
        flat = _flatten(picture, int(rng.integers(3, 6)), 1.5)
        sheet = Image.blend(flat, Image.new("RGB", picture.size, "white"), 0.45)
    sheet.paste(ink, mask=Image.fromarray(_lines(picture, inked)))
    return sheet, {"ground": ground, "ink": list(ink), "inked": inked}


def _unit(width: int) -> float:
    """A length for filters that grows with the root of the width: larger drawings have finer strokes.

    >>> _unit(64), _unit(256)
    (64.0, 128.0)
    """
    return float(np.sqrt(64 * width))


def _odd(length: float) -> int:
    """The odd window for a filter, at least 3, whose half is about `length`."""
    return 2 * max(1, round(length)) + 1


def _flatten(picture: Image.Image, colours: int, saturation: float) -> Image.Image:
    """At most `colours` flat colours in smooth patches."""
    smooth = ImageOps.autocontrast(picture, cutoff=1, preserve_tone=True)
    smooth.thumbnail((_MEDIAN_SIDE, _MEDIAN_SIDE))
    median = ImageFilter.MedianFilter(_odd(_unit(smooth.width) / 48))
    smooth = ImageEnhance.Color(smooth.filter(median).filter(median)).enhance(saturation)
    indexed = smooth.quantize(colours, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    patches = Image.fromarray(np.asarray(indexed)).resize(picture.size, Image.Resampling.NEAREST)
    patches = patches.filter(ImageFilter.ModeFilter(_odd(_unit(picture.width) / 48)))  # no specks
    palette = np.array(indexed.getpalette(), dtype=np.uint8).reshape(-1, 3)
    return Image.fromarray(palette[np.asarray(patches)])


def _lines(picture: Image.Image, inked: float) -> NDArray[np.uint8]:
    """Where the ink goes, (h, w) in 0..255: the `inked` share of pixels with the strongest gradient, specks dropped."""
    blur = ImageFilter.GaussianBlur(_unit(picture.width) / 80)
    grey = np.asarray(picture.convert("L").filter(blur), dtype=np.float64)
    dy, dx = np.gradient(grey)
    strength = np.hypot(dx, dy)
    strong = strength >= max(float(np.quantile(strength, 1 - inked)), 1.0)
    lines = Image.fromarray((strong * 255).astype(np.uint8)).filter(ImageFilter.ModeFilter(3))
    return _without_specks(np.asarray(lines), (picture.width / 64) ** 2)


def _without_specks(lines: NDArray[np.uint8], least: float) -> NDArray[np.uint8]:
    """The lines without pieces of fewer than `least` pixels: what is left of texture."""
    pieces, _ = ndimage.label(lines)
    large = np.bincount(pieces.ravel()) >= least
    return np.where(large[pieces], lines, 0).astype(np.uint8)
