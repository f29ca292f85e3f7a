"""A bundle's weights before anything is built from them: what lies in `model/`, read as bytes and plain text."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from redqueen.errors import UserError
from redqueen.leaderboard.findings import Check
from redqueen.leaderboard.safetensors_file import UnsafeTensorsError, header, not_finite
from redqueen.leaderboard.schema import MODEL_FILES
from redqueen.leaderboard.strict_yaml import StrictYamlError, loads

MODEL = "model"  # a folder a cutoff
_REMOTE = ("hub:", "hf-hub:", "hf_hub:", "timm/", "http:", "https:", "ftp:", "s3:", "gs:", "file:", "local-dir:")
_PLACE = re.compile(r"^~|/|\.\.|^[A-Za-z]:\\|^\\")  # in a text that is a path on some system
_SHOWN = 5  # names in one message
_WITH_TOOL = "submit the checkpoint that `redqueen train` writes"


def check(folder: Path) -> list[Check]:
    """Whether the weights of each cutoff are safetensors of numbers, and their settings build a detector of ours."""
    models = sorted(path for path in (folder / MODEL).glob("*") if path.is_dir())
    if not models:
        return [Check("model", "skipped", "the bundle has no weights: it cannot be run again")]
    found = [check for model in models for check in _model(model)]
    return found or [Check("model", "passed", f"weights of {len(models)} cutoffs: safetensors, finite, ours to build")]


def _model(model: Path) -> Iterator[Check]:
    where = f"{MODEL}/{model.name}"
    there = sorted(path.name for path in model.iterdir())
    if there != sorted(MODEL_FILES):
        message = f"{where} holds {', '.join(there[:_SHOWN])}; a model is {', '.join(MODEL_FILES)}"
        yield Check("model.files", "rejected", message, _WITH_TOOL)
        return
    weights, node, _ = (model / name for name in MODEL_FILES)
    yield from _weights(weights, f"{where}/{weights.name}")
    yield from _node(node, f"{where}/{node.name}")


def _weights(path: Path, where: str) -> Iterator[Check]:
    try:
        header(path)
    except UnsafeTensorsError as error:
        fix = "weights are safetensors as their library writes them, or nothing"
        yield Check("model.weights", "unsafe", f"{where} {error}", fix)
        return
    bad = list(not_finite(path))
    if bad:
        names = ", ".join(ascii(name)[1:-1][:60] for name in bad[:_SHOWN])
        message = f"{where}: {len(bad)} tensors hold NaN or infinity, such as {names}"
        yield Check("model.finite", "rejected", message, "train again: weights are numbers")


def _node(path: Path, where: str) -> Iterator[Check]:
    """The settings name no code but ours, and nothing that lies elsewhere."""
    from redqueen.training.restored import check_node  # noqa: PLC0415  (torch: for bundles with weights alone)

    try:
        node = loads(path.read_bytes())
        for key, value in _texts(node):
            if value.lower().startswith(_REMOTE):
                fix = f"all that a re-run loads lies in {MODEL_FILES[0]}; leave {MODEL}/ out if that cannot be"
                yield Check("model.remote", "rejected", f"{where}: {key} loads {ascii(value)[:80]}", fix)
            elif _leaves(value):
                message = f"{where}: {key} names a place on a disk, {ascii(value)[:80]}"
                yield Check("model.path", "rejected", message, f"all that a re-run loads lies in {MODEL_FILES[0]}")
        check_node(node, where)
    except StrictYamlError as error:
        yield Check("model.settings", "unsafe", f"{where} {error}", _WITH_TOOL)
    except UserError as error:
        yield Check("model.target", "unsafe", ascii(str(error))[1:-1][:300], _WITH_TOOL)


def _texts(node: Any, where: str = "") -> Iterator[tuple[str, str]]:
    """Every text among the settings with its dotted key, but for those that name code."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key != "_target_":
                yield from _texts(value, f"{where}.{ascii(key)[1:-1][:40]}".strip("."))
    elif isinstance(node, list):
        for at, value in enumerate(node):
            yield from _texts(value, f"{where}.{at}".strip("."))
    elif isinstance(node, str):
        yield where, node


def _leaves(text: str) -> bool:
    """Whether a text is a path: all but those into this package lead out of the bundle."""
    inside = text.startswith("package:") and ".." not in text
    return not inside and bool(_PLACE.search(text))
