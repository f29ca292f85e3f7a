"""A fingerprint of 684 characters tells copies from relatives as whole tables do."""

import hashlib
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.special import logit

from leaderboard.test_kinship import N, copied, detector, is_copy
from redqueen.leaderboard import fingerprint

HOWS = ["itself", "x^3", "float16", "two decimals", "another temperature", "1 % noise", "noise on the logit"]
# Scores that spread over a tenth of the scale are changed as much by noise of 1 % of it as by another seed.
PAIRS = [(how, sharpness) for how in HOWS for sharpness in (0.5, 1.5, 6.0) if (how, sharpness) != ("1 % noise", 0.5)]


def benchmark(canaries=0):
    """The part of a benchmark that a fingerprint reads."""
    ids = sorted(hashlib.sha256(str(number).encode()).hexdigest() for number in range(N))
    columns = {"canary": np.arange(N) < canaries}
    return SimpleNamespace(ids=ids, column=columns.get, evaluation=SimpleNamespace(labels=np.arange(N) % 2))


def scored(scores):
    with np.errstate(divide="ignore"):
        return [SimpleNamespace(logits={"clean": np.clip(logit(scores), -700, 36)})]


@pytest.mark.parametrize(("how", "sharpness"), PAIRS)
def test_copies_are_recognised(how, sharpness):
    own, _ = detector(0, sharpness=sharpness)
    published = fingerprint.fingerprint(scored(own), benchmark())
    assert is_copy(fingerprint.compared(scored(copied(own, how)), published, benchmark()))


@pytest.mark.parametrize("own", [0.07, 0.35])  # correlation of two seeds within a label: 0.995, 0.89
@pytest.mark.parametrize("sharpness", [0.5, 1.5, 6.0])
def test_two_seeds_of_one_method_are_no_copies(own, sharpness):
    for seed in range(10):
        (one, _), (other, _) = detector(seed, own, sharpness=sharpness), detector(seed + 50, own, sharpness=sharpness)
        published = fingerprint.fingerprint(scored(one), benchmark())
        assert not is_copy(fingerprint.compared(scored(other), published, benchmark()))


def test_it_is_short_and_the_same_for_any_rising_map():
    one, _ = detector(0)
    found = fingerprint.fingerprint(scored(one), benchmark())
    assert len(found) == 684
    assert fingerprint.fingerprint(scored(one**3), benchmark()) == found


def test_pictures_are_chosen_by_lot_and_never_those_of_a_thrown_coin():
    places = fingerprint.chosen(benchmark(canaries=700))
    assert len(set(places.tolist())) == fingerprint.SIZE and places.min() >= 700
    plain = benchmark()
    lots = [hashlib.sha256(plain.ids[place].encode()).hexdigest() for place in fingerprint.chosen(plain)]
    assert max(lots) < "60"  # 512 of 1500: the lowest third
