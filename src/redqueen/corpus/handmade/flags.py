"""Flags of no country and no party: invented designs in colours that flags hardly use."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image, ImageDraw

from redqueen.corpus.handmade.canvas import length_of, pixels_of
from redqueen.corpus.handmade.recipe import Flag

TEAL, PLUM, MUSTARD, CORAL, CREAM, OLIVE, SLATE = (
    "#0f8b8d", "#6a2e63", "#e0a526", "#ef7f5d", "#fff3d6", "#6b7f2a", "#46586b",
)  # fmt: skip
_SIZE = (360, 240)


@dataclass(frozen=True)
class Design:
    """Stripes from the top (rows) or the left (columns), four quarters, or a saltire; and what lies in the middle."""

    pattern: Literal["rows", "columns", "quarters", "saltire", "framed"]
    colours: Sequence[str]
    emblem: Literal["disc", "ring", "lozenge", "square", "none"] = "none"
    emblem_colour: str = CREAM


DESIGNS = {
    "teal-lozenge": Design("rows", (TEAL, CREAM, TEAL), "lozenge", CORAL),
    "plum-ring": Design("columns", (PLUM, MUSTARD, PLUM), "ring", CREAM),
    "plum-disc": Design("rows", (PLUM, MUSTARD, SLATE), "disc", CREAM),
    "olive-columns": Design("columns", (OLIVE, CORAL, SLATE, MUSTARD)),
    "quarters": Design("quarters", (TEAL, MUSTARD, MUSTARD, TEAL), "disc", PLUM),
    "plum-frame": Design("framed", (MUSTARD, PLUM), "square", CREAM),
    "olive-rows": Design("rows", (OLIVE, CREAM, OLIVE, CREAM, OLIVE), "lozenge", CORAL),
    "mustard-saltire": Design("saltire", (TEAL, MUSTARD), "disc", CORAL),
    "coral-frame": Design("framed", (TEAL, CORAL), "ring", CREAM),
    "plum-quarters": Design("quarters", (PLUM, CREAM, CORAL, PLUM)),
}


def fly(canvas: Image.Image, flag: Flag) -> None:
    """Paint the flag onto the canvas, waved, with its pole."""
    left, top, right, bottom = pixels_of(canvas, flag.box)
    cloth = waved(design(flag.design), flag.wave).resize((right - left, bottom - top), Image.Resampling.BILINEAR)
    if flag.angle:
        cloth = cloth.rotate(flag.angle, Image.Resampling.BICUBIC, expand=True)
    mask = cloth.getchannel("A").point(lambda v: round(v * flag.opacity))
    if flag.pole:
        thick = length_of(canvas, 0.014)
        pen = ImageDraw.Draw(canvas)
        pen.rectangle((left - thick, top - 2 * thick, left, canvas.height), fill="#5b4a3a")
        pen.ellipse((left - 1.6 * thick, top - 4 * thick, left + 0.6 * thick, top - 1.8 * thick), fill="#c9a64b")
    at = ((left + right - cloth.width) // 2, (top + bottom - cloth.height) // 2)
    canvas.paste(cloth.convert("RGB"), at, mask)


def design(name: str) -> Image.Image:
    """The design flat, RGB; KeyError for a name that does not exist."""
    plan = DESIGNS[name]
    width, height = _SIZE
    cloth = Image.new("RGB", _SIZE, plan.colours[0])
    pen = ImageDraw.Draw(cloth)
    for number, colour in enumerate(plan.colours):
        share = number / len(plan.colours)
        if plan.pattern == "rows":
            pen.rectangle((0, height * share, width, height), fill=colour)
        elif plan.pattern == "columns":
            pen.rectangle((width * share, 0, width, height), fill=colour)
        elif plan.pattern == "quarters":
            x, y = number % 2 * width / 2, number // 2 * height / 2
            pen.rectangle((x, y, x + width / 2, y + height / 2), fill=colour)
    if plan.pattern == "saltire":
        pen.line((0, 0, width, height), fill=plan.colours[1], width=44)
        pen.line((0, height, width, 0), fill=plan.colours[1], width=44)
    if plan.pattern == "framed":
        pen.rectangle((40, 40, width - 40, height - 40), fill=plan.colours[1])
    _emblem(pen, plan)
    return cloth


def _emblem(pen: ImageDraw.ImageDraw, plan: Design) -> None:
    x, y, r = _SIZE[0] / 2, _SIZE[1] / 2, 52
    if plan.emblem == "disc":
        pen.circle((x, y), r, fill=plan.emblem_colour)
    elif plan.emblem == "ring":
        pen.circle((x, y), r, outline=plan.emblem_colour, width=16)
    elif plan.emblem == "lozenge":
        pen.polygon([(x - 1.4 * r, y), (x, y - r), (x + 1.4 * r, y), (x, y + r)], fill=plan.emblem_colour)
    elif plan.emblem == "square":
        pen.rectangle((x - 44, y - 44, x + 44, y + 44), fill=plan.emblem_colour)


def waved(cloth: Image.Image, wave: float) -> Image.Image:
    """The cloth, RGBA, its columns moved and shaded as in wind; `wave` is the amplitude as a share of its height."""
    if not wave:
        return cloth.convert("RGBA")
    pixels = np.asarray(cloth.convert("RGBA"))
    height, width = pixels.shape[:2]
    reach = round(wave * height)
    phase = np.linspace(0, 3.2 * np.pi, width)
    shift = np.round(reach * (1 + np.sin(phase)) * np.linspace(0.35, 1, width)).astype(int)
    light = 1 + 0.28 * np.cos(phase)
    tall = np.zeros((height + 2 * reach, width, 4), dtype=np.uint8)
    rows = np.arange(height)[:, None] + shift[None, :]
    tall[rows, np.arange(width)[None, :]] = pixels
    tall[..., :3] = (tall[..., :3] * light[None, :, None]).clip(0, 255).astype(np.uint8)
    return Image.fromarray(tall)
