"""Collages as influence campaigns made them before diffusion: badly matched cut-outs on a photograph, and a caption."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont

WORDS = ("TODAY", "LOCAL NEWS", "SHARE THIS", "MUST SEE", "LOOK AT THIS", "THIS WEEK", "READ MORE", "NEW PHOTOS")
SHAPES = ("ellipse", "polygon", "blob")
EDGES = ("hard", "feathered", "outlined")
BARS = (("black", "white"), ("white", "black"), ("firebrick", "white"), ("gold", "black"), ("navy", "yellow"))
BORDERS = ("white", "black", "firebrick", "gold", "royalblue")

_CORNERS = ((0.28, 0.3), (0.72, 0.3), (0.28, 0.7), (0.72, 0.7))  # centres of cut-outs, as shares of the canvas
_MIN_FONT = 6


def compose(
    background: Image.Image, materials: Sequence[Image.Image], rng: np.random.Generator
) -> tuple[Image.Image, dict[str, Any]]:
    """Paste two to four cut-outs of the materials on the background, caption it, and sometimes frame and re-save it.

    Args:
        background: square, RGB; the collage has its size.
        materials: RGB pictures to cut from, at least one.
        rng: decides everything that is not in the pictures.

    Returns:
        The collage, and its recipe as JSON-serialisable data.

    Raises:
        ValueError: the background is not square, or there are no materials.
    """
    if background.width != background.height or not materials:
        raise ValueError(
            f"need a square background and materials, got {background.size} and {len(materials)} materials"
        )
    canvas, cutouts = background.convert("RGB"), []
    place = str(rng.choice(("top", "bottom")))
    order, corners, edges = rng.permutation(len(materials)), rng.permutation(_CORNERS), rng.permutation(EDGES)
    for i in range(rng.integers(2, len(_CORNERS) + 1)):
        index, (x, y) = int(order[i % len(order)]), corners[i]
        centre = (float(x), float(y) + (0.08 if place == "top" else -0.08))  # clear of the caption
        canvas, cutout = _paste(canvas, materials[index], centre, str(edges[i % len(edges)]), rng)
        cutouts.append({"material": index, **cutout})
    canvas, border = _frame(canvas, rng) if rng.random() < 0.4 else (canvas, None)
    canvas, caption = _caption(canvas, place, border["width"] if border else 0, rng)
    canvas, quality = _resave(canvas, int(rng.integers(60, 91))) if rng.random() < 0.6 else (canvas, None)
    return canvas, {"cutouts": cutouts, "border": border, "caption": caption, "jpeg_quality": quality}


def _paste(
    canvas: Image.Image, material: Image.Image, centre: tuple[float, float], edge: str, rng: np.random.Generator
) -> tuple[Image.Image, dict[str, Any]]:
    side = round(canvas.width * rng.uniform(0.4, 0.68))
    x, y = (round(canvas.width * (c + rng.uniform(-0.1, 0.1)) - side / 2) for c in centre)
    shape = str(rng.choice(SHAPES))
    angle = round(float(rng.uniform(-25, 25)), 1)
    brightness, saturation = _clash(rng, 0.55, 1.6), _clash(rng, 0.1, 2.4)
    shadow = bool(rng.random() < 0.4)

    cut = material.resize((side, side), Image.Resampling.BICUBIC).rotate(angle, Image.Resampling.BICUBIC)
    cut = ImageEnhance.Color(ImageEnhance.Brightness(cut).enhance(brightness)).enhance(saturation)
    mask = shape_mask(shape, side, rng)
    canvas = canvas.copy()
    if shadow:
        offset = max(1, side // 14)
        soft = mask.filter(ImageFilter.GaussianBlur(side / 20)).point(lambda v: round(v * 0.65))
        canvas.paste("black", (x + offset, y + offset), soft)
    if edge == "outlined":
        canvas.paste("white", (x, y), mask.filter(ImageFilter.MaxFilter(2 * max(1, side // 32) + 1)))
    if edge == "feathered":
        mask = mask.filter(ImageFilter.GaussianBlur(side / 22))
    canvas.paste(cut, (x, y), mask)
    return canvas, {
        "shape": shape,
        "edge": edge,
        "at": [x, y],
        "side": side,
        "scale": round(material.width / side, 3),  # pixels of the material per pixel of the collage
        "angle": angle,
        "brightness": brightness,
        "saturation": saturation,
        "shadow": shadow,
    }


def _clash(rng: np.random.Generator, low: float, high: float) -> float:
    """A factor well off 1, on either side."""
    return round(float(rng.uniform(low, 0.8) if rng.random() < 0.5 else rng.uniform(1.2, high)), 3)


def shape_mask(shape: str, side: int, rng: np.random.Generator) -> Image.Image:
    """A hard-edged mask (mode L, side x side) inside the inscribed circle, so that a rotated cut shows no corners."""
    angles = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    if shape == "ellipse":
        a, b, turn = rng.uniform(0.28, 0.46), rng.uniform(0.28, 0.46), rng.uniform(0, np.pi)
        radii = a * b / np.hypot(b * np.cos(angles - turn), a * np.sin(angles - turn))
    elif shape == "polygon":
        corners = int(rng.integers(4, 8))
        angles = (np.arange(corners) + rng.uniform(-0.3, 0.3, corners)) * 2 * np.pi / corners
        radii = rng.uniform(0.32, 0.46, corners)
    else:
        waves = sum(rng.uniform(0.03, 0.12) * np.cos(k * angles + rng.uniform(0, 2 * np.pi)) for k in (2, 3, 5))
        radii = np.minimum(0.38 * (1 + waves), 0.46)
    xs, ys = side * (0.5 + radii * np.cos(angles)), side * (0.5 + radii * np.sin(angles))
    mask = Image.new("L", (side, side))
    ImageDraw.Draw(mask).polygon([(float(x), float(y)) for x, y in zip(xs, ys, strict=True)], fill=255)
    return mask


def _frame(canvas: Image.Image, rng: np.random.Generator) -> tuple[Image.Image, dict[str, Any]]:
    width, colour = max(1, round(canvas.width * rng.uniform(0.025, 0.06))), str(rng.choice(BORDERS))
    framed = Image.new("RGB", canvas.size, colour)
    inner = (width, width, canvas.width - width, canvas.height - width)
    framed.paste(canvas.crop(inner), inner)
    return framed, {"width": width, "colour": colour}


def _caption(
    canvas: Image.Image, place: str, margin: int, rng: np.random.Generator
) -> tuple[Image.Image, dict[str, Any]]:
    size = canvas.width
    height = max(11, round(size * rng.uniform(0.16, 0.22)))
    words = str(rng.choice(WORDS))
    ground, ink = BARS[rng.integers(len(BARS))]
    top = margin if place == "top" else size - margin - height
    box = [margin, top, size - margin, top + height]
    captioned = canvas.copy()
    pen = ImageDraw.Draw(captioned)
    pen.rectangle((box[0], box[1], box[2] - 1, box[3] - 1), fill=ground)
    font = _font(words, 0.94 * (size - 2 * margin), round(0.85 * height))
    pen.text((size / 2, top + height / 2), words, fill=ink, font=font, anchor="mm")
    return captioned, {"words": words, "place": place, "ground": ground, "ink": ink, "box": box}


def _font(words: str, width: float, tallest: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """The largest size of Pillow's own font (no font look-up: machines differ) in which the words fit the width."""
    for points in range(tallest, _MIN_FONT, -1):
        font = ImageFont.load_default(points)
        if font.getlength(words) <= width:
            break
    return font


def _resave(canvas: Image.Image, quality: int) -> tuple[Image.Image, int]:
    buffer = io.BytesIO()
    canvas.save(buffer, "JPEG", quality=quality)
    with Image.open(buffer) as saved:
        return saved.convert("RGB"), quality
