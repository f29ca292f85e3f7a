"""The corpus of a configuration: built once for each source, treatment and plan, then taken from the store."""

import errno
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from redqueen.corpus.build import Plan, finish, treat
from redqueen.corpus.match import Match
from redqueen.corpus.normalise import Treatment
from redqueen.corpus.schema import SCHEMA_VERSION, Source
from redqueen.corpus.sources.chain import Chain
from redqueen.corpus.sources.imagefolder import ImageFolder
from redqueen.corpus.store import Corpus
from redqueen.errors import UserError
from redqueen.evaluation import leaks
from redqueen.evaluation.protocols import Protocol
from redqueen.files import Stage
from redqueen.types import Split, Window


def build(cfg: DictConfig) -> Corpus:
    """The corpus of the source, of the baselines made of it, and of what the chosen generators render."""
    source = cast(Source, instantiate(cfg.baseline)(instantiate(cfg.source)))
    protocol = cast(Protocol, instantiate(cfg.protocol))
    corpus = _built(cfg, source, protocol.windows)
    leaks.check(protocol, corpus)
    return corpus


def _built(cfg: DictConfig, source: Source, windows: Sequence[Window]) -> Corpus:
    if not cfg.get("generator"):
        return assemble(cfg, source, windows)
    from redqueen.generation import pipelines  # noqa: PLC0415  (700 MB that a corpus of finished pictures can do without)
    from redqueen.tasks.generate import rendered  # noqa: PLC0415

    folders = rendered(cfg)
    label = f"{source.name}-{len(folders)}-generators"  # not the run's: runs of any name share the corpus
    chain = Chain(label, [source, *(ImageFolder(str(path), name) for name, path in folders.items())])
    corpus = assemble(cfg, chain, windows)
    for node in cfg.generator.values():
        _check_training(node.name, pipelines.record(node.weights).get("training_groups", []), corpus)
    return corpus


def assemble(cfg: DictConfig, source: Source, windows: Sequence[Window]) -> Corpus:
    """Treat, split, match and audit a source, or take the corpus from the store."""
    treatment = cast(Treatment, instantiate(cfg.normalise))
    how = {"treatment": {"name": type(treatment).__name__, **vars(treatment)}, "strict": bool(cfg.strict)}
    fingerprint = source.fingerprint()
    inputs: dict[str, Any] = {
        "source": fingerprint,
        "settings": OmegaConf.to_container(cfg.source, resolve=True),
        "schema": SCHEMA_VERSION,
        **how,
    }
    treated = Stage.open(Path(cfg.store), "treated", source.name, inputs)
    with _room(treated.folder):
        if not treated.done:
            treat(source, treatment, treated.folder, cfg.strict, cfg.get("workers") or os.cpu_count() or 1)
            treated.finish()
    made_of = {"source": {"name": source.name, "fingerprint": fingerprint}, **how}
    return _finished(cfg, treated.folder, _plan(cfg, source.name, windows, made_of), inputs)


def _plan(cfg: DictConfig, name: str, windows: Sequence[Window], made_of: Mapping[str, Any]) -> Plan:
    shares = cast(dict[Split, float], OmegaConf.to_container(cfg.shares))
    match = instantiate(cfg.match, _convert_="all") if "match" in cfg else Match()
    return Plan(name, shares, windows, cfg.corpus_seed, match, made_of)


def _finished(cfg: DictConfig, treated: Path, plan: Plan, inputs: Mapping[str, Any]) -> Corpus:
    planned = {"shares": plan.shares, "windows": [window.facts() for window in plan.windows], "seed": plan.seed}
    stage = Stage.open(Path(cfg.store), "corpus", plan.name, {**inputs, **planned, "match": asdict(plan.match)})
    if stage.done:
        return Corpus.open(stage.folder)
    with _room(stage.folder):
        corpus = finish(treated, stage.folder, plan)
        stage.finish()
    return corpus


@contextmanager
def _room(folder: Path) -> Iterator[None]:
    """Say what to do where the disk is full."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        told = f"{error.strerror}: free some; nothing is lost, and the same command goes on where it stopped"
        raise OSError(error.errno, told, str(folder)) from None


def _check_training(generator: str, groups: Sequence[str], corpus: Corpus) -> None:
    """A generator must not have learned from photographs that detectors are tested on."""
    split = dict(zip(corpus.column("group_id"), corpus.column("split"), strict=True))
    leaked = [group for group in groups if split.get(group, "train") != "train"]
    if leaked:
        raise UserError(
            f"generator '{generator}' learned from {', '.join(leaked)}, which this corpus tests on: "
            "keep corpus_seed and shares as they were when it was trained, or train it again"
        )
