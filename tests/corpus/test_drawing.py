"""Drawings: seeded, recorded, few colours, dark lines where the edges are."""

import json

import numpy as np
import pytest
from PIL import Image, ImageDraw

from redqueen.corpus.drawing import STYLES, draw


def _photo(size: int) -> Image.Image:
    """A lit disc on a colour gradient under noise: thousands of colours and one strong edge."""
    y, x = np.mgrid[:size, :size] / size
    noise = np.random.default_rng(0).normal(0, 4, (size, size, 3))
    ground = np.stack([90 * x, 40 + 80 * y, 120 * (1 - x)], axis=2)
    disc = np.hypot(x - 0.5, y - 0.5) < 0.3
    return Image.fromarray((np.where(disc[..., None], 200, ground) + noise).clip(0, 255).astype(np.uint8))


def _drawings(size: int, style: str) -> list[tuple[Image.Image, dict[str, object]]]:
    made = [draw(_photo(size), np.random.default_rng(seed)) for seed in range(12)]
    return [(drawing, recipe) for drawing, recipe in made if recipe["style"] == style]


def _colours(picture: Image.Image) -> int:
    return len(picture.getcolors(picture.width * picture.height) or [])


def test_same_seed_same_pixels_and_other_seed_other_pixels() -> None:
    """The generator alone decides."""
    made = [draw(_photo(64), np.random.default_rng(seed)) for seed in (1, 1, 2)]
    assert made[0][0].tobytes() == made[1][0].tobytes()
    assert made[0][1] == made[1][1]
    assert made[0][0].tobytes() != made[2][0].tobytes()


@pytest.mark.parametrize("size", [64, 256])
def test_posterised_has_few_flat_colours(size: int) -> None:
    """Two to eight colours, as the recipe says, where the photograph had a great many."""
    assert _colours(_photo(size)) > 1000
    for drawing, recipe in _drawings(size, "posterised"):
        assert (drawing.size, drawing.mode) == ((size, size), "RGB")
        assert 2 <= _colours(drawing) <= int(str(recipe["colours"])) <= 8


@pytest.mark.parametrize("size", [64, 256])
def test_edge_drawn_inks_the_rim_and_leaves_the_ground_light(size: int) -> None:
    """Ink lies along the disc's rim and not inside the disc."""
    rim, inside = (Image.new("L", (size, size)) for _ in range(2))
    ImageDraw.Draw(rim).circle((size / 2, size / 2), size * 0.3, outline=255, width=max(1, size // 64))
    ImageDraw.Draw(inside).circle((size / 2, size / 2), size * 0.2, fill=255)
    for drawing, recipe in _drawings(size, "edge-drawn"):
        ink = (np.asarray(drawing) == np.array(recipe["ink"])).all(axis=2)
        assert drawing.mode == "RGB"
        assert _colours(drawing) <= 6
        assert ink[np.asarray(rim) > 0].mean() > 0.8
        assert ink[np.asarray(inside) > 0].mean() < 0.1
        assert ink.mean() < 0.25


def test_both_styles_occur_and_recipes_are_json() -> None:
    """Over some seeds every style and ground appears; recipes survive JSON."""
    recipes = [draw(_photo(64), np.random.default_rng(seed))[1] for seed in range(16)]
    assert {recipe["style"] for recipe in recipes} == set(STYLES)
    assert {recipe["ground"] for recipe in recipes if "ground" in recipe} == {"paper", "flat"}
    assert json.loads(json.dumps(recipes)) == recipes


def test_a_flat_picture_is_drawn_without_ink() -> None:
    """Nothing to draw: no edge is invented, and nothing fails."""
    grey = Image.new("RGB", (64, 64), (128, 128, 128))
    assert all(_colours(draw(grey, np.random.default_rng(seed))[0]) == 1 for seed in range(8))
