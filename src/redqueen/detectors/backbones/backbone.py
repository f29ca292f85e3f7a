"""A frozen network with what its pictures must look like, and what all ways of loading one share."""

import difflib
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pickle import UnpicklingError
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from torch import Tensor, nn

from redqueen.detectors.base import Pixels, to_tensor
from redqueen.errors import UserError
from redqueen.files import canonical

Triple = tuple[float, float, float]
Interpolation = Literal["bilinear", "bicubic"]

UNREADABLE = (
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
        return self.normalise(picture)

    def normalise(self, picture: Tensor) -> Tensor:
        """A picture in [0, 1], (3, H, W), as the network was trained to see it."""
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


@dataclass(frozen=True)
class Look:
    """What a backbone's pictures look like; fields as in `Backbone`."""

    mean: Triple
    std: Triple
    size: int
    interpolation: Interpolation


def checked(network: nn.Module, look: Look, name: str, facts: Mapping[str, str]) -> Backbone:
    """The backbone, after one black picture has gone through it; its digest is over `facts`, the look and the weights.

    The digest says nothing about the file that the weights came in: the same weights have the same one.
    """
    network.eval().requires_grad_(False)
    try:
        with torch.inference_mode():
            found = network(torch.zeros(1, 3, look.size, look.size))
    except (RuntimeError, TypeError, ValueError, AssertionError) as error:
        raise UserError(f"backbone '{name}' cannot take a picture of {look.size} pixels: {short(error)}") from None
    if found.ndim != 2:
        raise UserError(f"backbone '{name}' gives {tuple(found.shape)}, not one row of features a picture")
    digest = hashlib.sha256(canonical([facts, vars(look)]).encode())
    for key, tensor in sorted(network.state_dict().items()):
        digest.update(f"{key} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.contiguous().flatten().view(torch.uint8).numpy())
    return Backbone(
        network, int(found.shape[1]), look.mean, look.std, digest.hexdigest(), name, look.size, look.interpolation
    )


def triple(values: Iterable[float]) -> Triple:
    """Three numbers, one per channel."""
    red, green, blue = (float(value) for value in values)
    return red, green, blue


def no_such(what: str, name: str, known: Iterable[str]) -> UserError:
    """As `unknown`, for names that are too many to be listed."""
    near = difflib.get_close_matches(name, list(known), n=3, cutoff=0.5)
    return UserError(f"unknown {what} '{name}'" + (f"; did you mean {' or '.join(near)}?" if near else ""))


def short(error: Exception) -> str:
    """The beginning of a library's message, in one line."""
    words = " ".join(str(error).split())
    return words if len(words) <= 200 else f"{words[:200]}…"
