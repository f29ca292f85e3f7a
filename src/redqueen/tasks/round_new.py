"""`redqueen round new CORPUS output=FOLDER name=NAME`: a hidden round of pictures that nobody has."""

import secrets
from pathlib import Path

from omegaconf import DictConfig

from redqueen.console import say
from redqueen.corpus.store import Corpus
from redqueen.leaderboard.new_round import Plan, new
from redqueen.leaderboard.rounds import PRIVATE, PUBLIC
from redqueen.tasks.predict import suite_of


def run(cfg: DictConfig, folder: Path) -> int:  # noqa: ARG001  (every task has it)
    """Make the round and say what to hand out and what to keep."""
    suite = suite_of(cfg)
    plan = Plan(cfg.name, suite, cfg.pictures, cfg.canaries, cfg.twins, cfg.draws)
    output = Path(cfg.output)
    made = new(Corpus.open(Path(cfg.corpus)), output, plan, secrets.token_hex(32))
    counted = made.answers()
    if counted.card.biased:
        say(f"the corpus is biased: {counted.card.reason}")
    say(f"round {cfg.name}: {len(made.card.pictures)} pictures of {made.card.width} x {made.card.height}")
    say(f"hand out {output / PUBLIC}; keep {output / PRIVATE} to yourself")
    say(f"next: redqueen round commit {output}")
    return 0
