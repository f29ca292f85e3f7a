"""What is taken from the inside of a network, against the network run step by step."""

import pytest
import timm
import torch
from torch import nn

import tiny_backbones
from redqueen.detectors.backbones import efficientnet_lite0
from redqueen.detectors.backbones.blocks import Blocks
from redqueen.detectors.rine import TOKENS
from redqueen.errors import UserError


def test_class_tokens_after_the_second_norm_of_every_block():
    torch.manual_seed(0)
    network = timm.create_model("test_vit", pretrained=False, num_classes=0, img_size=32).eval()
    batch = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        found = Blocks(network, TOKENS)(batch)
        hidden = network.norm_pre(network.patch_drop(network._pos_embed(network.patch_embed(batch))))
        for number, block in enumerate(network.blocks):
            half = hidden + block.ls1(block.attn(block.norm1(hidden)))
            torch.testing.assert_close(found[:, number], block.norm2(half)[:, 0])
            hidden = block(hidden)
    assert found.shape == (2, len(network.blocks), 64)


@pytest.mark.parametrize("model", ["CLIPVisionModelWithProjection", "Dinov2Model", "DINOv3ViTModel"])
def test_the_usual_name_finds_every_block_of_transformers(model):
    import transformers

    network = getattr(transformers, model).from_pretrained(tiny_backbones.transformers_folder(model)).eval()
    with torch.no_grad():
        found = Blocks(network, TOKENS)(torch.rand(3, 3, 32, 32))
    assert found.shape == (3, 2, 32)


def test_stages_of_a_convolutional_network_have_columns_of_their_own():
    network = efficientnet_lite0().network.eval()
    batch = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        found = Blocks(network, r"blocks\.\d")(batch)
        hidden, start = network.bn1(network.conv_stem(batch)), 0
        assert found.shape == (2, 7, 784)
        for number, stage in enumerate(network.blocks):
            hidden = stage(hidden)
            mean = hidden.mean(dim=(2, 3))
            wanted = (mean - mean.mean(1, keepdim=True)) / (mean.var(1, correction=0, keepdim=True) + 1e-5).sqrt()
            own = slice(start, start + hidden.shape[1])
            torch.testing.assert_close(found[:, number, own], wanted, atol=1e-5, rtol=1e-4)
            left = found[:, number].clone()
            left[:, own] = 0
            assert not left.any()
            start += hidden.shape[1]


def test_nothing_stays_hooked_and_a_failure_changes_nothing():
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten())
    blocks = Blocks(network, "0")
    with pytest.raises(RuntimeError):
        blocks(torch.rand(1, 1, 8, 8))
    assert not network[0]._forward_hooks
    first, second = (blocks(torch.ones(2, 3, 8, 8)) for _ in range(2))
    assert torch.equal(first, second)
    assert first.shape == (2, 1, 4)
    assert not network[0]._forward_hooks


def test_a_name_that_matches_nothing_is_told_with_names_that_exist():
    with pytest.raises(UserError, match=r"blocks='ln_2' matches no module of the backbone; its last ones: .*fc"):
        Blocks(nn.ModuleDict({"fc": nn.Linear(1, 1)}), "ln_2")
