"""Lines drawn as by hand, coloured paper, and the plain shapes of a drawn scene."""

import numpy as np
from PIL import Image, ImageDraw

from redqueen.corpus.handmade.canvas import length_of, outline, pixels_of, rough
from redqueen.corpus.handmade.recipe import Band, Mark, Point

_SMOOTH = 2


def mark(canvas: Image.Image, line: Mark) -> None:
    """Draw an arrow, a ring, a cross, a box or a line over the canvas."""
    times = _SMOOTH if line.smooth else 1
    mask = Image.new("L", (canvas.width * times, canvas.height * times))
    points = [(x * mask.width, y * mask.height) for x, y in line.points]
    width = length_of(canvas, line.width) * times
    pen = ImageDraw.Draw(mask)
    if line.form in ("arrow", "curved arrow"):
        _arrow(pen, points, width, bend=0.25 if line.form == "curved arrow" else 0.0)
    elif line.form == "cross":
        (left, top), (right, bottom) = points
        pen.line((left, top, right, bottom), 255, width)
        pen.line((left, bottom, right, top), 255, width)
    elif line.form == "line":
        pen.line([*points[0], *points[1]], 255, width)
    elif line.form == "box":
        pen.rectangle((*points[0], *points[1]), outline=255, width=width)
    else:
        _ring(pen, points, width)
    canvas.paste(line.colour, mask=mask.reduce(times) if times > 1 else mask)


def _ring(pen: ImageDraw.ImageDraw, points: list[Point], width: int) -> None:
    """An ellipse around the box, whose end overshoots its beginning a little."""
    (left, top), (right, bottom) = points
    turn = np.linspace(-0.6, 2 * np.pi - 0.25, 90)
    swell = 1 + 0.05 * np.linspace(-1, 1, 90)
    x = (left + right) / 2 + (right - left) / 2 * swell * np.cos(turn)
    y = (top + bottom) / 2 + (bottom - top) / 2 * swell * np.sin(turn)
    _stroke(pen, list(zip(x.tolist(), y.tolist(), strict=True)), width)


def _stroke(pen: ImageDraw.ImageDraw, points: list[Point], width: int) -> None:
    pen.line(points, 255, width, joint="curve")
    for end in (points[0], points[-1]):
        pen.circle(end, width / 2, fill=255)


def _arrow(pen: ImageDraw.ImageDraw, points: list[Point], width: int, bend: float) -> None:
    """From the first point to the second, whose head points along the last piece of the line."""
    start, tip = (np.array(point) for point in points)
    along = tip - start
    middle = (start + tip) / 2 + bend * np.array([-along[1], along[0]])
    steps = np.linspace(0, 1, 24)[:, None]
    path = (1 - steps) ** 2 * start + 2 * steps * (1 - steps) * middle + steps**2 * tip
    ahead = (tip - middle) / max(float(np.hypot(*(tip - middle))), 1e-6)
    aside = np.array([-ahead[1], ahead[0]])
    neck = tip - 3.2 * width * ahead
    path[-1] = neck
    _stroke(pen, [(float(x), float(y)) for x, y in path[:-2]] + [(float(neck[0]), float(neck[1]))], width)
    head = (tip, neck + 1.9 * width * aside, neck - 1.9 * width * aside)
    pen.polygon([(float(x), float(y)) for x, y in head], fill=255)


def band(canvas: Image.Image, paper: Band) -> None:
    """Lay a piece of paper or a plain shape over the canvas."""
    left, top, right, bottom = pixels_of(canvas, paper.box)
    size = (right - left, bottom - top)
    rng = np.random.default_rng(paper.seed)
    mask = outline(size, _outline(paper.form, size, rng))
    if paper.form == "cloud":
        mask = _puffs(size, rng)
    if paper.angle:
        mask = mask.rotate(paper.angle, Image.Resampling.BICUBIC, expand=True)
    at = ((left + right - mask.width) // 2, (top + bottom - mask.height) // 2)
    if paper.form == "torn":  # the white fibre of torn paper shows over the edge
        lip = max(2, min(canvas.size) // 90)
        canvas.paste("#f4f1ea", (at[0], at[1] - lip, at[0] + mask.width, at[1] - lip + mask.height), mask)
        canvas.paste("#f4f1ea", (at[0], at[1] + lip, at[0] + mask.width, at[1] + lip + mask.height), mask)
    canvas.paste(
        paper.colour,
        (*at, at[0] + mask.width, at[1] + mask.height),
        mask.point(lambda v: round(v * paper.opacity)),
    )


def _outline(form: str, size: tuple[int, int], rng: np.random.Generator) -> list[Point]:
    """The shape within a box of that size, in pixels."""
    width, height = size
    if form in ("torn", "wavy"):
        x = np.linspace(0, width, 120)
        line = rough(120, rng) if form == "torn" else np.sin(x / width * 9 + rng.uniform(0, 6))
        top = height * (0.1 + 0.07 * line)
        under = height * (0.9 + 0.07 * (rough(120, rng) if form == "torn" else line))
        return [*_pairs(x, top), *_pairs(x[::-1], under[::-1])]
    if form == "slanted":
        return [(0, 0.25 * height), (width, 0), (width, height), (0, height)]
    if form == "hill":
        x = np.linspace(0, width, 60)
        return [*_pairs(x, height * (1 - np.sin(x / width * np.pi) ** 1.3)), (width, height), (0, height)]
    if form == "road":
        return [(0.42 * width, 0), (0.58 * width, 0), (width, height), (0, height)]
    if form in ("disc", "sun"):
        turn = np.linspace(0, 2 * np.pi, 97)[:-1]
        spikes = 1 - 0.3 * (np.arange(96) // 4 % 2) if form == "sun" else np.ones(96)
        return _pairs(width / 2 * (1 + spikes * np.cos(turn)), height / 2 * (1 + spikes * np.sin(turn)))
    return [(0, 0), (width, 0), (width, height), (0, height)]


def _pairs(x: np.ndarray, y: np.ndarray) -> list[Point]:
    return list(zip(x.tolist(), y.tolist(), strict=True))


def _puffs(size: tuple[int, int], rng: np.random.Generator) -> Image.Image:
    """A cloud of ellipses."""
    width, height = size
    mask = Image.new("L", (2 * width, 2 * height))
    pen = ImageDraw.Draw(mask)
    for x in (0.22, 0.45, 0.7):
        rise = rng.uniform(0.0, 0.3)
        pen.ellipse(((x - 0.22) * 2 * width, rise * 2 * height, (x + 0.25) * 2 * width, 1.9 * height), fill=255)
    return mask.reduce(2)
