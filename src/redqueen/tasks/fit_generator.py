"""`redqueen fit_generator`: train one generation of the lineage on photographs of the training split."""

import json
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np
import pytorch_lightning as pl
from diffusers import UNet2DModel
from hydra.utils import instantiate
from omegaconf import DictConfig

from redqueen import resumable
from redqueen.console import say
from redqueen.corpus.store import Corpus
from redqueen.errors import UserError
from redqueen.files import Stage, digest_file, write_json
from redqueen.generation.lineage import STEPS_AN_EPOCH, Denoising, Generation, Recipe, build_unet, loader, save_half
from redqueen.tasks.corpus import assemble
from redqueen.tasks.logs import logger
from redqueen.tasks.trainer import numerics, trainer


def run(cfg: DictConfig, folder: Path) -> int:
    """Build the corpus, train, save the pipeline and the record of how it was made."""
    chosen = cfg.get("generator") or {}
    if len(chosen) != 1:
        raise UserError(f"one generation at a time: generator=[lineage-1], got {len(chosen)}")
    (name, node), *_ = chosen.items()
    corpus = assemble(cfg, instantiate(cfg.source), windows=())
    recipe = cast(Generation, instantiate(node, _convert_="all")).recipe
    output = Path(cfg.output) / str(name)
    start = Path(cfg.output) / recipe.start_from if recipe.start_from else None
    inputs = {
        "recipe": repr(recipe),
        "corpus": corpus.digest,
        "seed": cfg.seed,
        "start": start and _weights_of(start),
    } | numerics(cfg)
    stage = Stage.open(Path(cfg.store), "fit_generator", str(name), inputs)
    pictures = [corpus.pixels(row) for row in fit_rows(corpus)]
    pl.seed_everything(cfg.seed, verbose=False)
    unet = build_unet(cfg.normalise.size, recipe.channels)
    if start:
        unet.load_state_dict(UNet2DModel.from_pretrained(start, subfolder="unet", low_cpu_mem_usage=False).state_dict())
    module = Denoising(unet, recipe, cfg.seed)
    batches = loader(pictures, recipe, cfg.seed)
    with logger(cfg, folder, str(name)) as made:
        maker = partial(trainer(cfg), logger=made)
        resumable.fit(maker, module, batches, stage.folder, recipe.steps, STEPS_AN_EPOCH)
    save_half(module.pipeline(), output)
    write_json(output / "record.json", _record(str(name), corpus, recipe, cfg.seed))
    stage.finish()
    say(f"{name}: {output}")
    return 0


def fit_rows(corpus: Corpus, region: str = "fit") -> list[int]:
    """Rows of photographs of the training split that lie in one region ("fit" or "held-out") of their photograph."""
    kind, split = corpus.column("kind"), corpus.column("split")
    where = np.asarray([json.loads(text).get("region") for text in corpus.column("provenance")])
    return [int(row) for row in np.flatnonzero((kind == "photo") & (split == "train") & (where == region))]


def _weights_of(folder: Path) -> str:
    return digest_file(folder / "unet" / "diffusion_pytorch_model.safetensors")


def _record(name: str, corpus: Corpus, recipe: Recipe, seed: int) -> dict[str, object]:
    groups = sorted({corpus.column("group_id")[row] for row in fit_rows(corpus)})
    return {
        "generator": name,
        "recipe": {key: list(value) if key == "channels" else value for key, value in vars(recipe).items()},
        "steps": recipe.steps,
        "seed": seed,
        "corpus_digest": corpus.digest,
        "training_groups": groups,
        "training_pictures": len(fit_rows(corpus)),
    }
