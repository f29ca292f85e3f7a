"""A trained detector on disk: `model.safetensors`, `detector.yaml` (the node that builds it) and `record.json`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten
from typing import Any

import yaml
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as encoded

from redqueen.detectors.base import Detector
from redqueen.detectors.digests import of_frozen
from redqueen.errors import AbsentError, DigestError, UserError
from redqueen.files import digest_file, digest_of, write_bytes, write_json, write_text

MODEL, NODE, RECORD = "model.safetensors", "detector.yaml", "record.json"
_PICKLES = (b"PK\x03\x04", b"\x80")  # torch.save's zip, and pickle's first byte from protocol 2


@dataclass(frozen=True)
class Checkpoint:
    """A finished checkpoint folder."""

    folder: Path

    @property
    def record(self) -> Mapping[str, Any]:
        """Corpus digest, cutoff, generators seen, threshold, temperature, seed, versions; UserError without one."""
        try:
            return dict(json.loads((self.folder / RECORD).read_text()))
        except (OSError, ValueError):
            raise UserError(
                f"no checkpoint at {self.folder} ({RECORD} is missing or damaged); make one with 'redqueen train'"
            ) from None

    @property
    def digest(self) -> str:
        """Digest of weights, of what they rest on, and of the settings."""
        return digest_of([digest_file(self.folder / MODEL), (self.folder / NODE).read_text(), self.record["frozen"]])

    def restore(self, detector: Detector, corpus_digest: str, node: str | None = None) -> Detector:
        """Load the weights into a detector, which `node`, a YAML, has built; None: from `detector.yaml`.

        Raises:
            DigestError: it was trained on another corpus.
            UserError: it is of another detector, or its weights are no safetensors or do not fit.
            AbsentError: it rests on frozen weights that are not on this machine.
        """
        if self.record["corpus_digest"] != corpus_digest:
            raise DigestError(
                f"checkpoint {self.folder.name} was trained on corpus {self.record['corpus_digest'][:12]}, "
                f"not on {corpus_digest[:12]}: train again, or open the corpus it belongs to"
            )
        if node is not None:
            self._check_node(node)
        try:
            detector.load_trained(load_file(self.folder / MODEL))
        except (RuntimeError, SafetensorError, OSError) as error:
            reason = "it is a pickle, which is never loaded" if self._is_pickle() else shorten(str(error), 200)
            raise UserError(
                f"checkpoint {self.folder.name} does not fit {type(detector).__name__}: {MODEL}: {reason}"
            ) from None
        if of_frozen(detector) != self.record["frozen"]:
            raise AbsentError(
                f"checkpoint {self.folder.name} rests on other frozen weights than those that its settings name now: "
                "put the old file back, or train again"
            )
        return detector

    def _check_node(self, node: str) -> None:
        """Raise UserError for the first setting in which the detector that was trained is not the one asked for."""
        ours, theirs = (_flat(yaml.safe_load(text)) for text in ((self.folder / NODE).read_text(), node))
        for key in sorted(ours.keys() | theirs.keys()):
            if ours.get(key) != theirs.get(key):
                raise UserError(
                    f"checkpoint {self.folder.name} is of another detector: it has {key}={ours.get(key)}, "
                    f"and {theirs.get(key)} was asked for; train again, or build it from its {NODE}"
                )

    def _is_pickle(self) -> bool:
        path = self.folder / MODEL
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return file.read(4).startswith(_PICKLES)


def save(folder: Path, detector: Detector, node: str, record: Mapping[str, Any]) -> Checkpoint:
    """Write a checkpoint; the record comes last, so that a folder with it is whole."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in detector.trained_state().items()}
    write_bytes(folder / MODEL, encoded(tensors))
    write_text(folder / NODE, node)
    write_json(folder / RECORD, {**record, "frozen": of_frozen(detector)})
    return Checkpoint(folder)


def _flat(node: Any, where: str = "") -> dict[str, Any]:
    """A tree of settings as dotted keys and plain values."""
    if not isinstance(node, dict):
        return {where: node}
    return {key: value for name in node for key, value in _flat(node[name], f"{where}.{name}".strip(".")).items()}
