"""Every file of the leaderboard, from boards to a folder that opens by double-click."""

import json
from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from matplotlib import colormaps
from pydantic import TypeAdapter, ValidationError

from redqueen.corpus.store import CARD
from redqueen.files import write_json, write_text
from redqueen.leaderboard.board import VIEW, Board, alone
from redqueen.report.canvas import is_bright, themed, to_svg
from redqueen.report.finding import cutoffs, first_sentence, half_life, notes, view_names
from redqueen.report.half_life import half_life_figure
from redqueen.report.page import environment
from redqueen.report.site import data, grid
from redqueen.report.site.pairs import matrix
from redqueen.report.site.submission import SCRIPTS, submission_page
from redqueen.types import Audit, Interval, Result

BOARD = ("plot.js", "time.js", "cost.js", "download.js", "address.js", "compare.js", "app.js")  # scripts, in order
DRAWN = 12  # submissions in the figure that needs no script
LISTING = "files.json"  # what a build wrote, so that the next one can remove what is no longer there
_UNKNOWN = Interval(None, None, None, 0, 0)


def build(boards: Sequence[Board], output: Path) -> list[str]:
    """Write the site: the first board at the top, the others below `b/`; files of an earlier build are replaced.

    Returns:
        The files, relative to the folder.
    """
    pages = dict(_files(boards))
    for name, text in pages.items():
        write_text(output / name, text)
    for name in set(_listed(output)) - set(pages):
        (output / name).unlink(missing_ok=True)
    write_json(output / LISTING, sorted(pages))
    return sorted(pages)


def _listed(output: Path) -> list[str]:
    """The files of the build before, as far as they lie in the folder."""
    path = output / LISTING
    names = json.loads(path.read_text()) if path.exists() else []
    return [
        name for name in names if isinstance(name, str) and (output / name).resolve().is_relative_to(output.resolve())
    ]


def _files(boards: Sequence[Board]) -> Iterator[tuple[str, str]]:
    yield from shared()
    for at, board in enumerate(boards):
        yield from _of_board(boards, board, home(boards, at))


def shared() -> Iterator[tuple[str, str]]:
    """What all boards share: style and scripts."""
    yield "style.css", _asset("../style.css") + _asset("site.css") + shades()
    for name in dict.fromkeys((*BOARD, *SCRIPTS)):
        yield name, _asset(name)


def home(boards: Sequence[Board], at: int) -> str:
    """The folder of a board within the site, with its slash; empty for the first."""
    return "" if at == 0 else f"b/{boards[at].digest}/"


def _of_board(boards: Sequence[Board], board: Board, folder: str) -> Iterator[tuple[str, str]]:
    root = "../" * folder.count("/")
    page, figures = front(boards, board, root)
    yield f"{folder}index.html", page
    yield f"{folder}data.js", figures
    results = [row.result for row in board.rows][:DRAWN]
    if any(half_life(result, VIEW) for result in results):
        yield f"{folder}half-life.svg", themed(to_svg(half_life_figure(results)))
    for row in (*board.rows, *(alone(record) for record in board.gone)):
        name = row.record.submission
        yield f"{folder}s/{name}.html", submission_page(board, row, f"../{root}")
        yield f"{folder}s/{name}.js", data.script(data.of_submission(row))


def front(boards: Sequence[Board], board: Board, root: str) -> tuple[str, str]:
    """The first page of a board, and the script with its figures; `root` leads to the top of the site."""
    tables = [grid.overview(board), grid.generators(board), grid.platforms(board), grid.slices(board)]
    context = {**_context(board, tables), "root": root, "versions": list(_versions(boards, board, root))}
    page = environment().get_template("site/index.html.j2").render(context)
    return page, data.script(data.of_board(board, tables))


def _context(board: Board, tables: Sequence[grid.Grid]) -> dict[str, Any]:
    results = [row.result for row in board.rows]
    ranked = [row.result for row in board.rows if row.rank is not None]
    audit = _audit(board)
    return {
        "board": board,
        "finding": first_sentence(ranked or results, audit),
        "verified": bool(ranked),
        "biased": audit.biased,
        "grids": {one.name: one for one in tables},
        "metrics": grid.METRICS,
        "views": view_names(results),
        "cutoffs": cutoffs(results),
        "slices": {by: said for by, said in grid.SLICES.items() if any(c.group == by for c in tables[3].columns)},
        "pairs": matrix(board),
        "limits": notes(results),
        "tiers": TIERS,
        "setup": board.setup,
        "scripts": BOARD,
    }


TIERS = {
    "claimed": "Figures as the submitter gave them. Shown, never ranked.",
    "recomputed": "Every figure was computed here from the submitted predictions.",
    "re-run": "Recomputed, and the weights were run again on a random part of the pictures.",
    "hidden": "Measured by the maintainers on pictures that no submitter has seen.",
}


def _audit(board: Board) -> Audit:
    """The audit of the board's corpus; of none that is known, what its results say."""
    path = board.folder.parent / CARD
    try:
        card = json.loads(path.read_bytes())
        if card["digest"] == board.setup.corpus_digest:
            return TypeAdapter(Audit).validate_python(card["audit"])
    except (OSError, ValueError, KeyError, TypeError, ValidationError):
        pass  # a board needs no card
    return Audit((), _UNKNOWN, _UNKNOWN, any(row.result.biased for row in board.rows), "")


def _versions(boards: Sequence[Board], here: Board, root: str) -> Iterator[dict[str, Any]]:
    for at, board in enumerate(boards):
        setup: Result = board.setup
        yield {
            "name": board.name,
            "link": f"{root}{home(boards, at)}index.html",
            "here": board is here,
            "digest": setup.corpus_digest[:12],
            "windows": f"{len(setup.windows)}, {setup.windows[0].start} to {setup.windows[-1].end}",
            "submissions": len(board.rows),
            "examples": setup.examples,
        }


def shades() -> str:
    """A rule for each shade of a heat map: red below chance, pale at chance, blue above."""
    rules = []
    for step in range(grid.STEPS + 1):
        face = colormaps["RdBu"](step / grid.STEPS)
        ink = "#000000" if is_bright(face) else "#ffffff"  # nothing paler has a contrast of 4.5 on every shade
        colour = "#" + "".join(f"{round(255 * part):02x}" for part in face[:3])
        rules.append(f".h{step} {{ background: {colour}; color: {ink}; }}")
    return "\n".join(rules) + "\n"


def _asset(name: str) -> str:
    return (files("redqueen.report") / "templates" / "site" / name).read_text("utf-8")
