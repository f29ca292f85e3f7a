"""The whole job on two untrained generators, through the command line."""

import json
import os
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from PIL import Image

from redqueen.corpus.store import Corpus
from redqueen.tasks import evaluate
from redqueen.types import Result

pytestmark = pytest.mark.slow

DETECTORS = ("spectral", "metadata_probe", "constant", "npr")
WORDS = [
    f"detector=[{','.join(DETECTORS)}]",
    "detector.spectral.size=64",
    "detector.npr.size=64",
    "detector.npr.train_size=32",
    "detector.npr.depths=[1,1]",
    "detector.npr.width=8",
    "recipe.steps=2",
    "recipe.batch_size=4",
]


@pytest.fixture(scope="module")
def tracked(tmp_path_factory):
    """One finished run: its world."""
    from conftest import make_world

    return make_world(tmp_path_factory.mktemp("track"))


def in_folder(world, task, *words):
    before = Path.cwd()
    os.chdir(world.folder)
    try:
        return world.run(task, *WORDS, *words)
    finally:
        os.chdir(before)


def results(world, name="track"):
    return {path.stem: path for path in sorted((world.folder / "runs" / name / "results").glob("*.json"))}
