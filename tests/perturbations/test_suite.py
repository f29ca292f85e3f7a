"""Views: `clean` first and untouched, randomness from the picture, the view and the suite alone."""

from collections.abc import Sequence
from functools import partial
from itertools import permutations

import numpy as np
import pytest

from redqueen.errors import UserError
from redqueen.files import seed_from
from redqueen.perturbations.functional import Operation, Pixels, jpeg
from redqueen.perturbations.suite import CLEAN, Suite


def _noise(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    return rng.integers(0, 256, pixels.shape, dtype=np.uint8)


def _add(amount: int) -> Operation:
    return lambda pixels, rng: (pixels + amount).astype(np.uint8)


def _double(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    return (pixels * 2).astype(np.uint8)


VIEWS: dict[str, Sequence[Operation]] = {
    CLEAN: (),
    "noise": (_noise,),
    "noisy": (_noise,),
    "double_then_add": (_double, _add(3)),
    "jpeg50": (partial(jpeg, quality=50),),
}
SUITE = Suite("tiny", 1, VIEWS)


@pytest.fixture
def pixels() -> Pixels:
    return np.random.default_rng(0).integers(0, 100, (24, 16, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    "views",
    [
        {},
        {"noise": (_noise,)},
        {"noise": (_noise,), CLEAN: ()},
        {CLEAN: (_noise,)},
    ],
    ids=["none", "missing", "not first", "not clean"],
)
def test_clean_must_come_first_and_do_nothing(views: dict[str, Sequence[Operation]]) -> None:
    with pytest.raises(UserError, match="suite 'tiny': the first view must be 'clean' without operations"):
        Suite("tiny", 1, views)


def test_clean_is_the_picture(pixels: Pixels) -> None:
    np.testing.assert_array_equal(SUITE.apply(CLEAN, pixels, "a"), pixels)


def test_operations_run_in_their_order(pixels: Pixels) -> None:
    np.testing.assert_array_equal(SUITE.apply("double_then_add", pixels, "a"), pixels * 2 + 3)


def test_an_unknown_view_meets_its_nearest_match(pixels: Pixels) -> None:
    with pytest.raises(UserError) as error:
        SUITE.apply("jpg50", pixels, "a")
    assert str(error.value).startswith("unknown view 'jpg50'; did you mean 'jpeg50'? Allowed: clean, ")


def test_the_same_picture_and_view_give_the_same_pixels_in_any_order(pixels: Pixels) -> None:
    """A resumed run, or one that makes other views as well, must make the same ones."""
    jobs = [("noise", "a"), ("noise", "b"), ("noisy", "a")]
    expected = {job: SUITE.apply(job[0], pixels, job[1]) for job in jobs}
    for order in permutations(jobs):
        for view, image_id in order:
            again = Suite("tiny", 1, VIEWS).apply(view, pixels, image_id)
            np.testing.assert_array_equal(again, expected[view, image_id])
    alone = Suite("tiny", 1, {CLEAN: (), "noise": (_noise,)})
    np.testing.assert_array_equal(alone.apply("noise", pixels, "a"), expected["noise", "a"])


def test_picture_view_name_and_version_each_change_the_randomness(pixels: Pixels) -> None:
    made = [
        SUITE.apply("noise", pixels, "a"),
        SUITE.apply("noise", pixels, "b"),
        SUITE.apply("noisy", pixels, "a"),
        Suite("tiny", 2, VIEWS).apply("noise", pixels, "a"),
        Suite("other", 1, VIEWS).apply("noise", pixels, "a"),
    ]
    assert len({view.tobytes() for view in made}) == len(made)


def test_the_randomness_is_pinned(pixels: Pixels) -> None:
    """From the seed that the design states: (image_id, view, suite and version)."""
    rng = np.random.default_rng(seed_from("a", "noise", "tiny-v1"))
    np.testing.assert_array_equal(SUITE.apply("noise", pixels, "a"), _noise(pixels, rng))


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_leaves_its_picture_alone(view: str, pixels: Pixels) -> None:
    before = pixels.copy()
    made = SUITE.apply(view, pixels, "a")
    np.testing.assert_array_equal(pixels, before)
    assert (made.dtype, made.shape) == (np.uint8, pixels.shape)


def test_the_label_names_the_version() -> None:
    assert SUITE.label == "tiny-v1"


def test_what_a_view_does_is_part_of_its_key() -> None:
    """Who changes a view and forgets the version meets no old numbers; the same settings give the same key anywhere."""

    def suite(**settings: int) -> Suite:
        operation = partial(jpeg, **settings)
        views: dict[str, Sequence[Operation]] = {
            CLEAN: (),
            "one": (operation,),
            "nested": (partial(_all, [operation]),),
        }
        return Suite("tiny", 1, views)

    first, second = suite(quality=50), suite(quality=5)
    for view in ("one", "nested"):
        assert first.key(view) != second.key(view)
        assert first.key(view) == suite(quality=50).key(view)
    assert first.key("one") != first.key("nested")
    assert first.key(CLEAN) == second.key(CLEAN) == CLEAN
    assert first.digest != second.digest


def _all(operations: Sequence[Operation], pixels: Pixels, rng: np.random.Generator) -> Pixels:
    for operation in operations:
        pixels = operation(pixels, rng)
    return pixels
