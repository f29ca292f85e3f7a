"""The probe's view of a picture, against Pillow and numpy; its published head; every YAML that uses it."""

import hashlib

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from PIL import Image

import stand_ins
from redqueen.detectors.backbones import Backbone, efficientnet_lite0
from redqueen.detectors.linear_probe import LinearProbe
from redqueen.errors import UserError
from redqueen.files import configs

MEAN, STD = (0.1, 0.2, 0.3), (0.4, 0.5, 0.6)

# Of the pictures below, by the code with which the published results were measured.
INPUTS = "97ce7d239bca3f5d8cd6f7742a4eac2e641bedc1febb3095bdf149a1fb2c18f8"
IDENTITY = "probe-579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db-224-None-1"


def backbone(width=4, size=16, interpolation="bicubic"):
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(3, width))
    return Backbone(network, width, MEAN, STD, "a-digest", "tiny", size, interpolation)


def normalised(levels):
    """(H, W, 3) in 0 to 255 as a network wants it."""
    return ((np.asarray(levels, np.float64) / 255 - MEAN) / STD).transpose(2, 0, 1)


def photograph():
    from skimage import data

    return data.chelsea()[:90, :140]


def test_lite0_probe_prepares_what_its_published_results_were_measured_on():
    node = OmegaConf.load(configs() / "detector" / "lite0_probe.yaml")
    probe = LinearProbe(efficientnet_lite0(), **{k: v for k, v in node.items() if k not in ("_target_", "backbone")})
    assert probe.identity == IDENTITY
    sides = (256, 224, 300, 256)
    batch = torch.stack([probe.prepare(stand_ins.human_pixels(n, side=side)) for n, side in enumerate(sides)])
    assert hashlib.sha256(batch.numpy().tobytes()).hexdigest() == INPUTS


@pytest.mark.parametrize("size", [(40, 60), (33, 80), (32, 32)])
def test_the_crop_is_pillows_and_is_never_resized(size):
    pixels = photograph()[: size[0], : size[1]]
    top, left = (size[0] - 32) // 2, (size[1] - 32) // 2
    wanted = normalised(Image.fromarray(pixels).crop((left, top, left + 32, top + 32)))
    found = LinearProbe(backbone(), crop=32, pad=True).prepare(pixels)
    np.testing.assert_allclose(found.numpy(), wanted, atol=1e-5)


@pytest.mark.parametrize("size", [(20, 50), (50, 20), (1, 1), (31, 32)])
def test_a_picture_under_the_crop_gets_a_black_border_as_torchvisions(size):
    from torchvision.transforms import CenterCrop

    pixels = photograph()[: size[0], : size[1]]
    found = LinearProbe(backbone(), crop=32, pad=True).prepare(pixels)
    np.testing.assert_allclose(found.numpy(), normalised(CenterCrop(32)(Image.fromarray(pixels))), atol=1e-5)
    assert LinearProbe(backbone(), crop=32).prepare(pixels).shape == (3, min(size[0], 32), min(size[1], 32))


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("size", [(60, 140), (90, 90), (8, 9)])
def test_the_whole_picture_is_scaled_as_the_backbone_says(size, interpolation):
    pixels = photograph()[: size[0], : size[1]]
    side = min(size)
    top, left = (size[0] - side) // 2, (size[1] - side) // 2
    square = Image.fromarray(pixels).crop((left, top, left + side, top + side))
    wanted = square.resize((16, 16), getattr(Image.Resampling, interpolation.upper()))
    found = LinearProbe(backbone(interpolation=interpolation), crop=None).prepare(pixels)
    np.testing.assert_allclose(found.numpy(), normalised(wanted), atol=1.5 / 255 / min(STD))  # Pillow rounds and clips


def test_training_takes_another_part_of_the_picture():
    probe = LinearProbe(backbone(), crop=32, pad=True)
    views = [probe.prepare(photograph(), np.random.default_rng(seed)) for seed in range(4)]
    assert len({view.numpy().tobytes() for view in views}) > 1


def test_identity_names_everything_that_features_depend_on():
    settings = ({}, {"crop": 32}, {"pad": True}, {"resize": 64}, {"crop": None})
    assert len({LinearProbe(backbone(), **one).identity for one in settings}) == len(settings)


@pytest.mark.parametrize("more", [{"resize": 64}, {"pad": True}])
def test_what_cannot_go_together_is_told(more):
    with pytest.raises(UserError, match="crop=null takes the whole picture"):
        LinearProbe(backbone(), crop=None, **more)


class TestPublishedHead:
    """UnivFD's fc_weights.pth is the state dict of its `fc`: weight (1, 768) and bias (1,).

    https://github.com/WisconsinAIVision/UniversalFakeDetect, validate.py: `model.fc.load_state_dict(state_dict)`.
    """

    STATE = {"weight": torch.linspace(-1, 1, 768)[None], "bias": torch.tensor([0.25])}

    def load(self, tmp_path, **changes):
        state = {key: value for key, value in {**self.STATE, **changes}.items() if value is not None}
        torch.save(state, tmp_path / "fc_weights.pth")
        return LinearProbe(backbone(width=768), weights=str(tmp_path / "fc_weights.pth"))

    def test_scores_as_the_authors_layer(self, tmp_path):
        probe = self.load(tmp_path)
        features = torch.rand(5, 768)
        wanted = features.double() @ self.STATE["weight"][0].double() + 0.25
        torch.testing.assert_close(probe.score(features), wanted.float())

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"bias": None}, "bias missing"),
            ({"scale": torch.ones(1)}, "scale left over"),
            ({"weight": torch.ones(1, 512)}, r"weight is \(1, 512\), ours is \(1, 768\)"),
        ],
    )
    def test_what_does_not_fit_is_named(self, changes, message, tmp_path):
        with pytest.raises(UserError, match=message):
            self.load(tmp_path, **changes)


def test_one_repository_of_the_hub_has_one_commit_in_all_settings():
    words = " ".join(
        path.read_text() for group in ("detector", "backbone") for path in (configs() / group).glob("*.yaml")
    ).split()
    pins = {word.removeprefix("hub:") for word in words if word.startswith("hub:") and "OWNER" not in word}
    assert len(pins) >= 8
    assert len({pin.partition("@")[0] for pin in pins}) == len(pins)


ON_A_HUB = [
    name for name in stand_ins.names("detector") if "weights: hub:" in (configs() / f"detector/{name}.yaml").read_text()
]


@pytest.mark.parametrize("name", ON_A_HUB)
def test_every_ready_detector_is_pinned_and_says_what_to_do_without_a_hub(name, monkeypatch, tmp_path):
    from huggingface_hub import constants
    from hydra.errors import InstantiationException
    from hydra.utils import instantiate

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    node = OmegaConf.load(configs() / "detector" / f"{name}.yaml")
    with pytest.raises(InstantiationException, match=r"model\.safetensors into a folder and give that as weights=F"):
        instantiate(node)
