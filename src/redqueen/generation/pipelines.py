"""Loading a generator: a folder in diffusers' layout, in this package or on disk."""

import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import diffusers
import torch
from diffusers import DiffusionPipeline

from redqueen.errors import UserError
from redqueen.files import digest_file, digest_of

PACKAGE = "package:"


def locate(weights: str) -> Path:
    """The folder that `weights` names: "package:lineage/lineage-1" lies in this package, anything else on disk."""
    if weights.startswith(PACKAGE):
        folder = Path(str(files("redqueen"))) / weights.removeprefix(PACKAGE)
    else:
        folder = Path(weights).expanduser()
    if not (folder / "model_index.json").is_file():
        raise UserError(f"weights '{weights}': no pipeline at {folder} (model_index.json is missing)")
    return folder


def load(weights: str, device: str) -> Any:
    """The pipeline in float32 on a device, silent."""
    diffusers.utils.logging.disable_progress_bar()
    pipeline = DiffusionPipeline.from_pretrained(
        locate(weights), dtype=torch.float32, local_files_only=True, low_cpu_mem_usage=False
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline.to(device)


def fingerprint(weights: str) -> str:
    """Digest over every file of the pipeline: what provenance records as its revision."""
    folder = locate(weights)
    paths = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != "record.json")
    return digest_of([[str(p.relative_to(folder)), digest_file(p)] for p in paths])


def record(weights: str) -> Mapping[str, Any]:
    """How a generator of ours was trained; empty for any other."""
    path = locate(weights) / "record.json"
    return dict(json.loads(path.read_text())) if path.is_file() else {}
