"""Tiny stand-ins for what is heavy: a corpus of noise and stripes, detectors built from their YAMLs, a generator."""

import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from hydra.utils import instantiate
from numpy.typing import NDArray
from omegaconf import DictConfig, OmegaConf
from PIL import Image

import tiny_backbones
import tiny_diffusion
from redqueen.corpus.build import Plan, finish, treat
from redqueen.corpus.normalise import Normalise
from redqueen.corpus.schema import SourcePicture
from redqueen.corpus.store import Corpus
from redqueen.detectors.base import Detector
from redqueen.files import configs, digest_of, write_json
from redqueen.generation.lineage import Recipe, build_unet, make_pipeline
from redqueen.types import Window

SIDE = 32
WINDOWS = (Window("2026-01", "2026-01", "2026-01"), Window("2026-02", "2026-02", "2026-02"))
SHARES = {"train": 0.5, "val": 0.2, "test": 0.3}

FINETUNED = {"_target_": "redqueen.detectors.timm_finetune.untrained", "model": "test_efficientnet"}

# Settings that make a detector small. One that is not named here is tested with its defaults.
TINY: dict[str, dict[str, Any]] = {
    "spectral": {"size": SIDE},
    "npr": {"size": SIDE, "train_size": SIDE, "depths": [1, 1], "width": 8},
    "lite0_probe": {"crop": SIDE, "resize": 64},
    "rine": {"width": 256, "projections": 1},
    "rine_clip_b16": {"width": 256, "projections": 1},
    "rine_lite0": {"width": 16, "crop": 64},
    "community_forensics": {"model": "test_vit", "size": SIDE, "resize": 36, "weights": None, "frozen": False},
    "ensemble": {
        "members": {"spectral": {"size": SIDE}, "dct": {"size": SIDE, "cells": 8}, "lite0_probe": {"crop": SIDE}}
    },
    "cnndetection": {"size": SIDE, "depths": [1, 1, 1, 1], "width": 8, "blur": 0.1, "compression": 0.1},
    "dct": {"size": SIDE, "cells": 8},
    "freqnet": {"size": SIDE, "train_size": SIDE, "depths": [1, 1], "width": 8},
    "lite0_finetune": {"crop": SIDE, "backbone": FINETUNED},
    "safe": {"size": SIDE, "depths": [1, 1], "width": 8},
    "timm_finetune": {"crop": SIDE, "backbone": FINETUNED},
    "aide": {"size": SIDE, "depths": [1, 1, 1, 1], "width": 8},
    "drct": {"crop": SIDE, "embedding": 16, "backbone": FINETUNED},
    "dire": {"size": SIDE, "steps": 2, "width": 8},
    "lgrad": {"size": SIDE, "crop": 28, "depths": [1, 1, 1, 1], "width": 8},
    "patchcraft": {"patch": 8, "grid": 4, "width": 8, "depths": [1, 1], "limit": 0.5},
    "ssp": {"patch": 16, "size": SIDE, "depths": [1, 1, 1, 1], "width": 8},
}


def names(group: str) -> list[str]:
    """Every YAML of a group of settings."""
    return sorted(path.stem for path in (configs() / group).glob("*.yaml"))


def lineage() -> list[str]:
    """The generators that are trained here."""
    return [name for name in names("generator") if name.startswith("lineage-")]


def node(name: str) -> DictConfig:
    """The node of a detector, made small."""
    whole = OmegaConf.load(configs() / "detector" / f"{name}.yaml")
    return OmegaConf.merge(whole, tiny_backbones.overrides(whole), tiny_diffusion.overrides(whole), TINY.get(name, {}))


def detector(name: str, seed: int = 0) -> Detector:
    """A small detector whose fresh weights the seed decides; a head of zeros gets random weights."""
    torch.manual_seed(seed)
    made: Detector = instantiate(node(name), _convert_="object")
    for head in (module for module in made.modules() if isinstance(module, torch.nn.Linear)):
        if not head.weight.any():
            torch.nn.init.normal_(head.weight, std=head.in_features**-0.5)
    return made


def human_pixels(number: int, side: int = SIDE) -> NDArray[np.uint8]:
    """Noise: (side, side, 3) uint8."""
    return np.random.default_rng([1, number]).integers(0, 256, (side, side, 3), dtype=np.uint8)


def generated_pixels(number: int, side: int = SIDE) -> NDArray[np.uint8]:
    """Noise of half the size, up-sampled by repetition, as a careless generator would."""
    small = np.random.default_rng([2, number]).integers(0, 256, (side // 2, side // 2, 3), dtype=np.uint8)
    return small.repeat(2, axis=0).repeat(2, axis=1)


def png(pixels: NDArray[np.uint8]) -> bytes:
    """The picture as PNG."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


class Pictures:
    """A source of noise (photographs, collages, drawings) and of up-sampled noise by a generator a month."""

    name = "stand-in"

    def __init__(
        self,
        photos: int = 20,
        others: int = 8,
        generated: int = 20,
        seed: int = 0,
        released: Sequence[str] = ("2026-01", "2026-02"),
    ) -> None:
        self.counts, self.seed, self.released = (photos, others, generated), seed, released

    def fingerprint(self) -> str:
        return digest_of([self.counts, self.seed, self.released])

    def pictures(self) -> Iterator[SourcePicture]:
        photos, others, generated = self.counts
        for kind, count in {"photo": photos, "collage": others, "drawing": others}.items():
            for number in range(count):
                yield self._picture(kind, number, human_pixels, offset={"photo": 0, "collage": 1, "drawing": 2}[kind])
        for month in self.released:
            for number in range(generated):
                yield self._picture("generated", number, generated_pixels, int(month[-1]), month)

    def _picture(
        self, kind: Any, number: int, draw: Callable[[int], Any], offset: int, month: str | None = None
    ) -> SourcePicture:
        key = self.seed * 10**6 + offset * 10**4 + number
        return SourcePicture(
            name=f"{kind}-{month}-{number}",
            read=lambda: png(draw(key)),
            kind=kind,
            group_id=f"{kind}/{month}/{number}",
            source="stand-in",
            licence="CC0-1.0",
            generator=month and f"generator-{month}",
            released=month,
        )


def corpus(folder: Path, source: Any = None, windows: Sequence[Window] = WINDOWS) -> Corpus:
    """A finished corpus of 32-pixel pictures."""
    treat(source or Pictures(), Normalise(size=SIDE), folder / "treated", strict=True)
    return finish(folder / "treated", folder / "corpus", Plan("stand-in", SHARES, windows))


RECIPE = Recipe(channels=(8, 16), pictures=64, batch_size=4, sampling_steps=2)


def generator_weights(folder: Path, side: int = SIDE, seed: int = 0, recipe: Recipe = RECIPE, **record: Any) -> Path:
    """An untrained generator in diffusers' layout."""
    torch.manual_seed(seed)
    make_pipeline(build_unet(side, recipe.channels), recipe).save_pretrained(folder, safe_serialization=True)
    if record:
        write_json(folder / "record.json", record)
    return folder
