"""`redqueen round reveal ROUND`: answers and secret go out; `check=true`: anyone sees if they are those promised."""

from pathlib import Path

from omegaconf import DictConfig

from redqueen.console import say
from redqueen.errors import UserError
from redqueen.leaderboard import commitment
from redqueen.leaderboard.rounds import REVEAL, Round


def run(cfg: DictConfig, folder: Path) -> int:  # noqa: ARG001  (every task has it)
    """Publish, or check; 1 where what is revealed is not what was promised, and the first difference is said."""
    found = Round.open(Path(cfg.round))
    if not cfg.check:
        commitment.reveal(found)
        say(f"revealed: {found.public / REVEAL}")
    elif not found.revealed:
        raise UserError(f"round {found.card.name}: nothing is revealed yet in {found.public / REVEAL}")
    wrong = next(commitment.differences(found, found.public / REVEAL, cfg.published), None)
    promise = commitment.promised(found)
    if wrong:
        say(f"round {found.card.name}: {wrong}")
        return 1
    say(f"round {found.card.name}: {promise.pictures} answers are those that were promised on {promise.date}")
    say(f"digest of the promise: {promise.digest}; compare it with the one that was published")
    return 0
