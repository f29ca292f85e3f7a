"""What campaigns do to a picture before they post it: captions, logos, frames, stickers, other photographs beside it.

All keep the picture's size and paint over it or shrink it. Words come from a short closed list without a person, party,
candidate, slogan or instruction; letters are of the font that lies within Pillow, whatever is installed. Photographs
are the two of scikit-learn's wheel, a temple and a flower: a result on pictures that hold them, too, must say so.
"""

import functools
import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from redqueen.errors import UserError, unknown
from redqueen.perturbations.functional import Pixels, check_range

Rng = np.random.Generator
_T = TypeVar("_T")
Box = tuple[int, int, int, int]  # left, top, right, bottom in pixels

WORDS = (
    "LOOK AT THIS", "SEEN TODAY", "A SUNNY DAY", "WHO KNEW", "THIS MORNING", "NOTHING TO SEE HERE",
    "WAIT FOR IT", "PICTURE OF THE DAY",
)  # fmt: skip
SHORT = ("NEW", "WOW", "LOOK", "TODAY")
COLOURS = ((200, 30, 45), (20, 80, 170), (245, 190, 20), (25, 130, 70), (20, 20, 20), (245, 245, 245))
PHOTOGRAPHS = ("china.jpg", "flower.jpg")  # scikit-learn's, CC BY 2.0, as sklearn/datasets/images/README.txt says
INSIDE = ("photograph", "picture")
_TRIAL = 64  # points at which words are measured


def caption_bar(pixels: Pixels, rng: Rng, share: float = 0.14) -> Pixels:
    """A line of words on a bar of one colour along the lower edge.

    Args:
        pixels: (height, width, 3) uint8 RGB.
        rng: draws the words and the colour.
        share: of the height that the bar takes, 0.05-0.5.
    """
    check_range("share", share, 0.05, 0.5)
    picture = Image.fromarray(pixels)
    top = picture.height - _part(picture.height, share)
    ground = _drawn(rng, COLOURS)
    picture.paste(ground, (0, top, picture.width, picture.height))
    _write(picture, _drawn(rng, WORDS), (0, top, picture.width, picture.height), _against(ground))
    return np.asarray(picture)


def meme_text(pixels: Pixels, rng: Rng, share: float = 0.16) -> Pixels:
    """White words with a black rim at the top and at the bottom.

    Args:
        pixels: (height, width, 3) uint8 RGB.
        rng: draws the words, two different lines.
        share: of the height that each line may take, 0.05-0.5.
    """
    check_range("share", share, 0.05, 0.5)
    picture = Image.fromarray(pixels)
    tall = _part(picture.height, share)
    upper, lower = rng.permutation(len(WORDS))[:2]
    for place, top in ((upper, 0), (lower, picture.height - tall)):
        _write(picture, WORDS[place], (0, top, picture.width, top + tall), (255, 255, 255), rim=True)
    return np.asarray(picture)


def border(pixels: Pixels, rng: Rng, share: float = 0.05) -> Pixels:
    """A frame of one colour over the picture's edges, which are lost.

    Args:
        pixels: (height, width, 3) uint8 RGB.
        rng: draws the colour.
        share: of the short side that each bar of the frame takes, 0.01-0.4.
    """
    check_range("share", share, 0.01, 0.4)
    made, wide = pixels.copy(), _part(min(pixels.shape[:2]), share)
    inside = made[wide:-wide, wide:-wide].copy()
    made[:] = _drawn(rng, COLOURS)
    made[wide:-wide, wide:-wide] = inside
    return made


def logo(pixels: Pixels, rng: Rng, share: float = 0.15, opacity: float = 0.75) -> Pixels:
    """A made-up emblem, a disc with a ring and a triangle, in one of the corners.

    Args:
        pixels: (height, width, 3) uint8 RGB.
        rng: draws the corner and the colour.
        share: of the short side that the emblem takes, 0.05-0.5.
        opacity: 0.05-1.
    """
    check_range("share", share, 0.05, 0.5)
    check_range("opacity", opacity, 0.05, 1)
    ground = _drawn(rng, COLOURS)

    def paint(pen: ImageDraw.ImageDraw, side: int) -> None:
        ink = (*_against(ground), 255)
        pen.ellipse((0, 0, side - 1, side - 1), (*ground, 255))
        pen.ellipse((side * 0.1, side * 0.1, side * 0.9, side * 0.9), outline=ink, width=max(1, side // 20))
        pen.polygon([(side * 0.5, side * 0.22), (side * 0.76, side * 0.68), (side * 0.24, side * 0.68)], ink)

    picture = Image.fromarray(pixels)
    side = _part(min(picture.size), share)
    return _laid(picture, _tile(side, paint), _corner(picture, (side, side), rng), opacity)


def sticker(pixels: Pixels, rng: Rng, share: float = 0.3) -> Pixels:
    """A star with a short word, a little turned, anywhere within the picture.

    Args:
        pixels: (height, width, 3) uint8 RGB.
        rng: draws the place, the turn, the colour and the word.
        share: of the short side that the star takes, 0.05-0.8.
    """
    check_range("share", share, 0.05, 0.8)
    ground, word, turn = _drawn(rng, COLOURS), _drawn(rng, SHORT), rng.uniform(-20, 20)

    def paint(pen: ImageDraw.ImageDraw, side: int) -> None:
        angles = np.arange(32) * np.pi / 16
        radii = np.where(np.arange(32) % 2, 0.42, 0.5) * side
        points = np.stack([side / 2 + radii * np.cos(angles), side / 2 + radii * np.sin(angles)], axis=1)
        pen.polygon([tuple(point) for point in points.tolist()], (*ground, 255))

    picture = Image.fromarray(pixels)
    side = _part(min(picture.size), share)
    tile = _tile(side, paint)
    _write(tile, word, (side // 6, side // 4, side - side // 6, side - side // 4), _against(ground))
    left, top = int(rng.integers(picture.width - side + 1)), int(rng.integers(picture.height - side + 1))
    return _laid(picture, tile.rotate(turn, Image.Resampling.BICUBIC), (left, top), 1)


def picture_in_picture(
    pixels: Pixels, rng: Rng, share: float = 0.35, inside: Literal["photograph", "picture"] = "photograph"
) -> Pixels:
    """A photograph in a corner of the picture, or the picture in a corner of a photograph, with a white rim.

    Args:
        pixels: (height, width, 3) uint8 RGB.
        rng: draws the corner, the photograph and which part of it.
        share: of each side that the smaller of the two takes, 0.1-0.9.
        inside: which of the two is the smaller one, "photograph" or "picture".
    """
    check_range("share", share, 0.1, 0.9)
    if inside not in INSIDE:
        raise unknown("part inside", inside, INSIDE)
    picture = Image.fromarray(pixels)
    size = (_part(picture.width, share), _part(picture.height, share))
    if inside == "photograph":
        whole, small = picture, _photograph(rng, size)
    else:
        whole, small = _photograph(rng, picture.size), _covering(picture, size, (0.5, 0.5))
    place, rim = _corner(whole, size, rng), max(1, min(size) // 40)
    whole.paste(ImageOps.expand(small.crop((rim, rim, size[0] - rim, size[1] - rim)), rim, "white"), place)
    return np.asarray(whole)


def collage(pixels: Pixels, rng: Rng, cells: Literal[2, 4] = 2) -> Pixels:
    """The picture in one of two halves or four quarters, its middle at that shape, and photographs in the others.

    Args:
        pixels: (height, width, 3) uint8 RGB.
        rng: draws the picture's cell, the photographs and which parts of them.
        cells: 2, side by side, or 4.
    """
    if cells not in (2, 4):
        raise UserError(f"cells {cells} is not allowed: give 2 or 4")
    picture = Image.fromarray(pixels)
    across, down = picture.width // 2, picture.height // (cells // 2)
    corners = [(x, y) for y in range(0, picture.height - down + 1, down) for x in (0, across)][:cells]
    own, made = int(rng.integers(cells)), picture.copy()
    for number, (left, top) in enumerate(corners):
        right = picture.width if left else across
        bottom = picture.height if top or down == picture.height else down
        size = (right - left, bottom - top)
        cell = _covering(picture, size, (0.5, 0.5)) if number == own else _photograph(rng, size)
        made.paste(cell, (left, top))
    return np.asarray(made)


def _drawn(rng: Rng, things: Sequence[_T]) -> _T:
    return things[int(rng.integers(len(things)))]


def _part(side: int, share: float) -> int:
    return max(1, round(side * share))


def _against(ground: tuple[int, ...]) -> tuple[int, int, int]:
    """Black or white, whichever can be read on the colour."""
    light = sum(weight * value for weight, value in zip((0.299, 0.587, 0.114), ground, strict=True))
    return (0, 0, 0) if light > 128 else (255, 255, 255)


def _corner(picture: Image.Image, size: tuple[int, int], rng: Rng) -> tuple[int, int]:
    """Where something of that size lies in a corner that is drawn, a little off the edges."""
    gap = min(picture.size) // 30
    left, top = (int(rng.integers(2)) for _ in range(2))
    places = [
        max(0, whole - part - gap) if far else min(gap, whole - part)
        for far, whole, part in zip((left, top), picture.size, size, strict=True)
    ]
    return places[0], places[1]


def _tile(side: int, paint: Callable[[ImageDraw.ImageDraw, int], None]) -> Image.Image:
    """What `paint` draws, RGBA, (side, side), painted four times as large, so that its edges are smooth."""
    large = Image.new("RGBA", (4 * side, 4 * side))
    paint(ImageDraw.Draw(large), 4 * side)
    return large.resize((side, side), Image.Resampling.BOX)


def _laid(picture: Image.Image, tile: Image.Image, place: tuple[int, int], opacity: float) -> Pixels:
    picture.paste(tile.convert("RGB"), place, tile.getchannel("A").point(lambda value: round(value * opacity)))
    return np.asarray(picture)


def _write(picture: Image.Image, words: str, box: Box, ink: tuple[int, ...], rim: bool = False) -> None:
    """Words as large as the box allows, in its middle; in a box for letters of under 4 points, none."""
    width, height = box[2] - box[0], box[3] - box[1]
    left, top, right, bottom = _font(_TRIAL).getbbox(words)
    points = int(_TRIAL * min(0.92 * width / (right - left), 0.7 * height / (bottom - top)))
    if points < 4:
        return
    middle = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
    stroke = max(1, points // 12)
    ImageDraw.Draw(picture).text(
        middle, words, ink, _font(points), "mm", stroke_width=stroke if rim else stroke // 2,
        stroke_fill="black" if rim else ink,
    )  # fmt: skip


@functools.cache
def _font(points: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(points)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise UserError("captions need Pillow with FreeType: pip install --force-reinstall Pillow")
    return font


def _photograph(rng: Rng, size: tuple[int, int]) -> Image.Image:
    """A part of one of the photographs, half to all of what the shape allows, drawn."""
    whole, zoom = _opened(_drawn(rng, PHOTOGRAPHS)), rng.uniform(0.5, 1)
    wide, tall = (_part(side, zoom) for side in whole.size)
    left, top = int(rng.integers(whole.width - wide + 1)), int(rng.integers(whole.height - tall + 1))
    return _covering(whole.crop((left, top, left + wide, top + tall)), size, (rng.random(), rng.random()))


def _covering(picture: Image.Image, size: tuple[int, int], at: tuple[float, float]) -> Image.Image:
    """The largest part of that shape, scaled to the size (Lanczos)."""
    return ImageOps.fit(picture, size, Image.Resampling.LANCZOS, centering=at)


@functools.cache
def _opened(name: str) -> Image.Image:
    """A photograph of scikit-learn's wheel, found without importing it."""
    spec = importlib.util.find_spec("sklearn")
    for root in (spec.submodule_search_locations if spec else None) or []:
        path = Path(root) / "datasets" / "images" / name
        if path.is_file():
            with Image.open(path) as file:
                return file.convert("RGB")
    raise UserError(f"'{name}' is missing from scikit-learn: pip install --force-reinstall scikit-learn")
