"""Tiny pipelines of many classes, rendered for real: a picture depends on its seed and its prompt alone."""

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import tiny_pipelines
from redqueen.corpus.schema import SourcePicture
from redqueen.generation import pipelines
from redqueen.generation.calls import alone
from redqueen.generation.modes import conditional
from redqueen.generation.prompts import Prompt
from redqueen.generation.render import Job, render
from redqueen.generation.rendering import Rendering
from redqueen.generation.shards import Shard
from redqueen.generation.subjects import Photographs, Prompted, Unconditional
from redqueen.types import Generator

pytestmark = pytest.mark.filterwarnings(r"ignore::Warning:diffusers\..*")  # its parts deprecate each other

# On this CPU two batch sizes give the same bytes, but for a rounding of the last bit of a float in a few of a thousand
# values, by one grey level; a batch of the same pictures always gives the same bytes.
LEVEL, SHARE = 1, 0.003
FAST = ("DDPMPipeline", "FluxPipeline", "CogView4Pipeline")
TEXTS = (
    "a crowd in front of a building",
    "a street",
    "two people at a table, rain outside",
    "an empty square",
    "a boat",
)

PROMPTS = [Prompt(f"p-{number}", text, "protest") for number, text in enumerate(TEXTS)]
EVERY = [name if name in FAST else pytest.param(name, marks=pytest.mark.slow) for name in tiny_pipelines.TINY]

every = pytest.mark.parametrize("name", EVERY)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """Name of a class -> its entry, its weights saved once."""
    made = {}

    def entry(name):
        if name not in made:
            made[name] = tiny_pipelines.save(name, tmp_path_factory.mktemp(name))
        call = dict(tiny_pipelines.TINY[name].call)
        known = Generator(name.lower(), "2026-01", "tiny", "tests", "XX", "made up", "CC0-1.0", call=call)
        return replace(known, pipeline=name, weights=str(made[name]), resolution=tiny_pipelines.SIDE)

    return entry


def rendered(generator, folder, batch_size, shards=1, subjects=None, **settings):
    if subjects is None:
        subjects = Prompted(5, PROMPTS) if conditional(generator) else Unconditional(5)
    weights = pipelines.resolve(generator, {})
    begin = Rendering(n=5, **settings).painter(weights, "cpu")
    job = Job(generator, subjects, batch_size)
    done = [render(job, folder, begin, Shard(index + 1, shards)) for index in range(shards)]
    assert done == [False] * (shards - 1) + [True]
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def pictures(folder):
    return [np.asarray(Image.open(path)).astype(int) for path in sorted((folder / "images").iterdir())]


@every
def test_a_picture_is_the_same_in_every_batch_and_shard(name, tiny, tmp_path):
    generator = tiny(name)
    four = rendered(generator, tmp_path / "four", 4)
    assert rendered(generator, tmp_path / "shards", 4, shards=2) == four
    ones = rendered(generator, tmp_path / "one", 1)
    assert rendered(generator, tmp_path / "ones", 1, shards=2) == ones
    for one, other in zip(pictures(tmp_path / "one"), pictures(tmp_path / "four"), strict=True):
        assert np.abs(one - other).max() <= LEVEL
        assert (one != other).mean() <= SHARE
    if alone(pipelines.class_named(name)):
        assert ones == four


@every
def test_every_picture_is_another(name, tiny, tmp_path):
    rendered(tiny(name), tmp_path, 4)
    found = pictures(tmp_path)
    assert {picture.shape for picture in found} == {(tiny_pipelines.SIDE, tiny_pipelines.SIDE, 3)}
    assert all(picture.std() > 1 for picture in found)
    different = [np.abs(one - other).mean() for at, one in enumerate(found) for other in found[:at]]
    assert min(different) > 1


@every
def test_provenance_names_what_made_it(name, tiny, tmp_path):
    generator = tiny(name)
    rendered(generator, tmp_path, 4)
    with (tmp_path / "metadata.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for number, row in enumerate(rows):
        told = json.loads(row["provenance"])
        assert (told["pipeline"], told["mode"], told["dtype"]) == (name, "text", "float32")
        assert told["revision"] == pipelines.fingerprint(generator.weights)
        assert told["steps"] == 2
        assert told["scheduler"].endswith("Scheduler")
        assert str(told["seed"]) == row["seed"]
        if conditional(generator):
            assert (row["prompt_id"], row["prompt"], row["topic"]) == (f"p-{number}", TEXTS[number], "protest")
            assert told["prompt_id"] == f"p-{number}"
            assert row["linked"] == f"prompt/p-{number}"


def png(pixels):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


class Photos:
    """A source of three photographs of odd sizes."""

    name = "photos"

    def fingerprint(self):
        return "photos"

    def pictures(self):
        for number, (height, width) in enumerate(((45, 37), (32, 64), (33, 31))):
            pixels = np.random.default_rng(number).integers(0, 256, (height, width, 3), dtype=np.uint8)
            data = png(pixels)
            yield SourcePicture(
                f"photo-{number}", lambda data=data: data, "photo", f"photos/{number}", "tests", "CC-BY-4.0"
            )


@every
def test_a_photograph_goes_through_its_autoencoder(name, tiny, tmp_path):
    generator = tiny(name)
    photographs = Photographs(Photos(), 3, seed=0)
    if name == "DDPMPipeline":
        with pytest.raises(pipelines.UserError, match="'ddpmpipeline' has no autoencoder"):
            rendered(generator, tmp_path, 4, subjects=photographs, mode="reconstruction")
        return
    four = rendered(generator, tmp_path / "four", 4, subjects=photographs, mode="reconstruction")
    assert rendered(generator, tmp_path / "one", 1, 2, subjects=photographs, mode="reconstruction") == four
    assert [picture.shape for picture in pictures(tmp_path / "one")] == [(45, 37, 3), (32, 64, 3), (33, 31, 3)]
