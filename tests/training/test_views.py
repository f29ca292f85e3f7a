"""Training on the views of a suite but for one."""

from functools import partial

import numpy as np
import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf

from redqueen.errors import UserError
from redqueen.files import configs
from redqueen.perturbations.suite import Suite
from redqueen.training.views import Views

PIXELS = np.zeros((4, 4, 3), np.uint8)


def mark(pixels, rng, value):
    return pixels + np.uint8(value)


SUITE = Suite("s", 1, {"clean": [], "a": [partial(mark, value=1)], "b": [partial(mark, value=2)],
                       "a_b": [partial(mark, value=1), partial(mark, value=2)]})  # fmt: skip


def drawn(augment, count=300):
    return [int(augment(PIXELS, np.random.default_rng(seed)).max()) for seed in range(count)]


def test_views_are_drawn_alike_and_some_pictures_left_alone():
    found = drawn(Views(SUITE, share=0.6))
    assert set(found) == {0, 1, 2, 3}
    assert np.mean(np.asarray(found) > 0) == pytest.approx(0.6, abs=0.12)
    assert min(found.count(value) for value in (1, 2, 3)) > 35
    assert set(drawn(Views(SUITE, share=0), 20)) == {0}


def test_a_view_that_is_left_out_never_comes_not_even_in_a_chain():
    assert set(drawn(Views(SUITE, "a", share=1))) == {2}
    platforms = instantiate(OmegaConf.load(configs() / "suite" / "platforms.yaml"))
    for name in platforms.views:
        if name != "clean" and "_" not in name:
            kept = Views(platforms, name).views
            assert len(kept) == 10 and not any(name in view.split("_") for view in kept)  # of 9 and 3 chains


def test_its_name_says_what_it_draws_from():
    assert repr(Views(SUITE, "a")) == f"Views(suite=s-v1 {SUITE.digest[:16]}, without=a, share=0.5)"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Views(SUITE, "c"), "unknown view 'c'"),
        (lambda: Views(SUITE, share=2), "augment.share 2 is not allowed"),
        (lambda: Views(Suite("s", 1, {"clean": []})), "augment=views: suite s-v1 has no view to learn from"),
    ],
)
def test_what_cannot_be_drawn_is_refused(make, message):
    with pytest.raises(UserError) as error:
        make()
    assert str(error.value).startswith(message)
