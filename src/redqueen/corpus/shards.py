"""The shards of a corpus: written one by one, as the sequence of rows alone decides; those that are there stay.

Row groups are small, since reading one picture at random reads its row group. Encoded pictures are not compressed once
more: it would save nothing and cost time at every reading.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from redqueen.corpus.schema import COLUMNS
from redqueen.corpus.treat import Part, sweep
from redqueen.files import write_bytes

DATA = "data"
ROW_GROUP, ROW_GROUP_BYTES = 256, 2**19  # rows and bytes of pictures, whichever is reached first
SHARD, SHARD_BYTES = 4096, 64 * 2**20  # the same of a shard, which is put together in memory
_PICTURE = "image.bytes"
_REST = ["image.path", *(name for name in COLUMNS.names if name != "image")]


def parquet_schema() -> pa.Schema:
    """The columns, with the metadata by which `datasets` knows that `image` is a picture."""
    features = {"image": {"_type": "Image"}}
    features |= {
        field.name: {"dtype": str(field.type).replace("double", "float64"), "_type": "Value"}
        for field in COLUMNS
        if field.name != "image"
    }
    return COLUMNS.with_metadata({"huggingface": json.dumps({"info": {"features": features}})})


def shards(folder: Path) -> list[Path]:
    """The corpus's Parquet files in order."""
    return sorted((folder / DATA).glob("*.parquet"))


def write_shards(
    parts: Sequence[Part], keep: NDArray[np.bool_], group_id: pa.Array, split: pa.Array, folder: Path
) -> None:
    """Write what is kept of the treated parts, with its final group and split; whole shards are not written again.

    Args:
        parts: treated parts with n rows in all.
        keep: (n,), m of them true.
        group_id: (m,).
        split: (m,).
        folder: of the corpus.
    """
    sweep(folder / DATA, "shard-")
    there = shards(folder)
    skip = sum(pq.read_metadata(path).num_rows for path in there)
    rows = _row_groups(_kept(parts, keep, group_id, split, skip))
    for number, data in enumerate(_encoded(rows), start=len(there)):
        write_bytes(folder / DATA / f"shard-{number:05d}.parquet", data)


def _kept(
    parts: Sequence[Part], keep: NDArray[np.bool_], group_id: pa.Array, split: pa.Array, skip: int
) -> Iterator[pa.Table]:
    """The rows of each part that are kept, without the first `skip` of all, as a corpus holds them."""
    start = done = 0
    for part in parts:
        here = keep[start : start + part.rows]
        start, first, done = start + part.rows, done, done + int(here.sum())
        if done <= max(first, skip):
            continue
        table = pq.ParquetFile(part.path).read(use_threads=False).filter(pa.array(here))
        table = table.append_column("group", group_id.slice(first, done - first))
        table = table.append_column("split", split.slice(first, done - first))
        table = table.drop_columns("group_id").rename_columns({"group": "group_id"})
        yield table.select(COLUMNS.names).cast(parquet_schema()).slice(max(0, skip - first))


def _row_groups(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The same rows in row groups, wherever the tables ended."""
    waiting: list[pa.Table] = []
    rows = weight = 0
    for table in tables:
        start = 0
        for place, size in enumerate(_sizes(table), start=1):
            rows, weight = rows + 1, weight + size
            if rows == ROW_GROUP or weight >= ROW_GROUP_BYTES:
                yield pa.concat_tables([*waiting, table.slice(start, place - start)]).combine_chunks()
                waiting, start, rows, weight = [], place, 0, 0
        waiting.append(table.slice(start))
    if rows:
        yield pa.concat_tables(waiting).combine_chunks()


def _sizes(table: pa.Table) -> list[int]:
    found: list[int] = pc.binary_length(pc.struct_field(table.column("image"), "bytes")).to_pylist()
    return found


def _encoded(row_groups: Iterable[pa.Table]) -> Iterator[bytes]:
    """Parquet files of as many row groups as a shard holds."""
    sink = writer = None
    rows = 0
    for table in row_groups:
        if writer is None or sink is None:
            sink, rows = pa.BufferOutputStream(), 0
            writer = pq.ParquetWriter(
                sink,
                parquet_schema(),
                compression={_PICTURE: "none"} | dict.fromkeys(_REST, "zstd"),
                use_dictionary=_REST,
                write_statistics=_REST,
            )
        writer.write_table(table, row_group_size=table.num_rows)
        rows += table.num_rows
        if rows >= SHARD or sink.tell() >= SHARD_BYTES:
            writer.close()
            yield sink.getvalue().to_pybytes()
            writer = None
    if writer is not None and sink is not None:
        writer.close()
        yield sink.getvalue().to_pybytes()
