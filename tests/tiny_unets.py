"""Tiny pipelines around a UNet, and the one that fills in tokens."""

from collections.abc import Mapping
from typing import Any

import diffusers as d
import transformers as t

import tiny_parts as parts
from tiny_parts import SIDE, WIDTH


def unconditional() -> Mapping[str, Any]:
    unet = d.UNet2DModel(
        sample_size=SIDE,
        block_out_channels=(8, 16),
        layers_per_block=1,
        norm_num_groups=4,
        down_block_types=("DownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "UpBlock2D"),
    )
    return {"unet": unet, "scheduler": d.DDPMScheduler()}


def stable_diffusion() -> Mapping[str, Any]:
    return {
        "vae": parts.vae(),
        "text_encoder": parts.clip_text(),
        "tokenizer": parts.clip_tokenizer(),
        "unet": parts.unet(sample_size=SIDE // 2),
        "scheduler": d.DDIMScheduler(),
        "safety_checker": None,
        "feature_extractor": None,
        "requires_safety_checker": False,
    }


def latent_consistency() -> Mapping[str, Any]:
    unet = parts.unet(sample_size=SIDE // 2, time_cond_proj_dim=8)
    return {**stable_diffusion(), "unet": unet, "scheduler": d.LCMScheduler()}


def stable_diffusion_xl() -> Mapping[str, Any]:
    unet = parts.unet(
        sample_size=SIDE // 2,
        cross_attention_dim=2 * WIDTH,
        transformer_layers_per_block=1,
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=6 * 8 + WIDTH,
        use_linear_projection=True,
    )
    return {
        "vae": parts.vae(),
        "text_encoder": parts.clip_text(),
        "text_encoder_2": parts.clip_text(t.CLIPTextModelWithProjection),
        "tokenizer": parts.clip_tokenizer(),
        "tokenizer_2": parts.clip_tokenizer(),
        "unet": unet,
        "scheduler": d.EulerDiscreteScheduler(),
    }


def kandinsky_22() -> Mapping[str, Any]:
    unet = parts.unet(
        in_channels=4,
        out_channels=8,
        addition_embed_type="image",
        encoder_hid_dim=WIDTH,
        encoder_hid_dim_type="image_proj",
        down_block_types=("ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D"),
        up_block_types=("SimpleCrossAttnUpBlock2D", "ResnetUpsampleBlock2D"),
        mid_block_type="UNetMidBlock2DSimpleCrossAttn",
        resnet_time_scale_shift="scale_shift",
    )
    movq = d.VQModel(
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        block_out_channels=(32, 32),  # its spatial norm has 32 groups
        latent_channels=4,
        num_vq_embeddings=8,
        norm_type="spatial",
        vq_embed_dim=4,
    )
    prior = d.PriorTransformer(num_attention_heads=2, attention_head_dim=8, num_layers=1, embedding_dim=WIDTH)
    return {
        "unet": unet,
        "scheduler": d.DDPMScheduler(),
        "movq": movq,
        "prior_prior": prior,
        "prior_image_encoder": parts.clip_vision(),
        "prior_text_encoder": parts.clip_text(t.CLIPTextModelWithProjection),
        "prior_tokenizer": parts.clip_tokenizer(),
        "prior_scheduler": d.UnCLIPScheduler(prediction_type="sample", num_train_timesteps=1000),
        "prior_image_processor": t.CLIPImageProcessor(size={"shortest_edge": SIDE}, crop_size=SIDE),
    }


def amused() -> Mapping[str, Any]:
    transformer = d.UVit2DModel(
        hidden_size=8,
        cond_embed_dim=WIDTH,
        micro_cond_encode_dim=2,
        micro_cond_embed_dim=10,
        encoder_hidden_size=WIDTH,
        vocab_size=32,
        codebook_size=31,
        in_channels=8,
        block_out_channels=8,
        num_res_blocks=1,
        downsample=True,
        upsample=True,
        block_num_heads=1,
        num_hidden_layers=1,
        num_attention_heads=1,
        intermediate_size=8,
    )
    vqvae = d.VQModel(
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        block_out_channels=(8, 16),
        norm_num_groups=4,
        latent_channels=4,
        num_vq_embeddings=32,
        lookup_from_codebook=True,
    )
    return {
        "vqvae": vqvae,
        "tokenizer": parts.clip_tokenizer(),
        "text_encoder": parts.clip_text(t.CLIPTextModelWithProjection),
        "transformer": transformer,
        "scheduler": d.AmusedScheduler(mask_token_id=31),
    }
