"""Reliability diagrams: what detectors say against what is so, one panel a detector."""

import math
from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from redqueen.report.canvas import ACCENT, INK, MUTED, NARROW, PAPER, STYLE, WIDTH, axes_at, head
from redqueen.report.finding import MAIN_VIEW, controls_last, one_setup
from redqueen.types import Reliability, Result

_SIDE, _SMALL, _GAP, _TITLE = 1.27, 1.1, 0.2, 0.38  # inches of a panel, of one on a phone, between panels, above one


def points(result: Result) -> list[Reliability]:
    """Those of the main view with a defined share."""
    return [one for one in result.reliability if one.view == MAIN_VIEW and one.share.value is not None]


@matplotlib.rc_context(STYLE)
def reliability_diagrams(results: Sequence[Result], narrow: bool = False) -> Figure:
    """The share of generated pictures against the probability that was given to them."""
    one_setup(results)
    shown = [result for result in controls_last(results) if points(result)]
    width, side = (NARROW, _SMALL) if narrow else (WIDTH, _SIDE)
    columns = max(1, int((width - 0.65 + _GAP) / (side + _GAP)))
    high = 0.65 + math.ceil(len(shown) / columns) * (side + _TITLE) + 0.5
    figure = Figure((width, high), facecolor=PAPER)
    line = "On the dotted line, probabilities are right." + (
        "" if narrow else " Above it, too low; below it, too high."
    )
    head(figure, "Can its probabilities be believed?", line, 9.5 if narrow else 12)
    for at, result in enumerate(shown):
        row, column = divmod(at, columns)
        left, top = 0.55 + column * (side + _GAP), 0.65 + _TITLE + row * (side + _TITLE)
        axes = axes_at(figure, left, top, side, side)
        _panel(axes, result)
        lowest = at + columns >= len(shown)
        axes.tick_params(labelleft=column == 0, labelbottom=lowest)
        axes.set(xlabel="probability" if lowest else "", ylabel="share generated" if column == 0 else "")
    return figure


def _panel(axes: Axes, result: Result) -> None:
    colour, found = INK if result.control else ACCENT, points(result)
    said = np.array([one.probability for one in found])
    share = np.array([(one.share.value, one.share.low, one.share.high) for one in found], dtype=np.float64).T
    reach = np.clip([share[0] - share[1], share[2] - share[0]], 0, None)
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.9, linestyle=(0, (1, 2)))
    axes.errorbar(said, share[0], yerr=reach, fmt="o-", color=colour, linewidth=1, elinewidth=0.8, markersize=3)
    axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), xticks=[0, 0.5, 1], yticks=[0, 0.5, 1])
    axes.set_xticklabels(["0", "0.5", "1"])
    axes.spines[["top", "right"]].set_visible(False)
    name = f"{result.detector}\n(control)" if result.control else result.detector
    axes.set_title(name, loc="left", fontsize=8, fontweight="bold")
