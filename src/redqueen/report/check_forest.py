"""The forest plot of a regression check: a row a gate, its change with the bounds that decide, and its margin."""

from collections.abc import Sequence

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from redqueen.regression.findings import Finding
from redqueen.report.canvas import ACCENT, FAINT, MUTED, NARROW, PAPER, STYLE, WIDTH, axes_at

MOST = 60  # rows that are drawn
_WORSE = "#d55e00"
_ROW, _LETTER = 0.24, 0.062  # inches of a row, and of a letter of 7.5 point
_MARKS = {"fail": ("s", _WORSE, _WORSE), "inconclusive": ("o", MUTED, PAPER), "waived": ("D", MUTED, PAPER)}


def drawn(findings: Sequence[Finding]) -> list[Finding]:
    """What has a row: measured changes from a baseline, the worst first."""
    return [one for one in findings if not one.floor and one.change is not None][:MOST]


@matplotlib.rc_context(STYLE)
def forest(findings: Sequence[Finding], narrow: bool = False) -> Figure:
    """All rows of `drawn`; names stand over their rows on a phone, and beside them else."""
    rows, several = drawn(findings), len({one.baseline for one in findings if not one.floor}) > 1
    names = [one.gate + (f", {one.baseline}" if several else "") for one in rows]
    wide, high = (NARROW, 2 * _ROW) if narrow else (WIDTH, _ROW)
    figure = Figure(figsize=(wide, 0.75 + high * len(rows)))
    left = 0.12 if narrow else min(5.0, 0.2 + _LETTER * max(map(len, names)))
    axes = axes_at(figure, left, 0.35, wide - left - 0.15, high * len(rows))
    for at, one in enumerate(rows):
        _row(axes, one, at)
        if narrow:
            axes.text(0, at - 0.25, _short(names[at], 46), transform=axes.get_yaxis_transform(), fontsize=7)
    axes.axvline(0, color=MUTED, linewidth=0.8, zorder=0)
    axes.set_ylim(len(rows) - 0.5, -0.6)
    axes.set_yticks([] if narrow else range(len(rows)), [] if narrow else [_short(name, 74) for name in names])
    axes.tick_params(axis="y", length=0, labelsize=7.5)
    axes.tick_params(axis="x", labelsize=7.5)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:+g}" if value else "0")
    axes.grid(axis="x", color=FAINT, linewidth=0.5, alpha=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.set_title("Change in points (worse is left)", loc="left", fontsize=8, fontweight="bold")
    return figure


def _row(axes: Axes, one: Finding, at: int) -> None:
    """The point with its bounds, and a stroke where the margin lies."""
    assert one.change is not None and one.low is not None and one.high is not None
    mark, colour, face = _MARKS.get(one.verdict, ("o", ACCENT, ACCENT))
    axes.plot([100 * one.low, 100 * one.high], [at, at], color=colour, linewidth=1.2)
    axes.plot([100 * one.change], [at], mark, color=colour, markerfacecolor=face, markersize=4.5, zorder=3)
    axes.plot([-100 * one.margin], [at], "|", color=_WORSE, markersize=8, markeredgewidth=1.2, zorder=2)


def _short(name: str, most: int) -> str:
    """At most so many letters, none of which is a control character."""
    plain = "".join(one if one.isprintable() else " " for one in name)
    return plain if len(plain) <= most else f"{plain[: most - 1]}…"
