"""FreqNet: its high-pass and its spectral convolutions against discrete Fourier transforms written as matrices."""

import numpy as np
import pytest
import torch
from torch.nn.functional import conv2d

from published_resnet import random_state, stage, stage_shapes
from redqueen.detectors.freqnet import MEAN, STD, FreqNet, high_frequencies
from redqueen.errors import UserError


def fourier(length):
    """Frequencies, and the unitary matrix whose rows are their waves."""
    frequency = np.arange(length) - length // 2
    return frequency, np.exp(-2j * np.pi * np.outer(frequency, np.arange(length)) / length) / np.sqrt(length)


def high_pass(plane):
    """(H, W) without frequencies of which both lie in -N / 4 … N / 4 - 1: section "High-Frequency Representation"."""
    (v, down), (u, across) = (fourier(length) for length in plane.shape)
    spectrum = down @ plane @ across.T
    cut = [(f >= -(len(f) // 4)) & (f < len(f) // 4) for f in (v, u)]
    spectrum[np.outer(*cut)] = 0
    return (down.conj().T @ spectrum @ across.conj()).real


def high_pass_channels(block):
    """(C, H, W) without the low frequencies along its channels."""
    frequency, matrix = fourier(len(block))
    spectrum = np.tensordot(matrix, block, 1)
    spectrum[(frequency >= -(len(block) // 4)) & (frequency < len(block) // 4)] = 0
    return np.tensordot(matrix.conj().T, spectrum, 1).real


@pytest.mark.parametrize("shape", [(8, 8), (12, 20), (9, 14)])
def test_high_pass_over_space(shape):
    planes = np.random.default_rng(0).normal(size=(2, 3, *shape))
    found = high_frequencies(torch.from_numpy(planes), (-2, -1)).numpy()
    expected = [[high_pass(plane) for plane in one] for one in planes]
    np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("channels", [8, 12])
def test_high_pass_over_channels(channels):
    batch = np.random.default_rng(0).normal(size=(2, channels, 3, 5))
    found = high_frequencies(torch.from_numpy(batch), (1,)).numpy()
    np.testing.assert_allclose(found, [high_pass_channels(block) for block in batch], atol=1e-12)


@pytest.mark.parametrize(("frequency", "stays"), [(0, False), (3, False), (7, False), (9, True), (15, True)])
def test_slow_waves_go_and_fast_ones_stay(frequency, stays):
    wave = torch.cos(2 * torch.pi * frequency * torch.arange(32, dtype=torch.float64) / 32).expand(1, 1, 32, 32)
    found = high_frequencies(wave, (-2, -1))
    torch.testing.assert_close(found, wave if stays else torch.zeros_like(wave), atol=1e-12, rtol=0)


def mixed(block, real, imaginary):
    """(C, H, W): spectrum, its two parts each mixed over channels, and back."""
    (_, down), (_, across) = (fourier(length) for length in block.shape[1:])
    spectrum = down @ block @ across.T  # (C, H, W)
    spectrum = np.tensordot(real, spectrum.real, 1) + 1j * np.tensordot(imaginary, spectrum.imag, 1)
    return (down.conj().T @ spectrum @ across.conj()).real


def relu(values):
    return np.maximum(values, 0)


def frequency_block(state, number, hidden, stride):
    """HFR over space, 1 x 1 convolution, HFR over channels in the first two blocks, frequency convolution."""
    weight, bias = state[f"weight{number}"].double(), state[f"bias{number}"].double()
    parts = [state[f"{part}conv{number}.weight"][:, :, 0, 0].double().numpy() for part in ("real", "imag")]
    results = []
    for block in hidden:
        high = torch.tensor(relu(np.array([high_pass(plane) for plane in block])))
        found = relu(conv2d(high[None], weight, bias, stride=stride)[0].numpy())
        found = relu(high_pass_channels(found)) if number <= 2 else found
        results.append(relu(mixed(found, *parts)))
    return np.array(results)


def published():
    """Names and shapes of networks/freqnet.py, github.com/chuangchuangtan/FreqNet-DeepfakeDetection."""
    shapes = {"fc1.weight": (1, 512), "fc1.bias": (1,)}
    for number, (inputs, outputs) in enumerate([(3, 64), (64, 64), (256, 256), (256, 256)], 1):
        shapes[f"weight{number}"], shapes[f"bias{number}"] = (outputs, inputs, 1, 1), (outputs,)
        for part in ("real", "imag"):
            shapes[f"{part}conv{number}.weight"] = (outputs, outputs, 1, 1)
    return random_state(shapes | stage_shapes("layer1", 64, 64, 3) | stage_shapes("layer2", 256, 128, 4))


def logits(state, pictures):
    hidden = pictures.double().numpy()
    for number, stride in ((1, 1), (2, 2)):
        hidden = frequency_block(state, number, hidden, stride)
    pooled = torch.nn.functional.max_pool2d(torch.tensor(hidden).float(), 3, 2, 1)
    hidden = stage(state, "layer1", pooled, 3, 1).double().numpy()
    for number, stride in ((3, 1), (4, 2)):
        hidden = frequency_block(state, number, hidden, stride)
    found = stage(state, "layer2", torch.tensor(hidden).float(), 4, 2).mean((2, 3))
    return (found @ state["fc1.weight"].T + state["fc1.bias"]).squeeze(1)


@torch.no_grad()
def test_the_authors_weights_give_the_logits_of_the_formula(tmp_path):
    state = published()
    torch.save(state, tmp_path / "freqnet.pth")
    detector = FreqNet(weights=str(tmp_path / "freqnet.pth")).eval()
    pictures = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    pictures[1] *= 0.4
    expected = logits(state, pictures)
    assert (expected[0] - expected[1]).abs() > 0.05, "the pictures must make a difference"
    torch.testing.assert_close(detector(pictures), expected, rtol=2e-4, atol=2e-4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"imagconv3.weight": None}, r"imagconv3\.weight missing"),
        ({"weight5": torch.zeros(1)}, r"weight5 left over"),
        ({"weight1": torch.zeros(64, 1, 1, 1)}, r"weight1 is \(64, 1, 1, 1\), ours is \(64, 3, 1, 1\)"),
    ],
)
def test_weights_that_do_not_fit_are_named(tmp_path, change, message):
    state = {key: value for key, value in {**published(), **change}.items() if value is not None}
    torch.save(state, tmp_path / "m.pth")
    with pytest.raises(UserError, match=message):
        FreqNet(weights=str(tmp_path / "m.pth"))


def test_has_the_papers_size():
    """The paper's comparison of costs: 1.9 M parameters."""
    assert round(sum(p.numel() for p in FreqNet().parameters()) / 1e6, 1) == 1.9


def test_takes_pixels_as_they_are():
    picture = np.random.default_rng(1).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    prepared = FreqNet(size=32, depths=(1, 1), width=8).prepare(picture)
    values = prepared * torch.tensor(STD)[:, None, None] + torch.tensor(MEAN)[:, None, None]
    pixels = (values * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
    np.testing.assert_array_equal(pixels, picture[8:40, 16:48])


def test_training_crops_at_random_and_mirrors():
    picture = np.random.default_rng(1).integers(0, 256, (20, 24, 3), dtype=np.uint8)
    detector = FreqNet(size=32, train_size=16, depths=(1, 1), width=8)
    draws = [detector.prepare(picture, np.random.default_rng(seed)) for seed in range(60)]
    assert {tuple(draw.shape) for draw in draws} == {(3, 16, 16)}
    corners = {draw[0, 0, 0].item() for draw in draws} | {draw[0, 0, -1].item() for draw in draws}
    assert len({round(draw.sum().item(), 2) for draw in draws}) > 25  # of 5 x 9 places
    assert len(corners) > 30
