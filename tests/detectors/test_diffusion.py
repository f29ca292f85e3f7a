"""Parts of diffusion models: found alone or in a pipeline, by what they are, or one clear line."""

import json

import diffusers
import numpy as np
import pytest
import torch

import stand_ins
import tiny_diffusion
from redqueen.detectors import diffusion
from redqueen.errors import UserError


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory):
    """A latent diffusion pipeline's folder, of which only the autoencoder is looked at."""
    folder = tmp_path_factory.mktemp("pipeline")
    diffusers.AutoencoderKL.from_pretrained(tiny_diffusion.autoencoder()).save_pretrained(folder / "vae")
    (folder / "model_index.json").write_text(json.dumps({"vae": ["diffusers", "AutoencoderKL"]}))
    return folder


def test_alone_and_in_a_pipeline_it_is_the_same(pipeline):
    alone, within = diffusion.autoencoder(str(tiny_diffusion.autoencoder())), diffusion.autoencoder(str(pipeline))
    assert alone.digest == within.digest
    assert alone.factor == within.factor == 2
    assert not any(weight.requires_grad for weight in alone.network.parameters())
    assert diffusion.autoencoder(str(tiny_diffusion.autoencoder(1))).digest != alone.digest


def test_reconstruction_is_decode_after_encode_and_fills_up_odd_sides():
    part = diffusion.autoencoder(str(tiny_diffusion.autoencoder()))
    pictures = torch.rand(2, 3, 18, 22) * 2 - 1
    with torch.no_grad():
        expected = part.network.decode(part.network.encode(pictures).latent_dist.mean).sample.clamp(-1, 1)
        assert torch.equal(diffusion.reconstructed(part.network, part.factor, pictures), expected)
        odd = pictures[..., :17, :21]
        filled = torch.from_numpy(np.pad(odd.numpy(), [(0, 0), (0, 0), (0, 1), (0, 1)], mode="reflect"))
        expected = part.network.decode(part.network.encode(filled).latent_dist.mean).sample.clamp(-1, 1)[..., :17, :21]
        assert torch.equal(diffusion.reconstructed(part.network, part.factor, odd), expected)
        with pytest.raises(UserError, match="1 x 5 pixels is too small for an autoencoder of factor 2"):
            diffusion.reconstructed(part.network, part.factor, torch.zeros(1, 3, 5, 1))


KINDS = {
    "quantised": lambda: diffusers.VQModel(
        block_out_channels=(8, 8),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        norm_num_groups=4,
        num_vq_embeddings=16,
    ),
    "tiny": lambda: diffusers.AutoencoderTiny(
        encoder_block_out_channels=(8, 8),
        decoder_block_out_channels=(8, 8),
        num_encoder_blocks=(1, 1),
        num_decoder_blocks=(1, 1),
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_any_class_of_autoencoder_will_do(kind, tmp_path):
    torch.manual_seed(0)
    KINDS[kind]().save_pretrained(tmp_path)
    part = diffusion.autoencoder(str(tmp_path))
    with torch.no_grad():
        found = diffusion.reconstructed(part.network, part.factor, torch.rand(1, 3, 16, 16) * 2 - 1)
    assert found.shape == (1, 3, 16, 16)
    assert part.factor == 2


def test_the_lineages_denoiser_comes_with_the_package():
    part = diffusion.denoiser("package:lineage/lineage-1")
    assert part.network.config.sample_size == 64
    assert next(part.network.parameters()).dtype == torch.float32  # it lies in float16
    assert diffusion.scheduler("package:lineage/lineage-1")["beta_schedule"] == "squaredcos_cap_v2"


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("nowhere/at-all", "no such folder"),
        ("package:lineage/lineage-0", "this package has no folder lineage/lineage-0"),
        ("hub:owner/name", "pinned"),
        ("package:lineage", "no autoencoder in .* it would hold config.json, vae/config.json"),
        ("package:lineage/lineage-1", "no autoencoder in"),
    ],
)
def test_what_is_no_autoencoder_is_told_in_one_line(where, said):
    with pytest.raises(UserError, match=said) as caught:
        diffusion.autoencoder(where)
    assert "\n" not in str(caught.value)


def test_a_folder_of_something_else_is_refused(tmp_path):
    with pytest.raises(UserError, match="an unconditional UNet2DModel on RGB is needed, not AutoencoderKL"):
        diffusion.denoiser(str(tiny_diffusion.autoencoder()))
    stand_ins.build_unet(16, (8, 16)).save_pretrained(tmp_path / "unet")
    with pytest.raises(UserError, match="is no autoencoder but a UNet2DModel"):
        diffusion.autoencoder(str(tmp_path / "unet"))
    (tmp_path / "config.json").write_text(json.dumps({"_class_name": "os"}))
    with pytest.raises(UserError, match="has no model 'os'"):
        diffusion.autoencoder(str(tmp_path))
    (tmp_path / "config.json").write_text(json.dumps({"_class_name": "AutoencoderKL"}))
    with pytest.raises(UserError, match="cannot be loaded as AutoencoderKL"):
        diffusion.autoencoder(str(tmp_path))
    with pytest.raises(UserError, match=r"no pipeline in .*scheduler_config.json is missing"):
        diffusion.scheduler(str(tmp_path))


def test_a_hub_that_does_not_answer_says_what_to_do():
    with pytest.raises(UserError, match="the hub does not answer"):
        diffusion.autoencoder("hub:owner/name@" + 40 * "0")
