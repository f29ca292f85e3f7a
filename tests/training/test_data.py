"""What each training step sees: half and half, every picture in its turn, decided by (seed, block) alone."""

from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import stand_ins
from redqueen.training.data import BalancedDraws, Draw, TrainingPictures, loader

LABELS = [0] * 7 + [1] * 5


def block(draws, number):
    draws.set_epoch(number)
    return list(draws)


@given(humans=st.integers(1, 9), generated=st.integers(1, 9), half=st.integers(1, 12), number=st.integers(0, 30))
def test_every_block_is_half_and_half(humans, generated, half, number):
    labels = [0] * humans + [1] * generated
    draws = BalancedDraws(labels, 2 * half, seed=3)
    found = block(draws, number)
    assert len(found) == len(draws) == 2 * half
    assert [labels[draw.position] for draw in found] == [0, 1] * half  # so every batch of even size is balanced too


@given(number=st.integers(0, 50), seed=st.integers(0, 5))
def test_a_block_depends_on_seed_and_number_alone(number, seed):
    fresh = block(BalancedDraws(LABELS, 8, seed), number)
    used = BalancedDraws(LABELS, 8, seed)
    for earlier in (0, 3, number + 1):
        block(used, earlier)
    assert block(used, number) == fresh


def test_blocks_and_seeds_differ():
    found = [tuple(block(BalancedDraws(LABELS, 8, seed), number)) for seed in range(3) for number in range(3)]
    assert len(set(found)) == 9


@pytest.mark.parametrize("per_block", [2, 6, 10])
def test_every_picture_is_used_once_a_turn(per_block):
    draws = BalancedDraws(LABELS, per_block, seed=0)
    taken = [draw for number in range(70 // per_block + 1) for draw in block(draws, number)]
    for label, size in ((0, 7), (1, 5)):
        positions = [draw.position for draw in taken if LABELS[draw.position] == label]
        turns = [positions[start : start + size] for start in range(0, len(positions) - size + 1, size)]
        assert len(turns) >= 4
        assert all(sorted(turn) == sorted(turns[0]) for turn in turns)
        assert len(set(map(tuple, turns))) > 1, "every turn has an order of its own"
    seeds = Counter(draw.seed for draw in taken)
    assert set(seeds.values()) == {1}, "no augmentation occurs twice"


def test_pictures_are_prepared_with_their_own_randomness(corpus):
    detector = stand_ins.detector("npr")
    detector.train_size = 16
    pictures = TrainingPictures(corpus, [3, 5], [0, 1], detector)
    first, label = pictures[Draw(1, seed=8)]
    expected = detector.prepare(corpus.pixels(5), np.random.default_rng(8))
    assert torch.equal(first, expected)
    assert (label.item(), label.dtype) == (1.0, torch.float32)
    assert not torch.equal(first, pictures[Draw(1, seed=9)][0])


def test_loader_gives_balanced_batches(corpus):
    rows = corpus.rows("train", ("2026-01",))
    labels = corpus.column("label")[rows]
    pictures = TrainingPictures(corpus, rows.tolist(), labels.tolist(), stand_ins.detector("npr"))
    batches = list(loader(pictures, batch_size=6, steps_a_block=3, seed=0))
    assert [tuple(x.shape) for x, _ in batches] == [(6, 3, 32, 32)] * 3
    assert [y.sum().item() for _, y in batches] == [3.0] * 3
