"""A heat map laid over the picture that the detector saw: orange towards AI-generated, blue towards human-made."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from redqueen.detectors.heat import HeatMap

SIDE = 512  # pixels of the longer side of the drawing
GENERATED, HUMAN = (213, 94, 0), (0, 114, 178)  # Okabe and Ito's vermilion and blue
STRENGTH = 0.6  # opacity of the strongest place
DIMMED = 0.35  # brightness of what the detector does not see
_ROWS, _COLUMNS = ("upper", "middle", "lower"), ("left", "centre", "right")


def overlay(pixels: NDArray[np.uint8], heat: HeatMap, threshold: float) -> bytes:
    """PNG of the picture, (height, width, 3) uint8, under the places' logits; the threshold has no colour."""
    top, left, bottom, right = heat.box
    values = heat.values.astype(np.float32) - threshold
    values /= max(float(np.abs(values).max()), 1e-12)
    smooth = Image.fromarray(values).resize((right - left, bottom - top), Image.Resampling.BILINEAR)
    share = np.asarray(smooth)[..., None]
    shade = np.where(share > 0, np.array(GENERATED, np.float32), np.array(HUMAN, np.float32))
    drawn = pixels.astype(np.float32) * DIMMED
    inner = pixels[top:bottom, left:right].astype(np.float32)
    drawn[top:bottom, left:right] = inner + np.abs(share) * STRENGTH * (shade - inner)
    picture = Image.fromarray(drawn.round().clip(0, 255).astype(np.uint8))
    factor = SIDE / max(picture.size)
    size = tuple(max(1, round(side * factor)) for side in picture.size)
    buffer = io.BytesIO()
    picture.resize((size[0], size[1]), Image.Resampling.BICUBIC).save(buffer, "PNG")
    return buffer.getvalue()


def words(heat: HeatMap, threshold: float) -> str:
    """Where the strongest signs on either side of the threshold lie, and what share of the places is on which side."""
    values = heat.values
    share = float((values >= threshold).mean())
    parts = [f"{share:.0%} of the part that it sees points to AI-generated"]
    if values.max() >= threshold:
        parts.append(f"most of all the {_place(heat, int(values.argmax()))}")
    if values.min() < threshold:
        parts.append(f"most towards human-made is the {_place(heat, int(values.argmin()))}")
    return "; ".join(parts)


def _place(heat: HeatMap, at: int) -> str:
    """A ninth of the map.

    >>> _place(HeatMap(np.zeros((7, 7), np.float32), (0, 0, 1, 1)), 0)
    'upper left'
    """
    height, width = heat.values.shape
    row, column = divmod(at, width)
    down, across = _ROWS[(2 * row + 1) * 3 // (2 * height)], _COLUMNS[(2 * column + 1) * 3 // (2 * width)]
    return "centre" if (down, across) == ("middle", "centre") else f"{down} {across}"
