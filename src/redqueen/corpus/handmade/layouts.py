"""How collages were laid out: one function a layout, and the lot that chooses among them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from redqueen.corpus.handmade.dice import Dice
from redqueen.corpus.handmade.lettering import HEADLINES, PAIRS, SIGNS, SMALL_PRINT
from redqueen.corpus.handmade.recipe import (
    Band,
    Box,
    Caption,
    CutOut,
    Flag,
    Ground,
    Layer,
    Mark,
    Panel,
    Point,
    Recipe,
    Tone,
)
from redqueen.corpus.handmade.styling import (
    BARS,
    FULL,
    MARKERS,
    PAPERS,
    STRONG,
    Place,
    Pool,
    bubble,
    cutout,
    flag,
    font,
    framed,
    headline,
    light,
    lines,
    photograph,
    pointer,
    saves,
    shadow,
    size,
    small_print,
    sources,
    watermark,
)

Plan = tuple[Ground, list[Layer]]
Scrap = Literal["torn", "polaroid"]
PaperEdge = Literal["straight", "slanted", "torn", "wavy"]

_PLAIN = Ground("flat", ("white", "white"))
_GRIDS: tuple[tuple[Box, ...], ...] = (
    ((0, 0, 0.5, 1), (0.5, 0, 1, 1)),
    ((0, 0, 1, 0.5), (0, 0.5, 1, 1)),
    ((0, 0, 1, 0.55), (0, 0.55, 0.5, 1), (0.5, 0.55, 1, 1)),
    ((0, 0, 0.34, 1), (0.34, 0, 0.67, 1), (0.67, 0, 1, 1)),
    ((0, 0, 0.5, 0.5), (0.5, 0, 1, 0.5), (0, 0.5, 0.5, 1), (0.5, 0.5, 1, 1)),
)
_BOARDS = (("#c8a06a", "#8f6b3d"), ("#e8e2d0", "#bdb49a"), ("#5c7a5c", "#38503a"), ("#d9d9d9", "#a0a0a0"))
_EDGES_OF_PAPER: tuple[PaperEdge, ...] = ("torn", "torn", "slanted", "wavy", "straight")


def collage(dice: Dice, pool: Pool, smallest: int, largest: int) -> Recipe:
    """The recipe of a collage from the pool, whose short side has between `smallest` and `largest` pixels."""
    layout = dice.weighted({name: share for name, (share, _) in LAYOUTS.items()})
    ground, layers = LAYOUTS[layout][1](dice, pool)
    if dice.chance(0.06):
        layers += watermark(dice)
    return Recipe(layout, size(dice, smallest, largest), smallest, ground, tuple(framed(dice, layers)), saves(dice))


def _standing(dice: Dice, pool: Pool, number: int, horizon: float, floor: float) -> list[CutOut]:
    """Cut-outs side by side, the nearer ones larger and lower; one of them is the hero of the picture."""
    pieces = sources(dice, pool, number)
    slots = dice.some([(i + 0.5) / len(pieces) for i in range(len(pieces))], len(pieces))
    made = []
    for i, (piece, slot) in enumerate(zip(pieces, slots, strict=True)):
        near = 1.0 if i == 0 else dice.between(0.0, 0.8)
        foot = (0.04 + 0.92 * slot + dice.between(-0.06, 0.06), horizon + (floor - horizon) * near)
        tall = (0.24 + 0.3 * near) * dice.between(0.8, 1.25)
        made.append(cutout(dice, piece, foot, (min(0.62, 1.5 * tall), tall)))
    return sorted(made, key=lambda one: one.foot[1])


def _on(piece: CutOut) -> Point:
    """A point that lies on the cut-out, though it be much wider than high."""
    return piece.foot[0], max(piece.foot[1] - 0.4 * piece.size[1], 0.1)


def _scene(dice: Dice, pool: Pool) -> Plan:
    """Cut-outs standing in a photograph, a headline, perhaps a flag."""
    place: Place = dice.one(("top", "bottom"))
    layers: list[Layer] = [photograph(dice, dice.one(pool.photos))]
    if dice.chance(0.35):
        layers.append(flag(dice, behind=dice.chance(0.4)))
    number = dice.weighted({2: 4, 3: 4, 4: 2, 5: 1})
    pieces = _standing(dice, pool, number, 0.66, 1.02 if place == "top" else 0.88)
    layers += pieces
    if dice.chance(0.25):
        layers.append(bubble(dice, _on(dice.one(pieces))))
    elif dice.chance(0.3):
        layers += pointer(dice, _on(dice.one(pieces)), 0.12)
    return _PLAIN, layers + (headline(dice, place) if dice.chance(0.9) else [])


def _poster(dice: Dice, pool: Pool) -> Plan:
    """Large cut-outs with a stroke on a loud ground, and slanted strips of text."""
    first, second = dice.some(STRONG, 2)
    grounds = (
        Ground("gradient", (first, second)),
        Ground("rays", (first, second), dice.between(0.35, 0.6)),
        Ground("flat", (first, first)),
    )
    layers: list[Layer] = []
    if dice.chance(0.3):
        layers.append(Flag(flag(dice, behind=True).design, FULL, opacity=dice.between(0.75, 1)))
    elif dice.chance(0.5):
        panel = photograph(dice, dice.one(pool.photos))
        layers.append(replace(panel, tone=Tone(tint=first, contrast=dice.between(0.6, 1))))
    grey = dice.chance(0.35)
    hero, *others = sources(dice, pool, dice.weighted({2: 3, 3: 1}))
    figures = [
        cutout(
            dice, piece, (dice.one((0.18, 0.8)), dice.between(0.6, 0.85)), (0.85, dice.between(0.25, 0.4)),
            sticker=dice.chance(0.75),
        )
        for piece in others
    ]  # fmt: skip
    middle = (dice.between(0.3, 0.7), 0.98)
    figures.append(cutout(dice, hero, middle, (0.85, dice.between(0.62, 0.8)), sticker=dice.chance(0.75)))
    layers += [replace(one, tone=Tone(saturation=0, contrast=1.3)) if grey else one for one in figures]
    return dice.one(grounds), layers + _strips(dice)


def _strips(dice: Dice) -> list[Layer]:
    """A text on one to three strips of paper, all a little askew."""
    ground, ink = dice.one(BARS)
    angle = dice.one((0.0, dice.between(-7, 7)))
    words = lines(dice.one(HEADLINES)) + ((dice.one(SMALL_PRINT),) if dice.chance(0.4) else ())
    first = 0.985 - 0.115 * len(words) if dice.chance(0.7) else 0.04
    layers: list[Layer] = []
    for row, text in enumerate(words):
        wide = min(0.94, 0.16 + 0.045 * len(text))
        left, top = dice.between(0.03, 0.97 - wide), first + 0.115 * row
        box = (left, top, left + wide, top + 0.1)
        layers.append(Caption((text,), box, ink, font(dice), ground, angle=angle))
    return layers


def _grid(dice: Dice, pool: Pool) -> Plan:
    """Two to four pictures side by side, cut-outs over the seams, a headline."""
    gap, boxes = dice.between(0.0, 0.025), dice.one(_GRIDS)
    layers: list[Layer] = []
    for photo, (left, top, right, bottom) in zip(dice.some(pool.photos, len(boxes)), boxes, strict=True):
        box = (left + gap / 2, top + gap / 2, right - gap / 2, bottom - gap / 2)
        layers.append(photograph(dice, photo, box, (0.35, 0.85)))
    wanted = dice.count(2, len(boxes))
    for (left, top, right, bottom), piece in zip(dice.some(boxes, wanted), sources(dice, pool, wanted), strict=False):
        foot = ((left + right) / 2 + dice.between(-0.08, 0.08), bottom - dice.between(0.0, 0.1))
        tall = min(0.7 * (bottom - top), 0.5) * dice.between(0.8, 1.15)
        layers.append(cutout(dice, piece, foot, (0.85 * (right - left), tall)))
    colour = dice.one(("white", "white", "black", "#222222", "gold"))
    place: Place = dice.one(("top", "bottom"))
    return Ground("flat", (colour, colour)), layers + (headline(dice, place) if dice.chance(0.75) else [])


def _split(dice: Dice, pool: Pool) -> Plan:
    """Two halves with a word on each: the same view in other light, or two views, and a cut-out in either."""
    beside = dice.chance(0.65)
    boxes = _GRIDS[0 if beside else 1]
    one = photograph(dice, dice.one(pool.photos), boxes[0], (0.4, 0.8))
    other = replace(photograph(dice, dice.one(pool.photos), boxes[1], (0.4, 0.8)), tone=light(dice))
    if one.material == other.material and dice.chance(0.5):
        other = replace(other, crop=one.crop)
    layers: list[Layer] = [one, other]
    for (left, top, right, bottom), piece in zip(boxes, sources(dice, pool, 2), strict=False):
        foot = ((left + right) / 2, bottom - dice.between(0.02, 0.12))
        layers.append(cutout(dice, piece, foot, (0.9 * (right - left), 0.62 * (bottom - top))))
    layers += _labels(dice, boxes)
    seam: tuple[Point, Point] = ((0.5, 0.0), (0.5, 1.0)) if beside else ((0.0, 0.5), (1.0, 0.5))
    layers.append(Mark("line", seam, dice.one(("white", "black", "red", "gold")), dice.between(0.006, 0.018)))
    if dice.chance(0.4):
        points: tuple[Point, Point] = ((0.4, 0.5), (0.62, 0.5)) if beside else ((0.5, 0.42), (0.5, 0.6))
        layers.append(Mark("arrow", points, dice.one((*MARKERS, "white")), 0.03))
    return _PLAIN, layers + (headline(dice, "bottom") if dice.chance(0.4) else [])


def _labels(dice: Dice, boxes: tuple[Box, ...]) -> list[Layer]:
    """A word at the top of each half."""
    ground, ink = dice.one(BARS)
    face = font(dice)
    layers: list[Layer] = []
    for word, (left, top, right, _) in zip(dice.one(PAIRS), boxes, strict=True):
        middle, half = (left + right) / 2, min(0.21, 0.05 + 0.02 * len(word))
        box = (middle - half, top + 0.03, middle + half, top + 0.12)
        layers.append(Caption((word,), box, ink, face, ground))
    return layers


def _inset(dice: Dice, pool: Pool) -> Plan:
    """A detail in a round or square window over the scene, with a line to where it belongs."""
    right, low = dice.chance(0.5), dice.chance(0.3)
    wide = dice.between(0.32, 0.46)
    left, top = (0.96 - wide if right else 0.04), (0.95 - wide if low else 0.06)
    window = Panel(
        dice.one(pool.photos),
        (left, top, left + wide, top + wide),
        (dice.between(0.1, 0.9), dice.between(0.3, 1.0), dice.between(0.25, 0.5)),
        cut=dice.one(("circle", "circle", "rounded", "straight")),
        edge=dice.one(("white", "red", "yellow", "black")),
        width=dice.between(0.008, 0.02),
        shadow=shadow(dice) if dice.chance(0.4) else None,
    )
    x, y = (0.28 if right else 0.72), dice.between(0.5, 0.62)
    layers: list[Layer] = [photograph(dice, dice.one(pool.photos), zoom=(0.7, 1.0))]
    layers += _standing(dice, pool, dice.count(2, 3), 0.7, 0.95)
    if dice.chance(0.7):
        near = (left + wide / 2, top + (0.1 if low else 0.9) * wide)
        layers.append(Mark("ring", ((x - 0.08, y - 0.08), (x + 0.08, y + 0.08)), window.edge, 0.01))
        layers.append(Mark(dice.one(("line", "arrow")), (near, (x, y)), window.edge, 0.01))
    layers.append(window)
    return _PLAIN, layers + (headline(dice, "top" if low else "bottom") if dice.chance(0.8) else [])


def _pinboard(dice: Dice, pool: Pool) -> Plan:
    """Scraps, torn or as instant photographs, taped to coloured paper or to a wall, with cut-outs between them."""
    layers: list[Layer] = []
    if dice.chance(0.3):
        back = photograph(dice, dice.one(pool.photos), zoom=(0.3, 0.6))
        layers.append(replace(back, tone=Tone(brightness=0.7, saturation=0.3)))
    forms: tuple[tuple[Scrap, ...], ...] = (("torn",), ("polaroid",), ("torn", "polaroid"))
    form = dice.one(forms)
    for x, y in dice.some(((0.05, 0.06), (0.5, 0.1), (0.08, 0.48), (0.5, 0.46)), dice.count(2, 4)):
        wide, tall = dice.between(0.36, 0.5), dice.between(0.3, 0.42)
        scrap = photograph(dice, dice.one(pool.photos), (x, y, x + wide, y + tall), (0.25, 0.7))
        layers.append(
            replace(
                scrap, cut=dice.one(form), width=dice.between(0.012, 0.022), angle=dice.between(-12, 12),
                edge="#fbfaf5", shadow=shadow(dice), seed=dice.seed(),
            )
        )  # fmt: skip
        if dice.chance(0.5):
            tape = (x + wide / 2 - 0.07, y - 0.025, x + wide / 2 + 0.07, y + 0.025)
            layers.append(Band("tape", tape, "#f3e7b3", 0.7, dice.between(-15, 15)))
    layers += _standing(dice, pool, dice.weighted({2: 3, 3: 1}), 0.72, 0.97)
    if dice.chance(0.8):
        note = Band("torn", (0.08, 0.84, 0.92, 0.97), dice.one(PAPERS), angle=dice.between(-4, 4), seed=dice.seed())
        layers.append(note)
        layers.append(Caption((dice.one(HEADLINES),), (0.12, 0.865, 0.88, 0.945), "#222222", font(dice)))
    return Ground("paper", dice.one(_BOARDS)), layers


def _banner(dice: Dice, pool: Pool) -> Plan:
    """A photograph over a band of coloured paper that carries the text; cut-outs stand before or behind the band."""
    colour = dice.one((*STRONG, "white", "black", "#f4f1ea"))
    ink = "black" if colour in ("white", "#f4f1ea", "#f2b705") else "white"
    top = dice.between(0.64, 0.72)
    edge, opacity = dice.one(_EDGES_OF_PAPER), dice.one((1.0, 1.0, 0.85))
    paper = Band(edge, (-0.03, top - 0.08, 1.03, 1.12), colour, opacity, seed=dice.seed())
    words = lines(dice.one(HEADLINES))
    box = (0.05, top + 0.07, 0.95, 0.93 if len(words) > 1 else 0.9)
    text = Caption(words, box, ink, font(dice), narrow=dice.chance(0.3))
    pieces = _standing(dice, pool, dice.count(2, 3), top - 0.08, top + 0.05)
    layers: list[Layer] = [photograph(dice, dice.one(pool.photos), (0.0, 0.0, 1.0, 0.8))]
    if dice.chance(0.25):
        layers.append(flag(dice, behind=False))
    layers += [paper, *pieces, text] if dice.chance(0.6) else [*pieces, paper, text]
    return Ground("flat", (colour, colour)), [*layers, *([small_print(dice, ink, "top")] if dice.chance(0.3) else [])]


def _evidence(dice: Dice, pool: Pool) -> Plan:
    """A scene with rings and arrows around what one is to look at, and a headline."""
    place: Place = dice.one(("top", "bottom"))
    layers: list[Layer] = [photograph(dice, dice.one(pool.photos))]
    pieces = _standing(dice, pool, dice.count(2, 4), 0.62, 1.0 if place == "top" else 0.86)
    layers += pieces
    for piece in dice.some(pieces, dice.count(1, 2)):
        layers += pointer(dice, _on(piece), 0.45 * piece.size[1])
    if dice.chance(0.4):
        sign = dice.one(SIGNS)
        layers.append(Caption((sign,), (0.4, 0.3, 0.6, 0.55), "red", "sans", outline="white"))
    return _PLAIN, layers + headline(dice, place)


LAYOUTS: dict[str, tuple[float, Callable[[Dice, Pool], Plan]]] = {  # share of all collages, and who lays them out
    "scene": (0.34, _scene),
    "poster": (0.14, _poster),
    "grid": (0.1, _grid),
    "split": (0.1, _split),
    "inset": (0.08, _inset),
    "pinboard": (0.07, _pinboard),
    "banner": (0.09, _banner),
    "evidence": (0.08, _evidence),
}
