"""`metadata.csv` held compactly: a million rows are a few columns of text, not a million dictionaries."""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from redqueen.errors import UserError, unknown

_CHUNK = 8192  # rows turned into columns, or back, at once
_LINE = "\0line"  # no column of a CSV file is called so

Row = Mapping[str, str]


class Table:
    """The rows of a CSV file in UTF-8, every cell as the text that it is, by `file_name`.

    Args:
        path: of the file.
        required: columns that must be there.
        check: raises UserError for a row that is wrong; gets the row and where it stands.

    Raises:
        UserError: no CSV file in UTF-8, a column missing, a row that is wrong, one file name twice.
    """

    def __init__(self, path: Path, required: Sequence[str], check: Callable[[Row, str], None]) -> None:
        self.path, self.required, self.check = path, required, check
        self._table = self._read()
        order = pc.sort_indices(self._table.column("file_name"))
        self._order = order.cast(pa.int32()) if len(order) else pa.array([], pa.int32())
        self._refuse_twins()

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return [name for name in self._table.schema.names if name != _LINE]

    def __iter__(self) -> Iterator[Row]:
        """Yield the rows in the order of their file names."""
        for start in range(0, len(self._order), _CHUNK):
            rows = self._table.take(self._order.slice(start, _CHUNK)).drop_columns([_LINE])
            yield from rows.to_pylist()

    def strays(self, files: Iterable[str]) -> list[str]:
        """Those of the files, named as in the table, that have no row; sorted."""
        names = self._table.column("file_name").to_pylist()
        listed = pa.array([PurePosixPath(name).as_posix() for name in names], pa.string())
        found = pa.array(files, pa.string())
        return sorted(found.filter(pc.invert(pc.is_in(found, value_set=listed))).to_pylist())

    def _read(self) -> pa.Table:
        try:
            with self.path.open(newline="", encoding="utf-8-sig") as file:
                reader = csv.reader(file, strict=True)
                header = next(reader, [])
                for column in self.required:
                    if column not in header:
                        raise unknown(f"column of {self.path} (needed, not found):", column, header)
                schema = pa.schema([*((name, pa.string()) for name in header), (_LINE, pa.int64())])
                chunks = []
                rows = self._checked(reader, header)
                while cells := list(islice(rows, _CHUNK)):
                    arrays = [pa.array(column) for column in zip(*cells, strict=True)]
                    chunks.append(pa.RecordBatch.from_arrays(arrays, schema=schema))
                return pa.Table.from_batches(chunks, schema)
        except (UnicodeDecodeError, csv.Error) as error:
            raise UserError(f"{self.path}: not a CSV file in UTF-8 ({error})") from None

    def _checked(self, reader: Any, header: list[str]) -> Iterator[list[str | int]]:
        for cells in reader:
            where = f"{self.path}, line {reader.line_num}"
            if not cells:
                continue
            if len(cells) != len(header):
                raise UserError(f"{where}: not as many cells as columns")
            self.check(dict(zip(header, cells, strict=True)), where)
            yield [*cells, reader.line_num]

    def _refuse_twins(self) -> None:
        before = None
        for start in range(0, len(self._order), _CHUNK):
            some = self._table.select(["file_name", _LINE]).take(self._order.slice(start, _CHUNK))
            for name, line in zip(some.column(0).to_pylist(), some.column(1).to_pylist(), strict=True):
                if before is not None and before[0] == name:
                    first, second = sorted((before[1], line))
                    raise UserError(f"{self.path}, line {second}: '{name}' has a row already, in line {first}")
                before = (name, line)


def inside(name: str) -> bool:
    """Whether a file name leads below its folder.

    >>> [inside(name) for name in ("a/b.jpg", "../b.jpg", "/b.jpg")]
    [True, False, False]
    """
    return not PurePosixPath(name).is_absolute() and ".." not in PurePosixPath(name).parts
