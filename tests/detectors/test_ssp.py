"""SSP: the patch that it takes against a loop, what its network sees against scipy, its published names."""

import numpy as np
import pytest
import scipy.ndimage
import torch
import torchvision
from safetensors.torch import save_file

from redqueen.detectors.residual import residual_network
from redqueen.detectors.ssp import SSP, their_name
from redqueen.errors import UserError

SMALL = {"patch": 8, "draws": 20, "size": 32, "depths": (1, 1, 1, 1), "width": 4}
MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
KB = np.array([[-1, 2, -1], [2, -4, 2], [-1, 2, -1]]) / 4
KV = [[-1, 2, -2, 2, -1], [2, -6, 8, -6, 2], [-2, 8, -12, 8, -2], [2, -6, 8, -6, 2], [-1, 2, -2, 2, -1]]


@pytest.fixture
def picture():
    draw = np.random.default_rng(1)
    return draw.normal(128, draw.uniform(1, 60, (40, 50, 1)), (40, 50, 3)).clip(0, 255).astype(np.uint8)


def diversity(patch: np.ndarray) -> int:
    """Equation of the paper, over pairs of neighbours."""
    rows, columns = np.mgrid[: len(patch), : len(patch)]
    places = list(zip(rows.ravel(), columns.ravel(), strict=True))
    pairs = [(a, (a[0] + y, a[1] + x)) for a in places for y, x in ((0, 1), (1, 0), (1, 1), (1, -1))]
    inside = [(a, b) for a, b in pairs if 0 <= b[0] < len(patch) and 0 <= b[1] < len(patch)]
    return sum(int(np.abs(patch[a].astype(int) - patch[b].astype(int)).sum()) for a, b in inside)


@pytest.mark.parametrize("seed", [0, 5])
def test_takes_the_simplest_of_the_patches(picture, seed):
    rng = np.random.default_rng(seed)
    tops, lefts = rng.integers(33, size=20), rng.integers(43, size=20)
    patches = [picture[top : top + 8, left : left + 8] for top, left in zip(tops, lefts, strict=True)]
    expected = (min(patches, key=diversity) / 255 - MEAN) / STD
    found = SSP(**SMALL).prepare(picture, np.random.default_rng(seed))
    np.testing.assert_allclose(found.permute(1, 2, 0).numpy(), expected, atol=1e-5)


def test_the_network_sees_the_noise_of_the_enlarged_patch(picture):
    detector = SSP(**SMALL).eval()
    seen = []
    detector.network.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    patch = detector.prepare(picture)
    detector((patch * 9)[None])  # so that some noise is cut
    large = [scipy.ndimage.zoom(9 * c, 4, order=1, mode="nearest", grid_mode=True) for c in patch.double().numpy()]
    across = np.array([[1, -2, 1]]) / 2
    kernels = (KB, np.array(KV) / 12, across)
    noise = [sum(scipy.ndimage.correlate(c, kernel, mode="constant") for c in large) for kernel in kernels]
    expected = np.clip(noise, -3, 3)
    assert (np.abs(expected) == 3).any()
    np.testing.assert_allclose(seen[0][0].detach().numpy(), expected, atol=1e-4)


def test_evaluation_is_always_the_same_and_training_looks_elsewhere(picture):
    detector = SSP(**SMALL)
    assert torch.equal(detector.prepare(picture), detector.prepare(picture))
    found = [detector.prepare(picture, np.random.default_rng(seed)) for seed in range(8)]
    assert any(not torch.equal(found[0], other) for other in found)


@pytest.mark.parametrize("shape", [(1, 1), (3, 50), (40, 2)])
def test_a_picture_smaller_than_the_patch_is_continued(picture, shape):
    assert SSP(**SMALL).prepare(picture[: shape[0], : shape[1]]).shape == (3, 8, 8)


def test_names_and_shapes_are_the_published_ones():
    """Of the authors' networks/ssp.py: `srm.kernel`, and torchvision's ResNet-50 with one output under `disc`."""
    with torch.device("meta"):
        ours = SSP().state_dict()
        theirs = torchvision.models.resnet50(num_classes=1).state_dict()
    expected = {"srm.kernel": (3, 3, 5, 5)} | {f"disc.{key}": tuple(value.shape) for key, value in theirs.items()}
    assert {their_name(key): tuple(value.shape) for key, value in ours.items()} == expected


@pytest.fixture
def published():
    """A small network under the published names."""
    torch.manual_seed(3)
    found = {their_name(key): value.clone() for key, value in SSP(**SMALL).state_dict().items()}
    found["srm.kernel"] = found["srm.kernel"] * 2
    return found


def test_published_weights_say_the_opposite_for_their_label_1_is_a_photograph(published, picture, tmp_path):
    save_file(published, tmp_path / "ssp.safetensors")
    detector = SSP(**SMALL, weights=str(tmp_path / "ssp.safetensors")).eval()
    theirs = SSP(**SMALL).eval()
    theirs.load_state_dict({key: published[their_name(key)] for key in theirs.state_dict()})
    patch = detector.prepare(picture)[None]
    with torch.no_grad():
        torch.testing.assert_close(detector(patch), -theirs(patch))
        assert theirs(patch).abs() > 1e-3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("srm.kernel"), "srm.kernel missing"),
        (lambda s: s.update({"perception.weight": torch.zeros(1)}), "perception.weight left over"),
        (lambda s: s.update({"disc.fc.bias": torch.zeros(2)}), r"disc.fc.bias is \(2,\), ours is \(1,\)"),
    ],
)
def test_weights_that_do_not_fit_are_told(change, message, published, tmp_path):
    change(published)
    save_file(published, tmp_path / "ssp.safetensors")
    with pytest.raises(UserError, match=message):
        SSP(**SMALL, weights=str(tmp_path / "ssp.safetensors"))


@pytest.mark.parametrize("inputs", [3, 30])
def test_a_residual_network_starts_from_imagenet_but_for_its_ends(inputs, tmp_path):
    published = residual_network(3, 1000, (1, 1, 1, 1), 4).state_dict()
    save_file(published, tmp_path / "resnet.safetensors")
    found = residual_network(inputs, 1, (1, 1, 1, 1), 4, imagenet=str(tmp_path / "resnet.safetensors")).state_dict()
    own = {"fc.weight", "fc.bias"} | ({"conv1.weight"} if inputs != 3 else set())
    for key, value in found.items():
        assert (key in own) or torch.equal(value, published[key]), key
    assert found["fc.weight"].shape == (1, 128)


def test_a_residual_network_has_four_stages():
    with pytest.raises(UserError, match=r"depths=\[3, 4\]: a residual network has four stages"):
        residual_network(3, 1, (3, 4))


def test_a_residual_network_is_torchvisions():
    torch.manual_seed(0)
    theirs, ours = torchvision.models.resnet50(num_classes=2).eval(), residual_network(3, 2).eval()
    ours.load_state_dict(theirs.state_dict())
    pictures = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(ours(pictures), theirs(pictures))
