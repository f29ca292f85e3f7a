"""`redqueen train`: each chosen detector at each cutoff of the protocol."""

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytorch_lightning as pl
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning.loggers import Logger

from redqueen.console import say
from redqueen.corpus.store import Corpus
from redqueen.detectors import digests
from redqueen.detectors.base import Detector
from redqueen.environment import environment
from redqueen.errors import UserError
from redqueen.evaluation.protocols import Temporal
from redqueen.files import Stage
from redqueen.report.training import Validation
from redqueen.tasks.corpus import build
from redqueen.tasks.logs import log_training, logger
from redqueen.tasks.trainer import trainer
from redqueen.training.aligned import Examples
from redqueen.training.checkpoint import Checkpoint, save
from redqueen.training.data import Loading
from redqueen.training.fit import Machine, by_descent, calibrated, fit, validation_logits
from redqueen.training.recipe import Recipe
from redqueen.training.rows import Rows
from redqueen.training.strategies.lesson import Lesson
from redqueen.training.strategies.strategy import Strategy
from redqueen.types import Window

_TRAINER = ("precision", "gradient_clip_val", "gradient_clip_algorithm", "accumulate_grad_batches")


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
    for node in (cfg.recipe, cfg.loading, cfg.strategy, cfg.examples, *(cfg.detector[name] for name in names)):
        instantiate(node)  # what cannot be built is told before any work
    trainer(cfg)
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
    recipe = cast(Recipe, instantiate(cfg.recipe))
    examples = cast(Examples, instantiate(cfg.examples, _convert_="all"))
    lesson = _lesson(cfg, corpus, name, cutoff, folder)
    detector = instantiated(node, cfg.seed)
    inputs = {
        "corpus": corpus.digest,
        "detector": OmegaConf.to_container(node, resolve=True),
        "weights": digests.of_weights(detector),  # of files that the settings name by their place
        "windows": lesson.windows,
        "matched": corpus.windows_digest,
        "labels": cfg.labels,
        "recipe": vars(recipe),
        "seed": cfg.seed,
        **lesson.inputs,
        **examples.identity,
        **_precision(cfg),
    }
    stage = Stage.open(Path(cfg.store), "checkpoint", f"{name}-{cutoff.name}", inputs)
    if stage.done:
        return Checkpoint(stage.folder)
    learned = examples(corpus, Path(cfg.store) / "reconstructions")
    replayed = lesson.replayed(learned)
    rows = Rows.choose(learned, lesson.windows, cfg.labels == "shuffled", cfg.seed, replayed)
    detector = lesson.begin(detector, corpus)
    cache, begun = Path(cfg.store) / "features", time.monotonic()
    with logger(cfg, folder, f"{name}-{cutoff.name}") as made:
        steps = fit(detector, rows, recipe, cfg.seed, stage.folder, cache, _machine(cfg, made, detector))
        shown = steps * recipe.batch_size if steps else len(rows.train)
        record: dict[str, Any] = {
            "detector": name,
            "corpus_digest": corpus.digest,
            "trained_up_to": cutoff.name,
            "newest_release_allowed": cutoff.end,
            **lesson.record(learned, rows.train, replayed),
            **examples.identity,
            # seconds of this process alone
            "cost": {"steps": steps, "pictures": shown, "seconds": round(time.monotonic() - begun, 3)},
            "pictures": {"train": len(rows.train), "val": len(rows.val)},
            **calibrated(detector, rows, cache, _identity(stage, detector)),
            "labels": cfg.labels,
            "seed": cfg.seed,
            "environment": environment(),
        }
        checkpoint = save(stage.folder, detector, OmegaConf.to_yaml(node, resolve=True), record)
        stage.finish()
        scores = validation_logits(detector, rows, cache, _identity(stage, detector))
        found = Validation.of(rows, scores, record["threshold"])
        log_training(made, found, checkpoint, folder, f"{name}-{cutoff.name}")
    return checkpoint


def _identity(stage: Stage, detector: Detector) -> str:
    """What the detector's logits are cached under: its settings and its weights."""
    return f"{stage.folder.name}-{digests.of_weights(detector)}"


def _precision(cfg: DictConfig) -> dict[str, Any]:
    """The settings of the trainer that change the weights, as far as they are not at Lightning's defaults."""
    found = {name: cfg.trainer.get(name) for name in _TRAINER}
    return {"trainer": known} if (known := {name: value for name, value in found.items() if value is not None}) else {}


def _lesson(cfg: DictConfig, corpus: Corpus, name: str, cutoff: Window, folder: Path) -> Lesson:
    """What the strategy makes of a cutoff; the checkpoint that it starts from is trained first."""
    protocol, strategy = cast(Temporal, instantiate(cfg.protocol)), cast(Strategy, instantiate(cfg.strategy))
    seen = protocol.seen(cutoff)
    start = strategy.start(seen)
    before = next((window for window in protocol.windows if window.name == start), None)
    earlier = trained(cfg, corpus, name, before, folder) if before else None
    return Lesson(strategy, seen, earlier, cfg.seed)


def _machine(cfg: DictConfig, made: Logger, detector: Detector) -> Machine | None:
    """What the detector is trained on; None for one that needs nothing of the kind."""
    if not by_descent(detector):
        return None
    return Machine(partial(trainer(cfg), logger=made), cast(Loading, instantiate(cfg.loading)))


def instantiated(node: DictConfig, seed: int) -> Detector:
    """The detector that a node describes, its fresh weights decided by the seed."""
    pl.seed_everything(seed, verbose=False)
    return cast(Detector, instantiate(node))
