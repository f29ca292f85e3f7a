"""Traces of compression: there where a picture was compressed, and gone once it was shrunk."""

import io

import numpy as np
import pytest
from PIL import Image

from redqueen.corpus.jpeg_traces import OFF_GRID, ON_GRID, QUALITIES, SMALLEST, WIDTH, history, traces


def texture(number, noise=1.0, side=160):
    """Detail of all sizes, none of which repeats every 8 pixels; never compressed. `noise` is of single pixels."""
    rng = np.random.default_rng(number)
    layers = [
        np.asarray(Image.fromarray(rng.normal(128, 60, (n, n)).clip(0, 255).astype(np.uint8)).resize((side, side)))
        for n in (5, 19, 53, side)
    ]
    return Image.fromarray(np.average(layers, axis=0, weights=(1, 1, 1, noise)).astype(np.uint8))


def saved(picture, quality):
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return Image.open(io.BytesIO(buffer.getvalue())).convert("L")


def seen(pictures):
    return np.mean([traces(np.asarray(picture)) for picture in pictures], axis=0)


@pytest.fixture(scope="module")
def pictures():
    return [texture(number) for number in range(6)]


def test_never_compressed_shows_nothing(pictures):
    found = seen(pictures)
    assert found.shape == (WIDTH,)
    assert abs(found[0]) < 0.05
    assert np.abs(found[9:]).max() < 0.1


@pytest.mark.parametrize("quality", [60, 75, 90])
def test_a_saving_shows_its_quality(pictures, quality):
    strength = seen([saved(picture, quality) for picture in pictures])[ON_GRID]
    assert QUALITIES[int(np.argmax(strength))] == quality
    assert strength.max() > 0.3


def test_the_coarser_a_saving_the_more_its_grid_shows_and_under_noise_a_fine_one_does_not(pictures):
    smooth = [texture(number, noise=0.05) for number in range(6)]
    calm = [seen(smooth)[0], *(seen([saved(picture, q) for picture in smooth])[0] for q in (90, 75, 60))]
    assert np.all(np.diff(calm) > 0.05)
    noisy = [seen([saved(picture, q) for picture in pictures])[0] for q in (90, 60)]
    assert abs(noisy[0]) < 0.05
    assert noisy[1] > 0.2


def test_an_earlier_saving_still_shows_after_a_finer_one(pictures):
    at = QUALITIES.index(75)
    once = seen([saved(picture, 90) for picture in pictures])[ON_GRID][at]
    twice = seen([saved(saved(picture, 75), 90) for picture in pictures])[ON_GRID][at]
    assert twice > once + 0.2


def test_a_cropped_jpeg_shows_off_the_grid(pictures):
    cropped = seen([saved(picture, 60).crop((3, 5, 155, 157)) for picture in pictures])
    whole = seen([saved(picture, 60) for picture in pictures])
    assert cropped[0] < whole[0] / 2
    assert cropped[OFF_GRID].max() > 0.3
    assert cropped[ON_GRID].max() < 0.1


def of_history(pictures, last=90):
    again = [saved(picture.crop((5, 3, 160, 160)), 90) for picture in pictures]
    ways = [np.stack([traces(np.asarray(picture)) for picture in some]) for some in (pictures, again)]
    return history(*ways, last).mean(axis=0)


def test_history_is_what_goes_when_the_grid_moves(pictures):
    never = of_history([saved(picture, 90) for picture in pictures])
    smooth = of_history([saved(texture(number, noise=0.05), 90) for number in range(6)])
    earlier = of_history([saved(saved(picture, 75), 90) for picture in pictures])
    assert np.abs(never).max() < 0.1
    assert np.abs(smooth).max() < 0.1
    assert earlier.max() > 0.5


@pytest.mark.parametrize(
    ("last", "kept"), [(None, QUALITIES), (90, (50, 60, 65, 70, 75, 85)), (75, (60, 65, 70)), (50, ()), (30, ())]
)
def test_history_leaves_out_what_the_last_saving_imitates(last, kept):
    as_is, shifted = np.zeros((2, WIDTH)), np.zeros((2, WIDTH))
    as_is[:, ON_GRID] = as_is[:, OFF_GRID] = QUALITIES
    assert history(as_is, shifted, last)[0].tolist() == [*kept, *kept]


@pytest.mark.parametrize("shape", [(1, 1), (SMALLEST - 1, 100), (SMALLEST, SMALLEST), (33, 47), (64, 200)])
def test_any_size_and_any_content(shape):
    for fill in (0, 255):
        assert np.isfinite(traces(np.full(shape, fill, np.uint8))).all()
    noise = traces(np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8))
    assert noise.shape == (WIDTH,)
    assert noise.any() == (min(shape) >= SMALLEST)
