"""`redqueen train`: each chosen detector at each cutoff of the protocol."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytorch_lightning as pl
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from redqueen.console import say
from redqueen.corpus.store import Corpus
from redqueen.detectors.base import Detector, FeatureDetector
from redqueen.environment import environment
from redqueen.errors import UserError
from redqueen.evaluation.protocols import Temporal
from redqueen.files import Stage
from redqueen.tasks.corpus import build
from redqueen.tasks.logs import logger
from redqueen.training.checkpoint import Checkpoint, save
from redqueen.training.fit import Recipe, Rows, fit, threshold
from redqueen.types import Window


def run(cfg: DictConfig, folder: Path) -> int:
    """Train and say where the checkpoints lie."""
    work = list(jobs(cfg))  # a wrong choice is told before any work
    corpus = build(cfg)
    for name, cutoff in work:
        checkpoint = trained(cfg, corpus, name, cutoff, folder)
        say(f"{name} up to {cutoff.name}: {checkpoint.folder}")
    return 0


def jobs(cfg: DictConfig) -> Iterator[tuple[str, Window]]:
    """Every (detector, cutoff): cutoffs are all windows, or the one that `cutoff` names."""
    # an experiment may set options of a detector that the command line then left out: such a node has no _target_
    names = [str(name) for name, node in (cfg.get("detector") or {}).items() if "_target_" in node]
    if not names:
        raise UserError("no detector chosen: add detector=[spectral] (any YAML in configs/detector)")
    for node in (cfg.recipe, *(cfg.detector[name] for name in names)):
        instantiate(node)  # what cannot be built is told before any work
    for name in names:
        for cutoff in cutoffs(cfg):
            yield name, cutoff


def cutoffs(cfg: DictConfig) -> list[Window]:
    """The windows after which training stops."""
    protocol = cast(Temporal, instantiate(cfg.protocol))
    return [w for w in protocol.windows if cfg.cutoff in (None, w.name)] or _no_cutoff(cfg.cutoff, protocol)


def _no_cutoff(name: str, protocol: Temporal) -> list[Window]:
    raise UserError(f"unknown cutoff '{name}'; Allowed: {', '.join(w.name for w in protocol.windows)}")


def trained(cfg: DictConfig, corpus: Corpus, name: str, cutoff: Window, folder: Path) -> Checkpoint:
    """The checkpoint of one detector at one cutoff, from the store if it lies there."""
    node = cfg.detector[name]
    protocol = cast(Temporal, instantiate(cfg.protocol))
    recipe = cast(Recipe, instantiate(cfg.recipe))
    windows = protocol.seen(cutoff)
    inputs = {
        "corpus": corpus.digest,
        "detector": OmegaConf.to_container(node, resolve=True),
        "windows": windows,
        "matched": corpus.windows_digest,
        "labels": cfg.labels,
        "recipe": vars(recipe),
        "seed": cfg.seed,
    }
    stage = Stage.open(Path(cfg.store), "checkpoint", f"{name}-{cutoff.name}", inputs)
    if stage.done:
        return Checkpoint(stage.folder)
    rows = Rows.choose(corpus, windows, cfg.labels == "shuffled", cfg.seed)
    detector = instantiated(node, cfg.seed)
    cache = Path(cfg.store) / "features"
    with _logged(cfg, folder, f"{name}-{cutoff.name}", detector) as trainer:
        fit(detector, rows, recipe, cfg.seed, stage.folder, cache, trainer)
    record: dict[str, Any] = {
        "detector": name,
        "corpus_digest": corpus.digest,
        "trained_up_to": cutoff.name,
        "newest_release_allowed": cutoff.end,
        "generators": sorted(set(corpus.column("generator")[rows.train[corpus.column("label")[rows.train] == 1]])),
        "pictures": {"train": len(rows.train), "val": len(rows.val)},
        "threshold": threshold(detector, rows, cache, stage.folder.name),
        "labels": cfg.labels,
        "seed": cfg.seed,
        "environment": environment(),
    }
    checkpoint = save(stage.folder, detector, OmegaConf.to_yaml(node, resolve=True), record)
    stage.finish()
    return checkpoint


@contextmanager
def _logged(cfg: DictConfig, folder: Path, name: str, detector: Detector) -> Iterator[Callable[..., pl.Trainer]]:
    """What makes the trainer, its logger included; a detector with a closed form needs neither."""
    if isinstance(detector, FeatureDetector):
        yield instantiate(cfg.trainer)
    else:
        with logger(cfg, folder, name) as made:
            yield partial(instantiate(cfg.trainer), logger=made)


def instantiated(node: DictConfig, seed: int) -> Detector:
    """The detector that a node describes, its fresh weights decided by the seed."""
    pl.seed_everything(seed, verbose=False)
    return cast(Detector, instantiate(node))
