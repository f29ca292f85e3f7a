"""The SRM filters against kernels written out from the paper, and as high-pass filters against scipy."""

import numpy as np
import pytest
import scipy.ndimage
import torch

from redqueen.detectors.srm import filtered, filters

KB = [[-1, 2, -1], [2, -4, 2], [-1, 2, -1]]
KV = [[-1, 2, -2, 2, -1], [2, -6, 8, -6, 2], [-2, 8, -12, 8, -2], [2, -6, 8, -6, 2], [-1, 2, -2, 2, -1]]
KNOWN = {  # place in the published order: integer kernel, divisor
    0: ([[1, 0, 0], [0, -1, 0], [0, 0, 0]], 1),
    3: ([[0, 0, 0], [1, -1, 0], [0, 0, 0]], 1),
    4: ([[0, 0, 0], [0, -1, 1], [0, 0, 0]], 1),
    7: ([[0, 0, 0], [0, -1, 0], [0, 0, 1]], 1),
    8: ([[1, 0, 0], [0, -2, 0], [0, 0, 1]], 2),
    9: ([[0, 1, 0], [0, -2, 0], [0, 1, 0]], 2),
    11: ([[0, 0, 0], [1, -2, 1], [0, 0, 0]], 2),
    12: ([[-1, 0, 0, 0, 0], [0, 3, 0, 0, 0], [0, 0, -3, 0, 0], [0, 0, 0, 1, 0], [0, 0, 0, 0, 0]], 3),
    15: ([[0] * 5, [0] * 5, [0, 1, -3, 3, -1], [0] * 5, [0] * 5], 3),
    16: ([[0, 0, 0, 0, 0], [0, 1, 0, 0, 0], [0, 0, -3, 0, 0], [0, 0, 0, 3, 0], [0, 0, 0, 0, -1]], 3),
    19: ([[0] * 5, [0] * 5, [-1, 3, -3, 1, 0], [0] * 5, [0] * 5], 3),
    20: ([[-1, 2, -1], [2, -4, 2], [0, 0, 0]], 4),
    21: ([[0, 2, -1], [0, -4, 2], [0, 2, -1]], 4),
    23: ([[-1, 2, 0], [2, -4, 0], [-1, 2, 0]], 4),
    24: ([*KV[:3], [0] * 5, [0] * 5], 12),
    25: ([[0, 0, *row[2:]] for row in KV], 12),
    26: ([[0] * 5, [0] * 5, *KV[2:]], 12),
    28: (KB, 4),
    29: (KV, 12),
}
CLASSES = {"first": range(8), "second": range(8, 12), "third": range(12, 20), "edge 3": range(20, 24)}
CLASSES |= {"edge 5": range(24, 28), "square 3": range(28, 29), "square 5": range(29, 30)}


@pytest.mark.parametrize("place", KNOWN)
def test_known_kernels_stand_in_the_published_order(place):
    kernel, divisor = np.array(KNOWN[place][0], float), KNOWN[place][1]
    if len(kernel) == 3:
        kernel = np.pad(kernel, 1)
    np.testing.assert_allclose(filters()[place].numpy(), kernel / divisor, atol=1e-7)


def test_there_are_thirty_and_none_twice():
    assert filters().shape == (30, 5, 5)
    assert len(filters().unique(dim=0)) == 30


def test_what_does_not_change_leaves_nothing():
    assert filters().sum(dim=(1, 2)).abs().max() < 1e-6
    assert torch.allclose(filters()[:, 2, 2], torch.tensor(-1.0))


@pytest.mark.parametrize("kind", CLASSES)
def test_a_class_turned_by_a_quarter_is_itself(kind):
    kernels = [filters()[place] for place in CLASSES[kind]]
    for kernel in kernels:
        assert any(torch.allclose(kernel.rot90(), other) for other in kernels)


def test_second_order_leaves_nothing_of_a_slope_and_third_order_nothing_of_a_parabola():
    y, x = torch.meshgrid(torch.arange(-2.0, 3.0), torch.arange(-2.0, 3.0), indexing="ij")
    for slope in (x, y, x + y):
        assert (filters()[8:] * slope).sum(dim=(1, 2)).abs().max() < 1e-5
    for parabola in (x**2, y**2, x * y):
        assert (filters()[12:20] * parabola).sum(dim=(1, 2)).abs().max() < 1e-5


def test_convolution_is_scipys():
    picture = np.random.default_rng(0).normal(size=(11, 14))
    found = torch.nn.functional.conv2d(torch.tensor(picture)[None, None], filters().double()[:, None], padding=2)[0]
    for kernel, residual in zip(filters().numpy(), found.numpy(), strict=True):
        expected = scipy.ndimage.correlate(picture, kernel.astype(float), mode="constant")
        np.testing.assert_allclose(residual, expected, atol=1e-6)


def test_noise_is_measured_in_float32_whatever_the_precision():
    rng = np.random.default_rng(0)
    smooth = torch.from_numpy(0.7 + 0.001 * rng.random((2, 1, 16, 16), np.float32))
    bank = filters()[:, None]
    with torch.autocast("cpu", torch.bfloat16):
        found = filtered(smooth, bank)
    assert found.dtype == torch.float32
    assert torch.equal(found, torch.nn.functional.conv2d(smooth, bank, padding=2))
