"""One tiny pipeline with random weights for each of many classes of diffusers: built in memory, some hundred kilobytes.

No file is read and no hub is asked. A class costs about a tenth of a second to save, load or call.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import diffusers as d
import torch

import tiny_transformers as transformers
import tiny_unets as unets
from tiny_parts import SIDE


@dataclass(frozen=True)
class Tiny:
    """How a class is built small, and the arguments that keep its call small."""

    components: Callable[[], Mapping[str, Any]]
    call: Mapping[str, Any] = field(default_factory=dict)


def save(name: str, folder: Path, seed: int = 0) -> Path:
    """The pipeline of that class in diffusers' layout, its weights drawn from a seed."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        pipeline = getattr(d, name)(**TINY[name].components())
        for part in pipeline.components.values():
            if isinstance(part, torch.nn.Module):
                _fill(part)
        pipeline.save_pretrained(folder, safe_serialization=True)
    return folder


def _fill(module: torch.nn.Module) -> None:
    """Random values where a class leaves zeros, or memory as it was: else pictures would be grey, or chance."""
    for name, weight in module.named_parameters():
        if not weight.any() or name.endswith("pad_token"):
            torch.nn.init.normal_(weight, std=0.1)


_SMALL = {"num_inference_steps": 2, "height": SIDE, "width": SIDE}
_SHORT = {**_SMALL, "max_sequence_length": 48}

TINY: Mapping[str, Tiny] = {
    "DDPMPipeline": Tiny(unets.unconditional, {"num_inference_steps": 2}),
    "StableDiffusionPipeline": Tiny(unets.stable_diffusion, _SMALL),
    "LatentConsistencyModelPipeline": Tiny(unets.latent_consistency, _SMALL),
    "StableDiffusionXLPipeline": Tiny(unets.stable_diffusion_xl, {**_SMALL, "negative_prompt": "a blurred picture"}),
    "StableDiffusion3Pipeline": Tiny(transformers.stable_diffusion_3, _SHORT),
    "FluxPipeline": Tiny(transformers.flux, _SHORT),
    "Flux2KleinPipeline": Tiny(transformers.flux_2, {**_SHORT, "text_encoder_out_layers": [0, 1, 2]}),
    "ChromaPipeline": Tiny(transformers.chroma, _SHORT),
    "OvisImagePipeline": Tiny(transformers.ovis, _SHORT),
    "PixArtSigmaPipeline": Tiny(transformers.pixart, {**_SHORT, "use_resolution_binning": False}),
    "PixArtAlphaPipeline": Tiny(transformers.pixart, {**_SHORT, "use_resolution_binning": False}),
    "QwenImagePipeline": Tiny(transformers.qwen_image, {**_SHORT, "true_cfg_scale": 2.0, "negative_prompt": " "}),
    "ZImagePipeline": Tiny(transformers.z_image, _SHORT),
    "KandinskyV22CombinedPipeline": Tiny(unets.kandinsky_22, {**_SMALL, "prior_num_inference_steps": 2}),
    "SanaPipeline": Tiny(
        transformers.sana, {**_SHORT, "use_resolution_binning": False, "complex_human_instruction": None}
    ),
    "Lumina2Pipeline": Tiny(transformers.lumina_2, {**_SHORT, "system_prompt": "a"}),
    "CogView4Pipeline": Tiny(transformers.cogview_4, {**_SHORT, "negative_prompt": "a blur"}),
    "AmusedPipeline": Tiny(unets.amused, _SMALL),
    "AuraFlowPipeline": Tiny(transformers.aura_flow, _SHORT),
}
