"""The whole job on two untrained generators, through the command line."""

import json
import time

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image
from pydantic import ValidationError

from redqueen.corpus.store import Corpus
from redqueen.tasks import evaluate
from redqueen.types import Result

pytestmark = [pytest.mark.slow]

DETECTORS = ("spectral", "metadata_probe", "constant", "npr")
MONTHS = ("2026-01", "2026-02")
WORDS = [
    f"detector=[{','.join(DETECTORS)}]",
    "detector.spectral.size=64",
    "detector.npr.size=64",
    "detector.npr.train_size=32",
    "detector.npr.depths=[1,1]",
    "detector.npr.width=8",
    "recipe.steps=2",
    "recipe.batch_size=4",
    "recipe.steps_a_block=1",
]


def results(world, name="track"):
    """The written results by detector."""
    folder = world.folder / "runs" / name / "results"
    return {path.stem: evaluate.read(path) for path in sorted(folder.glob("*.json"))}


@pytest.fixture(scope="module")
def track(world):
    """A finished run."""
    assert world.run("track", *WORDS) == 0
    return world.folder / "runs" / "track"


def test_every_detector_has_a_strict_result(track, world):
    found = results(world)
    assert sorted(found) == sorted(DETECTORS)
    for name, result in found.items():
        assert isinstance(result, Result)
        assert result.detector == name
        assert result.control == (name in ("metadata_probe", "constant"))
        assert [window.name for window in result.windows] == list(MONTHS)
        assert len(result.cells) == 2 * 2 * 2  # cutoffs, windows, views
        assert sorted(result.thresholds) == list(MONTHS)
        assert (result.labels, result.protocol, result.suite) == ("true", "lineage-v1", "basic-v1")
        values = [cell.auroc.value for cell in result.cells]
        assert all(value is not None and 0 <= value <= 1 for value in values)
        if name == "constant":
            assert set(values) == {0.5}


def test_untrained_generators_are_easily_told(track, world):
    """Their pictures are noise: whoever cannot tell them from photographs is broken."""
    assert all(cell.auroc.value > 0.9 for cell in results(world)["spectral"].cells if cell.view == "clean")


def test_results_are_read_strictly(track, tmp_path):
    text = (track / "results" / "npr.json").read_text()
    for change in ({"surprise": 1}, {"seed": "zero"}, {"labels": "false"}):
        (tmp_path / "r.json").write_text(json.dumps(json.loads(text) | change))
        with pytest.raises(ValidationError):
            evaluate.read(tmp_path / "r.json")
    (tmp_path / "r.json").write_text(json.dumps({k: v for k, v in json.loads(text).items() if k != "cells"}))
    with pytest.raises(ValidationError):
        evaluate.read(tmp_path / "r.json")


def test_report_and_figures_are_there(track):
    page = (track / "report.html").read_text()
    assert all(name in page for name in DETECTORS)
    for name in ("half-life", "heatmap-clean", "timeline-clean", "views", "reliability"):
        with Image.open(track / "figures" / f"{name}.png") as picture:
            picture.verify()
    assert (track / "config.yaml").is_file()
    assert json.loads((track / "environment.json").read_text())["torch"]


def test_checkpoints_and_predictions_say_what_they_were_made_from(track, world):
    (corpus_folder,) = (world.folder / "runs" / "store" / "corpus").iterdir()
    corpus = Corpus.open(corpus_folder)
    records = {
        path.parent.name: json.loads(path.read_text())
        for path in (world.folder / "runs" / "store" / "checkpoint").glob("*/record.json")
    }
    assert len(records) == len(DETECTORS) * 2
    for record in records.values():
        assert record["corpus_digest"] == corpus.digest
        seen = {"2026-01": ["tiny-1"], "2026-02": ["tiny-1", "tiny-2"]}[record["trained_up_to"]]
        assert record["generators"] == seen
        assert record["newest_release_allowed"] == record["trained_up_to"]
    tables = list((world.folder / "runs" / "store" / "predictions").glob("*/predictions.parquet"))
    assert len(tables) == len(DETECTORS) * 2
    test = set(corpus.column("image_id")[corpus.column("split") == "test"])
    for path in tables:
        assert json.loads(pq.read_schema(path).metadata[b"redqueen"])["corpus_digest"] == corpus.digest
        assert set(pq.read_table(path)["image_id"].to_pylist()) == test


def test_the_same_command_again_retrains_nothing_and_gives_the_same_bytes(track, world):
    def artefacts():
        files = [*(track / "results").iterdir(), track / "report.html", *(track / "figures").iterdir()]
        return {path.name: path.read_bytes() for path in files}

    kinds = ("treated", "generated", "corpus", "checkpoint", "features", "predictions")
    before, stages = artefacts(), {kind: world.stages(kind) for kind in kinds}
    assert all(stages.values())
    start = time.monotonic()
    assert world.run("track", *WORDS) == 0
    assert time.monotonic() - start < 60
    assert {kind: world.stages(kind) for kind in kinds} == stages
    assert artefacts() == before


def test_another_store_gives_the_same_results(track, world):
    """Nothing depends on what was cached, on the folder, or on the clock."""
    assert world.run("evaluate", *WORDS, "name=fresh", "store=runs/other") == 0
    assert results(world, "fresh") == results(world)


def test_report_is_made_again(track, world):
    (track / "report.html").unlink()
    assert world.run("report", *WORDS, "name=track") == 0
    assert (track / "report.html").is_file()


@pytest.mark.parametrize(
    ("task", "kind"), [("corpus build", "corpus"), ("train", "checkpoint"), ("predict", "predictions")]
)
def test_each_stage_finds_what_is_done(track, world, task, kind, capfd):
    before = world.stages(kind)
    assert world.run(task, *WORDS) == 0
    assert world.stages(kind) == before
    assert "runs/store" in capfd.readouterr().err


def test_one_cutoff_alone(track, world):
    assert world.run("evaluate", *WORDS, "name=early", "cutoff=2026-01") == 0
    found = results(world, "early")["npr"]
    assert {cell.trained_up_to for cell in found.cells} == {"2026-01"}
    assert [c for c in results(world)["npr"].cells if c.trained_up_to == "2026-01"] == list(found.cells)


def test_shuffled_labels_train_something_else(track, world):
    assert world.run("evaluate", *WORDS, "name=shuffled", "labels=shuffled") == 0
    true, shuffled = results(world), results(world, "shuffled")
    assert {result.labels for result in shuffled.values()} == {"shuffled"}
    assert shuffled["spectral"].corpus_digest == true["spectral"].corpus_digest
    mean = {name: np.mean([c.auroc.value for c in found["spectral"].cells]) for name, found in
            (("true", true), ("shuffled", shuffled))}  # fmt: skip
    assert mean["shuffled"] < mean["true"]


def test_a_generator_that_saw_test_photographs_is_refused(track, world, capfd):
    """Its record names the groups it learned from."""
    record = world.folder / "weights-1" / "record.json"
    record.write_text(json.dumps({"training_groups": ["wheels/cat", "wheels/coffee", "wheels/coins", "wheels/camera",
                                                      "wheels/rocket", "wheels/retina", "wheels/flower"]}))  # fmt: skip
    try:
        assert world.run("corpus build", *WORDS) == 2
    finally:
        record.unlink()
    assert "generator 'tiny-1' learned from wheels/" in capfd.readouterr().err


@pytest.mark.filterwarnings("ignore::Warning:wandb.*")
def test_wandb_offline_logs_the_run(track, world, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "offline")
    words = [word for word in WORDS if "spectral" not in word]
    assert world.run("train", "detector=[npr]", *words, "name=logged", "logger=wandb", "seed=5", "cutoff=2026-01") == 0
    assert list((world.folder / "runs" / "logged").rglob("*.wandb"))
