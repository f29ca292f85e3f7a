"""Backbones of transformers."""

import json
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

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
from redqueen.types import Precision


def transformers_backbone(
    weights: str,
    model: str = "AutoModel",
    output: Literal["image_embeds", "pooler_output", "cls"] = "pooler_output",
    mean: Triple | None = None,
    std: Triple | None = None,
    size: int | None = None,
    precision: Precision = "float32",
) -> Backbone:
    """A vision model of transformers, with the preprocessing of its preprocessor_config.json.

    Args:
        weights: "hub:OWNER/NAME@COMMIT" (40 hex digits), or a folder in the layout of transformers.
        model: the class; CLIP needs "CLIPVisionModelWithProjection", SigLIP "SiglipVisionModel".
        output: the features: CLIP's projected `image_embeds`, the `pooler_output`, or the class token, `cls`.
        mean: per channel; where None, as preprocessor_config.json says.
        std: likewise.
        size: side in pixels; where None, as preprocessor_config.json says, else config.json.
        precision: of the matrix products; "bfloat16" (autocast) takes half the time on a CPU with AVX-512 BF16, and
            its features are others than those of float32, kept apart in every cache.

    Raises:
        UserError: no such class, weights that are not there or incomplete, preprocessing that is said nowhere, an
            output that the model does not have, or a hub that does not answer.
    """
    folder = locate(weights)
    network = _Vision(_loaded(folder, model, weights), output, precision)
    look = _look(folder, weights, mean, std, size)
    facts = {"transformers": model, "output": output}
    return checked(network, look, title(weights), facts if precision == "float32" else facts | {"precision": precision})


class _Vision(nn.Module):
    """A model of transformers that returns one of its outputs, (B, width)."""

    def __init__(self, model: nn.Module, output: str, precision: Precision) -> None:
        super().__init__()
        self.model, self.output, self.reduced = model, output, precision == "bfloat16"

    def forward(self, batch: Tensor) -> Tensor:
        reduced = torch.autocast(batch.device.type, torch.bfloat16) if self.reduced else nullcontext()
        with reduced:  # or as the caller has it
            found = self.model(pixel_values=batch)
        name = "last_hidden_state" if self.output == "cls" else self.output
        if found.get(name) is None:
            raise UserError(f"{type(self.model).__name__} has no {name}; its outputs: {', '.join(found)}")
        values: Tensor = found[name]
        return (values[:, 0] if self.output == "cls" else values).float()


def _loaded(folder: Path, model: str, weights: str) -> nn.Module:
    import transformers  # noqa: PLC0415

    kind: Any = getattr(transformers, model, None)
    if not hasattr(kind, "from_pretrained"):
        raise no_such("class of transformers", model, [name for name in dir(transformers) if "Model" in name])
    if not (folder / "config.json").is_file():
        raise UserError(f"weights '{weights}': no config.json in {folder}")
    weight_file(folder, weights)
    transformers.logging.disable_progress_bar()
    transformers.logging.set_verbosity_error()
    network: nn.Module
    try:
        network, info = kind.from_pretrained(
            folder,
            dtype=torch.float32,
            local_files_only=True,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # told below, by name
        )
    except UNREADABLE as error:
        raise UserError(f"weights '{weights}' cannot be loaded as {model}: {short(error)}") from None
    wrong = sorted({*info["missing_keys"], *(key for key, *_ in info["mismatched_keys"])})
    if wrong:
        raise UserError(
            f"weights '{weights}' do not fit {model}: {len(wrong)} tensors are missing or of another shape, "
            f"as {wrong[0]}"
        )
    return network


def _look(folder: Path, weights: str, mean: Triple | None, std: Triple | None, size: int | None) -> Look:
    config = json.loads((folder / "config.json").read_text())
    path = folder / "preprocessor_config.json"
    said = json.loads(path.read_text()) if path.is_file() else {}
    mean, std = mean or said.get("image_mean"), std or said.get("image_std")
    sides = (size, said.get("crop_size"), said.get("size"), config.get("image_size"))
    side = next((_side(value) for value in sides if value is not None), None)
    if mean is None or std is None or side is None:
        raise UserError(
            f"weights '{weights}': no preprocessor_config.json says how pictures are normalised; "
            "add it, or set mean=[…], std=[…] and size=… of the backbone"
        )
    interpolation: Interpolation = "bilinear" if said.get("resample") == 2 else "bicubic"
    return Look(triple(mean), triple(std), side, interpolation)


def _side(value: Any) -> int:
    """The side in pixels that a `size` of transformers means: a number, a pair, or a mapping."""
    if isinstance(value, Mapping):
        value = value.get("height", value.get("shortest_edge"))
    return int(value[0] if isinstance(value, list | tuple) else value)
