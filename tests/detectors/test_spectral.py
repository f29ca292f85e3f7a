"""The spectral features against a loop over frequencies, and on pictures whose spectrum is known."""

import math

import numpy as np
import pytest
import torch

from redqueen.detectors.spectral import Spectral
from redqueen.errors import UserError


def radial_average(luma: np.ndarray) -> np.ndarray:
    """Mean log power of each ring, coefficient by coefficient."""
    size = len(luma)
    spectrum = np.fft.fft2(luma.astype(np.float64) - luma.mean()) / size
    rings: dict[int, list[float]] = {}
    for row in range(size):
        for column in range(size):
            v = row if row < size / 2 else row - size
            u = column if column < size / 2 else column - size
            rings.setdefault(round(math.hypot(u, v)), []).append(math.log(abs(spectrum[row, column]) ** 2 + 1e-8))
    return np.array([np.mean(rings[ring]) for ring in range(size // 2)])


@pytest.mark.parametrize("size", [8, 16, 30])
def test_features_are_the_radial_average(size):
    picture = np.random.default_rng(size).integers(0, 256, (size, size, 3), dtype=np.uint8)
    spectral = Spectral(size)
    luma = spectral.prepare(picture)
    by_hand = (picture.astype(np.float64) @ [0.299, 0.587, 0.114]) / 255  # BT.601
    np.testing.assert_allclose(luma.numpy(), by_hand, atol=1e-6)
    found = spectral.features(luma[None])[0].numpy()
    assert found.shape == (size // 2,)
    # the mean itself is removed, so ring 0 is the rounding error of a zero
    np.testing.assert_allclose(found[1:], radial_average(by_hand)[1:], atol=1e-3)


@pytest.mark.parametrize("radius", [1, 5, 11, 15])
@pytest.mark.parametrize("axis", [0, 1])
def test_a_wave_peaks_at_its_radius(radius, axis):
    size = 32
    wave = 0.5 + 0.4 * np.cos(2 * np.pi * radius * np.arange(size) / size)
    picture = np.broadcast_to(wave[:, None] if axis == 0 else wave[None], (size, size))
    found = Spectral(size).features(torch.tensor(np.array(picture), dtype=torch.float32)[None])[0]
    assert int(found.argmax()) == radius


def test_a_diagonal_wave_peaks_at_its_length():
    size = 32
    y, x = np.mgrid[:size, :size]
    picture = 0.5 + 0.4 * np.cos(2 * np.pi * (6 * x + 8 * y) / size)
    assert int(Spectral(size).features(torch.tensor(picture, dtype=torch.float32)[None])[0].argmax()) == 10


def test_brightness_leaves_no_trace():
    luma = torch.rand(1, 16, 16, generator=torch.Generator().manual_seed(0)) / 2
    spectral = Spectral(16)
    torch.testing.assert_close(spectral.features(luma)[:, 1:], spectral.features(luma + 0.4)[:, 1:], atol=1e-2, rtol=0)


def test_reads_the_centre_and_nothing_else():
    picture = np.random.default_rng(0).integers(0, 256, (40, 36, 3), dtype=np.uint8)
    framed = picture.copy()
    framed[:4] = framed[36:] = 0
    framed[:, :2] = framed[:, 34:] = 255
    assert torch.equal(Spectral(32).prepare(picture), Spectral(32).prepare(framed))


def test_a_picture_smaller_than_the_crop_is_an_error():
    with pytest.raises(UserError, match=r"20 x 31 pixels is smaller than its crop of 32"):
        Spectral(32).prepare(np.zeros((31, 20, 3), np.uint8))
