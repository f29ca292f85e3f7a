"""Parquet files with a column of encoded pictures: anybody's, or a finished corpus of our own."""

import functools
from bisect import bisect
from collections.abc import Iterator, Mapping
from itertools import accumulate, islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from redqueen.corpus.decode import MAX_BYTES
from redqueen.corpus.schema import SourcePicture
from redqueen.corpus.sources.rows import Rows
from redqueen.errors import RejectedPictureError, UserError, unknown
from redqueen.files import digest_of

_BATCH = 1024  # rows described at once
_PICTURES = 8  # pictures read at once
_BUFFER = 2**20  # bytes of a file read at once

# A corpus that `redqueen corpus build` made.
OURS = Rows(
    columns={
        "image": "image",
        "name": "image_id",
        **{name: name for name in ("kind", "generator", "released", "topic", "prompt_id", "source", "licence")},
        **{name: name for name in ("resample_factor", "provenance")},
        "group_id": "group_id",
    },
    dates="row",
)


class Parquet:
    """Reads rows in the order of the files' names; pictures are read one small batch at a time, and only if wanted.

    Args:
        path: a file, a folder (searched below), or a pattern such as `data/train-*.parquet`.
        rows: what the columns mean; by default those of a corpus of our own.
        name: slug of the source.
        limit: rows to read at most.

    Raises:
        UserError: nothing there, a damaged file, a column missing.
    """

    def __init__(self, path: str, rows: Rows = OURS, name: str = "parquet", limit: int | None = None) -> None:
        self.path, self.rows, self.name, self.limit = path, rows, name, limit
        self.files = find(path, ".parquet")
        self.image = str(rows.columns.get("image", "image"))
        for file in self.files:
            schema = _open(file).schema_arrow
            rows.check(str(file), schema.names)
            if self.image not in _pictures_of(schema):
                raise unknown(f"column of pictures in {file}:", self.image, _pictures_of(schema))

    def fingerprint(self) -> str:
        """Digest of every file's name, size and time of change, of what the columns mean, and of the limit."""
        return digest_of([stamps(self.files), self.rows.fingerprint(), self.limit])

    def pictures(self) -> Iterator[SourcePicture]:
        """Yield the rows of each file in turn, as far as they are wanted."""
        columns = [column for column in self.rows.needed if column != self.image]
        for file, number, row in islice(_described(self.files, columns), self.limit):
            if number == 0:
                encoded = _Encoded(file, self.image)
            read = functools.partial(encoded.read, number)
            picture = self.rows.picture(row, f"{file.name}, row {number}", self.name, read)
            if picture is not None:
                yield picture


class _Encoded:
    """The pictures of a file, of which a small batch is held; made for reading forwards."""

    def __init__(self, path: Path, column: str) -> None:
        self._file, self._path, self._column = _open(path), path, column
        groups = range(self._file.metadata.num_row_groups)
        self._bounds = [0, *accumulate(self._file.metadata.row_group(group).num_rows for group in groups)]
        self._batches: Iterator[pa.RecordBatch] = iter(())
        self._held, self._start, self._end, self._stop = pa.array([]), 0, 0, 0  # rows held, and end of the row group

    def read(self, number: int) -> bytes:
        """The encoded picture of a row; raises RejectedPictureError where there is none."""
        try:
            self._seek(number)
        except (OSError, pa.ArrowException) as error:
            raise RejectedPictureError(f"{self._path} is damaged ({_short(error)})") from None
        value = self._held[number - self._start].as_py()
        data, path = (value["bytes"], value.get("path")) if isinstance(value, dict) else (value, None)
        if not data:
            raise RejectedPictureError(f"the row holds no picture{f', only the path {path}' if path else ''}")
        if len(data) > MAX_BYTES:
            raise RejectedPictureError(f"{len(data)} bytes; at most {MAX_BYTES} are read")
        return bytes(data)

    def _seek(self, number: int) -> None:
        if not self._start <= number < self._stop:
            group = bisect(self._bounds, number) - 1
            self._batches = self._file.iter_batches(_PICTURES, [group], [self._column])
            self._start = self._end = self._bounds[group]
            self._stop = self._bounds[group + 1]
        while number >= self._end:
            batch = next(self._batches)
            self._held = batch.column(0)
            self._start, self._end = self._end, self._end + batch.num_rows


def find(path: str, suffix: str) -> list[Path]:
    """The files that a path names, sorted: one, those below a folder, or those that fit a pattern.

    Raises:
        UserError: there are none.
    """
    where = Path(path).expanduser()
    if where.is_file():
        return [where]
    if where.is_dir():
        found = sorted(file for file in where.rglob(f"*{suffix}") if file.is_file())
    else:
        top = next(parent for parent in where.parents if parent.is_dir())
        found = sorted(file for file in top.glob(str(where.relative_to(top))) if file.is_file())
    if not found:
        raise UserError(f"source.path={path}: no {suffix} file there; give a file, a folder, or a pattern in quotes")
    return found


def stamps(files: list[Path]) -> list[tuple[str, int, int]]:
    """Name, size and time of change of each file."""
    return [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files]


def _open(file: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(file, buffer_size=_BUFFER)  # or else a whole column of a row group is read at once
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"{file} is no whole Parquet file ({_short(error)}): fetch it again or remove it") from None


def _described(files: list[Path], columns: list[str]) -> Iterator[tuple[Path, int, Mapping[str, Any]]]:
    """Each file's rows without their pictures, with the number that each has in its file."""
    for file in files:
        number = 0
        try:
            for batch in _open(file).iter_batches(_BATCH, columns=columns):
                for row in batch.to_pylist() if columns else [{}] * batch.num_rows:
                    yield file, number, row
                    number += 1
        except (OSError, pa.ArrowException) as error:
            raise UserError(f"{file} is damaged ({_short(error)}): fetch it again or remove it") from None


def _pictures_of(schema: pa.Schema) -> list[str]:
    """The columns that can hold encoded pictures: bytes, or a struct of bytes and path."""
    return [
        field.name
        for field in schema
        if pa.types.is_binary(field.type)
        or pa.types.is_large_binary(field.type)
        or (pa.types.is_struct(field.type) and "bytes" in [part.name for part in field.type])
    ]


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:120]
