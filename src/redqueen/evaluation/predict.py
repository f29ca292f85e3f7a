"""Predictions: one row per (image_id, view); the narrow waist between everything heavy and everything after it."""

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from redqueen.corpus.store import Corpus
from redqueen.detectors.base import Detector
from redqueen.detectors.inference import logits
from redqueen.errors import DigestError, UserError
from redqueen.files import write_bytes
from redqueen.perturbations.suite import Suite

SCHEMA = pa.schema(
    [
        ("image_id", pa.string()),
        ("view", pa.string()),
        ("logit", pa.float32()),
        ("probability", pa.float32()),
        ("status", pa.string()),
    ]
)
_META = b"redqueen"


def predict(
    detector: Detector, corpus: Corpus, suite: Suite, cache: Path, identity: str, temperature: float = 1.0
) -> pa.Table:
    """Score every test picture under every view; a picture that could not be scored has status "failed" and nulls.

    A probability is sigmoid(logit / temperature); the logit, which thresholds are about, stays what the detector gave.
    """
    rows = np.flatnonzero(corpus.column("split") == "test")
    ids = corpus.column("image_id")[rows]
    tables = []
    for view in suite.views:
        scores = logits(detector, corpus, rows, suite, view, cache, identity)
        good = np.isfinite(scores)
        with np.errstate(over="ignore"):
            probability = 1 / (1 + np.exp(-scores.astype(np.float64) / temperature))
        columns = [
            pa.array(ids, pa.string()),
            pa.array([view] * len(rows), pa.string()),
            pa.array(scores, pa.float32(), mask=~good),
            pa.array(probability.astype(np.float32), pa.float32(), mask=~good),
            pa.array(np.where(good, "ok", "failed"), pa.string()),
        ]
        tables.append(pa.Table.from_arrays(columns, schema=SCHEMA))
    return pa.concat_tables(tables)


def write(path: Path, table: pa.Table, made_from: Mapping[str, Any]) -> None:
    """Write predictions with the digests of what they were made from in the file's metadata."""
    meta = {_META: json.dumps(dict(made_from), sort_keys=True).encode()}
    buffer = io.BytesIO()
    pq.write_table(table.replace_schema_metadata(meta), buffer, compression="zstd")
    write_bytes(path, buffer.getvalue())


def read(path: Path, corpus_digest: str) -> tuple[pa.Table, dict[str, Any]]:
    """Read predictions; raises DigestError if they were made on another corpus, UserError if the file is none."""
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise UserError(f"{path} cannot be read as predictions: {error}") from None
    if _META not in (table.schema.metadata or {}):
        raise UserError(f"{path} holds no record of what it was made from; write it with 'redqueen predict'")
    made_from = json.loads(table.schema.metadata[_META])
    if made_from["corpus_digest"] != corpus_digest:
        raise DigestError(
            f"predictions {path.name} were made on corpus {made_from['corpus_digest'][:12]}, "
            f"not on {corpus_digest[:12]}: predict again on this corpus"
        )
    return table, made_from
