"""`redqueen corpus build`: build the corpus and say where it lies and what its audit found."""

from pathlib import Path

from omegaconf import DictConfig

from redqueen.console import say
from redqueen.tasks.corpus import build


def run(cfg: DictConfig, folder: Path) -> int:  # noqa: ARG001  (every task has this signature)
    """Build and say."""
    corpus = build(cfg)
    counts, audit = corpus.card["counts"], corpus.audit
    say(f"corpus {corpus.folder}: {counts['rows']} rows in {counts['groups']} groups, digest {corpus.digest[:12]}")
    verdict = "biased: " if audit.biased else "not biased: "
    say(f"{verdict if audit.windows else ''}{audit.reason}")
    return 0
