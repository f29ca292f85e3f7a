"""`redqueen generate`: render pictures with each chosen generator."""

import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from redqueen.console import say
from redqueen.corpus.schema import Source
from redqueen.errors import UserError
from redqueen.files import Stage
from redqueen.generation import pins, pipelines
from redqueen.generation.modes import conditional
from redqueen.generation.prompts import PromptSet
from redqueen.generation.render import Job, missing, render
from redqueen.generation.rendering import Rendering
from redqueen.generation.shards import device_of, shard_of
from redqueen.generation.subjects import Photographs, Prompted, Subjects, Unconditional
from redqueen.types import Generator


def run(cfg: DictConfig, folder: Path) -> int:  # noqa: ARG001  (every task has this signature)
    """Render this process's shard and say where the pictures lie."""
    if not cfg.get("generator"):
        raise UserError("no generator chosen: add generator=[lineage-1] (any YAML in configs/generator)")
    shard = shard_of(cfg.render.shard if "shard" in cfg.render else "auto", os.environ)
    for name in cfg.generator:
        pictures, left = _rendered(cfg, str(name))
        rest = f" (shard {shard} is done; {left} pictures of other shards are missing)" if left else ""
        say(f"{name}: {pictures}{rest}")
    return 0


def rendered(cfg: DictConfig) -> Mapping[str, Path]:
    """Generator name -> folder of its pictures, from the store as far as they lie there.

    Raises:
        UserError: this process renders one shard of many, and the others are not done.
    """
    folders = {}
    for name in cfg.get("generator") or {}:
        folders[str(name)], left = _rendered(cfg, str(name))
        if left:
            raise UserError(
                f"{left} pictures of {name} are missing: wait for the other shards of `redqueen generate`, "
                "or render all of them here with render.shard=1/1"
            )
    return folders


def _rendered(cfg: DictConfig, name: str) -> tuple[Path, int]:
    """The folder of a generator's pictures, and how many are missing after this process's shard was rendered."""
    generator = cast(Generator, instantiate(cfg.generator[name], _convert_="all"))
    rendering = cast(Rendering, instantiate(cfg.render))
    shard, device, sign = shard_of(rendering.shard, os.environ), device_of(os.environ), rendering.signer()
    weights = pipelines.resolve(generator, pins.read(Path(rendering.lock)))
    subjects, shown = _subjects(cfg, generator, rendering)
    inputs = {
        "generator": asdict(generator),
        "rendering": rendering.identity(generator, device),
        "seed": cfg.seed,
        "revision": [weights.revision, weights.parts],
        "subjects": shown,
        "signed": sign and sign.fingerprint(),
    }
    stage = Stage.open(Path(cfg.store), "generated", name, inputs)
    if stage.done:
        return stage.folder, 0
    job = Job(generator, subjects, rendering.batch_of(generator), cfg.seed, rendering.licence)
    if not render(job, stage.folder, rendering.painter(weights, device), shard, sign):
        return stage.folder, missing(job, stage.folder)
    stage.finish()
    return stage.folder, 0


def _subjects(cfg: DictConfig, generator: Generator, rendering: Rendering) -> tuple[Subjects, Any]:
    """What the pictures show, and what that depends on."""
    made_of: dict[str, Any] = {}
    prompts = None
    if rendering.mode != "reconstruction" and conditional(generator):
        if not cfg.get("prompts"):
            raise UserError(f"generator '{generator.name}' needs prompts: add prompts=grammar")
        chosen = cast(PromptSet, instantiate(cfg.prompts))
        prompts = chosen.prompts(-(-rendering.n // rendering.per_prompt), cfg.seed)
        made_of["prompts"] = chosen.fingerprint()
    if rendering.mode == "text":
        return (Prompted(rendering.n, prompts) if prompts else Unconditional(rendering.n)), made_of
    source = cast(Source, instantiate(cfg.source))
    made_of["source"] = [source.fingerprint(), OmegaConf.to_container(cfg.source, resolve=True)]
    return Photographs(source, rendering.n, cfg.seed, rendering.among, prompts), made_of
