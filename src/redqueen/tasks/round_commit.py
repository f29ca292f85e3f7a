"""`redqueen round commit ROUND`: the promise about a round's answers, to be published before any submission comes."""

import datetime
import sys
from pathlib import Path

from omegaconf import DictConfig

from redqueen.console import say
from redqueen.leaderboard import commitment
from redqueen.leaderboard.rounds import Round


def run(cfg: DictConfig, folder: Path) -> int:  # noqa: ARG001  (every task has it)
    """Write the promise; its digest is the only line on stdout."""
    found = Round.open(Path(cfg.round))
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    made = commitment.commit(found, cfg.date or today)
    say(f"{found.public / commitment.FILE}: publish it, and this digest wherever it cannot be changed later:")
    sys.stdout.write(f"{made.digest}\n")
    return 0
