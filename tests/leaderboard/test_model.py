"""Weights and settings of a bundle, looked at before anything is built."""

import sys
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import save

import stand_ins
from redqueen.leaderboard.model import check

SPECTRAL = {"_target_": "redqueen.detectors.spectral.Spectral", "size": 32}
PROBE = {
    "_target_": "redqueen.detectors.linear_probe.LinearProbe",
    "backbone": {"_target_": "redqueen.detectors.backbones.efficientnet_lite0"},
}


@pytest.fixture
def outcome(tmp_path):
    """(id, outcome) of every check of a bundle with one model."""

    def run(node=SPECTRAL, weights=None, files=None):
        model = tmp_path / "model" / "2026-01"
        model.mkdir(parents=True)
        held = {
            "detector.yaml": node if isinstance(node, bytes) else yaml.safe_dump(node).encode(),
            "model.safetensors": save({"w": torch.ones(3)}) if weights is None else weights,
            "record.json": b"{}",
        }
        for name, data in (held if files is None else files).items():
            (model / name).write_bytes(data)
        found = check(tmp_path)
        assert all("\n" not in one.message and len(one.message) < 400 for one in found)
        return [(one.id, one.outcome) for one in found]

    return run


def test_without_weights_there_is_nothing_to_run(tmp_path):
    assert [(one.id, one.outcome) for one in check(tmp_path)] == [("model", "skipped")]


@pytest.mark.parametrize("name", [one for one in stand_ins.names("detector") if one != "aeroblade"])
def test_the_settings_of_our_own_detectors_pass_unless_they_load_from_elsewhere(name, outcome):
    text = (Path(stand_ins.configs()) / "detector" / f"{name}.yaml").read_text()
    node = yaml.safe_load(text)
    remote = "hub:" in yaml.safe_dump(node)
    found = outcome(node)
    if "defaults" in node:
        pytest.skip("composed of other settings")
    assert (("model.remote", "rejected") in found) == remote
    assert remote or found == [("model", "passed")]


@pytest.mark.parametrize(
    ("node", "id"),
    [
        ({"_target_": "os.system", "command": "touch owned"}, "model.target"),
        ({"_target_": "redqueen.detectors.nothing.Spectral"}, "model.target"),
        ({"_target_": "redqueen.detectors.spectral"}, "model.target"),
        ({"_target_": "redqueen.detectors.spectral.os.system"}, "model.target"),
        ({"_target_": "redqueen.detectors.spectral.np.load", "file": "x"}, "model.target"),
        ({"_target_": ["redqueen.detectors.spectral.Spectral"]}, "model.target"),
        ({**SPECTRAL, "size": {"_target_": "builtins.eval", "x": "1"}}, "model.target"),
        ({**SPECTRAL, "size": [{"_target_": "subprocess.run"}]}, "model.target"),
        ({**SPECTRAL, "_partial_": True}, "model.target"),
        ({**SPECTRAL, "_recursive_": False}, "model.target"),
        ({**SPECTRAL, "size": "${oc.env:HOME}"}, "model.target"),
        ([SPECTRAL], "model.target"),
        (b"!!python/object/apply:os.system ['touch owned']", "model.settings"),
        (b"a: &a [*a]", "model.settings"),
        (b"\xff\xfe", "model.settings"),
    ],
    ids=str,
)
def test_settings_that_would_run_anything_else_are_unsafe(node, id, outcome, tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)
    assert outcome(node) == [(id, "unsafe")]
    assert not caplog.records  # nothing of a stranger's goes elsewhere than into the report
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize(
    ("value", "id"),
    [
        ("hub:owner/name@" + "0" * 40, "model.remote"),
        ("hf-hub:owner/name", "model.remote"),
        ("HF-HUB:owner/name", "model.remote"),
        ("https://example.org/w.bin", "model.remote"),
        ("timm/resnet50.a1_in1k", "model.remote"),
        ("/etc/passwd", "model.path"),
        ("~/weights", "model.path"),
        ("../../weights", "model.path"),
        ("..\\weights", "model.path"),
        ("C:\\weights", "model.path"),
        ("weights/other.bin", "model.path"),
        ("package:../../x", "model.path"),
    ],
)
def test_what_loads_from_elsewhere_is_refused(value, id, outcome):
    assert (id, "rejected") in outcome({**PROBE, "backbone": {**PROBE["backbone"], "weights": value}})


def test_weights_are_numbers(outcome):
    assert outcome(weights=save({"w": torch.tensor([1.0, float("nan")])})) == [("model.finite", "rejected")]


def test_a_model_has_three_files(outcome):
    assert outcome(files={"model.safetensors": b""}) == [("model.files", "rejected")]


def test_nothing_is_built(outcome, monkeypatch):
    monkeypatch.setattr("hydra.utils.instantiate", lambda *a, **k: pytest.fail("built"))
    monkeypatch.setattr("redqueen.training.restored.instantiate", lambda *a, **k: pytest.fail("built"))
    assert outcome(PROBE) == [("model", "passed")]
    assert "os.system" not in sys.modules
