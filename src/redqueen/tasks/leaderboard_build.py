"""`redqueen leaderboard build`: published results as a static site that opens from disk."""

from pathlib import Path

from omegaconf import DictConfig

from redqueen.console import say
from redqueen.leaderboard.board import boards
from redqueen.report.site.pages import build


def run(cfg: DictConfig, folder: Path) -> int:  # noqa: ARG001  (every task has it)
    """Build the site of all results."""
    output = Path(cfg.output)
    written = build(boards(Path(cfg.results)), output)
    say(f"leaderboard: {output / 'index.html'} ({len(written)} files)")
    return 0
