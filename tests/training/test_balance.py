"""What each training step sees: the right share of each stratum, each picture in its turn, by (seed, number) alone."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from redqueen.training.balance import Draws, draws, strata, weights

LABELS = [0] * 7 + [1] * 5
MAKERS = ["photo"] * 4 + ["collage"] * 3 + ["a"] * 3 + ["b"] * 2

balances = pytest.mark.parametrize("balance", ["class", "generator", "none"])


def taken(labels, makers, balance, end, by="sampling", seed=0):
    return list(draws(labels, makers, balance, by, seed).between(0, end))


@given(humans=st.integers(1, 9), generated=st.integers(1, 9), half=st.integers(1, 12), number=st.integers(0, 30))
def test_any_even_batch_is_half_and_half(humans, generated, half, number):
    labels = [0] * humans + [1] * generated
    found = list(
        draws(labels, ["x"] * len(labels), "class", "sampling", 3).between(2 * half * number, 2 * half * (number + 1))
    )
    assert [labels[draw.position] for draw in found] == [0, 1] * half


@balances
@given(first=st.integers(0, 100), seed=st.integers(0, 5))
def test_a_draw_depends_on_seed_and_number_alone(balance, first, seed):
    fresh = list(draws(LABELS, MAKERS, balance, "sampling", seed).between(first, first + 8))
    used = draws(LABELS, MAKERS, balance, "sampling", seed)
    for earlier in (0, 24, first + 8):
        list(used.between(earlier, earlier + 8))
    assert list(used.between(first, first + 8)) == fresh
    assert [draw for at in range(first, first + 8) for draw in used.between(at, at + 1)] == fresh


@balances
def test_blocks_and_seeds_differ(balance):
    found = [
        tuple(taken(LABELS, MAKERS, balance, 24, seed=seed)[at : at + 8]) for seed in range(3) for at in (0, 8, 16)
    ]
    assert len(set(found)) == 9


@balances
def test_every_picture_is_used_once_a_turn(balance):
    found = [draw.position for draw in taken(LABELS, MAKERS, balance, 480)]
    groups = [range(12)] if balance == "none" else [p for c in strata(LABELS, MAKERS, balance) for p in c.values()]
    for group in groups:
        mine = [position for position in found if position in group]
        turns = [mine[at : at + len(group)] for at in range(0, len(mine) - len(group) + 1, len(group))]
        assert len(turns) >= 4
        assert all(sorted(turn) == sorted(group) for turn in turns)
        assert len(set(map(tuple, turns))) > 1, "every turn has an order of its own"


@balances
def test_no_augmentation_occurs_twice(balance):
    assert set(Counter(draw.seed for draw in taken(LABELS, MAKERS, balance, 480)).values()) == {1}


@pytest.mark.parametrize("counts", [{"photo": 9, "collage": 1, "drawing": 30, "a": 50, "b": 2, "c": 7, "d": 1}])
def test_every_generator_and_every_kind_equally_often(counts):
    makers = [name for name, count in counts.items() for _ in range(count)]
    labels = [int(name in "abcd") for name in makers]
    found = Counter(makers[draw.position] for draw in taken(labels, makers, "generator", 2 * 12 * 10))
    assert found == {name: 40 if name in ("photo", "collage", "drawing") else 30 for name in counts}
    for at in range(0, 240, 24):  # in every cycle: 12 human-made, 12 generated
        part = [makers[draw.position] for draw in taken(labels, makers, "generator", at + 24)[at:]]
        assert Counter(part) == {name: 4 if name in ("photo", "collage", "drawing") else 3 for name in counts}


def test_generators_come_in_another_order_each_time():
    makers = ["photo", *"abcdef"]
    found = [makers[draw.position] for draw in taken([0] + [1] * 6, makers, "generator", 120) if draw.position]
    cycles = [tuple(found[at : at + 6]) for at in range(0, 60, 6)]
    assert all(sorted(cycle) == list("abcdef") for cycle in cycles)
    assert len(set(cycles)) > 5


def test_balance_by_weights_draws_every_row_equally_often():
    found = Counter(draw.position for draw in taken(LABELS, MAKERS, "generator", 120, by="weights"))
    assert set(found.values()) == {10}
    assert taken(LABELS, MAKERS, "class", 50, by="weights") == taken(LABELS, MAKERS, "none", 50)


@balances
def test_weights_give_strata_the_same_sum(balance):
    found = weights(LABELS, MAKERS, balance)
    assert found.mean() == pytest.approx(1)
    if balance == "none":
        assert (found == 1).all()
        return
    sums = [[found[positions].sum() for positions in parts.values()] for parts in strata(LABELS, MAKERS, balance)]
    np.testing.assert_allclose([sum(parts) for parts in sums], 6)
    assert all(part == pytest.approx(parts[0]) for parts in sums for part in parts)


def test_weights_and_draws_ask_for_the_same_mixture():
    """In the long run a stratum's share of the draws is its share of the weights."""
    shares = Counter(MAKERS[draw.position] for draw in taken(LABELS, MAKERS, "generator", 1200))
    found = weights(LABELS, MAKERS, "generator")
    for name, count in shares.items():
        assert count / 1200 == pytest.approx(found[np.asarray(MAKERS) == name].sum() / 12)


def test_labels_count_not_truth():
    """In the shuffled control a generator's pictures can be on both sides: each side has a stratum of them."""
    found = list(strata([0, 1, 0, 1], ["a", "a", "photo", "photo"], "generator"))
    assert [list(part) for part in found] == [["0/a", "0/photo"], ["1/a", "1/photo"]]


def test_a_long_way_in_costs_no_more():
    far = 10**9
    assert len(list(Draws([{"0": np.arange(5)}, {"1": np.arange(5, 9)}], 0).between(far, far + 6))) == 6
