"""Pieces of photographs and cut-outs, pasted with the defects that give a collage away."""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageFilter

from redqueen.corpus.collage import shape_mask
from redqueen.corpus.drawing import draw
from redqueen.corpus.handmade.canvas import cast, grown, length_of, outline, pixels_of, torn
from redqueen.corpus.handmade.recipe import CutOut, Edge, Panel, Tracing
from redqueen.corpus.handmade.tones import grained, toned

_TRACED = 640  # short side in pixels at which a photograph is traced: the filters slow down with the square


def cropped(photo: Image.Image, crop: tuple[float, float, float], size: tuple[int, int]) -> Image.Image:
    """The piece of the photograph that `crop` names, in the shape of `size`, at that size."""
    width, height = crop_size(photo.size, crop[2], size[0] / size[1])
    left, top = (photo.width - width) * crop[0], (photo.height - height) * crop[1]
    return photo.resize(
        size, Image.Resampling.LANCZOS, (left, top, left + width, top + height), reducing_gap=2.0
    ).convert("RGB")


def crop_size(size: tuple[int, int], share: float, aspect: float) -> tuple[float, float]:
    """Width and height of the largest crop of that aspect (width over height), times `share`.

    >>> crop_size((400, 200), 0.5, 1.0)
    (100.0, 100.0)
    """
    height = min(size[1], size[0] / aspect) * share
    return height * aspect, height


def paste_panel(canvas: Image.Image, panel: Panel, photo: Image.Image) -> None:
    """Paste a piece of a photograph with its outline, turned, over its shadow."""
    left, top, right, bottom = pixels_of(canvas, panel.box)
    size = (right - left, bottom - top)
    picture = toned(cropped(photo, panel.crop, size), panel.tone)
    rim = length_of(canvas, panel.width) if panel.width else 0
    rng = np.random.default_rng(panel.seed)
    tile = _framed(picture, panel, rim, rng)
    if panel.angle:
        tile = tile.rotate(panel.angle, Image.Resampling.BICUBIC, expand=True)
    at = ((left + right - tile.width) // 2, (top + bottom - tile.height) // 2)
    if panel.shadow:
        cast(canvas, tile.getchannel("A"), at, panel.shadow)
    canvas.paste(tile.convert("RGB"), at, tile.getchannel("A"))


def _framed(picture: Image.Image, panel: Panel, rim: int, rng: np.random.Generator) -> Image.Image:
    """The piece within its outline, RGBA, larger by the rim."""
    below = 3 * rim if panel.cut == "polaroid" else rim
    size = (picture.width + 2 * rim, picture.height + rim + below)
    sheet = Image.new("RGBA", size, panel.edge if rim else (0, 0, 0, 0))
    inner, outer = _masks(picture.size, size, panel, rng)
    sheet.paste(picture, (rim, rim), inner)
    if outer is not None:
        sheet.putalpha(outer)
    elif not rim:
        sheet.putalpha(inner)
    return sheet


def _masks(
    inner: tuple[int, int], outer: tuple[int, int], panel: Panel, rng: np.random.Generator
) -> tuple[Image.Image, Image.Image | None]:
    """Masks of the picture and of the whole sheet; None where the sheet is whole."""
    whole = Image.new("L", inner, 255)
    if panel.cut == "circle":
        return _round(inner, 0.5), _round(outer, 0.5)
    if panel.cut == "rounded":
        return _round(inner, 0.08), _round(outer, 0.08)
    if panel.cut == "torn":
        depth = 0.04 * min(inner)
        return torn(inner, depth, rng), torn(outer, depth * 0.6, rng)
    return whole, None


def _round(size: tuple[int, int], share: float) -> Image.Image:
    """A rectangle whose corners are rounded over `share` of its sides; 0.5 is an ellipse."""
    turn = np.linspace(0, 2 * np.pi, 120, endpoint=False)
    width, height = size
    x = width / 2 + (0.5 - share) * width * np.sign(np.cos(turn)) + share * width * np.cos(turn)
    y = height / 2 + (0.5 - share) * height * np.sign(np.sin(turn)) + share * height * np.sin(turn)
    return outline(size, list(zip(x.tolist(), y.tolist(), strict=True)))


def paste_tracing(canvas: Image.Image, tracing: Tracing, photo: Image.Image) -> None:
    """Cover the canvas with a drawing made from a photograph."""
    shrink = min(1.0, _TRACED / min(canvas.size))
    size = (round(canvas.width * shrink), round(canvas.height * shrink))
    drawing, _ = draw(cropped(photo, tracing.crop, size), np.random.default_rng(tracing.seed))
    canvas.paste(drawing.resize(canvas.size, Image.Resampling.BICUBIC))


def paste_cutout(canvas: Image.Image, cutout: CutOut, material: Image.Image) -> None:
    """Paste a cut-out or a drawing: scaled, turned, relit, with the edge that its maker left."""
    piece = _shaped(material, cutout) if cutout.shape else material
    scale = cutout_scale(canvas.size, cutout, piece.size)
    size = (max(4, round(piece.width * scale)), max(4, round(piece.height * scale)))
    piece = piece.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)
    if cutout.flip:
        piece = piece.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if cutout.angle:
        piece = piece.rotate(cutout.angle, Image.Resampling.BICUBIC, expand=True)
    piece = grained(piece, cutout.grain)
    reach = max(1.0, cutout.reach * max(size))
    pad = round(3 * reach) + 2
    roomy = Image.new("RGBA", (piece.width + 2 * pad, piece.height + 2 * pad))
    roomy.paste(piece, (pad, pad))
    picture, mask = EDGES[cutout.edge](toned(roomy.convert("RGB"), cutout.tone), roomy.getchannel("A"), cutout, reach)
    x = round(cutout.foot[0] * canvas.width - roomy.width / 2)
    y = round(cutout.foot[1] * canvas.height - roomy.height + pad)
    if cutout.shadow:
        cast(canvas, mask, (x, y), cutout.shadow)
    canvas.paste(picture, (x, y), mask)


def cutout_scale(canvas: tuple[int, int], cutout: CutOut, piece: tuple[int, int]) -> float:
    """Canvas pixels per pixel of the cut-out: as large as its room allows."""
    return min(cutout.size[0] * canvas[0] / piece[0], cutout.size[1] * canvas[1] / piece[1])


def _shaped(photo: Image.Image, cutout: CutOut) -> Image.Image:
    """A shape cut from the middle of a photograph, RGBA."""
    assert cutout.shape is not None
    side = min(photo.size)
    left, top = (photo.width - side) // 2, (photo.height - side) // 2
    piece = photo.crop((left, top, left + side, top + side)).convert("RGBA")
    mask = shape_mask(cutout.shape, side, np.random.default_rng(cutout.seed))
    piece.putalpha(mask)
    return piece.crop(mask.getbbox() or (0, 0, side, side))


Masked = tuple[Image.Image, Image.Image]


def _hard(picture: Image.Image, mask: Image.Image, *_: object) -> Masked:
    return picture, mask.point(lambda v: 255 * (v > 127))


def _jagged(picture: Image.Image, mask: Image.Image, _: CutOut, reach: float) -> Masked:
    """Thresholded at a coarser resolution: the staircase of an indexed transparency."""
    step = max(2, round(reach))
    small = (max(2, mask.width // step), max(2, mask.height // step))
    coarse = mask.resize(small, Image.Resampling.BOX).point(lambda v: 255 * (v > 110))
    return picture, coarse.resize(mask.size, Image.Resampling.NEAREST)


def _feathered(picture: Image.Image, mask: Image.Image, _: CutOut, reach: float) -> Masked:
    return picture, mask.filter(ImageFilter.GaussianBlur(reach))


def _halo(picture: Image.Image, mask: Image.Image, cutout: CutOut, reach: float) -> Masked:
    """A fringe of the old background, thicker on one side."""
    wide = grown(mask, reach)
    moved = Image.new("L", mask.size)
    moved.paste(wide, (round(reach * (1 if cutout.flip else -1)), round(-reach / 2)))
    return _on(picture, mask, cutout.fringe), Image.composite(wide, moved, wide)


def _eroded(picture: Image.Image, mask: Image.Image, _: CutOut, reach: float) -> Masked:
    return picture, grown(mask, -reach)


def _stroke(picture: Image.Image, mask: Image.Image, cutout: CutOut, reach: float) -> Masked:
    return _on(picture, mask, cutout.fringe), grown(mask, reach)


def _on(picture: Image.Image, mask: Image.Image, colour: str) -> Image.Image:
    sheet = Image.new("RGB", picture.size, colour)
    sheet.paste(picture, mask=mask)
    return sheet


EDGES: dict[Edge, Callable[[Image.Image, Image.Image, CutOut, float], Masked]] = {
    "hard": _hard,
    "jagged": _jagged,
    "feathered": _feathered,
    "halo": _halo,
    "eroded": _eroded,
    "stroke": _stroke,
}
