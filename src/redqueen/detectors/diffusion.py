"""Parts of diffusion models that detectors look through: an autoencoder or a denoiser, from a folder or the Hub."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from redqueen.detectors.weights import HUB, locate
from redqueen.errors import UserError
from redqueen.files import canonical

PACKAGE = "package:"  # a folder of this package, such as package:lineage/lineage-1
AUTOENCODERS = ("vae", "movq", "vqvae", "vqgan")  # what pipelines call theirs
DENOISERS = ("unet",)

_CONFIG, _WEIGHTS = "config.json", "diffusion_pytorch_model.safetensors"
_SCHEDULER = "scheduler/scheduler_config.json"
_PROBE = 128  # pixels; a multiple of every factor there is


@dataclass(frozen=True)
class Part:
    """A frozen network of diffusers in float32.

    Attributes:
        network: in evaluation mode.
        digest: of its settings and weights, whatever file they came in.
        folder: where the model or the pipeline that it belongs to lies.
    """

    network: Any
    digest: str
    folder: Path


@dataclass(frozen=True)
class Autoencoder(Part):
    """An autoencoder, whose code has sides that are shorter than the picture's by `factor`."""

    factor: int


def autoencoder(where: str) -> Autoencoder:
    """The autoencoder that lies at `where`, alone or within a pipeline.

    Args:
        where: a folder in diffusers' layout, "hub:OWNER/NAME@COMMIT" or "package:FOLDER".

    Raises:
        UserError: nothing there, or something else.
    """
    part = _part(where, AUTOENCODERS, "autoencoder")
    if not (hasattr(part.network, "encode") and hasattr(part.network, "decode")):
        raise UserError(f"'{where}' is no autoencoder but a {type(part.network).__name__}")
    with torch.inference_mode():
        side = code_of(part.network, torch.zeros(1, 3, _PROBE, _PROBE)).shape[-1]
    return Autoencoder(part.network, part.digest, part.folder, _PROBE // int(side))


def denoiser(where: str) -> Part:
    """The unconditional UNet of a pipeline on pixels; `where` as for `autoencoder`."""
    part = _part(where, DENOISERS, "pipeline")
    channels = getattr(part.network.config, "in_channels", None)
    if type(part.network).__name__ != "UNet2DModel" or channels != 3:
        raise UserError(f"'{where}': an unconditional UNet2DModel on RGB is needed, not {type(part.network).__name__}")
    return part


def scheduler(where: str) -> dict[str, Any]:
    """The settings of the noise schedule of the pipeline that lies at `where`."""
    folder = locate(where, (_SCHEDULER,)) if where.startswith(HUB) else _folder(where, DENOISERS)
    if not (folder / _SCHEDULER).is_file():
        raise UserError(f"'{where}': no pipeline in {folder} ({_SCHEDULER} is missing)")
    return dict(json.loads((folder / _SCHEDULER).read_text()))


def code_of(network: Any, pictures: Tensor) -> Tensor:
    """The latents' mean of (B, 3, H, W) in [-1, 1]; of an autoencoder of films, of films of one frame."""
    found = network.encode(pictures.unsqueeze(2) if _is_film(network) else pictures)
    if hasattr(found, "latent_dist"):
        return torch.as_tensor(found.latent_dist.mode())
    return torch.as_tensor(found.latents if hasattr(found, "latents") else found.latent)


def reconstructed(network: Any, factor: int, pictures: Tensor) -> Tensor:
    """Encoded and decoded, (B, 3, H, W) in [-1, 1] to the same; sides are filled up by reflection and cut back.

    The latents go from the encoder to the decoder as they are: scale and shift are the denoiser's affair.
    """
    height, width = pictures.shape[-2:]
    right, bottom = -width % factor, -height % factor
    if right >= width or bottom >= height:
        raise UserError(f"a picture of {width} x {height} pixels is too small for an autoencoder of factor {factor}")
    filled = pad(pictures, (0, right, 0, bottom), mode="reflect")
    decoded: Tensor = network.decode(code_of(network, filled)).sample
    decoded = decoded[:, :, 0] if decoded.ndim == 5 else decoded
    return decoded[..., :height, :width].clamp(-1, 1)


def _is_film(network: nn.Module) -> bool:
    return any(weight.ndim == 5 for weight in network.parameters())  # three-dimensional convolutions


def _part(where: str, names: Sequence[str], what: str) -> Part:
    folder = _folder(where, names)
    found = next((name for name in ("", *names) if (folder / name / _CONFIG).is_file()), None)
    if found is None:
        there = ", ".join([_CONFIG, *(f"{name}/{_CONFIG}" for name in names)])
        raise UserError(f"'{where}': no {what} in {folder}; it would hold {there}")
    if where.startswith(HUB):
        folder = locate(where, (f"{found}/{_WEIGHTS}".lstrip("/"),))
    network = _loaded(folder / found, where)
    return Part(network, _digest(network), folder)


def _folder(where: str, names: Sequence[str]) -> Path:
    if where.startswith(PACKAGE):
        folder = Path(str(files("redqueen"))) / where.removeprefix(PACKAGE)
        if not folder.is_dir():
            raise UserError(f"'{where}': this package has no folder {where.removeprefix(PACKAGE)}")
        return folder
    if where.startswith(HUB):
        return locate(where, (*(f"{name}/{_CONFIG}" for name in names), _CONFIG))
    folder = Path(where).expanduser()
    if not folder.is_dir():
        raise UserError(f"'{where}': no such folder; give a folder in diffusers' layout or hub:OWNER/NAME@COMMIT")
    return folder


def _loaded(folder: Path, where: str) -> Any:
    import diffusers  # noqa: PLC0415

    name = str(json.loads((folder / _CONFIG).read_text()).get("_class_name"))
    kind: Any = getattr(diffusers, name, None)
    known = isinstance(kind, type) and issubclass(kind, diffusers.ModelMixin)
    if not known:
        raise UserError(f"'{where}': diffusers {diffusers.__version__} has no model '{name}'")
    diffusers.utils.logging.set_verbosity_error()
    try:
        network = kind.from_pretrained(folder, dtype=torch.float32, use_safetensors=True, local_files_only=True)
    except (OSError, ValueError, RuntimeError) as error:
        raise UserError(f"'{where}' cannot be loaded as {name}: {' '.join(str(error).split())[:200]}") from None
    return network.eval().requires_grad_(False)


def _digest(network: Any) -> str:
    digest = hashlib.sha256(canonical([type(network).__name__, network.config.get("scaling_factor")]).encode())
    for key, tensor in sorted(network.state_dict().items()):
        digest.update(f"{key} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.contiguous().flatten().view(torch.uint8).numpy())
    return digest.hexdigest()
