"""What a re-run is given by `redqueen verify`: the benchmark's suite, the declared precision, a seed of the bundle."""

from pathlib import Path

import pytest
from hydra import initialize_config_dir

from leaderboard import world as worlds
from redqueen.cli import main
from redqueen.errors import UserError
from redqueen.files import configs
from redqueen.leaderboard import manifest, rerun
from redqueen.leaderboard.findings import Check
from redqueen.leaderboard.schema import HARDWARE
from redqueen.tasks import verify


@pytest.fixture
def world(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return worlds.make(tmp_path / "made")


@pytest.mark.parametrize(
    ("declared", "precision"),
    [("32-true", "float32"), ("bf16-mixed", "bfloat16"), ("16-mixed", "float16"), ("?", "float32")],
)
def test_a_rerun_gets_what_the_bundle_declares(declared, precision, world, monkeypatch, capfd):
    given = []

    def check(folder, benchmark, corpus, suite, scores, sample):
        given.append((corpus, suite.label, scores.table.num_rows, sample))
        return [Check("run.scores", "passed", "all of them")]

    monkeypatch.setattr(rerun, "check", check)
    monkeypatch.setattr(verify.Corpus, "open", lambda folder: folder)
    worlds.edit(world.bundle, HARDWARE, lambda said: said.update(precision=declared))
    words = ["verify", str(world.bundle), "--benchmark", "made/benchmark", "--corpus", "pictures", "--salt", "word"]
    assert main(words) == 0
    assert capfd.readouterr().out.startswith("Accepted: re-run; ")
    ((corpus, suite, rows, sample),) = given
    assert (corpus, suite, rows, sample.precision) == (Path("pictures"), worlds.SUITE, 496, precision)
    assert sample.seed == rerun.drawn_by(manifest.read(world.bundle).root, "word")


def test_an_unknown_suite_is_named():
    with (
        initialize_config_dir(str(configs()), version_base="1.3"),
        pytest.raises(UserError, match="unknown suite 'x-v1'"),
    ):
        verify.suite_of("x-v1")
