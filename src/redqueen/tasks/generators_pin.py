"""`redqueen generators pin`: resolve the Hub's weights to commits and write the lock."""

from pathlib import Path

from hydra.utils import instantiate
from omegaconf import DictConfig

from redqueen.console import bar, say
from redqueen.generation import pins
from redqueen.tasks.generators import chosen


def run(cfg: DictConfig, folder: Path) -> int:  # noqa: ARG001  (every task has this signature)
    """Look up what the lock does not hold yet (all of it with `again=true`); exit code 1 if any look-up failed."""
    lock = Path(cfg.lock)
    wanted = pins.repositories(chosen(cfg))
    known = {} if cfg.again else pins.read(lock)
    missing = [repository for repository in wanted if repository.key not in known]
    failed: list[pins.Outcome] = []
    with bar("asking the Hub", len(missing)) as progress:
        for outcome in pins.resolve(missing, instantiate(cfg.hub)):
            if outcome.commit is None:
                failed.append(outcome)
            else:
                pins.add(lock, outcome.repository, outcome.commit)
            progress.advance(progress.task_ids[0])
    for outcome in failed:
        say(f"{outcome.repository.key}: {outcome.reason}")
    say(f"{lock}: {len(wanted) - len(failed)} of {len(wanted)} repositories pinned, {len(missing)} asked for now")
    return 1 if failed else 0
