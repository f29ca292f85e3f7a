"""What tiny pipelines are put together from: tokenizers that know bytes or letters alone, networks of a few numbers."""

import string
from collections.abc import Mapping
from typing import Any

import diffusers as d
import transformers as t
from tokenizers.pre_tokenizers import ByteLevel

WIDTH = 16  # of every text encoder
SIDE = 32  # of every picture, in pixels
BYTES = sorted(ByteLevel.alphabet())
ENDS = ("<|startoftext|>", "<|endoftext|>", "<|im_start|>", "<|im_end|>")
CHAT = "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"


def seat(words: list[str]) -> dict[str, int]:
    return {word: number for number, word in enumerate(words)}


def clip_tokenizer() -> Any:
    vocab = seat([*BYTES, *(f"{sign}</w>" for sign in BYTES), *ENDS[:2]])
    return t.CLIPTokenizer(vocab=vocab, merges=[], model_max_length=77)


def qwen_tokenizer() -> Any:
    made = t.Qwen2Tokenizer(vocab=seat([*BYTES, ENDS[1]]), merges=[], additional_special_tokens=list(ENDS[2:]))
    made.chat_template = CHAT
    return made


def t5_tokenizer() -> Any:
    letters = [(sign, -3.0) for sign in string.ascii_letters + string.digits + ".,:;'-"]
    vocab = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("\u2581", -2.0), *letters]
    return t.T5Tokenizer(vocab=vocab, extra_ids=0, model_max_length=512)


def gemma_tokenizer() -> Any:
    signs = list(string.ascii_letters + string.digits + ".,:;'-\u2581\n\"")
    return t.GemmaTokenizer(vocab=seat(["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", *signs]), merges=[])


def clip_text(kind: Any = t.CLIPTextModel, width: int = WIDTH) -> Any:
    vocab = clip_tokenizer()
    return kind(
        t.CLIPTextConfig(
            vocab_size=len(vocab),
            bos_token_id=vocab.bos_token_id,
            eos_token_id=vocab.eos_token_id,
            pad_token_id=vocab.pad_token_id,
            hidden_size=width,
            projection_dim=width,
            intermediate_size=WIDTH,
            num_hidden_layers=2,
            num_attention_heads=2,
        )
    ).eval()


def clip_vision(width: int = WIDTH) -> Any:
    return t.CLIPVisionModelWithProjection(
        t.CLIPVisionConfig(
            hidden_size=width,
            projection_dim=width,
            intermediate_size=WIDTH,
            num_hidden_layers=1,
            num_attention_heads=2,
            image_size=SIDE,
            patch_size=16,
        )
    ).eval()


def t5_text(config: Any = t.T5Config, kind: Any = t.T5EncoderModel) -> Any:
    sizes = {"d_model": WIDTH, "d_kv": 8, "d_ff": WIDTH, "num_layers": 1, "num_heads": 2}
    return kind(config(vocab_size=len(t5_tokenizer()), **sizes)).eval()


def decoder(config: Any, kind: Any, vocab: int, **more: Any) -> Any:
    """A causal text encoder: Qwen 3, Gemma 2, GLM."""
    return kind(
        config(
            vocab_size=vocab,
            hidden_size=WIDTH,
            intermediate_size=WIDTH,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=2,
            head_dim=8,
            pad_token_id=0,
            **more,
        )
    ).eval()


def qwen3(kind: Any = t.Qwen3Model) -> Any:
    return decoder(t.Qwen3Config, kind, len(qwen_tokenizer()))


def qwen25() -> Any:
    text = {
        "hidden_size": WIDTH,
        "intermediate_size": WIDTH,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "vocab_size": len(qwen_tokenizer()),
        "rope_parameters": {"mrope_section": [1, 1, 2], "rope_type": "default", "rope_theta": 10000.0},
        "bos_token_id": None,
        "eos_token_id": None,
    }
    vision = {"depth": 1, "hidden_size": WIDTH, "intermediate_size": WIDTH, "num_heads": 2, "out_hidden_size": WIDTH}
    return t.Qwen2_5_VLForConditionalGeneration(t.Qwen2_5_VLConfig(text_config=text, vision_config=vision)).eval()


def vae(channels: int = 4, levels: int = 2, **more: Any) -> Any:
    return d.AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels,
        block_out_channels=(8, 16, 16, 16)[:levels],
        norm_num_groups=4,
        latent_channels=channels,
        **more,
    )


def flux_vae(channels: int = 4, levels: int = 2) -> Any:
    return vae(channels, levels, use_quant_conv=False, use_post_quant_conv=False, shift_factor=0.1)


def unet(**more: Any) -> Any:
    sizes = {
        "block_out_channels": (8, 16),
        "layers_per_block": 1,
        "norm_num_groups": 4,
        "attention_head_dim": 2,
        "cross_attention_dim": WIDTH,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
    }
    return d.UNet2DConditionModel(**(sizes | more))


def flow(**more: Any) -> Any:
    return d.FlowMatchEulerDiscreteScheduler(**more)


def gemma() -> Mapping[str, Any]:
    tokenizer = gemma_tokenizer()
    return {"tokenizer": tokenizer, "text_encoder": decoder(t.Gemma2Config, t.Gemma2Model, len(tokenizer))}
