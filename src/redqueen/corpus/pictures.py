"""Pictures at random, straight from the Parquet shards: a row group at a time, the latest ones kept."""

import threading
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

KEPT = 8  # row groups in memory, of half a megabyte each unless pictures are large
_OPEN = 16  # files


class Pictures:
    """The encoded pictures of some shards by their place in all of them; may be shared by threads and processes."""

    def __init__(self, shards: Sequence[Path]) -> None:
        self.shards = list(shards)
        places = [(number, group, rows) for number, path in enumerate(shards) for group, rows in _row_groups(path)]
        self._places = np.asarray(places, np.int64).reshape(-1, 3)
        self._starts = np.cumsum(self._places[:, 2]) - self._places[:, 2]
        self._rows = int(self._places[:, 2].sum())
        self._lock = threading.Lock()
        self._file = lru_cache(_OPEN)(self._opened)
        self._group = lru_cache(KEPT)(self._read)

    def __reduce__(self) -> tuple[type["Pictures"], tuple[list[Path]]]:
        """Another process opens the files for itself."""
        return Pictures, (self.shards,)

    def __len__(self) -> int:
        """How many pictures there are."""
        return self._rows

    def __getitem__(self, row: int) -> bytes:
        """The encoded bytes of one picture; raises IndexError beyond the last."""
        if not 0 <= row < self._rows:
            raise IndexError(f"row {row}: the corpus has {self._rows}")
        place = int(np.searchsorted(self._starts, row, side="right")) - 1
        with self._lock:
            column = self._group(place)
        return bytes(column[row - int(self._starts[place])].as_py())

    def _read(self, place: int) -> pa.Array:
        shard, group, _ = self._places[place].tolist()
        table = self._file(shard).read_row_group(group, columns=["image.bytes"], use_threads=False)
        return table.column("image").combine_chunks().field("bytes")

    def _opened(self, shard: int) -> pq.ParquetFile:
        return pq.ParquetFile(self.shards[shard])


def _row_groups(path: Path) -> list[tuple[int, int]]:
    """Number and rows of each row group."""
    metadata = pq.read_metadata(path)
    return [(group, metadata.row_group(group).num_rows) for group in range(metadata.num_row_groups)]
