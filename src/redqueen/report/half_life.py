"""The figure of this project: how a detector's AUROC falls with the age of its training, and how long its skill lasts.

The best detector has the large panel, and a row for each detector says its half-life and what it misses at 1 % false
alarms. The same figure is laid out for a page and for a phone.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from redqueen.report.canvas import ACCENT, FAINT, INK, MUTED, NARROW, PAPER, STYLE, WIDTH, axes_at, head
from redqueen.report.finding import CHANCE, MAIN_VIEW, best_of, controls_last, half_life, one_setup, spell_months
from redqueen.report.forest import Forest
from redqueen.report.skill import Cells, cells_by_age, fitted
from redqueen.types import HalfLife, Result

_HIGH = 0.78  # AUROC at the end of the curve that leaves no room above it
SMALL = 4  # further detectors that have a panel of their own, those with a detectable decay first


@dataclass(frozen=True)
class _Ages:
    """The axis of all panels, in months after the cutoff."""

    first: float
    last: float
    floor: float

    @classmethod
    def of(cls, results: Sequence[Result]) -> "_Ages":
        found = [point for result in results for cells in cells_by_age(result, MAIN_VIEW) for point in cells.points.T]
        ages, lows = [float(point[0]) for point in found], [float(point[2]) for point in found]
        low = min((one for one in lows if not math.isnan(one)), default=0.4)
        return cls(min([-3.0, *ages]) - 1, max([12.0, *ages]) + 2, min(0.42, low - 0.02))


@matplotlib.rc_context(STYLE)
def half_life_figure(results: Sequence[Result], narrow: bool = False) -> Figure:
    """AUROC against months since the training cutoff, with the fitted decay, and all half-lives beside it."""
    one_setup(results)
    ordered = controls_last(_by_height(results))
    best, others = ordered[0], _shown([one for one in ordered[1:] if not one.control])
    ages = _Ages.of([best, *others])
    return _phone(ordered, best, ages) if narrow else _page(ordered, best, others, ages)


def _page(ordered: Sequence[Result], best: Result, others: Sequence[Result], ages: _Ages) -> Figure:
    forest, top, high = Forest.of(ordered), 1.2, 3.3
    below = top + high + 0.95
    figure = Figure((WIDTH, below + (1.25 + 0.6 if others else -0.4)), facecolor=PAPER)
    _titled(figure, best, 13)
    _legend(figure, 0.62)
    wide = 4.65 if forest.any else WIDTH - 0.8
    _panel(axes_at(figure, 0.6, top, wide, high), best, ages, large=True)
    forest.draw(figure, wide + 0.75, top, WIDTH - wide - 1.0, high)
    across = (WIDTH - 0.6 - 0.15 + 0.25) / SMALL
    for at, one in enumerate(others):
        axes = axes_at(figure, 0.6 + at * across, below, across - 0.25, 1.25)
        _panel(axes, one, ages, large=False)
        axes.tick_params(labelleft=at == 0)
        axes.set(ylabel="AUROC" if at == 0 else "")
    return figure


def _phone(ordered: Sequence[Result], best: Result, ages: _Ages) -> Figure:
    forest, top, high = Forest.of(ordered), 1.2, 2.3
    figure = Figure((NARROW, top + high + 0.55 + forest.height(True)), facecolor=PAPER)
    _titled(figure, best, 10)
    _legend(figure, 0.5, 2, 7)
    _panel(axes_at(figure, 0.5, top, NARROW - 0.6, high), best, ages, large=True)
    forest.draw(figure, 0.1, top + high + 0.55, NARROW - 0.2, None)
    return figure


def _by_height(results: Sequence[Result]) -> list[Result]:
    """From the best on next periods to the worst, as `best_of` orders them."""
    left, found = list(results), []
    while left:
        found.append(best_of(left))
        left.remove(found[-1])
    return found


def _shown(ordered: Sequence[Result]) -> list[Result]:
    """Those with a panel of their own: first whose decay is detectable, then the best; in the order given."""

    def flat(one: Result) -> bool:
        found = half_life(one, MAIN_VIEW)
        return found is None or not found.detectable

    chosen = sorted(ordered, key=flat)[:SMALL]
    return [one for one in ordered if one in chosen]


def _titled(figure: Figure, best: Result, size: float) -> None:
    found = half_life(best, MAIN_VIEW)
    line = f"{best.detector}, view {MAIN_VIEW}" + (f": half-life {spell_months(found)}" if found else "")
    head(figure, "How long a detector stays right", line, size)


def _legend(figure: Figure, top: float, columns: int = 6, size: float = 8) -> None:
    wide, high = figure.get_size_inches()
    point: dict[str, Any] = {"color": ACCENT, "linestyle": "", "marker": "o", "markersize": 4}
    handles = [
        Line2D([], [], **point),
        Line2D([], [], **point, markerfacecolor=PAPER),
        Line2D([], [], color=FAINT, linewidth=1.2),
        Line2D([], [], color=ACCENT, linewidth=2.2),
        Patch(facecolor=ACCENT, alpha=0.16),
        Line2D([], [], color=MUTED, linewidth=0.9, linestyle=(0, (1, 2))),
    ]
    names = ["last training period", "later generators", "one cutoff", "fitted decay", "95 % of the fit", "chance"]
    at = (0.08 / wide, 1 - top / high)
    figure.legend(
        handles,
        names,
        loc="upper left",
        bbox_to_anchor=at,
        ncols=columns,
        frameon=False,
        fontsize=size,
        handlelength=1.8,
        columnspacing=1.4,
    )


def _panel(axes: Axes, result: Result, ages: _Ages, large: bool) -> None:
    """The cells of one detector by age, their fitted decay, and where half of the skill is gone."""
    colour, found = INK if result.control else ACCENT, half_life(result, MAIN_VIEW)
    axes.axhline(CHANCE, color=MUTED, linewidth=0.9, linestyle=(0, (1, 2)), zorder=1)
    axes.axvline(0, color=INK, linewidth=1.1 if large else 0.8, zorder=1)
    for cells in cells_by_age(result, MAIN_VIEW):
        _points(axes, cells, colour, large)
    axes.set(xlim=(ages.first, ages.last), ylim=(ages.floor, 1.02))
    step = next(step for step in (3, 6, 12, 24, 60, 120) if ages.last <= (9 if large else 6) * step)
    axes.set_xticks(range(0, int(ages.last) + 1, step))
    axes.spines[["top", "right"]].set_visible(False)
    if found is not None:
        _decay(axes, found, ages, colour, large)
    if large:
        axes.set(xlabel="months from training cutoff to release", ylabel="AUROC")
        axes.annotate(
            "training\nends", (0, ages.floor), (3, 3), "data", "offset points", va="bottom", fontsize=7.5, color=MUTED
        )
    else:
        axes.set_xlabel("months", fontsize=7.5, labelpad=1)
        told = f"\n{spell_months(found)}" if found else ""
        axes.set_title(f"{result.detector}{told}", loc="left", fontsize=8, fontweight="bold")
        axes.tick_params(labelsize=7.5)


def _points(axes: Axes, cells: Cells, colour: str, large: bool) -> None:
    age, value, low, high = cells.points
    size, reach = (4.2, 0.8) if large else (2.2, 0.5), np.clip([value - low, high - value], 0, None)
    axes.plot(age, value, color=FAINT, linewidth=0.9 if large else 0.6, zorder=2)
    axes.errorbar(age, value, yerr=reach, fmt="none", ecolor=colour, elinewidth=size[1], alpha=0.4, zorder=3)
    later = np.array([window != cells.cutoff for window in cells.tested], bool)
    axes.plot(age[~later], value[~later], "o", color=colour, markersize=size[0], zorder=4)
    marks: dict[str, Any] = {"markerfacecolor": PAPER, "markeredgewidth": size[0] / 4}
    axes.plot(age[later], value[later], "o", color=colour, markersize=size[0], zorder=4, **marks)


def _decay(axes: Axes, found: HalfLife, ages: _Ages, colour: str, large: bool) -> None:
    months: npt.NDArray[np.float64] = np.linspace(0, ages.last, 200)
    curve, low, high = fitted(found, months)
    style = "-" if found.detectable else "--"
    if curve is not None:
        axes.plot(months, curve, style, color=colour, linewidth=2.4 if large else 1.5, zorder=5)
    if low is not None and high is not None:
        axes.fill_between(months, low, high, color=colour, alpha=0.16, linewidth=0, zorder=2)
    if found.detectable and found.months is not None and found.skill.value is not None:
        _mark(axes, found, found.months, CHANCE + found.skill.value / 4, ages, large)


def _mark(axes: Axes, found: HalfLife, months: float, level: float, ages: _Ages, large: bool) -> None:
    """Half of the skill: a point on the curve with its interval along time, and a word on it."""
    low, high = (months if end is None else end for end in (found.low, found.high))
    edge = ages.last - 0.3
    if low < edge:
        axes.plot([low, min(high, edge)], [level, level], color=INK, linewidth=2.2 if large else 1.2, zorder=6)
        if found.high is None or high > edge:
            axes.plot([edge], [level], ">", color=INK, markersize=5 if large else 3, zorder=6, clip_on=False)
    if months <= edge:
        axes.plot([months], [level], "D", color=INK, markersize=6 if large else 3.2, zorder=7)
        axes.plot([months, months], [ages.floor, level], ":", color=INK, linewidth=0.9, zorder=2)
    if large:
        _say(axes, found, (months, level) if months <= edge else None)


def _say(axes: Axes, found: HalfLife, place: tuple[float, float] | None) -> None:
    """The half-life in words, in the corner that the curve leaves free, with a line to its place."""
    curve, _, _ = fitted(found, np.array([found.span]))
    top = curve is not None and curve[0] < _HIGH
    said = f"Half of the skill is gone\nafter {spell_months(found)}"
    where = (0.99, 0.99 if top else 0.2)
    side: dict[str, Any] = {"ha": "right", "va": "top", "fontsize": 9, "fontweight": "bold", "zorder": 8}
    line: dict[str, Any] = {
        "arrowstyle": "-",
        "color": INK,
        "linewidth": 0.8,
        "shrinkB": 5,
        "relpos": (0.0, 0.0 if top else 1.0),
    }
    if place is None:
        axes.annotate(said, where, xycoords="axes fraction", **side)
    else:
        axes.annotate(said, place, where, textcoords="axes fraction", arrowprops=line, **side)
