"""`redqueen round score SCORES ROUND team=NAME`: what a team may know of its scores; all of it once answers are out."""

import datetime
import sys
from pathlib import Path
from typing import cast

from hydra.utils import instantiate
from omegaconf import DictConfig

from redqueen.console import say
from redqueen.errors import UserError
from redqueen.leaderboard import ladder
from redqueen.leaderboard.publish import Publication, publish
from redqueen.leaderboard.rounds import Round


def run(cfg: DictConfig, folder: Path) -> int:  # noqa: ARG001  (every task has it)
    """Evaluate; stdout is for the team, stderr for the maintainer; 1 where canaries or twins tell on the scores."""
    found, path = Round.open(Path(cfg.round)), Path(cfg.scores)
    if found.revealed:
        return _open(found, path, cfg)
    if cfg.submission is not None:
        raise UserError("submission=NAME: a hidden result is published once the answers are out: redqueen round reveal")
    if cfg.team is None:
        raise UserError("team=NAME is needed: who hands in these scores? Evaluations are counted by team")
    rules = cast(ladder.Rules, instantiate(cfg.rules))
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    entry = ladder.enter(found, path, cfg.team, today, rules)
    own = [one for one in ladder.ledger(found.kept()) if one.team == cfg.team]
    sys.stdout.write(f"{ladder.line(found, entry, own, rules)}\n")
    say(f"for the maintainer alone: {found.kept() / ladder.RESULTS}{', failed ' * bool(entry.failed)}")
    return 1 if entry.failed else 0


def _open(found: Round, path: Path, cfg: DictConfig) -> int:
    """Every figure with its interval, since nothing is left to hide; published if the submission has a name."""
    result, draws, checks = ladder.evaluated(found, path)
    for name, one in ladder.figures(result).items():
        figure = one.figure
        said = f"{ladder.FIGURES[name]} {figure.value:.4f} ({figure.low:.4f} to {figure.high:.4f})"
        sys.stdout.write(f"{found.card.name}, {result.detector}: {said}, {figure.n} pictures\n")
    for check in checks:
        say(f"{check.outcome}: {check.message}")
    failed = any(check.outcome == "rejected" for check in checks)
    if cfg.submission is not None and not failed:
        made = Publication(cfg.submission, result, draws, "hidden", checks=checks, date=cfg.date or "")
        record = publish(Path(cfg.results), made)
        say(f"{record.submission} is published as {record.tier}: {record.path}")
    return int(failed)
