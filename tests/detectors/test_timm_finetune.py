"""Fine-tuning: which stages are trained, what a picture looks like to the network, and where Lite0 starts."""

import numpy as np
import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf

from redqueen.detectors.backbones import Backbone, efficientnet_lite0
from redqueen.detectors.timm_finetune import TimmFinetune, untrained
from redqueen.errors import UserError
from redqueen.files import configs


def trained(detector):
    return {name for name, parameter in detector.network.named_parameters() if parameter.requires_grad}


@pytest.mark.parametrize("model", ["test_vit", "test_efficientnet", "test_resnet", "test_convnext"])
def test_more_stages_train_more(model):
    names = [trained(TimmFinetune(untrained(model), stages=stages)) for stages in (1, 2, 3)]
    assert set() < names[0] < names[1] < names[2]
    every = trained(TimmFinetune(untrained(model)))
    assert names[2] < every == {name for name, _ in untrained(model).network.named_parameters()}


def test_the_last_stages_of_a_vit_are_its_last_blocks():
    names = trained(TimmFinetune(untrained("test_vit"), stages=2))
    blocks = len(untrained("test_vit").network.blocks)
    assert {name.split(".")[1] for name in names if name.startswith("blocks")} == {str(blocks - 2), str(blocks - 1)}
    assert not any("patch_embed" in name or "pos_embed" in name for name in names)


def test_what_is_frozen_keeps_its_statistics():
    detector = TimmFinetune(untrained("test_efficientnet"), crop=32, stages=2).train()
    before = {name: value.clone() for name, value in detector.network.named_buffers()}
    detector(torch.randn(4, 3, 32, 32)).sum().backward()
    moved = {name for name, value in detector.network.named_buffers() if not torch.equal(value, before[name])}
    kept = {name for name in before if name not in moved}
    owners = {name.rpartition(".")[0] for name in trained(detector)}
    assert {name.rpartition(".")[0] for name in moved} <= owners
    assert not {name.rpartition(".")[0] for name in kept} & owners
    assert any(name.startswith("bn1") for name in kept)
    assert any(name.startswith("bn2") for name in moved)
    for name, parameter in detector.network.named_parameters():
        assert (parameter.grad is not None) == (name in trained(detector))


@pytest.mark.parametrize("stages", [0, 99])
def test_stages_that_are_not_there_are_told(stages):
    with pytest.raises(UserError, match=rf"stages is {stages}; EfficientNet has 1 to \d"):
        TimmFinetune(untrained("test_efficientnet"), stages=stages)


def test_a_network_that_timm_does_not_know_is_trained_whole_or_not_at_all():
    network = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(3, 4))
    half = (0.5, 0.5, 0.5)
    assert len(trained(TimmFinetune(Backbone(network, 4, half, half, "x", "x")))) == 2
    with pytest.raises(UserError, match="Sequential has no stages that timm knows"):
        TimmFinetune(Backbone(network, 4, half, half, "x", "x"), stages=1)


def test_an_unknown_model_is_told_with_the_nearest():
    with pytest.raises(UserError, match=r"unknown timm model 'resnet51'; did you mean .*resnet50"):
        untrained("resnet51")


def test_pictures_look_as_the_network_wants_them():
    picture = np.random.default_rng(0).integers(0, 256, (50, 40, 3), dtype=np.uint8)
    detector = TimmFinetune(untrained("test_resnet"), crop=32)
    mean, std = np.array(detector.backbone.mean), np.array(detector.backbone.std)
    expected = (picture[9:41, 4:36] / 255 - mean) / std
    np.testing.assert_allclose(detector.prepare(picture).permute(1, 2, 0).numpy(), expected, atol=1e-5)
    assert TimmFinetune(untrained("test_resnet"), crop=32, resize=48).prepare(picture).shape == (3, 48, 48)
    draws = {detector.prepare(picture, np.random.default_rng(seed)).sum().item() for seed in range(10)}
    assert len(draws) > 8


def test_resizing_averages_what_it_shrinks():
    picture = np.zeros((32, 32, 3), np.uint8)
    picture[:, ::2] = 255
    detector = TimmFinetune(untrained("test_resnet"), crop=32, resize=16)
    mean, std = (torch.tensor(values)[:, None, None] for values in (detector.backbone.mean, detector.backbone.std))
    grey = (detector.prepare(picture) * std + mean)[:, 4:12, 4:12]
    torch.testing.assert_close(grey, torch.full_like(grey, 0.5), atol=0.07, rtol=0)


@torch.no_grad()
def test_lite0_starts_from_imagenet():
    detector = instantiate(OmegaConf.load(configs() / "detector" / "lite0_finetune.yaml"))
    assert len(trained(detector)) == len(list(detector.network.parameters()))
    state = efficientnet_lite0().network.state_dict()
    assert all(torch.equal(value, state[key]) for key, value in detector.network.state_dict().items())
    assert detector.eval()(torch.zeros(2, 3, 64, 64)).tolist() == [0.0, 0.0]
