"""The recipe of a collage or a drawing: plain data from which, with its materials, the same picture is made again.

Places are shares of the canvas (x of its width, y of its height, from the top left corner), lengths are shares of its
short side, angles are degrees counter-clockwise, colours are CSS names or "#rrggbb".
"""

import functools
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter
from pydantic.dataclasses import dataclass

Share = Annotated[float, AfterValidator(functools.partial(round, ndigits=4))]  # so that a recipe is short
Point = tuple[Share, Share]
Box = tuple[Share, Share, Share, Share]  # left, top, right, bottom

_STRICT = ConfigDict(extra="forbid")

Edge = Literal["hard", "jagged", "feathered", "halo", "eroded", "stroke"]
Grain = Literal["native", "upscaled", "pixelated", "sharpened", "blocky", "soft"]
Font = Literal["sans", "sans-light", "slanted", "serif", "typewriter", "book", "plain"]


@dataclass(frozen=True, config=_STRICT)
class Tone:
    """Light and colour: factors for the first three, warmth in -1..1 (blue to orange), a tint for a duotone."""

    brightness: Share = 1.0
    contrast: Share = 1.0
    saturation: Share = 1.0
    warmth: Share = 0.0
    tint: str | None = None


@dataclass(frozen=True, config=_STRICT)
class Shadow:
    """A copy of a mask in black: moved by `distance` towards `angle`, blurred over `blur`."""

    angle: Share
    distance: Share
    blur: Share
    opacity: Share


@dataclass(frozen=True, config=_STRICT)
class Ground:
    """What lies under everything. `split` is the height at which the second colour begins, for "bands"."""

    kind: Literal["flat", "gradient", "rays", "bands", "paper"]
    colours: tuple[str, str]
    split: Share = 0.5


@dataclass(frozen=True, config=_STRICT)
class Panel:
    """A piece of a photograph.

    Attributes:
        material: name of the photograph.
        box: where it lies.
        crop: centre of the piece, as shares of what the crop leaves free, and its side as a share of the largest
            that has the panel's shape.
        cut: its outline.
        edge: colour of the outline.
        width: width of the outline.
    """

    material: str
    box: Box
    crop: tuple[Share, Share, Share]
    tone: Tone = Tone()
    cut: Literal["straight", "circle", "torn", "polaroid", "rounded"] = "straight"
    edge: str = "white"
    width: Share = 0.0
    angle: Share = 0.0
    shadow: Shadow | None = None
    seed: int = 0
    kind: Literal["panel"] = "panel"


@dataclass(frozen=True, config=_STRICT)
class Tracing:
    """A photograph as a posterised or edge-drawn drawing over the whole canvas; `seed` decides how."""

    material: str
    crop: tuple[Share, Share, Share]
    seed: int
    kind: Literal["tracing"] = "tracing"


@dataclass(frozen=True, config=_STRICT)
class CutOut:
    """A cut-out or drawing with its defects.

    Attributes:
        material: name of the cut-out, of the drawing, or of the photograph that `shape` is cut from.
        foot: middle of its lower edge.
        size: largest width and height.
        grain: what happened to its pixels before it was pasted.
        edge: how its mask was treated, over `reach`.
        fringe: colour of what is left of its old background, or of the stroke.
    """

    material: str
    foot: Point
    size: Point
    flip: bool = False
    angle: Share = 0.0
    tone: Tone = Tone()
    grain: Grain = "native"
    edge: Edge = "hard"
    reach: Share = 0.0
    fringe: str = "white"
    shadow: Shadow | None = None
    shape: Literal["ellipse", "polygon", "blob"] | None = None
    seed: int = 0
    kind: Literal["cutout"] = "cutout"


@dataclass(frozen=True, config=_STRICT)
class Flag:
    """A flag of no country, by the name of its design; `wave` is its amplitude; a pole stands at its left side."""

    design: str
    box: Box
    wave: Share = 0.0
    opacity: Share = 1.0
    pole: bool = False
    angle: Share = 0.0
    kind: Literal["flag"] = "flag"


@dataclass(frozen=True, config=_STRICT)
class Mark:
    """A line, drawn as by hand: from one point to another, or around the box that they span."""

    form: Literal["arrow", "curved arrow", "ring", "line", "cross", "box"]
    points: tuple[Point, Point]
    colour: str
    width: Share
    smooth: bool = True
    kind: Literal["mark"] = "mark"


@dataclass(frozen=True, config=_STRICT)
class Band:
    """A piece of coloured paper or a shape in one colour; `seed` decides its roughness."""

    form: Literal["straight", "slanted", "torn", "wavy", "sun", "cloud", "hill", "road", "disc", "tape"]
    box: Box
    colour: str
    opacity: Share = 1.0
    angle: Share = 0.0
    seed: int = 0
    kind: Literal["band"] = "band"


@dataclass(frozen=True, config=_STRICT)
class Caption:
    """Lines of text, as large as their box allows.

    Attributes:
        lines: the text.
        box: the box that is filled with `ground`, if there is one, and holds the text.
        ink: colour of the letters.
        outline: colour of the stroke around the letters.
        narrow: letters squeezed to 70 % of their width.
        tail: where the tail of a speech bubble points to; the ground is a bubble then.
    """

    lines: tuple[str, ...]
    box: Box
    ink: str
    font: Font = "sans"
    ground: str | None = None
    outline: str | None = None
    shadow: bool = False
    narrow: bool = False
    angle: Share = 0.0
    opacity: Share = 1.0
    tail: Point | None = None
    kind: Literal["caption"] = "caption"


@dataclass(frozen=True, config=_STRICT)
class Border:
    """A frame along the edge of the canvas, plain or with a thin line inside it."""

    form: Literal["frame", "double"]
    colour: str
    width: Share
    kind: Literal["border"] = "border"


@dataclass(frozen=True, config=_STRICT)
class Save:
    """One save as JPEG, after a change of size by `scale` (under 1, as a screenshot or an upload does)."""

    quality: int
    subsampling: Literal["4:4:4", "4:2:2", "4:2:0"]
    scale: Share = 1.0


Layer = Annotated[Panel | Tracing | CutOut | Flag | Mark | Band | Caption | Border, Field(discriminator="kind")]


@dataclass(frozen=True, config=_STRICT)
class Recipe:
    """A picture: a canvas of at most `size` pixels, layers from the bottom up, saves.

    The canvas is made smaller where a photograph would be enlarged, but no side of the finished file is under `least`.
    """

    layout: str
    size: tuple[int, int]
    least: int
    ground: Ground
    layers: tuple[Layer, ...]
    saves: tuple[Save, ...] = ()

    @property
    def materials(self) -> tuple[str, ...]:
        """Names of what is used, each once, from the bottom up."""
        return tuple(dict.fromkeys(one.material for one in self.layers if isinstance(one, Panel | Tracing | CutOut)))


def to_json(recipe: Recipe) -> dict[str, Any]:
    """The recipe as plain data, for `provenance`."""
    return asdict(recipe)


def from_json(data: Mapping[str, Any]) -> Recipe:
    """The recipe that `to_json` wrote; pydantic's ValidationError if it is none."""
    return TypeAdapter(Recipe).validate_python(dict(data))
