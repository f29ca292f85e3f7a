"""Checkpoints: whole or absent, and never put together with what they were not made from."""

import dataclasses
import json
import pickle

import pytest
import torch

import stand_ins
from redqueen.errors import DigestError, UserError
from redqueen.training import checkpoint
from redqueen.training.checkpoint import MODEL, Checkpoint

CORPUS, OTHER = "a" * 64, "b" * 64


@pytest.fixture
def saved(tmp_path):
    return checkpoint.save(tmp_path, stand_ins.detector("npr"), "_target_: x\n", {"corpus_digest": CORPUS, "seed": 3})


def test_holds_weights_node_and_record_and_nothing_else(saved):
    assert sorted(path.name for path in saved.folder.iterdir()) == ["detector.yaml", MODEL, "record.json"]
    assert saved.record == {"corpus_digest": CORPUS, "seed": 3, "frozen": saved.record["frozen"]}
    assert json.loads((saved.folder / "record.json").read_text()) == saved.record


def test_another_corpus_is_refused_with_both_digests(saved):
    with pytest.raises(DigestError, match=r"trained on corpus aaaaaaaaaaaa, not on bbbbbbbbbbbb"):
        saved.restore(stand_ins.detector("npr"), OTHER)


@pytest.mark.parametrize("other", ["spectral", "constant", "lite0_probe"])
def test_weights_of_another_detector_are_refused_in_one_line(saved, other):
    with pytest.raises(UserError, match="does not fit") as caught:
        saved.restore(stand_ins.detector(other), CORPUS)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_weights_of_another_size_are_refused(saved):
    wider = stand_ins.node("npr")
    wider.width = 16
    with pytest.raises(UserError, match="does not fit NPR"):
        saved.restore(stand_ins.instantiate(wider, _convert_="object"), CORPUS)


@pytest.mark.parametrize("content", [b"", b"x" * 100, "pickle", "torch"])
def test_a_file_that_is_no_safetensors_is_refused_and_never_unpickled(saved, content):
    class Bomb:
        def __reduce__(self):
            return pytest.fail, ("unpickled",)

    path = saved.folder / MODEL
    if content == "torch":
        torch.save({"weight": torch.zeros(1)}, path)
    else:
        path.write_bytes(pickle.dumps(Bomb()) if content == "pickle" else content)
    with pytest.raises(UserError, match="does not fit") as caught:
        saved.restore(stand_ins.detector("npr"), CORPUS)
    assert ("it is a pickle, which is never loaded" in str(caught.value)) == isinstance(content, str)


NODE = "_target_: redqueen.detectors.npr.NPR\nsize: 64\ndepths: [3, 4]\n"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("_target_: redqueen.detectors.safe.SAFE\nsize: 64\ndepths: [3, 4]\n", "_target_=redqueen.detectors.npr.NPR"),
        ("_target_: redqueen.detectors.npr.NPR\nsize: 32\ndepths: [3, 4]\n", "size=64, and 32 was asked for"),
        ("_target_: redqueen.detectors.npr.NPR\nsize: 64\n", r"depths=\[3, 4\], and None was asked for"),
    ],
)
def test_a_checkpoint_of_another_detector_is_refused(asked, said, tmp_path):
    saved = checkpoint.save(tmp_path, stand_ins.detector("npr"), NODE, {"corpus_digest": CORPUS})
    with pytest.raises(UserError, match=f"is of another detector: it has {said}") as caught:
        saved.restore(stand_ins.detector("npr"), CORPUS, asked)
    assert "\n" not in str(caught.value)
    saved.restore(stand_ins.detector("npr"), CORPUS, NODE)


def test_nested_settings_are_compared_too(tmp_path):
    saved = checkpoint.save(tmp_path, stand_ins.detector("npr"), "a: {b: {c: 1}}\n", {"corpus_digest": CORPUS})
    with pytest.raises(UserError, match=r"it has a\.b\.c=1, and 2 was"):
        saved.restore(stand_ins.detector("npr"), CORPUS, "a: {b: {c: 2}}\n")


@pytest.mark.parametrize("content", [None, "", "{"])
def test_a_folder_without_a_record_is_no_checkpoint(content, saved):
    path = saved.folder / "record.json"
    path.unlink() if content is None else path.write_text(content)
    with pytest.raises(UserError, match=r"no checkpoint at .*redqueen train"):
        saved.restore(stand_ins.detector("npr"), CORPUS)


def test_missing_weights_are_refused(saved):
    (saved.folder / MODEL).unlink()
    with pytest.raises(UserError, match="does not fit"):
        saved.restore(stand_ins.detector("npr"), CORPUS)


def test_digest_depends_on_weights_and_settings_alone(saved, tmp_path):
    def made(name, seed=0, node="_target_: x\n", **record):
        (tmp_path / name).mkdir()
        return checkpoint.save(tmp_path / name, stand_ins.detector("npr", seed), node, record).digest

    assert made("same") == Checkpoint(saved.folder).digest
    assert made("noted", note=1) == saved.digest
    assert made("trained", seed=1) != saved.digest
    assert made("set", node="_target_: y\n") != saved.digest


def test_feature_detectors_keep_their_head_alone(tmp_path):
    saved = checkpoint.save(tmp_path, stand_ins.detector("lite0_probe"), "", {"corpus_digest": CORPUS})
    assert (saved.folder / MODEL).stat().st_size < 10_000


def test_other_frozen_weights_are_told(tmp_path):
    """A file of weights that another one has taken the place of: the settings are the same, the scores would not be."""
    saved = checkpoint.save(tmp_path, stand_ins.detector("lite0_probe"), NODE, {"corpus_digest": CORPUS})
    other = stand_ins.detector("lite0_probe")
    other.backbone = dataclasses.replace(other.backbone, digest="f" * 64)
    with pytest.raises(UserError, match=r"rests on other frozen weights .*put the old file back, or train again"):
        saved.restore(other, CORPUS)
    assert saved.restore(stand_ins.detector("lite0_probe"), CORPUS)
