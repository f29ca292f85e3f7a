"""The page of one submission: what was measured, what was checked, and how anyone can check it again."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from redqueen.files import digest_file
from redqueen.leaderboard.board import VIEW, Board, Row
from redqueen.report.dots import values
from redqueen.report.finding import cells_of, cutoffs, measured, next_period, view_names
from redqueen.report.page import environment
from redqueen.report.paragraphs import paragraph
from redqueen.report.site import grid
from redqueen.report.view_map import FLIPPED, LOST
from redqueen.types import HUMAN_KINDS, Result

_CARDS = {  # small files of a bundle -> what a reader calls them
    "submission.json": "What the submitters say",
    "training_data.json": "What it was trained on",
    "run/cost.json": "Time and cost",
    "run/hardware.json": "Hardware",
    "run/seeds.json": "Seeds",
}
SCRIPTS = ("plot.js", "time.js", "page.js")
_DEEP = 3  # levels of a card that are told

_Bar = tuple[str, str, grid.Cell, list[grid.Cell]]


@dataclass(frozen=True)
class Bars:
    """A table whose rows are figures on one scale: heading, words beside it, the figure, further figures."""

    title: str
    note: str
    head: Sequence[str]
    rows: Sequence[_Bar]
    floor: float = 0.3  # where the scale begins


def submission_page(board: Board, row: Row, root: str) -> str:
    """The whole page; `root` leads to the top of the site."""
    record, result = row.record, row.result
    overview = grid.overview(board).columns
    return (
        environment()
        .get_template("site/submission.html.j2")
        .render(
            board=board,
            row=row,
            root=root,
            scripts=SCRIPTS,
            said=paragraph(result).replace("**", ""),
            facts=list(zip(overview, grid.overview_cells(row), strict=True)),
            matrix=_matrix(result),
            bars=[one for one in (_views(result), _generators(result), *_slices(result), _alarms(result)) if one.rows],
            checks=[check for event in record.events for check in event.checks],
            hashes=list(_hashes(board, row)),
            commands=list(_commands(board, row)),
            cards=list(_cards(row)),
            settings=_settings(result),
            reported=[
                (f"{one.metric}, {one.dataset}", f"{one.figure} ({one.source}); beside: {one.beside}")
                for one in result.reported
            ],
            older=[one.submission for one in board.gone if one.superseded_by == record.submission],
        )
    )


def _matrix(result: Result) -> Mapping[str, Any]:
    """Trained up to, against tested on."""
    found, names = cells_of(result, VIEW), [one.name for one in result.windows]
    rows = [
        (
            one.name,
            [
                (grid.figure(found.get((one.name, name)), shaded=True), at == names.index(one.name) + 1)
                for at, name in enumerate(names)
            ],
        )
        for one in cutoffs([result])
    ]
    return {"columns": names, "rows": rows}


def _views(result: Result) -> Bars:
    rows: list[_Bar] = []
    for view in view_names([result]):
        more = [
            grid.figure(measured(result, LOST, view=view)),
            grid.figure(measured(result, FLIPPED, view=view), percent=True),
        ]
        rows.append((view.replace("_", " › "), "", grid.figure(next_period(result, view)), more))
    note = "Mean AUROC on the next period. Lost: against the clean pictures. Flipped: verdicts that change."
    return Bars(
        "After sharing and other treatment",
        note,
        ["View", "", "AUROC", "Lost", "Flipped"],
        rows if len(rows) > 1 else [],
    )


def _generators(result: Result) -> Bars:
    found = sorted(
        (one for one in result.generators if one.view == VIEW), key=lambda one: (one.released, one.generator)
    )
    rows: list[_Bar] = [
        (one.generator, f"{one.released}, {one.pictures} pictures", grid.figure(one.auroc), []) for one in found
    ]
    note = "Each met in the period after training, by date of release. Few pictures make a wide interval."
    return Bars("By generator", note, ["Generator", "Released", "AUROC"], rows)


def _slices(result: Result) -> Iterator[Bars]:
    for by, said in grid.SLICES.items():
        found = sorted(values(result, by).items(), key=lambda pair: (-(pair[1].value or 0), pair[0]))
        rows: list[_Bar] = [(name, f"{one.n:,} pictures", grid.figure(one), []) for name, one in found]
        yield Bars(f"By {said}", "AUROC on the next period, clean.", ["Slice", "", "AUROC"], rows)


def _alarms(result: Result) -> Bars:
    order = {one.name: at for at, one in enumerate(result.windows)}
    rates = sorted(
        (one for one in result.false_positives if one.view == VIEW),
        key=lambda one: (HUMAN_KINDS.index(one.kind), order[one.trained_up_to]),
    )
    rows: list[_Bar] = [
        (one.kind, f"trained up to {one.trained_up_to}", grid.figure(one.rate, percent=True), []) for one in rates
    ]
    note = "Share of human-made test pictures over the threshold that validation pictures fixed."
    return Bars("False alarms", note, ["Kind", "Cutoff", "False alarms"], rows, floor=0.0)


def _hashes(board: Board, row: Row) -> Iterator[tuple[str, str]]:
    record, event = row.record, row.record.published
    yield "Result file, sha256", digest_file(record.path)
    if record.draws is not None:
        yield "Bootstrap draws, sha256", digest_file(record.draws)
    if event is not None and event.root is not None:
        yield "Root of the bundle's manifest", event.root
    yield "Predictions", row.result.predictions_digest
    yield "Corpus", row.result.corpus_digest
    if event is not None:
        yield f"Line {event.sequence} of the log follows", event.previous or "nothing: it is the first"
    if board.head is not None:
        yield "Last line of the log, sha256", board.head


def _commands(board: Board, row: Row) -> Iterator[tuple[str, str]]:
    """What to type, and what it shows."""
    where = f"results/{board.folder.parent.name}/{board.folder.name}/{row.record.path.name}"
    yield "The published file is the one whose hash stands above:", f"sha256sum {where}"
    if row.record.published is not None and row.record.published.root is not None:
        yield (
            "Every figure follows from the submitted predictions:",
            f"redqueen verify submissions/{row.record.submission}",
        )
    yield "This page follows from the published files:", "redqueen leaderboard build"
    if row.record.bundle is None:
        settings = f"'detector=[{row.result.detector}]' seed={row.result.seed}"
        yield (
            "The figures follow from the pictures (FOLDER has them and their metadata.csv):",
            f"redqueen track experiment={row.result.corpus} source.path=FOLDER {settings}",
        )


def _cards(row: Row) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """The small files of the bundle, flat."""
    for name, title in _CARDS.items():
        path = None if row.record.bundle is None else row.record.bundle / name
        if path is not None and path.is_file():
            yield title, list(_flat(json.loads(path.read_text("utf-8"))))


_LEFT_OUT = ("claims", "contact", "schema_version")  # compared and not shown; for the maintainers; of no use


def _flat(value: Any, key: str = "", deep: int = 0) -> Iterator[tuple[str, str]]:
    """Names and values, those of objects and lists within it as "outer › inner"."""
    if isinstance(value, list) and any(isinstance(one, dict | list) for one in value):
        value = {str(at): one for at, one in enumerate(value, 1)}
    if isinstance(value, dict) and deep < _DEEP:
        for name, inner in value.items():
            if name not in _LEFT_OUT:
                yield from _flat(inner, f"{key} › {name}" if key else str(name), deep + 1)
    elif value is not None:
        yield key.replace("_", " "), _told(value)


def _told(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return json.dumps(value) if isinstance(value, dict) else str(value)


def _settings(result: Result) -> list[tuple[str, str]]:
    dates = "nominal months, one a generation" if result.nominal_dates else "months of the calendar"
    return [
        ("Protocol", result.protocol),
        ("Perturbation suite", result.suite),
        ("Kept up to date by", f"{result.strategy} training"),
        ("Learned from", result.examples),
        ("Labels", result.labels),
        ("Release dates", dates),
        ("Seed", str(result.seed)),
        ("Bootstrap draws", str(result.draws)),
        *((f"Threshold (logit), {name}", f"{value:.4f}") for name, value in result.thresholds.items()),
        *((key, "none" if value is None else str(value)) for key, value in sorted(result.environment.items())),
    ]
