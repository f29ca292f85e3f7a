"""The table of scores that is handed on: to a leaderboard, to the regression check. No labels, no paths.

A row is one picture under one view, by the detector of one cutoff. The score is the calibrated probability that it is
AI-generated: higher means AI-generated, on every board. What the scores belong to stands in the file's metadata.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as strict_dataclass
from scipy.special import expit, logit

from redqueen.errors import DigestError, UserError
from redqueen.evaluation.benchmark import Benchmark
from redqueen.evaluation.evaluate import Scored
from redqueen.files import writing

SCHEMA = pa.schema(
    [
        ("cutoff", pa.string()),
        ("view", pa.string()),
        ("image_id", pa.string()),
        ("score", pa.float64()),
        ("status", pa.string()),
    ]
)
META = b"redqueen"
MOST = 200_000_000  # rows that a table may have
_PLACE = ["cutoff", "view", "image_id"]
_OPEN = (np.finfo(np.float64).tiny, 1 - np.finfo(np.float64).epsneg)  # scores of 0 and 1 have logits too


@strict_dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Origin:
    """What scores belong to.

    Attributes:
        benchmark: digest of the benchmark whose pictures were scored.
        suite: name and version of the suite whose views were scored.
        detector: slug.
        thresholds: of each cutoff, on the score, as validation fixed them.
    """

    benchmark: str
    suite: str
    detector: str
    thresholds: Mapping[str, float]


@dataclass(frozen=True)
class Scores:
    """A table of scores with what it belongs to."""

    table: pa.Table = field(repr=False)
    origin: Origin


def table_of(
    cutoffs: Sequence[str], views: Sequence[str], ids: Sequence[str], logits: Mapping[tuple[str, str], NDArray[Any]]
) -> pa.Table:
    """The table of calibrated logits by (cutoff, view), each (n,) in the order of `ids`; NaN is a failed picture."""
    parts = []
    order = np.argsort(np.asarray(ids, np.str_), kind="stable")
    names = pa.array([ids[place] for place in order], pa.string())
    for cutoff in cutoffs:
        for view in views:
            values = np.asarray(logits[cutoff, view], np.float64)[order]
            good = np.isfinite(values)
            columns = [
                pa.array([cutoff] * len(ids), pa.string()),
                pa.array([view] * len(ids), pa.string()),
                names,
                pa.array(expit(values), pa.float64(), mask=~good),
                pa.array(np.where(good, "ok", "failed"), pa.string()),
            ]
            parts.append(pa.Table.from_arrays(columns, schema=SCHEMA))
    return pa.concat_tables(parts)


def write(path: Path, scores: Scores) -> None:
    """Write a table: the same bytes for the same rows and order."""
    origin = TypeAdapter(Origin).dump_python(scores.origin)
    meta = {META: json.dumps(origin, sort_keys=True).encode()}
    table = scores.table.combine_chunks().replace_schema_metadata(meta)
    with writing(path) as part:
        pq.write_table(
            table,
            part,
            compression="zstd",
            use_dictionary=[*_PLACE, "status"],
            use_byte_stream_split=["score"],
        )


def read(path: Path) -> Scores:
    """Read a table; raises UserError in one line for a file that is none."""
    try:
        file = pq.ParquetFile(path)
        known = {
            column.name: column.physical_type for column in (file.schema.column(at) for at in range(len(file.schema)))
        }
        if list(known) != SCHEMA.names or file.metadata.num_rows > MOST:
            raise UserError(
                f"{path}: a table of scores has the columns {', '.join(SCHEMA.names)} and at most {MOST} rows, "
                f"got {', '.join(known)} and {file.metadata.num_rows}"
            )
        table = file.read().replace_schema_metadata(None).cast(SCHEMA)
        meta = dict(file.metadata.metadata or {})
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"{path} cannot be read as scores: {' '.join(str(error).split())[:200]}") from None
    if META not in meta:
        raise UserError(f"{path} does not say which benchmark its scores belong to; write it with 'redqueen submit'")
    try:
        return Scores(table, TypeAdapter(Origin).validate_json(meta[META]))
    except ValidationError as error:
        first = error.errors()[0]
        raise UserError(f"{path}: metadata: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def scored(scores: Scores, benchmark: Benchmark) -> list[Scored]:
    """What evaluation takes: logits of every cutoff and view in the order of the benchmark's rows.

    Raises:
        DigestError: the scores are of another benchmark, or of another suite.
        UserError: a (cutoff, view, picture) is missing, there twice or unknown, failed, or its score is not in [0, 1].
    """
    origin, card = scores.origin, benchmark.card
    for what, ours, theirs in (("benchmark", benchmark.digest, origin.benchmark), ("suite", card.suite, origin.suite)):
        if ours != theirs:
            raise DigestError(f"scores of {origin.detector} are of {what} {theirs[:40]}, not of {ours[:40]}")
    strangers = set(scores.table.column("cutoff").unique().to_pylist()) - set(card.cutoffs)
    strangers |= set(scores.table.column("view").unique().to_pylist()) - set(card.views)
    if strangers:
        raise UserError(f"scores: unknown cutoff or view {min(map(str, strangers))!r:.60}")
    return [_scored(scores, benchmark, cutoff) for cutoff in card.cutoffs]


def _scored(scores: Scores, benchmark: Benchmark, cutoff: str) -> Scored:
    own = scores.table.filter(pc.equal(scores.table.column("cutoff"), cutoff))
    window = next(one for one in benchmark.card.windows if one.name == cutoff)
    threshold = scores.origin.thresholds.get(cutoff)
    if threshold is None or not 0 < threshold < 1:
        raise UserError(f"scores: threshold of cutoff '{cutoff}' must lie within 0 and 1, got {threshold}")
    found = {
        view: _logits(own.filter(pc.equal(own.column("view"), view)), benchmark, f"cutoff '{cutoff}', view '{view}'")
        for view in benchmark.card.views
    }
    return Scored(window, found, float(logit(threshold)))


def _logits(part: pa.Table, benchmark: Benchmark, where: str) -> NDArray[Any]:
    known = np.asarray(part.column("image_id").to_pylist(), np.str_)
    wanted = np.asarray(benchmark.ids, np.str_)
    missing, extra = np.setdiff1d(wanted, known), np.setdiff1d(known, wanted)
    if len(missing) or len(extra) or len(known) != len(wanted):
        doubled = len(known) - len(np.unique(known))
        raise UserError(
            f"scores, {where}: every test picture needs one score: {len(missing)} missing, {len(extra)} unknown, "
            f"{doubled} twice{f', first missing {missing[0][:12]}' if len(missing) else ''}"
        )
    values = part.column("score").to_numpy(zero_copy_only=False).astype(np.float64)
    good = (values >= 0) & (values <= 1) & (np.asarray(part.column("status").to_pylist(), np.str_) == "ok")
    if not good.all():
        bad = int(np.flatnonzero(~good)[0])
        raise UserError(
            f"scores, {where}: {(~good).sum()} pictures have no score in [0, 1], first {known[bad][:12]}: {values[bad]}"
        )
    order = np.argsort(known)[np.searchsorted(np.sort(known), wanted)]
    return np.asarray(logit(np.clip(values[order], *_OPEN)), np.float64)
