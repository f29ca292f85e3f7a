"""The timeline of the dated vocabulary as a picture: a row a model line, grouped by the seat of its developers.

Laid out in inches from the top left. A label stands right of its dot; where the next one would run into it, that one
goes a lane lower. The years before 2022, which few entries fall into, are drawn narrower than those after it.
"""

import io
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.textpath import TextPath

from redqueen.report.canvas import ACCENT, FAINT, INK, MUTED, PAPER, STYLE
from redqueen.types import Generator

COUNTRIES: Mapping[str, str] = {
    "CA": "Canada",
    "CN": "China",
    "DE": "Germany",
    "ES": "Spain",
    "FR": "France",
    "GB": "United Kingdom",
    "HK": "Hong Kong",
    "IL": "Israel",
    "IN": "India",
    "KR": "South Korea",
    "RU": "Russia",
    "SG": "Singapore",
    "US": "United States",
    "XX": "Communities",
}
OTHER = "single models"
_BAND, _LEFT, _RIGHT, _TOP, _BOTTOM = "#f2f4f7", 2.75, 0.35, 1.05, 0.35  # colour, then inches
_LANE, _ROW_GAP, _GROUP_GAP, _DOT, _SIZE = 0.14, 0.05, 0.09, 0.06, 6.8  # inches, but the last: points
_TURN, _EARLY, _LATE = 2022 * 12, 0.024, 0.17  # from which month on a month is how many inches wide, before and after


@dataclass(frozen=True)
class _Scale:
    """Months on the horizontal axis: inches from the left edge of the figure."""

    first: int
    last: int

    def at(self, month: int) -> float:
        early = max(0, min(month, _TURN) - self.first) * _EARLY
        return _LEFT + early + max(0, month - max(_TURN, self.first)) * _LATE

    @property
    def right(self) -> float:
        return self.at(self.last + 1)


@dataclass(frozen=True)
class _Mark:
    """A dot and its label; `left` where the label stands left of the dot, for want of room at the right."""

    entry: Generator
    text: str
    x: float
    lane: int
    left: bool


@dataclass(frozen=True)
class _Row:
    country: str
    family: str
    marks: tuple[_Mark, ...]

    @property
    def height(self) -> float:
        return (1 + max(mark.lane for mark in self.marks)) * _LANE + _ROW_GAP


@matplotlib.rc_context(STYLE)
def vocabulary_timeline(entries: Sequence[Generator]) -> Figure:
    """Every dated generator at its month of release; those on a made-up timeline are left out.

    Filled dots are those that the installed diffusers runs, hollow ones are known from their pictures alone.
    """
    dated = [entry for entry in entries if not entry.nominal]
    scale = _scale(dated)
    rows = _rows(dated, scale)
    gaps = sum(before.country != after.country for before, after in pairwise(rows)) * _GROUP_GAP
    height = _TOP + sum(row.height for row in rows) + gaps + _BOTTOM
    figure = Figure((scale.right + _RIGHT, height), facecolor=PAPER)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, scale.right + _RIGHT), ylim=(height, 0))
    axes.set_axis_off()
    _head(axes, dated)
    _draw_rows(axes, rows, scale)
    _years(axes, scale, height)
    return figure


def to_svg(figure: Figure) -> bytes:
    """The same bytes for the same figure; letters stay letters."""
    buffer = io.BytesIO()
    FigureCanvasSVG(figure)
    with matplotlib.rc_context(STYLE):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def short(entry: Generator) -> str:
    """The label of an entry in the row of its family: its name without the family's, versions with their points.

    >>> short(Generator("flux-1-dev", "2024-08", "flux", "x", "DE", "x", "x"))
    '1-dev'
    >>> short(Generator("wan-2-1-14b", "2025-02", "wan", "x", "CN", "x", "x"))
    '2.1-14b'
    """
    line = re.sub(r"-\d+$", "", entry.family)  # the number of a line is part of its members' versions
    return re.sub(r"(?<![\da-uw-z])(\d)-(\d)(?!\d)", r"\1.\2", entry.name.removeprefix(f"{line}-"))


def _month(month: str) -> int:
    """Months since year 0."""
    return int(month[:4]) * 12 + int(month[5:7]) - 1


def _scale(entries: Sequence[Generator]) -> _Scale:
    months = [_month(entry.released) for entry in entries] or [_TURN]
    first = min(months) // 12 * 12
    return _Scale(first, max(*months, first + 11))


def _rows(entries: Sequence[Generator], scale: _Scale) -> list[_Row]:
    """Countries by how many entries they have, communities last; model lines by first release, single models last."""
    groups: dict[str, dict[str, list[Generator]]] = defaultdict(lambda: defaultdict(list))
    for entry in sorted(entries, key=lambda entry: (entry.released, entry.name)):
        groups[entry.country][entry.family].append(entry)
    rows = []
    for country in sorted(groups, key=lambda name: (name == "XX", -sum(map(len, groups[name].values())), name)):
        lines = {family: members for family, members in groups[country].items() if len(members) > 1}
        singles = [members[0] for members in groups[country].values() if len(members) == 1]
        named = [_Row(country, family, _lanes(members, scale, False)) for family, members in lines.items()]
        rows += [*named, *([_Row(country, OTHER, _lanes(singles, scale, True))] if singles else [])]
    return rows


def _lanes(members: Sequence[Generator], scale: _Scale, whole: bool) -> tuple[_Mark, ...]:
    """Each member in the first lane where its dot and label run into nobody; `whole` names instead of short ones."""
    taken: list[list[tuple[float, float]]] = []
    marks = []
    for entry in sorted(members, key=lambda entry: entry.released):
        x = scale.at(_month(entry.released)) + _LATE / 2 * (_month(entry.released) >= _TURN)
        text = entry.name if whole else short(entry)
        width = _width(text)
        left = x + _DOT + width > scale.right + _RIGHT - 0.05
        span = (x - width - 2 * _DOT, x + _DOT) if left else (x - _DOT, x + width + 2.2 * _DOT)
        free = (at for at, lane in enumerate(taken) if all(span[1] <= a or b <= span[0] for a, b in lane))
        lane = next(free, len(taken))
        taken[lane:] = taken[lane:] or [[]]
        taken[lane].append(span)
        marks.append(_Mark(entry, text, x, lane, left))
    return tuple(marks)


def _width(text: str, size: float = _SIZE) -> float:
    """Inches that a text takes."""
    return float(TextPath((0, 0), text, size=size, prop=FontProperties(family="DejaVu Sans")).get_extents().width) / 72


def _head(axes: Axes, entries: Sequence[Generator]) -> None:
    runs = sum(entry.pipeline is not None for entry in entries)
    axes.text(0.15, 0.30, "Image generators by month of release", fontsize=13, fontweight="bold")
    counts = f"{len(entries)} generators: {runs} that the installed diffusers runs, {len(entries) - runs} known "
    axes.text(
        0.15,
        0.52,
        f"{counts}from their pictures alone. The years before 2022 are drawn narrower.",
        fontsize=8.5,
        color=MUTED,
    )
    for x, filled, text in ((0.2, True, "runs here"), (1.15, False, "pictures only")):
        _dot(axes, x, 0.745, filled)
        axes.text(x + 0.09, 0.75, text, fontsize=_SIZE + 0.7, va="center")


def _dot(axes: Axes, x: float, y: float, filled: bool) -> None:
    face = ACCENT if filled else PAPER
    axes.add_line(
        Line2D([x], [y], marker="o", markersize=4.4, markerfacecolor=face, markeredgecolor=ACCENT, markeredgewidth=0.9)
    )


def _draw_rows(axes: Axes, rows: Sequence[_Row], scale: _Scale) -> None:
    y, band = _TOP, False
    for before, row in zip([None, *rows], rows, strict=False):
        if before is None or before.country != row.country:
            y += _GROUP_GAP if before else 0
            band = not band
            inside = [each.height for each in rows if each.country == row.country]
            _band(axes, y, sum(inside), scale, band)
            axes.text(
                0.15, y + _LANE / 2, COUNTRIES.get(row.country, row.country), fontsize=8, fontweight="bold", va="center"
            )
        axes.text(
            _LEFT - 0.12,
            y + _LANE / 2,
            row.family,
            fontsize=7.2,
            ha="right",
            va="center",
            color=MUTED if row.family == OTHER else INK,
            style="italic" if row.family == OTHER else "normal",
        )
        for mark in row.marks:
            at = y + (mark.lane + 0.5) * _LANE
            _dot(axes, mark.x, at, mark.entry.pipeline is not None)
            side, gap = ("right", -_DOT) if mark.left else ("left", _DOT)
            axes.text(mark.x + gap, at + 0.004, mark.text, fontsize=_SIZE, ha=side, va="center")
        y += row.height


def _band(axes: Axes, y: float, height: float, scale: _Scale, shaded: bool) -> None:
    axes.add_patch(
        Rectangle(
            (0.08, y - 0.03), scale.right + _RIGHT - 0.16, height + 0.01, facecolor=_BAND if shaded else PAPER, zorder=0
        )
    )


def _years(axes: Axes, scale: _Scale, height: float) -> None:
    """A line a year under everything else, with its number above and below; the early ones every second year."""
    for year in range(scale.first // 12, (scale.last + 1) // 12 + 1):
        x, early = scale.at(year * 12), year * 12 < _TURN
        axes.add_line(Line2D([x, x], [_TOP - 0.06, height - _BOTTOM + 0.04], color=FAINT, linewidth=0.5, zorder=0.5))
        if x < scale.right - 0.2 and not (early and (2022 - year) % 2):
            for y, side in ((_TOP - 0.10, "bottom"), (height - _BOTTOM + 0.08, "top")):
                axes.text(x + 0.02, y, str(year), fontsize=7.5, color=MUTED, va=side)
