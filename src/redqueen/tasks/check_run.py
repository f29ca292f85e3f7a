"""`redqueen check run`: has a detector got worse; the exit code says it, and a folder of reports."""

import shlex
import subprocess
from datetime import UTC, date, datetime
from pathlib import Path

from omegaconf import DictConfig

from redqueen.console import say
from redqueen.errors import DigestError, UserError
from redqueen.evaluation.benchmark import Benchmark
from redqueen.evaluation.scores import Scores
from redqueen.regression import baselines, policy
from redqueen.regression.accept import held
from redqueen.regression.baselines import GIT
from redqueen.regression.check import check, refused
from redqueen.regression.findings import EXIT_CRASH
from redqueen.report.check_files import show, write


def run(cfg: DictConfig, folder: Path) -> int:  # noqa: ARG001  (every task has it)
    """Compare, write the reports, tell the verdict; the exit code is that of `findings.Checked`."""
    asked = policy.read(Path(cfg.policy))
    if cfg.command and (reason := failed(cfg.command, Path(cfg.candidate))):
        say(f"redqueen: CRASHED: {reason}")
        return EXIT_CRASH
    try:
        benchmark = Benchmark.open(asked.folder / asked.benchmark)
        places = baselines.located(asked, cfg.against)
        found = baselines.read(asked, places)
        for name, (place, where) in places.items():
            _held(place, where, found[name])
        candidate = baselines.candidate(Path(cfg.candidate), benchmark.card.suite)
        checked, flips = check(asked, benchmark, candidate, found, day(cfg.today))
    except DigestError as error:  # two things that were made from different inputs
        checked, flips = refused(asked, str(error)), []
    write(checked, flips, Path(cfg.output))
    show(checked)
    say(f"reports: {cfg.output}")
    return checked.exit_code


def _held(place: str, where: Path, table: Scores) -> None:
    if not place.startswith(GIT):
        held(where / place, table)


def day(given: str | None) -> date:
    """The day that was given, or today in UTC; raises UserError if it is none."""
    if given is None:
        return datetime.now(UTC).date()
    try:
        return date.fromisoformat(str(given))
    except ValueError:
        raise UserError(f"'{given}' is no day: give YYYY-MM-DD") from None


def failed(command: str, candidate: Path) -> str:
    """Run the command that makes the candidate; returns why there is none, or nothing where there is a new one."""
    before = candidate.stat().st_mtime_ns if candidate.exists() else None
    words = shlex.split(command)
    if not words:
        raise UserError("command: give the words of a program")
    try:
        ended = subprocess.run(words, check=False, stdin=subprocess.DEVNULL)
    except OSError as error:
        return f"{words[0]}: {error.strerror}"
    if ended.returncode:
        return f"{words[0]} ended with exit code {ended.returncode}: no candidate was made"
    if not candidate.exists() or candidate.stat().st_mtime_ns == before:
        return f"{words[0]} ended well but wrote no {candidate}"
    return ""
