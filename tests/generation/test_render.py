"""Rendering with an untrained generator: a seed a picture, resumable, declared as AI-made, readable by the corpus."""

import csv
import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import stand_ins
from redqueen.corpus.build import Plan, finish, treat
from redqueen.corpus.normalise import Normalise
from redqueen.corpus.sources.imagefolder import ImageFolder
from redqueen.errors import UserError
from redqueen.generation import pipelines
from redqueen.generation.render import COLUMNS, Job, render
from redqueen.types import Generator

TINY = Generator("tiny-1", "2026-01", "tiny", "tests", "XX", "made up", "CC0-1.0", call={"num_inference_steps": 2})


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return str(stand_ins.generator_weights(tmp_path_factory.mktemp("weights")))


@pytest.fixture(scope="module")
def job(weights):
    return Job(replace(TINY, weights=weights), n=7, batch_size=3)


@pytest.fixture(scope="module")
def rendered(job, tmp_path_factory):
    return render(job, tmp_path_factory.mktemp("rendered"), device="cpu")


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_every_picture_is_another(rendered, job):
    pictures = [np.asarray(Image.open(rendered / job.name_of(n))) for n in range(7)]
    assert {p.shape for p in pictures} == {(32, 32, 3)}
    assert len({p.tobytes() for p in pictures}) == 7


def test_seeds_depend_on_generator_seed_and_number(job):
    other = replace(job, seed=1), replace(job, generator=replace(TINY, name="tiny-2"))
    seeds = [one.seed_of(number) for one in (job, *other) for number in range(100)]
    assert len(set(seeds)) == 300
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_same_job_same_bytes(rendered, job, tmp_path):
    assert contents(render(job, tmp_path, device="cpu")) == contents(rendered)


@pytest.mark.parametrize("deleted", [[0], [4], [1, 6], [0, 1, 2, 3, 4, 5, 6]])
def test_resumed_rendering_gives_the_same_bytes(deleted, rendered, job, tmp_path):
    render(job, tmp_path, device="cpu")
    (tmp_path / "metadata.csv").unlink()
    for number in deleted:
        (tmp_path / job.name_of(number)).unlink()
    assert contents(render(job, tmp_path, device="cpu")) == contents(rendered)


def test_what_is_there_is_not_rendered_again(rendered, job, monkeypatch):
    monkeypatch.setattr(pipelines, "load", lambda *_: pytest.fail("the pipeline was loaded"))
    render(job, rendered, device="cpu")


def test_metadata_names_every_picture(rendered, job):
    with (rendered / "metadata.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == list(COLUMNS)
    assert [row["file_name"] for row in rows] == [job.name_of(n) for n in range(7)]
    assert [int(row["seed"]) for row in rows] == [job.seed_of(n) for n in range(7)]
    assert {(row["kind"], row["generator"], row["released"]) for row in rows} == {("generated", "tiny-1", "2026-01")}
    assert len({row["group_id"] for row in rows}) == 7


def test_the_imagefolder_source_reads_it(rendered, job):
    pictures = list(ImageFolder(str(rendered), "tiny-1").pictures())
    assert len(pictures) == 7
    assert {(p.kind, p.generator, p.released, p.licence) for p in pictures} == {
        ("generated", "tiny-1", "2026-01", "CC0-1.0")
    }
    assert sorted(p.read() for p in pictures) == sorted((rendered / job.name_of(n)).read_bytes() for n in range(7))


def test_pictures_declare_themselves_until_treatment_strips_it(rendered, job, weights):
    data = (rendered / job.name_of(0)).read_bytes()
    picture = Image.open(io.BytesIO(data))
    picture.load()
    assert "trainedAlgorithmicMedia" in picture.info["XML:com.adobe.xmp"]
    assert picture.text["redqueen:generator"] == "tiny-1"
    assert picture.text["redqueen:seed"] == str(job.seed_of(0))
    assert picture.text["redqueen:revision"] == pipelines.fingerprint(weights)
    treated = Normalise(size=32)(data).data
    assert b"trainedAlgorithmicMedia" not in treated
    assert b"redqueen" not in treated


def test_a_corpus_holds_them_as_generated(rendered, tmp_path):
    treat(ImageFolder(str(rendered), "tiny-1"), Normalise(size=32), tmp_path / "treated", strict=True)
    corpus = finish(tmp_path / "treated", tmp_path / "corpus", Plan("tiny", stand_ins.SHARES, stand_ins.WINDOWS))
    assert set(corpus.column("label")) == {1}
    assert set(corpus.column("generator")) == {"tiny-1"}


def test_a_generator_without_a_pipeline_cannot_render(tmp_path):
    with pytest.raises(UserError, match="'tiny-1' has no pipeline: it is known from its pictures alone"):
        render(Job(TINY, n=1), tmp_path / "out")


def test_missing_weights_are_named(tmp_path):
    with pytest.raises(UserError, match=r"no pipeline at .*nowhere \(model_index.json is missing\)"):
        render(Job(replace(TINY, weights=str(tmp_path / "nowhere")), n=1), tmp_path / "out")
    with pytest.raises(UserError, match=r"weights 'package:lineage/none': no pipeline at .*redqueen"):
        pipelines.locate("package:lineage/none")
