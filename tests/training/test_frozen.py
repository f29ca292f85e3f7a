"""Published weights are the published detector: training leaves them alone unless it is told to."""

import inspect
import sys

import pytest
import pytorch_lightning as pl
import torch
from hydra.errors import InstantiationException
from hydra.utils import get_object, instantiate
from omegaconf import OmegaConf
from safetensors.torch import save_file

import stand_ins
from redqueen.detectors import published
from redqueen.detectors.npr import their_name
from redqueen.training import checkpoint
from redqueen.training.fit import Machine, by_descent, calibrated, fit
from redqueen.training.recipe import Recipe
from redqueen.training.rows import Rows

PUBLISHED = (
    "lite0_probe", "rine", "npr", "safe", "freqnet", "cnndetection", "ssp", "patchcraft", "lgrad", "aide",
)  # fmt: skip


@pytest.fixture(scope="module")
def rows(corpus):
    return Rows.choose(corpus, ("2026-01", "2026-02"), shuffled=False, seed=0)


def machine():
    def trainer(callbacks, **settings):
        return pl.Trainer(accelerator="cpu", logger=False, enable_model_summary=False, callbacks=callbacks, **settings)

    return Machine(trainer)


def built(name, **settings):
    return instantiate(OmegaConf.merge(stand_ins.node(name), settings), _convert_="object")


@pytest.fixture
def weights(tmp_path):
    """Files as the authors' are: the head of a probe, a whole network."""
    npr = stand_ins.detector("npr", seed=3)
    save_file({their_name(key): tensor for key, tensor in npr.state_dict().items()}, tmp_path / "npr.safetensors")
    save_file(dict(stand_ins.detector("lite0_probe", seed=3).head.state_dict()), tmp_path / "lite0_probe.safetensors")
    return lambda name: str(tmp_path / f"{name}.safetensors")


def state(detector):
    return {key: tensor.clone() for key, tensor in detector.trained_state().items()}


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


@pytest.mark.parametrize("name", ["lite0_probe", "npr"])
@pytest.mark.parametrize("frozen", [None, True, False])
def test_training_changes_published_weights_only_if_told(name, frozen, weights, rows, tmp_path):
    detector = built(name, weights=weights(name), frozen=frozen)
    before = state(detector)
    assert same(before, state(stand_ins.detector(name, seed=3)))
    recipe = Recipe(steps=2, batch_size=4, steps_a_block=2)
    steps = fit(detector, rows, recipe, 0, tmp_path / "work", tmp_path / "cache", machine())
    assert same(state(detector), before) == (frozen is not False)
    assert steps == (2 if frozen is False and name == "npr" else 0)
    assert calibrated(detector, rows, tmp_path / "cache", "x")["temperature"] > 0
    saved = checkpoint.save(tmp_path / "saved", detector, "_target_: x\n", {"corpus_digest": rows.corpus.digest})
    other = built(name, frozen=False)
    saved.restore(other, rows.corpus.digest)
    assert same(state(other), state(detector))


def test_no_detector_with_published_weights_is_forgotten():
    targets = {name: str(stand_ins.node(name)._target_) for name in stand_ins.names("detector")}
    kinds = {targets[name] for name in PUBLISHED} | {targets["community_forensics"]}
    for target in set(targets.values()) - kinds:
        made = get_object(target)
        parameters = inspect.signature(made.__init__ if isinstance(made, type) else made).parameters
        assert "weights" not in parameters, target


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_detector_with_published_weights_can_be_frozen(name, monkeypatch):
    with pytest.raises(InstantiationException, match="frozen=true needs weights"):
        built(name, frozen=True)
    for module in (published, sys.modules[type(built(name)).__module__]):
        for function in ("read", "load", "one_logit"):
            monkeypatch.setattr(module, function, lambda *_, **__: {}, raising=False)
    for settings in ({}, {"weights": "a file", "frozen": False}):
        assert any(parameter.requires_grad for parameter in built(name, **settings).parameters())
    for frozen in (None, True):
        detector = built(name, weights="a file", frozen=frozen)
        assert not any(parameter.requires_grad for parameter in detector.parameters())
        assert not by_descent(detector)
