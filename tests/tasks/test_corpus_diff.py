"""`redqueen corpus diff`: what changed, on the terminal and as JSON."""

import json

import pytest

import stand_ins
from redqueen.cli import main


@pytest.fixture(scope="module")
def corpora(tmp_path_factory):
    folders = [tmp_path_factory.mktemp(name) for name in ("before", "after")]
    sources = stand_ins.Pictures(), stand_ins.Pictures(photos=22)
    return [str(stand_ins.corpus(*pair).folder) for pair in zip(folders, sources, strict=True)]


def test_differences(corpora, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    assert main(["corpus", "diff", *corpora]) == 0
    told = capfd.readouterr().err
    found = json.loads((tmp_path / "runs" / "corpus_diff" / "diff.json").read_text())
    assert (found["same"], found["added"], found["removed"], found["shared"]) == (False, 2, 0, 76)
    assert "76 rows in both, 2 added, 0 removed" in told
    assert "kind.photo: 20 became 22" in told


def test_no_difference(corpora, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    assert main(["corpus", "diff", corpora[0], corpora[0]]) == 0
    assert capfd.readouterr().err.startswith("no difference: both have digest")


@pytest.mark.parametrize("words", [["here"], ["nowhere", "nowhere"]])
def test_bad_input_is_one_line(tmp_path, monkeypatch, capfd, words):
    monkeypatch.chdir(tmp_path)
    assert main(["corpus", "diff", *words]) == 2
    assert len(capfd.readouterr().err.splitlines()) == 1
