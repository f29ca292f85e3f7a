"""A trained detector on disk: `model.safetensors`, `detector.yaml` (the node that builds it) and `record.json`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from redqueen.detectors.base import Detector
from redqueen.errors import DigestError, UserError
from redqueen.files import digest_file, digest_of, write_json, write_text

MODEL, NODE, RECORD = "model.safetensors", "detector.yaml", "record.json"


@dataclass(frozen=True)
class Checkpoint:
    """A finished checkpoint folder."""

    folder: Path

    @property
    def record(self) -> Mapping[str, Any]:
        """Corpus digest, cutoff, generators seen, threshold, seed, versions."""
        return dict(json.loads((self.folder / RECORD).read_text()))

    @property
    def digest(self) -> str:
        """Digest of weights and settings together."""
        return digest_of([digest_file(self.folder / MODEL), (self.folder / NODE).read_text()])

    def restore(self, detector: Detector, corpus_digest: str) -> Detector:
        """Load the weights into a detector built from `detector.yaml`; refuses another corpus or other weights."""
        if self.record["corpus_digest"] != corpus_digest:
            raise DigestError(
                f"checkpoint {self.folder.name} was trained on corpus {self.record['corpus_digest'][:12]}, "
                f"not on {corpus_digest[:12]}: train again, or open the corpus it belongs to"
            )
        try:
            detector.load_trained(load_file(self.folder / MODEL))
        except (RuntimeError, SafetensorError, OSError) as error:
            reason = shorten(str(error), 200, placeholder=" …")
            raise UserError(f"checkpoint {self.folder.name} does not fit {type(detector).__name__}: {reason}") from None
        return detector


def save(folder: Path, detector: Detector, node: str, record: Mapping[str, Any]) -> Checkpoint:
    """Write a checkpoint; the record comes last, so that a folder with it is whole."""
    temporary = folder / f".{MODEL}"
    save_file(
        {name: tensor.detach().cpu().contiguous() for name, tensor in detector.trained_state().items()}, temporary
    )
    temporary.replace(folder / MODEL)
    write_text(folder / NODE, node)
    write_json(folder / RECORD, record)
    return Checkpoint(folder)
