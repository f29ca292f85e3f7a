"""Heads of several kinds on one encoder: it looks at each picture once, and they score as they do alone."""

import numpy as np
import pytest
import torch
from torch import nn

from redqueen.detectors import inference
from redqueen.detectors.backbones import efficientnet_lite0, looks
from redqueen.detectors.inference import Judge, Pictures
from redqueen.detectors.linear_probe import LinearProbe
from redqueen.detectors.rine import RINE
from redqueen.perturbations.functional import jpeg
from redqueen.perturbations.suite import CLEAN, Suite

SUITE = Suite("two", 1, {CLEAN: [], "rough": [lambda pixels, rng: jpeg(pixels, rng, quality=10)]})


@pytest.fixture(scope="module")
def judges():
    torch.manual_seed(0)
    probe = LinearProbe(efficientnet_lite0(), crop=64, pad=True)
    nn.init.normal_(probe.head.weight)
    return [Judge(probe, "probe"), Judge(RINE(efficientnet_lite0(), r"blocks\.\d", width=8, crop=64).eval(), "rine")]


@pytest.fixture
def passes(judges):
    """The batches that went through the encoder of either."""
    seen = []
    networks = judges[0].detector.network, judges[1].detector.network.network
    hooks = [one.register_forward_hook(lambda module, given, found: seen.append(given[0])) for one in networks]
    yield seen
    for hook in hooks:
        hook.remove()


def logits(judges, corpus, cache, monkeypatch, together):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)  # twins of several threads would have no hooks of ours
    pictures = Pictures.of_split(corpus, "test", SUITE, cache)
    for some in [judges] if together else [[one] for one in judges]:
        inference.fill(some, pictures)
    return [inference.logits(one, pictures, view) for one in judges for view in SUITE.views]


def test_one_pass_serves_both_and_leaves_no_trace(judges, corpus, passes, tmp_path, monkeypatch):
    alone = logits(judges, corpus, tmp_path / "alone", monkeypatch, together=False)
    of_each = len(passes)
    passes.clear()
    together = logits(judges, corpus, tmp_path / "together", monkeypatch, together=True)
    assert 2 * len(passes) == of_each > 0
    assert [one.tobytes() for one in together] == [one.tobytes() for one in alone]
    assert all(len(np.unique(one)) > 1 for one in together)


def test_another_crop_is_another_batch(judges, corpus, passes, tmp_path, monkeypatch):
    other = LinearProbe(efficientnet_lite0(), crop=48)
    found = logits([Judge(other, "other"), judges[1]], corpus, tmp_path / "a", monkeypatch, together=True)
    alone = logits([Judge(other, "other")], corpus, tmp_path / "b", monkeypatch, together=True)
    assert [one.tobytes() for one in found[:2]] == [one.tobytes() for one in alone]


def test_nothing_is_known_outside_of_another_encoder_or_of_other_numbers():
    batch = torch.rand(2, 3, 4, 4)
    looks.keep("a", batch, batch)
    assert looks.known("a", batch) is None
    with looks.remembered():
        looks.keep("a", batch, batch.sum())
        assert looks.known("a", batch.clone()) == batch.sum()
        assert looks.known("b", batch) is None
        assert looks.known("a", batch + 1) is None
        assert looks.known("a", batch[:1]) is None
    assert looks.known("a", batch) is None
