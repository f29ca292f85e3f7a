"""`redqueen fit_autoencoder`: train a small autoencoder on the photographs of a corpus's training split."""

from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytorch_lightning as pl
from hydra.utils import instantiate
from numpy.typing import NDArray
from omegaconf import DictConfig

from redqueen import resumable
from redqueen.console import say, track
from redqueen.corpus.store import Corpus
from redqueen.environment import environment
from redqueen.errors import UserError
from redqueen.files import Stage, write_json
from redqueen.generation.autoencoder import STEPS_AN_EPOCH, Recipe, Reconstructing, build, loader, photographs, save
from redqueen.generation.reconstruct import Autoencoder
from redqueen.tasks.corpus import build as build_corpus
from redqueen.tasks.logs import logger
from redqueen.tasks.trainer import numerics, trainer

JUDGED = 64  # photographs of the validation split that its fidelity is measured on


def run(cfg: DictConfig, folder: Path) -> int:
    """Build the corpus, train, save the autoencoder and the record of how it was made."""
    recipe = cast(Recipe, instantiate(cfg.autoencoder, _convert_="all"))
    corpus = build_corpus(cfg)
    rows = photographs(corpus, "train")
    if not len(rows):
        raise UserError(f"corpus {corpus.folder} has no photographs in its training split")
    inputs = {"recipe": asdict(recipe), "corpus": corpus.digest, "seed": cfg.seed, **numerics(cfg)}
    stage = Stage.open(Path(cfg.store), "fit_autoencoder", str(cfg.name), inputs)
    pl.seed_everything(cfg.seed, verbose=False)
    module = Reconstructing(build(recipe), recipe, cfg.seed)
    with logger(cfg, folder, str(cfg.name)) as made:
        maker = partial(trainer(cfg), logger=made)
        batches = loader(corpus, rows, recipe, cfg.seed)
        resumable.fit(maker, module, batches, stage.folder, recipe.steps, STEPS_AN_EPOCH)
    output = Path(cfg.output)
    network = module.network.cpu().eval()
    save(network, output)
    judged = photographs(corpus, "val")[:JUDGED]
    fidelity = {"psnr": psnr(Autoencoder(network, "cpu"), corpus, judged), "pictures": len(judged)}
    write_json(output / "record.json", _record(corpus, rows, recipe, cfg.seed) | {"validation": fidelity})
    stage.finish()
    say(f"autoencoder: {output} (PSNR on {len(judged)} validation photographs: {_shown(fidelity['psnr'])})")
    return 0


def psnr(autoencoder: Autoencoder, corpus: Corpus, rows: NDArray[np.int64]) -> float | None:
    """Mean peak signal-to-noise ratio of the reconstructions of some rows, in dB; None of no rows."""
    errors = []
    for row in track(rows.tolist(), "measuring the autoencoder"):
        pixels = corpus.pixels(row)
        errors.append(float(np.mean((autoencoder(pixels).astype(np.float64) - pixels) ** 2)))
    found = [10 * np.log10(255**2 / max(error, 1e-10)) for error in errors]
    return round(float(np.mean(found)), 3) if found else None


def _shown(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.1f} dB"


def _record(corpus: Corpus, rows: NDArray[np.int64], recipe: Recipe, seed: int) -> dict[str, Any]:
    return {
        "recipe": {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(recipe).items()},
        "steps": recipe.steps,
        "seed": seed,
        "corpus_digest": corpus.digest,
        "training_groups": sorted(set(corpus.column("group_id")[rows].tolist())),
        "training_pictures": len(rows),
        "environment": environment(),
    }
