"""A detector from its checkpoint folder alone: what `detector.yaml` says, with the weights beside it.

`detector.yaml` names what builds the detector. Nothing but the detectors and backbones of this package is built from
it: a checkpoint from elsewhere may say what it likes.
"""

import re
from importlib import import_module
from pathlib import Path
from textwrap import shorten
from typing import Any, get_type_hints

import torch
import yaml
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import OmegaConf

from redqueen.detectors.backbones import Backbone
from redqueen.detectors.base import Detector
from redqueen.errors import AbsentError, UserError
from redqueen.training.checkpoint import NODE, Checkpoint

_OURS = "redqueen.detectors."
_TARGET = re.compile(r"redqueen\.detectors(\.[A-Za-z_]\w*)+")


def restored(folder: Path) -> tuple[Detector, Checkpoint]:
    """The detector of a checkpoint folder with its weights.

    Raises:
        UserError: it is no checkpoint, it would build something else than a detector, or its weights do not fit.
        AbsentError: it rests on frozen weights that are not on this machine.
    """
    checkpoint = Checkpoint(folder)
    try:
        seed, digest = int(checkpoint.record["seed"]), str(checkpoint.record["corpus_digest"])
        checkpoint.record["frozen"]
    except KeyError as error:
        raise UserError(f"checkpoint {folder.name}: record.json does not say {error}; train it again") from None
    torch.manual_seed(seed)
    return checkpoint.restore(built(folder), digest), checkpoint


def built(folder: Path) -> Detector:
    """The detector that `detector.yaml` describes, if it names nothing but detectors and backbones of this package."""
    try:
        node = yaml.safe_load((folder / NODE).read_text())
    except (OSError, ValueError, yaml.YAMLError):
        raise UserError(f"checkpoint {folder.name}: {NODE} is missing or damaged") from None
    where = f"checkpoint {folder.name}: {NODE}"
    check_node(node, where)
    try:
        made = instantiate(OmegaConf.create(node))
    except InstantiationException as error:
        kind = AbsentError if isinstance(error.__cause__, AbsentError) else UserError
        raise kind(f"{where}: {shorten(str(error.__cause__ or error), 200)}") from None
    assert isinstance(made, Detector)
    return made


def check_node(node: Any, where: str) -> None:
    """Raise UserError, which begins with `where`, for settings that build anything but a detector; nothing is built."""
    if not isinstance(node, dict) or not _is_detector(node.get("_target_")):
        raise UserError(f"{where} builds no detector of this package")
    _check(node, where)


def _check(node: Any, where: str) -> None:
    """Raise UserError for the first thing that is not a plain value, a detector or a backbone."""
    if isinstance(node, dict):
        target = node.get("_target_")
        if "_target_" in node and not (_is_detector(target) or _is_backbone(target)):
            raise UserError(f"{where} would run '{target}', which is no detector and no backbone of this package")
        for key, value in node.items():
            if str(key).startswith("_") and key != "_target_":
                raise UserError(f"{where} says '{key}', which is not allowed")
            _check(value, where)
    elif isinstance(node, list):
        for value in node:
            _check(value, where)
    elif isinstance(node, str) and "${" in node:
        raise UserError(f"{where} says '{node}': references are not followed")


def _named(target: Any) -> Any:
    """What a dotted name leads to, if it is defined in this package's detectors; else None."""
    if not isinstance(target, str) or not _TARGET.fullmatch(target):
        return None
    module, _, name = target.rpartition(".")
    try:
        found = getattr(import_module(module), name, None)
    except ImportError:
        return None
    return found if str(getattr(found, "__module__", "")).startswith(_OURS) else None


def _is_detector(target: Any) -> bool:
    found = _named(target)
    return isinstance(found, type) and issubclass(found, Detector)


def _is_backbone(target: Any) -> bool:
    found = _named(target)
    plain = callable(found) and not isinstance(found, type)
    return plain and get_type_hints(found).get("return") is Backbone
