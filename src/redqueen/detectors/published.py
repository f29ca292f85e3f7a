"""Weights that a method's authors publish: read without running anything in them, every tensor accounted for."""

import argparse
import struct
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from pickle import UnpicklingError

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from redqueen.detectors.weights import locate, weight_file
from redqueen.errors import UserError

Keys = Mapping[str, str] | Callable[[str], str]  # our name of a tensor -> the authors'

_COUNTER = "num_batches_tracked"  # of a batch norm: older files do not have it and no score depends on it
_SHOWN = 3  # names in an error
_DAMAGED = (  # what torch and safetensors raise on a broken file
    OSError, EOFError, ValueError, RuntimeError, LookupError, AssertionError, TypeError, AttributeError,
    struct.error, SafetensorError,
)  # fmt: skip


def read(weights: str, inside: str | None = None) -> dict[str, Tensor]:
    """The state dict in a file of safetensors or in a pickle of tensors alone.

    Args:
        weights: a file, a folder with model.safetensors, or hub:OWNER/NAME@COMMIT.
        inside: the key under which the authors' file keeps its tensors; a file that is flat is taken as it is.

    Raises:
        UserError: no such file, a file that is damaged or that holds anything beside data.
    """
    path = locate(weights)
    file = weight_file(path, weights) if path.is_dir() else path
    found = _unpacked(file, weights)
    if inside is not None and isinstance(found.get(inside), Mapping):
        found = found[inside]  # type: ignore[assignment]  # nested: looked into below
    strange = sorted(str(key) for key, value in found.items() if not isinstance(value, Tensor))
    if strange:
        raise UserError(f"weights '{weights}' is no state dict: {_some(strange)} of it is no tensor")
    return {str(key): value for key, value in found.items()}


def load(module: nn.Module, state: Mapping[str, Tensor], keys: Keys, dropped: Collection[str] = ()) -> None:
    """Fill every tensor of `module` from the authors' `state`; nothing of it may be left over.

    Args:
        module: ours.
        state: theirs, as `read` gives it.
        keys: their name of each tensor of ours: a mapping, or a function of our name.
        dropped: their tensors that ours has no place for, by full name.

    Raises:
        UserError: a tensor that is missing, left over or of another shape; the first of them are named as theirs.
    """
    ours = module.state_dict()
    theirs = {key: keys[key] if isinstance(keys, Mapping) else keys(key) for key in ours}
    absent = [key for key, name in theirs.items() if key.endswith(_COUNTER) and name not in state]
    names = {key: name for key, name in theirs.items() if key not in absent}
    what = f"the published weights do not fit {type(module).__name__}"
    missing = sorted({name for name in names.values() if name not in state})
    if missing:
        raise UserError(f"{what}: {_some(missing)} missing")
    extra = sorted(set(state) - set(names.values()) - set(dropped))
    if extra:
        raise UserError(f"{what}: {_some(extra)} left over")
    for key, name in names.items():
        if state[name].shape != ours[key].shape:
            raise UserError(f"{what}: {name} is {tuple(state[name].shape)}, ours is {tuple(ours[key].shape)}")
    module.load_state_dict({**{key: ours[key] for key in absent}, **{key: state[name] for key, name in names.items()}})


def freeze(detector: nn.Module, weights: str | None, frozen: bool | None) -> None:
    """Leave nothing of a detector to train if `frozen`; None: if it has published `weights`, which are then its own.

    Raises:
        UserError: frozen without weights.
    """
    if frozen and weights is None:
        name = type(detector).__name__
        raise UserError(f"{name}: frozen=true needs weights=FILE: random ones detect nothing")
    if frozen or (frozen is None and weights is not None):
        detector.requires_grad_(False)


def _unpacked(file: Path, weights: str) -> Mapping[str, Tensor]:
    try:
        if file.suffix == ".safetensors":
            return load_file(file)
        with torch.serialization.safe_globals([argparse.Namespace]):  # training scripts keep their options beside
            found = torch.load(file, map_location="cpu", weights_only=True)
    except UnpicklingError:
        raise UserError(
            f"weights '{weights}' is no pickle of tensors alone, and nothing else in it is run: "
            "save its state dict as safetensors"
        ) from None
    except _DAMAGED as error:
        raise UserError(f"weights '{weights}' cannot be read: {' '.join(str(error).split())[:200]}") from None
    if not isinstance(found, Mapping):
        raise UserError(f"weights '{weights}' is no state dict but a {type(found).__name__}")
    return found


def _some(names: list[str]) -> str:
    """The first names, and how many more there are."""
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
