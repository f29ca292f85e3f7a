"""Tiny pipelines around a diffusion transformer."""

from collections.abc import Mapping
from typing import Any

import diffusers as d
import transformers as t

import tiny_parts as parts
from tiny_parts import SIDE, WIDTH


def stable_diffusion_3() -> Mapping[str, Any]:
    transformer = d.SD3Transformer2DModel(
        sample_size=SIDE // 2,
        patch_size=1,
        in_channels=4,
        out_channels=4,
        num_layers=2,
        attention_head_dim=8,
        num_attention_heads=2,
        caption_projection_dim=16,
        joint_attention_dim=2 * WIDTH,
        pooled_projection_dim=2 * WIDTH,
    )
    five = t.T5EncoderModel(
        t.T5Config(vocab_size=len(parts.t5_tokenizer()), d_model=2 * WIDTH, d_kv=8, d_ff=16, num_layers=1, num_heads=2)
    ).eval()
    return {
        "transformer": transformer,
        "scheduler": parts.flow(),
        "vae": parts.flux_vae(),
        "text_encoder": parts.clip_text(t.CLIPTextModelWithProjection),
        "tokenizer": parts.clip_tokenizer(),
        "text_encoder_2": parts.clip_text(t.CLIPTextModelWithProjection),
        "tokenizer_2": parts.clip_tokenizer(),
        "text_encoder_3": five,
        "tokenizer_3": parts.t5_tokenizer(),
    }


def flux() -> Mapping[str, Any]:
    transformer = d.FluxTransformer2DModel(
        in_channels=16,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=8,
        num_attention_heads=2,
        joint_attention_dim=WIDTH,
        pooled_projection_dim=WIDTH,
        guidance_embeds=True,
        axes_dims_rope=(4, 2, 2),
    )
    return {
        "scheduler": parts.flow(),
        "vae": parts.flux_vae(),
        "text_encoder": parts.clip_text(),
        "tokenizer": parts.clip_tokenizer(),
        "text_encoder_2": parts.t5_text(),
        "tokenizer_2": parts.t5_tokenizer(),
        "transformer": transformer,
    }


def flux_2() -> Mapping[str, Any]:
    transformer = d.Flux2Transformer2DModel(
        in_channels=16,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=3 * WIDTH,
        timestep_guidance_channels=16,
        axes_dims_rope=(4, 4, 4, 4),
        guidance_embeds=False,
    )
    vae = d.AutoencoderKLFlux2(
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        block_out_channels=(8, 16),
        norm_num_groups=4,
        latent_channels=4,
    )
    return {
        "scheduler": parts.flow(),
        "vae": vae,
        "text_encoder": parts.qwen3(t.Qwen3ForCausalLM),
        "tokenizer": parts.qwen_tokenizer(),
        "transformer": transformer,
    }


def chroma() -> Mapping[str, Any]:
    transformer = d.ChromaTransformer2DModel(
        in_channels=16,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=8,
        num_attention_heads=2,
        joint_attention_dim=WIDTH,
        axes_dims_rope=(4, 2, 2),
        approximator_num_channels=8,
        approximator_hidden_dim=16,
        approximator_layers=1,
    )
    five = {"text_encoder": parts.t5_text(), "tokenizer": parts.t5_tokenizer()}
    return {"scheduler": parts.flow(), "vae": parts.flux_vae(), "transformer": transformer, **five}


def ovis() -> Mapping[str, Any]:
    transformer = d.OvisImageTransformer2DModel(
        in_channels=16,
        out_channels=None,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=8,
        num_attention_heads=2,
        joint_attention_dim=WIDTH,
        axes_dims_rope=(4, 2, 2),
    )
    text = {"text_encoder": parts.qwen3(), "tokenizer": parts.qwen_tokenizer()}
    return {"scheduler": parts.flow(), "vae": parts.flux_vae(), "transformer": transformer, **text}


def pixart() -> Mapping[str, Any]:
    transformer = d.PixArtTransformer2DModel(
        sample_size=SIDE // 2,
        num_layers=1,
        num_attention_heads=2,
        attention_head_dim=8,
        cross_attention_dim=16,
        caption_channels=WIDTH,
        in_channels=4,
        out_channels=8,
        use_additional_conditions=False,
    )
    return {
        "tokenizer": parts.t5_tokenizer(),
        "text_encoder": parts.t5_text(),
        "vae": parts.vae(),
        "transformer": transformer,
        "scheduler": d.DPMSolverMultistepScheduler(),
    }


def qwen_image() -> Mapping[str, Any]:
    transformer = d.QwenImageTransformer2DModel(
        in_channels=16,
        out_channels=4,
        num_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=WIDTH,
        axes_dims_rope=(8, 4, 4),
    )
    vae = d.AutoencoderKLQwenImage(
        base_dim=8,
        z_dim=4,
        dim_mult=[1, 2, 2],
        num_res_blocks=1,
        temperal_downsample=[False, True],
        latents_mean=[0.1] * 4,
        latents_std=[1.2] * 4,
    )
    text = {"text_encoder": parts.qwen25(), "tokenizer": parts.qwen_tokenizer()}
    return {"scheduler": parts.flow(), "vae": vae, "transformer": transformer, **text}


def z_image() -> Mapping[str, Any]:
    transformer = d.ZImageTransformer2DModel(
        in_channels=4,
        dim=32,
        n_layers=1,
        n_refiner_layers=1,
        n_heads=2,
        n_kv_heads=2,
        cap_feat_dim=WIDTH,
        axes_dims=[8, 4, 4],
        axes_lens=[256, 32, 32],
    )
    text = {"text_encoder": parts.qwen3(), "tokenizer": parts.qwen_tokenizer()}
    return {"scheduler": parts.flow(), "vae": parts.flux_vae(), "transformer": transformer, **text}


def sana() -> Mapping[str, Any]:
    transformer = d.SanaTransformer2DModel(
        in_channels=4,
        out_channels=4,
        num_layers=1,
        num_attention_heads=2,
        attention_head_dim=8,
        num_cross_attention_heads=2,
        cross_attention_head_dim=8,
        cross_attention_dim=16,
        caption_channels=WIDTH,
        sample_size=SIDE // 2,
    )
    vae = d.AutoencoderDC(
        latent_channels=4,
        attention_head_dim=2,
        encoder_block_types=("ResBlock", "EfficientViTBlock"),
        decoder_block_types=("ResBlock", "EfficientViTBlock"),
        encoder_block_out_channels=(8, 8),
        decoder_block_out_channels=(8, 8),
        encoder_qkv_multiscales=((), (5,)),
        decoder_qkv_multiscales=((), (5,)),
        encoder_layers_per_block=(1, 1),
        decoder_layers_per_block=(1, 1),
        downsample_block_type="conv",
        upsample_block_type="interpolate",
    )
    return {**parts.gemma(), "vae": vae, "transformer": transformer, "scheduler": parts.flow(shift=7.0)}


def lumina_2() -> Mapping[str, Any]:
    transformer = d.Lumina2Transformer2DModel(
        sample_size=4,
        in_channels=4,
        hidden_size=24,
        num_layers=1,
        num_refiner_layers=1,
        num_attention_heads=3,
        num_kv_heads=1,
        multiple_of=8,
        axes_dim_rope=(4, 2, 2),
        axes_lens=(128, 128, 128),
        cap_feat_dim=WIDTH,
    )
    return {**parts.gemma(), "vae": parts.flux_vae(levels=4), "transformer": transformer, "scheduler": parts.flow()}


def cogview_4() -> Mapping[str, Any]:
    transformer = d.CogView4Transformer2DModel(
        in_channels=4,
        out_channels=4,
        num_layers=1,
        attention_head_dim=8,
        num_attention_heads=2,
        text_embed_dim=WIDTH,
        time_embed_dim=8,
        condition_dim=4,
    )
    return {
        "tokenizer": parts.qwen_tokenizer(),
        "text_encoder": parts.decoder(t.GlmConfig, t.GlmModel, len(parts.qwen_tokenizer())),
        "vae": parts.vae(),
        "transformer": transformer,
        "scheduler": parts.flow(base_shift=0.25, max_shift=0.75, use_dynamic_shifting=True),
    }


def aura_flow() -> Mapping[str, Any]:
    transformer = d.AuraFlowTransformer2DModel(
        sample_size=SIDE // 2,
        num_mmdit_layers=1,
        num_single_dit_layers=1,
        attention_head_dim=8,
        num_attention_heads=2,
        joint_attention_dim=WIDTH,
        caption_projection_dim=16,
        pos_embed_max_size=256,
    )
    return {
        "tokenizer": parts.t5_tokenizer(),
        "text_encoder": parts.t5_text(t.UMT5Config, t.UMT5EncoderModel),
        "vae": parts.vae(),
        "transformer": transformer,
        "scheduler": parts.flow(),
    }
