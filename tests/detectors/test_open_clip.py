"""Backbones of open_clip: published weights with what is said of their pictures, or one clear line."""

import json

import open_clip
import pytest
import torch

from redqueen.detectors.backbones import open_clip_backbone
from redqueen.detectors.backbones.blocks import Blocks
from redqueen.detectors.rine import TOKENS
from redqueen.errors import UserError

NAME = "tiny-for-tests"
TOWER = {"layers": 2, "width": 64}
CONFIG = {
    "embed_dim": 8,
    "vision_cfg": {**TOWER, "image_size": 32, "patch_size": 16},
    "text_cfg": {**TOWER, "heads": 2, "context_length": 8, "vocab_size": 32},
}


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A small architecture that open_clip knows, random weights of it in a folder, and the model."""
    folder = tmp_path_factory.mktemp("open-clip")
    (folder / f"{NAME}.json").write_text(json.dumps(CONFIG))
    open_clip.add_model_config(folder / f"{NAME}.json")
    torch.manual_seed(0)
    model = open_clip.CLIP(CONFIG["embed_dim"], CONFIG["vision_cfg"], CONFIG["text_cfg"]).eval()
    torch.save(model.state_dict(), folder / "open_clip_pytorch_model.bin")
    return folder, model


def test_gives_the_image_features_of_the_saved_weights(published):
    folder, model = published
    backbone = open_clip_backbone(NAME, str(folder))
    batch = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(backbone.network(batch), model.encode_image(batch))
    assert (backbone.width, backbone.size, backbone.interpolation) == (8, 32, "bicubic")
    assert (backbone.mean, backbone.std) == (open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD)


def test_the_published_description_of_pictures_counts_unless_it_is_given(published, tmp_path):
    folder, _ = published
    (tmp_path / "open_clip_pytorch_model.bin").write_bytes((folder / "open_clip_pytorch_model.bin").read_bytes())
    said = {"mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6], "interpolation": "bilinear"}
    (tmp_path / "open_clip_config.json").write_text(json.dumps({"model_cfg": {}, "preprocess_cfg": said}))
    backbone = open_clip_backbone(NAME, str(tmp_path))
    assert (backbone.mean, backbone.std, backbone.interpolation) == ((0.1, 0.2, 0.3), (0.4, 0.5, 0.6), "bilinear")
    given = open_clip_backbone(NAME, str(tmp_path), mean=(0.5,) * 3)
    assert (given.mean, given.std) == ((0.5,) * 3, (0.4, 0.5, 0.6))
    assert given.digest != backbone.digest != open_clip_backbone(NAME, str(folder)).digest


def test_every_block_has_a_token(published):
    folder, model = published
    seen = []
    batch = torch.rand(2, 3, 32, 32)
    for block in model.visual.transformer.resblocks:
        block.ln_2.register_forward_hook(lambda module, given, found: seen.append(found[:, 0]))
    with torch.no_grad():
        model.encode_image(batch)
        found = Blocks(open_clip_backbone(NAME, str(folder)).network, TOKENS)(batch)
    torch.testing.assert_close(found, torch.stack(seen, dim=1))


def test_no_tensor_is_left_at_random(published, tmp_path):
    state = dict(published[1].state_dict())
    del state["visual.proj"]
    torch.save(state, tmp_path / "open_clip_pytorch_model.bin")
    with pytest.raises(UserError, match=f"do not fit open_clip's {NAME}: .*visual.proj"):
        open_clip_backbone(NAME, str(tmp_path))


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("ViT-B-16-quickglu", "unknown open_clip model 'ViT-B-16-quickglu'; did you mean ViT-B-16-quickgelu"),
        ("ViT-B-16", "no open_clip_model.safetensors in"),
    ],
)
def test_errors_are_one_line(model, message, tmp_path):
    with pytest.raises(UserError, match=message) as caught:
        open_clip_backbone(model, str(tmp_path))
    assert "\n" not in str(caught.value)


def test_without_a_hub_it_says_which_file_to_put_where(monkeypatch, tmp_path):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(UserError, match=r"open_clip_model\.safetensors into a folder and give that as weights=FOLDER"):
        open_clip_backbone("ViT-B-16", "hub:owner/name@" + 40 * "0")


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr("redqueen.detectors.backbones.open_clip.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install redqueen\[openclip\]"):
        open_clip_backbone("ViT-B-16", "x")
