"""`redqueen report`: the page, the two pictures and the terminal table of a run."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig
from pydantic import TypeAdapter, ValidationError

from redqueen.console import console, say
from redqueen.corpus.push import may_be_passed_on
from redqueen.corpus.store import CARD, Corpus
from redqueen.errors import DigestError, UserError
from redqueen.files import write_json, write_text
from redqueen.report import plots, thumbnails
from redqueen.report.finding import first_sentence, one_setup
from redqueen.report.html import render
from redqueen.report.reported import facts, print_beside
from redqueen.report.table import matrix
from redqueen.tasks.evaluate import read, results
from redqueen.types import Audit, Result


def run(cfg: DictConfig, folder: Path) -> int:
    """Make the report of the runs that were named, or of what the store holds."""
    if cfg.runs:
        found, card = of_runs([Path(one) for one in cfg.runs])
        seen = thumbnails.read(Path(one) for one in cfg.runs)
        write(found, card, Path(cfg.runs[0]) if len(cfg.runs) == 1 else folder, seen)
        return 0
    corpus, found = results(cfg, folder)
    write(found, corpus.card, folder, kept(corpus, found, folder))
    return 0


def of_runs(folders: Sequence[Path]) -> tuple[list[Result], Mapping[str, Any]]:
    """All results of some runs, and the card of their corpus, from their files alone.

    Raises:
        UserError: a folder is not that of a finished run, a file is not a result, or a detector is there twice.
        DigestError: the results were not made in one setup, or on another corpus than the card's.
    """
    found: dict[str, tuple[Path, Result]] = {}
    for path in (path for folder in folders for path in _files(folder)):
        result = _result(path)
        if result.detector in found:
            other = found[result.detector][0]
            raise UserError(f"{path}: '{result.detector}' is in {other} too; report these runs separately")
        found[result.detector] = (path, result)
    made = [result for _, result in found.values()]
    one_setup(made)
    card = _card(folders[0] / CARD)
    if card.get("digest") != made[0].corpus_digest:
        raise DigestError(f"{folders[0] / CARD}: is of another corpus than the results ({made[0].corpus})")
    return made, card


def _files(folder: Path) -> list[Path]:
    found = sorted((folder / "results").glob("*.json"))
    if not found:
        raise UserError(f"{folder}: has no results/*.json; name the folder of a finished `redqueen track`")
    return found


def _result(path: Path) -> Result:
    try:
        return read(path)
    except ValidationError as error:
        first = error.errors()[0]
        raise UserError(f"{path}: no result: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def _card(path: Path) -> Mapping[str, Any]:
    try:
        card = json.loads(path.read_bytes())
        TypeAdapter(Audit).validate_python(card["audit"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path}: no card of a corpus with its audit ({type(error).__name__})") from None
    return dict(card)


def kept(corpus: Corpus, found: Sequence[Result], folder: Path) -> dict[str, bytes]:
    """Thumbnails of the worst errors, which the run's folder keeps as far as their licences let them be passed on."""
    thumbnails.save(corpus, found, folder, may_be_passed_on)
    return thumbnails.read([folder])


def write(found: Sequence[Result], card: Mapping[str, Any], folder: Path, seen: Mapping[str, bytes]) -> None:
    """Write `report.html`, the corpus card, every figure and the numbers behind it; print the table.

    `seen` are thumbnails of errors, by the ids of the pictures.
    """
    drawn = plots.plots(found)
    plots.save(drawn, folder / "figures")
    audit = TypeAdapter(Audit).validate_python(card["audit"])
    write_json(folder / CARD, card)
    write_text(folder / "report.html", render(found, audit, drawn, facts(found), seen))
    console.print(matrix(found))
    print_beside(found)
    say(first_sentence(found, audit))
    say(f"report: {folder / 'report.html'}")
