"""`redqueen check accept`: make a candidate the new baseline, with the reason written beside it."""

from datetime import UTC, date, datetime
from pathlib import Path

from omegaconf import DictConfig

from redqueen.console import say
from redqueen.evaluation.benchmark import Benchmark
from redqueen.regression import baselines, policy
from redqueen.regression.accept import accept, lock_of
from redqueen.tasks.check_run import day


def run(cfg: DictConfig, folder: Path) -> int:  # noqa: ARG001  (every task has it)
    """Copy the table, write the lock, say where."""
    asked = policy.read(Path(cfg.policy))
    benchmark = Benchmark.open(asked.folder / asked.benchmark)
    candidate = baselines.table_at(Path(cfg.candidate), benchmark.card.suite)
    lock = accept(asked, benchmark, candidate, cfg.reason, _day(cfg.day, candidate), cfg.baseline_name)
    place = asked.folder / asked.baselines[cfg.baseline_name]
    say(f"accepted as {cfg.baseline_name}: content {lock.content[:12]}, of {lock.accepted}: {lock_of(place)}")
    return 0


def _day(given: str | None, candidate: Path) -> date:
    """The day that was given, or that of the candidate's file."""
    made = candidate.stat().st_mtime if candidate.exists() else 0.0
    return day(given) or datetime.fromtimestamp(made, UTC).date()
