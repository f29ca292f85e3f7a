"""Operations against Pillow itself, by way of a file."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, JpegImagePlugin

from redqueen.perturbations.functional import Pixels, jpeg


@pytest.fixture
def pixels() -> Pixels:
    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(0, 256, (5, 7, 3), dtype=np.uint8))
    return np.asarray(coarse.resize((61, 45), Image.Resampling.BICUBIC))


@pytest.mark.parametrize(("subsampling", "code"), [("4:4:4", 0), ("4:2:2", 1), ("4:2:0", 2)])
@pytest.mark.parametrize("quality", [1, 30, 75, 95, 100])
def test_jpeg_is_what_a_file_would_give(
    quality: int, subsampling: str, code: int, pixels: Pixels, tmp_path: Path
) -> None:
    Image.fromarray(pixels).save(tmp_path / "x.jpg", quality=quality, subsampling=code)
    with Image.open(tmp_path / "x.jpg") as saved:
        assert JpegImagePlugin.get_sampling(saved) == code
        expected = np.asarray(saved.convert("RGB"))
    found = jpeg(pixels, np.random.default_rng(0), quality, subsampling)
    assert (found.dtype, found.shape) == (np.uint8, pixels.shape)
    np.testing.assert_array_equal(found, expected)


def test_jpeg_is_4_2_0_unless_said(pixels: Pixels) -> None:
    rng = np.random.default_rng(0)
    np.testing.assert_array_equal(jpeg(pixels, rng, 80), jpeg(pixels, rng, 80, "4:2:0"))
    assert not np.array_equal(jpeg(pixels, rng, 80), jpeg(pixels, rng, 80, "4:4:4"))


def test_jpeg_loses_more_at_a_lower_quality_and_uses_no_randomness(pixels: Pixels) -> None:
    rng = np.random.default_rng(0)
    state = rng.bit_generator.state
    losses = [np.abs(jpeg(pixels, rng, quality).astype(int) - pixels).mean() for quality in (95, 75, 50, 20, 5)]
    assert losses == sorted(losses)
    assert rng.bit_generator.state == state
