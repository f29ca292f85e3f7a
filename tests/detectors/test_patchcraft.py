"""PatchCraft's preprocessing against a loop over patches and pixels, its network against the published layers."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from safetensors.torch import save_file

from redqueen.detectors.patchcraft import PatchCraft, their_name
from redqueen.detectors.patches import random_patches, texture
from redqueen.errors import UserError

SMALL = {"patch": 8, "grid": 4, "width": 6, "depths": (2, 1)}


@pytest.fixture
def picture():
    return np.random.default_rng(1).integers(0, 256, (48, 70, 3), dtype=np.uint8)


def paper_texture(patch: np.ndarray) -> int:
    """l_div of the paper, pixel by pixel: four directions, all colours."""
    size, total = len(patch), 0
    values = patch.astype(int)
    for i in range(size):
        for j in range(size):
            for di, dj in ((0, 1), (1, 0), (1, 1), (1, -1)):
                if 0 <= i + di < size and 0 <= j + dj < size:
                    total += np.abs(values[i, j] - values[i + di, j + dj]).sum()
    return int(total)


def paper_pictures(picture: np.ndarray, places: list[tuple[int, int]], patch: int, grid: int) -> np.ndarray:
    """Smash and reconstruction with a loop over patches: the poorest first, and the richest first."""
    crops = [picture[top : top + patch, left : left + patch] for top, left in places]
    crops.sort(key=paper_texture)
    poor, rich = np.zeros((2, grid * patch, grid * patch, 3))
    for number in range(grid * grid):
        row, column = (place * patch for place in divmod(number, grid))
        poor[row : row + patch, column : column + patch] = crops[number]
        rich[row : row + patch, column : column + patch] = crops[-1 - number]
    return np.stack([poor, rich]).transpose(0, 3, 1, 2) / 255


@pytest.mark.parametrize("seed", [0, 3])
def test_pictures_are_those_of_a_loop_over_patches(picture, seed):
    rng = np.random.default_rng(seed)
    tops, lefts = rng.integers(48 - 8 + 1, size=48), rng.integers(70 - 8 + 1, size=48)
    expected = paper_pictures(picture, list(zip(tops, lefts, strict=True)), patch=8, grid=4)
    found = PatchCraft(**SMALL).prepare(picture, np.random.default_rng(seed))
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-6)


def test_texture_is_the_papers(picture):
    patches = random_patches(picture, 7, 12, np.random.default_rng(0))
    assert texture(patches).tolist() == [paper_texture(patch) for patch in patches]
    assert texture(np.full((1, 7, 7, 3), 9, np.uint8)) == 0
    assert texture(np.zeros((3, 1, 1, 3), np.uint8)).tolist() == [0, 0, 0]


def test_flat_parts_are_poor_and_noisy_ones_rich(picture):
    picture[:, :35] = 128
    poor, rich = PatchCraft(**SMALL).prepare(picture)
    assert (poor == poor[0, 0, 0]).all()
    assert (rich == poor[0, 0, 0]).float().mean() < 0.1


def test_evaluation_looks_at_the_same_places_and_training_at_others(picture):
    detector = PatchCraft(**SMALL)
    first, again = (detector.prepare(picture) for _ in range(2))
    assert torch.equal(first, again)
    one, other = (detector.prepare(picture, np.random.default_rng(seed)) for seed in (1, 2))
    assert not torch.equal(one, other)


@pytest.mark.parametrize("shape", [(1, 1), (5, 70), (48, 3)])
def test_a_picture_smaller_than_a_patch_is_continued(picture, shape):
    found = PatchCraft(**SMALL).prepare(picture[: shape[0], : shape[1]])
    assert found.shape == (2, 3, 32, 32)
    assert set(found.unique().tolist()) <= set((torch.tensor(picture[: shape[0], : shape[1]]) / 255).unique().tolist())


def published() -> dict[str, tuple[int, ...]]:
    """Names and shapes of RPTC.pth, after the layers in the authors' test code."""
    shapes = {"group1.hpf.weight": (30, 1, 5, 5), "fc2.weight": (1, 32), "fc2.bias": (1,)}
    places = [("group1_b", 0, 90)]
    places += [(f"group{2 + g}", 3 * c, 32) for g, depth in enumerate((4, 2, 2, 2)) for c in range(depth)]
    for group, place, inputs in places:
        shapes |= {f"{group}.{place}.weight": (32, inputs, 3, 3), f"{group}.{place}.bias": (32,)}
        shapes |= {f"{group}.{place + 1}.{key}": (32,) for key in ("weight", "bias", "running_mean", "running_var")}
        shapes[f"{group}.{place + 1}.num_batches_tracked"] = ()
    return shapes


def state(shapes: dict[str, tuple[int, ...]]) -> dict[str, torch.Tensor]:
    draw = torch.Generator().manual_seed(0)
    found = {name: torch.randn(shape, generator=draw) * 0.1 for name, shape in shapes.items()}
    positive = {
        name for name, shape in shapes.items() if "running_var" in name or name.endswith("weight") and len(shape) == 1
    }
    return {name: value.abs() + 0.8 if name in positive else value for name, value in found.items()}


def reference(weights: dict[str, torch.Tensor], batch: torch.Tensor) -> torch.Tensor:
    """The published network, from its tensors."""

    def convolved(x, group, place, after):
        x = F.conv2d(x, weights[f"{group}.{place}.weight"], weights[f"{group}.{place}.bias"], padding=1)
        mean, var = (weights[f"{group}.{place + 1}.running_{key}"][:, None, None] for key in ("mean", "var"))
        gain, shift = (weights[f"{group}.{place + 1}.{key}"][:, None, None] for key in ("weight", "bias"))
        return after((x - mean) / (var + 1e-5).sqrt() * gain + shift)

    fingerprints = []
    for picture in (batch[:, 0], batch[:, 1]):
        noise = [F.conv2d(picture[:, c : c + 1], weights["group1.hpf.weight"], padding=2) for c in range(3)]
        fingerprints.append(convolved(torch.cat(noise, 1), "group1_b", 0, lambda x: x.clamp(-5, 5)))
    x = fingerprints[0] - fingerprints[1]
    for number, depth in enumerate((4, 2, 2, 2)):
        for layer in range(depth):
            x = convolved(x, f"group{number + 2}", 3 * layer, F.relu)
        x = F.avg_pool2d(x, 3, stride=2, padding=1) if number < 3 else x
    return x.mean(dim=(2, 3)) @ weights["fc2.weight"][0] + weights["fc2.bias"]


@pytest.mark.parametrize(
    "layout", [lambda s: {"netC": s}, lambda s: {"netC": {f"module.{k}": v for k, v in s.items()}}]
)
def test_published_weights_give_the_published_networks_scores(layout, tmp_path):
    weights = state(published())
    torch.save(layout(weights), tmp_path / "RPTC.pth")
    detector = PatchCraft(patch=4, grid=4, weights=str(tmp_path / "RPTC.pth")).eval()
    batch = torch.rand(2, 2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    batch[:, 0] *= 0.1
    with torch.no_grad():
        found = detector(batch)
        torch.testing.assert_close(found, reference(weights, batch), atol=1e-5, rtol=1e-5)
        assert (found - detector(batch.flip(1))).abs().min() > 1e-3  # poor and rich are not the same to it


def test_names_and_shapes_are_the_published_ones():
    ours = PatchCraft().state_dict()
    assert {their_name(key): tuple(value.shape) for key, value in ours.items()} == published()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("group3.1.running_mean"), "group3.1.running_mean missing"),
        (lambda s: s.update({"fc9.bias": torch.zeros(1)}), "fc9.bias left over"),
        (lambda s: s.update({"fc2.weight": torch.zeros(2, 32)}), r"fc2.weight is \(2, 32\), ours is \(1, 32\)"),
    ],
)
def test_weights_that_do_not_fit_are_told(change, message, tmp_path):
    weights = state(published())
    change(weights)
    save_file(weights, tmp_path / "rptc.safetensors")
    with pytest.raises(UserError, match=message):
        PatchCraft(weights=str(tmp_path / "rptc.safetensors"))
