"""Small random parts of diffusion models, in diffusers' layout, for detectors that look through one."""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig

from redqueen.generation.autoencoder import Recipe, build, save

RECIPE = Recipe(channels=(16, 16), crop=16)


def overrides(node: DictConfig) -> dict[str, Any]:
    """Settings that give a detector a small autoencoder; none for one that needs none."""
    return {"autoencoders": [str(autoencoder())], "crop": 32} if "autoencoders" in node else {}


@cache
def autoencoder(seed: int = 0) -> Path:
    """A random autoencoder of factor 2, with a code of 4 channels."""
    folder = Path(tempfile.mkdtemp(prefix="tiny-autoencoder-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    torch.manual_seed(seed)
    save(build(RECIPE), folder)
    return folder
