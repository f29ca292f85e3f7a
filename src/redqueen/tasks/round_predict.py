"""`redqueen round predict ROUND --detector FOLDER output=FILE`: a trained detector's scores of a round's pictures."""

from pathlib import Path

from omegaconf import DictConfig

from redqueen.console import say
from redqueen.errors import UserError
from redqueen.evaluation import scores
from redqueen.leaderboard.round_scores import scored
from redqueen.leaderboard.rounds import Round
from redqueen.tasks.predict import suite_of


def run(cfg: DictConfig, folder: Path) -> int:  # noqa: ARG001  (every task has it)
    """Score and say where the table lies."""
    if cfg.checkpoint is None:
        raise UserError("--detector FOLDER is needed: a checkpoint folder that 'redqueen train' or 'track' wrote")
    found = Round.open(Path(cfg.round))
    made = scored(found, Path(cfg.checkpoint), suite_of(cfg))
    scores.write(Path(cfg.output), made)
    say(f"{made.table.num_rows} scores of {made.origin.detector}: {cfg.output}")
    return 0
