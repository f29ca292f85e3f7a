"""How clip-art pictures were laid out: drawings on a painted ground, at scales that do not agree, with a caption."""

from collections.abc import Callable, Sequence

from redqueen.corpus.handmade.dice import Dice
from redqueen.corpus.handmade.lettering import HEADLINES, SMALL_PRINT
from redqueen.corpus.handmade.recipe import Band, Caption, CutOut, Ground, Layer, Recipe, Tracing
from redqueen.corpus.handmade.styling import (
    BARS,
    STRONG,
    bubble,
    font,
    framed,
    headline,
    lines,
    pointer,
    saves,
    size,
)

Plan = tuple[Ground, list[Layer]]

_SKIES = (
    ("#8fd3ff", "#e8f7ff"), ("#bfe3ff", "#bfe3ff"), ("#ffb36b", "#ffe9c7"), ("#23345e", "#5d77b8"),
    ("#dff1ff", "#ffffff"), ("#c9d6df", "#eef2f5"), ("#6ec6e6", "#6ec6e6"),
)  # fmt: skip
_LANDS = ("#7cc35b", "#4f9d3a", "#a8cf6f", "#d9c07c", "#c9a26b", "#9aa3a8", "#ffffff", "#6fae4e")
_WALLS = (("#f6e3c5", "#b98a5a"), ("#dfe8d8", "#a07a4f"), ("#e6dcef", "#8c8ca1"), ("#fbe9e7", "#c28f6f"))
_SHEETS = ("#ffffff", "#ffffff", "#fff8dc", "#eef6ff", "#fdeef4", "#f4f4f4")


def scene(dice: Dice, drawings: Sequence[str], smallest: int, largest: int) -> Recipe:
    """The recipe of a clip-art picture from three to eight of the drawings."""
    layout = dice.weighted({name: share for name, (share, _) in LAYOUTS.items()})
    ground, layers = LAYOUTS[layout][1](dice, drawings)
    if layout != "sheet" and dice.chance(0.2):
        figures = [one for one in layers if isinstance(one, CutOut)]
        chosen = dice.one(figures)
        layers.append(bubble(dice, (chosen.foot[0], chosen.foot[1] - 0.5 * chosen.size[1])))
    if layout in ("outdoors", "indoors") and dice.chance(0.7):  # the others have a text of their own
        layers += headline(dice, dice.one(("top", "bottom")))
    kept = saves(dice) if dice.chance(0.7) else ()
    return Recipe(layout, size(dice, smallest, largest), smallest, ground, tuple(framed(dice, layers)), kept)


def tracing(dice: Dice, photo: str, smallest: int, largest: int) -> Recipe:
    """The recipe of a photograph that was posterised or traced, with a caption now and then."""
    crop = (dice.between(0.1, 0.9), dice.between(0.1, 0.9), dice.between(0.55, 1.0))
    layers: list[Layer] = [Tracing(photo, crop, dice.seed())]
    layers += headline(dice, dice.one(("top", "bottom"))) if dice.chance(0.25) else []
    kept = saves(dice) if dice.chance(0.7) else ()
    whole = Ground("flat", ("white", "white"))
    return Recipe("tracing", size(dice, smallest, largest), smallest, whole, tuple(framed(dice, layers)), kept)


def _placed(dice: Dice, drawing: str, foot: tuple[float, float], tall: float, wide: float = 0.6) -> CutOut:
    """A drawing where it stands, sometimes mirrored, hardly ever turned."""
    return CutOut(
        drawing,
        (foot[0], foot[1]),
        (wide, tall),
        flip=dice.chance(0.3),
        angle=dice.between(-15, 15) if dice.chance(0.12) else 0.0,
        grain="pixelated" if dice.chance(0.06) else "native",
        edge=dice.weighted({"feathered": 8, "hard": 2}),
        reach=0.002,
    )


def _outdoors(dice: Dice, drawings: Sequence[str]) -> Plan:
    """Sky, land, sun and clouds, and drawings standing about."""
    horizon = dice.between(0.5, 0.72)
    sky, land = dice.one(_SKIES), dice.one(_LANDS)
    layers: list[Layer] = []
    if dice.chance(0.45):
        x = dice.one((0.05, 0.72))
        layers.append(
            Band(dice.one(("sun", "disc")), (x, 0.05, x + 0.2, 0.25), dice.one(("#ffd93b", "#fff27a", "#ff9f1c")))
        )
    for _ in range(dice.count(0, 3)):
        x, y, wide = dice.between(-0.05, 0.8), dice.between(0.03, 0.3), dice.between(0.16, 0.3)
        layers.append(Band("cloud", (x, y, x + wide, y + 0.45 * wide), "white", seed=dice.seed()))
    for _ in range(dice.count(0, 2)):
        x, wide = dice.between(-0.2, 0.6), dice.between(0.4, 0.7)
        hill = dice.one(("#5b9b58", "#86a873", "#7f95a3", "#4b7f52"))
        layers.append(Band("hill", (x, horizon - dice.between(0.08, 0.2), x + wide, horizon + 0.02), hill))
    layers.append(Band("straight", (0.0, horizon, 1.0, 1.0), land))
    if dice.chance(0.25):
        layers.append(Band("road", (0.2, horizon, 0.8, 1.0), dice.one(("#8d8d8d", "#c8b088", "#5f5f66"))))
    return Ground("gradient", sky), [*layers, *_crowd(dice, drawings, horizon + 0.04)]


def _indoors(dice: Dice, drawings: Sequence[str]) -> Plan:
    """A wall and a floor in two colours, and drawings standing about."""
    horizon = dice.between(0.6, 0.75)
    return Ground("bands", dice.one(_WALLS), horizon), [*_crowd(dice, drawings, horizon + 0.03)]


def _crowd(dice: Dice, drawings: Sequence[str], horizon: float) -> list[CutOut]:
    """Three to eight drawings side by side, nearer ones lower, sizes without reason; one now and then twice."""
    number = dice.count(3, 8)
    chosen = dice.some(drawings, min(number, len(drawings)))
    if dice.chance(0.25):
        chosen = (chosen + [chosen[0]] * 2)[-8:]
    slots = dice.some([(i + 0.5) / len(chosen) for i in range(len(chosen))], len(chosen))
    figures = []
    for i, (drawing, slot) in enumerate(zip(chosen, slots, strict=True)):
        foot = (slot + dice.between(-0.05, 0.05), dice.between(horizon, 0.97))
        tall = dice.between(0.35, 0.6) if i == 0 else dice.between(0.15, 0.42)
        figures.append(_placed(dice, drawing, foot, tall, 0.5))
    return sorted(figures, key=lambda one: one.foot[1])


def _sheet(dice: Dice, drawings: Sequence[str]) -> Plan:
    """Drawings in rows on a plain sheet, as on a flyer."""
    number = min(dice.count(3, 6), max(3, len(drawings)))
    columns = 2 if number <= 4 else 3
    rows = -(-number // columns)
    top, height = 0.18, 0.64 / rows
    layers: list[Layer] = []
    if dice.chance(0.4):
        layers.append(Band(dice.one(("slanted", "wavy", "straight")), (-0.02, 0.72, 1.02, 1.05), dice.one(STRONG)))
    for i, drawing in enumerate(dice.some(drawings, number)):
        x = (i % columns + 0.5) / columns + dice.between(-0.03, 0.03)
        y = top + (i // columns + 1) * height + dice.between(-0.02, 0.02)
        layers.append(_placed(dice, drawing, (x, y), 0.92 * height * dice.between(0.75, 1.1), 0.9 / columns))
    paper, ink = dice.one(_SHEETS), dice.one(("#111111", "#222222", *STRONG))
    words = lines(dice.one(HEADLINES))
    layers.append(Caption(words, (0.05, 0.03, 0.95, 0.16), ink, font(dice)))
    if dice.chance(0.4):
        layers.append(Caption((dice.one(SMALL_PRINT),), (0.2, 0.92, 0.8, 0.97), "#444444", "sans-light"))
    return Ground("flat", (paper, paper)), layers


def _loud(dice: Dice, drawings: Sequence[str]) -> Plan:
    """One large drawing in the middle of rays or a gradient, small ones beside it, a text in a bar."""
    first, second = dice.some(STRONG, 2)
    light = dice.one(("#fff3c4", "#ffffff", "#ffe1a8"))
    grounds = (
        Ground("rays", (first, second), 0.5),
        Ground("rays", (first, light), 0.5),
        Ground("gradient", (first, light)),
        Ground("flat", (light, light)),
    )
    hero, *others = dice.some(drawings, min(dice.count(3, 5), max(3, len(drawings))))
    layers: list[Layer] = [_placed(dice, hero, (0.5, 0.86), 0.6, 0.7)]
    spots = dice.some(((0.15, 0.4), (0.85, 0.42), (0.14, 0.9), (0.86, 0.92)), len(others))
    layers += [
        _placed(dice, one, spot, dice.between(0.16, 0.28), 0.26) for one, spot in zip(others, spots, strict=True)
    ]
    if dice.chance(0.3):
        layers += pointer(dice, (0.5, 0.5), 0.16)
    ground, ink = dice.one(BARS)
    return dice.one(grounds), [*layers, Caption((dice.one(HEADLINES),), (0.06, 0.03, 0.94, 0.14), ink, "sans", ground)]


LAYOUTS: dict[str, tuple[float, Callable[[Dice, Sequence[str]], Plan]]] = {
    "outdoors": (0.5, _outdoors),
    "indoors": (0.15, _indoors),
    "sheet": (0.2, _sheet),
    "loud": (0.15, _loud),
}
