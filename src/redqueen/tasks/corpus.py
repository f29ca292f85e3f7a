"""The corpus of a configuration: built once for each source, treatment and plan, then taken from the store."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import cast

from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from redqueen.corpus.build import TREATED, Plan, finish, treat
from redqueen.corpus.normalise import Normalise
from redqueen.corpus.schema import Source
from redqueen.corpus.sources.chain import Chain
from redqueen.corpus.sources.imagefolder import ImageFolder
from redqueen.corpus.store import Corpus
from redqueen.errors import UserError
from redqueen.files import Stage
from redqueen.generation import pipelines
from redqueen.tasks.generate import rendered
from redqueen.types import Split, Window


def build(cfg: DictConfig) -> Corpus:
    """The corpus of the source and of what the chosen generators render."""
    source = cast(Source, instantiate(cfg.source))
    folders = rendered(cfg)
    if folders:
        label = f"{source.name}-{len(folders)}-generators"  # not the run's: runs of any name share the corpus
        source = Chain(label, [source, *(ImageFolder(str(path), name) for name, path in folders.items())])
    corpus = assemble(cfg, source, instantiate(cfg.protocol).windows)
    for node in (cfg.get("generator") or {}).values():
        _check_training(node.name, pipelines.record(node.weights).get("training_groups", []), corpus)
    return corpus


def assemble(cfg: DictConfig, source: Source, windows: Sequence[Window]) -> Corpus:
    """Treat, split, match and audit a source, or take the corpus from the store."""
    normalise = cast(Normalise, instantiate(cfg.normalise))
    store = Path(cfg.store)
    made_of = {
        "source": source.fingerprint(),
        "settings": OmegaConf.to_container(cfg.source, resolve=True),
        "normalise": vars(normalise),
    }
    treated = Stage.open(store, "treated", source.name, {**made_of, "strict": cfg.strict, "columns": TREATED.names})
    if not treated.done:
        treat(source, normalise, treated.folder, cfg.strict)
        treated.finish()
    shares = cast(dict[Split, float], OmegaConf.to_container(cfg.shares))
    inputs = {**made_of, "shares": shares, "windows": [asdict(window) for window in windows], "seed": cfg.corpus_seed}
    stage = Stage.open(store, "corpus", source.name, inputs)
    if stage.done:
        return Corpus.open(stage.folder)
    corpus = finish(treated.folder, stage.folder, Plan(source.name, shares, windows, cfg.corpus_seed))
    stage.finish()
    return corpus


def _check_training(generator: str, groups: Sequence[str], corpus: Corpus) -> None:
    """A generator must not have learned from photographs that detectors are tested on."""
    split = dict(zip(corpus.column("group_id"), corpus.column("split"), strict=True))
    leaked = [group for group in groups if split.get(group, "train") != "train"]
    if leaked:
        raise UserError(
            f"generator '{generator}' learned from {', '.join(leaked)}, which this corpus tests on: "
            "keep corpus_seed and shares as they were when it was trained, or train it again"
        )
