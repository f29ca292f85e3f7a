"""AIDE: its choice of patches against a loop with another DCT, its layers against the published ones."""

import math

import numpy as np
import pytest
import scipy.fft
import torch
import torchvision
from safetensors.torch import save_file
from torch import nn
from torchvision.transforms.v2 import functional as tv

from redqueen.detectors.aide import AIDE, band_weights, convnext, dct_basis, distort, extremes, their_name
from redqueen.detectors.backbones import Backbone
from redqueen.errors import UserError

SMALL = {"size": 32, "depths": (1, 1, 1, 1), "width": 4}
MEAN, STD = torch.tensor([0.485, 0.456, 0.406])[:, None, None], torch.tensor([0.229, 0.224, 0.225])[:, None, None]


def backbone(seed: int = 0) -> Backbone:
    torch.manual_seed(seed)
    network = nn.Sequential(nn.Conv2d(3, 5, 3, stride=8), nn.BatchNorm2d(5), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return Backbone(network, 5, (0.4, 0.5, 0.6), (0.2, 0.3, 0.4), "0", "small")


@pytest.fixture
def detector():
    return AIDE(backbone(), **SMALL).eval()


@pytest.fixture
def picture():
    """Smooth in one corner, rough in the other."""
    draw, y, x = np.random.default_rng(1), *np.mgrid[:80, :100]
    return (128 + (y + x)[..., None] * draw.normal(0, 0.5, (80, 100, 3))).clip(0, 255).astype(np.uint8)


def paper_score(patch: np.ndarray) -> float:
    """Of (3, 32, 32) in [0, 1]: 2 ** k times the mean log magnitude in band k, coefficient by coefficient."""
    total = 0.0
    for band in range(6):
        places = [(i, j) for i in range(32) for j in range(32) if 64 / 6 * band <= i + j <= 64 / 6 * (band + 1)]
        for colour in patch:
            spectrum = scipy.fft.dctn(colour, norm="ortho")
            total += 2**band * sum(math.log(abs(spectrum[place]) + 1) for place in places) / len(places)
    return total


def paper_patches(picture: np.ndarray) -> list[np.ndarray]:
    """Patches of 32 pixels, every 16, by rising score."""
    values = picture.transpose(2, 0, 1).astype(np.float64) / 255
    rows, columns = range(0, values.shape[1] - 31, 16), range(0, values.shape[2] - 31, 16)
    patches = [values[:, row : row + 32, column : column + 32] for row in rows for column in columns]
    return sorted(patches, key=paper_score)


def test_patches_are_those_of_a_loop_with_another_dct(picture):
    ordered = paper_patches(picture)
    assert len(ordered) == 20
    values = torch.tensor(picture).permute(2, 0, 1) / 255
    found = extremes(values, dct_basis(32), band_weights(32))
    for patch, place in zip(found.numpy(), (0, -1, 1, -2), strict=True):
        np.testing.assert_allclose(patch, ordered[place], atol=1e-6)


def test_a_picture_of_one_patch_gives_it_four_times(picture):
    values = torch.tensor(picture[:40, :33]).permute(2, 0, 1) / 255
    found = extremes(values, dct_basis(32), band_weights(32))
    assert all(torch.equal(patch, values[:, :32, :32]) for patch in found)


def test_prepared_is_patches_and_whole_picture_normalised_each_in_its_way(detector, picture):
    prepared = detector.prepare(picture)
    patches, whole = prepared[: 12 * 1024].reshape(4, 3, 32, 32), prepared[12 * 1024 :].reshape(3, 32, 32)
    expected = torch.tensor(np.stack([paper_patches(picture)[place] for place in (0, -1, 1, -2)])).float()
    torch.testing.assert_close(patches, (expected - MEAN) / STD, atol=1e-5, rtol=1e-5)
    values = torch.tensor(picture).permute(2, 0, 1).float() / 255
    scaled = tv.resize(values, [32, 32], antialias=False)
    mean, std = (torch.tensor(triple)[:, None, None] for triple in ((0.4, 0.5, 0.6), (0.2, 0.3, 0.4)))
    torch.testing.assert_close(whole, (scaled - mean) / std, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("shape", [(1, 1), (2, 100), (80, 31)])
def test_a_small_picture_is_continued(detector, picture, shape):
    small = picture[: shape[0], : shape[1]]
    for rng in (None, np.random.default_rng(0)):
        assert detector.prepare(small, rng).isfinite().all()


def test_logit_is_what_the_published_layers_say(detector, picture):
    """From the module's tensors under the authors' names, expert by expert."""
    weights = {their_name(key): value for key, value in detector.state_dict().items()}
    prepared = detector.prepare(picture)[None]
    patches, whole = prepared[:, : 12 * 1024].reshape(4, 1, 3, 32, 32), prepared[:, 12 * 1024 :].reshape(1, 3, 32, 32)
    experts = (detector.lowest, detector.highest, detector.lowest, detector.highest)  # model_min, model_max, ...
    noise = [nn.functional.conv2d(patch, weights["hpf.hpf.weight"], padding=2) for patch in patches]
    with torch.no_grad():
        low = sum(expert(one) for expert, one in zip(experts, noise, strict=True)) / 4
        meaning = detector.network(whole) @ weights["convnext_proj.0.weight"].T + weights["convnext_proj.0.bias"]
        hidden = torch.cat([meaning, low], 1) @ weights["fc.fc1.weight"].T + weights["fc.fc1.bias"]
        gelu = hidden * 0.5 * (1 + torch.erf(hidden / 2**0.5))
        human, generated = (gelu @ weights["fc.fc2.weight"].T + weights["fc.fc2.bias"])[0]
        torch.testing.assert_close(detector(prepared)[0], generated - human, atol=1e-5, rtol=1e-5)


def test_cross_entropy_of_two_classes_is_the_loss(detector, picture):
    batch = torch.stack([detector.prepare(picture), detector.prepare(picture[::-1])])
    two = []
    handle = detector.fc2.register_forward_hook(lambda module, inputs, outputs: two.append(outputs))
    found = detector.loss(batch, torch.tensor([0.0, 1.0]))
    handle.remove()
    torch.testing.assert_close(found, nn.functional.cross_entropy(two[0], torch.tensor([0, 1])))


def test_distortions_come_as_often_as_asked(picture):
    def changed(probability: float) -> float:
        draws = [distort(picture, np.random.default_rng(seed), probability) for seed in range(200)]
        return float(np.mean([not np.array_equal(draw, picture) for draw in draws]))

    assert changed(0.0) == 0
    assert changed(1.0) == 1
    assert changed(0.3) == pytest.approx(1 - 0.7**2, abs=0.12)


def test_blur_is_a_kernel_of_three_by_three(monkeypatch):
    """As kornia's: exp(-1 / (2 sigma²)) beside the centre, borders reflected."""
    point = np.zeros((7, 7, 3), np.uint8)
    point[3, 3] = 255
    monkeypatch.setattr("redqueen.detectors.aide.BLUR", (1.5, 1.5))
    monkeypatch.setattr("redqueen.detectors.aide.jpeg", lambda pixels, rng, quality: pixels)
    found = distort(point, np.random.default_rng(0), 1.0)[..., 0]
    side = math.exp(-1 / (2 * 1.5**2))
    line = np.array([side, 1, side]) / (1 + 2 * side)
    np.testing.assert_array_equal(found[2:5, 2:5], np.round(255 * np.outer(line, line)))
    assert found.astype(int).sum() == found[2:5, 2:5].astype(int).sum()


def test_the_frozen_network_is_not_trained_and_not_stored(detector, picture):
    detector.train()
    assert not detector.network.training
    state = detector.trained_state()
    assert not [key for key in state if key.startswith("network.")]
    other = AIDE(backbone(seed=1), **SMALL)
    other.load_trained(state)
    assert torch.equal(other.fc1.weight, detector.fc1.weight)
    assert not torch.equal(other.network[0].weight, detector.network[0].weight)
    for broken in ({k: v for k, v in state.items() if "fc1" not in k}, {**state, "more": torch.zeros(1)}):
        with pytest.raises(RuntimeError, match=r"fc1\.weight|more"):
            other.load_trained(broken)


def test_names_and_shapes_are_the_published_ones():
    """Of the authors' models/AIDE.py: two ResNet-50 of 30 channels, a projection of 3072, a head; and the trunk."""
    with torch.device("meta"):
        ours = AIDE(convnext()).state_dict()
        theirs = torchvision.models.resnet50()
    theirs.conv1 = nn.Conv2d(30, 64, 7, bias=False, device="meta")
    expected = {"hpf.hpf.weight": (30, 3, 5, 5), "convnext_proj.0.weight": (256, 3072), "convnext_proj.0.bias": (256,)}
    expected |= {"fc.fc1.weight": (1024, 2304), "fc.fc1.bias": (1024,), "fc.fc2.weight": (2, 1024), "fc.fc2.bias": (2,)}
    for part in ("min", "max"):
        found = {f"model_{part}.{key}": tuple(value.shape) for key, value in theirs.state_dict().items()}
        expected |= {key: shape for key, shape in found.items() if ".fc." not in key}
    found = {their_name(key): tuple(value.shape) for key, value in ours.items()}
    trunk = {key: found.pop(key) for key in list(found) if key.startswith("openclip_convnext_xxl.")}
    assert found == expected
    assert trunk["openclip_convnext_xxl.stem.0.weight"] == (384, 3, 4, 4)
    assert trunk["openclip_convnext_xxl.stages.3.blocks.2.mlp.fc1.weight"] == (12288, 3072)
    assert trunk["openclip_convnext_xxl.head.norm.weight"] == (3072,)
    assert not [key for key in trunk if "head.fc" in key]
    assert len({key.split(".")[4] for key in trunk if ".stages.2.blocks." in key}) == 30


def small_convnext(seed: int = 0) -> Backbone:
    torch.manual_seed(seed)
    return convnext(model="convnext_atto", size=32)


def test_the_papers_backbone_normalises_before_it_averages():
    found = small_convnext()
    pictures = torch.rand(2, 3, 64, 64)
    trunk = found.network.trunk.eval()
    with torch.no_grad():
        hidden = trunk.forward_features(pictures)  # (2, 320, 2, 2)
        normal = (hidden - hidden.mean(1, keepdim=True)) / (hidden.var(1, keepdim=True, correction=0) + 1e-6).sqrt()
        torch.testing.assert_close(found.network(pictures), normal.mean(dim=(2, 3)), atol=1e-4, rtol=1e-4)
    assert found.width == 320


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: None, None),
        (lambda s: s.pop("model_max.layer1.0.bn1.bias"), "model_max.layer1.0.bn1.bias missing"),
        (lambda s: s.pop("openclip_convnext_xxl.stem.0.bias"), "openclip_convnext_xxl.stem.0.bias missing"),
        (lambda s: s.update({"text.bias": torch.zeros(1)}), "text.bias left over"),
        (lambda s: s.update({"fc.fc2.bias": torch.zeros(1)}), r"fc.fc2.bias is \(1,\), ours is \(2,\)"),
    ],
)
def test_published_weights_are_taken_whole_or_not(change, message, tmp_path):
    torch.manual_seed(0)
    published = {their_name(k): v.clone() for k, v in AIDE(small_convnext(), **SMALL).state_dict().items()}
    published |= {
        f"model_{part}.fc.{tensor}": torch.zeros(3) for part in ("min", "max") for tensor in ("weight", "bias")
    }
    change(published)
    torch.save({"model": published, "epoch": 19}, tmp_path / "aide.pth")
    if message is None:
        ours = AIDE(small_convnext(seed=1), **SMALL, weights=str(tmp_path / "aide.pth")).state_dict()
        assert all(torch.equal(value, published[their_name(key)]) for key, value in ours.items())
    else:
        with pytest.raises(UserError, match=message):
            AIDE(small_convnext(seed=1), **SMALL, weights=str(tmp_path / "aide.pth"))


def test_the_trunk_of_the_hub_can_be_given_by_path(tmp_path):
    import timm

    published = timm.create_model("convnext_atto", pretrained=False).state_dict()
    save_file(published, tmp_path / "model.safetensors")
    found = convnext(weights=str(tmp_path), model="convnext_atto", size=32)
    assert torch.equal(found.network.trunk.stem[0].weight, published["stem.0.weight"])
    assert found.network(torch.rand(2, 3, 32, 32)).shape == (2, 320)
