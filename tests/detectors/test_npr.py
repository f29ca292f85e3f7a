"""NPR against a second implementation, and its one rule: crop, never resize."""

import numpy as np
import pytest
import torch

from published_resnet import cut_resnet, cut_resnet_shapes, random_state
from redqueen.detectors.npr import MEAN, NPR, STD, residual
from redqueen.errors import UserError


def paper_residual(pictures: np.ndarray) -> np.ndarray:
    """Section 3.2: in every 2 x 2 patch {w1 w2; w3 w4} the relationships are wi - w1, (B, C, H, W)."""
    found = np.zeros_like(pictures)
    for top in range(0, pictures.shape[2], 2):
        for left in range(0, pictures.shape[3], 2):
            patch = pictures[:, :, top : top + 2, left : left + 2]
            found[:, :, top : top + 2, left : left + 2] = patch - patch[:, :, :1, :1]
    return found


@pytest.mark.parametrize("shape", [(2, 3, 8, 8), (1, 1, 2, 2), (1, 3, 6, 10)])
def test_residual_is_the_papers(shape):
    pictures = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    np.testing.assert_array_equal(residual(torch.from_numpy(pictures)).numpy(), paper_residual(pictures))


def test_residual_is_what_the_reference_code_computes_with_interpolate():
    pictures = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    half = torch.nn.functional.interpolate(pictures, scale_factor=0.5, mode="nearest", recompute_scale_factor=True)
    back = torch.nn.functional.interpolate(half, scale_factor=2.0, mode="nearest", recompute_scale_factor=True)
    assert torch.equal(residual(pictures), pictures - back)


def test_residual_of_a_repeated_picture_is_zero():
    picture = torch.rand(1, 3, 4, 4).repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert not residual(picture).any()


def test_has_the_papers_size():
    """The paper's table of costs: 1.44 M parameters."""
    assert round(sum(p.numel() for p in NPR().parameters()) / 1e6, 2) == 1.44


@pytest.fixture(scope="module")
def small():
    return NPR(size=32, train_size=16, depths=(1, 1), width=8)


@pytest.fixture(scope="module")
def picture():
    return np.random.default_rng(1).integers(0, 256, (48, 64, 3), dtype=np.uint8)


def as_pixels(prepared: torch.Tensor) -> np.ndarray:
    """Back to (H, W, 3) uint8."""
    values = prepared * torch.tensor(STD)[:, None, None] + torch.tensor(MEAN)[:, None, None]
    return (values * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()


def test_evaluation_takes_the_central_pixels_as_they_are(small, picture):
    np.testing.assert_array_equal(as_pixels(small.prepare(picture)), picture[8:40, 16:48])


@pytest.mark.parametrize(("top", "left"), [(0, 2), (4, 0), (2, 6)])
def test_a_shifted_crop_moves_pixels_and_changes_none(small, picture, top, left):
    shifted = np.roll(picture, (-top, -left), axis=(0, 1))
    np.testing.assert_array_equal(as_pixels(small.prepare(shifted)), picture[8 + top : 40 + top, 16 + left : 48 + left])


def test_training_crops_at_random_and_mirrors(small, picture):
    places = {}
    for seed in range(40):
        crop = as_pixels(small.prepare(picture, np.random.default_rng(seed)))
        assert crop.shape == (16, 16, 3)
        places[seed] = _place(picture, crop)
    assert None not in places.values()
    assert {mirrored for _, _, mirrored in places.values()} == {False, True}
    assert len({(top, left) for top, left, _ in places.values()}) > 20


def _place(picture, crop):
    """Where in the picture the crop comes from, and whether mirrored; None if nowhere."""
    windows = np.lib.stride_tricks.sliding_window_view(picture, crop.shape[:2], axis=(0, 1))  # (y, x, 3, 16, 16)
    for mirrored, one in ((False, crop), (True, crop[:, ::-1])):
        hits = np.argwhere((windows == one.transpose(2, 0, 1)).all(axis=(2, 3, 4)))
        if len(hits):
            return (*hits[0].tolist(), mirrored)
    return None


def test_a_picture_smaller_than_the_crop_is_taken_whole_up_to_an_even_side(small):
    assert small.prepare(np.zeros((21, 30, 3), np.uint8)).shape == (3, 20, 30)
    assert small.prepare(np.zeros((1, 1, 3), np.uint8)).shape == (3, 2, 2)
    assert small.eval()(small.prepare(np.zeros((1, 3, 3), np.uint8))[None]).isfinite().all()


@pytest.mark.parametrize("sizes", [{"size": 33}, {"train_size": 15}])
def test_odd_sizes_are_refused(sizes):
    with pytest.raises(UserError, match=r"must be even"):
        NPR(**sizes)


@torch.no_grad()
def test_the_authors_weights_give_their_logits(tmp_path):
    """NPR.pth of github.com/chuangchuangtan/NPR-DeepfakeDetection: a flat state dict of networks/resnet.py."""
    state = random_state(cut_resnet_shapes(1))
    torch.save(state, tmp_path / "NPR.pth")
    detector = NPR(weights=str(tmp_path / "NPR.pth")).eval()
    pictures = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    pictures[1] *= 0.4
    expected = cut_resnet(state, torch.from_numpy(paper_residual(pictures.numpy())) * 2 / 3)
    assert (expected[0] - expected[1]).abs() > 0.1, "the pictures must make a difference"
    torch.testing.assert_close(detector(pictures), expected.squeeze(1), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layer2.3.bn3.bias": None}, r"layer2\.3\.bn3\.bias missing"),
        ({"layer3.0.conv1.weight": torch.zeros(1)}, r"layer3\.0\.conv1\.weight left over"),
        ({"conv1.weight": torch.zeros(64, 3, 7, 7)}, r"conv1\.weight is \(64, 3, 7, 7\), ours is \(64, 3, 3, 3\)"),
    ],
)
def test_weights_that_do_not_fit_are_named(tmp_path, change, message):
    state = {key: value for key, value in {**random_state(cut_resnet_shapes(1)), **change}.items() if value is not None}
    torch.save(state, tmp_path / "m.pth")
    with pytest.raises(UserError, match=message):
        NPR(weights=str(tmp_path / "m.pth"))
