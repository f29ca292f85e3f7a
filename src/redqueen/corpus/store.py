"""A corpus on disk: Parquet shards that `datasets.load_dataset("parquet")` reads, `card.json` and `windows.json`."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pydantic import TypeAdapter

from redqueen.corpus.decode import pixels
from redqueen.corpus.schema import COLUMNS, digest
from redqueen.errors import DigestError, UserError
from redqueen.files import digest_of
from redqueen.types import Audit, Window

CARD, WINDOWS, DATA = "card.json", "windows.json", "data"


def parquet_schema() -> pa.Schema:
    """The columns, with the metadata by which `datasets` knows that `image` is a picture."""
    features = {"image": {"_type": "Image"}}
    features |= {
        field.name: {"dtype": str(field.type).replace("double", "float64"), "_type": "Value"}
        for field in COLUMNS
        if field.name != "image"
    }
    return COLUMNS.with_metadata({"huggingface": json.dumps({"info": {"features": features}})})


@dataclass(frozen=True)
class Corpus:
    """A finished corpus, opened by `Corpus.open`: `table` has every column but the pictures, in shard order."""

    folder: Path
    card: Mapping[str, Any]
    table: pa.Table

    @classmethod
    def open(cls, folder: Path) -> "Corpus":
        """Open a corpus folder; raises UserError if it is none, DigestError if the rows are not those of its card."""
        if not (folder / CARD).exists():
            raise UserError(f"no corpus at {folder} ({CARD} is missing); build one with 'redqueen corpus build'")
        card = json.loads((folder / CARD).read_text())
        columns = [name for name in COLUMNS.names if name != "image"]
        table = pa.dataset.dataset(shards(folder), format="parquet").to_table(columns=columns)
        found = digest(table.to_pylist())
        if found != card["digest"]:
            raise DigestError(
                f"corpus {folder}: its rows have digest {found[:12]}, its card says {card['digest'][:12]}"
            )
        return cls(folder, card, table)

    @property
    def digest(self) -> str:
        """The digest that every later artefact carries."""
        return str(self.card["digest"])

    @property
    def audit(self) -> Audit:
        """The bias audit, from the card."""
        return TypeAdapter(Audit).validate_python(self.card["audit"])

    @cached_property
    def windows(self) -> Mapping[str, frozenset[str]]:
        """Window name -> ids of its matched rows (both classes, all splits)."""
        found = json.loads((self.folder / WINDOWS).read_text())
        return {name: frozenset(ids) for name, ids in found["rows"].items()}

    @cached_property
    def windows_digest(self) -> str:
        """Digest of which rows were matched in which window."""
        return digest_of({name: sorted(ids) for name, ids in self.windows.items()})

    @property
    def periods(self) -> tuple[Window, ...]:
        """The release windows that the corpus was matched and audited over, in time order."""
        return TypeAdapter(tuple[Window, ...]).validate_python(self.card["windows"])

    def column(self, name: str) -> NDArray[Any]:
        """One column of the table as numpy: numbers, or objects for text."""
        return np.asarray(self.table.column(name).to_numpy(zero_copy_only=False))

    def rows(self, split: str, windows: Sequence[str]) -> NDArray[np.int64]:
        """Indices of the matched rows of these windows that lie in `split`, in table order."""
        ids = frozenset().union(*(self.windows[name] for name in windows)) if windows else frozenset()
        chosen = [
            i
            for i, (one, where) in enumerate(zip(self._ids, self._splits, strict=True))
            if where == split and one in ids
        ]
        return np.asarray(chosen, dtype=np.int64)

    @cached_property
    def _ids(self) -> list[str]:
        return list(self.table.column("image_id").to_pylist())

    @cached_property
    def _splits(self) -> list[str]:
        return list(self.table.column("split").to_pylist())

    def encoded(self, row: int) -> bytes:
        """The encoded bytes of one picture, from a memory-mapped file: memory stays flat."""
        return bytes(self._pictures[int(row)]["image"]["bytes"])

    def pixels(self, row: int) -> NDArray[np.uint8]:
        """One decoded picture, (height, width, 3) uint8."""
        return pixels(self.encoded(row))

    @cached_property
    def _pictures(self) -> Any:
        import datasets  # noqa: PLC0415  (a second to import, and only pictures need it)

        datasets.disable_progress_bars()
        files = [str(path) for path in shards(self.folder)]
        cache = str(self.folder / ".arrow")
        loaded = datasets.load_dataset("parquet", data_files=files, split="train", cache_dir=cache)
        return loaded.select_columns(["image"]).cast_column("image", datasets.Image(decode=False))


def shards(folder: Path) -> list[Path]:
    """The corpus's Parquet files in order."""
    return sorted((folder / DATA).glob("*.parquet"))


def read_parts(paths: Sequence[Path]) -> Iterator[pa.Table]:
    """Each Parquet part in turn."""
    for path in paths:
        yield pq.read_table(path)
