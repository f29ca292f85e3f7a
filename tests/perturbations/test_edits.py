"""Campaign edits: where they paint, what they leave alone, and that their words are the closed list's."""

from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

from redqueen.errors import UserError
from redqueen.generation.policy import require
from redqueen.perturbations import edits
from redqueen.perturbations.edits import border, caption_bar, collage, logo, meme_text, picture_in_picture, sticker
from redqueen.perturbations.functional import Pixels

EDITS = {
    "caption_bar": caption_bar,
    "meme_text": meme_text,
    "border": border,
    "logo": logo,
    "sticker": sticker,
    "photo_in_picture": picture_in_picture,
    "picture_in_photo": partial(picture_in_picture, share=0.5, inside="picture"),
    "halves": collage,
    "quarters": partial(collage, cells=4),
}
MAGENTA = (250, 0, 250)  # of no edit and, like it, of no photograph


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def plain(height: int = 96, width: int = 128) -> Pixels:
    return np.full((height, width, 3), MAGENTA, np.uint8)


def kept(made: Pixels) -> np.ndarray:
    return (made == MAGENTA).all(axis=2)


@pytest.mark.parametrize("name", EDITS)
@pytest.mark.parametrize("shape", [(16, 16), (33, 47), (96, 128)], ids=str)
def test_same_seed_same_bytes_another_seed_another_picture(name: str, shape: tuple[int, int]) -> None:
    pixels = rng(9).integers(0, 256, (*shape, 3), dtype=np.uint8)
    before = pixels.copy()
    made = [EDITS[name](pixels, rng(seed)) for seed in range(8)]
    assert {(one.shape, one.dtype.name) for one in made} == {(pixels.shape, "uint8")}
    assert_array_equal(pixels, before)
    assert_array_equal(EDITS[name](pixels, rng(3)), made[3])
    assert len({one.tobytes() for one in made}) > 1 or (name, shape) == ("meme_text", (16, 16))


@pytest.mark.parametrize("seed", range(6))
def test_each_edit_leaves_the_picture_where_it_says(seed: int) -> None:
    bar = kept(caption_bar(plain(), rng(seed), 0.25))
    assert bar[:72].all() and not bar[72:].any()
    frame = kept(border(plain(), rng(seed), 0.125))
    assert frame[12:-12, 12:-12].all() and frame.sum() == 72 * 104
    words = kept(meme_text(plain(), rng(seed), 0.25))
    assert words[24:-24].all() and not words[:24].all() and not words[-24:].all()
    emblem = ~kept(logo(plain(), rng(seed), 0.25))
    rows, columns = np.flatnonzero(emblem.any(axis=1)), np.flatnonzero(emblem.any(axis=0))
    assert max(np.ptp(rows), np.ptp(columns)) < 24
    assert min(rows[0], 95 - rows[-1]) <= 4 and min(columns[0], 127 - columns[-1]) <= 4
    assert 0.02 < (~kept(sticker(plain(), rng(seed), 0.4))).mean() < 38 * 38 / (96 * 128)


@pytest.mark.parametrize("seed", range(6))
def test_of_a_collage_the_picture_has_its_share(seed: int) -> None:
    small = kept(picture_in_picture(plain(), rng(seed), 0.5))
    assert small.mean() == pytest.approx(0.75, abs=0.01)
    rim = 2 * (64 + 48) / (96 * 128)  # one white pixel around it
    assert kept(picture_in_picture(plain(), rng(seed), 0.5, "picture")).mean() == pytest.approx(0.25 - rim, abs=0.003)
    assert kept(collage(plain(), rng(seed))).mean() == pytest.approx(0.5)
    assert kept(collage(plain(), rng(seed), 4)).mean() == pytest.approx(0.25)


@pytest.mark.parametrize("shape", [(95, 127), (16, 17)], ids=str)
def test_no_cell_of_a_collage_is_left_over(shape: tuple[int, int]) -> None:
    assert {kept(collage(plain(*shape), rng(seed), 4)).sum() for seed in range(12)} <= {
        tall * wide for tall in (shape[0] // 2, -(-shape[0] // 2)) for wide in (shape[1] // 2, -(-shape[1] // 2))
    }


def test_the_cells_of_a_collage_show_the_photographs() -> None:
    """Their colours, against the files themselves."""
    means = [np.asarray(edits._opened(name)).mean(axis=(0, 1)) for name in edits.PHOTOGRAPHS]
    assert np.abs(means[0] - means[1]).max() > 30
    found = [collage(plain(), rng(seed))[~kept(collage(plain(), rng(seed)))].mean(axis=0) for seed in range(8)]
    nearest = {int(np.argmin([np.abs(one - mean).sum() for mean in means])) for one in found}
    assert nearest == {0, 1}


def test_words_pass_the_policy_of_prompts() -> None:
    for words in (*edits.WORDS, *edits.SHORT):
        require(words.lower())


def test_words_of_any_length_fit_their_box() -> None:
    for words in edits.WORDS:
        picture = Image.fromarray(plain(80, 200))
        edits._write(picture, words, (20, 20, 180, 50), (0, 0, 0), rim=True)
        painted = ~kept(np.asarray(picture))
        assert painted[20:50, 20:180].sum() == painted.sum() > 50


@pytest.mark.parametrize(
    ("operation", "message"),
    [
        (partial(caption_bar, share=0.9), "share 0.9 is not allowed: give a number from 0.05 to 0.5"),
        (partial(meme_text, share=0), "share 0 is not allowed"),
        (partial(border, share=0.5), "share 0.5 is not allowed: give a number from 0.01 to 0.4"),
        (partial(logo, opacity=0), "opacity 0 is not allowed"),
        (partial(sticker, share=1), "share 1 is not allowed"),
        (partial(picture_in_picture, share=1), "share 1 is not allowed"),
        (partial(picture_in_picture, inside="pictrue"), "unknown part inside 'pictrue'; did you mean 'picture'?"),
        (partial(collage, cells=3), "cells 3 is not allowed: give 2 or 4"),
    ],
)
def test_a_bad_parameter_is_named_in_one_line(operation, message: str) -> None:
    with pytest.raises(UserError) as error:
        operation(plain(), rng())
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)
