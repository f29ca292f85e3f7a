"""What every layout draws by lot: how a piece is treated, captions, marks, the frame and the saves."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from redqueen.corpus.handmade.dice import Dice
from redqueen.corpus.handmade.flags import DESIGNS
from redqueen.corpus.handmade.lettering import HEADLINES, SMALL_PRINT, SPOKEN, WATERMARKS
from redqueen.corpus.handmade.recipe import (
    Border,
    Box,
    Caption,
    CutOut,
    Edge,
    Flag,
    Font,
    Grain,
    Layer,
    Mark,
    Panel,
    Point,
    Save,
    Shadow,
    Tone,
)

Place = Literal["top", "bottom"]

FULL: Box = (0.0, 0.0, 1.0, 1.0)
BARS = (
    ("black", "white"), ("white", "black"), ("firebrick", "white"), ("gold", "black"), ("navy", "yellow"),
    ("#0b6e4f", "white"), ("#222222", "#ffd400"), ("#e9e4d4", "#222222"), ("#2b59c3", "white"), ("#d1495b", "white"),
)  # fmt: skip
LOUD = (("white", "black"), ("#ffe600", "black"), ("#ff2a2a", "white"), ("black", "white"), ("#6dff6d", "black"))
PAPERS = ("#f4f1ea", "#fff4c2", "#f7d9d9", "#dfeefb", "#ffffff")
STRONG = ("#e0312b", "#1f6fb2", "#f2b705", "#2e8b57", "#7a3b8f", "#e8702a", "#1b998b", "#3d405b", "#c2185b")
MARKERS = ("red", "#e60000", "yellow", "#ff4d00", "#00b140")
_FONTS: dict[Font, float] = {
    "sans": 6, "sans-light": 1, "slanted": 1, "serif": 2, "typewriter": 1, "book": 2, "plain": 1.5,
}  # fmt: skip
_EDGES: dict[Edge, tuple[float, tuple[float, float]]] = {  # how often, and the least and greatest reach
    "hard": (3, (0.0, 0.0)),
    "jagged": (3, (0.008, 0.016)),
    "feathered": (2, (0.01, 0.035)),
    "halo": (4, (0.008, 0.02)),
    "eroded": (2, (0.006, 0.016)),
    "stroke": (1, (0.012, 0.03)),
}
_GRAINS: dict[Grain, float] = {
    "native": 6, "upscaled": 1.2, "pixelated": 0.5, "sharpened": 1.5, "blocky": 1, "soft": 1,
}  # fmt: skip
_STROKES = ("white", "white", "#ffe600", "black")
_FRINGES = ("white", "white", "#e8eef2", "#9fc3e6", "#7d8f58", "#d8c7a0", "#303030")
_ASPECTS = {(1, 1): 10, (5, 4): 4, (4, 5): 4, (4, 3): 3, (3, 4): 2, (16, 9): 1, (1.91, 1): 1}  # as platforms ask for


@dataclass(frozen=True)
class Pool:
    """Names of the materials that one picture may be made of. Without cut-outs, shapes are cut from photographs."""

    photos: Sequence[str]
    cutouts: Sequence[str] = ()


def size(dice: Dice, smallest: int, largest: int) -> tuple[int, int]:
    """Width and height of a canvas in pixels, in the shape of some platform's pictures."""
    aspect = dice.weighted(_ASPECTS)
    short = dice.side(smallest, largest)
    wide = aspect[0] / aspect[1]
    return (round(short * wide), short) if wide >= 1 else (short, round(short / wide))


def photograph(dice: Dice, material: str, box: Box = FULL, zoom: tuple[float, float] = (0.6, 1.0)) -> Panel:
    """A piece of a photograph, as often as not in other light than it had."""
    crop = (dice.between(0.2, 0.8), dice.between(0.2, 0.8), dice.between(*zoom))
    return Panel(material, box, crop, light(dice) if dice.chance(0.5) else Tone())


def light(dice: Dice) -> Tone:
    """A look that a filter of a photo program gives."""
    looks = (
        Tone(brightness=dice.between(0.6, 0.8)),
        Tone(saturation=dice.between(0.0, 0.4)),
        Tone(saturation=0.0, contrast=dice.between(1.0, 1.5)),
        Tone(contrast=dice.between(1.2, 1.6), saturation=dice.between(1.3, 1.8)),
        Tone(brightness=dice.between(1.15, 1.4), contrast=dice.between(0.6, 0.85)),
        Tone(warmth=dice.between(0.4, 0.9)),
        Tone(warmth=dice.between(-0.9, -0.4), brightness=0.85),
    )
    return dice.one(looks)


def clashing(dice: Dice) -> Tone:
    """Light that does not fit in: too bright or too dark, too warm or too cold, too pale or too colourful."""
    return Tone(
        brightness=dice.off_one(0.7, 1.4) if dice.chance(0.5) else 1.0,
        contrast=dice.off_one(0.65, 1.4) if dice.chance(0.35) else 1.0,
        saturation=dice.off_one(0.3, 1.9) if dice.chance(0.5) else 1.0,
        warmth=dice.between(-0.8, 0.8) if dice.chance(0.4) else 0.0,
    )


def cutout(dice: Dice, source: tuple[str, bool], foot: Point, room: Point, sticker: bool = False) -> CutOut:
    """A cut-out with one maker's faults; as a sticker, it has a thick stroke.

    Args:
        dice: decides.
        source: name of the material, and whether a shape must be cut from it.
        foot: middle of its lower edge.
        room: largest width and height.
        sticker: with a stroke around it, as on posters.
    """
    edge: Edge = "stroke" if sticker else dice.weighted({name: share for name, (share, _) in _EDGES.items()})
    reach = _EDGES[edge][1]
    return CutOut(
        material=source[0],
        foot=foot,
        size=room,
        flip=dice.chance(0.4),
        angle=dice.between(-9, 9) if dice.chance(0.3) else 0.0,
        tone=clashing(dice),
        grain=dice.weighted(_GRAINS),
        edge=edge,
        reach=dice.between(*reach),
        fringe=dice.one(_STROKES if edge == "stroke" else _FRINGES),
        shadow=shadow(dice) if dice.chance(0.45) else None,
        shape=dice.one(("ellipse", "polygon", "blob")) if source[1] else None,
        seed=dice.seed() if source[1] else 0,
    )


def sources(dice: Dice, pool: Pool, number: int) -> list[tuple[str, bool]]:
    """What is cut out, and whether a shape must be cut: cut-outs as far as there are any, each once at first."""
    if pool.cutouts:
        return [(name, False) for name in dice.some(pool.cutouts, min(number, len(pool.cutouts) + 1))]
    return [(name, True) for name in dice.some(pool.photos, number)]


def shadow(dice: Dice) -> Shadow:
    """A drop shadow, whose direction knows nothing of the photograph's light."""
    return Shadow(dice.between(0, 360), dice.between(0.012, 0.04), dice.between(0.004, 0.02), dice.between(0.4, 0.85))


def flag(dice: Dice, behind: bool) -> Flag:
    """A waving flag on a pole at one side, or one laid over the whole background."""
    if behind:
        return Flag(dice.one(tuple(DESIGNS)), FULL, wave=dice.one((0.0, 0.12)), opacity=dice.between(0.25, 0.5))
    x, y, width = dice.between(0.04, 0.62), dice.between(0.04, 0.3), dice.between(0.24, 0.36)
    return Flag(dice.one(tuple(DESIGNS)), (x, y, x + width, y + 0.72 * width), dice.between(0.06, 0.14), pole=True)


def headline(dice: Dice, place: Place) -> list[Layer]:
    """A caption at the top or bottom: in a bar, or in loud letters on the picture; sometimes small print with it."""
    words = lines(dice.one(HEADLINES))
    height = dice.between(0.1, 0.15) * (1.5 if len(words) > 1 else 1)
    loud = dice.chance(0.45)
    edge = 0.045 if loud else dice.one((0.0, 0.0, 0.03))
    box = (0.0, edge, 1.0, edge + height) if place == "top" else (0.0, 1 - edge - height, 1.0, 1 - edge)
    face = font(dice)
    if not loud:
        ground, ink = dice.one(BARS)
        bar = Caption(words, box, ink, face, ground, narrow=dice.chance(0.3))
        return [bar, *([small_print(dice, ink=ground, place=place)] if dice.chance(0.2) else [])]
    ink, outline = dice.one(LOUD)
    narrow = dice.chance(0.6)
    face = "sans" if narrow else face
    capitals = tuple(line.upper() for line in words)
    return [Caption(capitals, box, ink, face, outline=outline, shadow=dice.chance(0.4), narrow=narrow)]


def font(dice: Dice) -> Font:
    """A font, the bold plain one most often."""
    return dice.weighted(_FONTS)


def lines(words: str) -> tuple[str, ...]:
    """The words in one line, or in two of like length.

    >>> lines("TODAY"), lines("WHAT IS GOING ON HERE?")
    (('TODAY',), ('WHAT IS GOING', 'ON HERE?'))
    """
    if len(words) < 18:
        return (words,)
    gaps = [at for at, letter in enumerate(words) if letter == " "]
    middle = min(gaps, key=lambda at: abs(at - len(words) / 2))
    return words[:middle], words[middle + 1 :]


def small_print(dice: Dice, ink: str, place: Place) -> Caption:
    """A line in small letters in the corner that the headline leaves free."""
    top = 0.93 if place == "top" else 0.02
    left = dice.one((0.03, 0.55))
    return Caption((dice.one(SMALL_PRINT),), (left, top, left + 0.42, top + 0.05), ink, "sans-light")


def watermark(dice: Dice) -> list[Layer]:
    """A stock agency's word across the picture, in three faint copies."""
    word, angle = dice.one(WATERMARKS), dice.between(15, 35)
    places = ((0.0, 0.05, 0.6, 0.3), (0.2, 0.38, 0.8, 0.62), (0.4, 0.7, 1.0, 0.95))
    return [Caption((word,), box, "white", "sans-light", angle=angle, opacity=0.3) for box in places]


def bubble(dice: Dice, mouth: Point) -> Caption:
    """A speech bubble beside and over a point."""
    wide = dice.between(0.24, 0.32)
    left = min(max(mouth[0] + dice.one((-0.3, 0.04)), 0.03), 0.97 - wide)
    top = max(mouth[1] - dice.between(0.2, 0.3), 0.03)
    face: Font = dice.one(("plain", "slanted", "sans"))
    return Caption((dice.one(SPOKEN),), (left, top, left + wide, top + 0.13), "black", face, "white", tail=mouth)


def pointer(dice: Dice, target: Point, reach: float) -> list[Layer]:
    """A ring around a point, an arrow to it, or both."""
    colour, width, smooth = dice.one(MARKERS), dice.between(0.01, 0.02), dice.chance(0.6)
    x, y = target
    ring = Mark("ring", ((x - reach, y - reach), (x + reach, y + reach)), colour, width, smooth)
    away = -1 if x > 0.5 else 1
    start = (x + away * (reach + dice.between(0.2, 0.3)), y + dice.between(-0.25, 0.1))
    tip = (x + away * reach * 1.05, y)
    arrow = Mark(dice.one(("arrow", "curved arrow")), (start, tip), colour, dice.between(0.014, 0.026), smooth)
    both: tuple[list[Layer], ...] = ([ring], [arrow], [ring, arrow])
    return dice.one(both)


def framed(dice: Dice, layers: list[Layer]) -> list[Layer]:
    """The layers, some with a frame around them that lies under the last captions."""
    if dice.chance(0.65):
        return layers
    colour = dice.one(("white", "black", "black", "firebrick", "gold", "royalblue", "#2e8b57"))
    form: Literal["frame", "double"] = dice.one(("frame", "frame", "double"))
    frame = Border(form, colour, dice.between(0.012, 0.04))
    under = len(layers)
    while under and isinstance(layers[under - 1], Caption):
        under -= 1
    return [*layers[:under], frame, *layers[under:]]


def saves(dice: Dice) -> tuple[Save, ...]:
    """One to three saves; between them, often, the size of a screenshot or of an upload."""
    number = dice.weighted({1: 4, 2: 4, 3: 1})
    return tuple(
        Save(
            dice.count(55, 95),
            dice.one(("4:4:4", "4:2:0", "4:2:0", "4:2:2")),
            dice.between(0.55, 0.95) if at and dice.chance(0.6) else 1.0,
        )
        for at in range(number)
    )
