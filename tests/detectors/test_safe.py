"""SAFE: its wavelet, its augmentations and its loss against second implementations, its weights under their names."""

import math

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import functional as tv

from published_resnet import cut_resnet, cut_resnet_shapes, random_state
from redqueen.detectors import safe
from redqueen.detectors.safe import SAFE, diagonal_detail
from redqueen.errors import UserError

# dec_hi of bior1.3, https://wavelets.pybytes.com/wavelet/bior1.3
HIGH_PASS = [0.0, 0.0, -0.7071067811865476, 0.7071067811865476, 0.0, 0.0]


def mirrored(place, length):
    """Half-sample symmetry, pywt's "symmetric": … b a | a b c … y z | z y …"""
    place %= 2 * length
    return min(place, 2 * length - 1 - place)


def high_pass(signal):
    """One step of pywt.dwt: convolution, every second sample kept, floor((N + 6 - 1) / 2) of them."""
    length = len(signal)
    count = (length + len(HIGH_PASS) - 1) // 2
    places = [[mirrored(2 * k + 1 - tap, length) for tap in range(len(HIGH_PASS))] for k in range(count)]
    return np.array([sum(HIGH_PASS[tap] * signal[at] for tap, at in enumerate(row)) for row in places])


@pytest.mark.parametrize("shape", [(6, 6), (2, 8), (16, 10)])
def test_detail_is_the_hh_band_of_bior_1_3(shape):
    plane = np.random.default_rng(0).normal(size=shape)
    expected = high_pass(high_pass(plane).T).T
    found = diagonal_detail(torch.from_numpy(plane)[None, None])[0, 0].numpy()
    assert found.shape == (shape[0] // 2 + 2, shape[1] // 2 + 2)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_ramps_have_no_detail():
    y, x = torch.meshgrid(torch.arange(8.0), torch.arange(8.0), indexing="ij")
    assert not diagonal_detail((3 * x - 2 * y + 5)[None, None]).any()


@pytest.fixture(scope="module")
def picture():
    coarse = np.random.default_rng(1).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return coarse.repeat(16, axis=0).repeat(16, axis=1)


@pytest.fixture(scope="module")
def small():
    return SAFE(size=64, depths=(1, 1), width=8)


def test_evaluation_takes_the_central_pixels_as_they_are(small, picture):
    expected = tv.to_tensor(tv.center_crop(Image.fromarray(picture), [64, 64]))
    assert torch.equal(small.prepare(picture), expected)


class Fixed:
    """A generator whose uniform draws are given."""

    def __init__(self, uniform, first=1.0, order=(0, 1, 2)):
        self.draws, self.first, self.order = iter(uniform), first, order

    def uniform(self, low, high):
        draw = next(self.draws)
        assert low <= draw <= high
        return draw

    def random(self):
        return self.first

    def permutation(self, count):
        assert count == len(self.order)
        return self.order


@pytest.mark.parametrize("angle", [0.0, 33.0, 90.0, -171.5])
@pytest.mark.parametrize("mirror", [False, True])
def test_turns_by_any_angle(picture, angle, mirror):
    crop = picture[16:80, 32:96]
    found = np.asarray(safe._turned(crop, Fixed([angle], first=0.1 if mirror else 0.9)))
    source, expected = crop[:, ::-1] if mirror else crop, np.zeros_like(crop)
    turn = math.radians(angle)
    for row in range(64):
        for column in range(64):
            y, x = row - 31.5, column - 31.5  # back by the angle, which is counted against the clock
            at_x = math.floor(x * math.cos(turn) - y * math.sin(turn) + 32)
            at_y = math.floor(x * math.sin(turn) + y * math.cos(turn) + 32)
            if 0 <= at_x < 64 and 0 <= at_y < 64:
                expected[row, column] = source[at_y, at_x]
    assert (found == expected).all(axis=2).mean() > 0.995  # ties between two pixels


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
@pytest.mark.parametrize("factors", [(0.5, 1.5, 0.7), (1.2, 0.6, 1.5)])
def test_recolours_as_torchvision_does_on_tensors(picture, order, factors):
    found = safe._recoloured(Image.fromarray(picture), Fixed(factors, order=order))
    expected = torch.from_numpy(picture).permute(2, 0, 1)
    ways = (tv.adjust_brightness, tv.adjust_contrast, tv.adjust_saturation)
    for number, factor in zip(order, factors, strict=True):
        expected = ways[number](expected, factor)
    assert np.abs(found.astype(int) - expected.permute(1, 2, 0).numpy().astype(int)).max() <= 3  # 8 bits thrice


def test_masks_cells_of_sixteen_pixels(monkeypatch):
    white = np.full((80, 70, 3), 255, np.uint8)
    monkeypatch.setattr(safe, "_turned", lambda crop, rng: Image.fromarray(crop))
    monkeypatch.setattr(safe, "_recoloured", lambda picture, rng: np.asarray(picture))
    detector, shares = SAFE(size=64, depths=(1, 1), width=8), []
    for seed in range(400):
        prepared = detector.prepare(white, np.random.default_rng(seed))
        cells = prepared.unfold(1, 16, 16).unfold(2, 16, 16).flatten(3)  # (3, 4, 4, 256)
        assert torch.equal(cells.amin(3), cells.amax(3))
        assert torch.equal(cells.amin(0), cells.amax(0))
        shares.append(1 - prepared.mean().item())
    assert max(shares) == pytest.approx(11 / 16, abs=1e-6)  # the ratio is below 0.75, cells are whole
    masked = np.array([share for share in shares if share > 0])
    # half of the pictures; a ratio below one cell in sixteen masks nothing
    assert len(masked) / 400 == pytest.approx(0.5 * (1 - 1 / 12), abs=0.07)
    assert masked.mean() == pytest.approx(6 / 16, abs=0.04)  # 1 to 11 cells are equally likely


def test_training_augments_and_evaluation_does_not(small, picture):
    draws = [small.prepare(picture, np.random.default_rng(seed)) for seed in range(8)]
    assert all(draw.shape == (3, 64, 64) and draw.min() >= 0 and draw.max() <= 1 for draw in draws)
    assert len({draw.sum().item() for draw in draws}) == 8
    assert torch.equal(draws[3], small.prepare(picture, np.random.default_rng(3)))


def test_loss_is_smoothed_cross_entropy_over_two_ways(small):
    batch, labels = torch.rand(4, 3, 32, 32), torch.tensor([0.0, 1.0, 1.0, 0.0])
    logits = small.eval()(batch)
    two_ways = torch.stack([torch.zeros(4), logits], dim=1)
    expected = torch.nn.CrossEntropyLoss(label_smoothing=0.1)(two_ways, labels.long())
    torch.testing.assert_close(small.loss(batch, labels), expected)


def test_has_the_papers_size():
    assert round(sum(p.numel() for p in SAFE().parameters()) / 1e6, 2) == 1.44


def test_an_odd_size_is_refused():
    with pytest.raises(UserError, match=r"safe: size 33 must be even"):
        SAFE(size=33)


@torch.no_grad()
def test_the_authors_weights_give_their_probabilities(tmp_path):
    """checkpoint/checkpoint-best.pth of github.com/Ouxiang-Li/SAFE: "model" holds models/resnet.py, two ways."""
    state = random_state(cut_resnet_shapes(2))
    torch.save({"model": state, "epoch": 3}, tmp_path / "checkpoint-best.pth")
    detector = SAFE(weights=str(tmp_path / "checkpoint-best.pth")).eval()
    pictures = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    pictures[1] *= 0.4
    planes = pictures.double().numpy()
    bands = [[high_pass(high_pass(plane).T).T for plane in one] for one in planes]
    resized = tv.resize(torch.tensor(np.array(bands)).float(), [32, 32], antialias=True)
    expected = cut_resnet(state, resized).log_softmax(1)
    assert (expected[0] - expected[1]).abs().max() > 0.1, "the pictures must make a difference"
    torch.testing.assert_close(detector(pictures), expected[:, 1] - expected[:, 0], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fc1.bias": None}, r"fc1\.bias missing"),
        ({"fc2.bias": torch.zeros(2)}, r"fc2\.bias left over"),
        ({"fc1.weight": torch.zeros(3, 512)}, r"fc1\.weight is \(3, 512\), ours is \(1, 512\)"),
    ],
)
def test_weights_that_do_not_fit_are_named(tmp_path, change, message):
    state = {key: value for key, value in {**random_state(cut_resnet_shapes(2)), **change}.items() if value is not None}
    torch.save({"model": state}, tmp_path / "m.pth")
    with pytest.raises(UserError, match=message):
        SAFE(weights=str(tmp_path / "m.pth"))
