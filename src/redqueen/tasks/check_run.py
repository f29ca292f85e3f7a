"""`redqueen check run`: has a detector got worse; the exit code says it, and a folder of reports."""

import shlex
import subprocess
from datetime import date
from pathlib import Path

from omegaconf import DictConfig

from redqueen.console import say
from redqueen.errors import UserError
from redqueen.regression.findings import EXIT_CRASH
from redqueen.regression.run import checked
from redqueen.report.check_files import show, write


def run(cfg: DictConfig, folder: Path) -> int:  # noqa: ARG001  (every task has it)
    """Compare, write the reports, tell the verdict; the exit code is that of `findings.Checked`."""
    candidate = Path(cfg.candidate)
    if cfg.command and (reason := failed(cfg.command, candidate)):
        say(f"redqueen: CRASHED: {reason}")
        return EXIT_CRASH
    found, flips = checked(Path(cfg.policy), candidate, list(cfg.against), day(cfg.today))
    write(found, flips, Path(cfg.output))
    show(found)
    say(f"reports: {cfg.output}")
    return found.exit_code


def day(given: str | None) -> date | None:
    """The day that was given; raises UserError if it is none."""
    if given is None:
        return None
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
