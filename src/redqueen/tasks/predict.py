"""`redqueen predict`: every test picture under every view, by all trained detectors in one pass."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from redqueen.console import say
from redqueen.corpus.store import Corpus
from redqueen.detectors.base import Detector, FeatureDetector
from redqueen.detectors.inference import Judge, Pictures, fill
from redqueen.errors import UserError
from redqueen.evaluation import predict as predictions
from redqueen.files import Stage, configs, digest_of
from redqueen.perturbations.suite import Suite
from redqueen.tasks.corpus import build
from redqueen.tasks.train import Job, instantiated, jobs, trained
from redqueen.training.checkpoint import Checkpoint

Made = Mapping[Job, Checkpoint]


def run(cfg: DictConfig, folder: Path) -> int:
    """Predict and say where the tables lie."""
    work = list(jobs(cfg))
    corpus = build(cfg)
    made = {job: trained(cfg, corpus, *job, folder) for job in work}
    for (name, cutoff), path in predicted(cfg, corpus, made).items():
        say(f"{name} up to {cutoff.name}: {path}")
    return 0


def predicted(cfg: DictConfig, corpus: Corpus, made: Made) -> dict[Job, Path]:
    """The prediction table of each checkpoint; what the store does not hold is predicted in one pass."""
    suite = suite_of(cfg)
    inputs = {job: _inputs(cfg, corpus, checkpoint, suite) for job, checkpoint in made.items()}
    stages = {
        job: Stage.open(
            Path(cfg.store), "predictions", f"{job[0]}-{job[1].name}", inputs[job] | {"views": suite.digest}
        )
        for job in made
    }
    todo = {job: made[job] for job, stage in stages.items() if not stage.done}
    pictures = Pictures.of_split(corpus, "test", suite, Path(cfg.store) / "features", cfg.predict_in)
    fill(_distinct(cfg, corpus, todo), pictures, cfg.predictors)
    for job, checkpoint in todo.items():
        path = stages[job].folder / predictions.FILE
        found = predictions.tables(_judge(cfg, corpus, job, checkpoint), pictures, checkpoint.record["temperature"])
        predictions.write(path, found, {**inputs[job], "detector": job[0], "trained_up_to": job[1].name})
        stages[job].finish()
    return {job: stage.folder / predictions.FILE for job, stage in stages.items()}


def suite_of(cfg: DictConfig) -> Suite:
    """The suite of the settings.

    Raises:
        UserError: it has the name and version of one of this package, under which results are compared, and is another.
    """
    suite = cast(Suite, instantiate(cfg.suite))
    path = configs() / "suite" / f"{suite.name}.yaml"
    ours = cast(Suite, instantiate(OmegaConf.load(path))) if path.is_file() else suite
    if ours.label == suite.label and ours.digest != suite.digest:
        raise UserError(
            f"suite {suite.label} is frozen, and these settings change it; name the new one: suite.name=NAME"
        )
    return suite


def _inputs(cfg: DictConfig, corpus: Corpus, checkpoint: Checkpoint, suite: Suite) -> dict[str, Any]:
    """What a table depends on."""
    reduced = {} if cfg.predict_in == "float32" else {"precision": cfg.predict_in}
    return reduced | {
        "corpus_digest": corpus.digest,
        "checkpoint": checkpoint.digest,
        "suite": suite.label,
        "version": predictions.VERSION,
    }


def _distinct(cfg: DictConfig, corpus: Corpus, todo: Made) -> list[Judge]:
    """Judges that compute something of their own: of many heads on the same features the first."""
    found: dict[str, Judge] = {}
    for job, checkpoint in todo.items():
        known = found.get(job[0])
        if known is None or not isinstance(known.detector, FeatureDetector):
            judge = _judge(cfg, corpus, job, checkpoint)
            found[job[0] if isinstance(judge.detector, FeatureDetector) else judge.identity] = judge
    return list(found.values())


def _judge(cfg: DictConfig, corpus: Corpus, job: Job, checkpoint: Checkpoint) -> Judge:
    """The trained detector; all cutoffs of one share what `prepare` makes."""
    node = OmegaConf.to_yaml(cfg.detector[job[0]], resolve=True)
    detector: Detector = instantiated(cfg.detector[job[0]], cfg.seed)
    return Judge(checkpoint.restore(detector, corpus.digest, node), checkpoint.digest, digest_of(node))
