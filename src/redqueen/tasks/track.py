"""`redqueen track`: the whole job, from sources to a report on how long each detector stays right."""

from pathlib import Path

from omegaconf import DictConfig

from redqueen.tasks.evaluate import results
from redqueen.tasks.logs import log_results
from redqueen.tasks.record import record
from redqueen.tasks.report import kept, write


def run(cfg: DictConfig, folder: Path) -> int:
    """Build the corpus, train and predict at every cutoff, evaluate, report."""
    record(cfg, folder)
    corpus, found = results(cfg, folder)
    log_results(cfg, found, folder)
    write(found, corpus.card, folder, kept(corpus, found, folder))
    return 0
