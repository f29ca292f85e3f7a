"""`redqueen leaderboard withdraw SUBMISSION reason=…`: a tombstone; the submission's files stay where they are."""

import datetime
from pathlib import Path

from omegaconf import DictConfig

from redqueen.console import say
from redqueen.leaderboard.publish import folder_of
from redqueen.leaderboard.records import withdraw


def run(cfg: DictConfig, folder: Path) -> int:  # noqa: ARG001  (every task has it)
    """Write the line of the log."""
    date = cfg.date or datetime.datetime.now(datetime.UTC).date().isoformat()
    where = folder_of(Path(cfg.results), cfg.submission)
    event = withdraw(where, cfg.submission, date, cfg.reason)
    say(f"{cfg.submission} is withdrawn: line {event.sequence} of {where / 'log.jsonl'}")
    return 0
