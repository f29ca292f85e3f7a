"""`redqueen corpus quality FOLDER` from the command line, on a corpus of noise and a backbone from a local file."""

import json

import pytest
import safetensors.torch
import timm
import torch

import stand_ins
from redqueen.cli import main

BACKBONE = ["backbone=timm", "backbone.model=test_vit.r160_in1k", "comparison.least=10", "draws=20"]


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    torch.manual_seed(0)
    file = tmp_path_factory.mktemp("weights") / "model.safetensors"
    safetensors.torch.save_file(timm.create_model("test_vit").state_dict(), file)
    return file


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return stand_ins.corpus(tmp_path / "here", stand_ins.Pictures(photos=50, others=2, generated=15))


def test_writes_figures_into_the_card_and_shows_them(corpus, weights, capfd):
    (corpus.folder / "README.md").write_text("# A corpus\n")
    digest = corpus.digest
    assert main(["corpus", "quality", str(corpus.folder), *BACKBONE, f"backbone.weights={weights}"]) == 0
    card = json.loads((corpus.folder / "card.json").read_text())
    assert card["digest"] == digest
    ((backbone, found),) = card["quality"].items()
    assert found["backbone_digest"] == backbone
    assert (found["backbone"], found["draws"], found["matched"]) == ("test_vit.r160_in1k", 20, False)
    assert set(found["generators"]) == {"generator-2026-01", "generator-2026-02"}
    for one in found["generators"].values():
        assert one["pictures"] == 15
        assert one["kid"]["low"] < one["kid"]["value"] < one["kid"]["high"]
        assert one["cmmd"]["low"] < one["cmmd"]["value"] < one["cmmd"]["high"]
    shown = capfd.readouterr().err
    assert "generator-2026-01" in shown
    assert "test_vit.r160_in1k" in (corpus.folder / "README.md").read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "corpus has no value yet: add corpus=…"),
        (["nowhere"], "no corpus at nowhere (card.json is missing)"),
        (["here/corpus", "backbone=timm"], "backbone.model has no value yet"),
        (["here/corpus", "backbone=tim"], "unknown backbone 'tim'; did you mean 'timm'?"),
        (["here/corpus", "comparison.least=1"], "must be 2 <= least <= most"),
        (
            ["here/corpus", "backbone=clip_vitb16"],
            "copy its config.json, preprocessor_config.json and model.safetensors",
        ),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(words, message, corpus, capfd):
    assert main(["corpus", "quality", *words]) == 2
    told = capfd.readouterr().err
    assert message in told
    assert told.count("\n") == 1
