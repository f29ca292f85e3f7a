"""A corpus on disk: Parquet shards that `datasets.load_dataset("parquet")` reads, `card.json` and `windows.parquet`."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pydantic import TypeAdapter

from redqueen.corpus.decode import pixels
from redqueen.corpus.match import Mask, Matched
from redqueen.corpus.pictures import Pictures
from redqueen.corpus.schema import COLUMNS, DIGEST_COLUMNS, METADATA_COLUMNS, SCHEMA_VERSION, digest, image_id
from redqueen.corpus.shards import shards
from redqueen.corpus.treat import read_columns, write_table
from redqueen.errors import DigestError, UserError, unknown
from redqueen.types import Audit, Window

CARD, WINDOWS, README, REJECTS = "card.json", "windows.parquet", "README.md", "rejects.csv"
_ORDER = b"redqueen.order"  # in the metadata of windows.parquet: digest of the ids in the order of the table
_SLICE = 1 << 16  # rows that are Python objects at one time


@dataclass(frozen=True)
class Corpus:
    """A finished corpus, opened by `Corpus.open`; what is asked for is read when it is asked for."""

    folder: Path
    card: Mapping[str, Any]
    known: pa.Table = field(repr=False)  # the columns of the digest, in shard order

    @classmethod
    def open(cls, folder: Path) -> "Corpus":
        """Open a corpus folder.

        Raises:
            UserError: it is none, or one of another version.
            DigestError: the rows are not those of its card.
        """
        if not (folder / CARD).exists():
            raise UserError(f"no corpus at {folder} ({CARD} is missing); build one with 'redqueen corpus build'")
        card = json.loads((folder / CARD).read_text())
        if card["schema_version"] != SCHEMA_VERSION:
            raise UserError(
                f"corpus {folder} has schema version {card['schema_version']}, and this is read: {SCHEMA_VERSION}; "
                "delete the folder and build it again"
            )
        known = _read(folder, DIGEST_COLUMNS)
        found = digest(rows_of(known))
        if found != card["digest"]:
            raise DigestError(
                f"corpus {folder}: its rows have digest {found[:12]}, its card says {card['digest'][:12]}"
            )
        return cls(folder, card, known)

    @property
    def digest(self) -> str:
        """The digest that every later artefact carries."""
        return str(self.card["digest"])

    @property
    def audit(self) -> Audit:
        """The bias audit, from the card."""
        return TypeAdapter(Audit).validate_python(self.card["audit"])

    @property
    def source_audit(self) -> Audit:
        """The same of the source's files, before any treatment: what an untreated corpus would give away."""
        return TypeAdapter(Audit).validate_python(self.card["source_audit"])

    @property
    def periods(self) -> tuple[Window, ...]:
        """The release windows that the corpus was matched and audited over, in time order."""
        return TypeAdapter(tuple[Window, ...]).validate_python(self.card["windows"])

    @cached_property
    def windows(self) -> Matched:
        """Window name -> its matched rows (both classes, all splits), (n,) bool in table order."""
        table = pq.ParquetFile(self.folder / WINDOWS).read()
        if (table.schema.metadata or {}).get(_ORDER) != _order(self.known):
            raise DigestError(f"corpus {self.folder}: its rows are not in the order of {WINDOWS}; build it again")
        return {name: table.column(name).to_numpy() for name in table.column_names}

    @cached_property
    def windows_digest(self) -> str:
        """Digest of which rows were matched in which window, whatever their order."""
        ids = self.known.column("image_id")
        order = np.asarray(pc.sort_indices(ids))
        total = hashlib.sha256(b"{")
        for number, name in enumerate(sorted(self.windows)):
            total.update(f"{',' * bool(number)}{json.dumps(name)}:[".encode())
            total.update(b",".join(_quoted(ids, order[self.windows[name][order]])))
            total.update(b"]")
        total.update(b"}")
        return total.hexdigest()

    @cached_property
    def table(self) -> pa.Table:
        """Every column but the pictures, in shard order."""
        return _read(self.folder, [name for name in COLUMNS.names if name != "image"])

    @cached_property
    def metadata(self) -> pa.Table:
        """The columns that a metadata-only cheat could see."""
        return _read(self.folder, METADATA_COLUMNS)

    def column(self, name: str) -> NDArray[Any]:
        """One column of the table as numpy, not to be written to: numbers, or objects for text."""
        if name not in self._columns:
            if name not in COLUMNS.names or name == "image":
                raise unknown("column", name, [other for other in COLUMNS.names if other != "image"])
            table = self.known if name in self.known.column_names else _read(self.folder, [name])
            values = np.asarray(table.column(name).to_numpy(zero_copy_only=False))
            values.flags.writeable = False
            self._columns[name] = values
        return self._columns[name]

    @cached_property
    def _columns(self) -> dict[str, NDArray[Any]]:
        return {}

    def rows(self, split: str, windows: Sequence[str]) -> NDArray[np.int64]:
        """Indices of the matched rows of these windows that lie in `split`, in table order."""
        chosen: Mask = np.zeros(self.known.num_rows, bool)
        for name in windows:
            if name not in self.windows:
                raise unknown("window", name, self.windows)
            chosen |= self.windows[name]
        found: NDArray[np.int64] = np.flatnonzero(chosen & (self.column("split") == split)).astype(np.int64)
        return found

    def encoded(self, row: int) -> bytes:
        """The encoded bytes of one picture; raises DigestError where they are not those that its id names."""
        data = self._pictures[int(row)]
        known = self.known.column("image_id")[int(row)].as_py()
        if image_id(data) != known:
            raise DigestError(
                f"corpus {self.folder}: the bytes of picture {known[:12]} have sha256 {image_id(data)[:12]}: "
                "they were changed; get the corpus again"
            )
        return data

    def pixels(self, row: int) -> NDArray[np.uint8]:
        """One decoded picture, (height, width, 3) uint8."""
        return pixels(self.encoded(row))

    @cached_property
    def _pictures(self) -> Pictures:
        return Pictures(shards(self.folder))


def write_windows(folder: Path, ids: pa.Table, matched: Matched) -> None:
    """Write which rows serve which window: a column of bits each, in the order of `ids` (a table with `image_id`)."""
    table = pa.table({name: pa.array(mask) for name, mask in matched.items()})
    write_table(folder / WINDOWS, table.replace_schema_metadata({_ORDER: _order(ids)}))


def rows_of(table: pa.Table) -> Iterator[dict[str, Any]]:
    """The rows one by one, a slice of them in memory."""
    for batch in table.to_batches(max_chunksize=_SLICE):
        yield from batch.to_pylist()


def _read(folder: Path, columns: Iterable[str]) -> pa.Table:
    names = list(columns)
    paths = shards(folder)
    if not paths:
        raise UserError(f"corpus {folder} has no shards; delete the folder and build it again")
    return pa.concat_tables([read_columns(path, names) for path in paths])


def _order(table: pa.Table) -> bytes:
    total = hashlib.sha256()
    for batch in table.select(["image_id"]).to_batches(max_chunksize=_SLICE):
        total.update("".join(batch.column(0).to_pylist()).encode())
    return total.hexdigest().encode()


def _quoted(ids: pa.ChunkedArray, rows: NDArray[np.int64]) -> Iterator[bytes]:
    for start in range(0, len(rows), _SLICE):
        found = ids.take(pa.array(rows[start : start + _SLICE])).to_pylist()
        yield ",".join(f'"{one}"' for one in found).encode()
