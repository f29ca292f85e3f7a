"""Training a generation of the lineage through the command line, and going on from it."""

import json

import pytest

import stand_ins
from redqueen.generation import lineage, pipelines

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")]

WORDS = ["source.crops=10", "output=lineage", "trainer=cpu"]


def short(name, pictures=16):
    node = f"generator.{name}.recipe"
    channels = f"{node}.channels=[8,16]"
    return [f"generator=[{name}]", f"name={name}", channels, f"{node}.pictures={pictures}", f"{node}.batch_size=4"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    from redqueen.cli import main

    folder = tmp_path_factory.mktemp("lineage")

    def start(*words):
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            patch.setattr(lineage, "STEPS_AN_EPOCH", 2)
            return main(["fit_generator", *WORDS, *words])

    start.folder = folder
    return start


def test_every_generation_trains_records_itself_and_renders(run):
    for name in stand_ins.lineage():
        assert run(*short(name)) == 0, name
        folder = run.folder / "lineage" / name
        record = json.loads((folder / "record.json").read_text())
        assert record["generator"] == name
        assert record["steps"] == 4
        assert record["recipe"]["channels"] == [8, 16]
        assert record["training_groups"]
        assert all(group.startswith("wheels/") for group in record["training_groups"])
        pipeline = pipelines.load(str(folder), "cpu")
        assert pipeline(batch_size=1, num_inference_steps=2).images[0].size == (64, 64)


def test_the_same_training_gives_the_same_weights(run):
    folder = run.folder / "lineage" / "lineage-1"
    before = pipelines.fingerprint(str(folder))
    assert run(*short("lineage-1"), "store=runs/another") == 0
    assert pipelines.fingerprint(str(folder)) == before


def test_it_learns_from_the_training_side_of_training_photographs(run):
    from redqueen.corpus.store import Corpus
    from redqueen.tasks.fit_generator import fit_rows

    (folder,) = (run.folder / "runs" / "store" / "corpus").iterdir()
    corpus = Corpus.open(folder)
    for row in fit_rows(corpus):
        assert corpus.column("split")[row] == "train"
        assert json.loads(corpus.column("provenance")[row])["region"] == "fit"
    assert len(fit_rows(corpus)) == 7 * len(set(corpus.column("group_id")[fit_rows(corpus)]))
