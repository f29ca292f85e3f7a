"""`redqueen evaluate`: from prediction tables to one result JSON per detector."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from pydantic import TypeAdapter

from redqueen.console import say
from redqueen.corpus.store import Corpus
from redqueen.detectors.pretrained import pretraining
from redqueen.environment import environment
from redqueen.evaluation import predict as predictions
from redqueen.evaluation.evaluate import Evaluation, Scored
from redqueen.evaluation.leaks import pretraining_limit
from redqueen.evaluation.measured import Facts, Slicing, measured
from redqueen.evaluation.protocols import Protocol
from redqueen.evaluation.quality import distances
from redqueen.files import digest_file, digest_of, write_json
from redqueen.report.reported import print_beside
from redqueen.tasks.corpus import build
from redqueen.tasks.predict import predicted, suite_of
from redqueen.tasks.train import cutoffs, jobs, trained
from redqueen.training.augment import Untouched
from redqueen.training.checkpoint import Checkpoint
from redqueen.types import Cost, Reported, Result, Window

ARTEFACTS = "artefacts.json"


def run(cfg: DictConfig, folder: Path) -> int:
    """Evaluate, say where the results lie, and what others reported."""
    _, found = results(cfg, folder)
    say(f"results: {folder / 'results'}")
    print_beside(found)
    return 0


def results(cfg: DictConfig, folder: Path) -> tuple[Corpus, list[Result]]:
    """The corpus, and one result per detector, written to `folder/results`, in the order of the settings."""
    work = list(jobs(cfg))
    corpus = build(cfg)
    made = {}
    for name, cutoff in work:
        made[name, cutoff] = trained(cfg, corpus, name, cutoff, folder)
        say(f"{name} up to {cutoff.name}: trained")
    paths = predicted(cfg, corpus, made)
    evaluation = Evaluation(corpus, cast(Protocol, instantiate(cfg.protocol)), cfg.draws, cfg.corpus_seed)
    done: dict[str, dict[Window, tuple[Checkpoint, Path]]] = {}
    for (name, cutoff), path in paths.items():
        done.setdefault(name, {})[cutoff] = (made[name, cutoff], path)
    found = [_result(cfg, corpus, evaluation, name, own) for name, own in done.items()]
    for result in found:
        write_json(folder / "results" / f"{result.detector}.json", asdict(result))
    write_json(folder / ARTEFACTS, _artefacts(cfg, corpus, done))
    seconds = {name: {w.name: own[w][0].record["cost"]["seconds"] for w in own} for name, own in done.items()}
    write_json(folder / "cost.json", {"seconds": seconds})
    return corpus, found


def _artefacts(
    cfg: DictConfig, corpus: Corpus, done: Mapping[str, Mapping[Window, tuple[Checkpoint, Path]]]
) -> dict[str, Any]:
    """Where what the results rest on lies: paths from the folder that the run was started in."""
    detectors = {
        name: {
            cutoff.name: {"checkpoint": str(checkpoint.folder), "predictions": str(path)}
            for cutoff, (checkpoint, path) in own.items()
        }
        for name, own in done.items()
    }
    return {"store": str(cfg.store), "corpus": str(corpus.folder), "detectors": detectors}


def _result(
    cfg: DictConfig, corpus: Corpus, evaluation: Evaluation, name: str, made: Mapping[Window, tuple[Checkpoint, Path]]
) -> Result:
    suite = suite_of(cfg)
    styles = cast(dict[str, list[str]], OmegaConf.to_container(cfg.styles))
    scored = []
    for cutoff in cutoffs(cfg):
        checkpoint, path = made[cutoff]
        table, _ = predictions.read(path, corpus.digest)
        fixed = checkpoint.record
        scored.append(Scored.of(cutoff, table, evaluation.ids, fixed["threshold"], suite.views, fixed["temperature"]))
    facts = Facts(
        detector=name,
        control=_is_control(cfg.detector[name]),
        suite=suite.label,
        corpus=str(corpus.card["name"]),
        corpus_digest=corpus.digest,
        predictions_digest=digest_of([digest_file(path) for _, path in made.values()]),
        labels=cfg.labels,
        seed=cfg.seed,
        biased=corpus.audit.biased,
        limits=(*cfg.limits, *_seen_before(cfg.detector[name], evaluation.protocol)),
        cost=tuple(_cost(cutoff, made[cutoff][0]) for cutoff in cutoffs(cfg)),
        strategy=instantiate(cfg.strategy).label,
        examples=instantiate(cfg.examples, _convert_="all").label,
        augment=_augment(cfg),
        reported=_reported(cfg, name),
        environment=environment(),
    )
    return measured(evaluation, scored, facts, Slicing(styles, distances(corpus.card)))[0]


def _augment(cfg: DictConfig) -> str:
    """What happened to training pictures, such as the views that they met and the one that was left out."""
    found = instantiate(cfg.recipe).augment
    return "none" if found == Untouched() else repr(found)


def _cost(cutoff: Window, checkpoint: Checkpoint) -> Cost:
    cost = checkpoint.record["cost"]
    return Cost(cutoff.name, cost["steps"], cost["pictures"])


def _seen_before(node: DictConfig, protocol: Protocol) -> tuple[str, ...]:
    """What must be said of weights that were pretrained on pictures of windows that count as new."""
    plain = cast(dict[str, Any], OmegaConf.to_container(node, resolve=True))
    limit = pretraining_limit(pretraining(plain), protocol)
    return (limit,) if limit else ()


def _reported(cfg: DictConfig, detector: str) -> tuple[Reported, ...]:
    """What was published about this detector."""
    found = TypeAdapter(tuple[Reported, ...]).validate_python(OmegaConf.to_container(cfg.reported, resolve=True))
    return tuple(one for one in found if one.detector == detector)


def _is_control(node: DictConfig) -> bool:
    from hydra.utils import get_class  # noqa: PLC0415

    return bool(cast(Any, get_class(node._target_)).control)


def read(path: Path) -> Result:
    """A result from its JSON, strictly: an unknown, missing or ill-typed key is an error."""
    return TypeAdapter(Result).validate_json(path.read_bytes())
