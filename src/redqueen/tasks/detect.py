"""`redqueen detect FILE… --detector FOLDER`: is this picture AI-generated, how sure, and how much that is worth."""

import base64
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from hydra.utils import instantiate
from omegaconf import DictConfig
from rich.console import Console

from redqueen.console import say, track
from redqueen.errors import UserError
from redqueen.evaluation.detect.files import found, shown
from redqueen.evaluation.detect.judging import Outcome, exit_code, outcomes
from redqueen.evaluation.detect.standing import Standing, read, standing
from redqueen.evaluation.detect.verdict import Basis, Judgement
from redqueen.evaluation.detect.worker import Setup, Worker
from redqueen.files import write_bytes
from redqueen.report.verdicts import facts, line, table
from redqueen.types import Result

_WIDTH = 200  # characters a line where the table goes into a file or a pipe


def run(cfg: DictConfig, folder: Path, files: Sequence[str] = ()) -> int:  # noqa: ARG001  (every task has it)
    """Judge every file; the exit code says whether one looks AI-generated."""
    if not files:
        raise UserError("no picture: redqueen detect FILE… --detector FOLDER; FILE may be a folder, or - for stdin")
    result = result_of(cfg)
    with worker(cfg, heat=cfg.heatmaps is not None) as process:
        known = known_of(process.basis, result)
        judged = []
        for one in track(outcomes(found(files, sys.stdin.buffer), process), "judging"):
            drawn = _drawn(one, cfg.heatmaps)
            judged.append((_without_picture(one), drawn))
            if cfg.format == "json":
                sys.stdout.write(f"{line(one, process.basis, known, drawn)}\n")
    if cfg.format == "table":
        _print(judged, process.basis, known, cfg.close)
    return exit_code(one for one, _ in judged)


def worker(cfg: DictConfig, heat: bool) -> Worker:
    """The process that judges, as the settings want it."""
    if not cfg.checkpoint:
        raise UserError("no detector: add --detector FOLDER, a checkpoint of redqueen train (store/checkpoint/NAME-…)")
    trained_on = Path(cfg.trained_on) if cfg.trained_on else None
    suite = instantiate(cfg.suite)
    setup = Setup(Path(cfg.checkpoint).resolve(), trained_on, suite, list(cfg.views), cfg.close, heat)
    return Worker(setup, instantiate(cfg.bounds))


def result_of(cfg: DictConfig) -> Result | None:
    """The result that the settings name; read before the detector is loaded, which takes longer."""
    return read(Path(cfg.result)) if cfg.result else None


def known_of(basis: Basis, result: Result | None) -> Standing:
    """What a result says of the detector today."""
    return standing(basis, result, datetime.now(UTC).date())


def _drawn(outcome: Outcome, folder: str | None) -> str | None:
    """Where the heat map was written, named by the picture's content; None where there is none."""
    if folder is None or not isinstance(outcome.judged, Judgement) or outcome.judged.heat is None:
        return None
    path = Path(folder) / f"{outcome.judged.image_id[:16]}.png"
    write_bytes(path, base64.b64decode(outcome.judged.heat.png))
    return str(path)


def _without_picture(outcome: Outcome) -> Outcome:
    """What is kept of a file until the end: its heat map is written by then, and thousands would fill the memory."""
    judged = outcome.judged
    if not isinstance(judged, Judgement) or judged.heat is None:
        return outcome
    return replace(outcome, judged=replace(judged, heat=replace(judged.heat, png="")))


def _print(judged: Sequence[tuple[Outcome, str | None]], basis: Basis, known: Standing, close: float) -> None:
    console = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDTH)
    console.print(table([one for one, _ in judged], {one.path: drawn for one, drawn in judged if drawn}))
    for name, value in facts(basis, known, close):
        console.print(f"{name}: {value}", markup=False)
    for one, _ in judged:
        if isinstance(one.judged, Judgement) and one.judged.heat:
            console.print(f"{one.judged.image_id[:16]}: {one.judged.heat.words}", markup=False)
    for warning in known.warnings:
        say(f"warning: {shown(warning)}")
