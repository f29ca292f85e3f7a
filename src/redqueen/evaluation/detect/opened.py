"""A checkpoint opened for pictures that no corpus holds: the detector, the treatment it was trained on, its basis."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from redqueen.corpus.normalise import Keep, Normalise, Treatment
from redqueen.corpus.store import CARD, Corpus
from redqueen.detectors.base import Detector
from redqueen.detectors.inference import rows_digest
from redqueen.errors import DigestError, UserError
from redqueen.evaluation.detect.verdict import Basis
from redqueen.training.checkpoint import Checkpoint
from redqueen.training.restored import restored

TREATMENTS: Mapping[str, type[Keep] | type[Normalise]] = {"Keep": Keep, "Normalise": Normalise}


def opened(folder: Path, trained_on: Path | None) -> tuple[Detector, Treatment, Basis]:
    """The detector of a checkpoint folder, ready to judge.

    Args:
        folder: holds model.safetensors, detector.yaml and record.json.
        trained_on: the corpus; None: where the record does not say it all, the one beside it in the store.

    Raises:
        UserError: it is no checkpoint, it would build something else than a detector, or it does not say how its
            pictures were treated.
        DigestError: `trained_on` is another corpus.
    """
    detector, checkpoint = restored(folder)
    record = checkpoint.record
    try:
        basis = _basis(checkpoint, record, _card(folder, str(record["corpus_digest"]), trained_on))
    except KeyError as error:
        raise UserError(f"checkpoint {folder.name}: record.json does not say {error}; train it again") from None
    if detector.reads != "pixels":
        raise UserError(f"{basis.detector} reads {detector.reads}, no pixels: a control, which can judge no picture")
    return detector.eval(), treatment(basis.treatment), basis


def treatment(told: Mapping[str, Any]) -> Treatment:
    """The treatment that a card or a record describes: its name and its settings."""
    settings = dict(told)
    name = str(settings.pop("name", None))
    try:
        return TREATMENTS[name](**settings)
    except (KeyError, TypeError):
        raise UserError(f"treatment {json.dumps(dict(told))} is unknown; known: {', '.join(TREATMENTS)}") from None


def _card(folder: Path, digest: str, trained_on: Path | None) -> Path | None:
    """The folder of the corpus that the checkpoint was trained on, as far as it can be found."""
    beside = sorted(folder.resolve().parent.parent.glob(f"corpus/*/{CARD}"))
    for path in [trained_on / CARD] if trained_on else beside:
        try:
            known = json.loads(path.read_text())["digest"]
        except (OSError, ValueError, KeyError, TypeError):
            known = None
        if known == digest:
            return path.parent
        if trained_on:
            told = f"corpus {known[:12]}" if isinstance(known, str) else "no corpus"
            raise DigestError(f"trained_on={trained_on}: {told}; {folder.name} was trained on {digest[:12]}")
    return None


def _basis(checkpoint: Checkpoint, record: Mapping[str, Any], corpus: Path | None) -> Basis:
    """What the record says, completed from the corpus; raises KeyError where the record lacks what it always had."""
    card = json.loads((corpus / CARD).read_text()) if corpus else {}
    told = record.get("treatment") or card.get("made_of", {}).get("treatment")
    if not told:
        raise UserError(
            f"checkpoint {checkpoint.folder.name} does not say how its pictures were treated, and what is judged must "
            "be treated alike: add trained_on=FOLDER, its corpus"
        )
    fitted = record["fitted_on"]
    generated = fitted.get("generated")
    return Basis(
        detector=record["detector"],
        checkpoint=checkpoint.digest,
        trained_up_to=record["trained_up_to"],
        cutoff=record["newest_release_allowed"],
        labels=record["labels"],
        threshold=record["threshold"],
        temperature=record["temperature"],
        pictures=fitted["pictures"],
        generated=_generated(corpus, record) if generated is None and corpus else generated,
        corpus=record.get("corpus") or card.get("name") or record["corpus_digest"][:12],
        corpus_digest=record["corpus_digest"],
        treatment=told,
    )


def _generated(folder: Path, record: Mapping[str, Any]) -> int | None:
    """How many of the pictures that the threshold was fitted on are AI-generated; None where they are not known."""
    corpus = Corpus.open(folder)
    if not set(record["windows"]) <= set(corpus.windows):
        return None
    rows = corpus.rows("val", record["windows"])
    same = rows_digest(corpus, rows) == record["fitted_on"]["rows"]
    return int(corpus.column("label")[rows].sum()) if same else None
