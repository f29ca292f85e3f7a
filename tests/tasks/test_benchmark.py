"""`redqueen benchmark RUN`: what a finished run was measured against, without its pictures."""

import json
import shutil

import pytest

from redqueen.evaluation.benchmark import Benchmark
from redqueen.tasks.evaluate import read

pytestmark = [pytest.mark.slow]


@pytest.fixture(scope="module")
def run(world):
    """A finished run."""
    assert world.run("track", "detector=[metadata_probe,constant]") == 0
    return world.folder / "runs" / "track"


def called(world, monkeypatch, *words):
    """The exit code of `redqueen benchmark` in the world's folder."""
    from redqueen.cli import main

    monkeypatch.chdir(world.folder)
    return main(["benchmark", *words])


def test_it_says_what_the_run_was_measured_against(world, run, monkeypatch, capsys):
    assert called(world, monkeypatch, "runs/track", "output=benchmark") == 0
    made = Benchmark.open(world.folder / "benchmark")
    assert made.digest in capsys.readouterr().err
    result = read(run / "results" / "constant.json")
    assert (made.card.corpus_digest, made.card.protocol) == (result.corpus_digest, result.protocol)
    assert made.card.windows == result.windows
    assert list(made.card.cutoffs) == list(result.thresholds)
    assert made.card.views == ("clean", "jpeg50")
    assert called(world, monkeypatch, "runs/track", "output=benchmark") == 0  # again: the same
    assert Benchmark.open(world.folder / "benchmark").digest == made.digest
    assert called(world, monkeypatch, "runs/track", "output=benchmark", "version=2") == 2
    assert "holds another benchmark" in capsys.readouterr().err


def test_no_finished_run(world, run, monkeypatch, capsys):
    assert called(world, monkeypatch, "runs/nothing", "output=other") == 2
    assert "no finished run" in capsys.readouterr().err
    moved = world.folder / "runs" / "moved"
    shutil.copytree(run, moved)
    artefacts = json.loads((moved / "artefacts.json").read_text())
    (moved / "artefacts.json").write_text(json.dumps(artefacts | {"corpus": "elsewhere/corpus"}))
    assert called(world, monkeypatch, "runs/moved", "output=other") == 2
    assert "no corpus at elsewhere/corpus; call this from the folder the run was started in" in capsys.readouterr().err
    assert not (world.folder / "other").exists()
