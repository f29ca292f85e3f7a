"""Every operation: seeded, pure, of the size it had; against Pillow, numpy and counted cases."""

from functools import partial

import numpy as np
import pytest
from hydra.utils import instantiate
from numpy.testing import assert_allclose, assert_array_equal
from omegaconf import OmegaConf
from PIL import Image

import stand_ins
from redqueen.errors import UserError
from redqueen.files import configs
from redqueen.perturbations.codecs import avif, double_jpeg, webp
from redqueen.perturbations.functional import Pixels, jpeg
from redqueen.perturbations.geometry import KERNELS, crop, resample, rotate, screenshot
from redqueen.perturbations.platforms import launder
from redqueen.perturbations.signal import blur, colour, grayscale, noise

OPERATIONS = {
    "jpeg": partial(jpeg, quality=60),
    "webp": partial(webp, quality=60),
    "avif": partial(avif, quality=60),
    "double_jpeg": partial(double_jpeg, first=60, second=80),
    "resample": partial(resample, factor=0.6),
    "screenshot": partial(screenshot, scale=1.17),
    "crop": partial(crop, share=0.7),
    "rotate": partial(rotate, degrees=7),
    "blur": partial(blur, sigma=1.5),
    "noise": partial(noise, sigma=0.05),
    "colour": partial(colour, brightness=0.4, contrast=0.4, saturation=0.4),
    "grayscale": grayscale,
    "launder": partial(launder, side=1000, quality=60),
}
RANDOM = ("double_jpeg", "screenshot", "crop", "noise", "colour")
IDENTITIES = {
    "resample": partial(resample, factor=1),
    "crop": partial(crop, share=1),
    "rotate": partial(rotate, degrees=0),
    "blur": partial(blur, sigma=0),
    "noise": partial(noise, sigma=0),
    "colour": colour,
}


@pytest.fixture
def pixels() -> Pixels:
    coarse = Image.fromarray(np.random.default_rng(0).integers(0, 256, (6, 7, 3), dtype=np.uint8))
    return np.asarray(coarse.resize((61, 45), Image.Resampling.BICUBIC))


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def psnr(first: Pixels, second: Pixels) -> float:
    return float(10 * np.log10(255**2 / np.mean((first.astype(float) - second) ** 2)))


@pytest.mark.parametrize("name", OPERATIONS)
def test_same_seed_same_bytes_and_the_input_stays(name: str, pixels: Pixels) -> None:
    operation, before = OPERATIONS[name], pixels.copy()
    made = operation(pixels, rng())
    assert (made.dtype, made.shape) == (np.uint8, pixels.shape)
    assert_array_equal(pixels, before)
    assert_array_equal(operation(pixels, rng()), made)
    assert not np.array_equal(made, pixels)
    others = [np.array_equal(operation(pixels, rng(seed)), made) for seed in range(1, 4)]
    assert all(others) == (name not in RANDOM)


@pytest.mark.parametrize("name", IDENTITIES)
def test_no_severity_no_change(name: str, pixels: Pixels) -> None:
    assert_array_equal(IDENTITIES[name](pixels, rng()), pixels)


@pytest.mark.parametrize(
    "severities",
    [
        [partial(jpeg, quality=quality) for quality in (95, 75, 50, 30, 10)],
        [partial(webp, quality=quality) for quality in (95, 75, 50, 20)],
        [partial(avif, quality=quality) for quality in (95, 75, 50, 20)],
        [partial(blur, sigma=sigma) for sigma in (0.5, 1, 2, 4)],
        [partial(noise, sigma=sigma) for sigma in (0.01, 0.03, 0.1, 0.3)],
        [partial(resample, factor=factor) for factor in (0.9, 0.5, 0.25, 0.1)],
    ],
    ids=["jpeg", "webp", "avif", "blur", "noise", "resample"],
)
def test_what_is_lost_grows_with_severity(severities: list, pixels: Pixels) -> None:
    quality = [psnr(operation(pixels, rng()), pixels) for operation in severities]
    assert all(worse < better for better, worse in zip(quality, quality[1:], strict=False)), quality


@pytest.mark.parametrize(
    ("operation", "message"),
    [
        (partial(jpeg, quality=101), "JPEG quality 101 is not allowed: give a number from 1 to 100"),
        (partial(jpeg, quality=50, subsampling="4:1:1"), "unknown chroma subsampling '4:1:1'"),
        (partial(webp, quality=-1), "WebP quality -1 is not allowed: give a number from 0 to 100"),
        (partial(avif, quality=101), "AVIF quality 101 is not allowed"),
        (partial(avif, quality=50, subsampling="4:1:1"), "unknown chroma subsampling '4:1:1'"),
        (partial(double_jpeg, first=0, second=50), "JPEG quality 0 is not allowed"),
        (partial(resample, factor=0), "factor 0 is not allowed: give a number from 0.05 to 8"),
        (partial(resample, factor=0.5, kernel="bicubc"), "unknown kernel 'bicubc'; did you mean 'bicubic'?"),
        (partial(screenshot, scale=float("nan")), "scale nan is not allowed"),
        (partial(crop, share=1.1), "share 1.1 is not allowed: give a number from 0.05 to 1"),
        (partial(rotate, degrees=90), "degrees 90 is not allowed: give a number from -45 to 45"),
        (partial(blur, sigma=-1), "sigma -1 is not allowed: give a number from 0 to 50"),
        (partial(noise, sigma=2), "sigma 2 is not allowed: give a number from 0 to 1"),
        (partial(colour, contrast=2), "contrast 2 is not allowed: give a number from 0 to 1"),
        (partial(launder, side=0, quality=50), "side 0 is not allowed: give a number from 16 to 65535"),
        (partial(launder, side=99, quality=50, codec="WEPB"), "unknown codec 'WEPB'; did you mean 'WEBP'?"),
        (
            partial(launder, side=99, quality=50, codec="WEBP", subsampling="4:4:4"),
            "chroma subsampling '4:4:4' is not allowed: WebP knows 4:2:0 alone",
        ),
    ],
)
def test_a_bad_parameter_is_named_in_one_line(operation, message: str, pixels: Pixels) -> None:
    with pytest.raises(UserError) as error:
        operation(pixels, rng())
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("operation", "form", "suffix"), [(webp, "WEBP", "webp"), (avif, "AVIF", "avif")])
def test_a_codec_is_what_a_file_would_give(operation, form: str, suffix: str, pixels: Pixels, tmp_path) -> None:
    path = tmp_path / f"x.{suffix}"
    Image.fromarray(pixels).save(path, quality=50)
    with Image.open(path) as saved:
        assert saved.format == form
        assert_array_equal(operation(pixels, rng(), 50), np.asarray(saved.convert("RGB")))


def test_the_grids_of_a_double_jpeg_differ(pixels: Pixels) -> None:
    """On one grid, a second JPEG of the same quality changes nearly nothing; on a shifted one it does."""
    once = jpeg(pixels, rng(), 50, "4:4:4")
    same_grid = jpeg(once, rng(), 50, "4:4:4")
    for seed in range(5):
        shifted = double_jpeg(pixels, rng(seed), 50, 50, "4:4:4")
        assert psnr(shifted, once) < psnr(same_grid, once) - 3


@pytest.mark.parametrize("kernel", KERNELS)
def test_resample_goes_there_and_back(kernel: str, pixels: Pixels) -> None:
    picture = Image.fromarray(pixels)
    filters = Image.Resampling[kernel.upper()]
    expected = picture.resize((46, 34), filters).resize((61, 45), filters)
    assert_array_equal(resample(pixels, rng(), 0.75, kernel), np.asarray(expected))


def test_nearest_and_box_twice_as_large_and_back_are_lossless(pixels: Pixels) -> None:
    for kernel in ("nearest", "box"):
        assert_array_equal(resample(pixels, rng(), 2, kernel), pixels)


def test_a_screenshot_shows_the_picture_within_a_pixel() -> None:
    ramp = np.repeat(np.arange(64, dtype=np.uint8)[None, :, None] * 3, 48, 0).repeat(3, 2)
    for seed in range(4):
        shown = screenshot(ramp, rng(seed), 1.37)
        assert np.abs(shown.astype(int) - ramp).max() <= 2 * 3


def test_a_crop_is_a_window_enlarged(pixels: Pixels) -> None:
    made = crop(pixels, rng(), 0.5)
    windows = [
        np.asarray(Image.fromarray(pixels).crop((x, y, x + 30, y + 22)).resize((61, 45), Image.Resampling.BICUBIC))
        for y in range(45 - 22 + 1)
        for x in range(61 - 30 + 1)
    ]
    assert sum(np.array_equal(made, window) for window in windows) == 1


def test_rotation_is_that_of_pillow_away_from_the_edge(pixels: Pixels) -> None:
    expected = np.asarray(Image.fromarray(pixels).rotate(10, Image.Resampling.BILINEAR))
    inside = (slice(12, -12), slice(12, -12))
    assert np.abs(rotate(pixels, rng(), 10)[inside].astype(int) - expected[inside]).max() <= 2
    assert (rotate(np.full_like(pixels, 200), rng(), 30) == 200).all(), "corners are filled by the picture"


def test_blur_is_a_convolution_with_a_gaussian() -> None:
    point = np.zeros((31, 31, 3), np.uint8)
    point[15, 15] = 255
    bell = np.exp(-0.5 * ((np.arange(31) - 15) / 1.5) ** 2)
    bell /= bell.sum()
    expected = 255 * np.outer(bell, bell)[..., None].repeat(3, 2)
    assert_allclose(blur(point, rng(), 1.5), expected, atol=0.6)


def test_noise_has_the_stated_deviation() -> None:
    grey = np.full((128, 128, 3), 128, np.uint8)
    added = noise(grey, rng(), 0.04).astype(float) - 128
    assert added.std() == pytest.approx(0.04 * 255, rel=0.02)
    assert abs(added.mean()) < 0.2
    assert abs(np.corrcoef(added[..., 0].ravel(), added[..., 1].ravel())[0, 1]) < 0.03


@pytest.mark.parametrize("what", ["brightness", "contrast", "saturation"])
def test_colour_mixes_with_black_the_mean_or_grey(what: str, pixels: Pixels) -> None:
    luma = pixels @ np.array([0.299, 0.587, 0.114])
    base = {"brightness": 0.0, "contrast": luma.round().mean(), "saturation": luma[..., None]}[what]
    order = ["brightness", "contrast", "saturation"].index(what)
    factor = 1 + 0.4 * (2 * rng().random(3)[order] - 1)
    expected = (base + factor * (pixels - base)).clip(0, 255)
    assert_allclose(colour(pixels, rng(), **{what: 0.4}), expected, atol=1.6)


def test_grayscale_is_the_luma_and_changes_no_grey(pixels: Pixels) -> None:
    grey = grayscale(pixels, rng())
    assert_allclose(grey, (pixels @ np.array([0.299, 0.587, 0.114]))[..., None].repeat(3, 2), atol=0.51)
    assert_array_equal(grayscale(grey, rng()), grey)


@pytest.mark.parametrize(("side", "size"), [(30, (30, 22)), (61, (61, 45)), (500, (61, 45))])
def test_laundering_caps_the_long_side_and_never_enlarges(side: int, size: tuple[int, int], pixels: Pixels) -> None:
    picture = Image.fromarray(pixels)
    small = np.asarray(picture.resize(size, Image.Resampling.LANCZOS))
    assert_array_equal(launder(pixels, rng(), side, 60), jpeg(small, rng(), 60))
    tall = np.ascontiguousarray(pixels.swapaxes(0, 1))
    assert launder(tall, rng(), side, 60).shape == (*size, 3)


@pytest.mark.parametrize(("codec", "operation"), [("WEBP", webp), ("AVIF", avif), ("JPEG", jpeg)])
def test_laundering_saves_with_the_codec(codec: str, operation, pixels: Pixels) -> None:
    assert_array_equal(launder(pixels, rng(), 99, 60, codec=codec), operation(pixels, rng(), 60))


@pytest.mark.parametrize("name", stand_ins.names("suite"))
@pytest.mark.parametrize("shape", [(32, 32), (33, 47)], ids=str)
def test_every_view_of_every_suite_runs_on_small_pictures(name: str, shape: tuple[int, int]) -> None:
    """All keep the size of pictures below the caps, and no two views are the same picture."""
    suite = instantiate(OmegaConf.load(configs() / "suite" / f"{name}.yaml"))
    picture = rng(1).integers(0, 256, (*shape, 3), dtype=np.uint8)
    made = [suite.apply(view, picture, "a") for view in suite.views]
    assert {view.shape for view in made} == {picture.shape}
    assert len({view.tobytes() for view in made}) == len(made)


def test_a_chain_of_platforms_is_its_platforms_in_turn() -> None:
    suite = instantiate(OmegaConf.load(configs() / "suite" / "platforms.yaml"))
    picture = rng(1).integers(0, 256, (40, 1300, 3), dtype=np.uint8)
    chains = [view for view in suite.views if "_" in view]
    assert len(chains) == 3
    for chain in chains:
        expected = picture
        for platform in chain.split("_"):
            expected = suite.apply(platform, expected, "a")
        assert_array_equal(suite.apply(chain, picture, "a"), expected)
