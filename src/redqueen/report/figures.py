"""Figures of time: the heat map of cutoff against window, AUROC along the timeline, what is found at few false alarms.

All are small multiples laid out in inches from the top left, about ten inches wide at most.
"""

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from redqueen.errors import unknown
from redqueen.report.canvas import (
    ACCENT,
    FAINT,
    INK,
    MUTED,
    PAPER,
    STYLE,
    WIDTH,
    axes_at,
    colour_bar,
    coloured,
    head,
    middles,
    month_of,
)
from redqueen.report.finding import CHANCE, RATE, UNDEFINED, cells_of, controls_last, cutoffs, measured, one_setup
from redqueen.types import Interval, Result, Window

_NARROWEST, _GAP = 1.6, 0.3  # inches of a panel and its title, between panels


@dataclass(frozen=True)
class _Block:
    """Equal panels in rows, each with room for its title above; inches from the top left of the figure."""

    count: int
    size: tuple[float, float]
    origin: tuple[float, float]
    title: float

    @property
    def columns(self) -> int:
        return max(1, min(self.count, int((WIDTH - self.origin[0] + _GAP) / self._stride)))

    @property
    def right(self) -> float:
        return self.origin[0] + self.columns * self._stride

    @property
    def bottom(self) -> float:
        return self.origin[1] + math.ceil(self.count / self.columns) * (self.size[1] + self.title)

    @property
    def _stride(self) -> float:
        return max(self.size[0], _NARROWEST) + _GAP

    def panel(self, figure: Figure, index: int, title: str, labels: tuple[str, str]) -> Axes:
        """A titled panel; only the leftmost has labels on its vertical axis, only the lowest on its horizontal one."""
        row, column = divmod(index, self.columns)
        left = self.origin[0] + column * self._stride
        axes = axes_at(figure, left, self.origin[1] + self.title + row * (self.size[1] + self.title), *self.size)
        axes.set_title(title, loc="left", fontsize=9, fontweight="bold")
        is_left, is_lowest = column == 0, index + self.columns >= self.count
        axes.tick_params(labelleft=is_left, labelbottom=is_lowest)
        axes.set(xlabel=labels[0] if is_lowest else "", ylabel=labels[1] if is_left else "")
        return axes


@matplotlib.rc_context(STYLE)
def heatmap(results: Sequence[Result], view: str) -> Figure:
    """AUROC of every cutoff (row) on every window (column), one panel a detector, the future right of a heavy line."""
    setup = one_setup(results)
    rows = cutoffs(results) or setup.windows  # an empty grid, if nothing was measured
    labels = [_dated(window) for window in setup.windows]
    longest = 0.068 * max(len(label) for label in labels)  # inches a letter of 8 point
    top, many, blocks = 0.6, len(labels) > 9, []
    for control, width, height in ((False, 0.33 if many else 0.40, 0.28), (True, 0.30 if many else 0.34, 0.23)):
        members = [result for result in results if result.control is control]
        if members:
            block = _block(members, (width * len(labels), height * len(rows)), (longest + 0.55, top))
            blocks.append((block, members))
            top = block.bottom + longest + 0.37
    figure = Figure((max(6.4, *(block.right for block, _ in blocks)), top + 0.55), facecolor=PAPER)
    line = "Right of the heavy line: generators that came after the training cutoff."
    head(figure, f"AUROC by training cutoff and test window, view {view}", line)
    axis = "tested on" + (" (nominal months)" if setup.nominal_dates else "")
    for block, members in blocks:
        for index, result in enumerate(members):
            axes = block.panel(figure, index, _title(result, block.size[0]), (axis, "trained up to"))
            axes.set_yticks([at + 0.5 for at in range(len(rows))], [_dated(row) for row in rows])
            axes.set_xticks([at + 0.5 for at in range(len(labels))], labels, rotation=90)
            axes.tick_params(length=0)
            _cells(axes, result, view, rows, 7 if result.control or many else 8)
            _staircase(axes, rows, setup.windows)
    colour_bar(axes_at(figure, longest + 0.55, top + 0.05, 2.6, 0.12))
    return figure


@matplotlib.rc_context(STYLE)
def timeline(results: Sequence[Result], view: str, cutoff: str | None = None) -> Figure:
    """AUROC against release month of the detectors trained up to one cutoff (the middle one), one panel a detector.

    Raises:
        UserError: nothing was trained up to `cutoff`.
    """
    setup, ordered, chosen = one_setup(results), controls_last(results), _chosen(cutoffs(results), cutoff)
    block = _block(ordered, (2.75, 1.85), (0.7, 0.85))
    figure = Figure((max(6.4, block.right), block.bottom + 0.65), facecolor=PAPER)
    line = f"Bold: trained up to {chosen.name}, with 95 % intervals." if chosen else "Nothing was trained."
    head(figure, f"AUROC along the timeline of generators, view {view}", line)
    _legend(figure)
    axis = "nominal month of release\n(one a generation)" if setup.nominal_dates else "month of release"
    for index, result in enumerate(ordered):
        axes = block.panel(figure, index, _title(result, block.size[0]), (axis, "AUROC"))
        _others(axes, result, view, chosen)
        if chosen:
            _curve(axes, result, view, chosen)
            _mark(axes, chosen, setup.windows)
        _time_axis(axes, setup.windows)
        axes.set_ylim(_floor(ordered, view), 1.03)
    return figure


@matplotlib.rc_context(STYLE)
def found_along(results: Sequence[Result]) -> Figure:
    """The share found at 1 % false alarms of each window as it comes out, with its interval, one panel a detector."""
    setup, ordered = one_setup(results), [result for result in controls_last(results) if found_by_window(result)]
    block = _block(ordered, (2.75, 1.25), (0.7, 0.62))
    figure = Figure((max(6.4, block.right), block.bottom + 0.65), facecolor=PAPER)
    line = "Each window of generators by the detector trained up to the window before it, with 95 % intervals."
    head(figure, "Found at 1 % false alarms, view clean", line)
    axis = "nominal month of release\n(one a generation)" if setup.nominal_dates else "month of release"
    for index, result in enumerate(ordered):
        axes = block.panel(figure, index, _title(result, block.size[0]), (axis, "share found"))
        found, colour = found_by_window(result), INK if result.control else ACCENT
        months = [
            month for month, window in zip(middles(setup.windows), setup.windows, strict=True) if window.name in found
        ]
        ends = np.array([(one.value, one.low, one.high) for one in found.values()], dtype=np.float64).T
        axes.fill_between(months, ends[1], ends[2], color=colour, alpha=0.16, linewidth=0)
        axes.plot(months, ends[0], "o-", color=colour, linewidth=1.4, markersize=4, markerfacecolor=PAPER)
        _time_axis(axes, setup.windows)
        axes.set(ylim=(-0.03, 1.03), yticks=[0, 0.5, 1])
        axes.set_yticklabels(["0", "50 %", "100 %"])
    return figure


def found_by_window(result: Result) -> dict[str, Interval]:
    """The true positive rate at 1 % false alarms on each window that was new once, in the order of time."""
    found = {window.name: measured(result, RATE, "next", slice_=("window", window.name)) for window in result.windows}
    return {name: one for name, one in found.items() if one is not None}


def _block(members: Sequence[Result], size: tuple[float, float], origin: tuple[float, float]) -> _Block:
    lines = max(_title(result, size[0]).count("\n") + 1 for result in members)
    return _Block(len(members), size, origin, 0.13 + 0.15 * lines)


def _title(result: Result, width: float) -> str:
    name = f"{result.detector} (control)" if result.control else result.detector
    return textwrap.fill(name, int(max(width, _NARROWEST) / 0.088))  # inches a letter of bold 9 point


def _dated(window: Window) -> str:
    if window.start in window.name and window.end in window.name:
        return window.name
    dates = window.start if window.start == window.end else f"{window.start}..{window.end}"
    return f"{window.name} ({dates})"


def _chosen(ends: Sequence[Window], cutoff: str | None) -> Window | None:
    if cutoff is None:
        return ends[(len(ends) - 1) // 2] if ends else None
    for window in ends:
        if window.name == cutoff:
            return window
    raise unknown("cutoff", cutoff, [window.name for window in ends])


def _cells(axes: Axes, result: Result, view: str, rows: Sequence[Window], size: int) -> None:
    places = {row.name: y for y, row in enumerate(rows)}, {column.name: x for x, column in enumerate(result.windows)}
    for (trained, tested), interval in cells_of(result, view).items():
        y, x, value = places[0][trained], places[1][tested], interval.value
        coloured(axes, (x, y), value, UNDEFINED if value is None else f"{value:.2f}", size)
    axes.set(xlim=(0, len(result.windows)), ylim=(len(rows), 0))


def _staircase(axes: Axes, rows: Sequence[Window], columns: Sequence[Window]) -> None:
    order = [column.name for column in columns]
    corners = [(order.index(row.name) + 1, y + down) for y, row in enumerate(rows) for down in (0, 1)]
    if corners and corners[-1][0] == len(order):
        corners.pop()  # nothing is beyond the last window
    x, y = np.reshape(corners, (-1, 2)).T
    for colour, width in ((PAPER, 5.0), (INK, 2.4)):  # cased, to stand out from pale cells and from dark ones
        axes.plot(x, y, color=colour, linewidth=width, solid_joinstyle="miter", solid_capstyle="butt")
    axes.spines[:].set_visible(False)


def _row(result: Result, view: str, cutoff: Window) -> npt.NDArray[np.float64]:
    """(3, windows): value, low and high ends of one cutoff, nan where undefined."""
    cells, nothing = cells_of(result, view), Interval(value=None, low=None, high=None, n=0, n_groups=0)
    found = [cells.get((cutoff.name, window.name), nothing) for window in result.windows]
    return np.array([(one.value, one.low, one.high) for one in found], dtype=np.float64).T


def _others(axes: Axes, result: Result, view: str, chosen: Window | None) -> None:
    axes.axhline(CHANCE, color=MUTED, linewidth=0.8, linestyle=(0, (1, 2)))
    for cutoff in cutoffs([result]):
        if cutoff != chosen:
            axes.plot(middles(result.windows), _row(result, view, cutoff)[0], color=FAINT, linewidth=0.9, zorder=1)


def _curve(axes: Axes, result: Result, view: str, chosen: Window) -> None:
    months, (value, low, high) = middles(result.windows), _row(result, view, chosen)
    colour, last = INK if result.control else ACCENT, result.windows.index(chosen)
    reach = np.clip([value - low, high - value], 0, None)
    axes.errorbar(months, value, yerr=reach, fmt="none", ecolor=colour, elinewidth=1, capsize=2)
    axes.plot(months[: last + 1], value[: last + 1], "o-", color=colour, linewidth=1.8, markersize=4)
    axes.plot(months[last:], value[last:], "--", color=colour, linewidth=1.8)
    axes.plot(months[last + 1 :], value[last + 1 :], "o", color=colour, markersize=4, markerfacecolor=PAPER)


def _mark(axes: Axes, chosen: Window, windows: Sequence[Window]) -> None:
    end = month_of(chosen.end) + 1
    early = end - month_of(windows[0].start) < month_of(windows[-1].end) + 1 - end
    axes.axvline(end, color=INK, linewidth=1)
    place, text = ("data", "axes fraction"), f"training ends\n{chosen.end}"
    label = axes.annotate(text, (end, 0.03), (4 if early else -4, 0), place, "offset points", va="bottom", fontsize=7.5)
    label.set_horizontalalignment("left" if early else "right")


def _floor(results: Sequence[Result], view: str) -> float:
    """The lower end of all panels, with room under the curves for the label of the cutoff."""
    found = [interval for result in results for interval in cells_of(result, view).values()]
    return min([0.3, *(one.low - 0.17 for one in found if one.low is not None)])


def _time_axis(axes: Axes, windows: Sequence[Window]) -> None:
    first, last = month_of(windows[0].start), month_of(windows[-1].end) + 1
    step = next((step for step in (1, 2, 3, 6, 12, 24, 60) if last - first <= 5 * step), 120)
    ticks = range(-(-first // step) * step, math.ceil(last - 0.08 * (last - first)), step)  # none at the next panel
    axes.set_xticks(list(ticks), [f"{tick // 12}-{tick % 12 + 1:02d}" for tick in ticks])
    axes.set_xlim(first - 0.03 * (last - first), last + 0.03 * (last - first))
    axes.spines[["top", "right"]].set_visible(False)


def _legend(figure: Figure) -> None:
    wide, high = figure.get_size_inches()
    seen = Line2D([], [], color=ACCENT, linewidth=1.8, marker="o", markersize=4)
    later = Line2D([], [], color=ACCENT, linewidth=1.8, marker="o", markersize=4, linestyle="--", markerfacecolor=PAPER)
    other = Line2D([], [], color=FAINT, linewidth=0.9)
    chance = Line2D([], [], color=MUTED, linewidth=0.8, linestyle=(0, (1, 2)))
    handles, names = (
        [seen, later, other, chance],
        ["up to the cutoff", "after the cutoff", "other cutoffs", "chance (0.5)"],
    )
    at = (0.1 / wide, 1 - 0.58 / high)
    figure.legend(handles, names, loc="upper left", bbox_to_anchor=at, ncols=4, frameon=False, handlelength=3.5)
