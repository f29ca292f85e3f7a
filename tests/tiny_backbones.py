"""Small random weights in place of those on a hub, so that a detector on any backbone can be built from its YAML."""

import atexit
import json
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from omegaconf import DictConfig

SIDE = 32
TIMM = "test_vit.r160_in1k"
SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": SIDE, "patch_size": 16}
CONFIGS: dict[str, tuple[str, dict[str, Any]]] = {  # class of transformers -> its configuration, made small
    "CLIPVisionModelWithProjection": ("CLIPVisionConfig", {"intermediate_size": 32, "projection_dim": 32}),
    "MetaClip2VisionModelWithProjection": ("MetaClip2VisionConfig", {"intermediate_size": 32, "projection_dim": 32}),
    "Dinov2Model": ("Dinov2Config", {}),
    "DINOv3ViTModel": ("DINOv3ViTConfig", {"intermediate_size": 32}),
    "SiglipVisionModel": ("SiglipVisionConfig", {"intermediate_size": 32}),
}
PICTURES = {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.25, 0.25, 0.25], "size": SIDE}


def overrides(node: DictConfig) -> dict[str, Any]:
    """Settings that put small weights in the place of a hub's; none for a detector that needs no hub."""
    backbone = node.get("backbone", {})
    if not str(backbone.get("weights", "")).startswith("hub:"):
        return {}
    if "timm" in backbone._target_:
        return {"backbone": {"model": TIMM, "weights": str(timm_folder())}}
    made = {"backbone": {"weights": str(transformers_folder(backbone.model))}}
    return made if "crop" in node and node.crop is None else {**made, "crop": SIDE}


@cache
def transformers_folder(model: str) -> Path:
    """A random model of a class, in the layout of transformers, with what its pictures look like."""
    import transformers

    transformers.logging.disable_progress_bar()
    config, more = CONFIGS[model]
    torch.manual_seed(0)
    folder = _folder() / "a-model"
    getattr(transformers, model)(getattr(transformers, config)(**SMALL, **more)).save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(PICTURES))
    return folder


@cache
def timm_folder() -> Path:
    """A random model of timm, as its weights are published."""
    import timm

    torch.manual_seed(0)
    folder = _folder()
    safetensors.torch.save_file(timm.create_model(TIMM).state_dict(), folder / "model.safetensors")
    return folder


def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="tiny-backbone-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
