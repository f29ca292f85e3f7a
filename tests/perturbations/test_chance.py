"""Operations that happen by chance, and AI-GenBench's pipeline made of them."""

from functools import partial

import numpy as np
import pytest
from hydra.utils import instantiate
from numpy.testing import assert_array_equal
from omegaconf import OmegaConf

from redqueen.errors import UserError
from redqueen.files import configs
from redqueen.perturbations import chance, functional, signal
from redqueen.perturbations.chance import crop_if_large, jpeg_between, noise_between, one_of, sometimes, square_crop
from redqueen.perturbations.functional import Pixels, jpeg

COUNT = 400


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def ramp(height: int = 24, width: int = 32) -> Pixels:
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([x * 7 % 256, y * 9 % 256, (x + y) % 256], axis=2).astype(np.uint8)


def test_sometimes_is_as_often_as_it_says_and_the_rest_untouched() -> None:
    made = [sometimes(ramp(), rng(seed), lambda pixels, _: 255 - pixels, 0.3) for seed in range(COUNT)]
    changed = [not np.array_equal(one, ramp()) for one in made]
    assert sum(changed) / COUNT == pytest.approx(0.3, abs=4 * (0.21 / COUNT) ** 0.5)
    assert_array_equal(made[changed.index(True)], 255 - ramp())


def test_one_of_takes_each_alike() -> None:
    found = [
        int(one_of(ramp(), rng(seed), [lambda p, _: p * 0, lambda p, _: p * 0 + 1]).max()) for seed in range(COUNT)
    ]
    assert set(found) == {0, 1}
    assert sum(found) / COUNT == pytest.approx(0.5, abs=4 * 0.5 / COUNT**0.5)


def test_every_quality_between_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    monkeypatch.setattr(chance, "jpeg", lambda pixels, rng, quality: seen.append(quality) or pixels)
    for seed in range(COUNT):
        jpeg_between(ramp(), rng(seed), 90, 94)
    assert set(seen) == {90, 91, 92, 93, 94}


def test_noise_between_has_a_deviation_between() -> None:
    grey = np.full((64, 64, 3), 128, np.uint8)
    found = [noise_between(grey, rng(seed), 0.02, 0.06).std() / 255 for seed in range(40)]
    assert 0.019 < min(found) < 0.026 and 0.054 < max(found) < 0.062


def test_a_large_picture_is_cropped_in_the_middle_or_anywhere_and_a_small_one_never() -> None:
    pixels = ramp(20, 90)
    assert_array_equal(crop_if_large(pixels, rng(), 30), pixels[:, 30:60])
    places = {int(crop_if_large(pixels, rng(seed), 88, False)[0, 0, 0]) // 7 for seed in range(60)}
    assert places == {0, 1, 2}
    assert_array_equal(crop_if_large(pixels, rng(), 90, False), pixels)


def test_a_square_crop_is_square_of_a_side_that_is_drawn_and_keeps_the_area_it_says() -> None:
    sides = {square_crop(ramp(), rng(seed), (5, 7), 0.5, 1.1).shape for seed in range(40)}
    assert sides == {(side, side, 3) for side in (5, 6, 7)}
    for seed in range(100):
        top, left, tall, wide = chance.window(60, 50, rng(seed), 0.5, 1.25)
        assert 0 <= top <= 60 - tall and 0 <= left <= 50 - wide
        assert tall * wide > 0.48 * 60 * 50 and 1 / 1.3 < wide / tall < 1.3


def test_quality_101_which_ai_genbench_draws_is_quality_100_to_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Our own jpeg refuses it; past that check Pillow, and libjpeg below it, make the same picture of both."""
    monkeypatch.setattr(functional, "check_range", lambda *_: None)
    assert_array_equal(jpeg(ramp(), rng(), 101), jpeg(ramp(), rng(), 100))
    assert not np.array_equal(jpeg(ramp(), rng(), 99), jpeg(ramp(), rng(), 100))


@pytest.mark.parametrize("name", ["ai_genbench", "ai_genbench_mended"])
def test_ai_genbenchs_steps_happen_in_their_order_as_often_as_published(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the paper's pipeline: grey 0.1, JPEG 0.5, noise 0.3, JPEG 0.2, crop to a square 0.25, JPEG 0.1."""
    done: list[str] = []
    qualities: list[int] = []

    def record(what: str):
        def operation(pixels: Pixels, rng: np.random.Generator, *given: object, **named: object) -> Pixels:
            done.append(what)
            qualities.extend([given[0]] if what == "jpeg" and given else [named["quality"]] if what == "jpeg" else [])
            return pixels

        return operation

    monkeypatch.setattr(signal, "grayscale", record("grey"))
    monkeypatch.setattr(functional, "jpeg", record("jpeg"))
    monkeypatch.setattr(chance, "jpeg", record("jpeg"))
    monkeypatch.setattr(chance, "noise_between", record("noise"))
    monkeypatch.setattr(chance, "square_crop", record("square"))
    suite = instantiate(OmegaConf.load(configs() / "suite" / f"{name}.yaml"))
    runs = []
    for number in range(COUNT):
        done.clear()
        suite.apply("pipeline", ramp(), str(number))
        runs.append(list(done))
    order = ["grey", "jpeg", "noise", "jpeg", "square", "jpeg"]
    for run in runs:
        rest = iter(order)
        assert all(step in rest for step in run), run
    for what, expected in {"grey": 0.1, "jpeg": 0.8, "noise": 0.3, "square": 0.25}.items():
        assert sum(run.count(what) for run in runs) / COUNT == pytest.approx(expected, abs=0.12)
    assert (set(qualities) == {50, 100}) == (name == "ai_genbench")
    assert min(qualities) == 50 and len(set(qualities)) > 2 or name == "ai_genbench"


def test_ai_genbenchs_squares_are_of_256_to_512_pixels() -> None:
    suite = instantiate(OmegaConf.load(configs() / "suite" / "ai_genbench.yaml"))
    shapes = {suite.apply("pipeline", ramp(), str(number)).shape for number in range(40)} - {ramp().shape}
    assert len(shapes) > 3
    assert all(height == width and 256 <= height <= 512 for height, width, _ in shapes)


@pytest.mark.parametrize(
    ("operation", "message"),
    [
        (partial(sometimes, operation=signal.grayscale, p=1.5), "probability 1.5 is not allowed"),
        (partial(one_of, operations=[]), "operations [] is not allowed: give at least one"),
        (partial(jpeg_between, low=101, high=101), "JPEG quality 101 is not allowed"),
        (partial(crop_if_large, side=3), "side 3 is not allowed"),
        (partial(square_crop, sides=(5, 7), least=0, ratio=1.1), "least 0 is not allowed"),
        (partial(square_crop, sides=(5, 7), least=0.5, ratio=1.1, kernels=["cubic"]), "unknown kernel 'cubic'"),
    ],
)
def test_a_bad_parameter_is_named(operation, message: str) -> None:
    with pytest.raises(UserError) as error:
        operation(ramp(), rng())
    assert str(error.value).startswith(message)
