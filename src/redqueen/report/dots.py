"""Dot plots of slices: the best detector with its intervals, the others as ticks beside it."""

from collections.abc import Mapping, Sequence

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from redqueen.report.canvas import ACCENT, FAINT, MUTED, NARROW, PAPER, STYLE, axes_at, head
from redqueen.report.finding import CHANCE, best_of, controls_last, one_setup, sliced, spell_part
from redqueen.report.timeline import COUNTRIES
from redqueen.types import Interval, Result

MOST = 24  # rows of a plot; of more, the lowest and the highest
_ROW, _LETTER, _GAP = 0.21, 0.059, 0.3


def values(result: Result, by: str) -> dict[str, Interval]:
    """AUROC of each slice of one sort, on the period that the report is about."""
    return {_called(by, one.name): one.figure for one in sliced(result, by) if one.figure.value is not None}


def _called(by: str, name: str) -> str:
    """What a reader calls a slice."""
    if by == "country":
        return COUNTRIES.get(name, name)
    return {"shared": "prompts shared by generators"}.get(name, name) if by == "prompt" else name


def chosen(result: Result, by: str) -> list[str]:
    """The slices of a plot, the highest first: of more than `MOST`, half of that from either end."""
    found = values(result, by)
    ordered = sorted(found, key=lambda name: (-(found[name].value or 0), name))
    return ordered if len(ordered) <= MOST else [*ordered[: MOST // 2], *ordered[-(MOST // 2) :]]


@matplotlib.rc_context(STYLE)
def dot_plot(results: Sequence[Result], title: str, sorts: Sequence[str]) -> Figure:
    """One block of rows for each sort of slice; where nothing was measured, no block."""
    one_setup(results)
    ordered = controls_last(results)
    best = best_of(ordered)
    blocks = {by: chosen(best, by) for by in sorts if values(best, by)}
    names = [name for rows in blocks.values() for name in rows]
    left = 0.25 + _LETTER * max((len(name) for name in names), default=6)
    tall = _ROW * len(names) + _GAP * max(0, len(blocks) - 1)
    figure = Figure((NARROW, 0.92 + tall + 0.55), facecolor=PAPER)
    head(figure, title, f"{best.detector} on {spell_part(best)}, view clean", 9.5)
    _legend(figure)
    top = 0.92
    axes: Axes | None = None
    for by, rows in blocks.items():
        axes = axes_at(figure, left, top, NARROW - left - 0.2, _ROW * len(rows))
        _rows(axes, ordered, best, by, rows)
        axes.tick_params(labelbottom=False)
        top += _ROW * len(rows) + _GAP
    if axes is not None:
        axes.tick_params(labelbottom=True)
        axes.set_xlabel("AUROC")
        _same_scale(figure)
    return figure


def _rows(axes: Axes, results: Sequence[Result], best: Result, by: str, rows: Sequence[str]) -> None:
    others: list[Mapping[str, Interval]] = [values(one, by) for one in results if one is not best and not one.control]
    own = values(best, by)
    axes.axvline(CHANCE, color=MUTED, linewidth=0.9, linestyle=(0, (1, 2)), zorder=1)
    for place, name in enumerate(rows):
        one = own[name]
        ticks = [value for other in others if name in other and (value := other[name].value) is not None]
        axes.plot(ticks, [place] * len(ticks), "|", color=MUTED, markersize=6, alpha=0.7, zorder=2)
        if one.low is not None and one.high is not None:
            axes.plot([one.low, one.high], [place, place], color=ACCENT, linewidth=1.4, zorder=3)
        axes.plot([one.value or 0.0], [place], "o", color=ACCENT, markersize=4.5, zorder=4)
    axes.set_yticks(range(len(rows)), list(rows), fontsize=7.5)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.tick_params(length=0, axis="y")
    axes.grid(axis="x", color=FAINT, linewidth=0.5, alpha=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    if len(values(best, by)) > len(rows):
        axes.axhline(MOST // 2 - 0.5, color=MUTED, linewidth=0.8, linestyle="--")


def _same_scale(figure: Figure) -> None:
    lows = [float(low) for axes in figure.axes for low, _ in [axes.dataLim.intervalx]]
    for axes in figure.axes:
        axes.set_xlim(min(0.45, min(lows) - 0.02), 1.02)


def _legend(figure: Figure) -> None:
    wide, high = figure.get_size_inches()
    handles = [
        Line2D([], [], color=ACCENT, linewidth=1.4, marker="o", markersize=4.5),
        Line2D([], [], color=MUTED, marker="|", linestyle="", markersize=6),
        Line2D([], [], color=MUTED, linewidth=0.9, linestyle=(0, (1, 2))),
    ]
    at = (0.05 / wide, 1 - 0.5 / high)
    names = ["with 95 % interval", "other detectors", "chance"]
    figure.legend(
        handles,
        names,
        loc="upper left",
        bbox_to_anchor=at,
        ncols=3,
        frameon=False,
        fontsize=7,
        columnspacing=1.2,
        handlelength=1.6,
    )
