"""`redqueen report`: the page, the two pictures and the terminal table of a run."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig
from pydantic import TypeAdapter

from redqueen.console import console, say
from redqueen.corpus.store import CARD
from redqueen.files import write_json, write_text
from redqueen.report import figures
from redqueen.report.finding import first_sentence
from redqueen.report.html import render
from redqueen.report.reported import facts, print_beside
from redqueen.report.table import matrix
from redqueen.tasks.evaluate import results
from redqueen.types import Audit, Result


def run(cfg: DictConfig, folder: Path) -> int:
    """Make the report from what the store holds."""
    corpus, found = results(cfg, folder)
    write(found, corpus.card, folder)
    return 0


def write(found: Sequence[Result], card: Mapping[str, Any], folder: Path) -> None:
    """Write `report.html`, the corpus card and, for each view, heat map and timeline; print the table."""
    pictures = {}
    for view in dict.fromkeys(cell.view for result in found for cell in result.cells):
        pictures[f"heatmap-{view}"] = figures.heatmap(found, view)
        pictures[f"timeline-{view}"] = figures.timeline(found, view)
    for name, figure in pictures.items():
        figures.save(figure, folder / "figures" / f"{name}.png")
    audit = TypeAdapter(Audit).validate_python(card["audit"])
    write_json(folder / CARD, card)
    write_text(folder / "report.html", render(found, audit, pictures, facts(found)))
    console.print(matrix(found))
    print_beside(found)
    say(first_sentence(found, audit))
    say(f"report: {folder / 'report.html'}")
