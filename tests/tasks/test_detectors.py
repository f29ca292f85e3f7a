"""`redqueen detectors`: every YAML, its facts and its size, and nothing is fetched."""

import json

import huggingface_hub
import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf

import stand_ins
from redqueen.cli import main
from redqueen.files import configs
from redqueen.tasks.detectors import entry

pytestmark = [pytest.mark.slow]  # every detector is built in full

CONTROLS = {"constant", "metadata_probe"}  # at least


@pytest.fixture(scope="module")
def listed(tmp_path_factory):
    """What the command printed and wrote; the network is closed, and the Hub must not even be asked."""
    folder = tmp_path_factory.mktemp("listed")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(huggingface_hub, "snapshot_download", lambda *_, **__: pytest.fail("asked the Hub"))
        assert main(["detectors"]) == 0
    return json.loads((folder / "runs" / "detectors" / "detectors.json").read_text())


def test_every_detector_has_a_line_and_controls_come_last(listed):
    names = [one["name"] for one in listed]
    assert sorted(names) == stand_ins.names("detector")
    controls = [one["control"] for one in listed]
    assert controls == sorted(controls)
    assert {one["name"] for one in listed if one["control"]} >= CONTROLS


def test_candidates_name_their_paper_and_everyone_says_what_it_sees(listed):
    for one in listed:
        assert one["input"], one["name"]
        assert one["paper"] or one["control"], one["name"]


def test_what_names_the_hub_needs_it_and_everything_else_is_built_and_counted(listed):
    for one in listed:
        text = (configs() / "detector" / f"{one['name']}.yaml").read_text()
        settings = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
        if "hub:" in settings:
            assert any(need.startswith("Hub: ") for need in one["needs"])
        assert (one["parameters"] is None) == bool(one["needs"])


@pytest.mark.parametrize("name", ["spectral", "npr", "lite0_probe", "constant"])
def test_parameters_are_those_of_the_module(listed, name):
    made = instantiate(OmegaConf.load(configs() / "detector" / f"{name}.yaml"))
    (one,) = (one for one in listed if one["name"] == name)
    assert one["parameters"] == sum(parameter.numel() for parameter in made.parameters())
    assert one["trained"] == sum(parameter.numel() for parameter in made.parameters() if parameter.requires_grad)
    assert 0 < one["trained"] <= one["parameters"]


def test_at_least_twelve_need_nothing_from_the_hub(listed):
    assert sum(not one["needs"] for one in listed) >= 12


def node(**settings):
    return OmegaConf.create({"_target_": "redqueen.detectors.linear_probe.LinearProbe", **settings})


def test_a_setting_that_the_user_must_give_is_named():
    found = entry("mine", node(backbone={"_target_": "redqueen.detectors.backbones.timm_backbone", "model": "resnet18",
                                         "weights": "???"}))  # fmt: skip
    assert found.needs == ("detector.mine.backbone.weights=…",)
    assert found.parameters is None


def test_a_file_that_is_missing_is_told_in_its_own_words(tmp_path):
    found = entry("mine", node(backbone={"_target_": "redqueen.detectors.backbones.timm_backbone", "model": "resnet18",
                                         "weights": str(tmp_path / "nowhere.safetensors")}))  # fmt: skip
    (need,) = found.needs
    assert "no such file or folder" in need


def test_a_detector_of_the_users_own_is_listed(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    own = tmp_path / "mine" / "detector" / "tiny.yaml"
    own.parent.mkdir(parents=True)
    own.write_text("# @package detector.tiny\n_target_: redqueen.detectors.spectral.Spectral\nsize: 8\n")
    assert main(["detectors", "--config-dir", str(tmp_path / "mine")]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.split()[:1] == ["tiny"])
    assert "Durall" in line
    assert " 5 " in line  # four rings and a bias
