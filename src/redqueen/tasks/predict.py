"""`redqueen predict`: every test picture under every view, by each trained detector."""

from pathlib import Path
from typing import cast

from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from redqueen.console import say
from redqueen.corpus.store import Corpus
from redqueen.evaluation import predict as predictions
from redqueen.files import Stage
from redqueen.perturbations.suite import Suite
from redqueen.tasks.corpus import build
from redqueen.tasks.train import instantiated, jobs, trained
from redqueen.training.checkpoint import Checkpoint
from redqueen.types import Window


def run(cfg: DictConfig, folder: Path) -> int:
    """Predict and say where the tables lie."""
    work = list(jobs(cfg))
    corpus = build(cfg)
    for name, cutoff in work:
        path = predicted(cfg, corpus, name, cutoff, trained(cfg, corpus, name, cutoff, folder))
        say(f"{name} up to {cutoff.name}: {path}")
    return 0


def predicted(cfg: DictConfig, corpus: Corpus, name: str, cutoff: Window, checkpoint: Checkpoint) -> Path:
    """The prediction table of one checkpoint, from the store if it lies there."""
    suite = cast(Suite, instantiate(cfg.suite))
    made_from = {"corpus_digest": corpus.digest, "checkpoint": checkpoint.digest, "suite": suite.label}
    stage = Stage.open(Path(cfg.store), "predictions", f"{name}-{cutoff.name}", made_from)
    path = stage.folder / "predictions.parquet"
    if not stage.done:
        node = cfg.detector[name]
        detector = checkpoint.restore(
            instantiated(node, cfg.seed), corpus.digest, OmegaConf.to_yaml(node, resolve=True)
        )
        table = predictions.predict(
            detector, corpus, suite, Path(cfg.store) / "features", checkpoint.digest, checkpoint.record["temperature"]
        )
        predictions.write(path, table, {**made_from, "detector": name, "trained_up_to": cutoff.name})
        stage.finish()
    return path
