"""Collages: seeded, recorded, visibly not their background, captioned."""

import json

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageColor

from redqueen.corpus.collage import WORDS, compose


def _noise(size: int, seed: int) -> Image.Image:
    """A smooth colourful square, unlike any other seed's."""
    cells = np.random.default_rng(seed).integers(0, 256, (6, 6, 3)).astype(np.uint8)
    return Image.fromarray(cells).resize((size, size), Image.Resampling.BICUBIC)


def _compose(size: int, seed: int) -> tuple[Image.Image, dict[str, object]]:
    materials = [_noise(side, side) for side in (size // 2, size, 2 * size)]
    return compose(_noise(size, 0), materials, np.random.default_rng(seed))


def _pixels(picture: Image.Image) -> NDArray[np.int16]:
    return np.asarray(picture, dtype=np.int16)


def test_same_seed_same_pixels_and_other_seed_other_pixels() -> None:
    """The generator alone decides."""
    first, again, other = _compose(64, 1), _compose(64, 1), _compose(64, 2)
    assert first[0].tobytes() == again[0].tobytes()
    assert first[1] == again[1]
    assert first[0].tobytes() != other[0].tobytes()


@pytest.mark.parametrize("size", [48, 64, 200, 512])
def test_keeps_size_and_mode_and_changes_a_sensible_share(size: int) -> None:
    """Every size gives an RGB square of which a fifth to nearly all is new."""
    for seed in range(8):
        collage, _ = _compose(size, seed)
        changed = (np.abs(_pixels(collage) - _pixels(_noise(size, 0))).max(axis=2) > 25).mean()
        assert (collage.size, collage.mode) == ((size, size), "RGB")
        assert 0.2 < changed < 0.99, seed


def test_inputs_stay_as_they_were() -> None:
    """Neither the background nor a material is painted on."""
    background, material = _noise(64, 0), _noise(90, 1)
    before = background.tobytes(), material.tobytes()
    compose(background, [material], np.random.default_rng(0))
    assert (background.tobytes(), material.tobytes()) == before


@pytest.mark.parametrize("size", [64, 256])
def test_caption_bar_holds_ink_on_its_ground(size: int) -> None:
    """In the recorded box, most pixels are near the ground's colour and a legible share is nearer the ink's."""
    for seed in range(12):
        collage, recipe = _compose(size, seed)
        caption = recipe["caption"]
        assert isinstance(caption, dict)
        ground, ink = (np.array(ImageColor.getrgb(caption[colour])) for colour in ("ground", "ink"))
        bar = _pixels(collage.crop(tuple(caption["box"])))
        inked = (bar - ground) @ (ink - ground) / ((ink - ground) @ (ink - ground))  # 0 is ground, 1 is ink
        assert caption["words"] in WORDS
        assert (inked < 0.25).mean() > 0.5, seed
        assert (inked > 0.5).mean() > 0.04, seed


def test_recipe_is_json_and_records_two_to_four_cutouts() -> None:
    """The recipe survives JSON, and its choices all occur over some seeds."""
    recipes = [_compose(64, seed)[1] for seed in range(40)]
    assert json.loads(json.dumps(recipes)) == recipes
    cutouts = [recipe["cutouts"] for recipe in recipes]
    assert {len(some) for some in cutouts if isinstance(some, list)} == {2, 3, 4}
    assert {recipe["border"] is None for recipe in recipes} == {True, False}
    qualities = {recipe["jpeg_quality"] for recipe in recipes}
    assert None in qualities
    assert all(60 <= quality <= 90 for quality in qualities if isinstance(quality, int))
    assert len(qualities) > 5


def test_one_material_is_enough_and_none_is_an_error() -> None:
    """Materials are reused where there are fewer than cut-outs."""
    _, recipe = compose(_noise(64, 0), [_noise(64, 1)], np.random.default_rng(0))
    assert {cutout["material"] for cutout in recipe["cutouts"]} == {0}
    with pytest.raises(ValueError, match="0 materials"):
        compose(_noise(64, 0), [], np.random.default_rng(0))
    with pytest.raises(ValueError, match="square"):
        compose(_noise(64, 0).resize((64, 32)), [_noise(64, 1)], np.random.default_rng(0))
