"""`redqueen train`: each chosen detector at each cutoff of the protocol."""

import time
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytorch_lightning as pl
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning.loggers import Logger

from redqueen import resumable
from redqueen.console import say
from redqueen.corpus.store import Corpus
from redqueen.detectors import digests
from redqueen.detectors.base import Detector
from redqueen.environment import environment
from redqueen.errors import UserError
from redqueen.evaluation.protocols import Protocol
from redqueen.files import Stage
from redqueen.report.training import Validation
from redqueen.tasks.corpus import build
from redqueen.tasks.logs import log_training, logger
from redqueen.tasks.trainer import numerics, one_process, trainer
from redqueen.training.aligned import Examples
from redqueen.training.checkpoint import Checkpoint, save
from redqueen.training.data import Loading
from redqueen.training.fit import Machine, by_descent, calibrated, fit, validation_logits
from redqueen.training.recipe import Recipe
from redqueen.training.rows import Rows
from redqueen.training.strategies.lesson import Lesson
from redqueen.training.strategies.strategy import Strategy
from redqueen.types import Window

Job = tuple[str, Window]  # a detector by name, and the window that its training ends with


def run(cfg: DictConfig, folder: Path) -> int:
    """Train and say where the checkpoints lie."""
    work = list(jobs(cfg))  # a wrong choice is told before any work
    corpus = build(cfg)
    for name, cutoff in work:
        checkpoint = trained(cfg, corpus, name, cutoff, folder)
        say(f"{name} up to {cutoff.name}: {checkpoint.folder}")
    return 0


def jobs(cfg: DictConfig) -> Iterator[Job]:
    """Every (detector, cutoff): cutoffs are all windows, or the one that `cutoff` names."""
    # an experiment may set options of a detector that the command line then left out: such a node has no _target_
    names = [str(name) for name, node in (cfg.get("detector") or {}).items() if "_target_" in node]
    if not names:
        raise UserError("no detector chosen: add detector=[spectral] (any YAML in configs/detector)")
    for node in (cfg.recipe, cfg.loading, cfg.strategy, cfg.examples, *(cfg.detector[name] for name in names)):
        instantiate(node)  # what cannot be built is told before any work
    one_process(trainer(cfg))
    for name in names:
        for cutoff in cutoffs(cfg):
            yield name, cutoff


def cutoffs(cfg: DictConfig) -> list[Window]:
    """The windows after which training stops."""
    protocol = cast(Protocol, instantiate(cfg.protocol))
    return [w for w in protocol.windows if cfg.cutoff in (None, w.name)] or _no_cutoff(cfg.cutoff, protocol)


def _no_cutoff(name: str, protocol: Protocol) -> list[Window]:
    raise UserError(f"unknown cutoff '{name}'; Allowed: {', '.join(w.name for w in protocol.windows)}")


def trained(cfg: DictConfig, corpus: Corpus, name: str, cutoff: Window, folder: Path) -> Checkpoint:
    """The checkpoint of one detector at one cutoff, from the store if it lies there."""
    examples = cast(Examples, instantiate(cfg.examples, _convert_="all"))
    lesson = _lesson(cfg, corpus, name, cutoff, folder)
    detector = instantiated(cfg.detector[name], cfg.seed)
    inputs = {**_inputs(cfg, corpus, name, detector), "windows": lesson.windows, **lesson.inputs, **examples.identity}
    stage = Stage.open(Path(cfg.store), "checkpoint", f"{name}-{cutoff.name}", inputs)
    if stage.done:
        return Checkpoint(stage.folder)
    learned = examples(corpus, Path(cfg.store) / "reconstructions")
    replayed = lesson.replayed(learned)
    rows = Rows.choose(learned, lesson.windows, cfg.labels == "shuffled", cfg.seed, replayed)
    detector = lesson.begin(detector, corpus)
    facts = {
        "detector": name,
        "corpus": corpus.card["name"],
        "corpus_digest": corpus.digest,
        "treatment": corpus.card["made_of"].get("treatment"),  # what `redqueen detect` does to a picture
        "trained_up_to": cutoff.name,
        "newest_release_allowed": cutoff.end,
        **lesson.record(learned, rows.train, replayed),
        **examples.identity,
        "labels": cfg.labels,
        "seed": cfg.seed,
    }
    with logger(cfg, folder, f"{name}-{cutoff.name}") as made:
        checkpoint, found = _fitted(cfg, detector, rows, stage, (made, facts))
        log_training(made, found, checkpoint, folder, f"{name}-{cutoff.name}")
    return checkpoint


def _inputs(cfg: DictConfig, corpus: Corpus, name: str, detector: Detector) -> dict[str, Any]:
    """What a checkpoint depends on, whatever the cutoff."""
    return {
        "corpus": corpus.digest,
        "detector": OmegaConf.to_container(cfg.detector[name], resolve=True),
        "weights": digests.of_weights(detector),  # of files that the settings name by their place
        "matched": corpus.windows_digest,
        "labels": cfg.labels,
        "recipe": vars(cast(Recipe, instantiate(cfg.recipe))),
        "seed": cfg.seed,
        **numerics(cfg),
    }


def _fitted(
    cfg: DictConfig, detector: Detector, rows: Rows, stage: Stage, told: tuple[Logger, Mapping[str, Any]]
) -> tuple[Checkpoint, Validation]:
    """Train, calibrate and save; `told` is the logger and what the record says besides."""
    recipe, begun = cast(Recipe, instantiate(cfg.recipe)), time.monotonic()
    cache = Path(cfg.store) / "features"
    steps = fit(detector, rows, recipe, cfg.seed, stage.folder, cache, _machine(cfg, told[0], detector))
    closed_form = not steps and any(parameter.requires_grad for parameter in detector.parameters())
    shown = len(rows.train) if closed_form else steps * recipe.batch_size
    identity = f"{stage.folder.name}-{digests.of_weights(detector)}"  # what its logits are cached under
    record: dict[str, Any] = {
        **told[1],
        # seconds of this process alone
        "cost": {"steps": steps, "pictures": shown, "seconds": round(time.monotonic() - begun, 3)},
        "pictures": {"train": len(rows.train), "val": len(rows.val)},
        **calibrated(detector, rows, cache, identity),
        "environment": environment(),
    }
    checkpoint = save(
        stage.folder, detector, OmegaConf.to_yaml(cfg.detector[told[1]["detector"]], resolve=True), record
    )
    stage.finish()
    resumable.forget(stage.folder)
    scores = validation_logits(detector, rows, cache, identity)
    return checkpoint, Validation.of(rows, scores, record["threshold"])


def _lesson(cfg: DictConfig, corpus: Corpus, name: str, cutoff: Window, folder: Path) -> Lesson:
    """What the strategy makes of a cutoff; the checkpoint that it starts from is trained first."""
    protocol, strategy = cast(Protocol, instantiate(cfg.protocol)), cast(Strategy, instantiate(cfg.strategy))
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
