"""Augmentations: pure, seeded, and what their papers say, checked against torchvision, Pillow and scipy."""

import io

import numpy as np
import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from PIL import Image
from scipy.ndimage import gaussian_filter
from torchvision.transforms import v2

import stand_ins
from redqueen.errors import UserError
from redqueen.files import configs
from redqueen.training import augment
from redqueen.training.augment import AIGenBench, BlurJpeg, Untouched

every = pytest.mark.parametrize("name", stand_ins.names("augment"))


def made(name):
    files = {"augment": f"augment/{name}.yaml", "suite": "suite/basic.yaml"}
    return instantiate(OmegaConf.create({key: OmegaConf.load(configs() / path) for key, path in files.items()}).augment)


def rng(seed=0):
    return np.random.default_rng(seed)


def smooth(height=40, width=56):
    """A picture with colours and edges."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([x * 4 % 256, y * 5 % 256, (x + y) * 2 % 256], axis=2).astype(np.uint8)


@every
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (40, 56), (200, 90)])
def test_any_picture_becomes_a_picture_and_stays_as_it_was(name, size):
    pixels = smooth(*size)
    before = pixels.copy()
    pixels.flags.writeable = False
    for seed in range(20):
        found = made(name)(pixels, rng(seed))
        assert (found.dtype, found.ndim, found.shape[2]) == (np.uint8, 3, 3)
        assert min(found.shape) >= 1
        np.testing.assert_array_equal(found, made(name)(pixels, rng(seed)))
    np.testing.assert_array_equal(pixels, before)


@every
def test_is_named_by_its_settings(name):
    assert repr(made(name)) == repr(made(name))
    assert repr(made(name)).endswith(")")
    assert " at 0x" not in repr(made(name))


def test_each_name_is_another():
    assert len({repr(made(name)) for name in stand_ins.names("augment")}) == len(stand_ins.names("augment")) == 4


def test_untouched_draws_nothing():
    generator = rng()
    pixels = smooth()
    assert Untouched()(pixels, generator) is pixels
    assert generator.random() == rng().random()


def test_blur_is_scipys_on_each_channel():
    pixels, generator = smooth(), rng(3)
    found = BlurJpeg(blur=1.0, compression=0.0)(pixels, generator)
    reference = rng(3)
    reference.random()
    sigma = reference.uniform(0.0, 3.0)
    for channel in range(3):
        np.testing.assert_array_equal(found[..., channel], gaussian_filter(pixels[..., channel], sigma))


def test_compression_is_pillows():
    pixels = smooth()
    qualities = set()
    for seed in range(300):
        reference = rng(seed)
        reference.random(2)
        quality = int(reference.integers(30, 101))
        qualities.add(quality)
        if seed < 5:
            buffer = io.BytesIO()
            Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
            expected = np.asarray(Image.open(buffer))
            np.testing.assert_array_equal(BlurJpeg(blur=0.0, compression=1.0)(pixels, rng(seed)), expected)
    assert {30, 100} <= qualities <= set(range(30, 101))


@pytest.mark.parametrize(("blur", "compression"), [(0.5, 0.5), (0.1, 0.1), (0.0, 1.0)])
def test_how_often_each_happens(blur, compression):
    pixels = stand_ins.human_pixels(0, 16)
    chain = BlurJpeg(blur, compression, sigma=(2.0, 3.0), quality=(30, 60))
    generator = rng(7)
    changed = np.mean([not np.array_equal(chain(pixels, generator), pixels) for _ in range(400)])
    assert changed == pytest.approx(1 - (1 - blur) * (1 - compression), abs=0.08)


@pytest.mark.parametrize(
    "wrong", [{"blur": 1.1}, {"compression": -0.1}, {"sigma": (2.0, 1.0)}, {"quality": (0, 50)}, {"quality": (60, 50)}]
)
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(UserError, match=f"augment.{next(iter(wrong))}"):
        BlurJpeg(**wrong)


def test_the_chain_of_ai_genbench_is_the_published_one():
    """Order and probabilities of make_baseline_train_aug in MI-BioLab/AI-GenBench."""
    published = [
        (0.2, "resized_crop"),
        (0.8, "colour_jitter"),
        (0.2, "greyscale"),
        (0.2, "cutout"),
        (0.2, "noise"),
        (0.5, "_blur"),
        (0.5, "_compress"),
        (1.0, "_turn"),
        (0.5, "_mirror"),
    ]
    assert [(probability, step.__name__) for probability, step in augment._AI_GENBENCH] == published
    sizes = [AIGenBench()(smooth(64, 80), rng(seed)).shape[:2] for seed in range(300)]
    assert np.mean([size == (256, 256) for size in sizes]) == pytest.approx(0.2, abs=0.07)
    assert set(sizes) == {(256, 256), (64, 80), (80, 64)}


def test_resized_crop_has_torchvisions_distribution():
    """Area and aspect of the crop, found from a picture whose channels are its coordinates."""
    height, width = 200, 150
    y, x = np.mgrid[0:height, 0:width]
    pixels = np.stack([x, y, np.zeros_like(x)], axis=2).astype(np.uint8)
    boxes = []
    for seed in range(400):
        found = augment.resized_crop(pixels, rng(seed), size=64).astype(float)
        assert found.shape == (64, 64, 3)
        spans = [np.ptp(np.median(found[..., channel], axis=1 - axis)) for channel, axis in ((0, 1), (1, 0))]
        boxes.append([span * 64 / 63 + 1 for span in spans])
    torch.manual_seed(0)
    theirs = [v2.RandomResizedCrop(64).make_params([torch.zeros(3, height, width)]) for _ in range(400)]
    ours, theirs = np.asarray(boxes), np.asarray([[one["width"], one["height"]] for one in theirs])
    for function in (np.mean, np.std, np.min, np.max):
        assert function(ours.prod(1)) == pytest.approx(function(theirs.prod(1)), rel=0.15)
        assert function(ours[:, 0] / ours[:, 1]) == pytest.approx(function(theirs[:, 0] / theirs[:, 1]), rel=0.12)


def test_a_long_picture_falls_back_to_its_centre():
    pixels = np.repeat(np.arange(200, dtype=np.uint8)[:, None, None], 3, axis=2).repeat(2, axis=1)  # 200 high, 2 wide
    found = augment.resized_crop(pixels, rng(), size=8, least=1.0)
    assert found.min() >= 97
    assert found.max() <= 102


def test_colour_jitter_keeps_grey_grey_and_brightness_in_bounds():
    grey = np.full((8, 8, 3), 100, np.uint8)
    means = []
    for seed in range(200):
        found = augment.colour_jitter(grey, rng(seed)).astype(int)
        assert np.ptp(found) <= 1
        means.append(found.mean())
    assert 59 <= min(means) < 65
    assert 135 < max(means) <= 141


def test_colour_jitter_is_torchvisions_steps():
    pixels, seed = smooth(), 5
    generator = rng(seed)
    factors, turn, order = generator.uniform(0.6, 1.4, 3), generator.uniform(-0.1, 0.1), generator.permutation(4)
    picture = Image.fromarray(pixels)
    steps = [
        lambda p: v2.functional.adjust_brightness(p, factors[0]),
        lambda p: v2.functional.adjust_contrast(p, factors[1]),
        lambda p: v2.functional.adjust_saturation(p, factors[2]),
        lambda p: v2.functional.adjust_hue(p, turn),
    ]
    for number in order:
        picture = steps[number](picture)
    difference = np.abs(np.asarray(picture).astype(int) - augment.colour_jitter(pixels, rng(seed)))
    assert np.mean(difference) < 2  # Pillow's path rounds otherwise than the tensor's


def test_greyscale_is_luma():
    pixels = smooth()
    expected = np.asarray(Image.fromarray(pixels).convert("L")).astype(int)
    found = augment.greyscale(pixels, rng()).astype(int)
    assert np.abs(found - expected[..., None]).max() <= 1


def test_cutout_is_one_grey_rectangle():
    areas = []
    for seed in range(200):
        changed = (augment.cutout(np.zeros((100, 120, 3), np.uint8), rng(seed)) == 128).all(axis=2)
        rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
        assert changed.sum() == len(rows) * len(columns)
        areas.append((len(rows), len(columns)))
    assert np.min(areas) == 1
    assert np.max(areas) == 48


def test_noise_is_gaussian_of_the_published_strength():
    flat = np.full((64, 64, 3), 128, np.uint8)
    strengths = [augment.noise(flat, rng(seed)).astype(float).std() for seed in range(60)]
    assert 45 < min(strengths) < 60  # 0.2 of 255 is 51, a little lost where values end at 0 and 255
    assert 80 < max(strengths) < 112
