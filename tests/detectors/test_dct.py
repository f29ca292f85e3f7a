"""The DCT baseline against scipy's transform."""

import numpy as np
import pytest
import scipy.fft
import torch

from redqueen.detectors.dct import DCT
from redqueen.errors import UserError


def log_magnitudes(pixels):
    """(H, W, 3) to (3, H, W), as the authors' code: orthonormal DCT-II on both axes, log(|c| + 1e-12)."""
    found = scipy.fft.dctn(pixels.astype(np.float64), axes=(0, 1), norm="ortho")
    return np.log(np.abs(found) + 1e-12).transpose(2, 0, 1)


@pytest.fixture(scope="module")
def picture():
    return np.random.default_rng(0).integers(0, 256, (40, 36, 3), dtype=np.uint8)


@pytest.mark.parametrize("size", [8, 12, 32])
def test_the_papers_features_are_one_a_coefficient(picture, size):
    detector = DCT(size, cells=None)
    found = detector.features(detector.prepare(picture)[None])[0].numpy()
    top, left = (40 - size) // 2, (36 - size) // 2
    expected = log_magnitudes(picture[top : top + size, left : left + size])
    assert detector.shape == found.shape == (3, size, size)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


def test_cells_are_means_of_squares(picture):
    detector = DCT(32, cells=8)
    found = detector.features(detector.prepare(picture)[None])[0].numpy()
    whole = log_magnitudes(picture[4:36, 2:34])
    assert detector.shape == found.shape == (3, 8, 8)
    for row in range(8):
        for column in range(8):
            square = whole[:, row * 4 : row * 4 + 4, column * 4 : column * 4 + 4]
            np.testing.assert_allclose(found[:, row, column], square.mean(axis=(1, 2)), rtol=1e-6, atol=1e-6)


def test_a_cosine_is_one_coefficient():
    size, frequency = 16, 5
    wave = 128 + 100 * np.cos(np.pi * frequency * (np.arange(size) + 0.5) / size)
    detector = DCT(size, cells=None)
    batch = torch.from_numpy(np.broadcast_to(wave[:, None], (3, size, size)).copy()).float()[None]
    found = detector.features(batch)[0, 0]
    assert set(map(tuple, (found > 0).nonzero().tolist())) == {(0, 0), (frequency, 0)}


def test_a_small_picture_is_continued():
    assert DCT(32, cells=8).prepare(np.zeros((5, 1, 3), np.uint8)).shape == (3, 32, 32)


def test_identity_says_what_features_depend_on():
    assert len({DCT(32, 8).identity, DCT(32, 16).identity, DCT(16, 8).identity, DCT(32, None).identity}) == 4


def test_cells_must_divide_the_size():
    with pytest.raises(UserError, match="cells 7 must divide size 32"):
        DCT(32, cells=7)
