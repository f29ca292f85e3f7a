"""The heat map of detector against view: what is left after a platform, a chain of them, or any other treatment."""

from collections.abc import Callable, Sequence

import matplotlib
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, ListedColormap, Normalize
from matplotlib.figure import Figure
from scipy.stats import norm

from redqueen.metrics.comparison import holm
from redqueen.report.canvas import PAPER, STYLE, axes_at, colour_bar, coloured, head
from redqueen.report.finding import UNDEFINED, controls_last, main_period, measured, one_setup, spell_part, view_names
from redqueen.types import Interval, Result

LOST, FLIPPED = "auroc_lost", "verdicts_flipped"
LEVEL = 0.05
_CELL, _HIGH, _LETTER = 0.56, 0.27, 0.066  # inches of a cell, and of a letter of 8 point
_FLIPS = ListedColormap(colormaps["Oranges"]([at / 320 for at in range(256)]))  # without the darkest fifth


@matplotlib.rc_context(STYLE)
def view_map(results: Sequence[Result]) -> Figure:
    """Mean AUROC and the share of verdicts that flip, of every detector under every view."""
    one_setup(results)
    ordered, views = controls_last(results), view_names(results)
    left = 0.3 + _LETTER * max(len(_name(result)) for result in ordered)
    below = 0.2 + _LETTER * max((len(view) for view in views), default=1)
    wide, high = _CELL * max(1, len(views)), _HIGH * len(ordered)
    flips = any(measured(result, FLIPPED, view=view) for result in ordered for view in views)
    tall = 0.95 + high + (0.5 + high if flips else 0) + below + 0.6
    figure = Figure((max(6.4, left + wide + 0.4), tall), facecolor=PAPER)
    line = "\u25be: less than on the clean pictures, at 5 % over all views together (Holm)." if flips else ""
    head(figure, "What is left after sharing", line)
    axes = axes_at(figure, left, 0.95, wide, high)
    _fill(axes, ordered, views, f"AUROC on {spell_part(ordered[0])}", _auroc)
    if flips:
        axes.tick_params(labelbottom=False)
        lower = axes_at(figure, left, 0.95 + high + 0.5, wide, high)
        _fill(lower, ordered, views, "Verdicts that flip, of those on the clean pictures", _flipped, _FLIPS)
    colour_bar(axes_at(figure, left, tall - 0.5, 2.6, 0.12))
    return figure


def _fill(  # noqa: PLR0913, PLR0917  (rows, columns, what stands in them)
    axes: Axes,
    results: Sequence[Result],
    views: Sequence[str],
    title: str,
    cell: Callable[[Result, str], tuple[float | None, str]],
    colours: Colormap | None = None,
) -> None:
    for row, result in enumerate(results):
        for column, view in enumerate(views):
            value, text = cell(result, view)
            if colours is None:
                coloured(axes, (column, row), value, text, 8)
            else:
                coloured(axes, (column, row), value, text, 8, colours, Normalize(0.0, 0.5))
    axes.set(xlim=(0, max(1, len(views))), ylim=(len(results), 0))
    axes.set_yticks([at + 0.5 for at in range(len(results))], [_name(result) for result in results])
    axes.set_xticks([at + 0.5 for at in range(len(views))], list(views), rotation=90)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_title(title, loc="left", fontsize=9, fontweight="bold")


def _auroc(result: Result, view: str) -> tuple[float | None, str]:
    found = main_period(result, view)
    if found is None:
        return None, ""
    mark = "\u2009\u25be" if view in losing(result) else ""
    return found.value, UNDEFINED if found.value is None else f"{found.value:.2f}{mark}"


def losing(result: Result) -> frozenset[str]:
    """The views under which a detector's AUROC is less than on the clean pictures, as one family of tests.

    A p-value is that of a normal distribution as wide as the 95 % interval of the difference; Holm's procedure keeps
    the chance of any false mark of a detector under 5 %.
    """
    found = {view: measured(result, LOST, view=view) for view in view_names([result])}
    known = {
        view: (one.value, max(one.high - one.low, 1e-12) / (2 * norm.ppf(0.975)))
        for view, one in found.items()
        if one is not None and one.value is not None and one.low is not None and one.high is not None
    }
    if not known:
        return frozenset()
    adjusted = holm([2 * norm.sf(abs(value) / width) for value, width in known.values()])
    return frozenset(
        view for (view, (value, _)), p in zip(known.items(), adjusted, strict=True) if value > 0 and p < LEVEL
    )


def _flipped(result: Result, view: str) -> tuple[float | None, str]:
    found: Interval | None = measured(result, FLIPPED, view=view)
    return (None, "") if found is None or found.value is None else (found.value, f"{found.value:.0%}")


def _name(result: Result) -> str:
    return f"{result.detector} (control)" if result.control else result.detector
