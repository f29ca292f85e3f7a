"""What all figures share: ink and paper, places in inches, colours of AUROC, and their bytes as PNG and SVG.

Figures are about ten inches wide at most: 8 point is then readable in a README. Ink and paper are constants that the
page replaces by its own, so that figures follow a dark theme.
"""

import io
import re
from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
import numpy.typing as npt
from markupsafe import Markup
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from redqueen.types import Window

INK, MUTED, FAINT, ACCENT, PAPER = "#1b1f24", "#59636e", "#b4bbc3", "#0072b2", "#ffffff"
WIDTH, NARROW = 10.0, 3.2  # inches of the page, and of a phone
_DPI = 160
_ON_DARK, _ON_LIGHT, _NO_VALUE = "#fdfdfd", "#101214", "#8a929b"  # on colours that a dark theme leaves as they are
_AUROC, _UNIT = colormaps["RdBu"], Normalize(0.0, 1.0)  # red below chance, pale at chance, blue above
_BRIGHT = 0.18  # relative luminance of a colour on which black and white letters have the same contrast
_INKS = {INK: "ink", MUTED: "muted", FAINT: "faint", ACCENT: "accent", PAPER: "paper"}
_DARK = {
    "ink": "#e8ebee",
    "muted": "#a3adb8",
    "faint": "#6b7580",
    "accent": "#56b4e9",
    "paper": "#14171a",
}  # as style.css
_FONT = ("'DejaVu Sans'", "'DejaVu Sans', Verdana, sans-serif")  # Verdana is as wide
STYLE: dict[Any, Any] = {
    "font.family": ["DejaVu Sans"],  # comes with matplotlib: the same letters everywhere
    "font.size": 8,
    "text.parse_math": False,  # names are data
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "xtick.color": INK,
    "ytick.color": INK,
    "savefig.bbox": None,
    "svg.fonttype": "none",
    "svg.hashsalt": "redqueen",
}


def axes_at(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Axes at a place in inches from the top left."""
    wide, high = figure.get_size_inches()
    return figure.add_axes((left / wide, 1 - (top + height) / high, width / wide, height / high))


def head(figure: Figure, title: str, line: str, size: float = 12) -> None:
    """The title of a figure, and a line under it."""
    wide, high = figure.get_size_inches()
    figure.text(0.15 / wide, 1 - 0.12 / high, title, va="top", fontsize=size, fontweight="bold")
    figure.text(0.15 / wide, 1 - (0.16 + size / 50) / high, line, va="top", fontsize=0.75 * size, color=MUTED)


def coloured(  # noqa: PLR0913, PLR0917  (a cell, and what its colour means)
    axes: Axes,
    place: tuple[float, float],
    value: float | None,
    text: str,
    size: float,
    colours: Colormap = _AUROC,
    scale: Normalize = _UNIT,
) -> None:
    """A cell of a heat map at its column and row, with its figure in words; blank where there is no value."""
    x, y = place
    face = "none" if value is None else colours(scale(value))
    axes.add_patch(Rectangle((x, y), 1, 1, facecolor=face, edgecolor=PAPER, linewidth=0.5))
    colour = _NO_VALUE
    if value is not None:
        colour = _ON_LIGHT if is_bright(colours(scale(value))) else _ON_DARK
    axes.text(x + 0.5, y + 0.52, text, ha="center", va="center", fontsize=size, color=colour)


def is_bright(colour: tuple[float, ...]) -> bool:
    """Whether black letters are read more easily on a colour of three parts and opacity in [0, 1] than white ones."""
    return _luminance(colour) > _BRIGHT


def _luminance(colour: tuple[float, ...]) -> float:
    """Relative luminance as WCAG 2.2 defines it, of a colour of three parts and opacity in [0, 1]."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour[:3]]  # noqa: PLR2004
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


def colour_bar(axes: Axes) -> None:
    """What the colours of AUROC mean."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    bar = figure.colorbar(ScalarMappable(_UNIT, _AUROC), cax=axes, orientation="horizontal")
    bar.set_ticks([0, 0.25, 0.5, 0.75, 1], labels=["0", "0.25", "0.5\nchance", "0.75", "1\nperfect"])
    axes.text(-0.03, 0.5, "AUROC", transform=axes.transAxes, ha="right", va="center")
    bar.outline.set_visible(False)


def month_of(month: str) -> int:
    """Months since year 0 of "YYYY-MM": the place of its first day on the axis."""
    return int(month[:4]) * 12 + int(month[5:7]) - 1


def middles(windows: Sequence[Window]) -> npt.NDArray[np.float64]:
    """The middle of the release months of each window."""
    return np.array([(month_of(window.start) + month_of(window.end) + 1) / 2 for window in windows])


def to_png(figure: Figure) -> bytes:
    """The same bytes for the same figure."""
    buffer = io.BytesIO()
    FigureCanvasAgg(figure)
    with matplotlib.rc_context(STYLE):
        figure.savefig(buffer, format="png", dpi=_DPI, metadata={"Software": None})
    return buffer.getvalue()


def to_svg(figure: Figure) -> str:
    """The same text for the same figure: letters stay letters."""
    buffer = io.StringIO()
    with matplotlib.rc_context(STYLE):
        figure.savefig(buffer, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    return buffer.getvalue().replace(*_FONT)


def inline(svg: str, prefix: str, title: str) -> Markup:
    """An SVG within a page: ids are its own, ink and paper are the page's, no address is left."""
    svg = svg.partition("<svg")[2]
    svg = re.sub(r' xmlns(:xlink)?="[^"]*"', "", svg, count=2)
    svg = re.sub(r'( id="|href="#|url\(#)', rf"\1{prefix}", svg)
    for colour, name in _INKS.items():
        svg = svg.replace(f": {colour}", f": var(--{name})")
    return Markup('<svg role="img" aria-label="{}"').format(title) + Markup(svg)


def themed(svg: str) -> str:
    """An SVG in a file of its own: ink and paper follow the reader's theme."""
    light, dark = (
        "".join(f"--{name}:{colour};" for name, colour in theme)
        for theme in ([(name, colour) for colour, name in _INKS.items()], _DARK.items())
    )
    for colour, name in _INKS.items():
        svg = svg.replace(f": {colour}", f": var(--{name})")
    rules = f"<style>svg{{{light}}}@media (prefers-color-scheme:dark){{svg{{{dark}}}}}</style>"
    return re.sub(r"(<svg[^>]*>)", lambda found: found[1] + rules, svg, count=1)
