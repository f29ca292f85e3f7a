"""Copies are told from relatives: in simulation, where it is known who is which."""

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import spearmanr

from redqueen.leaderboard.copies import LIMIT
from redqueen.leaderboard.kinship import kinship

N = 1500
SEEDS = range(4)


def detector(seed, own=0.35, skill=2.0, sharpness=1.5):
    """Scores of one method under a seed of training: what all seeds see, what this one alone does, and the truth."""
    labels = np.arange(N) % 2
    common = np.random.default_rng(99).normal(size=N)
    noise = np.random.default_rng(seed).normal(size=N)
    return expit(sharpness * (common + own * noise + skill * (labels - 0.5))), labels


def copied(scores, how, seed=5):
    rng = np.random.default_rng(seed)
    return {
        "itself": lambda: scores,
        "x^3": lambda: scores**3,
        "float16": lambda: scores.astype(np.float16).astype(np.float64),
        "two decimals": lambda: np.round(scores, 2),
        "another temperature": lambda: expit(np.log(scores / (1 - scores)) / 3 - 1),
        "1 % noise": lambda: np.clip(scores + rng.normal(0, 0.01, N), 0, 1),
        "x^3 and 1 % noise": lambda: np.clip(scores**3 + rng.normal(0, 0.01, N), 0, 1),
        "noise on the logit": lambda: expit(np.log(scores / (1 - scores)) + rng.normal(0, 0.02, N)),
    }[how]()


def is_copy(found):
    return found.same or max(found.order, found.shape) >= LIMIT


@pytest.mark.parametrize("sharpness", [0.5, 1.5, 6.0])
@pytest.mark.parametrize("how", ["itself", "x^3", "float16", "two decimals", "another temperature"])
def test_a_map_that_never_falls_leaves_nothing(how, sharpness):
    scores, labels = detector(0, sharpness=sharpness)
    for pair in ((scores, copied(scores, how)), (copied(scores, how), scores)):
        found = kinship(*pair, labels)
        assert found.same and is_copy(found)


@pytest.mark.parametrize("sharpness", [1.5, 6.0])
@pytest.mark.parametrize("how", ["1 % noise", "x^3 and 1 % noise", "noise on the logit"])
def test_noise_hides_no_copy(how, sharpness):
    scores, labels = detector(0, sharpness=sharpness)
    for seed in SEEDS:
        found = kinship(scores, copied(scores, how, seed), labels)
        assert is_copy(found) and not found.same


@pytest.mark.parametrize("own", [0.07, 0.35])  # correlation of two seeds within a label: 0.995, 0.89
@pytest.mark.parametrize("sharpness", [0.5, 1.5, 6.0])
def test_two_seeds_of_one_method_are_no_copies(own, sharpness):
    for seed in SEEDS:
        (one, labels), (other, _) = (
            detector(seed, own, sharpness=sharpness),
            detector(seed + 50, own, sharpness=sharpness),
        )
        found = kinship(one, other, labels)
        assert not is_copy(found)
        assert found.order > 0.8


def test_two_perfect_detectors_are_no_copies():
    labels = np.arange(N) % 2
    one, other = (0.4 * np.random.default_rng(seed).uniform(size=N) + 0.6 * labels for seed in (1, 2))
    found = kinship(one, other, labels)
    assert abs(found.order) < 0.1 and found.shape < 0.1
    assert spearmanr(one, other)[0] > 0.7  # what a comparison that knows no labels would say


def test_order_is_spearman_where_there_is_one_label():
    one, other = np.random.default_rng(0).normal(size=(2, 200)).round(1)
    expected = spearmanr(one, other + one)[0]
    assert kinship(one, other + one, np.ones(200, int)).order == pytest.approx(expected)


def test_verdicts_and_constants_are_like_everything_for_no_reason():
    scores, labels = detector(0)
    for other in (np.full(N, 0.5), (scores > 0.5).astype(float), labels.astype(float)):
        assert kinship(scores, other, labels) is None
