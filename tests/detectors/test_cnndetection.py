"""CNNDetection: its blur and its compression against other implementations, its weights under the authors' names."""

import math

import numpy as np
import pytest
import torch

from published_resnet import norm, norm_shapes, random_state, stage, stage_shapes
from redqueen.detectors.cnndetection import CNNDetection, blurred
from redqueen.detectors.residual import IMAGENET_MEAN, IMAGENET_STD
from redqueen.errors import UserError
from redqueen.perturbations.functional import jpeg


@pytest.fixture(scope="module")
def picture():
    coarse = np.random.default_rng(1).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return coarse.repeat(8, axis=0).repeat(8, axis=1)


def small(**settings):
    return CNNDetection(size=16, depths=(1, 1, 1, 1), width=8, **settings)


def as_pixels(prepared):
    values = prepared * torch.tensor(IMAGENET_STD)[:, None, None] + torch.tensor(IMAGENET_MEAN)[:, None, None]
    return (values * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()


def gaussian(channel, sigma):
    """Column by column, then row by row; borders are repeated."""
    reach = int(4 * sigma + 0.5)
    weights = np.array([math.exp(-((x / sigma) ** 2) / 2) for x in range(-reach, reach + 1)])
    weights /= weights.sum()
    for _ in range(2):
        padded = np.pad(channel.astype(float), [(reach, reach), (0, 0)], mode="symmetric")
        channel = np.array([weights @ padded[row : row + len(weights)] for row in range(len(channel))]).T
    return channel


@pytest.mark.parametrize("sigma", [0.3, 1.0, 2.7])
def test_blur_is_a_gaussian(picture, sigma):
    found = blurred(picture, sigma).astype(int)
    for channel in range(3):
        assert np.abs(found[:, :, channel] - gaussian(picture[:, :, channel], sigma)).max() <= 0.5 + 1e-9


def test_no_blur_changes_nothing(picture):
    np.testing.assert_array_equal(blurred(picture, 0.0), picture)


def test_evaluation_takes_the_central_pixels_as_they_are(picture):
    np.testing.assert_array_equal(as_pixels(small(blur=1.0, compression=1.0).prepare(picture)), picture[16:32, 24:40])


def places(whole, crop):
    windows = np.lib.stride_tricks.sliding_window_view(whole, crop.shape[:2], axis=(0, 1))  # (y, x, 3, 16, 16)
    for candidate in (crop, crop[:, ::-1]):
        if (windows == candidate.transpose(2, 0, 1)).all(axis=(2, 3, 4)).any():
            return True
    return False


def test_the_whole_picture_is_compressed_then_cropped(picture):
    detector, picture = small(blur=0.0, compression=1.0), picture[4:24, 4:28]
    versions = {quality: jpeg(picture, np.random.default_rng(0), quality) for quality in range(1, 101)}
    found = set()
    for seed in range(25):
        crop = as_pixels(detector.prepare(picture, np.random.default_rng(seed)))
        fitting = [quality for quality, whole in versions.items() if places(whole, crop)]
        assert fitting, seed
        found.add(fitting[len(fitting) // 2])
    assert 30 <= min(found) < 50
    assert max(found) > 80
    assert len(found) > 12


@pytest.mark.parametrize(("blur", "compression"), [(0.5, 0.5), (0.1, 0.1), (0.0, 0.5), (0.5, 0.0), (1.0, 1.0)])
def test_augments_as_often_as_it_says(picture, blur, compression, monkeypatch):
    counts = {"blur": [], "jpeg": []}
    module = "redqueen.detectors.cnndetection"
    monkeypatch.setattr(f"{module}.blurred", lambda pixels, sigma: counts["blur"].append(sigma) or pixels)
    monkeypatch.setattr(f"{module}.jpeg", lambda pixels, rng, quality: counts["jpeg"].append(quality) or pixels)
    detector = small(blur=blur, compression=compression)
    for seed in range(600):
        detector.prepare(picture, np.random.default_rng(seed))
    assert len(counts["blur"]) / 600 == pytest.approx(blur, abs=0.06)
    assert len(counts["jpeg"]) / 600 == pytest.approx(compression, abs=0.06)
    assert all(0 <= sigma <= 3 for sigma in counts["blur"])
    assert set(counts["jpeg"]) <= set(range(30, 101))
    if compression == 1.0:
        assert min(counts["jpeg"]) == 30
        assert max(counts["jpeg"]) == 100


DEPTHS = {"layer1": 3, "layer2": 4, "layer3": 6, "layer4": 3}


def published(classes=1):
    """Names and shapes of weights/blur_jpg_prob0.5.pth, github.com/PeterWang512/CNNDetection: ResNet-50 with one fc."""
    shapes = {"conv1.weight": (64, 3, 7, 7), **norm_shapes("bn1", 64)}
    inputs = 64
    for number, (name, depth) in enumerate(DEPTHS.items()):
        shapes |= stage_shapes(name, inputs, 64 * 2**number, depth)
        inputs = 256 * 2**number
    return random_state(shapes | {"fc.weight": (classes, 2048), "fc.bias": (classes,)})


def logits(state, pictures):
    hidden = torch.nn.functional.conv2d(pictures, state["conv1.weight"], stride=2, padding=3)
    hidden = torch.nn.functional.max_pool2d(norm(state, "bn1", hidden).relu(), 3, 2, 1)
    for name, depth in DEPTHS.items():
        hidden = stage(state, name, hidden, depth, 1 if name == "layer1" else 2)
    return (hidden.mean((2, 3)) @ state["fc.weight"].T + state["fc.bias"]).squeeze(1)


@torch.no_grad()
def test_the_authors_weights_give_their_logits(tmp_path):
    path, state = tmp_path / "blur_jpg_prob0.5.pth", published()
    torch.save({"model": state, "optimizer": {"param_groups": [{"lr": 1e-4}]}, "total_steps": 2}, path)
    detector = CNNDetection(weights=str(path)).eval()
    assert sum(p.numel() for p in detector.parameters()) == 23_510_081  # ResNet-50 with one output
    pictures = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    pictures[1] *= 0.4
    expected = logits(state, pictures)
    assert (expected[0] - expected[1]).abs() > 0.1, "the pictures must make a difference"
    torch.testing.assert_close(detector(pictures), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layer3.5.conv2.weight": None}, r"layer3\.5\.conv2\.weight missing"),
        ({"layer5.0.conv1.weight": torch.zeros(1)}, r"layer5\.0\.conv1\.weight left over"),
        ({"fc.weight": torch.zeros(2, 2048)}, r"fc\.weight is \(2, 2048\), ours is \(1, 2048\)"),
    ],
)
def test_weights_that_do_not_fit_are_named(tmp_path, change, message):
    state = {key: value for key, value in {**published(), **change}.items() if value is not None}
    torch.save({"model": state}, tmp_path / "m.pth")
    with pytest.raises(UserError, match=message):
        CNNDetection(weights=str(tmp_path / "m.pth"))


def test_starts_from_imagenet_without_its_classifier(tmp_path):
    state = published(classes=1000)
    torch.save(state, tmp_path / "resnet50.pth")
    network = CNNDetection(imagenet=str(tmp_path / "resnet50.pth")).network
    assert torch.equal(network.layer4[2].conv3.weight, state["layer4.2.conv3.weight"])
    assert network.fc.weight.shape == (1, 2048)
