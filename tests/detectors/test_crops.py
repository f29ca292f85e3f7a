"""Crops of pictures that are smaller than the crop: pixel by pixel against the rule."""

import numpy as np
import pytest
import torch
from torchvision.transforms.functional import center_crop

from redqueen.detectors.crops import black_crop, reflected_crop


def mirrored(place, length):
    """Where a place outside of 0 … length - 1 is reflected to; the border pixel itself is not repeated."""
    if length == 1:
        return 0
    place %= 2 * (length - 1)
    return min(place, 2 * (length - 1) - place)


def picture(height, width):
    return np.random.default_rng(0).integers(1, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 5), (3, 8), (5, 40), (7, 2), (16, 16), (20, 31)])
def test_a_small_picture_goes_on_by_reflection(height, width):
    pixels, size = picture(height, width), 16
    found = reflected_crop(pixels, size, None)
    assert found.shape == (size, size, 3)
    top, left = (-((size - side) // 2) if side < size else (side - size) // 2 for side in (height, width))
    for row in range(size):
        for column in range(size):
            expected = pixels[mirrored(top + row, height), mirrored(left + column, width)]
            assert (found[row, column] == expected).all()


@pytest.mark.parametrize(("height", "width"), [(1, 1), (4, 9), (6, 40), (17, 3), (18, 30)])
def test_a_black_border_is_torchvisions(height, width):
    pixels = picture(height, width)
    found = black_crop(pixels, 10, None)
    theirs = center_crop(torch.from_numpy(pixels).permute(2, 0, 1), [10, 10]).permute(1, 2, 0).numpy()
    if (height - 10) % 2 == (width - 10) % 2 == 0:  # of an odd rest they round, we take the smaller side
        np.testing.assert_array_equal(found, theirs)
    assert found.shape == (10, 10, 3)
    assert np.count_nonzero(found.any(axis=2)) == min(height, 10) * min(width, 10)


@pytest.mark.parametrize("crop", [reflected_crop, black_crop])
def test_a_large_picture_is_cropped_at_random(crop):
    pixels = picture(30, 40)
    places = set()
    windows = np.lib.stride_tricks.sliding_window_view(pixels, (16, 16), axis=(0, 1))
    for seed in range(40):
        found = crop(pixels, 16, np.random.default_rng(seed))
        hits = np.argwhere((windows == found.transpose(2, 0, 1)).all(axis=(2, 3, 4)))
        places.add(tuple(hits[0]))
    assert len(places) > 25
