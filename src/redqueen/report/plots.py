"""Every figure of a report with its caption and its numbers, section by section, and their files."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from redqueen.files import write_bytes, write_text
from redqueen.report import numbers
from redqueen.report.calibrated import points, reliability_diagrams
from redqueen.report.canvas import to_png, to_svg
from redqueen.report.data import Data
from redqueen.report.dots import MOST, dot_plot, values
from redqueen.report.figures import found_along, found_by_window, heatmap, timeline
from redqueen.report.finding import MAIN_VIEW, best_of, spell_part, view_names
from redqueen.report.half_life import half_life_figure
from redqueen.report.view_map import view_map
from redqueen.types import Result

SLICES: Mapping[str, tuple[str, ...]] = {  # file -> sorts of slices that stand in it
    "slices-human": ("kind", "style", "prompt"),
    "slices-topic": ("topic",),
    "slices-country": ("country",),
    "slices-family": ("family",),
}
_TITLES = {
    "slices-human": "By kind of human-made picture",
    "slices-topic": "By topic",
    "slices-country": "By the developer's country",
    "slices-family": "By family of generators",
}


@dataclass(frozen=True)
class Plot:
    """A figure, its words and its numbers.

    Attributes:
        name: of its files.
        title: of the figure, in the page.
        caption: how to read it.
        figure: as it is saved.
        data: tables behind it, each a CSV.
        narrow: the same for a phone; None where the figure itself fits, or is scrolled.
        small: whether the figure is as narrow as a phone.
    """

    name: str
    title: str
    caption: str
    figure: Figure
    data: Sequence[Data]
    narrow: Figure | None = None
    small: bool = False


def plots(results: Sequence[Result]) -> dict[str, list[Plot]]:
    """Section -> its figures; a section without anything measured has none."""
    return {section: list(draw(results)) for section, draw in SECTIONS.items()}


def save(found: Mapping[str, Sequence[Plot]], folder: Path) -> None:
    """Each figure as PNG and SVG, and its numbers as CSV; each file is either whole or absent."""
    for plot in (plot for section in found.values() for plot in section):
        write_bytes(folder / f"{plot.name}.png", to_png(plot.figure))
        write_text(folder / f"{plot.name}.svg", to_svg(plot.figure))
        for data in plot.data:
            write_text(folder / f"{data.name}.csv", data.csv())


def _lasting(results: Sequence[Result]) -> Iterator[Plot]:
    caption = (
        "A point is a window of generators, at the middle of its release months, seen by a detector whose training "
        "ended so many months before: filled, the last window it was trained on; hollow, later ones. Grey lines join "
        "the windows of one cutoff. The curve is skill, 2 AUROC - 1, that halves in a fixed time, one for all cutoffs; "
        "the band takes both ends of the intervals of skill and half-life. A dashed curve: no decay is detectable. "
        "In the rows, an open arrow means at least."
    )
    yield Plot(
        "half-life",
        "How long skill lasts",
        caption,
        half_life_figure(results),
        [numbers.half_lives(results), numbers.ages(results)],
        half_life_figure(results, narrow=True),
    )


def _time(results: Sequence[Result]) -> Iterator[Plot]:
    view = MAIN_VIEW if MAIN_VIEW in view_names(results) else next(iter(view_names(results)), MAIN_VIEW)
    along = (
        "A point is a window of generators, at the middle of its release months. Filled: of the training period. "
        "Hollow: released after it."
    )
    cells = (
        "A row is a detector trained on all generators up to that window, a column the window it is tested on. "
        "Blue: it tells generated from human-made. Pale: it guesses. Red: it is worse than guessing."
    )
    for name, title, caption, draw in (
        (f"timeline-{view}", "Timeline", along, timeline),
        (f"heatmap-{view}", "Heat map", cells, heatmap),
    ):
        data = numbers.cells(results, view, name, f"{title}, view {view}")
        yield Plot(name, f"{title}, view {view}", caption, draw(results, view), [data])
        if draw is timeline and any(found_by_window(result) for result in results):
            strict = (
                "The share of generated pictures over the threshold that one in a hundred human-made pictures of the "
                "same window passes. The band is the 95 % interval."
            )
            yield Plot("found", "Found at 1 % false alarms", strict, found_along(results), [numbers.found(results)])


def _slices(results: Sequence[Result]) -> Iterator[Plot]:
    best = best_of(results)
    for name, sorts in SLICES.items():
        if not any(values(best, by) for by in sorts):
            continue
        data = numbers.slices(results, sorts, name, _TITLES[name])
        cut = any(len(values(best, by)) > MOST for by in sorts)
        caption = f"The {MOST // 2} highest and the {MOST // 2} lowest; all stand in the data." if cut else ""
        yield Plot(name, _TITLES[name], caption, dot_plot(results, _TITLES[name], sorts), [data], small=True)


def _views(results: Sequence[Result]) -> Iterator[Plot]:
    if len(view_names(results)) < 2:  # noqa: PLR2004
        return
    caption = (
        "Each view is one treatment of all test pictures: what a platform makes of an upload, or a chain of platforms. "
        "A verdict flips where the treated picture lies on the other side of the threshold than the clean one."
    )
    yield Plot("views", "Detectors under every view", caption, view_map(results), [numbers.views(results)])


def _belief(results: Sequence[Result]) -> Iterator[Plot]:
    if not any(points(result) for result in results):
        return
    caption = (
        "A point is about as many pictures as any other, equal probabilities together: across, the mean probability "
        "that they were given; up, the share of them that is AI-generated, with its 95 % interval."
    )
    yield Plot(
        "reliability",
        f"Reliability, clean, on {spell_part(results[0])}",
        caption,
        reliability_diagrams(results),
        [numbers.reliability(results)],
        reliability_diagrams(results, narrow=True),
    )


SECTIONS: Mapping[str, Callable[[Sequence[Result]], Iterator[Plot]]] = {
    "lasting": _lasting,
    "time": _time,
    "slices": _slices,
    "views": _views,
    "belief": _belief,
}
