"""Image encoders of open_clip, the extra `redqueen[openclip]`."""

import json
import logging
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from redqueen.detectors.backbones.backbone import (
    UNREADABLE,
    Backbone,
    Interpolation,
    Look,
    Triple,
    checked,
    no_such,
    short,
    triple,
)
from redqueen.detectors.weights import locate, title, weight_file
from redqueen.errors import UserError

FILES = ("open_clip_model*.safetensors", "open_clip_pytorch_model*.bin")


def open_clip_backbone(model: str, weights: str, mean: Triple | None = None, std: Triple | None = None) -> Backbone:
    """The projected image features of a model of open_clip, not normalised to length 1.

    Args:
        model: open_clip's name of the architecture, as "ViT-B-16-quickgelu" (OpenAI's own weights need quickgelu).
        weights: "hub:OWNER/NAME@COMMIT" (40 hex digits), a folder with open_clip_model.safetensors, or such a file.
        mean: per channel; where None, as open_clip_config.json beside the weights says, else OpenAI's.
        std: likewise.

    Raises:
        UserError: the extra is not installed, no such model, weights that are not there or do not fit, or a hub that
            does not answer.
    """
    if find_spec("open_clip") is None:
        raise UserError(f"open_clip is not installed, which {model} needs: pip install redqueen[openclip]")
    import open_clip  # noqa: PLC0415

    if model not in open_clip.list_models():
        raise no_such("open_clip model", model, open_clip.list_models())
    path = locate(weights, FILES)
    file = weight_file(path, weights, FILES) if path.is_dir() else path
    logging.getLogger("open_clip").setLevel(logging.ERROR)
    try:
        network = open_clip.create_model(model, pretrained=str(file), weights_only=True).visual
    except UNREADABLE as error:
        raise UserError(f"weights '{weights}' do not fit open_clip's {model}: {short(error)}") from None
    look = _look(network, _said(file.parent), mean, std)
    return checked(network, look, title(weights), {"open_clip": model})


def _said(folder: Path) -> dict[str, Any]:
    """What a published folder says of its pictures; empty if it says nothing."""
    path = folder / "open_clip_config.json"
    return dict(json.loads(path.read_text()).get("preprocess_cfg", {})) if path.is_file() else {}


def _look(network: Any, said: dict[str, Any], mean: Triple | None, std: Triple | None) -> Look:
    facts = {**network.preprocess_cfg, **said}
    size = network.image_size
    interpolation: Interpolation = "bilinear" if facts["interpolation"] == "bilinear" else "bicubic"
    side = int(size[0] if isinstance(size, tuple | list) else size)
    return Look(triple(mean or facts["mean"]), triple(std or facts["std"]), side, interpolation)
