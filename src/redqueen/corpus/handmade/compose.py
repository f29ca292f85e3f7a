"""From a recipe and its materials to the encoded picture: pure, the same bytes for the same input."""

import io
from collections.abc import Mapping

import numpy as np
from PIL import Image, ImageDraw

from redqueen.corpus.handmade import flags, lettering, marks
from redqueen.corpus.handmade.canvas import length_of
from redqueen.corpus.handmade.pieces import crop_size, cutout_scale, paste_cutout, paste_panel, paste_tracing
from redqueen.corpus.handmade.recipe import (
    Band,
    Border,
    Caption,
    CutOut,
    Flag,
    Ground,
    Layer,
    Mark,
    Panel,
    Recipe,
    Tracing,
)
from redqueen.corpus.handmade.tones import jpeg, saved

Materials = Mapping[str, Image.Image]

_ENLARGED = {Panel: 2.0, Tracing: 2.0, CutOut: 3.0}  # pixels of the canvas per pixel of a material, at most


def compose(recipe: Recipe, materials: Materials) -> Image.Image:
    """Paint the recipe, without its saves, as RGB.

    Args:
        recipe: what to paint.
        materials: every material that the recipe names: photographs as RGB, cut-outs and drawings as RGBA.

    Raises:
        KeyError: a material is missing.
    """
    canvas = ground(canvas_size(recipe, materials), recipe.ground)
    for layer in recipe.layers:
        _paint(canvas, layer, materials)
    return canvas


def encode(recipe: Recipe, materials: Materials) -> bytes:
    """The finished file: JPEG where the recipe has saves, else PNG."""
    picture = compose(recipe, materials)
    for number, save in enumerate(recipe.saves):
        size = [max(recipe.least, round(side * save.scale)) for side in picture.size]
        if save.scale < 1:
            picture = picture.resize((size[0], size[1]), Image.Resampling.BILINEAR)
        if number == len(recipe.saves) - 1:
            return jpeg(picture, save.quality, save.subsampling)
        picture = saved(picture, save.quality, save.subsampling)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def canvas_size(recipe: Recipe, materials: Materials) -> tuple[int, int]:
    """The recipe's size, or less of it where a material would be enlarged further than allowed."""
    scale = 1.0
    for layer in recipe.layers:
        if isinstance(layer, Panel | Tracing | CutOut):
            allowed = _ENLARGED[type(layer)] / _enlargement(layer, materials[layer.material], recipe.size)
            scale = min(scale, allowed)
    scale = max(scale, recipe.least / min(recipe.size))
    return round(recipe.size[0] * scale), round(recipe.size[1] * scale)


def _enlargement(layer: Panel | Tracing | CutOut, material: Image.Image, size: tuple[int, int]) -> float:
    """Pixels of a canvas of that size per pixel of the material."""
    if isinstance(layer, CutOut):
        side = min(material.size)
        return cutout_scale(size, layer, (side, side) if layer.shape else material.size)
    left, top, right, bottom = layer.box if isinstance(layer, Panel) else (0, 0, 1, 1)
    width, height = (right - left) * size[0], (bottom - top) * size[1]
    return height / crop_size(material.size, layer.crop[2], width / height)[1]


def _paint(canvas: Image.Image, layer: Layer, materials: Materials) -> None:
    match layer:
        case Panel():
            paste_panel(canvas, layer, materials[layer.material])
        case Tracing():
            paste_tracing(canvas, layer, materials[layer.material])
        case CutOut():
            paste_cutout(canvas, layer, materials[layer.material])
        case Flag():
            flags.fly(canvas, layer)
        case Mark():
            marks.mark(canvas, layer)
        case Band():
            marks.band(canvas, layer)
        case Caption():
            lettering.draw(canvas, layer)
        case Border():
            _frame(canvas, layer)


def ground(size: tuple[int, int], plan: Ground) -> Image.Image:
    """What lies under everything."""
    width, height = size
    first, second = plan.colours
    sheet = Image.new("RGB", size, first)
    if plan.kind == "gradient":
        sheet.paste(second, mask=Image.linear_gradient("L").resize(size))
    elif plan.kind == "bands":
        sheet.paste(second, (0, round(plan.split * height), width, height))
    elif plan.kind == "rays":
        turn = np.linspace(0, 2 * np.pi, 25)
        reach, pen = 2 * max(size), ImageDraw.Draw(sheet)
        middle = (width / 2, plan.split * height)
        tips = [(middle[0] + reach * np.cos(a), middle[1] + reach * np.sin(a)) for a in turn.tolist()]
        for here, there in zip(tips[::2], tips[1::2], strict=False):
            pen.polygon([middle, here, there], fill=second)
    elif plan.kind == "paper":
        speckle = np.random.default_rng(width * height).normal(0, 7, (height // 3 + 1, width // 3 + 1))
        grey = Image.fromarray((128 + speckle).clip(0, 255).astype(np.uint8)).resize(size, Image.Resampling.BILINEAR)
        sheet.paste(second, mask=grey.point(lambda v: v // 3))
    return sheet


def _frame(canvas: Image.Image, border: Border) -> None:
    width = length_of(canvas, border.width)
    pen, (right, bottom) = ImageDraw.Draw(canvas), (canvas.width - 1, canvas.height - 1)
    pen.rectangle((0, 0, right, bottom), outline=border.colour, width=width)
    if border.form == "double":
        inset = 2 * width
        pen.rectangle((inset, inset, right - inset, bottom - inset), outline=border.colour, width=max(1, width // 3))
