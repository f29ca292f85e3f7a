"""`redqueen generate`: render pictures with each chosen generator."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import cast

from hydra.utils import instantiate
from omegaconf import DictConfig

from redqueen.console import say
from redqueen.errors import UserError
from redqueen.files import Stage
from redqueen.generation import pipelines
from redqueen.generation.render import Job, render
from redqueen.types import Generator


def run(cfg: DictConfig, folder: Path) -> int:  # noqa: ARG001  (every task has this signature)
    """Render and say where the pictures lie."""
    if not cfg.get("generator"):
        raise UserError("no generator chosen: add generator=[lineage-1] (any YAML in configs/generator)")
    for name, pictures in rendered(cfg).items():
        say(f"{name}: {pictures}")
    return 0


def rendered(cfg: DictConfig) -> Mapping[str, Path]:
    """Generator name -> folder of its pictures, from the store as far as they lie there."""
    folders = {}
    for name, node in (cfg.get("generator") or {}).items():
        generator = cast(Generator, instantiate(node, _convert_="all"))
        job = Job(
            generator=generator,
            seed=cfg.seed,
            **cfg.render,
        )
        inputs = {**asdict(job), "revision": pipelines.fingerprint(job.weights)}
        stage = Stage.open(Path(cfg.store), "generated", str(name), inputs)
        if not stage.done:
            render(job, stage.folder)
            stage.finish()
        folders[str(name)] = stage.folder
    return folders
