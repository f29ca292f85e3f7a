"""Predictions: one row per (image_id, view); the narrow waist between everything heavy and everything after it."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from redqueen.detectors.inference import Judge, Pictures, logits
from redqueen.errors import DigestError, UserError
from redqueen.files import writing

SCHEMA = pa.schema(
    [
        ("image_id", pa.string()),
        ("view", pa.string()),
        ("logit", pa.float32()),
        ("probability", pa.float32()),
        ("status", pa.string()),
    ]
)
FILE = "predictions.parquet"
VERSION = 2  # of the table
_META = b"redqueen"


def tables(judge: Judge, pictures: Pictures, temperature: float = 1.0) -> Iterator[pa.Table]:
    """Scores of every picture, a table a view; a picture that could not be scored has status "failed" and nulls.

    A probability is sigmoid(logit / temperature); the logit, which thresholds are about, stays what the detector gave.
    What `inference.fill` has computed before is read; the rest is computed.
    """
    corpus, rows, suite = pictures.corpus, pictures.rows, pictures.suite
    ids = pa.array(corpus.column("image_id")[rows], pa.string())
    for view in suite.views:
        scores = logits(judge, pictures, view)
        good = np.isfinite(scores)
        with np.errstate(over="ignore"):
            probability = 1 / (1 + np.exp(-scores.astype(np.float64) / temperature))
        columns = [
            ids,
            pa.array([view] * len(rows), pa.string()),
            pa.array(scores, pa.float32(), mask=~good),
            pa.array(probability.astype(np.float32), pa.float32(), mask=~good),
            pa.array(np.where(good, "ok", "failed"), pa.string()),
        ]
        yield pa.Table.from_arrays(columns, schema=SCHEMA)


def write(path: Path, found: Iterable[pa.Table], made_from: Mapping[str, Any]) -> None:
    """Write predictions, a row group a view, with the digests of what they were made from in the file's metadata."""
    meta = {_META: json.dumps(dict(made_from), sort_keys=True).encode()}
    with writing(path) as part, pq.ParquetWriter(part, SCHEMA.with_metadata(meta), compression="zstd") as writer:
        for table in found:
            writer.write_table(table.replace_schema_metadata(meta))


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
