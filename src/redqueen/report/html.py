"""The report as one HTML file that loads nothing: figures inline, tables behind them, light, dark and on paper."""

import base64
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib
from markupsafe import Markup
from matplotlib.figure import Figure

from redqueen.errors import UserError
from redqueen.report import figures as drawn
from redqueen.report.finding import (
    cells_of,
    controls_last,
    first_sentence,
    next_period,
    notes,
    one_setup,
    same_period,
    spell,
    view_names,
)
from redqueen.report.page import Table, environment
from redqueen.report.table import false_positives
from redqueen.types import HUMAN_KINDS, Audit, Interval, Result

_PNG = b"\x89PNG\r\n\x1a\n"
_INKS = {drawn.INK: "ink", drawn.MUTED: "muted", drawn.FAINT: "faint", drawn.ACCENT: "accent", drawn.PAPER: "paper"}
_FONT = ("'DejaVu Sans'", "'DejaVu Sans', Verdana, sans-serif")  # Verdana is as wide
_KINDS = {
    "heatmap": (
        "Heat map",
        "A row is a detector trained on all generators up to that window, a column the window it is tested on. "
        "Blue: it tells generated from human-made. Pale: it guesses. Red: it is worse than guessing.",
    ),
    "timeline": (
        "Timeline",
        "A point is a window of generators, at the middle of its release months. Filled: of the training period. "
        "Hollow: released after it.",
    ),
}
_PLURAL = {"photo": "Photographs", "collage": "Collages", "drawing": "Drawings"}
_VERDICTS = {
    "leak": "Leak: metadata alone tells generated from human-made pictures",
    "clear": "Clear: metadata alone tells next to nothing",
    "undetermined": "Undetermined: too few pictures to exclude a leak",
}


@dataclass(frozen=True)
class _Picture:
    title: str
    caption: str
    image: Markup
    data: Table


def render(
    results: Sequence[Result], audit: Audit, figures: Mapping[str, bytes | Figure], extra: Mapping[str, str]
) -> str:
    """The whole page; the same input gives the same bytes.

    A figure is a `Figure` or the bytes of a PNG. Its key is "heatmap-VIEW" or "timeline-VIEW" (which gives it a
    caption and the cells of that view as its data) or any other title (then the data are those of all views).
    `extra` adds lines to "How this was made".

    Raises:
        UserError: there is no result, or a figure is neither a `Figure` nor a PNG.
        DigestError: the results were not made in one setup.
    """
    setup, ordered = one_setup(results), controls_last(results)
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            finding=first_sentence(results, audit),
            biased=audit.biased or any(result.biased for result in results),
            setup=setup,
            detectors=sum(not result.control for result in results),
            controls=sum(result.control for result in results),
            pictures=[_picture(key, figure, ordered, at) for at, (key, figure) in enumerate(figures.items())],
            next_table=_next_table(ordered),
            alarms=_alarms(ordered),
            audit=audit,
            audit_table=_audit_table(audit),
            limits=notes(results),
            facts=_facts(setup, extra),
            runs=_runs(ordered),
        )
    )


def _picture(key: str, figure: bytes | Figure, results: Sequence[Result], at: int) -> _Picture:
    kind, _, view = key.partition("-")
    known = kind in _KINDS and view in view_names(results)
    title, caption = (f"{_KINDS[kind][0]}, view {view}", _KINDS[kind][1]) if known else (key, "")
    image = _svg(figure, f"f{at}-", title) if isinstance(figure, Figure) else _png(figure, title)
    return _Picture(title, caption, image, _cell_table(results, [view] if known else view_names(results)))


def _svg(figure: Figure, prefix: str, title: str) -> Markup:
    """An inline figure: text stays text, ids are its own, ink and paper are the page's, no address is left."""
    buffer = io.StringIO()
    with matplotlib.rc_context(drawn.STYLE):
        figure.savefig(buffer, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    svg = buffer.getvalue().partition("<svg")[2].replace(*_FONT)
    svg = re.sub(r' xmlns(:xlink)?="[^"]*"', "", svg, count=2)
    svg = re.sub(r'( id="|href="#|url\(#)', rf"\1{prefix}", svg)
    for colour, name in _INKS.items():
        svg = svg.replace(f": {colour}", f": var(--{name})")
    return Markup('<svg role="img" aria-label="{}"').format(title) + Markup(svg)


def _png(data: bytes, title: str) -> Markup:
    if not isinstance(data, bytes) or not data.startswith(_PNG):
        raise UserError(f"figure '{title}' is neither a matplotlib Figure nor a PNG; pass one of these")
    return Markup('<img alt="{}" src="data:image/png;base64,{}">').format(title, base64.b64encode(data).decode())


def _name(result: Result) -> str:
    return f"{result.detector} (control)" if result.control else result.detector


def _next_table(results: Sequence[Result]) -> Table:
    views = view_names(results)
    head = [
        "Detector",
        *(f"Next period, {view}" for view in views),
        *(f"Last training period, {view}" for view in views),
    ]
    rows = [
        [
            _name(result),
            *(spell(next_period(result, view)) for view in views),
            *(spell(same_period(result, view)) for view in views),
        ]
        for result in results
    ]
    return Table("Mean AUROC over the training cutoffs, with 95 % intervals", head, rows)


def _alarms(results: Sequence[Result]) -> Table:
    views = list(dict.fromkeys(entry.view for result in results for entry in result.false_positives))
    rows, ends = [], set()
    for result, view in ((result, view) for result in results for view in views):
        found = [false_positives(result, kind, view) for kind in HUMAN_KINDS]
        ends |= {entry.trained_up_to for entry in found if entry is not None}
        rows.append([_name(result), view, *(_with_count(entry.rate if entry else None) for entry in found)])
    until = f", trained up to {', '.join(sorted(ends))}" if ends else ""
    caption = f"Share of human-made pictures taken for generated ones at the validation threshold{until}"
    return Table(caption, ["Detector", "View", *(_PLURAL[kind] for kind in HUMAN_KINDS)], rows)


def _with_count(rate: Interval | None) -> str:
    return spell(rate, percent=True) + (f" of {rate.n}" if rate is not None and rate.value is not None else "")


def _audit_table(audit: Audit) -> Table:
    rows = [
        [entry.window, spell(entry.before), spell(entry.after), str(entry.after.n), _VERDICTS[entry.verdict]]
        for entry in audit.windows
    ]
    verdict = "Biased" if audit.biased else "Not biased"
    mean = ["Mean", spell(audit.mean_before), spell(audit.mean_after), str(audit.mean_after.n), verdict]
    head = ["Window", "Before matching", "After matching", "Pictures", "Verdict"]
    return Table("AUROC of a probe that sees metadata alone (0.5: it sees nothing)", head, [*rows, mean])


def _cell_table(results: Sequence[Result], views: Sequence[str]) -> Table:
    """Every cell, in the order of detectors, views, cutoffs and windows; pairs without a cell are n/a."""
    head = ["Detector", "View", "Trained up to", "Tested on", "Part", "AUROC", "Pictures", "Groups"]
    rows = []
    for result in results:
        names = [window.name for window in result.windows]
        for view in views:
            cells = cells_of(result, view)
            trained = [name for name in names if any(name == pair[0] for pair in cells)]
            for row, column in ((row, column) for row in trained for column in names):
                one = cells.get((row, column))
                part = "future" if names.index(column) > names.index(row) else "past"
                counts = ["n/a", "n/a"] if one is None else [str(one.n), str(one.n_groups)]
                rows.append([_name(result), view, row, column, part, spell(one), *counts])
    return Table("All cells", head, rows)


def _facts(setup: Result, extra: Mapping[str, str]) -> list[tuple[str, str]]:
    dates = "nominal months, one a generation" if setup.nominal_dates else "months of the calendar"
    return [
        ("Corpus", setup.corpus),
        ("Digest of the corpus", setup.corpus_digest),
        ("Protocol", setup.protocol),
        ("Perturbation suite", setup.suite),
        ("Labels", setup.labels),
        ("Release dates", dates),
        *extra.items(),
    ]


def _runs(results: Sequence[Result]) -> list[tuple[str, list[tuple[str, str]]]]:
    """What differs from detector to detector: name, then pairs of fact and value."""
    return [
        (
            _name(result),
            [
                ("Digest of the predictions", result.predictions_digest),
                ("Seed", str(result.seed)),
                ("Bootstrap draws", str(result.draws)),
                *([("Superseded by", result.superseded_by)] if result.superseded_by else []),
                *((f"Threshold (logit), {name}", f"{value:.4f}") for name, value in result.thresholds.items()),
                *((key, str(value)) for key, value in sorted(result.environment.items())),
            ],
        )
        for result in results
    ]
