"""How pictures get to the devices: the same ones whatever the number of devices, parts and workers."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import stand_ins
import tiny_detectors
from redqueen.corpus.audit import metadata_features
from redqueen.corpus.store import Corpus
from redqueen.errors import UserError
from redqueen.training.augment import BlurJpeg, Untouched
from redqueen.training.balance import Draw, draws
from redqueen.training.data import Features, Loading, Once, Pictures, Share

LABELS = [0] * 7 + [1] * 5


def sequence(seed=0):
    return draws(LABELS, ["x"] * 12, "class", "sampling", seed)


def share(block=0, parts=1, rank=0, world=1, size=12):
    found = Share(sequence(), size, 3, parts, rank, world)
    found.set_epoch(block)
    return found


@given(block=st.integers(0, 4), parts=st.integers(1, 3), world=st.sampled_from([1, 2, 4]))
def test_devices_and_parts_together_see_the_global_batches(block, parts, world):
    whole = list(share(block))
    assert whole == list(sequence().between(block * 36, block * 36 + 36))
    size = 12 // (parts * world) if 12 % (parts * world) == 0 else 0
    if not size:
        with pytest.raises(UserError, match="cannot share it evenly"):
            share(block, parts, 0, world)
        return
    shares = [list(share(block, parts, rank, world)) for rank in range(world)]
    assert {len(one) for one in shares} == {size * parts * 3} == {len(share(block, parts, 0, world))}
    for step in range(3):
        pieces = [s[(step * parts + part) * size :][:size] for part in range(parts) for s in shares]
        assert [draw for piece in pieces for draw in piece] == whole[step * 12 : step * 12 + 12]


@given(count=st.integers(1, 30), world=st.integers(1, 5))
def test_validation_covers_every_position_and_keeps_devices_in_step(count, world):
    found = [[draw.position for draw in Once(count, rank, world)] for rank in range(world)]
    assert {position for one in found for position in one} == set(range(count))
    assert len({len(one) for one in found}) == 1
    assert sum(map(len, found)) < count + world


def pictures(corpus, detector, rows=(3, 5), augment=None):
    return Pictures(corpus, np.asarray(rows), np.asarray([0, 1]), detector, augment)


def test_pictures_are_prepared_with_their_own_randomness(corpus):
    detector = stand_ins.detector("npr")
    detector.train_size = 16
    items = pictures(corpus, detector, augment=Untouched())
    first, label, position = items[Draw(1, seed=8)]
    assert torch.equal(first, detector.prepare(corpus.pixels(5), np.random.default_rng(8)))
    assert (label.item(), label.dtype, position.item()) == (1.0, torch.float32, 1)
    assert not torch.equal(first, items[Draw(1, seed=9)][0])
    assert len(items) == 2


def test_augmentation_comes_first_and_from_the_same_generator(corpus):
    detector, augment = tiny_detectors.Convolutions(), BlurJpeg()
    rng = np.random.default_rng(4)
    expected = detector.prepare(augment(corpus.pixels(3), rng), rng)
    assert torch.equal(pictures(corpus, detector, augment=augment)[Draw(0, seed=4)][0], expected)


def test_validation_pictures_are_prepared_as_in_use(corpus):
    detector = stand_ins.detector("npr")
    assert torch.equal(pictures(corpus, detector)[Draw(0, 7)][0], detector.prepare(corpus.pixels(3)))


def test_a_detector_of_metadata_gets_metadata(corpus):
    detector = stand_ins.detector("metadata_probe")
    found = pictures(corpus, detector, augment=BlurJpeg())[Draw(1, 0)][0]
    np.testing.assert_allclose(found.numpy(), metadata_features(corpus.metadata)[5], rtol=1e-6)


def test_features_are_items_as_well():
    values = np.arange(12, dtype=np.float32).reshape(2, 2, 3)
    features, label, position = Features(values, np.asarray([1, 0]))[Draw(1, 5)]
    assert features.tolist() == values[1].tolist()
    assert (label.item(), position.item()) == (0.0, 1)


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_workers_change_nothing(corpus, workers):
    rows = corpus.rows("train", ("2026-01",))
    labels = corpus.column("label")[rows]
    items = Pictures(corpus, rows, labels, tiny_detectors.Convolutions(), BlurJpeg())
    order = Share(draws(labels, ["x"] * len(rows), "class", "sampling", 0), 6, 3, 1, 0, 1)
    state = torch.get_rng_state()
    batches = list(Loading(workers=workers)(items, order, 6))
    assert torch.equal(torch.get_rng_state(), state)
    assert [tuple(x.shape) for x, _, _ in batches] == [(6, 3, 32, 32)] * 3
    assert [y.sum().item() for _, y, _ in batches] == [3.0] * 3
    expected = [items[draw][0] for draw in order]
    assert torch.equal(torch.cat([x for x, _, _ in batches]), torch.stack(expected))


@pytest.mark.parametrize("wrong", [{"workers": -1}, {"prefetch": 0}])
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(UserError, match="loading"):
        Loading(**wrong)


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("name", ["npr", "lite0_probe"])
def test_a_batch_of_two_sizes_is_told(name, workers, corpus, monkeypatch):
    detector, original = stand_ins.detector(name), Corpus.pixels
    detector.resize = None
    monkeypatch.setattr(Corpus, "pixels", lambda self, row: original(self, row)[: (24 if int(row) == 5 else 28), :28])
    items = pictures(corpus, detector, augment=Untouched())
    order = Share(draws([0, 1], ["x"] * 2, "class", "sampling", 0), 4, 1, 1, 0, 1)
    with pytest.raises(UserError, match=r"inputs of 28 x 24 and of 28 x 28: .* normalise\.size"):
        list(Loading(workers=workers)(items, order, 4))
